-- Topics that were debated by a schedule, so that none is debated twice too soon.

CREATE TABLE IF NOT EXISTS scheduled_debates (
    id TEXT NOT NULL,
    topic_hash TEXT NOT NULL,
    topic_text TEXT NOT NULL,
    platform TEXT NOT NULL,
    category TEXT,
    volume INTEGER NOT NULL DEFAULT 0,
    debate_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    consensus_reached INTEGER,
    confidence REAL,
    rounds_used INTEGER NOT NULL DEFAULT 0,
    scheduler_run_id TEXT,
    finalized_at TEXT,
    CONSTRAINT scheduled_debates_pkey PRIMARY KEY (id),
    CONSTRAINT scheduled_debates_id_check CHECK (id <> ''),
    CONSTRAINT scheduled_debates_topic_hash_check CHECK (topic_hash <> ''),
    CONSTRAINT scheduled_debates_platform_check CHECK (platform <> ''),
    CONSTRAINT scheduled_debates_volume_check CHECK (volume >= 0),
    CONSTRAINT scheduled_debates_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT scheduled_debates_consensus_reached_check CHECK (consensus_reached IN (0, 1)),
    CONSTRAINT scheduled_debates_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT scheduled_debates_rounds_used_check CHECK (rounds_used >= 0),
    CONSTRAINT scheduled_debates_finalized_at_check
    CHECK (finalized_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_scheduled_debates_topic
ON scheduled_debates (topic_hash, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_scheduled_debates_created
ON scheduled_debates (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_scheduled_debates_platform
ON scheduled_debates (platform, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_scheduled_debates_category
ON scheduled_debates (category, created_at DESC, id DESC) WHERE category IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_scheduled_debates_debate
ON scheduled_debates (debate_id) WHERE debate_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_scheduled_debates_pending
ON scheduled_debates (created_at DESC, id DESC)
WHERE debate_id IS NOT NULL AND consensus_reached IS NULL;

INSERT INTO _schema_versions (module, version) VALUES ('scheduled_debates', 1)
ON CONFLICT (module) DO NOTHING;
