-- Index of debates.

CREATE INDEX IF NOT EXISTS idx_consensus_debate_id
ON consensus (debate_id) WHERE debate_id IS NOT NULL;
