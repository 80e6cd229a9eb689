-- Which version of each store's schema this database holds.

CREATE TABLE IF NOT EXISTS _schema_versions (
    module TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT _schema_versions_pkey PRIMARY KEY (module),
    CONSTRAINT _schema_versions_version_check CHECK (version >= 1),
    CONSTRAINT _schema_versions_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;
