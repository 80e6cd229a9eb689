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
    :events::jsonb,
    :secret,
    :name,
    :description,
    :user_id,
    :workspace_id,
    :at_time::timestamptz,
    :at_time::timestamptz
);

-- name: insert_subscriptions(webhook_id, events)!
-- Let a webhook be found by its events; those that it is found by stay.
INSERT INTO webhook_subscriptions (event_type, webhook_id)
SELECT
    u.event_type,
    :webhook_id::text AS webhook_id
FROM pg_catalog.unnest(:events::text[]) AS u (event_type)
ON CONFLICT (event_type, webhook_id) DO NOTHING;

-- name: delete_subscriptions(webhook_id, events)!
-- Let a webhook not be found by events that are none of its own.
DELETE FROM webhook_subscriptions
WHERE
    webhook_id = :webhook_id
    AND event_type <> all(:events::text[]);

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
    (NOT :active_only::boolean OR c.active)
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
    AND (:workspace_id::text IS NULL OR c.workspace_id = :workspace_id)
    AND (NOT :active_only::boolean OR c.active)
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
    AND (NOT :active_only::boolean OR c.active)
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
        WHERE s.event_type = any(:event_types::text[])
    )
    AND c.active
    AND EXISTS (
        -- What the webhook itself names counts, the subscriptions only find it.
        SELECT 1
        FROM jsonb_array_elements_text(c.events) AS e (event_type)
        WHERE e.event_type = any(:event_types::text[])
    )
    AND (:user_id::text IS NULL OR c.user_id = :user_id)
    AND (:workspace_id::text IS NULL OR c.workspace_id = :workspace_id)
ORDER BY c.created_at DESC, c.id DESC;

-- name: update_webhook(id, url, events, active, name, description, at_time)^
-- Change what is not NULL of a webhook.
UPDATE webhook_configs
SET
    url = coalesce(:url::text, url),
    events = coalesce(:events::jsonb, events),
    active = coalesce(:active::boolean, active),
    name = coalesce(:name::text, name),
    description = coalesce(:description::text, description),
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
UPDATE webhook_configs
SET
    previous_secret = secret,
    previous_secret_until
    = statement_timestamp() + make_interval(secs => :valid_seconds::double precision),
    secret = :secret,
    updated_at = statement_timestamp()
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
-- locks: webhook_configs rows in order of id
SELECT
    c.id,
    c.secret,
    c.previous_secret
FROM webhook_configs AS c
WHERE c.id > :after_id
ORDER BY c.id
LIMIT :row_limit
FOR UPDATE;

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
    last_delivery_at = statement_timestamp(),
    last_delivery_status = :status_code,
    consecutive_failures = 0,
    circuit_openings = 0,
    circuit_open_until = NULL,
    probe_until = NULL
WHERE id = :id;

-- name: count_failure(id, status_code, failures, open_seconds, most_seconds)!
-- Count a delivery that failed. With so many in a row the circuit opens, each time for twice as long.
UPDATE webhook_configs
SET
    delivery_count = delivery_count + 1,
    failure_count = failure_count + 1,
    last_delivery_at = statement_timestamp(),
    last_delivery_status = :status_code,
    consecutive_failures = consecutive_failures + 1,
    circuit_openings = circuit_openings + CASE
        WHEN
            consecutive_failures + 1 >= :failures::integer
            AND (circuit_open_until IS NULL OR circuit_open_until <= statement_timestamp())
            THEN 1
        ELSE 0
    END,
    -- What was under way when it opened does not open it again.
    circuit_open_until = CASE
        WHEN
            consecutive_failures + 1 >= :failures::integer
            AND (circuit_open_until IS NULL OR circuit_open_until <= statement_timestamp())
            THEN
                statement_timestamp() + make_interval(
                    secs => least(
                        :open_seconds::double precision
                        * (1::bigint << least(circuit_openings, 40))::double precision,
                        :most_seconds::double precision
                    )
                )
        ELSE circuit_open_until
    END,
    probe_until = NULL
WHERE id = :id;

-- name: take_probe(id, probe_seconds)!
-- Take the one delivery that may be sent when the time of an open circuit is over.
UPDATE webhook_configs
SET probe_until = statement_timestamp() + make_interval(secs => :probe_seconds::double precision)
WHERE
    id = :id
    AND circuit_open_until <= statement_timestamp()
    AND (probe_until IS NULL OR probe_until <= statement_timestamp());

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
    (o.value ->> 6)::integer AS max_attempts,
    c.url,
    statement_timestamp() AS created_at,
    statement_timestamp() AS updated_at
FROM jsonb_array_elements(:deliveries::jsonb) AS o (value)
INNER JOIN webhook_configs AS c ON (o.value ->> 1) = c.id;

-- name: get_attempt(job_id)^
-- Return what the job of a delivery sends and where to, and whether the circuit lets it through.
-- result: circuit not null
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
        WHEN c.previous_secret_until > statement_timestamp() THEN c.previous_secret
    END AS previous_secret,
    CASE
        WHEN c.circuit_open_until IS NULL THEN 'closed'
        WHEN
            c.circuit_open_until > statement_timestamp()
            OR c.probe_until > statement_timestamp()
            THEN 'open'
        ELSE 'due'
    END AS circuit,
    CASE
        WHEN c.circuit_open_until IS NOT NULL
            THEN
                extract(
                    EPOCH FROM
                    greatest(c.circuit_open_until, c.probe_until) - statement_timestamp()
                )::double precision
    END AS wait_seconds
FROM webhook_deliveries AS d
INNER JOIN webhook_configs AS c ON d.webhook_id = c.id
WHERE d.job_id = :job_id;

-- name: start_delivery(delivery_id, url)!
-- Note that a delivery is being sent, and for the how manieth time.
UPDATE webhook_deliveries AS d
SET
    status = 'in_progress',
    url = :url,
    attempts = greatest(d.max_attempts - j.max_attempts, 0) + j.attempts,
    next_retry_at = NULL,
    dead_lettered_at = NULL,
    updated_at = statement_timestamp()
FROM job_queue AS j
WHERE
    d.delivery_id = :delivery_id
    AND d.job_id = j.id
    AND d.status <> 'delivered';

-- name: mark_delivered(delivery_id, status_code)!
-- Note that a delivery has succeeded, once.
UPDATE webhook_deliveries
SET
    status = 'delivered',
    last_status_code = :status_code,
    last_error = NULL,
    next_retry_at = NULL,
    dead_lettered_at = NULL,
    delivered_at = statement_timestamp(),
    updated_at = statement_timestamp()
WHERE delivery_id = :delivery_id AND status <> 'delivered';

-- name: note_failure(delivery_id, status_code)!
-- Note the answer to an attempt that failed; what follows is told by the job.
UPDATE webhook_deliveries
SET
    last_status_code = :status_code,
    updated_at = statement_timestamp()
WHERE delivery_id = :delivery_id AND status <> 'delivered';

-- name: follow_jobs(job_ids)!
-- Let deliveries have the state that their jobs have.
-- meaning: values of job_ids [["k1", "k10", "k103", "k103a", "k_12", "k%1", "k32", "k21", "K12", "k_1", "k13", "k2"], ["k10"], [], ["k103", "k_12", "k%1"]] because they are ids of jobs
UPDATE webhook_deliveries AS d
SET
    status = CASE
        WHEN j.status = 'processing' THEN 'in_progress'
        WHEN j.status = 'failed' THEN 'dead_lettered'
        WHEN j.status = 'cancelled' THEN 'failed'
        WHEN greatest(d.max_attempts - j.max_attempts, 0) + j.attempts > 0 THEN 'retrying'
        ELSE 'pending'
    END,
    attempts = greatest(d.max_attempts - j.max_attempts, 0) + j.attempts,
    next_retry_at = CASE WHEN j.status IN ('retrying', 'scheduled') THEN j.scheduled_at END,
    last_error = CASE
        WHEN j.status IN ('retrying', 'failed', 'cancelled')
            THEN coalesce(left(j.error, 200), d.last_error)
        ELSE d.last_error
    END,
    dead_lettered_at = CASE WHEN j.status = 'failed' THEN j.completed_at END,
    updated_at = statement_timestamp()
FROM job_queue AS j
WHERE
    d.job_id = j.id
    AND d.job_id = any(:job_ids::text[])
    AND d.status <> 'delivered'
    AND j.status <> 'completed';

-- name: lock_strays(row_limit)
-- Take open deliveries whose job has gone on without them: recovered, cancelled, ended or deleted by others.
-- result: is_lost boolean, is_lost not null, job_id not null
-- locks: webhook_deliveries rows in order of coalesce(next_retry_at, created_at), delivery_id, skip locked
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
LIMIT :row_limit
FOR UPDATE SKIP LOCKED;

-- name: forget_jobs(delivery_ids)!
-- Note that the jobs of deliveries are no more.
UPDATE webhook_deliveries
SET
    job_id = NULL,
    updated_at = statement_timestamp()
WHERE
    delivery_id = any(:delivery_ids::text[])
    AND job_id IS NOT NULL
    AND (SELECT j.id FROM job_queue AS j WHERE j.id = webhook_deliveries.job_id) IS NULL;

-- name: lock_jobless(row_limit)
-- Take open deliveries that no job delivers, such as those of older files.
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: webhook_deliveries rows in order of delivery_id, skip locked
SELECT
    d.delivery_id,
    d.attempts,
    d.max_attempts,
    d.next_retry_at,
    c.user_id,
    c.workspace_id
FROM webhook_deliveries AS d
INNER JOIN webhook_configs AS c ON d.webhook_id = c.id
WHERE d.job_id IS NULL AND d.status IN ('pending', 'in_progress', 'retrying')
ORDER BY d.delivery_id
LIMIT :row_limit
FOR UPDATE OF d SKIP LOCKED;

-- name: set_jobs(delivery_ids)!
-- Note that jobs of the same ids deliver what no job did.
UPDATE webhook_deliveries
SET
    job_id = delivery_id,
    updated_at = statement_timestamp()
WHERE
    delivery_id = any(:delivery_ids::text[])
    AND job_id IS NULL;

-- name: reopen_delivery(delivery_id)!
-- Make a dead letter, or what was cancelled, wait again from its first attempt on.
UPDATE webhook_deliveries
SET
    status = 'pending',
    attempts = 0,
    next_retry_at = NULL,
    dead_lettered_at = NULL,
    updated_at = statement_timestamp()
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
    :payload::jsonb,
    :url,
    :status,
    :attempts,
    :max_attempts,
    :next_retry_at,
    :last_error,
    :last_status_code,
    :created_at,
    statement_timestamp(),
    :delivered_at,
    :dead_lettered_at,
    :metadata::jsonb
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
    AND (coalesce(d.next_retry_at, d.created_at), d.delivery_id) > (:after_time, :after_id)
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
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: webhook_deliveries rows in order of delivered_at, delivery_id, skip locked
DELETE FROM webhook_deliveries
WHERE
    delivery_id = any(
        array(
            SELECT l.delivery_id
            FROM (
                SELECT d.delivery_id
                FROM webhook_deliveries AS d
                WHERE
                    d.status = 'delivered'
                    AND d.delivered_at
                    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
                ORDER BY d.delivered_at, d.delivery_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: purge_dead_letters(age_seconds, row_limit)!
-- Delete dead letters that are so old, the oldest first.
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: webhook_deliveries rows in order of dead_lettered_at, delivery_id, skip locked
DELETE FROM webhook_deliveries
WHERE
    delivery_id = any(
        array(
            SELECT l.delivery_id
            FROM (
                SELECT d.delivery_id
                FROM webhook_deliveries AS d
                WHERE
                    d.status = 'dead_lettered'
                    AND d.dead_lettered_at
                    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
                ORDER BY d.dead_lettered_at, d.delivery_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: claim_event(provider, event_id, lease_seconds, ttl_seconds)!
-- Take an event to handle it, unless it was handled or somebody handles it.
INSERT INTO webhook_events (provider, event_id, claimed_until)
VALUES (
    :provider,
    :event_id,
    statement_timestamp() + make_interval(secs => :lease_seconds::double precision)
)
ON CONFLICT (provider, event_id) DO UPDATE SET
    claimed_until = excluded.claimed_until,
    processed_at = NULL,
    result = NULL
WHERE
webhook_events.claimed_until <= statement_timestamp()
OR webhook_events.processed_at
<= statement_timestamp() - make_interval(secs => :ttl_seconds::double precision);

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
            > statement_timestamp() - make_interval(secs => :ttl_seconds::double precision)
    ) AS processed;

-- name: mark_event(provider, event_id, result)!
-- Note that an event was handled now.
INSERT INTO webhook_events (provider, event_id, processed_at, result)
VALUES (
    :provider,
    :event_id,
    statement_timestamp(),
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
-- locks: webhook_events rows in order of processed_at, provider, event_id, skip locked
DELETE FROM webhook_events
WHERE
    ctid = any(
        array(
            SELECT l.place
            FROM (
                SELECT e.ctid AS place
                FROM webhook_events AS e
                WHERE
                    e.processed_at
                    <= statement_timestamp() - make_interval(secs => :ttl_seconds::double precision)
                ORDER BY e.processed_at, e.provider, e.event_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: delete_expired_claims(ttl_seconds, row_limit)!
-- Delete some of the events that nobody went on handling for so long.
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: webhook_events rows in order of claimed_until, provider, event_id, skip locked
DELETE FROM webhook_events
WHERE
    ctid = any(
        array(
            SELECT l.place
            FROM (
                SELECT e.ctid AS place
                FROM webhook_events AS e
                WHERE
                    e.claimed_until
                    <= statement_timestamp() - make_interval(secs => :ttl_seconds::double precision)
                    AND e.processed_at IS NULL
                ORDER BY e.claimed_until, e.provider, e.event_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: count_events()$
-- Count the events.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM webhook_events;
