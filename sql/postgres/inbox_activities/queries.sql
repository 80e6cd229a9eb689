-- Queries of the store of activities in shared inboxes.

-- name: insert_activity(id, inbox_id, org_id, actor_id, action, target_id, metadata, created_at)^
-- Store an activity.
INSERT INTO inbox_activities (
    id,
    inbox_id,
    org_id,
    actor_id,
    action,
    target_id,
    metadata,
    created_at
)
VALUES (
    :id,
    :inbox_id,
    :org_id,
    :actor_id,
    :action,
    :target_id,
    :metadata::jsonb,
    coalesce(:created_at::timestamptz, statement_timestamp())
)
RETURNING
    -- columns: InboxActivity
    id,
    inbox_id,
    org_id,
    actor_id,
    action,
    target_id,
    metadata,
    created_at;

-- name: get_activity(id, org_id)^
-- Return an activity, of one organization or of any.
SELECT
    -- columns: InboxActivity
    a.id,
    a.inbox_id,
    a.org_id,
    a.actor_id,
    a.action,
    a.target_id,
    a.metadata,
    a.created_at
FROM inbox_activities AS a
WHERE
    a.id = :id
    AND (:org_id::text IS NULL OR a.org_id = :org_id);

-- name: list_inbox_activities(inbox_id, org_id, action, since, after_timestamp, after_id, row_limit)
-- List what happened in an inbox, newest first, from a place on, perhaps of one organization, one
-- action, or since a time.
SELECT
    -- columns: InboxActivity
    a.id,
    a.inbox_id,
    a.org_id,
    a.actor_id,
    a.action,
    a.target_id,
    a.metadata,
    a.created_at
FROM inbox_activities AS a
WHERE
    a.inbox_id = :inbox_id
    AND (:org_id::text IS NULL OR a.org_id = :org_id)
    AND (:action::text IS NULL OR a.action = :action)
    AND (:since::timestamptz IS NULL OR a.created_at >= :since)
    AND (a.created_at, a.id) < (:after_timestamp, :after_id::text)
ORDER BY a.created_at DESC, a.id DESC
LIMIT :row_limit;

-- name: list_target_activities(target_id, org_id, since, after_timestamp, after_id, row_limit)
-- List what was done to a message or member, newest first, from a place on, perhaps of one
-- organization, or since a time.
SELECT
    -- columns: InboxActivity
    a.id,
    a.inbox_id,
    a.org_id,
    a.actor_id,
    a.action,
    a.target_id,
    a.metadata,
    a.created_at
FROM inbox_activities AS a
WHERE
    a.target_id = :target_id
    AND (:org_id::text IS NULL OR a.org_id = :org_id)
    AND (:since::timestamptz IS NULL OR a.created_at >= :since)
    AND (a.created_at, a.id) < (:after_timestamp, :after_id::text)
ORDER BY a.created_at DESC, a.id DESC
LIMIT :row_limit;

-- name: list_org_activities(org_id, since, after_timestamp, after_id, row_limit)
-- List what happened in the inboxes of an organization, newest first, from a place on, perhaps since a
-- time.
SELECT
    -- columns: InboxActivity
    a.id,
    a.inbox_id,
    a.org_id,
    a.actor_id,
    a.action,
    a.target_id,
    a.metadata,
    a.created_at
FROM inbox_activities AS a
WHERE
    a.org_id = :org_id
    AND (:since::timestamptz IS NULL OR a.created_at >= :since)
    AND (a.created_at, a.id) < (:after_timestamp, :after_id::text)
ORDER BY a.created_at DESC, a.id DESC
LIMIT :row_limit;

-- name: list_actor_activities(actor_id, org_id, since, after_timestamp, after_id, row_limit)
-- List what a user did, newest first, from a place on, perhaps in one organization, or since a time.
SELECT
    -- columns: InboxActivity
    a.id,
    a.inbox_id,
    a.org_id,
    a.actor_id,
    a.action,
    a.target_id,
    a.metadata,
    a.created_at
FROM inbox_activities AS a
WHERE
    a.actor_id = :actor_id
    AND (:org_id::text IS NULL OR a.org_id = :org_id)
    AND (:since::timestamptz IS NULL OR a.created_at >= :since)
    AND (a.created_at, a.id) < (:after_timestamp, :after_id::text)
ORDER BY a.created_at DESC, a.id DESC
LIMIT :row_limit;

-- name: count_activities(inbox_id, org_id, action)$
-- Count activities, perhaps of one inbox, organization or action.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM inbox_activities AS a
WHERE
    (:inbox_id::text IS NULL OR a.inbox_id = :inbox_id)
    AND (:org_id::text IS NULL OR a.org_id = :org_id)
    AND (:action::text IS NULL OR a.action = :action);

-- name: delete_old_activities(age_seconds, row_limit)!
-- Delete some of the activities that are so many seconds old, or older.
-- locks: inbox_activities rows in order of created_at, id, skip locked
WITH chosen AS (
    SELECT x.id
    FROM inbox_activities AS x
    WHERE
        x.created_at
        <= statement_timestamp() - make_interval(secs => :age_seconds::double precision)
    ORDER BY x.created_at, x.id
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM inbox_activities AS t
WHERE t.id = any(array(SELECT c.id FROM chosen AS c));
