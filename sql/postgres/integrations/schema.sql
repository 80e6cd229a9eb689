-- Integrations: how users reach chat platforms and mail, and who they are there.

CREATE TABLE IF NOT EXISTS integrations (
    user_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    integration_type TEXT COLLATE "C" NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    notify_on_consensus BOOLEAN NOT NULL DEFAULT TRUE,
    notify_on_debate_end BOOLEAN NOT NULL DEFAULT TRUE,
    notify_on_error BOOLEAN NOT NULL DEFAULT FALSE,
    notify_on_leaderboard BOOLEAN NOT NULL DEFAULT FALSE,
    settings JSONB NOT NULL DEFAULT '{}'::jsonb,
    messages_sent BIGINT NOT NULL DEFAULT 0,
    errors_24h INTEGER NOT NULL DEFAULT 0,
    errors_since TIMESTAMPTZ,
    last_activity TIMESTAMPTZ,
    last_error TEXT,
    workspace_id TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT integrations_pkey PRIMARY KEY (user_id, integration_type),
    CONSTRAINT integrations_user_id_check CHECK (user_id <> ''),
    CONSTRAINT integrations_integration_type_check CHECK (integration_type <> ''),
    CONSTRAINT integrations_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT integrations_messages_sent_check CHECK (messages_sent >= 0),
    CONSTRAINT integrations_errors_24h_check CHECK (errors_24h >= 0)
);

CREATE INDEX IF NOT EXISTS idx_integrations_workspace
ON integrations (workspace_id, user_id, integration_type) WHERE workspace_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS user_id_mappings (
    user_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    platform TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    platform_user_id TEXT NOT NULL,
    display_name TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT user_id_mappings_pkey PRIMARY KEY (user_id, platform, email),
    CONSTRAINT user_id_mappings_user_id_check CHECK (user_id <> ''),
    CONSTRAINT user_id_mappings_platform_check CHECK (platform <> ''),
    CONSTRAINT user_id_mappings_email_check CHECK (email <> ''),
    CONSTRAINT user_id_mappings_platform_user_id_check CHECK (platform_user_id <> '')
);

-- Finds the person behind an account, the newest mapping first.
CREATE INDEX IF NOT EXISTS idx_user_id_mappings_platform_user
ON user_id_mappings (user_id, platform, platform_user_id, updated_at DESC);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE integrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_id_mappings ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON integrations, user_id_mappings FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE integrations IS 'A user''s connection to a platform; secrets in it are encrypted. [personal]';
COMMENT ON COLUMN integrations.user_id IS 'Owner; part of what the encrypted secrets are bound to. [user]';
COMMENT ON COLUMN integrations.integration_type IS 'slack, discord, …; part of what the encrypted secrets are bound to.';
COMMENT ON COLUMN integrations.enabled IS 'Whether it is in use.';
COMMENT ON COLUMN integrations.notify_on_consensus IS 'Whether a consensus is reported.';
COMMENT ON COLUMN integrations.notify_on_debate_end IS 'Whether the end of a debate is reported.';
COMMENT ON COLUMN integrations.notify_on_error IS 'Whether errors are reported.';
COMMENT ON COLUMN integrations.notify_on_leaderboard IS 'Whether the leaderboard is reported.';
COMMENT ON COLUMN integrations.settings IS 'Settings; each secret is an object with _encrypted and _value (AES-256-GCM). [personal]';
COMMENT ON COLUMN integrations.messages_sent IS 'Number of messages sent.';
COMMENT ON COLUMN integrations.errors_24h IS 'Number of errors since errors_since; counts for 24 hours from then.';
COMMENT ON COLUMN integrations.errors_since IS 'The first error of the present 24 hours; NULL when there was none.';
COMMENT ON COLUMN integrations.last_activity IS 'When a message was last sent.';
COMMENT ON COLUMN integrations.last_error IS 'Text of the last error. [personal]';
COMMENT ON COLUMN integrations.workspace_id IS 'Workspace that it belongs to.';
COMMENT ON COLUMN integrations.created_at IS 'When it was first saved.';
COMMENT ON COLUMN integrations.updated_at IS 'When its configuration was last saved.';

COMMENT ON TABLE user_id_mappings IS 'Which account on a platform belongs to an e-mail address. [personal]';
COMMENT ON COLUMN user_id_mappings.user_id IS 'Owner of the mapping. [user]';
COMMENT ON COLUMN user_id_mappings.platform IS 'slack, discord, teams, …';
COMMENT ON COLUMN user_id_mappings.email IS 'E-mail address in lower case. [personal]';
COMMENT ON COLUMN user_id_mappings.platform_user_id IS 'Identifier of the account on the platform. [personal]';
COMMENT ON COLUMN user_id_mappings.display_name IS 'Name of the account on the platform. [personal]';
COMMENT ON COLUMN user_id_mappings.created_at IS 'When it was first saved.';
COMMENT ON COLUMN user_id_mappings.updated_at IS 'When it was last saved.';

INSERT INTO _schema_versions (module, version) VALUES ('integrations', 1)
ON CONFLICT (module) DO NOTHING;
