-- Federation: regions that knowledge is exchanged with, and messages that are applied exactly once.
-- meaning: values of federated_regions.api_key ["", "AQZtYXN0ZXIAAAABDA==", "AQdkZWZhdWx0AAAAAQw="] because a key is stored encrypted
-- meaning: values of federated_regions.workspace_id ["", "w1"] because calls ask for known workspaces
-- meaning: values of federation_sync_states.last_applied [0, 1, 2, 3] because messages have small numbers
-- meaning: values of federation_sync_states.last_sent [3, 4] because it is not below what is acknowledged
-- meaning: values of federation_sync_states.last_acknowledged [0, 1, 2, 3] because it is not above what was sent
-- meaning: values of federation_inbox.sequence [1, 2, 3, 4, 5, 6] because messages have small numbers
-- meaning: values of federation_outbox.sequence [1, 2, 3, 4, 5, 6] because messages have small numbers
-- meaning: values of federation_records.origin ["r1", "r2", "r3"] because few regions write much
-- meaning: values of federation_inbox.content_hash ["0000000000000000000000000000000000000000000000000000000000000000", "1111111111111111111111111111111111111111111111111111111111111111"] because it is a hash

CREATE TABLE IF NOT EXISTS federated_regions (
    region_id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    endpoint_url TEXT NOT NULL,
    api_key TEXT NOT NULL,
    mode TEXT NOT NULL DEFAULT 'bidirectional',
    sync_scope TEXT NOT NULL DEFAULT 'summary',
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    last_sync_at TIMESTAMPTZ,
    last_push_at TIMESTAMPTZ,
    last_pull_at TIMESTAMPTZ,
    last_sync_error TEXT,
    total_pushes BIGINT NOT NULL DEFAULT 0,
    total_pulls BIGINT NOT NULL DEFAULT 0,
    total_nodes_synced BIGINT NOT NULL DEFAULT 0,
    total_sync_errors BIGINT NOT NULL DEFAULT 0,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    extra JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CONSTRAINT federated_regions_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT federated_regions_extra_check CHECK (jsonb_typeof(extra) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_federated_regions_workspace
ON federated_regions (workspace_id, region_id);
CREATE INDEX IF NOT EXISTS idx_federated_regions_enabled
ON federated_regions (region_id, workspace_id) WHERE enabled;

CREATE TABLE IF NOT EXISTS federation_sync_states (
    region_id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    last_sent BIGINT NOT NULL DEFAULT 0,
    last_acknowledged BIGINT NOT NULL DEFAULT 0,
    last_applied BIGINT NOT NULL DEFAULT 0,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT federation_sync_states_pkey PRIMARY KEY (region_id, workspace_id),
    CONSTRAINT federation_sync_states_region_fkey
    FOREIGN KEY (region_id, workspace_id) REFERENCES federated_regions (
        region_id, workspace_id
    ) ON DELETE CASCADE,
    CONSTRAINT federation_sync_states_last_sent_check CHECK (last_sent >= 0),
    CONSTRAINT federation_sync_states_last_acknowledged_check
    CHECK (last_acknowledged BETWEEN 0 AND last_sent),
    CONSTRAINT federation_sync_states_last_applied_check CHECK (last_applied >= 0)
);

CREATE TABLE IF NOT EXISTS federation_outbox (
    region_id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    sequence BIGINT NOT NULL,
    changes JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT federation_outbox_pkey PRIMARY KEY (region_id, workspace_id, sequence),
    CONSTRAINT federation_outbox_region_fkey
    FOREIGN KEY (region_id, workspace_id) REFERENCES federated_regions (
        region_id, workspace_id
    ) ON DELETE CASCADE,
    CONSTRAINT federation_outbox_sequence_check CHECK (sequence >= 1),
    CONSTRAINT federation_outbox_changes_check CHECK (jsonb_typeof(changes) = 'array')
);

CREATE TABLE IF NOT EXISTS federation_inbox (
    region_id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    sequence BIGINT NOT NULL,
    content_hash TEXT NOT NULL,
    changes JSONB,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_at TIMESTAMPTZ,
    CONSTRAINT federation_inbox_pkey PRIMARY KEY (region_id, workspace_id, sequence),
    CONSTRAINT federation_inbox_region_fkey
    FOREIGN KEY (region_id, workspace_id) REFERENCES federated_regions (
        region_id, workspace_id
    ) ON DELETE CASCADE,
    CONSTRAINT federation_inbox_sequence_check CHECK (sequence >= 1),
    CONSTRAINT federation_inbox_content_hash_check CHECK (length(content_hash) = 64),
    CONSTRAINT federation_inbox_held_check CHECK ((applied_at IS NULL) = (changes IS NOT NULL)),
    CONSTRAINT federation_inbox_changes_check CHECK (jsonb_typeof(changes) = 'array')
);

-- What is applied, for the clean-up; what is held back stays out.
CREATE INDEX IF NOT EXISTS idx_federation_inbox_applied
ON federation_inbox (applied_at, region_id, workspace_id, sequence) WHERE applied_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS federation_records (
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    record_id TEXT COLLATE "C" NOT NULL,
    content JSONB,
    origin TEXT COLLATE "C" NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT federation_records_pkey PRIMARY KEY (workspace_id, record_id),
    CONSTRAINT federation_records_record_id_check CHECK (record_id <> ''),
    CONSTRAINT federation_records_origin_check CHECK (origin <> ''),
    CONSTRAINT federation_records_content_check CHECK (jsonb_typeof(content) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_federation_records_deleted
ON federation_records (updated_at, workspace_id, record_id) WHERE content IS NULL;

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE federated_regions ENABLE ROW LEVEL SECURITY;
ALTER TABLE federation_sync_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE federation_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE federation_inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE federation_records ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format(
            'REVOKE ALL ON '
            || 'federated_regions, federation_sync_states, federation_outbox, '
            || 'federation_inbox, federation_records '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE federated_regions IS 'Regions that knowledge is exchanged with, for all or for one workspace. Deleting one deletes its state and its messages; what came from it stays.';
COMMENT ON COLUMN federated_regions.region_id IS 'Name of the region.';
COMMENT ON COLUMN federated_regions.workspace_id IS 'Workspace that is shared with it; '''' for the global one.';
COMMENT ON COLUMN federated_regions.endpoint_url IS 'Where it is reached.';
COMMENT ON COLUMN federated_regions.api_key IS 'Its key, encrypted (AES-256-GCM) and bound to region and workspace; '''' without one.';
COMMENT ON COLUMN federated_regions.mode IS 'What is exchanged: push (it gets), pull (it gives), bidirectional or none.';
COMMENT ON COLUMN federated_regions.sync_scope IS 'How much: full, metadata or summary.';
COMMENT ON COLUMN federated_regions.enabled IS 'Whether anything is exchanged at present.';
COMMENT ON COLUMN federated_regions.last_sync_at IS 'When something was exchanged last.';
COMMENT ON COLUMN federated_regions.last_push_at IS 'When it was given something last.';
COMMENT ON COLUMN federated_regions.last_pull_at IS 'When something was taken from it last.';
COMMENT ON COLUMN federated_regions.last_sync_error IS 'Why the last exchange failed; NULL when it did not.';
COMMENT ON COLUMN federated_regions.total_pushes IS 'How often it was given something.';
COMMENT ON COLUMN federated_regions.total_pulls IS 'How often something was taken from it.';
COMMENT ON COLUMN federated_regions.total_nodes_synced IS 'How many nodes were exchanged.';
COMMENT ON COLUMN federated_regions.total_sync_errors IS 'How many exchanges failed.';
COMMENT ON COLUMN federated_regions.metadata IS 'What an application keeps of it; no secrets.';
COMMENT ON COLUMN federated_regions.extra IS 'Members of an older document that have no column.';
COMMENT ON COLUMN federated_regions.created_at IS 'When it was first stored.';
COMMENT ON COLUMN federated_regions.updated_at IS 'When it was last changed.';

COMMENT ON TABLE federation_sync_states IS 'How far the messages to and from a region are. Goes with the region.';
COMMENT ON COLUMN federation_sync_states.region_id IS 'The region at the other end.';
COMMENT ON COLUMN federation_sync_states.workspace_id IS 'The workspace that is shared with it; '''' for the global one.';
COMMENT ON COLUMN federation_sync_states.last_sent IS 'Number of the last message to it.';
COMMENT ON COLUMN federation_sync_states.last_acknowledged IS 'Up to this number it said that it has all.';
COMMENT ON COLUMN federation_sync_states.last_applied IS 'Up to this number its messages are applied, each once.';
COMMENT ON COLUMN federation_sync_states.updated_at IS 'When a number last changed.';

COMMENT ON TABLE federation_outbox IS 'Messages to a region that it has not acknowledged yet. Goes with the region.';
COMMENT ON COLUMN federation_outbox.region_id IS 'The region at the other end.';
COMMENT ON COLUMN federation_outbox.workspace_id IS 'The workspace that is shared with it; '''' for the global one.';
COMMENT ON COLUMN federation_outbox.sequence IS 'Number of the message: 1 and on, without a gap.';
COMMENT ON COLUMN federation_outbox.changes IS 'What is in it: a list of changes of records.';
COMMENT ON COLUMN federation_outbox.created_at IS 'When it was written.';

COMMENT ON TABLE federation_inbox IS 'Messages of a region: those that wait for an earlier one, and for a time those that were applied, to tell repeats. Goes with the region.';
COMMENT ON COLUMN federation_inbox.region_id IS 'The region at the other end.';
COMMENT ON COLUMN federation_inbox.workspace_id IS 'The workspace that is shared with it; '''' for the global one.';
COMMENT ON COLUMN federation_inbox.sequence IS 'Its number, as the region counts.';
COMMENT ON COLUMN federation_inbox.content_hash IS 'SHA-256 of the changes: another message of this number is refused.';
COMMENT ON COLUMN federation_inbox.changes IS 'What it changes, as long as it is held back; NULL once it is applied.';
COMMENT ON COLUMN federation_inbox.received_at IS 'When it came.';
COMMENT ON COLUMN federation_inbox.applied_at IS 'When it was applied; NULL while an earlier one is missing.';

COMMENT ON TABLE federation_records IS 'Records that regions share. Of two writes the later one stays, of two at one time that of the region whose name comes last.';
COMMENT ON COLUMN federation_records.workspace_id IS 'Workspace that it belongs to; '''' for the global one.';
COMMENT ON COLUMN federation_records.record_id IS 'Identifier, the same in all regions.';
COMMENT ON COLUMN federation_records.content IS 'What it holds; NULL when it was deleted.';
COMMENT ON COLUMN federation_records.origin IS 'Region that wrote it.';
COMMENT ON COLUMN federation_records.updated_at IS 'When that region wrote it.';

INSERT INTO _schema_versions (module, version) VALUES ('federation', 1)
ON CONFLICT (module) DO NOTHING;
