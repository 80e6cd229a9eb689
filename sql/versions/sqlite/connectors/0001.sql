-- Connectors to other systems, whose secrets are encrypted, and their sync jobs.

CREATE TABLE IF NOT EXISTS connectors (
    id TEXT NOT NULL,
    org_id TEXT,
    workspace_id TEXT,
    connector_type TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'configured',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    last_sync_at TEXT,
    last_sync_status TEXT,
    items_indexed INTEGER NOT NULL DEFAULT 0,
    error_message TEXT,
    CONSTRAINT connectors_pkey PRIMARY KEY (id),
    CONSTRAINT connectors_id_check CHECK (id <> ''),
    CONSTRAINT connectors_org_id_check CHECK (org_id <> ''),
    CONSTRAINT connectors_connector_type_check CHECK (connector_type <> ''),
    CONSTRAINT connectors_config_check CHECK (json_valid(config) AND json_type(config) = 'object'),
    CONSTRAINT connectors_status_check
    CHECK (status IN ('configured', 'active', 'error', 'connected', 'disconnected', 'configuring')),
    CONSTRAINT connectors_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT connectors_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT connectors_last_sync_at_check
    CHECK (last_sync_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT connectors_items_indexed_check CHECK (items_indexed >= 0)
) STRICT;

CREATE INDEX IF NOT EXISTS idx_connectors_updated ON connectors (updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_connectors_org
ON connectors (org_id, updated_at DESC, id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_connectors_status ON connectors (status, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS sync_jobs (
    id TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'running',
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    completed_at TEXT,
    items_synced INTEGER NOT NULL DEFAULT 0,
    items_failed INTEGER NOT NULL DEFAULT 0,
    error_message TEXT,
    duration_seconds REAL,
    CONSTRAINT sync_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT sync_jobs_connector_id_fkey
    FOREIGN KEY (connector_id) REFERENCES connectors (id) ON DELETE CASCADE,
    CONSTRAINT sync_jobs_id_check CHECK (id <> ''),
    CONSTRAINT sync_jobs_status_check
    CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'interrupted')),
    CONSTRAINT sync_jobs_started_at_check CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT sync_jobs_completed_at_check CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT sync_jobs_items_synced_check CHECK (items_synced >= 0),
    CONSTRAINT sync_jobs_items_failed_check CHECK (items_failed >= 0),
    CONSTRAINT sync_jobs_duration_seconds_check CHECK (duration_seconds BETWEEN 0 AND 1e300)
) STRICT;

CREATE INDEX IF NOT EXISTS idx_sync_jobs_connector
ON sync_jobs (connector_id, started_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_sync_jobs_started ON sync_jobs (started_at DESC, id DESC);
-- What has ended stays out, so recovery costs the same however many there were.
CREATE INDEX IF NOT EXISTS idx_sync_jobs_running
ON sync_jobs (started_at, id) WHERE status = 'running';

INSERT INTO _schema_versions (module, version) VALUES ('connectors', 1)
ON CONFLICT (module) DO NOTHING;
