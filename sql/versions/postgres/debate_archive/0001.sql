-- Debates that have ended, each with the whole of what was said and done in it.
--
-- needs: critique because a debate that the critique store has too is linked to it

-- meaning: values of debate_archive.id ["d1", "d2", "d3", "d4"] because calls ask for known debates
-- meaning: values of debate_archive.slug ["a-2026-01-02", "a-2026-01-02-2", "a-2026-01-02-10", "b-2026-01-02"] because the store writes it so
-- meaning: values of debate_archive.org_id ["o1", "o2", null] because few organizations have many debates
-- meaning: values of debate_archive.search_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", "delta", ""] because the store writes words

CREATE TABLE IF NOT EXISTS debate_archive (
    id TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    task TEXT NOT NULL,
    agents JSONB NOT NULL DEFAULT '[]'::jsonb,
    artifact_json JSONB NOT NULL,
    consensus_reached BOOLEAN NOT NULL DEFAULT FALSE,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0,
    view_count BIGINT NOT NULL DEFAULT 0,
    audio_path TEXT,
    audio_generated_at TIMESTAMPTZ,
    audio_duration_seconds INTEGER,
    org_id TEXT COLLATE "C",
    is_public BOOLEAN NOT NULL DEFAULT FALSE,
    critique_debate_id TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    search_terms TEXT NOT NULL DEFAULT '',
    -- parity: column debate_archive.search_vector because SQLite searches in debate_archive_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT debate_archive_pkey PRIMARY KEY (id),
    CONSTRAINT debate_archive_slug_key UNIQUE (slug),
    CONSTRAINT debate_archive_critique_debate_id_fkey
    FOREIGN KEY (critique_debate_id) REFERENCES debates (id) ON DELETE SET NULL,
    CONSTRAINT debate_archive_id_check CHECK (id <> ''),
    CONSTRAINT debate_archive_slug_check CHECK (slug <> ''),
    CONSTRAINT debate_archive_agents_check CHECK (jsonb_typeof(agents) = 'array'),
    CONSTRAINT debate_archive_artifact_json_check CHECK (jsonb_typeof(artifact_json) = 'object'),
    CONSTRAINT debate_archive_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT debate_archive_view_count_check CHECK (view_count >= 0),
    CONSTRAINT debate_archive_audio_duration_seconds_check CHECK (audio_duration_seconds >= 0),
    CONSTRAINT debate_archive_org_id_check CHECK (org_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_debate_archive_created
ON debate_archive (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_debate_archive_org
ON debate_archive (org_id, created_at DESC, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_debate_archive_critique_debate_id
ON debate_archive (critique_debate_id);
-- parity: index debate_archive.idx_debate_archive_search because SQLite searches in debate_archive_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_debate_archive_search
ON debate_archive USING gin (search_vector) WITH (fastupdate = off);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE debate_archive ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON debate_archive FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE debate_archive IS 'Debates that have ended, each with its whole artifact.';
COMMENT ON COLUMN debate_archive.id IS 'Identifier of the debate; the slug where the application gave none.';
COMMENT ON COLUMN debate_archive.slug IS 'Name in permalinks: words of the task and the date, with a number where others have the same.';
COMMENT ON COLUMN debate_archive.task IS 'The question.';
COMMENT ON COLUMN debate_archive.agents IS 'Names of the agents that took part.';
COMMENT ON COLUMN debate_archive.artifact_json IS 'The whole debate: a document.';
COMMENT ON COLUMN debate_archive.consensus_reached IS 'Whether the agents agreed.';
COMMENT ON COLUMN debate_archive.confidence IS 'Confidence in the answer, 0 to 1.';
COMMENT ON COLUMN debate_archive.view_count IS 'How often it was read by its slug.';
COMMENT ON COLUMN debate_archive.audio_path IS 'Where its audio is; NULL while there is none.';
COMMENT ON COLUMN debate_archive.audio_generated_at IS 'When the audio was made.';
COMMENT ON COLUMN debate_archive.audio_duration_seconds IS 'How long the audio is, in seconds.';
COMMENT ON COLUMN debate_archive.org_id IS 'Organization that it belongs to; the tenant key. NULL for none.';
COMMENT ON COLUMN debate_archive.is_public IS 'Whether everybody may read it.';
COMMENT ON COLUMN debate_archive.critique_debate_id IS 'The same debate in the critique store; NULL where that does not have it.';
COMMENT ON COLUMN debate_archive.created_at IS 'When it was stored.';
COMMENT ON COLUMN debate_archive.search_terms IS 'Search terms of task and slug, normalised by the store and joined by blanks.';
COMMENT ON COLUMN debate_archive.search_vector IS 'Search terms as a text search vector.';

INSERT INTO _schema_versions (module, version) VALUES ('debate_archive', 1)
ON CONFLICT (module) DO NOTHING;
