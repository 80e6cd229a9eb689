-- Connectors to other systems, whose secrets are encrypted, and their sync jobs.

-- meaning: values of connectors.id ["c1", "c2", "c3", "c4"] because sync jobs are of connectors
-- meaning: values of connectors.org_id ["o1", "o2", null] because few organizations have many connectors
-- meaning: values of connectors.connector_type ["jira", "github"] because there are few types
-- meaning: values of sync_jobs.connector_id ["c1", "c2", "c3"] because sync jobs are of connectors
-- meaning: values of sync_jobs.duration_seconds [0.5, 1.0, 2.25, null] because their mean is exact

CREATE TABLE IF NOT EXISTS connectors (
    id TEXT COLLATE "C" NOT NULL,
    org_id TEXT COLLATE "C",
    workspace_id TEXT COLLATE "C",
    connector_type TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    config JSONB NOT NULL DEFAULT '{}'::jsonb,
    status TEXT COLLATE "C" NOT NULL DEFAULT 'configured',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_sync_at TIMESTAMPTZ,
    last_sync_status TEXT,
    items_indexed BIGINT NOT NULL DEFAULT 0,
    error_message TEXT,
    CONSTRAINT connectors_pkey PRIMARY KEY (id),
    CONSTRAINT connectors_id_check CHECK (id <> ''),
    CONSTRAINT connectors_org_id_check CHECK (org_id <> ''),
    CONSTRAINT connectors_connector_type_check CHECK (connector_type <> ''),
    CONSTRAINT connectors_config_check CHECK (jsonb_typeof(config) = 'object'),
    CONSTRAINT connectors_status_check
    CHECK (status IN ('configured', 'active', 'error', 'connected', 'disconnected', 'configuring')),
    CONSTRAINT connectors_items_indexed_check CHECK (items_indexed >= 0)
);

CREATE INDEX IF NOT EXISTS idx_connectors_updated ON connectors (updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_connectors_org
ON connectors (org_id, updated_at DESC, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_connectors_status ON connectors (status, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS sync_jobs (
    id TEXT COLLATE "C" NOT NULL,
    connector_id TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL DEFAULT 'running',
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    completed_at TIMESTAMPTZ,
    items_synced INTEGER NOT NULL DEFAULT 0,
    items_failed INTEGER NOT NULL DEFAULT 0,
    error_message TEXT,
    duration_seconds DOUBLE PRECISION,
    CONSTRAINT sync_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT sync_jobs_connector_id_fkey
    FOREIGN KEY (connector_id) REFERENCES connectors (id) ON DELETE CASCADE,
    CONSTRAINT sync_jobs_id_check CHECK (id <> ''),
    CONSTRAINT sync_jobs_status_check
    CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'interrupted')),
    CONSTRAINT sync_jobs_items_synced_check CHECK (items_synced >= 0),
    CONSTRAINT sync_jobs_items_failed_check CHECK (items_failed >= 0),
    CONSTRAINT sync_jobs_duration_seconds_check
    CHECK (duration_seconds BETWEEN 0 AND '1e300'::double precision)
);

CREATE INDEX IF NOT EXISTS idx_sync_jobs_connector
ON sync_jobs (connector_id, started_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_sync_jobs_started ON sync_jobs (started_at DESC, id DESC);
-- What has ended stays out, so recovery costs the same however many there were.
CREATE INDEX IF NOT EXISTS idx_sync_jobs_running
ON sync_jobs (started_at, id) WHERE status = 'running';

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE connectors ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_jobs ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON connectors, sync_jobs FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE connectors IS 'Connectors to other systems. Deleting one deletes its sync jobs.';
COMMENT ON COLUMN connectors.id IS 'Identifier, given by the application.';
COMMENT ON COLUMN connectors.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN connectors.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN connectors.connector_type IS 'What it connects to.';
COMMENT ON COLUMN connectors.name IS 'What people read.';
COMMENT ON COLUMN connectors.config IS 'Its settings: a document whose secrets are encrypted.';
COMMENT ON COLUMN connectors.status IS 'configured, active, error, connected, disconnected or configuring.';
COMMENT ON COLUMN connectors.created_at IS 'When it was first saved; never changes.';
COMMENT ON COLUMN connectors.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN connectors.last_sync_at IS 'When its last sync job ended.';
COMMENT ON COLUMN connectors.last_sync_status IS 'How that ended.';
COMMENT ON COLUMN connectors.items_indexed IS 'How many items its sync jobs brought.';
COMMENT ON COLUMN connectors.error_message IS 'What went wrong last, without the secrets that its form shows.';

COMMENT ON TABLE sync_jobs IS 'Runs of connectors. What has ended is never changed.';
COMMENT ON COLUMN sync_jobs.id IS 'Identifier.';
COMMENT ON COLUMN sync_jobs.connector_id IS 'The connector.';
COMMENT ON COLUMN sync_jobs.status IS 'running, completed, failed, cancelled or interrupted; all but the first are final.';
COMMENT ON COLUMN sync_jobs.started_at IS 'When it began.';
COMMENT ON COLUMN sync_jobs.completed_at IS 'When it ended.';
COMMENT ON COLUMN sync_jobs.items_synced IS 'Items that it has brought.';
COMMENT ON COLUMN sync_jobs.items_failed IS 'Items that it could not bring.';
COMMENT ON COLUMN sync_jobs.error_message IS 'What went wrong, without the secrets that its form shows.';
COMMENT ON COLUMN sync_jobs.duration_seconds IS 'How long it took, in seconds.';

INSERT INTO _schema_versions (module, version) VALUES ('connectors', 1)
ON CONFLICT (module) DO NOTHING;
