-- What came of requests for decisions, for as long as it is kept, with every version that was saved.
--
-- A version is written once: triggers refuse to change it, and to delete it while its result is
-- there.
-- needs: consensus, critique, checkpoints because the dossier of a debate is read from them too

-- meaning: values of decision_results.debate_id ["d1", "d2", null] because few debates have many results
-- meaning: values of decision_results.org_id ["o1", "o2", null] because few organizations have many results
-- meaning: values of decision_results.workspace_id ["w1", "w2", null] because few workspaces have many results
-- meaning: values of decision_results.search_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", "delta", ""] because the store writes words

CREATE TABLE IF NOT EXISTS decision_results (
    request_id TEXT COLLATE "C" NOT NULL,
    debate_id TEXT COLLATE "C",
    org_id TEXT COLLATE "C",
    workspace_id TEXT COLLATE "C",
    status TEXT NOT NULL DEFAULT 'unknown',
    result JSONB NOT NULL DEFAULT '{}'::jsonb,
    error TEXT,
    extra JSONB NOT NULL DEFAULT '{}'::jsonb,
    version INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    completed_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL,
    search_terms TEXT NOT NULL DEFAULT '',
    -- parity: column decision_results.search_vector because SQLite searches in decision_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(search_terms, ' '), ''))
    ) STORED,
    CONSTRAINT decision_results_pkey PRIMARY KEY (request_id),
    CONSTRAINT decision_results_request_id_check CHECK (request_id <> ''),
    CONSTRAINT decision_results_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT decision_results_org_id_check CHECK (org_id <> ''),
    CONSTRAINT decision_results_status_check CHECK (status <> ''),
    CONSTRAINT decision_results_result_check CHECK (jsonb_typeof(result) = 'object'),
    CONSTRAINT decision_results_extra_check CHECK (jsonb_typeof(extra) = 'object'),
    CONSTRAINT decision_results_version_check CHECK (version >= 1)
);

CREATE INDEX IF NOT EXISTS idx_decision_results_created
ON decision_results (created_at DESC, request_id DESC);
CREATE INDEX IF NOT EXISTS idx_decision_results_status
ON decision_results (status, created_at DESC, request_id DESC);
CREATE INDEX IF NOT EXISTS idx_decision_results_expires
ON decision_results (expires_at, request_id);
CREATE INDEX IF NOT EXISTS idx_decision_results_debate
ON decision_results (debate_id, created_at DESC, request_id DESC) WHERE debate_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_decision_results_org
ON decision_results (org_id, created_at DESC, request_id DESC) WHERE org_id IS NOT NULL;
-- parity: index decision_results.idx_decision_results_search because SQLite searches in decision_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_decision_results_search
ON decision_results USING gin (search_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS decision_versions (
    request_id TEXT COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    result JSONB NOT NULL,
    error TEXT,
    extra JSONB NOT NULL,
    completed_at TIMESTAMPTZ,
    saved_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT decision_versions_pkey PRIMARY KEY (request_id, version),
    CONSTRAINT decision_versions_request_id_fkey
    FOREIGN KEY (request_id) REFERENCES decision_results (request_id) ON DELETE CASCADE,
    CONSTRAINT decision_versions_version_check CHECK (version >= 1),
    CONSTRAINT decision_versions_result_check CHECK (jsonb_typeof(result) = 'object'),
    CONSTRAINT decision_versions_extra_check CHECK (jsonb_typeof(extra) = 'object')
);

-- What is refused is refused as the breaking of a rule, as on SQLite. When a result goes, it is gone
-- before its versions are.
CREATE OR REPLACE FUNCTION decisions_refuse_change() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
DECLARE
    is_kept BOOLEAN := TRUE;
BEGIN
    IF tg_op = 'DELETE' THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT 1 FROM %I.decision_results AS r WHERE r.request_id = $1)',
            tg_table_schema
        ) INTO is_kept USING old.request_id;
    END IF;
    IF is_kept THEN
        RAISE EXCEPTION '% of % is refused: versions of decisions stay as they are',
            tg_op, tg_table_name
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN old;
END
$$;

DROP TRIGGER IF EXISTS decision_versions_unchanged ON decision_versions;
CREATE TRIGGER decision_versions_unchanged
BEFORE UPDATE OR DELETE ON decision_versions
FOR EACH ROW EXECUTE FUNCTION decisions_refuse_change();
DROP TRIGGER IF EXISTS decision_versions_kept ON decision_versions;
CREATE TRIGGER decision_versions_kept
BEFORE TRUNCATE ON decision_versions
FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse_change();

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE decision_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_versions ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON decision_results, decision_versions FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE decision_results IS 'What came of a request for a decision, as it was saved last, until it expires.';
COMMENT ON COLUMN decision_results.request_id IS 'Identifier of the request, given by the application.';
COMMENT ON COLUMN decision_results.debate_id IS 'The debate that led to it, where there was one. It may be one that no store keeps, so no foreign key leads there.';
COMMENT ON COLUMN decision_results.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN decision_results.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN decision_results.status IS 'How the request stands, in the application''s own words; unknown when nothing was said.';
COMMENT ON COLUMN decision_results.result IS 'The result: a document.';
COMMENT ON COLUMN decision_results.error IS 'What went wrong.';
COMMENT ON COLUMN decision_results.extra IS 'Whatever else was saved, and has no column.';
COMMENT ON COLUMN decision_results.version IS 'Number of the last version; grows by 1 with each save.';
COMMENT ON COLUMN decision_results.created_at IS 'When the request was made; never changes.';
COMMENT ON COLUMN decision_results.completed_at IS 'When it was completed.';
COMMENT ON COLUMN decision_results.expires_at IS 'When it is over, and the clean-up deletes it with its versions; each save begins anew.';
COMMENT ON COLUMN decision_results.search_terms IS 'Search terms of the texts in result and error, normalised by the store and joined by blanks.';
COMMENT ON COLUMN decision_results.search_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE decision_versions IS 'What each save of a request brought. Rows are never changed, and go with their result only.';
COMMENT ON COLUMN decision_versions.request_id IS 'The request.';
COMMENT ON COLUMN decision_versions.version IS 'Number of the version, from 1 on.';
COMMENT ON COLUMN decision_versions.status IS 'How the request stood.';
COMMENT ON COLUMN decision_versions.result IS 'The result: a document.';
COMMENT ON COLUMN decision_versions.error IS 'What went wrong.';
COMMENT ON COLUMN decision_versions.extra IS 'Whatever else was saved, and has no column.';
COMMENT ON COLUMN decision_versions.completed_at IS 'When the request was completed.';
COMMENT ON COLUMN decision_versions.saved_at IS 'When the version was saved.';

INSERT INTO _schema_versions (module, version) VALUES ('decisions', 1)
ON CONFLICT (module) DO NOTHING;
