-- How the older Aragora's notifications map onto today's tables. Times are seconds since 1970.
--
-- Settings are kept as they are: encrypted secrets in them are bound to the organization, which
-- stays too. Inboxes, preferences and digests are new.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: email_configs(first_rowid, last_rowid)
-- Settings of e-mail.
-- from: email_configs (org_id, config_json, created_at, updated_at)
-- into: notification_email_configs
-- key: org_id
-- secrets: config
-- merge: newest updated_at
-- unix: created_at, updated_at
-- values: config = config_json
SELECT
    rowid AS source_rowid,
    org_id,
    config_json AS config,
    created_at,
    updated_at,
    CASE
        WHEN has_clear_secrets(cast(config_json AS BLOB))
            THEN
                'settings with secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secrets
FROM email_configs
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: telegram_configs(first_rowid, last_rowid)
-- Settings of Telegram.
-- from: telegram_configs (org_id, config_json, created_at, updated_at)
-- into: notification_telegram_configs
-- key: org_id
-- secrets: config
-- merge: newest updated_at
-- unix: created_at, updated_at
-- values: config = config_json
SELECT
    rowid AS source_rowid,
    org_id,
    config_json AS config,
    created_at,
    updated_at,
    CASE
        WHEN has_clear_secrets(cast(config_json AS BLOB))
            THEN
                'settings with secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secrets
FROM telegram_configs
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: email_recipients(first_rowid, last_rowid)
-- Recipients of e-mail, their addresses as they were given. They get new numbers.
-- from: email_recipients (org_id, email, created_at)
-- optional: name, preferences_json
-- ignored: id
-- into: notification_email_recipients
-- key: org_id, email
-- merge: newest created_at
-- order: created_at
-- unix: created_at
-- values: email_key = normal_email(email); preferences = preferences_json, {}
SELECT
    rowid AS source_rowid,
    org_id,
    email,
    normal_email(cast(email AS BLOB)) AS email_key,
    name,
    coalesce(nullif(preferences_json, ''), '{}') AS preferences,
    created_at
FROM email_recipients
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: channel_subscriptions(first_rowid, last_rowid)
-- Channels. When one was last changed was not kept: it counts as changed when it was made.
-- from: channel_subscriptions (id, org_id, channel_type, channel_id, created_at)
-- optional: workspace_id, channel_name, event_types, created_by, is_active, config
-- into: channel_subscriptions
-- key: org_id, channel_type, channel_id
-- secrets: config
-- merge: newest created_at
-- order: created_at
-- unix: created_at, updated_at
-- values: event_types = event_types, []; config = config, {}; updated_at = created_at
SELECT
    rowid AS source_rowid,
    id,
    org_id,
    channel_type,
    channel_id,
    workspace_id,
    channel_name,
    coalesce(nullif(event_types, ''), '[]') AS event_types,
    coalesce(nullif(config, ''), '{}') AS config,
    coalesce(is_active, 1) AS is_active,
    created_by,
    created_at,
    created_at AS updated_at,
    CASE
        WHEN has_clear_secrets(cast(config AS BLOB))
            THEN
                'settings with secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secrets
FROM channel_subscriptions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
