-- Index of debates.

-- transaction: none because CREATE INDEX CONCURRENTLY can't run in one
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_consensus_debate_id
ON consensus (debate_id) WHERE debate_id IS NOT NULL;
