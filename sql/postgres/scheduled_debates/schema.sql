-- Topics that were debated by a schedule, so that none is debated twice too soon.

-- meaning: values of scheduled_debates.topic_hash ["h1", "h2", "h3"] because topics come again
-- meaning: values of scheduled_debates.platform ["reddit", "hackernews"] because there are few platforms
-- meaning: values of scheduled_debates.category ["tech", "health", null] because there are few categories
-- meaning: values of scheduled_debates.debate_id ["d1", "d2", "d3", null] because outcomes are of debates
-- meaning: values of scheduled_debates.confidence [0.25, 0.5, 1.0, null] because their mean is exact

CREATE TABLE IF NOT EXISTS scheduled_debates (
    id TEXT COLLATE "C" NOT NULL,
    topic_hash TEXT COLLATE "C" NOT NULL,
    topic_text TEXT NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C",
    volume BIGINT NOT NULL DEFAULT 0,
    debate_id TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    consensus_reached BOOLEAN,
    confidence DOUBLE PRECISION,
    rounds_used INTEGER NOT NULL DEFAULT 0,
    scheduler_run_id TEXT,
    finalized_at TIMESTAMPTZ,
    CONSTRAINT scheduled_debates_pkey PRIMARY KEY (id),
    CONSTRAINT scheduled_debates_id_check CHECK (id <> ''),
    CONSTRAINT scheduled_debates_topic_hash_check CHECK (topic_hash <> ''),
    CONSTRAINT scheduled_debates_platform_check CHECK (platform <> ''),
    CONSTRAINT scheduled_debates_volume_check CHECK (volume >= 0),
    CONSTRAINT scheduled_debates_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT scheduled_debates_rounds_used_check CHECK (rounds_used >= 0)
);

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

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE scheduled_debates ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON scheduled_debates FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE scheduled_debates IS 'Topics that were debated, or that a scheduler tried to have debated.';
COMMENT ON COLUMN scheduled_debates.id IS 'Identifier.';
COMMENT ON COLUMN scheduled_debates.topic_hash IS 'Hash of the topic, by which it is known again: the first 16 hexadecimal digits of the SHA-256 of the topic in lower case with single blanks.';
COMMENT ON COLUMN scheduled_debates.topic_text IS 'The topic.';
COMMENT ON COLUMN scheduled_debates.platform IS 'Where it came from.';
COMMENT ON COLUMN scheduled_debates.category IS 'Field of the topic.';
COMMENT ON COLUMN scheduled_debates.volume IS 'How much it was talked about.';
COMMENT ON COLUMN scheduled_debates.debate_id IS 'The debate; NULL when the attempt failed. It may be one that no store keeps, so no foreign key leads there.';
COMMENT ON COLUMN scheduled_debates.created_at IS 'When it was scheduled.';
COMMENT ON COLUMN scheduled_debates.consensus_reached IS 'Whether the debate came to a consensus; NULL while that is not known.';
COMMENT ON COLUMN scheduled_debates.confidence IS 'How sure its result is, 0 to 1.';
COMMENT ON COLUMN scheduled_debates.rounds_used IS 'Rounds that it took.';
COMMENT ON COLUMN scheduled_debates.scheduler_run_id IS 'The run of the scheduler.';
COMMENT ON COLUMN scheduled_debates.finalized_at IS 'When the outcome became known here.';

INSERT INTO _schema_versions (module, version) VALUES ('scheduled_debates', 1)
ON CONFLICT (module) DO NOTHING;
