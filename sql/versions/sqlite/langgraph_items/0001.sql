-- LangGraph's long-term memory: one row for each item, with its vectors.

CREATE TABLE IF NOT EXISTS langgraph_items (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    expires_at TEXT,
    ttl_minutes REAL,
    vector_dims INTEGER,
    vectors BLOB,
    CONSTRAINT langgraph_items_pkey PRIMARY KEY (namespace, key),
    CONSTRAINT langgraph_items_namespace_check CHECK (namespace <> '' AND namespace <> '.'),
    CONSTRAINT langgraph_items_key_check CHECK (key <> ''),
    CONSTRAINT langgraph_items_value_check
    CHECK (json_valid(value) AND json_type(value) = 'object'),
    CONSTRAINT langgraph_items_ttl_minutes_check CHECK (ttl_minutes > 0),
    CONSTRAINT langgraph_items_expires_at_check
    CHECK ((expires_at IS NULL) = (ttl_minutes IS NULL)),
    CONSTRAINT langgraph_items_vector_dims_check CHECK (vector_dims > 0),
    CONSTRAINT langgraph_items_vectors_check CHECK ((vectors IS NULL) = (vector_dims IS NULL)),
    CONSTRAINT langgraph_items_created_at_text_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT langgraph_items_updated_at_text_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT langgraph_items_expires_at_text_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_langgraph_items_updated_at
ON langgraph_items (updated_at DESC, namespace, key);
CREATE INDEX IF NOT EXISTS idx_langgraph_items_expires_at
ON langgraph_items (expires_at) WHERE expires_at IS NOT NULL;

INSERT INTO _schema_versions (module, version) VALUES ('langgraph_items', 1)
ON CONFLICT (module) DO NOTHING;
