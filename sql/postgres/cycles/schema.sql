-- Cycles of self-improvement: what was debated, what came of it, what agents contributed.

-- meaning: values of cycles.cycle_id ["c1", "c2", "c3", "c4"] because calls ask for known cycles
-- meaning: values of cycles.search_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", "delta", ""] because the store writes words

CREATE TABLE IF NOT EXISTS cycles (
    cycle_id TEXT COLLATE "C" NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    duration_seconds DOUBLE PRECISION,
    success BOOLEAN NOT NULL DEFAULT FALSE,
    topics JSONB NOT NULL DEFAULT '[]'::jsonb,
    data JSONB NOT NULL,
    search_terms TEXT NOT NULL DEFAULT '',
    -- parity: column cycles.search_vector because SQLite searches in cycle_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT cycles_pkey PRIMARY KEY (cycle_id),
    CONSTRAINT cycles_cycle_id_check CHECK (cycle_id <> ''),
    CONSTRAINT cycles_duration_seconds_check
    CHECK (duration_seconds BETWEEN 0 AND '1e300'::double precision),
    CONSTRAINT cycles_topics_check CHECK (jsonb_typeof(topics) = 'array'),
    CONSTRAINT cycles_data_check CHECK (jsonb_typeof(data) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_cycles_started ON cycles (started_at DESC, cycle_id DESC);
CREATE INDEX IF NOT EXISTS idx_cycles_success
ON cycles (started_at DESC, cycle_id DESC) WHERE success;
-- parity: index cycles.idx_cycles_search because SQLite searches in cycle_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_cycles_search
ON cycles USING gin (search_vector) WITH (fastupdate = off);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE cycles ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON cycles FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE cycles IS 'Cycles of self-improvement.';
COMMENT ON COLUMN cycles.cycle_id IS 'Identifier, given by the application.';
COMMENT ON COLUMN cycles.started_at IS 'When it began.';
COMMENT ON COLUMN cycles.completed_at IS 'When it ended; NULL while it goes on.';
COMMENT ON COLUMN cycles.duration_seconds IS 'How long it took, in seconds.';
COMMENT ON COLUMN cycles.success IS 'Whether it succeeded.';
COMMENT ON COLUMN cycles.topics IS 'What was debated: texts.';
COMMENT ON COLUMN cycles.data IS 'The whole record: a document. The other columns are made of it.';
COMMENT ON COLUMN cycles.search_terms IS 'Search terms of the topics, normalised by the store and joined by blanks.';
COMMENT ON COLUMN cycles.search_vector IS 'Search terms as a text search vector.';

INSERT INTO _schema_versions (module, version) VALUES ('cycles', 1)
ON CONFLICT (module) DO NOTHING;
