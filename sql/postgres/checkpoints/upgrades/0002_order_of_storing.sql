-- Checkpoints are ordered as they were stored, not by the clocks of the hosts that took them. Those that
-- are there keep the order that they have.
-- check: squawk require-concurrent-index-creation because all of it is one transaction
-- check: squawk require-concurrent-index-deletion because all of it is one transaction
-- check: upgrade-lock of workflow_checkpoints because all of it is one transaction
-- check: upgrade-lock of debate_checkpoints because all of it is one transaction

UPDATE workflow_checkpoints
SET stored_at = created_at
WHERE stored_at <> created_at;

UPDATE debate_checkpoints
SET stored_at = created_at
WHERE stored_at <> created_at;

CREATE INDEX IF NOT EXISTS idx_workflow_checkpoints_stored
ON workflow_checkpoints (workflow_id, stored_at, sequence);
CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_stored_debate
ON debate_checkpoints (debate_id, stored_at, checkpoint_id COLLATE "C");
CREATE INDEX IF NOT EXISTS idx_debate_checkpoints_stored
ON debate_checkpoints (stored_at, checkpoint_id COLLATE "C");

DROP INDEX IF EXISTS idx_workflow_checkpoints_workflow;
DROP INDEX IF EXISTS idx_debate_checkpoints_debate;
DROP INDEX IF EXISTS idx_debate_checkpoints_created;

COMMENT ON COLUMN workflow_checkpoints.sequence IS 'Grows with each checkpoint; breaks ties of stored_at.';
COMMENT ON COLUMN workflow_checkpoints.stored_at IS 'When it was stored, later than all of the workflow before it: their order. Of one from an older system created_at.';
COMMENT ON COLUMN debate_checkpoints.stored_at IS 'When it was stored first, later than all of the debate before it: their order. Of one from an older system created_at.';
