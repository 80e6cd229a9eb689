-- Smaller indexes; small and new values are in the checkpoint itself. Rows that are there stay as they
-- are, and are read as before.
-- check: squawk require-concurrent-index-creation because all of it is one transaction
-- check: squawk require-concurrent-index-deletion because all of it is one transaction
-- check: upgrade-lock of langgraph_checkpoints because all of it is one transaction

DROP INDEX idx_langgraph_checkpoints_id;
CREATE INDEX idx_langgraph_checkpoints_id ON langgraph_checkpoints (checkpoint_id);
DROP INDEX idx_langgraph_checkpoints_written;
CREATE INDEX idx_langgraph_checkpoints_written ON langgraph_checkpoints (created_at);

COMMENT ON TABLE langgraph_checkpoints IS 'A checkpoint of a LangGraph thread; the larger values of its channels are in langgraph_values.';
COMMENT ON COLUMN langgraph_checkpoints.channel_versions IS 'Version by channel: which rows of langgraph_values belong to it; null where content has the value.';
COMMENT ON COLUMN langgraph_checkpoints.content IS 'The serialised checkpoint, with its small and its new values.';
