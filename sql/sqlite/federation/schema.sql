-- Federation: regions that knowledge is exchanged with, and messages that are applied exactly once.

CREATE TABLE IF NOT EXISTS federated_regions (
    region_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL DEFAULT '',
    endpoint_url TEXT NOT NULL,
    api_key TEXT NOT NULL,
    mode TEXT NOT NULL DEFAULT 'bidirectional',
    sync_scope TEXT NOT NULL DEFAULT 'summary',
    enabled INTEGER NOT NULL DEFAULT 1,
    last_sync_at TEXT,
    last_push_at TEXT,
    last_pull_at TEXT,
    last_sync_error TEXT,
    total_pushes INTEGER NOT NULL DEFAULT 0,
    total_pulls INTEGER NOT NULL DEFAULT 0,
    total_nodes_synced INTEGER NOT NULL DEFAULT 0,
    total_sync_errors INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT federated_regions_pkey PRIMARY KEY (region_id, workspace_id),
    CONSTRAINT federated_regions_region_id_check CHECK (region_id <> ''),
    CONSTRAINT federated_regions_api_key_check CHECK (api_key = '' OR substr(api_key, 1, 2) = 'AQ'),
    CONSTRAINT federated_regions_mode_check
    CHECK (mode IN ('push', 'pull', 'bidirectional', 'none')),
    CONSTRAINT federated_regions_sync_scope_check
    CHECK (sync_scope IN ('full', 'metadata', 'summary')),
    CONSTRAINT federated_regions_total_pushes_check CHECK (total_pushes >= 0),
    CONSTRAINT federated_regions_total_pulls_check CHECK (total_pulls >= 0),
    CONSTRAINT federated_regions_total_nodes_synced_check CHECK (total_nodes_synced >= 0),
    CONSTRAINT federated_regions_total_sync_errors_check CHECK (total_sync_errors >= 0),
    CONSTRAINT federated_regions_enabled_check CHECK (enabled IN (0, 1)),
    CONSTRAINT federated_regions_last_sync_at_check
    CHECK (last_sync_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT federated_regions_last_push_at_check
    CHECK (last_push_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT federated_regions_last_pull_at_check
    CHECK (last_pull_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT federated_regions_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT federated_regions_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT federated_regions_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT federated_regions_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_federated_regions_workspace
ON federated_regions (workspace_id, region_id);
CREATE INDEX IF NOT EXISTS idx_federated_regions_enabled
ON federated_regions (region_id, workspace_id) WHERE enabled;

CREATE TABLE IF NOT EXISTS federation_sync_states (
    region_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL DEFAULT '',
    last_sent INTEGER NOT NULL DEFAULT 0,
    last_acknowledged INTEGER NOT NULL DEFAULT 0,
    last_applied INTEGER NOT NULL DEFAULT 0,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT federation_sync_states_pkey PRIMARY KEY (region_id, workspace_id),
    CONSTRAINT federation_sync_states_region_fkey
    FOREIGN KEY (region_id, workspace_id) REFERENCES federated_regions (
        region_id, workspace_id
    ) ON DELETE CASCADE,
    CONSTRAINT federation_sync_states_last_sent_check CHECK (last_sent >= 0),
    CONSTRAINT federation_sync_states_last_acknowledged_check
    CHECK (last_acknowledged BETWEEN 0 AND last_sent),
    CONSTRAINT federation_sync_states_last_applied_check CHECK (last_applied >= 0),
    CONSTRAINT federation_sync_states_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS federation_outbox (
    region_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL DEFAULT '',
    sequence INTEGER NOT NULL,
    changes TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT federation_outbox_pkey PRIMARY KEY (region_id, workspace_id, sequence),
    CONSTRAINT federation_outbox_region_fkey
    FOREIGN KEY (region_id, workspace_id) REFERENCES federated_regions (
        region_id, workspace_id
    ) ON DELETE CASCADE,
    CONSTRAINT federation_outbox_sequence_check CHECK (sequence >= 1),
    CONSTRAINT federation_outbox_changes_check
    CHECK (json_valid(changes) AND json_type(changes) = 'array'),
    CONSTRAINT federation_outbox_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS federation_inbox (
    region_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL DEFAULT '',
    sequence INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    changes TEXT,
    received_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    applied_at TEXT,
    CONSTRAINT federation_inbox_pkey PRIMARY KEY (region_id, workspace_id, sequence),
    CONSTRAINT federation_inbox_region_fkey
    FOREIGN KEY (region_id, workspace_id) REFERENCES federated_regions (
        region_id, workspace_id
    ) ON DELETE CASCADE,
    CONSTRAINT federation_inbox_sequence_check CHECK (sequence >= 1),
    CONSTRAINT federation_inbox_content_hash_check CHECK (length(content_hash) = 64),
    CONSTRAINT federation_inbox_held_check CHECK ((applied_at IS NULL) = (changes IS NOT NULL)),
    CONSTRAINT federation_inbox_changes_check
    CHECK (changes IS NULL OR (json_valid(changes) AND json_type(changes) = 'array')),
    CONSTRAINT federation_inbox_received_at_check
    CHECK (received_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT federation_inbox_applied_at_check
    CHECK (applied_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- What is applied, for the clean-up; what is held back stays out.
CREATE INDEX IF NOT EXISTS idx_federation_inbox_applied
ON federation_inbox (applied_at, region_id, workspace_id, sequence) WHERE applied_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS federation_records (
    workspace_id TEXT NOT NULL DEFAULT '',
    record_id TEXT NOT NULL,
    content TEXT,
    origin TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT federation_records_pkey PRIMARY KEY (workspace_id, record_id),
    CONSTRAINT federation_records_record_id_check CHECK (record_id <> ''),
    CONSTRAINT federation_records_origin_check CHECK (origin <> ''),
    CONSTRAINT federation_records_content_check
    CHECK (content IS NULL OR (json_valid(content) AND json_type(content) = 'object')),
    CONSTRAINT federation_records_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_federation_records_deleted
ON federation_records (updated_at, workspace_id, record_id) WHERE content IS NULL;

INSERT INTO _schema_versions (module, version) VALUES ('federation', 1)
ON CONFLICT (module) DO NOTHING;
