-- Which version of each store's schema this database holds,
-- and which transactions with an idempotency key were committed.

CREATE TABLE IF NOT EXISTS _schema_versions (
    module TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT _schema_versions_pkey PRIMARY KEY (module),
    CONSTRAINT _schema_versions_version_check CHECK (version >= 1)
);

CREATE TABLE IF NOT EXISTS _transaction_keys (
    idempotency_key TEXT COLLATE "C" NOT NULL,
    attempt TEXT NOT NULL,
    taken_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT _transaction_keys_pkey PRIMARY KEY (idempotency_key),
    CONSTRAINT _transaction_keys_idempotency_key_check CHECK (
        length(idempotency_key) BETWEEN 1 AND 200
    )
);

CREATE INDEX IF NOT EXISTS idx_transaction_keys_expires ON _transaction_keys (
    expires_at, idempotency_key
);

ALTER TABLE _schema_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE _transaction_keys ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON _schema_versions, _transaction_keys FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE _schema_versions IS 'Version of each store''s schema in this database.';
COMMENT ON COLUMN _schema_versions.module IS 'Name of the store, as its folder under sql/.';
COMMENT ON COLUMN _schema_versions.version IS 'Number of the newest applied upgrade; 1 is the first schema.';
COMMENT ON COLUMN _schema_versions.updated_at IS 'When this version was applied.';

COMMENT ON TABLE _transaction_keys IS 'Transactions with an idempotency key that were committed of late.';
COMMENT ON COLUMN _transaction_keys.idempotency_key IS 'What the application calls the transaction.';
COMMENT ON COLUMN _transaction_keys.attempt IS 'Random text that tells the attempts of one key apart.';
COMMENT ON COLUMN _transaction_keys.taken_at IS 'When the transaction took its key.';
COMMENT ON COLUMN _transaction_keys.expires_at IS 'From when on the key may be used again, and its row is deleted.';
