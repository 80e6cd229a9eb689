-- When a thread was written to last, so that threads can expire. Of writes that are there it is not
-- known: those threads go by their checkpoints.

ALTER TABLE langgraph_writes ADD COLUMN created_at TEXT
CONSTRAINT langgraph_writes_created_at_check
CHECK (created_at LIKE '____-__-__T__:__:__.______Z');

CREATE INDEX IF NOT EXISTS idx_langgraph_checkpoints_written
ON langgraph_checkpoints (created_at, thread_id);
