-- Queries of the integrations store. Errors count for 24 hours: :errors_after is 24 hours ago.

-- name: get_integration(user_id, integration_type, errors_after)^
-- Return a user's integration of a type.
-- result: errors_24h not null
SELECT
    i.user_id,
    i.integration_type,
    i.enabled,
    i.notify_on_consensus,
    i.notify_on_debate_end,
    i.notify_on_error,
    i.notify_on_leaderboard,
    i.settings,
    i.messages_sent,
    CASE WHEN i.errors_since > :errors_after THEN i.errors_24h ELSE 0 END AS errors_24h,
    i.last_activity,
    i.last_error,
    i.workspace_id,
    i.created_at,
    i.updated_at
FROM integrations AS i
WHERE
    i.user_id = :user_id
    AND i.integration_type = :integration_type;

-- name: save_integration(user_id, integration_type, enabled, notify_on_consensus, notify_on_debate_end, notify_on_error, notify_on_leaderboard, settings, messages_sent, errors_24h, errors_since, last_activity, last_error, workspace_id, created_at, updated_at, errors_after)^
-- Store an integration and return what of a stored one stays as it was: its creation and its counters.
-- result: errors_24h not null
INSERT INTO integrations (
    user_id,
    integration_type,
    enabled,
    notify_on_consensus,
    notify_on_debate_end,
    notify_on_error,
    notify_on_leaderboard,
    settings,
    messages_sent,
    errors_24h,
    errors_since,
    last_activity,
    last_error,
    workspace_id,
    created_at,
    updated_at
)
VALUES (
    :user_id,
    :integration_type,
    :enabled,
    :notify_on_consensus,
    :notify_on_debate_end,
    :notify_on_error,
    :notify_on_leaderboard,
    :settings::jsonb,
    :messages_sent,
    :errors_24h,
    :errors_since,
    :last_activity,
    :last_error,
    :workspace_id,
    :created_at,
    :updated_at
)
ON CONFLICT (user_id, integration_type) DO UPDATE
    SET
        enabled = excluded.enabled,
        notify_on_consensus = excluded.notify_on_consensus,
        notify_on_debate_end = excluded.notify_on_debate_end,
        notify_on_error = excluded.notify_on_error,
        notify_on_leaderboard = excluded.notify_on_leaderboard,
        settings = excluded.settings,
        workspace_id = excluded.workspace_id,
        updated_at = excluded.updated_at
RETURNING
    messages_sent,
    CASE WHEN errors_since > :errors_after THEN errors_24h ELSE 0 END AS errors_24h,
    last_activity,
    last_error,
    created_at;

-- name: delete_integration(user_id, integration_type)!
-- Delete a user's integration of a type.
DELETE FROM integrations
WHERE
    user_id = :user_id
    AND integration_type = :integration_type;

-- name: list_for_user(user_id, after_type, row_limit, errors_after)
-- List a user's integrations by type, from a place on.
-- result: errors_24h not null
SELECT
    i.user_id,
    i.integration_type,
    i.enabled,
    i.notify_on_consensus,
    i.notify_on_debate_end,
    i.notify_on_error,
    i.notify_on_leaderboard,
    i.settings,
    i.messages_sent,
    CASE WHEN i.errors_since > :errors_after THEN i.errors_24h ELSE 0 END AS errors_24h,
    i.last_activity,
    i.last_error,
    i.workspace_id,
    i.created_at,
    i.updated_at
FROM integrations AS i
WHERE
    i.user_id = :user_id
    AND i.integration_type > :after_type
ORDER BY i.integration_type
LIMIT :row_limit;

-- name: list_for_workspace(workspace_id, after_user, after_type, row_limit, errors_after)
-- List a workspace's integrations by user and type, from a place on.
-- result: errors_24h not null
SELECT
    i.user_id,
    i.integration_type,
    i.enabled,
    i.notify_on_consensus,
    i.notify_on_debate_end,
    i.notify_on_error,
    i.notify_on_leaderboard,
    i.settings,
    i.messages_sent,
    CASE WHEN i.errors_since > :errors_after THEN i.errors_24h ELSE 0 END AS errors_24h,
    i.last_activity,
    i.last_error,
    i.workspace_id,
    i.created_at,
    i.updated_at
FROM integrations AS i
WHERE
    i.workspace_id = :workspace_id
    AND (i.user_id, i.integration_type) > (:after_user, :after_type)
ORDER BY i.user_id, i.integration_type
LIMIT :row_limit;

-- name: list_integrations(after_user, after_type, row_limit, errors_after)
-- List all integrations by user and type, from a place on.
-- result: errors_24h not null
SELECT
    i.user_id,
    i.integration_type,
    i.enabled,
    i.notify_on_consensus,
    i.notify_on_debate_end,
    i.notify_on_error,
    i.notify_on_leaderboard,
    i.settings,
    i.messages_sent,
    CASE WHEN i.errors_since > :errors_after THEN i.errors_24h ELSE 0 END AS errors_24h,
    i.last_activity,
    i.last_error,
    i.workspace_id,
    i.created_at,
    i.updated_at
FROM integrations AS i
WHERE (i.user_id, i.integration_type) > (:after_user, :after_type)
ORDER BY i.user_id, i.integration_type
LIMIT :row_limit;

-- name: lock_integrations(after_user, after_type, row_limit)
-- Take a page of integrations for encrypting their secrets again.
-- locks: integrations rows in order of user_id, integration_type
SELECT
    i.user_id,
    i.integration_type,
    i.settings
FROM integrations AS i
WHERE (i.user_id, i.integration_type) > (:after_user, :after_type)
ORDER BY i.user_id, i.integration_type
LIMIT :row_limit
FOR UPDATE;

-- name: count_integrations()$
-- Count all integrations.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM integrations;

-- name: set_settings(user_id, integration_type, settings)*!
-- Replace the settings of integrations, which are the same with their secrets encrypted again.
UPDATE integrations
SET settings = :settings::jsonb
WHERE
    user_id = :user_id
    AND integration_type = :integration_type;

-- name: add_messages(user_id, integration_type, messages, at_time)!
-- Count messages that were sent.
UPDATE integrations
SET
    messages_sent = messages_sent + :messages::bigint,
    last_activity = :at_time
WHERE
    user_id = :user_id
    AND integration_type = :integration_type;

-- name: add_error(user_id, integration_type, error, at_time, errors_after)!
-- Count an error; the first one, and the first after 24 hours, begins the count again.
UPDATE integrations
SET
    errors_24h = CASE WHEN errors_since > :errors_after THEN errors_24h + 1 ELSE 1 END,
    errors_since = CASE
        WHEN errors_since > :errors_after THEN errors_since
        ELSE :at_time::timestamptz
    END,
    last_error = :error
WHERE
    user_id = :user_id
    AND integration_type = :integration_type;

-- name: clear_errors(user_id, integration_type)!
-- Forget the errors of an integration.
UPDATE integrations
SET
    errors_24h = 0,
    errors_since = NULL,
    last_error = NULL
WHERE
    user_id = :user_id
    AND integration_type = :integration_type;

-- name: get_mapping(user_id, platform, email)^
-- Return the account of an e-mail address on a platform.
SELECT
    -- columns: UserIdMapping
    m.email,
    m.platform,
    m.platform_user_id,
    m.display_name,
    m.user_id,
    m.created_at,
    m.updated_at
FROM user_id_mappings AS m
WHERE
    m.user_id = :user_id
    AND m.platform = :platform
    AND m.email = :email;

-- name: find_mapping(user_id, platform, platform_user_id)^
-- Return the newest mapping of an account on a platform to an e-mail address.
SELECT
    -- columns: UserIdMapping
    m.email,
    m.platform,
    m.platform_user_id,
    m.display_name,
    m.user_id,
    m.created_at,
    m.updated_at
FROM user_id_mappings AS m
WHERE
    m.user_id = :user_id
    AND m.platform = :platform
    AND m.platform_user_id = :platform_user_id
ORDER BY m.updated_at DESC, m.email ASC
LIMIT 1;

-- name: save_mapping(user_id, platform, email, platform_user_id, display_name, created_at, updated_at)<!
-- Store a mapping and return when it was created; one that is stored again keeps that.
INSERT INTO user_id_mappings (
    user_id,
    platform,
    email,
    platform_user_id,
    display_name,
    created_at,
    updated_at
)
VALUES (
    :user_id,
    :platform,
    :email,
    :platform_user_id,
    :display_name,
    :created_at,
    :updated_at
)
ON CONFLICT (user_id, platform, email) DO UPDATE
    SET
        platform_user_id = excluded.platform_user_id,
        display_name = excluded.display_name,
        updated_at = excluded.updated_at
RETURNING created_at;

-- name: delete_mapping(user_id, platform, email)!
-- Delete a mapping.
DELETE FROM user_id_mappings
WHERE
    user_id = :user_id
    AND platform = :platform
    AND email = :email;

-- name: list_mappings(user_id, after_platform, after_email, row_limit)
-- List a user's mappings by platform and e-mail address, from a place on.
SELECT
    -- columns: UserIdMapping
    m.email,
    m.platform,
    m.platform_user_id,
    m.display_name,
    m.user_id,
    m.created_at,
    m.updated_at
FROM user_id_mappings AS m
WHERE
    m.user_id = :user_id
    AND (m.platform, m.email) > (:after_platform, :after_email)
ORDER BY m.platform, m.email
LIMIT :row_limit;

-- name: list_platform_mappings(user_id, platform, after_email, row_limit)
-- List a user's mappings on a platform by e-mail address, from a place on.
SELECT
    -- columns: UserIdMapping
    m.email,
    m.platform,
    m.platform_user_id,
    m.display_name,
    m.user_id,
    m.created_at,
    m.updated_at
FROM user_id_mappings AS m
WHERE
    m.user_id = :user_id
    AND m.platform = :platform
    AND m.email > :after_email
ORDER BY m.email
LIMIT :row_limit;
