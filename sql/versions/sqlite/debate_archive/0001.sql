-- Debates that have ended, each with the whole of what was said and done in it.
--
-- needs: critique because a debate that the critique store has too is linked to it

CREATE TABLE IF NOT EXISTS debate_archive (
    -- parity: column debate_archive.row_id because rows of debate_archive_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    task TEXT NOT NULL,
    agents TEXT NOT NULL DEFAULT '[]',
    artifact_json TEXT NOT NULL,
    consensus_reached INTEGER NOT NULL DEFAULT 0,
    confidence REAL NOT NULL DEFAULT 0,
    view_count INTEGER NOT NULL DEFAULT 0,
    audio_path TEXT,
    audio_generated_at TEXT,
    audio_duration_seconds INTEGER,
    org_id TEXT,
    is_public INTEGER NOT NULL DEFAULT 0,
    critique_debate_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT debate_archive_pkey UNIQUE (id),
    CONSTRAINT debate_archive_slug_key UNIQUE (slug),
    CONSTRAINT debate_archive_critique_debate_id_fkey
    FOREIGN KEY (critique_debate_id) REFERENCES debates (id) ON DELETE SET NULL,
    CONSTRAINT debate_archive_id_check CHECK (id <> ''),
    CONSTRAINT debate_archive_slug_check CHECK (slug <> ''),
    CONSTRAINT debate_archive_agents_check
    CHECK (json_valid(agents) AND json_type(agents) = 'array'),
    CONSTRAINT debate_archive_artifact_json_check
    CHECK (json_valid(artifact_json) AND json_type(artifact_json) = 'object'),
    CONSTRAINT debate_archive_consensus_reached_check CHECK (consensus_reached IN (0, 1)),
    CONSTRAINT debate_archive_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT debate_archive_view_count_check CHECK (view_count >= 0),
    CONSTRAINT debate_archive_audio_duration_seconds_check CHECK (audio_duration_seconds >= 0),
    CONSTRAINT debate_archive_org_id_check CHECK (org_id <> ''),
    CONSTRAINT debate_archive_is_public_check CHECK (is_public IN (0, 1)),
    CONSTRAINT debate_archive_audio_generated_at_check
    CHECK (audio_generated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT debate_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_debate_archive_created
ON debate_archive (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_debate_archive_org
ON debate_archive (org_id, created_at DESC, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_debate_archive_critique_debate_id
ON debate_archive (critique_debate_id);

-- External content: the words are stored once, in the table.
-- parity: table debate_archive_search because PostgreSQL searches in debate_archive.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS debate_archive_search USING fts5 (
    search_terms,
    content = 'debate_archive',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS debate_archive_search_insert AFTER INSERT ON debate_archive
BEGIN
    INSERT INTO debate_archive_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS debate_archive_search_delete AFTER DELETE ON debate_archive
BEGIN
    INSERT INTO debate_archive_search (debate_archive_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS debate_archive_search_update
AFTER UPDATE OF row_id, search_terms ON debate_archive
BEGIN
    INSERT INTO debate_archive_search (debate_archive_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO debate_archive_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

INSERT INTO _schema_versions (module, version) VALUES ('debate_archive', 1)
ON CONFLICT (module) DO NOTHING;
