-- LangGraph's long-term memory: one row for each item, with its vectors.

CREATE TABLE IF NOT EXISTS langgraph_items (
    namespace TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    ttl_minutes DOUBLE PRECISION,
    vector_dims INTEGER,
    vectors BYTEA,
    CONSTRAINT langgraph_items_pkey PRIMARY KEY (namespace, key),
    CONSTRAINT langgraph_items_namespace_check CHECK (namespace <> '' AND namespace <> '.'),
    CONSTRAINT langgraph_items_key_check CHECK (key <> ''),
    CONSTRAINT langgraph_items_value_check CHECK (jsonb_typeof(value) = 'object'),
    CONSTRAINT langgraph_items_ttl_minutes_check CHECK (ttl_minutes > 0),
    CONSTRAINT langgraph_items_expires_at_check
    CHECK ((expires_at IS NULL) = (ttl_minutes IS NULL)),
    CONSTRAINT langgraph_items_vector_dims_check CHECK (vector_dims > 0),
    CONSTRAINT langgraph_items_vectors_check CHECK ((vectors IS NULL) = (vector_dims IS NULL))
);

CREATE INDEX IF NOT EXISTS idx_langgraph_items_updated_at
ON langgraph_items (updated_at DESC, namespace, key);
CREATE INDEX IF NOT EXISTS idx_langgraph_items_expires_at
ON langgraph_items (expires_at) WHERE expires_at IS NOT NULL;

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE langgraph_items ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON langgraph_items FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE langgraph_items IS 'An item of LangGraph''s long-term memory.';
COMMENT ON COLUMN langgraph_items.namespace IS 'Its labels, each with a period behind it: users.42. is the namespace (users, 42).';
COMMENT ON COLUMN langgraph_items.key IS 'Its name in the namespace.';
COMMENT ON COLUMN langgraph_items.value IS 'What the application stored, an object.';
COMMENT ON COLUMN langgraph_items.created_at IS 'When the item was first stored.';
COMMENT ON COLUMN langgraph_items.updated_at IS 'When its value was last stored.';
COMMENT ON COLUMN langgraph_items.expires_at IS 'From then on it may be deleted; NULL: never.';
COMMENT ON COLUMN langgraph_items.ttl_minutes IS 'For how long it lives after it was last stored or read, in minutes; NULL: for ever.';
COMMENT ON COLUMN langgraph_items.vector_dims IS 'How many numbers each vector has; NULL: it has no vectors.';
COMMENT ON COLUMN langgraph_items.vectors IS 'Its vectors of length 1, one behind the other: little-endian floats of 4 bytes.';

INSERT INTO _schema_versions (module, version) VALUES ('langgraph_items', 1)
ON CONFLICT (module) DO NOTHING;
