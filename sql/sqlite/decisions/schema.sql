-- What came of requests for decisions, for as long as it is kept, with every version that was saved.
--
-- A version is written once: triggers refuse to change it, and to delete it while its result is
-- there.
-- needs: consensus, critique, checkpoints because the dossier of a debate is read from them too

CREATE TABLE IF NOT EXISTS decision_results (
    -- parity: column decision_results.row_id because rows of decision_search are numbered
    row_id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    debate_id TEXT,
    org_id TEXT,
    workspace_id TEXT,
    status TEXT NOT NULL DEFAULT 'unknown',
    result TEXT NOT NULL DEFAULT '{}',
    error TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    completed_at TEXT,
    expires_at TEXT NOT NULL,
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT decision_results_pkey UNIQUE (request_id),
    CONSTRAINT decision_results_request_id_check CHECK (request_id <> ''),
    CONSTRAINT decision_results_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT decision_results_org_id_check CHECK (org_id <> ''),
    CONSTRAINT decision_results_status_check CHECK (status <> ''),
    CONSTRAINT decision_results_result_check
    CHECK (json_valid(result) AND json_type(result) = 'object'),
    CONSTRAINT decision_results_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT decision_results_version_check CHECK (version >= 1),
    CONSTRAINT decision_results_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT decision_results_completed_at_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT decision_results_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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

-- External content: the words are stored once, in the table.
-- parity: table decision_search because PostgreSQL searches in decision_results.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS decision_search USING fts5 (
    search_terms,
    content = 'decision_results',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS decision_search_insert AFTER INSERT ON decision_results
BEGIN
    INSERT INTO decision_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS decision_search_delete AFTER DELETE ON decision_results
BEGIN
    INSERT INTO decision_search (decision_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS decision_search_update
AFTER UPDATE OF row_id, search_terms ON decision_results
BEGIN
    INSERT INTO decision_search (decision_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO decision_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TABLE IF NOT EXISTS decision_versions (
    request_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    result TEXT NOT NULL,
    error TEXT,
    extra TEXT NOT NULL,
    completed_at TEXT,
    saved_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT decision_versions_pkey PRIMARY KEY (request_id, version),
    CONSTRAINT decision_versions_request_id_fkey
    FOREIGN KEY (request_id) REFERENCES decision_results (request_id) ON DELETE CASCADE,
    CONSTRAINT decision_versions_version_check CHECK (version >= 1),
    CONSTRAINT decision_versions_result_check
    CHECK (json_valid(result) AND json_type(result) = 'object'),
    CONSTRAINT decision_versions_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT decision_versions_completed_at_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT decision_versions_saved_at_check CHECK (saved_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TRIGGER IF NOT EXISTS decision_versions_unchanged BEFORE UPDATE ON decision_versions
BEGIN
    SELECT raise(ABORT, 'UPDATE of decision_versions is refused: versions stay as they are');
END;

-- When a result goes, it is gone before its versions are.
CREATE TRIGGER IF NOT EXISTS decision_versions_kept BEFORE DELETE ON decision_versions
WHEN EXISTS (SELECT 1 FROM decision_results AS r WHERE r.request_id = old.request_id)
BEGIN
    SELECT raise(ABORT, 'DELETE of decision_versions is refused: versions stay as they are');
END;

INSERT INTO _schema_versions (module, version) VALUES ('decisions', 1)
ON CONFLICT (module) DO NOTHING;
