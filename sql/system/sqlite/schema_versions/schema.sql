-- Which version of each store's schema this database holds,
-- and which transactions with an idempotency key were committed.

CREATE TABLE IF NOT EXISTS _schema_versions (
    module TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT _schema_versions_pkey PRIMARY KEY (module),
    CONSTRAINT _schema_versions_version_check CHECK (version >= 1),
    CONSTRAINT _schema_versions_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS _transaction_keys (
    idempotency_key TEXT NOT NULL,
    attempt TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    CONSTRAINT _transaction_keys_pkey PRIMARY KEY (idempotency_key),
    CONSTRAINT _transaction_keys_idempotency_key_check CHECK (
        length(idempotency_key) BETWEEN 1 AND 200
    ),
    CONSTRAINT _transaction_keys_taken_at_check
    CHECK (taken_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT _transaction_keys_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_transaction_keys_expires ON _transaction_keys (
    expires_at, idempotency_key
);
