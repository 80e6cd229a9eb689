-- When a thread was written to last, so that threads can expire. Of writes that are there it is not
-- known: those threads go by their checkpoints.
-- check: squawk require-concurrent-index-creation because all of it is one transaction
-- check: upgrade-lock of langgraph_writes because all of it is one transaction

ALTER TABLE langgraph_writes ADD COLUMN created_at TIMESTAMPTZ;
COMMENT ON COLUMN langgraph_writes.created_at IS 'When the row was written; NULL where that is not known.';

CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_written
ON langgraph_checkpoints (created_at, thread_id);
