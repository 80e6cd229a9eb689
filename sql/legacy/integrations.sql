-- How the older Aragora's integrations map onto today's tables. Times are seconds since 1970.
-- Encrypted settings stay as they are: their envelope is bound to the user and the type, which stay
-- too. See docs/migration.md ("How a mapping is written").

-- name: integrations(first_rowid, last_rowid)
-- Integrations. The older count of errors had no beginning; it gets the last activity for one.
-- from: integrations (integration_type, user_id, enabled, settings_json, created_at, updated_at)
-- optional: notify_on_consensus, notify_on_debate_end, notify_on_error, notify_on_leaderboard
-- optional: messages_sent, errors_24h, last_activity, last_error, workspace_id
-- into: integrations
-- secrets: settings
-- key: user_id, integration_type
-- merge: newest updated_at
-- unix: created_at, updated_at, last_activity, errors_since
-- values: settings = settings_json, {}
-- values: errors_since = last_activity when errors_24h > 0, updated_at when errors_24h > 0
SELECT
    rowid AS source_rowid,
    user_id,
    integration_type,
    enabled,
    coalesce(notify_on_consensus, 1) AS notify_on_consensus,
    coalesce(notify_on_debate_end, 1) AS notify_on_debate_end,
    coalesce(notify_on_error, 0) AS notify_on_error,
    coalesce(notify_on_leaderboard, 0) AS notify_on_leaderboard,
    coalesce(nullif(settings_json, ''), '{}') AS settings,
    coalesce(messages_sent, 0) AS messages_sent,
    coalesce(errors_24h, 0) AS errors_24h,
    CASE WHEN errors_24h > 0 THEN coalesce(last_activity, updated_at) END AS errors_since,
    last_activity,
    last_error,
    workspace_id,
    created_at,
    updated_at,
    CASE
        WHEN has_clear_secrets(cast(settings_json AS BLOB))
            THEN
                'settings with secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secrets
FROM integrations
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: user_id_mappings(first_rowid, last_rowid)
-- Who a user is on a platform. Addresses are kept in lower case, so two of them may become one.
-- from: user_id_mappings (email, platform, platform_user_id, user_id, created_at, updated_at)
-- optional: display_name
-- into: user_id_mappings
-- key: user_id, platform, email
-- repeats: addresses that differ in case only
-- merge: newest updated_at; conflict platform_user_id
-- unix: created_at, updated_at
-- values: email = lower(email)
SELECT
    rowid AS source_rowid,
    user_id,
    platform,
    lower_text(cast(email AS BLOB)) AS email,
    platform_user_id,
    display_name,
    created_at,
    updated_at
FROM user_id_mappings
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
