-- Checkpoints are ordered as they were stored, not by the clocks of the hosts that took them. Those that
-- are there keep the order that they have.

UPDATE workflow_checkpoints
SET stored_at = created_at
WHERE stored_at <> created_at;

UPDATE debate_checkpoints
SET stored_at = created_at
WHERE stored_at <> created_at;

CREATE INDEX IF NOT EXISTS idx_workflow_checkpoints_stored
ON workflow_checkpoints (workflow_id, stored_at, sequence);
CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_stored_debate
ON debate_checkpoints (debate_id, stored_at, checkpoint_id);
CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_stored
ON debate_checkpoints (stored_at, checkpoint_id);

DROP INDEX IF EXISTS idx_workflow_checkpoints_workflow;
DROP INDEX IF EXISTS idx_debate_checkpoints_debate;
DROP INDEX IF EXISTS idx_debate_checkpoints_created;
