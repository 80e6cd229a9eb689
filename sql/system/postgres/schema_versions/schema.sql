-- Which version of each store's schema this database holds.

CREATE TABLE IF NOT EXISTS _schema_versions (
    module TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT _schema_versions_pkey PRIMARY KEY (module),
    CONSTRAINT _schema_versions_version_check CHECK (version >= 1)
);

ALTER TABLE _schema_versions ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE _schema_versions IS 'Version of each store''s schema in this database.';
COMMENT ON COLUMN _schema_versions.module IS 'Name of the store, as its folder under sql/.';
COMMENT ON COLUMN _schema_versions.version IS 'Number of the newest applied upgrade; 1 is the first schema.';
COMMENT ON COLUMN _schema_versions.updated_at IS 'When this version was applied.';
