-- Queries of webhooks: configuration, deliveries, events that came in.
-- Leases, delays and ages are by the clock of the database.

-- name: insert_webhook(id, url, events, secret, name, description, user_id, workspace_id, at_time)!
-- Store a new webhook.
INSERT INTO webhook_configs (
    id,
    url,
    events,
    secret,
    name,
    description,
    user_id,
    workspace_id,
    created_at,
    updated_at
)
VALUES (
    :id,
    :url,
    :events,
    :secret,
    :name,
    :description,
    :user_id,
    :workspace_id,
    :at_time,
    :at_time
);

-- name: insert_subscriptions(webhook_id, events)!
-- Let a webhook be found by its events; those that it is found by stay.
INSERT INTO webhook_subscriptions (event_type, webhook_id)
SELECT
    e.value AS event_type,
    :webhook_id
FROM json_each(:events) AS e
-- without a WHERE the parser takes ON for that of a join
WHERE TRUE
ON CONFLICT (event_type, webhook_id) DO NOTHING;

-- name: delete_subscriptions(webhook_id, events)!
-- Let a webhook not be found by events that are none of its own.
DELETE FROM webhook_subscriptions
WHERE
    webhook_id = :webhook_id
    AND event_type NOT IN (SELECT value FROM json_each(:events));

-- name: get_webhook(id)^
-- Return a webhook, without its secrets.
SELECT
    -- columns: WebhookConfig
    c.id,
    c.url,
    c.events,
    c.active,
    c.created_at,
    c.updated_at,
    c.name,
    c.description,
    c.last_delivery_at,
    c.last_delivery_status,
    c.delivery_count,
    c.failure_count,
    c.user_id,
    c.workspace_id,
    c.consecutive_failures,
    c.circuit_open_until,
    c.previous_secret_until
FROM webhook_configs AS c
WHERE c.id = :id;

-- name: list_webhooks(active_only, before_time, before_id, row_limit)
-- List webhooks, the newest first, from a place on.
-- plan: filtered_walk allowed because few webhooks are inactive
SELECT
    -- columns: WebhookConfig
    c.id,
    c.url,
    c.events,
    c.active,
    c.created_at,
    c.updated_at,
    c.name,
    c.description,
    c.last_delivery_at,
    c.last_delivery_status,
    c.delivery_count,
    c.failure_count,
    c.user_id,
    c.workspace_id,
    c.consecutive_failures,
    c.circuit_open_until,
    c.previous_secret_until
FROM webhook_configs AS c
WHERE
    (NOT :active_only OR c.active)
    AND (c.created_at, c.id) < (:before_time, :before_id)
ORDER BY c.created_at DESC, c.id DESC
LIMIT :row_limit;

-- name: list_user_webhooks(user_id, workspace_id, active_only, before_time, before_id, row_limit)
-- List webhooks of a user, also of one workspace only, the newest first, from a place on.
SELECT
    -- columns: WebhookConfig
    c.id,
    c.url,
    c.events,
    c.active,
    c.created_at,
    c.updated_at,
    c.name,
    c.description,
    c.last_delivery_at,
    c.last_delivery_status,
    c.delivery_count,
    c.failure_count,
    c.user_id,
    c.workspace_id,
    c.consecutive_failures,
    c.circuit_open_until,
    c.previous_secret_until
FROM webhook_configs AS c
WHERE
    c.user_id = :user_id
    AND (:workspace_id IS NULL OR c.workspace_id = :workspace_id)
    AND (NOT :active_only OR c.active)
    AND (c.created_at, c.id) < (:before_time, :before_id)
ORDER BY c.created_at DESC, c.id DESC
LIMIT :row_limit;

-- name: list_workspace_webhooks(workspace_id, active_only, before_time, before_id, row_limit)
-- List webhooks of a workspace, the newest first, from a place on.
SELECT
    -- columns: WebhookConfig
    c.id,
    c.url,
    c.events,
    c.active,
    c.created_at,
    c.updated_at,
    c.name,
    c.description,
    c.last_delivery_at,
    c.last_delivery_status,
    c.delivery_count,
    c.failure_count,
    c.user_id,
    c.workspace_id,
    c.consecutive_failures,
    c.circuit_open_until,
    c.previous_secret_until
FROM webhook_configs AS c
WHERE
    c.workspace_id = :workspace_id
    AND (NOT :active_only OR c.active)
    AND (c.created_at, c.id) < (:before_time, :before_id)
ORDER BY c.created_at DESC, c.id DESC
LIMIT :row_limit;

-- name: list_event_webhooks(event_types, user_id, workspace_id)
-- List the active webhooks of some events, also of one user or workspace only, the newest first.
-- meaning: values of event_types [["vote", "*"], ["x"], [], ["consensus", "*"], ["vote"]] because a webhook has some
SELECT
    -- columns: WebhookConfig
    c.id,
    c.url,
    c.events,
    c.active,
    c.created_at,
    c.updated_at,
    c.name,
    c.description,
    c.last_delivery_at,
    c.last_delivery_status,
    c.delivery_count,
    c.failure_count,
    c.user_id,
    c.workspace_id,
    c.consecutive_failures,
    c.circuit_open_until,
    c.previous_secret_until
FROM webhook_configs AS c
WHERE
    c.id IN (
        SELECT s.webhook_id
        FROM webhook_subscriptions AS s
        WHERE s.event_type IN (SELECT value FROM json_each(:event_types))
    )
    AND c.active
    AND EXISTS (
        -- What the webhook itself names counts, the subscriptions only find it.
        SELECT 1
        FROM json_each(c.events) AS e
        WHERE e.value IN (SELECT value FROM json_each(:event_types))
    )
    AND (:user_id IS NULL OR c.user_id = :user_id)
    AND (:workspace_id IS NULL OR c.workspace_id = :workspace_id)
ORDER BY c.created_at DESC, c.id DESC;

-- name: update_webhook(id, url, events, active, name, description, at_time)^
-- Change what is not NULL of a webhook.
UPDATE webhook_configs
SET
    url = coalesce(:url, url),
    events = coalesce(:events, events),
    active = coalesce(:active, active),
    name = coalesce(:name, name),
    description = coalesce(:description, description),
    updated_at = :at_time
WHERE id = :id
RETURNING
    -- columns: WebhookConfig
    id,
    url,
    events,
    active,
    created_at,
    updated_at,
    name,
    description,
    last_delivery_at,
    last_delivery_status,
    delivery_count,
    failure_count,
    user_id,
    workspace_id,
    consecutive_failures,
    circuit_open_until,
    previous_secret_until;

-- name: delete_webhook(id)!
-- Delete a webhook, with its subscriptions and deliveries.
DELETE FROM webhook_configs
WHERE id = :id;

-- name: rotate_secret(id, secret, valid_seconds)$
-- Give a webhook a new secret, and return until when the one before it is valid too.
-- result: previous_secret_until not null
-- meaning: previous_secret_until within 0.001 because the clock of SQLite has milliseconds
-- meaning: webhook_configs.previous_secret_until within 0.001 because the clock of SQLite has milliseconds
UPDATE webhook_configs
SET
    previous_secret = secret,
    previous_secret_until
    = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :valid_seconds)),
    secret = :secret,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE id = :id
RETURNING previous_secret_until;

-- name: list_secrets(after_id, row_limit)
-- List the secrets of webhooks, from a place on.
SELECT
    c.id,
    c.secret,
    c.previous_secret
FROM webhook_configs AS c
WHERE c.id > :after_id
ORDER BY c.id
LIMIT :row_limit;

-- name: lock_secrets(after_id, row_limit)
-- Take a page of webhooks for encrypting their secrets again.
SELECT
    c.id,
    c.secret,
    c.previous_secret
FROM webhook_configs AS c
WHERE c.id > :after_id
ORDER BY c.id
LIMIT :row_limit;

-- name: count_webhooks()$
-- Count the webhooks.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM webhook_configs;

-- name: set_secrets(id, secret, previous_secret)*!
-- Replace the secrets of webhooks, which are the same encrypted again.
UPDATE webhook_configs
SET
    secret = :secret,
    previous_secret = :previous_secret
WHERE id = :id;

-- name: count_success(id, status_code)!
-- Count a delivery that succeeded; it closes the circuit.
UPDATE webhook_configs
SET
    delivery_count = delivery_count + 1,
    last_delivery_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    last_delivery_status = :status_code,
    consecutive_failures = 0,
    circuit_openings = 0,
    circuit_open_until = NULL,
    probe_until = NULL
WHERE id = :id;

-- name: count_failure(id, status_code, failures, open_seconds, most_seconds)!
-- Count a delivery that failed. With so many in a row the circuit opens, each time for twice as long.
-- meaning: webhook_configs.circuit_open_until within 0.001 because the clock of SQLite has milliseconds
UPDATE webhook_configs
SET
    delivery_count = delivery_count + 1,
    failure_count = failure_count + 1,
    last_delivery_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    last_delivery_status = :status_code,
    consecutive_failures = consecutive_failures + 1,
    circuit_openings = circuit_openings + CASE
        WHEN
            consecutive_failures + 1 >= :failures
            AND (
                circuit_open_until IS NULL
                OR circuit_open_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
            )
            THEN 1
        ELSE 0
    END,
    -- What was under way when it opened does not open it again.
    circuit_open_until = CASE
        WHEN
            consecutive_failures + 1 >= :failures
            AND (
                circuit_open_until IS NULL
                OR circuit_open_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
            )
            THEN
                strftime(
                    '%Y-%m-%dT%H:%M:%f000Z',
                    'now',
                    printf(
                        '%.3f seconds',
                        min(:open_seconds * (1 << min(circuit_openings, 40)), :most_seconds)
                    )
                )
        ELSE circuit_open_until
    END,
    probe_until = NULL
WHERE id = :id;

-- name: take_probe(id, probe_seconds)!
-- Take the one delivery that may be sent when the time of an open circuit is over.
-- meaning: webhook_configs.probe_until within 0.001 because the clock of SQLite has milliseconds
UPDATE webhook_configs
SET probe_until = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :probe_seconds))
WHERE
    id = :id
    AND circuit_open_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    AND (probe_until IS NULL OR probe_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));

-- name: close_circuit(id)!
-- Close the circuit of a webhook.
UPDATE webhook_configs
SET
    consecutive_failures = 0,
    circuit_openings = 0,
    circuit_open_until = NULL,
    probe_until = NULL
WHERE id = :id;

-- name: insert_deliveries(deliveries)!
-- Store deliveries, each a list of id, webhook, job, event, payload, metadata and most attempts; not those whose webhook is gone.
INSERT INTO webhook_deliveries (
    delivery_id,
    webhook_id,
    job_id,
    event_type,
    payload,
    metadata,
    max_attempts,
    url,
    created_at,
    updated_at
)
SELECT
    o.value ->> 0 AS delivery_id,
    c.id AS webhook_id,
    o.value ->> 2 AS job_id,
    o.value ->> 3 AS event_type,
    o.value -> 4 AS payload,
    o.value -> 5 AS metadata,
    o.value ->> 6 AS max_attempts,
    c.url,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS updated_at
FROM json_each(:deliveries) AS o
INNER JOIN webhook_configs AS c ON (o.value ->> 1) = c.id;

-- name: get_attempt(job_id)^
-- Return what the job of a delivery sends and where to, and whether the circuit lets it through.
-- result: circuit not null
-- meaning: wait_seconds within 0.001 because the clock of SQLite has milliseconds
SELECT
    d.delivery_id,
    d.webhook_id,
    d.event_type,
    d.payload,
    d.status,
    d.max_attempts,
    c.url,
    c.active,
    c.secret,
    CASE
        WHEN
            c.previous_secret_until > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
            THEN c.previous_secret
    END AS previous_secret,
    CASE
        WHEN c.circuit_open_until IS NULL THEN 'closed'
        WHEN
            c.circuit_open_until > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
            OR c.probe_until > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
            THEN 'open'
        ELSE 'due'
    END AS circuit,
    (
        julianday(max(c.circuit_open_until, coalesce(c.probe_until, ''))) - julianday('now')
    ) * 86400.0 AS wait_seconds
FROM webhook_deliveries AS d
INNER JOIN webhook_configs AS c ON d.webhook_id = c.id
WHERE d.job_id = :job_id;

-- name: start_delivery(delivery_id, url)!
-- Note that a delivery is being sent, and for the how manieth time.
UPDATE webhook_deliveries
SET
    status = 'in_progress',
    url = :url,
    attempts = max(webhook_deliveries.max_attempts - j.max_attempts, 0) + j.attempts,
    next_retry_at = NULL,
    dead_lettered_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM job_queue AS j
WHERE
    webhook_deliveries.delivery_id = :delivery_id
    AND webhook_deliveries.job_id = j.id
    AND webhook_deliveries.status <> 'delivered';

-- name: mark_delivered(delivery_id, status_code)!
-- Note that a delivery has succeeded, once.
UPDATE webhook_deliveries
SET
    status = 'delivered',
    last_status_code = :status_code,
    last_error = NULL,
    next_retry_at = NULL,
    dead_lettered_at = NULL,
    delivered_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE delivery_id = :delivery_id AND status <> 'delivered';

-- name: note_failure(delivery_id, status_code)!
-- Note the answer to an attempt that failed; what follows is told by the job.
UPDATE webhook_deliveries
SET
    last_status_code = :status_code,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE delivery_id = :delivery_id AND status <> 'delivered';

-- name: follow_jobs(job_ids)!
-- Let deliveries have the state that their jobs have.
-- meaning: values of job_ids [["k1", "k10", "k103", "k103a", "k_12", "k%1", "k32", "k21", "K12", "k_1", "k13", "k2"], ["k10"], [], ["k103", "k_12", "k%1"]] because they are ids of jobs
UPDATE webhook_deliveries
SET
    status = CASE
        WHEN j.status = 'processing' THEN 'in_progress'
        WHEN j.status = 'failed' THEN 'dead_lettered'
        WHEN j.status = 'cancelled' THEN 'failed'
        WHEN
            max(webhook_deliveries.max_attempts - j.max_attempts, 0) + j.attempts > 0
            THEN 'retrying'
        ELSE 'pending'
    END,
    attempts = max(webhook_deliveries.max_attempts - j.max_attempts, 0) + j.attempts,
    next_retry_at = CASE WHEN j.status IN ('retrying', 'scheduled') THEN j.scheduled_at END,
    last_error = CASE
        WHEN j.status IN ('retrying', 'failed', 'cancelled')
            THEN coalesce(substr(j.error, 1, 200), webhook_deliveries.last_error)
        ELSE webhook_deliveries.last_error
    END,
    dead_lettered_at = CASE WHEN j.status = 'failed' THEN j.completed_at END,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM job_queue AS j
WHERE
    webhook_deliveries.job_id = j.id
    AND webhook_deliveries.job_id IN (SELECT value FROM json_each(:job_ids))
    AND webhook_deliveries.status <> 'delivered'
    AND j.status <> 'completed';

-- name: lock_strays(row_limit)
-- Take open deliveries whose job has gone on without them: recovered, cancelled, ended or deleted by others.
-- result: is_lost boolean, is_lost not null, job_id not null
-- plan: filtered_walk allowed because the index holds open deliveries only, and each is looked at now and then
SELECT
    d.delivery_id,
    d.job_id,
    (SELECT j.id FROM job_queue AS j WHERE j.id = d.job_id) IS NULL AS is_lost
FROM webhook_deliveries AS d
WHERE
    d.status IN ('pending', 'in_progress', 'retrying')
    AND d.job_id IS NOT NULL
    -- One look at each job: a join might read them all.
    AND CASE coalesce((SELECT j.status FROM job_queue AS j WHERE j.id = d.job_id), '')
        WHEN '' THEN TRUE
        WHEN 'failed' THEN TRUE
        WHEN 'cancelled' THEN TRUE
        WHEN 'pending' THEN d.status = 'in_progress'
        WHEN 'scheduled' THEN d.status = 'in_progress'
        WHEN 'retrying' THEN d.status = 'in_progress'
        ELSE FALSE
    END
ORDER BY coalesce(d.next_retry_at, d.created_at), d.delivery_id
LIMIT :row_limit;

-- name: forget_jobs(delivery_ids)!
-- Note that the jobs of deliveries are no more.
UPDATE webhook_deliveries
SET
    job_id = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    delivery_id IN (SELECT value FROM json_each(:delivery_ids))
    AND job_id IS NOT NULL
    AND (SELECT j.id FROM job_queue AS j WHERE j.id = webhook_deliveries.job_id) IS NULL;

-- name: lock_jobless(row_limit)
-- Take open deliveries that no job delivers, such as those of older files.
SELECT
    d.delivery_id,
    d.attempts,
    d.max_attempts,
    d.next_retry_at,
    c.user_id,
    c.workspace_id
FROM webhook_deliveries AS d
-- CROSS keeps the deliveries first, in the order of their index
CROSS JOIN webhook_configs AS c ON d.webhook_id = c.id
WHERE d.job_id IS NULL AND d.status IN ('pending', 'in_progress', 'retrying')
ORDER BY d.delivery_id
LIMIT :row_limit;

-- name: set_jobs(delivery_ids)!
-- Note that jobs of the same ids deliver what no job did.
UPDATE webhook_deliveries
SET
    job_id = delivery_id,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    delivery_id IN (SELECT value FROM json_each(:delivery_ids))
    AND job_id IS NULL;

-- name: reopen_delivery(delivery_id)!
-- Make a dead letter, or what was cancelled, wait again from its first attempt on.
UPDATE webhook_deliveries
SET
    status = 'pending',
    attempts = 0,
    next_retry_at = NULL,
    dead_lettered_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE delivery_id = :delivery_id AND status IN ('dead_lettered', 'failed');

-- name: upsert_delivery(delivery_id, webhook_id, event_type, payload, url, status, attempts, max_attempts, next_retry_at, last_error, last_status_code, created_at, delivered_at, dead_lettered_at, metadata)!
-- Store a delivery as it is given; one that is there already keeps its webhook, its creation and its job.
INSERT INTO webhook_deliveries (
    delivery_id,
    webhook_id,
    event_type,
    payload,
    url,
    status,
    attempts,
    max_attempts,
    next_retry_at,
    last_error,
    last_status_code,
    created_at,
    updated_at,
    delivered_at,
    dead_lettered_at,
    metadata
)
VALUES (
    :delivery_id,
    :webhook_id,
    :event_type,
    :payload,
    :url,
    :status,
    :attempts,
    :max_attempts,
    :next_retry_at,
    :last_error,
    :last_status_code,
    :created_at,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    :delivered_at,
    :dead_lettered_at,
    :metadata
)
ON CONFLICT (delivery_id) DO UPDATE SET
    event_type = excluded.event_type,
    payload = excluded.payload,
    url = excluded.url,
    status = excluded.status,
    attempts = excluded.attempts,
    max_attempts = excluded.max_attempts,
    next_retry_at = excluded.next_retry_at,
    last_error = excluded.last_error,
    last_status_code = excluded.last_status_code,
    updated_at = excluded.updated_at,
    delivered_at = excluded.delivered_at,
    dead_lettered_at = excluded.dead_lettered_at,
    metadata = excluded.metadata;

-- name: get_delivery(delivery_id)^
-- Return a delivery.
SELECT
    -- columns: WebhookDelivery
    d.delivery_id,
    d.webhook_id,
    d.job_id,
    d.event_type,
    d.payload,
    d.url,
    d.status,
    d.attempts,
    d.max_attempts,
    d.next_retry_at,
    d.last_error,
    d.last_status_code,
    d.created_at,
    d.updated_at,
    d.delivered_at,
    d.dead_lettered_at,
    d.metadata
FROM webhook_deliveries AS d
WHERE d.delivery_id = :delivery_id;

-- name: list_webhook_deliveries(webhook_id, before_time, before_id, row_limit)
-- List deliveries of a webhook, the newest first, from a place on.
SELECT
    -- columns: WebhookDelivery
    d.delivery_id,
    d.webhook_id,
    d.job_id,
    d.event_type,
    d.payload,
    d.url,
    d.status,
    d.attempts,
    d.max_attempts,
    d.next_retry_at,
    d.last_error,
    d.last_status_code,
    d.created_at,
    d.updated_at,
    d.delivered_at,
    d.dead_lettered_at,
    d.metadata
FROM webhook_deliveries AS d
WHERE
    d.webhook_id = :webhook_id
    AND (d.created_at, d.delivery_id) < (:before_time, :before_id)
ORDER BY d.created_at DESC, d.delivery_id DESC
LIMIT :row_limit;

-- name: list_open_deliveries(after_time, after_id, row_limit)
-- List deliveries that are still to be sent, the one that is due first first, from a place on.
-- plan: filtered_walk allowed because few deliveries are due at one time
SELECT
    -- columns: WebhookDelivery
    d.delivery_id,
    d.webhook_id,
    d.job_id,
    d.event_type,
    d.payload,
    d.url,
    d.status,
    d.attempts,
    d.max_attempts,
    d.next_retry_at,
    d.last_error,
    d.last_status_code,
    d.created_at,
    d.updated_at,
    d.delivered_at,
    d.dead_lettered_at,
    d.metadata
FROM webhook_deliveries AS d
WHERE
    d.status IN ('pending', 'in_progress', 'retrying')
    AND coalesce(d.next_retry_at, d.created_at) >= :after_time
    AND (coalesce(d.next_retry_at, d.created_at) > :after_time OR d.delivery_id > :after_id)
ORDER BY coalesce(d.next_retry_at, d.created_at), d.delivery_id
LIMIT :row_limit;

-- name: list_dead_letters(before_time, before_id, row_limit)
-- List dead letters, the newest first, from a place on.
SELECT
    -- columns: WebhookDelivery
    d.delivery_id,
    d.webhook_id,
    d.job_id,
    d.event_type,
    d.payload,
    d.url,
    d.status,
    d.attempts,
    d.max_attempts,
    d.next_retry_at,
    d.last_error,
    d.last_status_code,
    d.created_at,
    d.updated_at,
    d.delivered_at,
    d.dead_lettered_at,
    d.metadata
FROM webhook_deliveries AS d
WHERE
    d.status = 'dead_lettered'
    AND (d.dead_lettered_at, d.delivery_id) < (:before_time, :before_id)
ORDER BY d.dead_lettered_at DESC, d.delivery_id DESC
LIMIT :row_limit;

-- name: count_deliveries()
-- Count deliveries by status.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT
    d.status,
    count(*) AS total
FROM webhook_deliveries AS d
GROUP BY d.status;

-- name: delete_delivery(delivery_id)!
-- Delete a delivery.
DELETE FROM webhook_deliveries
WHERE delivery_id = :delivery_id;

-- name: purge_delivered(age_seconds, row_limit)!
-- Delete deliveries that succeeded so long ago, the oldest first.
DELETE FROM webhook_deliveries
WHERE
    delivery_id IN (
        SELECT d.delivery_id
        FROM webhook_deliveries AS d
        WHERE
            d.status = 'delivered'
            AND d.delivered_at
            < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:age_seconds))
        ORDER BY d.delivered_at, d.delivery_id
        LIMIT :row_limit
    );

-- name: purge_dead_letters(age_seconds, row_limit)!
-- Delete dead letters that are so old, the oldest first.
DELETE FROM webhook_deliveries
WHERE
    delivery_id IN (
        SELECT d.delivery_id
        FROM webhook_deliveries AS d
        WHERE
            d.status = 'dead_lettered'
            AND d.dead_lettered_at
            < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:age_seconds))
        ORDER BY d.dead_lettered_at, d.delivery_id
        LIMIT :row_limit
    );

-- name: claim_event(provider, event_id, lease_seconds, ttl_seconds)!
-- Take an event to handle it, unless it was handled or somebody handles it.
-- meaning: webhook_events.claimed_until within 0.001 because the clock of SQLite has milliseconds
INSERT INTO webhook_events (provider, event_id, claimed_until)
VALUES (
    :provider,
    :event_id,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds))
)
ON CONFLICT (provider, event_id) DO UPDATE SET
    claimed_until = excluded.claimed_until,
    processed_at = NULL,
    result = NULL
WHERE
webhook_events.claimed_until <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
OR webhook_events.processed_at
<= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:ttl_seconds));

-- name: is_event_processed(provider, event_id, ttl_seconds)$
-- Tell whether an event was handled, not too long ago.
-- result: processed boolean, processed not null
SELECT
    exists(
        SELECT 1
        FROM webhook_events AS e
        WHERE
            e.provider = :provider
            AND e.event_id = :event_id
            AND e.processed_at
            > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:ttl_seconds))
    ) AS processed;

-- name: mark_event(provider, event_id, result)!
-- Note that an event was handled now.
INSERT INTO webhook_events (provider, event_id, processed_at, result)
VALUES (
    :provider,
    :event_id,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    :result
)
ON CONFLICT (provider, event_id) DO UPDATE SET
    claimed_until = NULL,
    processed_at = excluded.processed_at,
    result = excluded.result;

-- name: release_event(provider, event_id)!
-- Give an event back that was not handled.
DELETE FROM webhook_events
WHERE
    provider = :provider
    AND event_id = :event_id
    AND processed_at IS NULL;

-- name: delete_expired_events(ttl_seconds, row_limit)!
-- Delete some of the events that were handled too long ago to tell.
DELETE FROM webhook_events
WHERE (provider, event_id) IN (
    SELECT
        e.provider,
        e.event_id
    FROM webhook_events AS e
    WHERE
        e.processed_at
        <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:ttl_seconds))
    ORDER BY e.processed_at, e.provider, e.event_id
    LIMIT :row_limit
);

-- name: delete_expired_claims(ttl_seconds, row_limit)!
-- Delete some of the events that nobody went on handling for so long.
DELETE FROM webhook_events
WHERE (provider, event_id) IN (
    SELECT
        e.provider,
        e.event_id
    FROM webhook_events AS e
    WHERE
        e.claimed_until
        <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:ttl_seconds))
        AND e.processed_at IS NULL
    ORDER BY e.claimed_until, e.provider, e.event_id
    LIMIT :row_limit
);

-- name: count_events()$
-- Count the events.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM webhook_events;
