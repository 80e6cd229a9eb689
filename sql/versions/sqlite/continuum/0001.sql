-- Continuum memory: what is remembered, in four tiers that fade at different speeds.

CREATE TABLE IF NOT EXISTS continuum_memory (
    -- parity: column continuum_memory.row_id because rows of continuum_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    tenant_id TEXT,
    tier TEXT NOT NULL DEFAULT 'slow',
    content TEXT NOT NULL,
    content_terms TEXT,
    importance REAL NOT NULL DEFAULT 0.5,
    surprise_score REAL NOT NULL DEFAULT 0.0,
    consolidation_score REAL NOT NULL DEFAULT 0.0,
    strength REAL NOT NULL GENERATED ALWAYS AS (importance * (1.0 + surprise_score)) STORED,
    strength_band INTEGER NOT NULL GENERATED ALWAYS AS (
        cast(importance * (1.0 + surprise_score) * 16.0 AS INTEGER)
    ) STORED,
    update_count INTEGER NOT NULL DEFAULT 1,
    success_count INTEGER NOT NULL DEFAULT 0,
    failure_count INTEGER NOT NULL DEFAULT 0,
    red_line INTEGER NOT NULL DEFAULT 0,
    red_line_reason TEXT NOT NULL DEFAULT '',
    metadata TEXT NOT NULL DEFAULT '{}',
    last_promotion_at TEXT,
    last_move_at TEXT,
    last_prewarmed_at TEXT,
    expires_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT continuum_memory_id_key UNIQUE (id),
    CONSTRAINT continuum_memory_id_check CHECK (id <> ''),
    CONSTRAINT continuum_memory_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT continuum_memory_tier_check CHECK (tier IN ('fast', 'medium', 'slow', 'glacial')),
    CONSTRAINT continuum_memory_importance_check CHECK (importance BETWEEN 0 AND 1),
    CONSTRAINT continuum_memory_surprise_score_check CHECK (surprise_score BETWEEN 0 AND 1),
    CONSTRAINT continuum_memory_consolidation_score_check
    CHECK (consolidation_score BETWEEN 0 AND 1),
    CONSTRAINT continuum_memory_update_count_check CHECK (update_count >= 0),
    CONSTRAINT continuum_memory_success_count_check CHECK (success_count >= 0),
    CONSTRAINT continuum_memory_failure_count_check CHECK (failure_count >= 0),
    CONSTRAINT continuum_memory_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT continuum_memory_red_line_check CHECK (red_line IN (0, 1)),
    CONSTRAINT continuum_memory_last_promotion_at_check
    CHECK (last_promotion_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_last_move_at_check
    CHECK (last_move_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_last_prewarmed_at_check
    CHECK (last_prewarmed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_continuum_memory_band
ON continuum_memory (tier, strength_band, updated_at DESC, id);
CREATE INDEX IF NOT EXISTS idx_continuum_memory_tenant_band
ON continuum_memory (tenant_id, tier, strength_band, updated_at DESC, id)
WHERE tenant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_updated
ON continuum_memory (tier, updated_at DESC);
CREATE INDEX IF NOT EXISTS idx_continuum_memory_importance
ON continuum_memory (tier, importance DESC, updated_at DESC);
-- what consolidation looks through: entries with enough outcomes
CREATE INDEX IF NOT EXISTS idx_continuum_memory_surprise
ON continuum_memory (tier, surprise_score DESC) WHERE update_count >= 10;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_red_line
ON continuum_memory (created_at) WHERE red_line;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_expires
ON continuum_memory (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_continuum_memory_created ON continuum_memory (created_at DESC);

-- What contents are searched by. External content: the words are stored once, in the table.
-- parity: table continuum_contents because PostgreSQL searches in continuum_memory.content_vector
CREATE VIEW IF NOT EXISTS continuum_contents AS
SELECT
    row_id,
    coalesce(content_terms, content) AS terms
FROM continuum_memory;

-- parity: table continuum_search because PostgreSQL searches in continuum_memory.content_vector
CREATE VIRTUAL TABLE IF NOT EXISTS continuum_search USING fts5 (
    terms,
    content = 'continuum_contents',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS continuum_search_insert AFTER INSERT ON continuum_memory
BEGIN
    INSERT INTO continuum_search (rowid, terms)
    VALUES (new.row_id, coalesce(new.content_terms, new.content));
END;

CREATE TRIGGER IF NOT EXISTS continuum_search_delete AFTER DELETE ON continuum_memory
BEGIN
    INSERT INTO continuum_search (continuum_search, rowid, terms)
    VALUES ('delete', old.row_id, coalesce(old.content_terms, old.content));
END;

CREATE TRIGGER IF NOT EXISTS continuum_search_update
AFTER UPDATE OF row_id, content, content_terms ON continuum_memory
BEGIN
    INSERT INTO continuum_search (continuum_search, rowid, terms)
    VALUES ('delete', old.row_id, coalesce(old.content_terms, old.content));
    INSERT INTO continuum_search (rowid, terms)
    VALUES (new.row_id, coalesce(new.content_terms, new.content));
END;

CREATE TABLE IF NOT EXISTS continuum_vectors (
    memory_id TEXT NOT NULL,
    dims INTEGER NOT NULL,
    vector TEXT NOT NULL,
    CONSTRAINT continuum_vectors_pkey PRIMARY KEY (memory_id),
    CONSTRAINT continuum_vectors_memory_id_fkey
    FOREIGN KEY (memory_id) REFERENCES continuum_memory (id) ON DELETE CASCADE,
    CONSTRAINT continuum_vectors_dims_check CHECK (dims >= 1),
    CONSTRAINT continuum_vectors_vector_check
    CHECK (json_valid(vector) AND json_type(vector) = 'array')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_continuum_vectors_dims ON continuum_vectors (dims);

CREATE TABLE IF NOT EXISTS continuum_references (
    memory_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    CONSTRAINT continuum_references_pkey PRIMARY KEY (memory_id, node_id),
    CONSTRAINT continuum_references_memory_id_fkey
    FOREIGN KEY (memory_id) REFERENCES continuum_memory (id) ON DELETE CASCADE,
    CONSTRAINT continuum_references_node_id_check CHECK (node_id <> '')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_continuum_references_node_id
ON continuum_references (node_id);

CREATE TABLE IF NOT EXISTS tier_transitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    memory_id TEXT NOT NULL,
    tenant_id TEXT,
    from_tier TEXT NOT NULL,
    to_tier TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    surprise_score REAL NOT NULL DEFAULT 0.0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT tier_transitions_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_tier_transitions_memory_id
ON tier_transitions (memory_id, created_at DESC);

CREATE TABLE IF NOT EXISTS continuum_memory_archive (
    archive_id INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    tenant_id TEXT,
    tier TEXT NOT NULL,
    content TEXT NOT NULL,
    importance REAL NOT NULL,
    surprise_score REAL NOT NULL,
    consolidation_score REAL NOT NULL,
    update_count INTEGER NOT NULL,
    success_count INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    red_line INTEGER NOT NULL,
    red_line_reason TEXT NOT NULL,
    metadata TEXT NOT NULL,
    last_promotion_at TEXT,
    expires_at TEXT,
    cross_references TEXT NOT NULL DEFAULT '[]',
    vector TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    archived_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    archive_reason TEXT NOT NULL DEFAULT '',
    CONSTRAINT continuum_memory_archive_metadata_check CHECK (json_valid(metadata)),
    CONSTRAINT continuum_memory_archive_cross_references_check CHECK (json_valid(cross_references)),
    CONSTRAINT continuum_memory_archive_vector_check CHECK (vector IS NULL OR json_valid(vector)),
    CONSTRAINT continuum_memory_archive_red_line_check CHECK (red_line IN (0, 1)),
    CONSTRAINT continuum_memory_archive_last_promotion_at_check
    CHECK (last_promotion_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_archive_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_archive_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT continuum_memory_archive_archived_at_check
    CHECK (archived_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_continuum_memory_archive_id
ON continuum_memory_archive (id, archived_at DESC);

INSERT INTO _schema_versions (module, version) VALUES ('continuum', 1)
ON CONFLICT (module) DO NOTHING;
