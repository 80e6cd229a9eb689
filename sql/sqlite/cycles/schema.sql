-- Cycles of self-improvement: what was debated, what came of it, what agents contributed.

CREATE TABLE IF NOT EXISTS cycles (
    -- parity: column cycles.row_id because rows of cycle_search are numbered
    row_id INTEGER PRIMARY KEY,
    cycle_id TEXT NOT NULL,
    started_at TEXT NOT NULL,
    completed_at TEXT,
    duration_seconds REAL,
    success INTEGER NOT NULL DEFAULT 0,
    topics TEXT NOT NULL DEFAULT '[]',
    data TEXT NOT NULL,
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT cycles_pkey UNIQUE (cycle_id),
    CONSTRAINT cycles_cycle_id_check CHECK (cycle_id <> ''),
    CONSTRAINT cycles_duration_seconds_check CHECK (duration_seconds BETWEEN 0 AND 1e300),
    CONSTRAINT cycles_success_check CHECK (success IN (0, 1)),
    CONSTRAINT cycles_topics_check
    CHECK (json_valid(topics) AND json_type(topics) = 'array'),
    CONSTRAINT cycles_data_check
    CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT cycles_started_at_check CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT cycles_completed_at_check CHECK (completed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_cycles_started ON cycles (started_at DESC, cycle_id DESC);
CREATE INDEX IF NOT EXISTS idx_cycles_success
ON cycles (started_at DESC, cycle_id DESC) WHERE success;

-- External content: the words are stored once, in the table.
-- parity: table cycle_search because PostgreSQL searches in cycles.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS cycle_search USING fts5 (
    search_terms,
    content = 'cycles',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS cycle_search_insert AFTER INSERT ON cycles
BEGIN
    INSERT INTO cycle_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS cycle_search_delete AFTER DELETE ON cycles
BEGIN
    INSERT INTO cycle_search (cycle_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS cycle_search_update
AFTER UPDATE OF row_id, search_terms ON cycles
BEGIN
    INSERT INTO cycle_search (cycle_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO cycle_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

INSERT INTO _schema_versions (module, version) VALUES ('cycles', 1)
ON CONFLICT (module) DO NOTHING;
