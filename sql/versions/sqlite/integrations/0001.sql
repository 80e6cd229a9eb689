-- Integrations: how users reach chat platforms and mail, and who they are there.

CREATE TABLE IF NOT EXISTS integrations (
    user_id TEXT NOT NULL DEFAULT 'default',
    integration_type TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    notify_on_consensus INTEGER NOT NULL DEFAULT 1,
    notify_on_debate_end INTEGER NOT NULL DEFAULT 1,
    notify_on_error INTEGER NOT NULL DEFAULT 0,
    notify_on_leaderboard INTEGER NOT NULL DEFAULT 0,
    settings TEXT NOT NULL DEFAULT '{}',
    messages_sent INTEGER NOT NULL DEFAULT 0,
    errors_24h INTEGER NOT NULL DEFAULT 0,
    errors_since TEXT,
    last_activity TEXT,
    last_error TEXT,
    workspace_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT integrations_pkey PRIMARY KEY (user_id, integration_type),
    CONSTRAINT integrations_user_id_check CHECK (user_id <> ''),
    CONSTRAINT integrations_integration_type_check CHECK (integration_type <> ''),
    CONSTRAINT integrations_settings_check
    CHECK (json_valid(settings) AND json_type(settings) = 'object'),
    CONSTRAINT integrations_messages_sent_check CHECK (messages_sent >= 0),
    CONSTRAINT integrations_errors_24h_check CHECK (errors_24h >= 0),
    CONSTRAINT integrations_enabled_check CHECK (enabled IN (0, 1)),
    CONSTRAINT integrations_notify_on_consensus_check CHECK (notify_on_consensus IN (0, 1)),
    CONSTRAINT integrations_notify_on_debate_end_check CHECK (notify_on_debate_end IN (0, 1)),
    CONSTRAINT integrations_notify_on_error_check CHECK (notify_on_error IN (0, 1)),
    CONSTRAINT integrations_notify_on_leaderboard_check CHECK (notify_on_leaderboard IN (0, 1)),
    CONSTRAINT integrations_errors_since_check
    CHECK (errors_since LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT integrations_last_activity_check
    CHECK (last_activity LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT integrations_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT integrations_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_integrations_workspace
ON integrations (workspace_id, user_id, integration_type) WHERE workspace_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS user_id_mappings (
    user_id TEXT NOT NULL DEFAULT 'default',
    platform TEXT NOT NULL,
    email TEXT NOT NULL,
    platform_user_id TEXT NOT NULL,
    display_name TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT user_id_mappings_pkey PRIMARY KEY (user_id, platform, email),
    CONSTRAINT user_id_mappings_user_id_check CHECK (user_id <> ''),
    CONSTRAINT user_id_mappings_platform_check CHECK (platform <> ''),
    CONSTRAINT user_id_mappings_email_check CHECK (email <> ''),
    CONSTRAINT user_id_mappings_platform_user_id_check CHECK (platform_user_id <> ''),
    CONSTRAINT user_id_mappings_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT user_id_mappings_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- Finds the person behind an account, the newest mapping first.
CREATE INDEX IF NOT EXISTS idx_user_id_mappings_platform_user
ON user_id_mappings (user_id, platform, platform_user_id, updated_at DESC);

INSERT INTO _schema_versions (module, version) VALUES ('integrations', 1)
ON CONFLICT (module) DO NOTHING;
