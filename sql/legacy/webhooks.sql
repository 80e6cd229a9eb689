-- How the older Aragora's webhooks, deliveries and received events map onto today's tables.
--
-- Encrypted secrets stay as they are: their envelope is bound to nothing, and is read so. Secrets and
-- addresses beside a delivery are left out: the webhook has them. A delivery that was still to be sent
-- has no job here; the first worker gives it one.
-- The comment lines with a colon are explained in docs/migration.md ("How a mapping is written").

-- name: webhooks(first_rowid, last_rowid)
-- Webhooks. Times are seconds since 1970.
-- from: webhook_configs (id, url, events_json, secret, created_at, updated_at)
-- optional: active, name, description, last_delivery_at, last_delivery_status
-- optional: delivery_count, failure_count, user_id, workspace_id
-- into: webhook_configs
-- key: id
-- secrets: secret
-- merge: newest updated_at
-- unix: created_at, updated_at, last_delivery_at
-- values: events = events_json
SELECT
    rowid AS source_rowid,
    id,
    url,
    events_json AS events,
    secret,
    coalesce(active, 1) AS active,
    name,
    description,
    last_delivery_at,
    last_delivery_status,
    coalesce(delivery_count, 0) AS delivery_count,
    coalesce(failure_count, 0) AS failure_count,
    user_id,
    workspace_id,
    created_at,
    updated_at,
    CASE
        WHEN is_clear_secret(cast(secret AS BLOB))
            THEN
                'secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secret
FROM webhook_configs
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: registrations(first_rowid, last_rowid)
-- Webhooks of the registry before that, whose secrets are in the clear.
-- from: webhook_registrations (id, url, events, secret, created_at, updated_at)
-- optional: active, name, description, last_delivery_at, last_delivery_status
-- optional: delivery_count, failure_count, user_id, workspace_id
-- into: webhook_configs
-- key: id
-- secrets: secret
-- merge: newest updated_at
-- unix: created_at, updated_at, last_delivery_at
SELECT
    rowid AS source_rowid,
    id,
    url,
    events,
    secret,
    coalesce(active, 1) AS active,
    name,
    description,
    last_delivery_at,
    last_delivery_status,
    coalesce(delivery_count, 0) AS delivery_count,
    coalesce(failure_count, 0) AS failure_count,
    user_id,
    workspace_id,
    created_at,
    updated_at,
    CASE
        WHEN is_clear_secret(cast(secret AS BLOB))
            THEN
                'secrets in the clear; encrypt them with '
                || '`aragora-sql integrations rotate-keys`'
    END AS note_secret
FROM webhook_registrations
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: subscriptions(first_rowid, last_rowid)
-- The events that webhooks are found by. Of two files with one webhook it has those of both, and what
-- the webhook itself names counts.
-- from: webhook_configs (id, events_json)
-- unpacks: events_json
-- into: webhook_subscriptions
-- key: event_type, webhook_id
-- repeats: an event may be named twice
-- merge: first
-- values: event_type = item; webhook_id = id
SELECT
    w.rowid AS source_rowid,
    e.value AS event_type,
    w.id AS webhook_id
FROM webhook_configs AS w
INNER JOIN
    json_each(CASE WHEN json_valid(w.events_json) THEN w.events_json ELSE '[]' END) AS e
WHERE w.rowid BETWEEN :first_rowid AND :last_rowid;

-- name: registered_events(first_rowid, last_rowid)
-- The same of the registry before that.
-- from: webhook_registrations (id, events)
-- unpacks: events
-- into: webhook_subscriptions
-- key: event_type, webhook_id
-- repeats: an event may be named twice
-- merge: first
-- values: event_type = item; webhook_id = id
SELECT
    w.rowid AS source_rowid,
    e.value AS event_type,
    w.id AS webhook_id
FROM webhook_registrations AS w
INNER JOIN json_each(CASE WHEN json_valid(w.events) THEN w.events ELSE '[]' END) AS e
WHERE w.rowid BETWEEN :first_rowid AND :last_rowid;

-- name: deliveries(first_rowid, last_rowid)
-- Deliveries: those that were still to be sent, and dead letters. The status counts, not the attempts.
-- from: webhook_deliveries (delivery_id, webhook_id, event_type, payload, status, url, created_at, updated_at)
-- optional: attempts, max_attempts, next_retry_at, last_error, last_status_code
-- optional: delivered_at, dead_lettered_at, metadata, secret
-- without: job_id
-- into: webhook_deliveries
-- key: delivery_id
-- secrets: metadata
-- merge: newest updated_at
-- values: max_attempts = nonzero max_attempts, 5
-- values: next_retry_at = next_retry_at when status is pending or in_progress or retrying
-- values: delivered_at = delivered_at, updated_at when status is delivered
-- values: dead_lettered_at = dead_lettered_at, updated_at when status is dead_lettered
-- values: metadata = computed from metadata
SELECT
    rowid AS source_rowid,
    delivery_id,
    webhook_id,
    event_type,
    payload,
    status,
    coalesce(attempts, 0) AS attempts,
    CASE WHEN coalesce(max_attempts, 0) = 0 THEN 5 ELSE max_attempts END AS max_attempts,
    CASE
        WHEN status IN ('pending', 'in_progress', 'retrying') THEN next_retry_at
    END AS next_retry_at,
    last_error,
    last_status_code,
    created_at,
    updated_at,
    coalesce(delivered_at, CASE WHEN status = 'delivered' THEN updated_at END) AS delivered_at,
    coalesce(
        dead_lettered_at, CASE WHEN status = 'dead_lettered' THEN updated_at END
    ) AS dead_lettered_at,
    CASE
        WHEN json_valid(metadata) THEN json_remove(metadata, '$.retry_url', '$.retry_secret')
        ELSE coalesce(nullif(metadata, ''), '{}')
    END AS metadata,
    url,
    CASE
        WHEN coalesce(secret, '') <> ''
            THEN 'secrets beside deliveries, left out: that of the webhook counts'
    END AS note_secret
FROM webhook_deliveries
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: events(first_rowid, last_rowid)
-- Events that came in; all were of one provider. Times are seconds since 1970.
-- from: webhook_events (event_id, processed_at, result)
-- without: provider
-- into: webhook_events
-- key: provider, event_id
-- merge: newest processed_at
-- unix: processed_at
-- values: provider = 'stripe'; result = result, 'success'
SELECT
    rowid AS source_rowid,
    'stripe' AS provider,
    event_id,
    processed_at,
    coalesce(result, 'success') AS result
FROM webhook_events
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
