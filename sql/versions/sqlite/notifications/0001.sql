-- Notifications: what organizations and users are told, over which channels, and their inboxes.

CREATE TABLE IF NOT EXISTS notification_email_configs (
    org_id TEXT NOT NULL,
    config TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT notification_email_configs_pkey PRIMARY KEY (org_id),
    CONSTRAINT notification_email_configs_org_id_check CHECK (org_id <> ''),
    CONSTRAINT notification_email_configs_config_check
    CHECK (json_valid(config) AND json_type(config) = 'object'),
    CONSTRAINT notification_email_configs_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT notification_email_configs_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS notification_telegram_configs (
    org_id TEXT NOT NULL,
    config TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT notification_telegram_configs_pkey PRIMARY KEY (org_id),
    CONSTRAINT notification_telegram_configs_org_id_check CHECK (org_id <> ''),
    CONSTRAINT notification_telegram_configs_config_check
    CHECK (json_valid(config) AND json_type(config) = 'object'),
    CONSTRAINT notification_telegram_configs_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT notification_telegram_configs_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS notification_email_recipients (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT,
    preferences TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT notification_email_recipients_org_id_email_key UNIQUE (org_id, email),
    CONSTRAINT notification_email_recipients_org_id_check CHECK (org_id <> ''),
    CONSTRAINT notification_email_recipients_email_check CHECK (email <> ''),
    CONSTRAINT notification_email_recipients_preferences_check
    CHECK (json_valid(preferences) AND json_type(preferences) = 'object'),
    CONSTRAINT notification_email_recipients_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- For privacy: the rows of a person's address.
CREATE INDEX IF NOT EXISTS idx_notification_email_recipients_key
ON notification_email_recipients (email_key);

CREATE TABLE IF NOT EXISTS channel_subscriptions (
    id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    channel_type TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    workspace_id TEXT,
    channel_name TEXT,
    event_types TEXT NOT NULL,
    config TEXT NOT NULL DEFAULT '{}',
    is_active INTEGER NOT NULL DEFAULT 1,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT channel_subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT channel_subscriptions_channel_key UNIQUE (org_id, channel_type, channel_id),
    CONSTRAINT channel_subscriptions_id_check CHECK (id <> ''),
    CONSTRAINT channel_subscriptions_org_id_check CHECK (org_id <> ''),
    CONSTRAINT channel_subscriptions_channel_id_check CHECK (channel_id <> ''),
    CONSTRAINT channel_subscriptions_channel_type_check
    CHECK (channel_type IN ('slack', 'teams', 'email', 'webhook')),
    CONSTRAINT channel_subscriptions_event_types_check
    CHECK (json_valid(event_types) AND json_type(event_types) = 'array'),
    CONSTRAINT channel_subscriptions_config_check
    CHECK (json_valid(config) AND json_type(config) = 'object'),
    CONSTRAINT channel_subscriptions_is_active_check CHECK (is_active IN (0, 1)),
    CONSTRAINT channel_subscriptions_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT channel_subscriptions_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS notification_preferences (
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    event_type TEXT NOT NULL DEFAULT '*',
    enabled INTEGER NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (org_id, user_id, channel, event_type),
    CONSTRAINT notification_preferences_org_id_check CHECK (org_id <> ''),
    CONSTRAINT notification_preferences_user_id_check CHECK (user_id <> ''),
    CONSTRAINT notification_preferences_channel_check
    CHECK (channel IN ('inbox', 'digest', 'email', 'telegram', 'slack', 'teams', 'webhook')),
    CONSTRAINT notification_preferences_event_type_check CHECK (event_type <> ''),
    CONSTRAINT notification_preferences_enabled_check CHECK (enabled IN (0, 1)),
    CONSTRAINT notification_preferences_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    title TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    data TEXT NOT NULL DEFAULT '{}',
    dedup_key TEXT,
    in_digest INTEGER NOT NULL DEFAULT 1,
    digest_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    read_at TEXT,
    digested_at TEXT,
    CONSTRAINT notifications_org_id_check CHECK (org_id <> ''),
    CONSTRAINT notifications_user_id_check CHECK (user_id <> ''),
    CONSTRAINT notifications_event_type_check CHECK (event_type <> ''),
    CONSTRAINT notifications_data_check
    CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT notifications_in_digest_check CHECK (in_digest IN (0, 1)),
    CONSTRAINT notifications_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT notifications_read_at_check
    CHECK (read_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT notifications_digested_at_check
    CHECK (digested_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- An inbox is a walk along it, the newest first.
CREATE INDEX IF NOT EXISTS idx_notifications_inbox
ON notifications (org_id, user_id, id DESC);
-- Counts and lists what was not read; what was read costs nothing.
CREATE INDEX IF NOT EXISTS idx_notifications_unread
ON notifications (org_id, user_id, id DESC) WHERE read_at IS NULL;
-- What the next digest tells.
CREATE INDEX IF NOT EXISTS idx_notifications_pending
ON notifications (org_id, user_id, id)
WHERE in_digest AND digested_at IS NULL AND read_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_notifications_digest
ON notifications (digest_id, user_id, id) WHERE digest_id IS NOT NULL AND digested_at IS NULL;
-- For the clean-up.
CREATE INDEX IF NOT EXISTS idx_notifications_created ON notifications (created_at, id);
CREATE INDEX IF NOT EXISTS idx_notifications_read
ON notifications (read_at, id) WHERE read_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS notification_dedup_keys (
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    holds_until TEXT NOT NULL,
    CONSTRAINT notification_dedup_keys_pkey PRIMARY KEY (org_id, user_id, dedup_key),
    CONSTRAINT notification_dedup_keys_holds_until_check
    CHECK (holds_until LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- For the clean-up.
CREATE INDEX IF NOT EXISTS idx_notification_dedup_keys_until
ON notification_dedup_keys (holds_until, org_id, user_id, dedup_key);

CREATE TABLE IF NOT EXISTS notification_digests (
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    digest_id TEXT,
    lease_until TEXT,
    last_digest_at TEXT,
    CONSTRAINT notification_digests_pkey PRIMARY KEY (org_id, user_id),
    CONSTRAINT notification_digests_lease_check
    CHECK ((digest_id IS NULL) = (lease_until IS NULL)),
    CONSTRAINT notification_digests_lease_until_check
    CHECK (lease_until LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT notification_digests_last_digest_at_check
    CHECK (last_digest_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_notification_digests_digest
ON notification_digests (digest_id, user_id) WHERE digest_id IS NOT NULL;

INSERT INTO _schema_versions (module, version) VALUES ('notifications', 1)
ON CONFLICT (module) DO NOTHING;
