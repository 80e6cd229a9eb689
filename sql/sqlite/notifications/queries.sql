-- Queries of the store of notifications: settings, channels, preferences, inboxes, digests.
-- Windows and leases go by the clock of the database, whose time is the same for all instances.

-- name: get_email_config(org_id)^
-- Return an organization's settings of e-mail.
SELECT
    c.org_id,
    c.config,
    c.created_at,
    c.updated_at
FROM notification_email_configs AS c
WHERE c.org_id = :org_id;

-- name: save_email_config(org_id, config, created_at, updated_at)<!
-- Store an organization's settings of e-mail and return when they were made; that stays.
INSERT INTO notification_email_configs (org_id, config, created_at, updated_at)
VALUES (:org_id, :config, :created_at, :updated_at)
ON CONFLICT (org_id) DO UPDATE SET
    config = excluded.config,
    updated_at = excluded.updated_at
RETURNING created_at;

-- name: delete_email_config(org_id)!
-- Delete an organization's settings of e-mail.
DELETE FROM notification_email_configs
WHERE org_id = :org_id;

-- name: list_email_secrets(after_org, row_limit)
-- List settings of e-mail by organization, from a place on.
SELECT
    c.org_id,
    c.config
FROM notification_email_configs AS c
WHERE c.org_id > :after_org
ORDER BY c.org_id
LIMIT :row_limit;

-- name: lock_email_secrets(after_org, row_limit)
-- Take a page of settings of e-mail for encrypting their secrets again.
SELECT
    c.org_id,
    c.config
FROM notification_email_configs AS c
WHERE c.org_id > :after_org
ORDER BY c.org_id
LIMIT :row_limit;

-- name: set_email_secrets(org_id, config)*!
-- Replace settings of e-mail by the same ones, their secrets encrypted again.
UPDATE notification_email_configs
SET config = :config
WHERE org_id = :org_id;

-- name: get_telegram_config(org_id)^
-- Return an organization's settings of Telegram.
SELECT
    c.org_id,
    c.config,
    c.created_at,
    c.updated_at
FROM notification_telegram_configs AS c
WHERE c.org_id = :org_id;

-- name: save_telegram_config(org_id, config, created_at, updated_at)<!
-- Store an organization's settings of Telegram and return when they were made; that stays.
INSERT INTO notification_telegram_configs (org_id, config, created_at, updated_at)
VALUES (:org_id, :config, :created_at, :updated_at)
ON CONFLICT (org_id) DO UPDATE SET
    config = excluded.config,
    updated_at = excluded.updated_at
RETURNING created_at;

-- name: delete_telegram_config(org_id)!
-- Delete an organization's settings of Telegram.
DELETE FROM notification_telegram_configs
WHERE org_id = :org_id;

-- name: list_telegram_secrets(after_org, row_limit)
-- List settings of Telegram by organization, from a place on.
SELECT
    c.org_id,
    c.config
FROM notification_telegram_configs AS c
WHERE c.org_id > :after_org
ORDER BY c.org_id
LIMIT :row_limit;

-- name: lock_telegram_secrets(after_org, row_limit)
-- Take a page of settings of Telegram for encrypting their secrets again.
SELECT
    c.org_id,
    c.config
FROM notification_telegram_configs AS c
WHERE c.org_id > :after_org
ORDER BY c.org_id
LIMIT :row_limit;

-- name: set_telegram_secrets(org_id, config)*!
-- Replace settings of Telegram by the same ones, their secrets encrypted again.
UPDATE notification_telegram_configs
SET config = :config
WHERE org_id = :org_id;

-- name: count_secrets()$
-- Count all settings that may hold secrets.
-- plan: seq_scan allowed because a count of all rows looks at all rows
-- result: total not null
SELECT
    (SELECT count(*) FROM notification_email_configs)
    + (SELECT count(*) FROM notification_telegram_configs)
    + (SELECT count(*) FROM channel_subscriptions) AS total;

-- name: add_recipient(org_id, email, email_key, name, preferences, created_at)!
-- Store a recipient, or the name and the preferences of one that is there.
INSERT INTO notification_email_recipients (
    org_id,
    email,
    email_key,
    name,
    preferences,
    created_at
)
VALUES (
    :org_id,
    :email,
    :email_key,
    :name,
    :preferences,
    :created_at
)
ON CONFLICT (org_id, email) DO UPDATE SET
    name = excluded.name,
    preferences = excluded.preferences;

-- name: list_recipients(org_id, after_email, row_limit)
-- List the recipients of an organization by address, from a place on.
SELECT
    -- columns: EmailRecipient
    r.org_id,
    r.email,
    r.name,
    r.preferences,
    r.created_at,
    r.id
FROM notification_email_recipients AS r
WHERE
    r.org_id = :org_id
    AND r.email > :after_email
ORDER BY r.email
LIMIT :row_limit;

-- name: remove_recipient(org_id, email)!
-- Delete a recipient.
DELETE FROM notification_email_recipients
WHERE
    org_id = :org_id
    AND email = :email;

-- name: clear_recipients(org_id)!
-- Delete all recipients of an organization.
DELETE FROM notification_email_recipients
WHERE org_id = :org_id;

-- name: save_channel(id, org_id, channel_type, channel_id, workspace_id, channel_name, event_types, config, is_active, created_by, created_at, updated_at)^
-- Store a channel and return what of one that is there stays: its identifier, and who made it when.
INSERT INTO channel_subscriptions (
    id,
    org_id,
    channel_type,
    channel_id,
    workspace_id,
    channel_name,
    event_types,
    config,
    is_active,
    created_by,
    created_at,
    updated_at
)
VALUES (
    :id,
    :org_id,
    :channel_type,
    :channel_id,
    :workspace_id,
    :channel_name,
    :event_types,
    :config,
    :is_active,
    :created_by,
    :created_at,
    :updated_at
)
ON CONFLICT (org_id, channel_type, channel_id) DO UPDATE SET
    workspace_id = excluded.workspace_id,
    channel_name = excluded.channel_name,
    event_types = excluded.event_types,
    config = excluded.config,
    is_active = excluded.is_active,
    updated_at = excluded.updated_at
RETURNING
    id,
    created_by,
    created_at;

-- name: get_channel(id)^
-- Return a channel.
SELECT
    s.id,
    s.org_id,
    s.channel_type,
    s.channel_id,
    s.workspace_id,
    s.channel_name,
    s.event_types,
    s.config,
    s.is_active,
    s.created_by,
    s.created_at,
    s.updated_at
FROM channel_subscriptions AS s
WHERE s.id = :id;

-- name: list_channels(org_id, active_only, after_type, after_channel, row_limit)
-- List the channels of an organization by type and channel, from a place on.
SELECT
    s.id,
    s.org_id,
    s.channel_type,
    s.channel_id,
    s.workspace_id,
    s.channel_name,
    s.event_types,
    s.config,
    s.is_active,
    s.created_by,
    s.created_at,
    s.updated_at
FROM channel_subscriptions AS s
WHERE
    s.org_id = :org_id
    AND (:active_only IS FALSE OR s.is_active)
    AND (s.channel_type, s.channel_id) > (:after_type, :after_channel)
ORDER BY s.channel_type, s.channel_id
LIMIT :row_limit;

-- name: list_channels_for_event(org_id, event_type)
-- List the channels in use that an event of an organization goes to.
-- meaning: values of event_type ["receipt", "budget_alert"] because channels are told these
SELECT
    s.id,
    s.org_id,
    s.channel_type,
    s.channel_id,
    s.workspace_id,
    s.channel_name,
    s.event_types,
    s.config,
    s.is_active,
    s.created_by,
    s.created_at,
    s.updated_at
FROM channel_subscriptions AS s
WHERE
    s.org_id = :org_id
    AND s.is_active
    AND EXISTS (SELECT 1 FROM json_each(s.event_types) AS e WHERE e.value = :event_type)
ORDER BY s.channel_type, s.channel_id;

-- name: set_channel_active(id, is_active, updated_at)!
-- Take a channel into use, or out of it.
UPDATE channel_subscriptions
SET
    is_active = :is_active,
    updated_at = :updated_at
WHERE id = :id;

-- name: delete_channel(id)!
-- Delete a channel.
DELETE FROM channel_subscriptions
WHERE id = :id;

-- name: list_channel_secrets(after_id, row_limit)
-- List settings of channels, from a place on.
SELECT
    s.id,
    s.org_id,
    s.channel_type,
    s.channel_id,
    s.config
FROM channel_subscriptions AS s
WHERE s.id > :after_id
ORDER BY s.id
LIMIT :row_limit;

-- name: lock_channel_secrets(after_id, row_limit)
-- Take a page of settings of channels for encrypting their secrets again.
SELECT
    s.id,
    s.org_id,
    s.channel_type,
    s.channel_id,
    s.config
FROM channel_subscriptions AS s
WHERE s.id > :after_id
ORDER BY s.id
LIMIT :row_limit;

-- name: set_channel_secrets(id, config)*!
-- Replace settings of channels by the same ones, their secrets encrypted again.
UPDATE channel_subscriptions
SET config = :config
WHERE id = :id;

-- name: set_preference(org_id, user_id, channel, event_type, enabled, updated_at)!
-- Store whether a user wants to be told of an event over a channel.
INSERT INTO notification_preferences (
    org_id,
    user_id,
    channel,
    event_type,
    enabled,
    updated_at
)
VALUES (
    :org_id,
    :user_id,
    :channel,
    :event_type,
    :enabled,
    :updated_at
)
ON CONFLICT (org_id, user_id, channel, event_type) DO UPDATE SET
    enabled = excluded.enabled,
    updated_at = excluded.updated_at;

-- name: list_preferences(org_id, user_id)
-- List the preferences of a user by channel and event.
SELECT
    -- columns: NotificationPreference
    f.org_id,
    f.user_id,
    f.channel,
    f.event_type,
    f.enabled,
    f.updated_at
FROM notification_preferences AS f
WHERE
    f.org_id = :org_id
    AND f.user_id = :user_id
ORDER BY f.channel, f.event_type;

-- name: get_preference(org_id, user_id, channel, event_type)$
-- Tell whether a user wants to be told of an event over a channel; NULL when nothing is said.
-- result: enabled boolean
SELECT f.enabled
FROM notification_preferences AS f
WHERE
    f.org_id = :org_id
    AND f.user_id = :user_id
    AND f.channel = :channel
    AND f.event_type IN (:event_type, '*')
ORDER BY f.event_type = '*'
LIMIT 1;

-- name: delete_preferences(org_id, user_id)!
-- Delete the preferences of a user.
DELETE FROM notification_preferences
WHERE
    org_id = :org_id
    AND user_id = :user_id;

-- name: hold_dedup_key(org_id, user_id, dedup_key, window_seconds)!
-- Begin the window of a key, unless one is open.
INSERT INTO notification_dedup_keys (org_id, user_id, dedup_key, holds_until)
VALUES (
    :org_id,
    :user_id,
    :dedup_key,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :window_seconds))
)
ON CONFLICT (org_id, user_id, dedup_key) DO UPDATE SET
    holds_until = excluded.holds_until
WHERE notification_dedup_keys.holds_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now');

-- name: insert_notification(org_id, user_id, event_type, title, message, data, dedup_key, created_at)<!
-- Store a notification and return its number, unless its user does not want such ones.
INSERT INTO notifications (
    org_id,
    user_id,
    event_type,
    title,
    message,
    data,
    dedup_key,
    in_digest,
    created_at
)
SELECT
    :org_id,
    :user_id,
    :event_type,
    :title,
    :message,
    :data,
    :dedup_key,
    coalesce(
        (
            SELECT f.enabled
            FROM notification_preferences AS f
            WHERE
                f.org_id = :org_id
                AND f.user_id = :user_id
                AND f.channel = 'digest'
                AND f.event_type IN (:event_type, '*')
            ORDER BY f.event_type = '*'
            LIMIT 1
        ),
        TRUE
    ),
    :created_at
WHERE
    coalesce(
        (
            SELECT f.enabled
            FROM notification_preferences AS f
            WHERE
                f.org_id = :org_id
                AND f.user_id = :user_id
                AND f.channel = 'inbox'
                AND f.event_type IN (:event_type, '*')
            ORDER BY f.event_type = '*'
            LIMIT 1
        ),
        TRUE
    )
RETURNING id;

-- name: list_notifications(org_id, user_id, after_id, row_limit)
-- List the inbox of a user, the newest first, from a place on.
SELECT
    -- columns: Notification
    n.id,
    n.org_id,
    n.user_id,
    n.event_type,
    n.title,
    n.message,
    n.data,
    n.dedup_key,
    n.created_at,
    n.read_at,
    n.digested_at
FROM notifications AS n
WHERE
    n.org_id = :org_id
    AND n.user_id = :user_id
    AND n.id < :after_id
ORDER BY n.id DESC
LIMIT :row_limit;

-- name: list_unread(org_id, user_id, after_id, row_limit)
-- List what a user has not read, the newest first, from a place on.
SELECT
    -- columns: Notification
    n.id,
    n.org_id,
    n.user_id,
    n.event_type,
    n.title,
    n.message,
    n.data,
    n.dedup_key,
    n.created_at,
    n.read_at,
    n.digested_at
FROM notifications AS n
WHERE
    n.org_id = :org_id
    AND n.user_id = :user_id
    AND n.read_at IS NULL
    AND n.id < :after_id
ORDER BY n.id DESC
LIMIT :row_limit;

-- name: count_unread(org_id, user_id)$
-- Count what a user has not read.
SELECT count(*) AS total
FROM notifications AS n
WHERE
    n.org_id = :org_id
    AND n.user_id = :user_id
    AND n.read_at IS NULL;

-- name: mark_read(org_id, user_id, ids, read_at)!
-- Mark notifications of a user as read, which were not.
UPDATE notifications
SET read_at = :read_at
WHERE
    id IN (SELECT j.value FROM json_each(:ids) AS j)
    AND org_id = :org_id
    AND user_id = :user_id
    AND read_at IS NULL;

-- name: mark_all_read(org_id, user_id, up_to, read_at)!
-- Mark all notifications of a user up to a number as read, which were not.
UPDATE notifications
SET read_at = :read_at
WHERE
    org_id = :org_id
    AND user_id = :user_id
    AND read_at IS NULL
    AND id <= :up_to;

-- name: delete_notification(org_id, user_id, id)!
-- Delete a notification of a user.
DELETE FROM notifications
WHERE
    id = :id
    AND org_id = :org_id
    AND user_id = :user_id;

-- name: list_pending_digests(org_id, after_user, row_limit)
-- List what the next digest of each user of an organization would tell, by user, from a place on.
-- result: oldest_at timestamp, newest_at timestamp, event_types json
-- result: user_id not null, total not null, oldest_at not null, newest_at not null, event_types not null
WITH counted AS (
    SELECT
        n.user_id,
        n.event_type,
        count(*) AS total,
        min(n.created_at) AS oldest_at,
        max(n.created_at) AS newest_at
    FROM notifications AS n
    WHERE
        n.org_id = :org_id
        AND n.user_id > :after_user
        AND n.in_digest
        AND n.digested_at IS NULL
        AND n.read_at IS NULL
    GROUP BY n.user_id, n.event_type
)

SELECT
    -- columns: PendingDigest
    c.user_id,
    sum(c.total) AS total,
    min(c.oldest_at) AS oldest_at,
    max(c.newest_at) AS newest_at,
    json_group_object(c.event_type, c.total) AS event_types,
    d.last_digest_at
FROM counted AS c
LEFT JOIN notification_digests AS d ON d.org_id = :org_id AND c.user_id = d.user_id
GROUP BY c.user_id, d.last_digest_at
ORDER BY c.user_id
LIMIT :row_limit;

-- name: claim_digests(org_id, digest_id, lease_seconds, interval_seconds, row_limit)
-- Take the leases to send digests to users of an organization who have something to be told, unless another one has them or the last digest is too recent.
INSERT INTO notification_digests (org_id, user_id, digest_id, lease_until)
SELECT
    :org_id,
    u.user_id,
    :digest_id,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds))
FROM (
    SELECT DISTINCT n.user_id
    FROM notifications AS n
    LEFT JOIN notification_digests AS d ON n.org_id = d.org_id AND n.user_id = d.user_id
    WHERE
        n.org_id = :org_id
        AND n.in_digest
        AND n.digested_at IS NULL
        AND n.read_at IS NULL
        AND (d.lease_until IS NULL OR d.lease_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
        AND (
            d.last_digest_at IS NULL
            OR d.last_digest_at
            <= strftime(
                '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', 0 - :interval_seconds)
            )
        )
    ORDER BY n.user_id
    LIMIT :row_limit
) AS u
WHERE TRUE
ORDER BY u.user_id
-- Nobody writes between the SELECT and this.
ON CONFLICT (org_id, user_id) DO UPDATE SET
    digest_id = excluded.digest_id,
    lease_until = excluded.lease_until
RETURNING
    user_id,
    last_digest_at;

-- name: fill_digests(org_id, digest_id, most)
-- Put what users are to be told, the oldest first and so many of each at most, into their digests that were begun, and return it.
WITH chosen AS (
    SELECT
        n.id,
        row_number() OVER (PARTITION BY n.user_id ORDER BY n.id) AS place
    FROM notifications AS n
    WHERE
        n.org_id = :org_id
        AND n.user_id IN (
            SELECT d.user_id
            FROM notification_digests AS d
            WHERE
                d.digest_id = :digest_id
                AND d.org_id = :org_id
        )
        AND n.in_digest
        AND n.digested_at IS NULL
        AND n.read_at IS NULL
)

UPDATE notifications
SET digest_id = :digest_id
WHERE
    id IN (SELECT c.id FROM chosen AS c WHERE c.place <= :most)
RETURNING
    -- columns: Notification
    id,
    org_id,
    user_id,
    event_type,
    title,
    message,
    data,
    dedup_key,
    created_at,
    read_at,
    digested_at;

-- name: end_digest(org_id, user_id, digest_id, last_digest_at)!
-- End a digest that was begun, if nobody else has begun one since; without a time it was not sent.
UPDATE notification_digests
SET
    digest_id = NULL,
    lease_until = NULL,
    last_digest_at = coalesce(:last_digest_at, last_digest_at)
WHERE
    org_id = :org_id
    AND user_id = :user_id
    AND digest_id = :digest_id;

-- name: end_empty_digests(digest_id, user_ids)!
-- End digests in which nothing is to be told any more.
UPDATE notification_digests
SET
    digest_id = NULL,
    lease_until = NULL
WHERE
    digest_id = :digest_id
    AND user_id IN (SELECT j.value FROM json_each(:user_ids) AS j);

-- name: mark_digested(user_id, digest_id, digested_at)!
-- Mark what a digest told a user.
UPDATE notifications
SET digested_at = :digested_at
WHERE
    digest_id = :digest_id
    AND digested_at IS NULL
    AND user_id = :user_id;

-- name: delete_read(older_than, row_limit)!
-- Delete some of the notifications that were read before a time.
DELETE FROM notifications
WHERE id IN (
    SELECT x.id
    FROM notifications AS x
    WHERE x.read_at < :older_than
    ORDER BY x.read_at, x.id
    LIMIT :row_limit
);

-- name: delete_old(older_than, row_limit)!
-- Delete some of the notifications that are older than a time, read or not.
DELETE FROM notifications
WHERE id IN (
    SELECT x.id
    FROM notifications AS x
    WHERE x.created_at < :older_than
    ORDER BY x.created_at, x.id
    LIMIT :row_limit
);

-- name: delete_dedup_keys(row_limit)!
-- Delete some of the keys whose window is over.
DELETE FROM notification_dedup_keys
WHERE (org_id, user_id, dedup_key) IN (
    SELECT
        x.org_id,
        x.user_id,
        x.dedup_key
    FROM notification_dedup_keys AS x
    WHERE x.holds_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ORDER BY x.holds_until, x.org_id, x.user_id, x.dedup_key
    LIMIT :row_limit
);
