-- Queries of the job queue: enqueue, claim, finish, recover, look after.

-- name: enqueue_job(id, job_type, payload, priority, max_attempts, time_limit_seconds, scheduled_at, delay_seconds, unique_key, unique_while_running, user_id, workspace_id, trace_parent, notify)^
-- Store a job, unless another one keeps its unique key out; wake those who wait for jobs.
-- result: payload_text not null
WITH told AS MATERIALIZED (
    -- Not where the server's queue of messages is nearly full: a full one would fail the commit.
    SELECT pg_notify('aragora_jobs', :job_type::text)
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

INSERT INTO job_queue AS j (
    id,
    job_type,
    payload,
    priority,
    max_attempts,
    time_limit_seconds,
    scheduled_at,
    status,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    trace_parent,
    created_at,
    updated_at
)
SELECT
    :id::text AS id,
    :job_type::text AS job_type,
    :payload::jsonb AS payload,
    :priority::integer AS priority,
    :max_attempts::integer AS max_attempts,
    :time_limit_seconds::double precision AS time_limit_seconds,
    g.scheduled_at,
    CASE WHEN g.scheduled_at > statement_timestamp() THEN 'scheduled' ELSE 'pending' END AS status,
    :unique_key::text AS unique_key,
    :unique_while_running::boolean AS unique_while_running,
    :user_id::text AS user_id,
    :workspace_id::text AS workspace_id,
    :trace_parent::text AS trace_parent,
    statement_timestamp() AS created_at,
    statement_timestamp() AS updated_at
FROM (
    SELECT
        coalesce(
            :scheduled_at::timestamptz,
            statement_timestamp() + make_interval(secs => :delay_seconds::double precision)
        ) AS scheduled_at
) AS g
CROSS JOIN heard
ON CONFLICT (unique_key)
WHERE
unique_key IS NOT NULL
AND (
    status IN ('pending', 'scheduled', 'retrying')
    OR (status = 'processing' AND unique_while_running)
)
DO NOTHING
RETURNING
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    j.payload::text AS payload_text,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result::text AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.time_limit_seconds,
    j.unique_while_running,
    j.cancel_requested_at,
    j.trace_parent;

-- name: enqueue_jobs(jobs, notify)!
-- Store many jobs, each a list of the values that enqueue_job takes; those that another job of their key keeps out are left out.
WITH given AS MATERIALIZED (
    SELECT
        nextval((SELECT pg_get_serial_sequence('job_queue', 'number'))::regclass) AS number,
        o.value ->> 0 AS id,
        o.value ->> 1 AS job_type,
        o.value -> 2 AS payload,
        (o.value ->> 3)::integer AS priority,
        (o.value ->> 4)::integer AS max_attempts,
        coalesce(
            (o.value ->> 5)::timestamptz,
            statement_timestamp() + make_interval(secs => (o.value ->> 6)::double precision)
        ) AS scheduled_at,
        o.value ->> 7 AS unique_key,
        o.value ->> 8 AS user_id,
        o.value ->> 9 AS workspace_id,
        (o.value ->> 10)::double precision AS time_limit_seconds,
        (o.value ->> 11)::boolean AS unique_while_running,
        o.value ->> 12 AS trace_parent
    FROM jsonb_array_elements(:jobs::jsonb) AS o (value)
),

told AS MATERIALIZED (
    SELECT pg_notify('aragora_jobs', n.job_type)
    FROM (SELECT DISTINCT g.job_type FROM given AS g) AS n
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

INSERT INTO job_queue (
    number,
    id,
    job_type,
    payload,
    priority,
    max_attempts,
    time_limit_seconds,
    scheduled_at,
    status,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    trace_parent,
    created_at,
    updated_at
)
SELECT
    g.number,
    g.id,
    g.job_type,
    g.payload,
    g.priority,
    g.max_attempts,
    g.time_limit_seconds,
    g.scheduled_at,
    CASE WHEN g.scheduled_at > statement_timestamp() THEN 'scheduled' ELSE 'pending' END AS status,
    g.unique_key,
    g.unique_while_running,
    g.user_id,
    g.workspace_id,
    g.trace_parent,
    statement_timestamp() AS created_at,
    statement_timestamp() AS updated_at
FROM given AS g
CROSS JOIN heard
-- In the order of keys, so that two calls never wait for each other in a circle.
ORDER BY g.unique_key COLLATE "C" ASC NULLS FIRST, g.number ASC
ON CONFLICT (unique_key)
WHERE
unique_key IS NOT NULL
AND (
    status IN ('pending', 'scheduled', 'retrying')
    OR (status = 'processing' AND unique_while_running)
)
DO NOTHING;

-- name: enqueue_group(jobs, notify)
-- Store many jobs as enqueue_jobs does, and return them.
-- result: payload_text not null
WITH given AS MATERIALIZED (
    SELECT
        nextval((SELECT pg_get_serial_sequence('job_queue', 'number'))::regclass) AS number,
        o.value ->> 0 AS id,
        o.value ->> 1 AS job_type,
        o.value -> 2 AS payload,
        (o.value ->> 3)::integer AS priority,
        (o.value ->> 4)::integer AS max_attempts,
        coalesce(
            (o.value ->> 5)::timestamptz,
            statement_timestamp() + make_interval(secs => (o.value ->> 6)::double precision)
        ) AS scheduled_at,
        o.value ->> 7 AS unique_key,
        o.value ->> 8 AS user_id,
        o.value ->> 9 AS workspace_id,
        (o.value ->> 10)::double precision AS time_limit_seconds,
        (o.value ->> 11)::boolean AS unique_while_running,
        o.value ->> 12 AS trace_parent
    FROM jsonb_array_elements(:jobs::jsonb) AS o (value)
),

told AS MATERIALIZED (
    SELECT pg_notify('aragora_jobs', n.job_type)
    FROM (SELECT DISTINCT g.job_type FROM given AS g) AS n
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

INSERT INTO job_queue AS j (
    number,
    id,
    job_type,
    payload,
    priority,
    max_attempts,
    time_limit_seconds,
    scheduled_at,
    status,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    trace_parent,
    created_at,
    updated_at
)
SELECT
    g.number,
    g.id,
    g.job_type,
    g.payload,
    g.priority,
    g.max_attempts,
    g.time_limit_seconds,
    g.scheduled_at,
    CASE WHEN g.scheduled_at > statement_timestamp() THEN 'scheduled' ELSE 'pending' END AS status,
    g.unique_key,
    g.unique_while_running,
    g.user_id,
    g.workspace_id,
    g.trace_parent,
    statement_timestamp() AS created_at,
    statement_timestamp() AS updated_at
FROM given AS g
CROSS JOIN heard
-- In the order of keys, so that two calls never wait for each other in a circle.
ORDER BY g.unique_key COLLATE "C" ASC NULLS FIRST, g.number ASC
ON CONFLICT (unique_key)
WHERE
unique_key IS NOT NULL
AND (
    status IN ('pending', 'scheduled', 'retrying')
    OR (status = 'processing' AND unique_while_running)
)
DO NOTHING
RETURNING
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    j.payload::text AS payload_text,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result::text AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.time_limit_seconds,
    j.unique_while_running,
    j.cancel_requested_at,
    j.trace_parent;

-- name: enqueue_plain_jobs(jobs, job_types, notify)!
-- Store many jobs given as lists of id, type and payload; job_types are those whose workers are told.
WITH told AS MATERIALIZED (
    SELECT pg_notify('aragora_jobs', n.job_type)
    FROM pg_catalog.unnest(:job_types::text[]) AS n (job_type)
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

INSERT INTO job_queue (
    id,
    job_type,
    payload,
    created_at,
    updated_at
)
SELECT
    o.value ->> 0 AS id,
    o.value ->> 1 AS job_type,
    o.value -> 2 AS payload,
    statement_timestamp() AS created_at,
    statement_timestamp() AS updated_at
FROM jsonb_array_elements(:jobs::jsonb) WITH ORDINALITY AS o (value, ordinality)
CROSS JOIN heard
ORDER BY o.ordinality;

-- name: list_ids(ids)
-- List which of some jobs exist.
SELECT j.id
FROM job_queue AS j
WHERE j.id = any(:ids::text[]);

-- name: list_active_keys(unique_keys)
-- List the jobs that keep others of some unique keys out.
-- result: unique_key not null
SELECT
    j.unique_key,
    j.id
FROM job_queue AS j
WHERE
    j.unique_key = any(:unique_keys::text[])
    AND j.unique_key IS NOT NULL
    AND (
        j.status IN ('pending', 'scheduled', 'retrying')
        OR (j.status = 'processing' AND j.unique_while_running)
    );

-- name: find_job_of_key(unique_key)^
-- Return the job that keeps others of its unique key out.
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    j.payload::text AS payload_text,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result::text AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.time_limit_seconds,
    j.unique_while_running,
    j.cancel_requested_at,
    j.trace_parent
FROM job_queue AS j
WHERE
    j.unique_key = :unique_key
    AND j.unique_key IS NOT NULL
    AND (
        j.status IN ('pending', 'scheduled', 'retrying')
        OR (j.status = 'processing' AND j.unique_while_running)
    );

-- name: claim_jobs(worker_id, job_types, row_limit, lease_seconds, durable)
-- Claim pending jobs of some types (NULL: all): by priority, then in the order of their enqueueing.
-- plan: seq_scan allowed because there is one limit for each job type at most
-- result: payload_text not null
-- locks: job_queue_limits rows in order of job_type
-- locks: job_queue rows in order of priority DESC, number, skip locked
-- meaning: values of job_types [null, ["A", "b", "c"], null, ["b", "\u00df"], ["A", "A", "x"], ["c"], []] because NULL stands for all types
WITH RECURSIVE given AS MATERIALIZED (
    -- Read from here, the values do not make the server plan the statement again at each call.
    SELECT
        :job_types::text[] AS job_types,
        :row_limit::integer AS row_limit
),

commit_setting AS MATERIALIZED (
    -- The commit of this one statement does not wait for the disk. PostgreSQL leaves out a SELECT
    -- whose result nobody reads, so the WHERE below counts these rows, a condition always true.
    SELECT set_config('synchronous_commit', 'off', TRUE) AS setting
    WHERE NOT :durable::boolean
),

walk AS (
    -- Each type that has pending jobs, by one look into the index for each, and those that have a
    -- start: what they have left in the index is not looked at here.
    SELECT '' COLLATE "C" AS job_type
    WHERE (SELECT g.job_types FROM given AS g) IS NULL
    UNION ALL
    SELECT
        coalesce(
            (
                SELECT j.job_type
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type > w.job_type
                    AND j.job_type < b.job_type
                ORDER BY j.job_type
                LIMIT 1
            ),
            b.job_type,
            (
                SELECT j.job_type
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type > w.job_type
                    AND b.job_type IS NULL
                ORDER BY j.job_type
                LIMIT 1
            )
        ) AS job_type
    FROM walk AS w
    CROSS JOIN
        LATERAL (
            SELECT min(s.job_type) AS job_type
            FROM job_queue_starts AS s
            WHERE s.job_type > w.job_type
        ) AS b
    WHERE w.job_type IS NOT NULL
),

wanted AS (
    SELECT w.job_type
    FROM walk AS w
    WHERE w.job_type <> ''
    UNION
    SELECT u.job_type
    FROM given AS g
    CROSS JOIN LATERAL pg_catalog.unnest(g.job_types) AS u (job_type)
),

free AS (
    -- The lock keeps two claims from using one place twice. It is taken before any job is locked,
    -- so nobody who waits for it holds what its owner needs.
    SELECT
        l.job_type,
        l.max_running - l.running AS places
    FROM job_queue_limits AS l
    WHERE
        l.job_type = any(array(SELECT w.job_type FROM wanted AS w))
        AND l.running < l.max_running
        AND NOT l.paused
    ORDER BY l.job_type
    FOR UPDATE
),

usable AS MATERIALIZED (
    SELECT
        w.job_type,
        least((SELECT g.row_limit FROM given AS g), f.places) AS most
    FROM wanted AS w
    LEFT JOIN free AS f ON w.job_type = f.job_type
    WHERE
        f.job_type IS NOT NULL
        OR w.job_type NOT IN (SELECT l.job_type FROM job_queue_limits AS l)
),

shares AS MATERIALIZED (
    -- How many jobs each type gives. Of one type alone it needs no look at the jobs.
    SELECT
        u.job_type,
        u.most AS share
    FROM usable AS u
    WHERE (SELECT count(*) FROM usable) = 1
    UNION ALL
    SELECT
        b.job_type,
        count(*) AS share
    FROM (
        SELECT c.job_type
        FROM usable AS u
        CROSS JOIN
            LATERAL (
                SELECT
                    r.job_type,
                    r.priority,
                    r.number
                FROM job_queue_spans(u.job_type) AS s
                CROSS JOIN
                    LATERAL (
                        SELECT
                            j.job_type,
                            j.priority,
                            j.number
                        FROM job_queue AS j
                        WHERE
                            j.status = 'pending'
                            AND j.job_type = u.job_type
                            AND j.priority <= s.highest
                            AND j.priority >= s.lowest
                            AND j.number >= s.number
                        ORDER BY j.priority DESC, j.number ASC
                        LIMIT u.most
                    ) AS r
                LIMIT u.most
            ) AS c
        WHERE (SELECT count(*) FROM usable) > 1
        ORDER BY c.priority DESC, c.number ASC
        LIMIT (SELECT g.row_limit FROM given AS g)
    ) AS b
    GROUP BY b.job_type
),

chosen AS MATERIALIZED (
    -- Jobs that another transaction has locked are passed over.
    SELECT
        c.number,
        s.job_type
    FROM shares AS s
    CROSS JOIN LATERAL (
        SELECT r.number
        FROM job_queue_spans(s.job_type) AS p
        CROSS JOIN
            LATERAL (
                SELECT j.number
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type = s.job_type
                    AND j.priority <= p.highest
                    AND j.priority >= p.lowest
                    AND j.number >= p.number
                ORDER BY j.priority DESC, j.number ASC
                LIMIT s.share
                FOR UPDATE SKIP LOCKED
            ) AS r
        LIMIT s.share
    ) AS c
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = l.running + c.jobs
    FROM (
        SELECT
            k.job_type,
            count(*)::integer AS jobs
        FROM chosen AS k
        WHERE EXISTS (SELECT 1 FROM free)
        GROUP BY k.job_type
    ) AS c
    WHERE l.job_type = c.job_type
)

UPDATE job_queue AS j
SET
    status = 'processing',
    worker_id = :worker_id,
    attempts = j.attempts + 1,
    claim_count = j.claim_count + 1,
    started_at = statement_timestamp(),
    updated_at = statement_timestamp(),
    lease_expires_at
    = statement_timestamp() + make_interval(secs => :lease_seconds::double precision)
WHERE
    j.number = any(array(SELECT c.number FROM chosen AS c))
    AND (SELECT pg_catalog.count(c.setting) FROM commit_setting AS c) >= 0
RETURNING
    j.id,
    j.number,
    j.job_type,
    j.payload::text AS payload_text,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.time_limit_seconds,
    j.claim_count,
    j.unique_key,
    j.unique_while_running,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result::text AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.created_at,
    j.updated_at,
    j.trace_parent;

-- name: claim_jobs_of_type(worker_id, job_type, row_limit, lease_seconds, durable)
-- Claim pending jobs of one type: by priority, then in the order of their enqueueing.
-- result: payload_text not null
-- locks: one job_queue_limits row
-- locks: job_queue rows in order of priority DESC, number, skip locked
WITH commit_setting AS MATERIALIZED (
    -- The commit of this one statement does not wait for the disk. PostgreSQL leaves out a SELECT
    -- whose result nobody reads, so the WHERE below counts these rows, a condition always true.
    SELECT set_config('synchronous_commit', 'off', TRUE) AS setting
    WHERE NOT :durable::boolean
),

free AS (
    -- The lock keeps two claims from using one place twice. It is taken before any job is locked,
    -- so nobody who waits for it holds what its owner needs.
    SELECT CASE WHEN l.paused THEN 0 ELSE greatest(l.max_running - l.running, 0) END AS places
    FROM job_queue_limits AS l
    WHERE l.job_type = :job_type
    FOR UPDATE
),

chosen AS (
    -- Jobs that another transaction has locked are passed over.
    SELECT c.number
    FROM job_queue_spans(:job_type) AS s
    CROSS JOIN
        LATERAL (
            SELECT j.number
            FROM job_queue AS j
            WHERE
                j.status = 'pending'
                AND j.job_type = :job_type
                AND j.priority <= s.highest
                AND j.priority >= s.lowest
                AND j.number >= s.number
            ORDER BY j.priority DESC, j.number ASC
            LIMIT :row_limit::integer
            FOR UPDATE SKIP LOCKED
        ) AS c
    LIMIT least(:row_limit::integer, (SELECT f.places FROM free AS f))
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = l.running + (SELECT count(*)::integer FROM chosen)
    WHERE l.job_type = :job_type AND EXISTS (SELECT 1 FROM chosen)
)

UPDATE job_queue AS j
SET
    status = 'processing',
    worker_id = :worker_id,
    attempts = j.attempts + 1,
    claim_count = j.claim_count + 1,
    started_at = statement_timestamp(),
    updated_at = statement_timestamp(),
    lease_expires_at
    = statement_timestamp() + make_interval(secs => :lease_seconds::double precision)
WHERE
    j.number = any(array(SELECT c.number FROM chosen AS c))
    AND (SELECT pg_catalog.count(c.setting) FROM commit_setting AS c) >= 0
RETURNING
    j.id,
    j.number,
    j.job_type,
    j.payload::text AS payload_text,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.time_limit_seconds,
    j.claim_count,
    j.unique_key,
    j.unique_while_running,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result::text AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.created_at,
    j.updated_at,
    j.trace_parent;

-- name: advance_start(job_type, priority, number)
-- Go one step towards letting claims of a type and priority start at a number that was claimed; no row: not now.
-- parity: query because SQLite leaves nothing in an index that a claim would walk over
-- plan: seq_scan allowed because the starts are few rows, and locks are those of the server
-- The steps are commits of their own. The number is proposed; then those who may have taken a lower
-- one, or give a job back without having seen the proposal, are noted: they hold the lock of writers
-- of the table. When none of them is left, what they did is visible, and whoever comes later has
-- seen the proposal (job_queue_return). So no job below the new start is pending, or becomes so
-- without a row of its own.
WITH commit_setting AS MATERIALIZED (
    -- A start that a crash takes away is found again.
    SELECT set_config('synchronous_commit', 'off', TRUE) AS setting
),

known AS MATERIALIZED (
    SELECT
        s.id,
        s.number,
        s.next_number,
        s.writers,
        row_number() OVER (ORDER BY s.is_return, s.number, s.id) AS place,
        s.is_return
    FROM job_queue_starts AS s
    WHERE s.job_type = :job_type::text AND s.priority = :priority::integer
),

begun AS MATERIALIZED (
    SELECT
        k.id,
        k.number,
        k.next_number,
        k.writers,
        (SELECT min(o.number) FROM known AS o WHERE o.place > 1) AS returned
    FROM known AS k
    WHERE k.place = 1 AND NOT k.is_return
),

writing AS MATERIALIZED (
    SELECT l.virtualtransaction AS writer
    FROM pg_catalog.pg_locks AS l
    WHERE
        l.locktype = 'relation'
        AND l.database
        = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
        AND l.relation = to_regclass('job_queue')::oid
        AND l.mode = 'RowExclusiveLock'
        AND EXISTS (SELECT 1 FROM begun AS b WHERE b.returned IS NULL AND b.next_number IS NOT NULL)
),

ready AS MATERIALIZED (
    SELECT
        b.id,
        least(
            b.next_number,
            (
                SELECT j.number
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type = :job_type
                    AND j.priority = :priority::integer
                    AND j.number >= b.number
                ORDER BY j.number
                LIMIT 1
            )
        ) AS number
    FROM begun AS b
    WHERE b.returned IS NULL AND b.writers = ''
),

added AS (
    INSERT INTO job_queue_starts (job_type, priority, number, next_number)
    SELECT
        :job_type::text AS job_type,
        :priority::integer AS priority,
        -9223372036854775808 AS number,
        :number::bigint AS next_number
    WHERE NOT EXISTS (SELECT 1 FROM begun)
    RETURNING id
),

moved AS (
    -- Where jobs came back, the lowest of them is the start, and what was proposed is given up.
    UPDATE job_queue_starts AS s
    SET
        number = least(coalesce(r.number, s.number), b.returned),
        next_number = CASE
            WHEN r.id IS NULL AND b.returned IS NULL
                THEN coalesce(b.next_number, :number::bigint)
        END,
        writers = CASE
            WHEN b.next_number IS NULL OR r.id IS NOT NULL OR b.returned IS NOT NULL THEN NULL
            -- What they did may not be visible to this statement yet; it is to the next one.
            WHEN b.writers IS NOT NULL THEN ''
            ELSE (SELECT coalesce(string_agg(w.writer, ' '), '') FROM writing AS w)
        END
    FROM begun AS b
    LEFT JOIN ready AS r ON b.id = r.id
    WHERE
        s.id = b.id
        AND s.number = b.number
        AND s.next_number IS NOT DISTINCT FROM b.next_number
        AND s.writers IS NOT DISTINCT FROM b.writers
        AND (
            b.returned IS NOT NULL
            OR b.next_number IS NOT NULL
            OR :number::bigint - 1000 > b.number
        )
        AND NOT EXISTS (
            SELECT 1
            FROM begun AS n
            INNER JOIN writing AS w
                -- A transaction that was prepared has another name.
                ON
                    w.writer = any(string_to_array(n.writers, ' '))
                    OR (n.writers IS NOT NULL AND w.writer LIKE '-1/%')
        )
    RETURNING s.id
),

left_out AS (
    DELETE FROM job_queue_starts
    WHERE
        id = any(array(SELECT k.id FROM known AS k WHERE k.place > 1))
        AND EXISTS (SELECT 1 FROM moved)
)

SELECT t.id
FROM (
    SELECT a.id FROM added AS a
    UNION ALL
    SELECT m.id FROM moved AS m
) AS t
CROSS JOIN commit_setting;

-- name: mend_starts()!
-- Take away the starts above pending jobs that were put there by hand.
-- parity: query because SQLite leaves nothing in an index that a claim would walk over
-- plan: seq_scan allowed because the starts are few rows
DELETE FROM job_queue_starts
WHERE
    (job_type, priority) IN (
        SELECT
            b.job_type,
            b.priority
        FROM (
            SELECT
                s.job_type,
                s.priority,
                min(s.number) AS number
            FROM job_queue_starts AS s
            GROUP BY s.job_type, s.priority
        ) AS b
        WHERE EXISTS (
            SELECT 1
            FROM job_queue AS j
            WHERE
                j.status = 'pending'
                AND j.job_type = b.job_type
                AND j.priority = b.priority
                AND j.number < b.number
        )
    );

-- name: promote_jobs(row_limit)!
-- Make jobs pending whose time has come.
-- plan: filtered_walk allowed because the index holds the two statuses only, so that the filter drops nothing
-- locks: job_queue rows in order of scheduled_at, skip locked
UPDATE job_queue
SET
    status = 'pending',
    updated_at = statement_timestamp()
WHERE
    number = any(
        array(
            SELECT j.number
            FROM job_queue AS j
            WHERE
                j.status IN ('scheduled', 'retrying')
                AND j.scheduled_at <= statement_timestamp()
            ORDER BY j.scheduled_at
            LIMIT :row_limit
            FOR UPDATE SKIP LOCKED
        )
    );

-- name: look_for_jobs(job_types)^
-- Tell whether a job of these types can be claimed, whether a limit keeps one back, and when the next
-- waiting one of any type is due.
-- result: ready boolean, blocked boolean
-- meaning: values of job_types [null, ["A", "b", "c"], null, ["b", "\u00df"], ["A", "A", "x"], ["c"], []] because NULL stands for all types
WITH RECURSIVE walk AS (
    -- Each type that has pending jobs, by one look into the index for each, and those that have a
    -- start: what they have left in the index is not looked at here.
    SELECT '' COLLATE "C" AS job_type
    WHERE :job_types::text[] IS NULL
    UNION ALL
    SELECT
        coalesce(
            (
                SELECT j.job_type
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type > w.job_type
                    AND j.job_type < b.job_type
                ORDER BY j.job_type
                LIMIT 1
            ),
            b.job_type,
            (
                SELECT j.job_type
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type > w.job_type
                    AND b.job_type IS NULL
                ORDER BY j.job_type
                LIMIT 1
            )
        ) AS job_type
    FROM walk AS w
    CROSS JOIN
        LATERAL (
            SELECT min(s.job_type) AS job_type
            FROM job_queue_starts AS s
            WHERE s.job_type > w.job_type
        ) AS b
    WHERE w.job_type IS NOT NULL
),

wanted AS (
    SELECT w.job_type
    FROM walk AS w
    WHERE w.job_type <> ''
    UNION
    SELECT u.job_type
    FROM pg_catalog.unnest(:job_types::text[]) AS u (job_type)
)

SELECT
    exists(
        SELECT 1
        FROM wanted AS w
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM job_queue_limits AS l
                WHERE l.job_type = w.job_type AND (l.paused OR l.running >= l.max_running)
            )
            AND EXISTS (
                SELECT 1
                FROM job_queue_spans(w.job_type) AS s
                CROSS JOIN
                    LATERAL (
                        SELECT j.number
                        FROM job_queue AS j
                        WHERE
                            j.status = 'pending'
                            AND j.job_type = w.job_type
                            AND j.priority <= s.highest
                            AND j.priority >= s.lowest
                            AND j.number >= s.number
                        ORDER BY j.priority DESC, j.number ASC
                        LIMIT 1
                    ) AS r
            )
    ) AS ready,
    exists(
        SELECT 1
        FROM wanted AS w
        INNER JOIN job_queue_limits AS l ON w.job_type = l.job_type
        WHERE
            l.max_running > 0
            AND NOT l.paused
            AND l.running >= l.max_running
            AND EXISTS (
                SELECT 1
                FROM job_queue_spans(w.job_type) AS s
                CROSS JOIN
                    LATERAL (
                        SELECT j.number
                        FROM job_queue AS j
                        WHERE
                            j.status = 'pending'
                            AND j.job_type = w.job_type
                            AND j.priority <= s.highest
                            AND j.priority >= s.lowest
                            AND j.number >= s.number
                        ORDER BY j.priority DESC, j.number ASC
                        LIMIT 1
                    ) AS r
            )
    ) AS blocked,
    (
        SELECT extract(EPOCH FROM j.scheduled_at - statement_timestamp())::double precision
        FROM job_queue AS j
        WHERE j.status IN ('scheduled', 'retrying')
        ORDER BY j.scheduled_at
        LIMIT 1
    ) AS due_in_seconds;

-- name: complete_jobs(claims)
-- Finish claimed jobs as completed: each a list of id, worker, claim count and result.
-- locks: job_queue_limits rows in order of job_type
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count,
        nullif(o.value -> 3, 'null'::jsonb) AS result
    FROM jsonb_array_elements(:claims::jsonb) AS o (value)
),

ended AS (
    -- A job with a lease is one that is processed. Said by its status, the planner might look
    -- through all of those instead of finding these by their ids.
    UPDATE job_queue AS j
    SET
        status = 'completed',
        error = NULL,
        result = g.result,
        completed_at = statement_timestamp(),
        lease_expires_at = NULL,
        updated_at = statement_timestamp()
    FROM given AS g
    WHERE
        j.id = any(array(SELECT i.id FROM given AS i))
        AND j.id = g.id
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
    RETURNING
        j.id,
        j.job_type,
        j.status
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = greatest(l.running - f.jobs, 0)
    FROM (
        -- In one order, so that two calls that finish jobs never wait for each other in a circle.
        SELECT
            k.job_type,
            (SELECT count(*)::integer FROM ended AS e WHERE e.job_type = k.job_type) AS jobs
        FROM job_queue_limits AS k
        WHERE k.job_type = any(array(SELECT e.job_type FROM ended AS e))
        ORDER BY k.job_type
        FOR UPDATE
    ) AS f
    WHERE l.job_type = f.job_type
)

SELECT
    e.id,
    e.status
FROM ended AS e;

-- name: complete_and_claim_jobs_of_type(claims, worker_id, job_type, row_limit, lease_seconds)
-- Finish claimed jobs as complete_jobs does, and claim pending ones of one type, in one commit.
-- Of those that have ended the id, number, type, status and times are given; the places they leave can be taken.
-- result: id not null, number not null, job_type not null, status not null, created_at not null, updated_at not null
-- locks: job_queue_limits rows in order of job_type
-- locks: job_queue rows in order of priority DESC, number, skip locked
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count,
        nullif(o.value -> 3, 'null'::jsonb) AS result
    FROM jsonb_array_elements(:claims::jsonb) AS o (value)
),

ended AS (
    -- First the jobs that end, then the limits, then the jobs that are claimed: whoever finishes
    -- jobs locks in this order, and a claim waits for no job.
    UPDATE job_queue AS j
    SET
        status = 'completed',
        error = NULL,
        result = g.result,
        completed_at = statement_timestamp(),
        lease_expires_at = NULL,
        updated_at = statement_timestamp()
    FROM given AS g
    WHERE
        j.id = any(array(SELECT i.id FROM given AS i))
        AND j.id = g.id
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
    RETURNING
        j.id,
        j.number,
        j.job_type,
        j.status,
        j.created_at,
        j.updated_at
),

freed AS MATERIALIZED (
    SELECT
        e.job_type,
        count(*)::integer AS jobs
    FROM ended AS e
    GROUP BY e.job_type
),

limits AS MATERIALIZED (
    -- The lock keeps two claims from using one place twice. A row that another transaction has
    -- changed meanwhile is read again, so nothing of the jobs is computed here.
    SELECT
        l.job_type,
        l.max_running,
        l.running,
        l.paused
    FROM job_queue_limits AS l
    WHERE
        l.job_type
        = any(
            array(
                SELECT f.job_type FROM freed AS f
                UNION ALL
                SELECT :job_type::text AS job_type
            )
        )
    ORDER BY l.job_type
    FOR UPDATE
),

limited AS MATERIALIZED (
    SELECT
        l.job_type,
        coalesce(f.jobs, 0) AS jobs,
        CASE
            WHEN l.paused THEN 0
            ELSE greatest(l.max_running - greatest(l.running - coalesce(f.jobs, 0), 0), 0)
        END AS places
    FROM limits AS l
    LEFT JOIN freed AS f ON l.job_type = f.job_type
),

chosen AS (
    -- Jobs that another transaction has locked are passed over.
    SELECT c.number
    FROM job_queue_spans(:job_type) AS s
    CROSS JOIN
        LATERAL (
            SELECT j.number
            FROM job_queue AS j
            WHERE
                j.status = 'pending'
                AND j.job_type = :job_type
                AND j.priority <= s.highest
                AND j.priority >= s.lowest
                AND j.number >= s.number
            ORDER BY j.priority DESC, j.number ASC
            LIMIT :row_limit::integer
            FOR UPDATE SKIP LOCKED
        ) AS c
    LIMIT
        least(
            :row_limit::integer,
            (SELECT l.places FROM limited AS l WHERE l.job_type = :job_type)
        )
),

changed AS MATERIALIZED (
    SELECT
        l.job_type,
        l.jobs,
        CASE
            WHEN l.job_type = :job_type THEN (SELECT count(*)::integer FROM chosen) ELSE 0
        END AS claims
    FROM limited AS l
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = greatest(l.running - c.jobs, 0) + c.claims
    FROM changed AS c
    WHERE l.job_type = c.job_type AND c.jobs + c.claims > 0
),

claimed AS (
    UPDATE job_queue AS j
    SET
        status = 'processing',
        worker_id = :worker_id,
        attempts = j.attempts + 1,
        claim_count = j.claim_count + 1,
        started_at = statement_timestamp(),
        updated_at = statement_timestamp(),
        lease_expires_at
        = statement_timestamp() + make_interval(secs => :lease_seconds::double precision)
    WHERE j.number = any(array(SELECT c.number FROM chosen AS c))
    RETURNING
        j.id,
        j.number,
        j.job_type,
        j.status,
        j.payload::text AS payload_text,
        j.priority,
        j.attempts,
        j.max_attempts,
        j.time_limit_seconds,
        j.claim_count,
        j.unique_key,
        j.unique_while_running,
        j.user_id,
        j.workspace_id,
        j.error,
        j.result::text AS result_text,
        j.scheduled_at,
        j.lease_expires_at,
        j.created_at,
        j.updated_at,
        j.trace_parent
)

SELECT
    e.id,
    e.number,
    e.job_type,
    e.status,
    NULL::text AS payload_text,
    NULL::integer AS priority,
    NULL::integer AS attempts,
    NULL::integer AS max_attempts,
    NULL::double precision AS time_limit_seconds,
    NULL::bigint AS claim_count,
    NULL::text AS unique_key,
    NULL::boolean AS unique_while_running,
    NULL::text AS user_id,
    NULL::text AS workspace_id,
    NULL::text AS error,
    NULL::text AS result_text,
    NULL::timestamptz AS scheduled_at,
    NULL::timestamptz AS lease_expires_at,
    e.created_at,
    e.updated_at,
    NULL::text AS trace_parent
FROM ended AS e
UNION ALL
SELECT
    c.id,
    c.number,
    c.job_type,
    c.status,
    c.payload_text,
    c.priority,
    c.attempts,
    c.max_attempts,
    c.time_limit_seconds,
    c.claim_count,
    c.unique_key,
    c.unique_while_running,
    c.user_id,
    c.workspace_id,
    c.error,
    c.result_text,
    c.scheduled_at,
    c.lease_expires_at,
    c.created_at,
    c.updated_at,
    c.trace_parent
FROM claimed AS c;

-- name: complete_and_claim_jobs(claims, worker_id, job_types, row_limit, lease_seconds)
-- Finish claimed jobs as complete_jobs does, and claim pending ones of some types, in one commit.
-- Of those that have ended the id, number, type, status and times are given; the places they leave can be taken.
-- result: id not null, number not null, job_type not null, status not null, created_at not null, updated_at not null
-- plan: seq_scan allowed because there is one limit for each job type at most
-- locks: job_queue_limits rows in order of job_type
-- locks: job_queue rows in order of priority DESC, number, skip locked
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count,
        nullif(o.value -> 3, 'null'::jsonb) AS result
    FROM jsonb_array_elements(:claims::jsonb) AS o (value)
),

ended AS (
    -- First the jobs that end, then the limits, then the jobs that are claimed: whoever finishes
    -- jobs locks in this order, and a claim waits for no job.
    UPDATE job_queue AS j
    SET
        status = 'completed',
        error = NULL,
        result = g.result,
        completed_at = statement_timestamp(),
        lease_expires_at = NULL,
        updated_at = statement_timestamp()
    FROM given AS g
    WHERE
        j.id = any(array(SELECT i.id FROM given AS i))
        AND j.id = g.id
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
    RETURNING
        j.id,
        j.number,
        j.job_type,
        j.status,
        j.created_at,
        j.updated_at
),

freed AS MATERIALIZED (
    SELECT
        e.job_type,
        count(*)::integer AS jobs
    FROM ended AS e
    GROUP BY e.job_type
),

wanted AS MATERIALIZED (
    SELECT
        u.job_type,
        :row_limit::integer AS row_limit
    FROM pg_catalog.unnest(:job_types::text[]) AS u (job_type)
    GROUP BY u.job_type
),

limits AS MATERIALIZED (
    -- The lock keeps two claims from using one place twice. A row that another transaction has
    -- changed meanwhile is read again, so nothing of the jobs is computed here.
    SELECT
        l.job_type,
        l.max_running,
        l.running,
        l.paused
    FROM job_queue_limits AS l
    WHERE
        l.job_type
        = any(
            array(
                SELECT f.job_type FROM freed AS f
                UNION ALL
                SELECT w.job_type FROM wanted AS w
            )
        )
    ORDER BY l.job_type
    FOR UPDATE
),

limited AS MATERIALIZED (
    SELECT
        l.job_type,
        coalesce(f.jobs, 0) AS jobs,
        CASE
            WHEN l.paused THEN 0
            ELSE greatest(l.max_running - greatest(l.running - coalesce(f.jobs, 0), 0), 0)
        END AS places
    FROM limits AS l
    LEFT JOIN freed AS f ON l.job_type = f.job_type
),

usable AS MATERIALIZED (
    SELECT
        w.job_type,
        least(w.row_limit, f.places) AS most
    FROM wanted AS w
    LEFT JOIN limited AS f ON w.job_type = f.job_type
    WHERE
        f.places > 0
        -- One that was stored meanwhile is not among those that could be locked.
        OR w.job_type NOT IN (SELECT l.job_type FROM job_queue_limits AS l)
),

shares AS MATERIALIZED (
    -- How many jobs each type gives.
    SELECT
        b.job_type,
        count(*) AS share
    FROM (
        SELECT c.job_type
        FROM usable AS u
        CROSS JOIN
            LATERAL (
                SELECT
                    r.job_type,
                    r.priority,
                    r.number
                FROM job_queue_spans(u.job_type) AS s
                CROSS JOIN
                    LATERAL (
                        SELECT
                            j.job_type,
                            j.priority,
                            j.number
                        FROM job_queue AS j
                        WHERE
                            j.status = 'pending'
                            AND j.job_type = u.job_type
                            AND j.priority <= s.highest
                            AND j.priority >= s.lowest
                            AND j.number >= s.number
                        ORDER BY j.priority DESC, j.number ASC
                        LIMIT u.most
                    ) AS r
                LIMIT u.most
            ) AS c
        ORDER BY c.priority DESC, c.number ASC
        LIMIT :row_limit::integer
    ) AS b
    GROUP BY b.job_type
),

chosen AS MATERIALIZED (
    -- Jobs that another transaction has locked are passed over.
    SELECT
        c.number,
        s.job_type
    FROM shares AS s
    CROSS JOIN LATERAL (
        SELECT r.number
        FROM job_queue_spans(s.job_type) AS p
        CROSS JOIN
            LATERAL (
                SELECT j.number
                FROM job_queue AS j
                WHERE
                    j.status = 'pending'
                    AND j.job_type = s.job_type
                    AND j.priority <= p.highest
                    AND j.priority >= p.lowest
                    AND j.number >= p.number
                ORDER BY j.priority DESC, j.number ASC
                LIMIT s.share
                FOR UPDATE SKIP LOCKED
            ) AS r
        LIMIT s.share
    ) AS c
),

taken AS MATERIALIZED (
    SELECT
        c.job_type,
        count(*)::integer AS claims
    FROM chosen AS c
    GROUP BY c.job_type
),

changed AS MATERIALIZED (
    SELECT
        l.job_type,
        l.jobs,
        coalesce(t.claims, 0) AS claims
    FROM limited AS l
    LEFT JOIN taken AS t ON l.job_type = t.job_type
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = greatest(l.running - c.jobs, 0) + c.claims
    FROM changed AS c
    WHERE l.job_type = c.job_type AND c.jobs + c.claims > 0
),

claimed AS (
    UPDATE job_queue AS j
    SET
        status = 'processing',
        worker_id = :worker_id,
        attempts = j.attempts + 1,
        claim_count = j.claim_count + 1,
        started_at = statement_timestamp(),
        updated_at = statement_timestamp(),
        lease_expires_at
        = statement_timestamp() + make_interval(secs => :lease_seconds::double precision)
    WHERE j.number = any(array(SELECT c.number FROM chosen AS c))
    RETURNING
        j.id,
        j.number,
        j.job_type,
        j.status,
        j.payload::text AS payload_text,
        j.priority,
        j.attempts,
        j.max_attempts,
        j.time_limit_seconds,
        j.claim_count,
        j.unique_key,
        j.unique_while_running,
        j.user_id,
        j.workspace_id,
        j.error,
        j.result::text AS result_text,
        j.scheduled_at,
        j.lease_expires_at,
        j.created_at,
        j.updated_at,
        j.trace_parent
)

SELECT
    e.id,
    e.number,
    e.job_type,
    e.status,
    NULL::text AS payload_text,
    NULL::integer AS priority,
    NULL::integer AS attempts,
    NULL::integer AS max_attempts,
    NULL::double precision AS time_limit_seconds,
    NULL::bigint AS claim_count,
    NULL::text AS unique_key,
    NULL::boolean AS unique_while_running,
    NULL::text AS user_id,
    NULL::text AS workspace_id,
    NULL::text AS error,
    NULL::text AS result_text,
    NULL::timestamptz AS scheduled_at,
    NULL::timestamptz AS lease_expires_at,
    e.created_at,
    e.updated_at,
    NULL::text AS trace_parent
FROM ended AS e
UNION ALL
SELECT
    c.id,
    c.number,
    c.job_type,
    c.status,
    c.payload_text,
    c.priority,
    c.attempts,
    c.max_attempts,
    c.time_limit_seconds,
    c.claim_count,
    c.unique_key,
    c.unique_while_running,
    c.user_id,
    c.workspace_id,
    c.error,
    c.result_text,
    c.scheduled_at,
    c.lease_expires_at,
    c.created_at,
    c.updated_at,
    c.trace_parent
FROM claimed AS c;

-- name: fail_jobs(outcomes, base_seconds, max_seconds, jitter)
-- Finish attempts that failed: each a list of id, worker, claim count, 'retry', 'postponed', 'failed' or 'cancelled', error, delay.
-- An attempt that is postponed does not count.
-- locks: job_queue_limits rows in order of job_type
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count,
        o.value ->> 3 AS outcome,
        o.value ->> 4 AS error,
        (o.value ->> 5)::double precision AS delay_seconds
    FROM jsonb_array_elements(:outcomes::jsonb) AS o (value)
),

decided AS MATERIALIZED (
    SELECT
        j.number,
        g.worker_id,
        j.claim_count,
        g.error,
        CASE
            WHEN g.outcome = 'cancelled' THEN 'cancelled'
            WHEN g.outcome = 'failed' THEN 'failed'
            WHEN j.cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN g.outcome <> 'postponed' AND j.attempts >= j.max_attempts THEN 'failed'
            -- The other job of the same key does the work.
            WHEN k.id IS NOT NULL THEN 'cancelled'
            WHEN g.delay_seconds = 0::double precision THEN 'pending'
            WHEN g.outcome = 'postponed' THEN 'scheduled'
            ELSE 'retrying'
        END AS status,
        j.attempts
        - CASE WHEN g.outcome = 'postponed' AND j.attempts > 0 THEN 1 ELSE 0 END AS attempts,
        coalesce(
            g.delay_seconds,
            least(
                :base_seconds::double precision
                * (1::bigint << greatest(least(j.attempts - 1, 40), 0))::double precision,
                :max_seconds::double precision
            )
            * (
                1::double precision
                + :jitter::double precision * (2::double precision * random() - 1::double precision)
            )
        ) AS delay_seconds
    FROM given AS g
    INNER JOIN job_queue AS j ON g.id = j.id
    LEFT JOIN job_queue AS k
        ON
            j.unique_key = k.unique_key
            AND j.number <> k.number
            AND k.unique_key IS NOT NULL
            AND (
                k.status IN ('pending', 'scheduled', 'retrying')
                OR (k.status = 'processing' AND k.unique_while_running)
            )
    WHERE
        j.id = any(array(SELECT i.id FROM given AS i))
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
),

ended AS (
    UPDATE job_queue AS j
    SET
        status = d.status,
        attempts = d.attempts,
        error = d.error,
        worker_id = CASE
            WHEN d.status IN ('pending', 'scheduled', 'retrying') THEN NULL ELSE j.worker_id
        END,
        scheduled_at = CASE
            WHEN d.status IN ('scheduled', 'retrying')
                THEN statement_timestamp() + make_interval(secs => d.delay_seconds)
            ELSE j.scheduled_at
        END,
        completed_at = CASE
            WHEN d.status NOT IN ('pending', 'scheduled', 'retrying') THEN statement_timestamp()
        END,
        lease_expires_at = NULL,
        updated_at = statement_timestamp()
    FROM decided AS d
    WHERE
        j.number = any(array(SELECT i.number FROM decided AS i))
        AND j.number = d.number
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = d.worker_id
        AND j.claim_count = d.claim_count
    RETURNING
        j.id,
        j.job_type,
        j.status
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = greatest(l.running - f.jobs, 0)
    FROM (
        -- In one order, so that two calls that finish jobs never wait for each other in a circle.
        SELECT
            k.job_type,
            (SELECT count(*)::integer FROM ended AS e WHERE e.job_type = k.job_type) AS jobs
        FROM job_queue_limits AS k
        WHERE k.job_type = any(array(SELECT e.job_type FROM ended AS e))
        ORDER BY k.job_type
        FOR UPDATE
    ) AS f
    WHERE l.job_type = f.job_type
)

SELECT
    e.id,
    e.status
FROM ended AS e;

-- name: list_stored_outcomes(outcomes)
-- List which outcomes are stored already: each a list of id, worker, claim count, outcome, error, result.
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count,
        o.value ->> 3 AS outcome,
        o.value ->> 4 AS error,
        nullif(o.value -> 5, 'null'::jsonb) AS result
    FROM jsonb_array_elements(:outcomes::jsonb) AS o (value)
)

SELECT
    j.id,
    j.status
FROM given AS g
INNER JOIN job_queue AS j ON g.id = j.id
WHERE
    j.id = any(array(SELECT i.id FROM given AS i))
    AND j.lease_expires_at IS NULL
    AND j.claim_count = coalesce(g.claim_count, j.claim_count)
    -- A job that waits again names no worker: only the claim count proves who ended the attempt.
    AND (j.worker_id = g.worker_id OR (j.worker_id IS NULL AND g.claim_count IS NOT NULL))
    AND (
        (
            g.outcome = 'completed'
            AND j.status = 'completed'
            AND j.result IS NOT DISTINCT FROM g.result
        )
        OR (g.outcome <> 'completed' AND j.status <> 'completed' AND j.error = g.error)
    );

-- name: extend_leases(claims, lease_seconds)
-- Give claims, each a list of id, worker and claim count, a new lease from now on.
-- result: lease_expires_at not null
-- locks: job_queue rows in no order, skip locked
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count
    FROM jsonb_array_elements(:claims::jsonb) AS o (value)
),

held AS (
    -- What is locked is about to be finished or recovered: nobody is waited for.
    SELECT j.number
    FROM given AS g
    INNER JOIN job_queue AS j ON g.id = j.id
    WHERE
        j.id = any(array(SELECT i.id FROM given AS i))
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
    FOR UPDATE OF j SKIP LOCKED
)

UPDATE job_queue AS j
SET
    lease_expires_at
    = statement_timestamp() + make_interval(secs => :lease_seconds::double precision),
    updated_at = statement_timestamp()
WHERE j.number = any(array(SELECT h.number FROM held AS h)) AND j.lease_expires_at IS NOT NULL
RETURNING
    j.id,
    j.lease_expires_at;

-- name: release_jobs(claims)
-- Give claimed jobs back that were not worked on: the attempt does not count.
-- locks: job_queue_limits rows in order of job_type
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        (o.value ->> 2)::bigint AS claim_count
    FROM jsonb_array_elements(:claims::jsonb) AS o (value)
),

ended AS (
    UPDATE job_queue AS j
    SET
        status = CASE
            WHEN k.id IS NULL AND j.cancel_requested_at IS NULL THEN 'pending' ELSE 'cancelled'
        END,
        attempts = greatest(j.attempts - 1, 0),
        worker_id = NULL,
        completed_at = CASE
            WHEN k.id IS NOT NULL OR j.cancel_requested_at IS NOT NULL THEN statement_timestamp()
        END,
        lease_expires_at = NULL,
        updated_at = statement_timestamp()
    FROM given AS g
    INNER JOIN job_queue AS h ON g.id = h.id
    -- The other job of the same key does the work.
    LEFT JOIN job_queue AS k
        ON
            h.unique_key = k.unique_key
            AND h.number <> k.number
            AND k.unique_key IS NOT NULL
            AND (
                k.status IN ('pending', 'scheduled', 'retrying')
                OR (k.status = 'processing' AND k.unique_while_running)
            )
    WHERE
        j.id = any(array(SELECT i.id FROM given AS i))
        AND j.number = h.number
        AND j.lease_expires_at IS NOT NULL
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
    RETURNING
        j.id,
        j.job_type,
        j.status
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = greatest(l.running - f.jobs, 0)
    FROM (
        -- In one order, so that two calls that finish jobs never wait for each other in a circle.
        SELECT
            k.job_type,
            (SELECT count(*)::integer FROM ended AS e WHERE e.job_type = k.job_type) AS jobs
        FROM job_queue_limits AS k
        WHERE k.job_type = any(array(SELECT e.job_type FROM ended AS e))
        ORDER BY k.job_type
        FOR UPDATE
    ) AS f
    WHERE l.job_type = f.job_type
)

SELECT
    e.id,
    e.status
FROM ended AS e;

-- name: recover_jobs(job_types, grace_seconds, row_limit)
-- Take jobs away from workers whose lease ran out: pending again, or failed after the last attempt.
-- plan: filtered_walk allowed because the statistics of a real queue, of which few jobs run, lead to idx_job_queue_running
-- locks: job_queue rows in order of number, skip locked
-- locks: job_queue_limits rows in order of job_type
-- meaning: values of job_types [null, ["A", "b", "c"], null, ["b", "\u00df"], ["A", "A", "x"], ["c"], []] because NULL stands for all types
WITH lapsed AS MATERIALIZED (
    SELECT
        j.number,
        j.unique_key,
        j.cancel_requested_at IS NOT NULL AS is_cancelled,
        j.attempts >= j.max_attempts OR j.cancel_requested_at IS NOT NULL AS spent
    FROM job_queue AS j
    WHERE
        j.status = 'processing'
        AND j.lease_expires_at
        < statement_timestamp() - make_interval(secs => :grace_seconds::double precision)
        AND (:job_types::text[] IS NULL OR j.job_type = any(:job_types::text[]))
    ORDER BY j.number
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
),

superseded AS (
    -- Of the jobs of one key one waits; the others are done by it.
    SELECT l.number
    FROM lapsed AS l
    WHERE
        l.unique_key IS NOT NULL
        AND (
            EXISTS (
                SELECT 1
                FROM job_queue AS k
                WHERE
                    k.unique_key = l.unique_key
                    AND k.number <> l.number
                    AND NOT EXISTS (SELECT 1 FROM lapsed AS s WHERE s.number = k.number)
                    AND k.unique_key IS NOT NULL
                    AND (
                        k.status IN ('pending', 'scheduled', 'retrying')
                        OR (k.status = 'processing' AND k.unique_while_running)
                    )
            )
            OR EXISTS (
                SELECT 1
                FROM lapsed AS o
                WHERE
                    o.unique_key = l.unique_key
                    AND o.number < l.number
                    AND NOT o.spent
            )
        )
),

decided AS MATERIALIZED (
    SELECT
        l.number,
        CASE
            WHEN l.is_cancelled THEN 'cancelled'
            WHEN l.spent THEN 'failed'
            WHEN s.number IS NOT NULL THEN 'cancelled'
            ELSE 'pending'
        END AS status
    FROM lapsed AS l
    LEFT JOIN superseded AS s ON l.number = s.number
),

ended AS (
    UPDATE job_queue AS j
    SET
        status = d.status,
        error
        = 'the lease of worker ' || j.worker_id || ' ran out in attempt ' || j.attempts::text,
        worker_id = CASE WHEN d.status = 'pending' THEN NULL ELSE j.worker_id END,
        completed_at = CASE WHEN d.status <> 'pending' THEN statement_timestamp() END,
        lease_expires_at = NULL,
        updated_at = statement_timestamp()
    FROM decided AS d
    WHERE
        j.number = any(array(SELECT i.number FROM decided AS i))
        AND j.number = d.number
        AND j.lease_expires_at IS NOT NULL
    RETURNING
        j.id,
        j.job_type,
        j.status
),

counted AS (
    UPDATE job_queue_limits AS l
    SET running = greatest(l.running - f.jobs, 0)
    FROM (
        -- In one order, so that two calls that finish jobs never wait for each other in a circle.
        SELECT
            k.job_type,
            (SELECT count(*)::integer FROM ended AS e WHERE e.job_type = k.job_type) AS jobs
        FROM job_queue_limits AS k
        WHERE k.job_type = any(array(SELECT e.job_type FROM ended AS e))
        ORDER BY k.job_type
        FOR UPDATE
    ) AS f
    WHERE l.job_type = f.job_type
)

SELECT
    e.id,
    e.status
FROM ended AS e;

-- name: cancel_job(id, running)^
-- Cancel a job that waits; of one that is processed ask its worker to stop it, when running is true.
UPDATE job_queue AS j
SET
    status = CASE WHEN j.status = 'processing' THEN j.status ELSE 'cancelled' END,
    completed_at = CASE WHEN j.status <> 'processing' THEN statement_timestamp() END,
    cancel_requested_at = statement_timestamp(),
    updated_at = statement_timestamp()
WHERE
    j.id = :id
    AND (
        j.status IN ('pending', 'scheduled', 'retrying')
        OR (j.status = 'processing' AND :running::boolean)
    )
RETURNING j.status;

-- name: list_cancel_requests(ids)
-- List which of some claimed jobs are to be stopped.
SELECT
    j.id,
    j.claim_count
FROM job_queue AS j
WHERE j.id = any(:ids::text[]) AND j.cancel_requested_at IS NOT NULL;

-- name: retry_job(id, notify)^
-- Make a finished job pending again, from its first attempt on.
-- result: payload_text not null
WITH changed AS (
    UPDATE job_queue AS j
    SET
        status = 'pending',
        attempts = 0,
        worker_id = NULL,
        result = NULL,
        scheduled_at = NULL,
        completed_at = NULL,
        cancel_requested_at = NULL,
        updated_at = statement_timestamp()
    WHERE j.id = :id AND j.status IN ('completed', 'failed', 'cancelled')
    RETURNING
        j.id,
        j.number,
        j.job_type,
        j.payload,
        j.status,
        j.priority,
        j.attempts,
        j.max_attempts,
        j.claim_count,
        j.worker_id,
        j.unique_key,
        j.user_id,
        j.workspace_id,
        j.error,
        j.result,
        j.scheduled_at,
        j.lease_expires_at,
        j.started_at,
        j.completed_at,
        j.created_at,
        j.updated_at,
        j.time_limit_seconds,
        j.unique_while_running,
        j.cancel_requested_at,
        j.trace_parent
),

told AS MATERIALIZED (
    SELECT pg_notify('aragora_jobs', c.job_type)
    FROM changed AS c
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

SELECT
    -- columns: StoredJob
    c.id,
    c.number,
    c.job_type,
    c.payload::text AS payload_text,
    c.status,
    c.priority,
    c.attempts,
    c.max_attempts,
    c.claim_count,
    c.worker_id,
    c.unique_key,
    c.user_id,
    c.workspace_id,
    c.error,
    c.result::text AS result_text,
    c.scheduled_at,
    c.lease_expires_at,
    c.started_at,
    c.completed_at,
    c.created_at,
    c.updated_at,
    c.time_limit_seconds,
    c.unique_while_running,
    c.cancel_requested_at,
    c.trace_parent
FROM changed AS c
CROSS JOIN heard;

-- name: list_finished_ids(status, job_type, after_time, after_number, row_limit)
-- List the ids of jobs that were finished with a status, the earliest first, a page after the other.
-- result: completed_at not null
SELECT
    j.id,
    j.number,
    j.completed_at
FROM job_queue AS j
WHERE
    j.completed_at IS NOT NULL
    AND j.status = :status
    AND (:job_type::text IS NULL OR j.job_type = :job_type)
    AND j.completed_at >= :after_time
    AND (j.completed_at > :after_time OR j.number > :after_number)
ORDER BY j.completed_at, j.number
LIMIT :row_limit;

-- name: retry_jobs(ids, notify)
-- Make finished jobs pending again, from their first attempt on; leave out those whose key another keeps.
-- locks: job_queue rows in order of number
WITH locked AS MATERIALIZED (
    SELECT
        j.number,
        j.unique_key
    FROM job_queue AS j
    WHERE j.id = any(:ids::text[]) AND j.status IN ('completed', 'failed', 'cancelled')
    ORDER BY j.number
    FOR UPDATE
),

chosen AS MATERIALIZED (
    SELECT l.number
    FROM locked AS l
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM job_queue AS k
            WHERE
                k.unique_key = l.unique_key
                AND k.unique_key IS NOT NULL
                AND (
                    k.status IN ('pending', 'scheduled', 'retrying')
                    OR (k.status = 'processing' AND k.unique_while_running)
                )
        )
        AND NOT EXISTS (
            SELECT 1
            FROM locked AS o
            WHERE o.unique_key = l.unique_key AND o.number < l.number
        )
),

changed AS (
    UPDATE job_queue AS j
    SET
        status = 'pending',
        attempts = 0,
        worker_id = NULL,
        result = NULL,
        scheduled_at = NULL,
        completed_at = NULL,
        cancel_requested_at = NULL,
        updated_at = statement_timestamp()
    WHERE j.number = any(array(SELECT c.number FROM chosen AS c))
    RETURNING
        j.id,
        j.job_type
),

told AS MATERIALIZED (
    SELECT pg_notify('aragora_jobs', n.job_type)
    FROM (SELECT DISTINCT c.job_type FROM changed AS c) AS n
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

SELECT c.id
FROM changed AS c
CROSS JOIN heard;

-- name: update_job(id, priority, max_attempts, payload, scheduled_at, notify)^
-- Change what is not NULL of a job that waits.
-- result: payload_text not null
WITH changed AS (
    UPDATE job_queue AS j
    SET
        priority = coalesce(:priority::integer, j.priority),
        max_attempts = coalesce(:max_attempts::integer, j.max_attempts),
        payload = coalesce(:payload::jsonb, j.payload),
        scheduled_at = coalesce(:scheduled_at::timestamptz, j.scheduled_at),
        status = CASE
            WHEN :scheduled_at::timestamptz IS NULL THEN j.status
            WHEN :scheduled_at::timestamptz > statement_timestamp() THEN 'scheduled'
            ELSE 'pending'
        END,
        updated_at = statement_timestamp()
    WHERE j.id = :id AND j.status IN ('pending', 'scheduled', 'retrying')
    RETURNING
        j.id,
        j.number,
        j.job_type,
        j.payload,
        j.status,
        j.priority,
        j.attempts,
        j.max_attempts,
        j.claim_count,
        j.worker_id,
        j.unique_key,
        j.user_id,
        j.workspace_id,
        j.error,
        j.result,
        j.scheduled_at,
        j.lease_expires_at,
        j.started_at,
        j.completed_at,
        j.created_at,
        j.updated_at,
        j.time_limit_seconds,
        j.unique_while_running,
        j.cancel_requested_at,
        j.trace_parent
),

told AS MATERIALIZED (
    SELECT pg_notify('aragora_jobs', c.job_type)
    FROM changed AS c
    WHERE :notify::boolean AND (SELECT pg_notification_queue_usage()) < 0.9::double precision
),

heard AS (
    SELECT count(*) AS times
    FROM told
)

SELECT
    -- columns: StoredJob
    c.id,
    c.number,
    c.job_type,
    c.payload::text AS payload_text,
    c.status,
    c.priority,
    c.attempts,
    c.max_attempts,
    c.claim_count,
    c.worker_id,
    c.unique_key,
    c.user_id,
    c.workspace_id,
    c.error,
    c.result::text AS result_text,
    c.scheduled_at,
    c.lease_expires_at,
    c.started_at,
    c.completed_at,
    c.created_at,
    c.updated_at,
    c.time_limit_seconds,
    c.unique_while_running,
    c.cancel_requested_at,
    c.trace_parent
FROM changed AS c
CROSS JOIN heard;

-- name: get_job(id)^
-- Return one job.
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    j.payload::text AS payload_text,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result::text AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.time_limit_seconds,
    j.unique_while_running,
    j.cancel_requested_at,
    j.trace_parent
FROM job_queue AS j
WHERE j.id = :id;

-- name: list_jobs(job_type, before_number, row_limit, documents)
-- List jobs, newest first, one page after the other.
-- Without documents payload_text is empty, and neither they nor results are read.
-- plan: filtered_walk allowed because a person looks through the queue; of a rare type the whole queue is read at worst
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    CASE WHEN :documents::boolean THEN j.payload::text ELSE '' END AS payload_text,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.user_id,
    j.workspace_id,
    j.error,
    CASE WHEN :documents::boolean THEN j.result::text END AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.time_limit_seconds,
    j.unique_while_running,
    j.cancel_requested_at,
    j.trace_parent
FROM job_queue AS j
WHERE
    (:job_type::text IS NULL OR j.job_type = :job_type)
    AND (:before_number::bigint IS NULL OR j.number < :before_number)
ORDER BY j.number DESC
LIMIT :row_limit;

-- name: list_jobs_of_status(status, job_type, before_number, row_limit, documents)
-- List jobs of one status, newest first: all of a rare one are looked at, of others the newest.
-- Without documents payload_text is empty, and neither they nor results are read.
-- plan: filtered_walk allowed because a group of the wrong status is left at once, and of a status with over a thousand jobs the newest are near
-- result: payload_text not null
WITH few AS MATERIALIZED (
    -- Each group in the order of its own index, which finds the first thousand without the others.
    (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.status = 'pending' AND :status::text = 'pending'
        ORDER BY j.job_type ASC, j.priority DESC, j.number ASC
        LIMIT 1001
    )
    UNION ALL
    (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.status IN ('scheduled', 'retrying') AND j.status = :status
        ORDER BY j.scheduled_at
        LIMIT 1001
    )
    UNION ALL
    (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.status = 'processing' AND :status::text = 'processing'
        ORDER BY j.job_type
        LIMIT 1001
    )
    UNION ALL
    (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.completed_at IS NOT NULL AND j.status = :status
        ORDER BY j.completed_at
        LIMIT 1001
    )
),

chosen AS (
    SELECT f.number
    FROM few AS f
    WHERE (SELECT count(*) FROM few) <= 1000
    UNION ALL
    (
        SELECT j.number
        FROM job_queue AS j
        WHERE
            (SELECT count(*) FROM few) > 1000
            AND j.status = :status
            AND (:job_type::text IS NULL OR j.job_type = :job_type)
            AND (:before_number::bigint IS NULL OR j.number < :before_number)
        ORDER BY j.number DESC
        LIMIT :row_limit
    )
)

SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    CASE WHEN :documents::boolean THEN j.payload::text ELSE '' END AS payload_text,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.user_id,
    j.workspace_id,
    j.error,
    CASE WHEN :documents::boolean THEN j.result::text END AS result_text,
    j.scheduled_at,
    j.lease_expires_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.time_limit_seconds,
    j.unique_while_running,
    j.cancel_requested_at,
    j.trace_parent
FROM job_queue AS j
WHERE
    j.number = any(array(SELECT c.number FROM chosen AS c))
    AND j.status = :status
    AND (:job_type::text IS NULL OR j.job_type = :job_type)
    AND (:before_number::bigint IS NULL OR j.number < :before_number)
ORDER BY j.number DESC
LIMIT :row_limit;

-- name: count_jobs()
-- Count jobs by type and status, with the creation of the oldest.
-- result: created_at not null
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT
    -- columns: JobCount
    j.job_type,
    j.status,
    count(*) AS total,
    min(j.created_at) AS created_at
FROM job_queue AS j
GROUP BY j.job_type, j.status
ORDER BY j.job_type, j.status;

-- name: count_unfinished_jobs()
-- Count the jobs that wait or run by type and status, with the seconds since the oldest could first
-- be claimed (0 where none could yet), and how many leases have run out.
-- result: job_type not null, status not null, oldest_seconds not null
WITH unfinished AS (
    -- Each part is an index of its own, so that finished jobs are not looked at.
    SELECT
        j.job_type,
        j.status,
        coalesce(j.scheduled_at, j.created_at) AS ready_at,
        j.lease_expires_at
    FROM job_queue AS j
    WHERE j.status = 'pending'
    UNION ALL
    SELECT
        j.job_type,
        j.status,
        j.scheduled_at AS ready_at,
        j.lease_expires_at
    FROM job_queue AS j
    WHERE j.status IN ('scheduled', 'retrying')
    UNION ALL
    SELECT
        j.job_type,
        j.status,
        coalesce(j.scheduled_at, j.created_at) AS ready_at,
        j.lease_expires_at
    FROM job_queue AS j
    WHERE j.status = 'processing'
)

SELECT
    -- columns: JobLoad
    u.job_type,
    u.status,
    count(*) AS total,
    greatest(
        extract(EPOCH FROM statement_timestamp() - min(u.ready_at))::double precision,
        0.0::double precision
    ) AS oldest_seconds,
    count(*) FILTER (WHERE u.lease_expires_at <= statement_timestamp()) AS expired
FROM unfinished AS u
GROUP BY u.job_type, u.status
ORDER BY u.job_type, u.status;

-- name: purge_jobs(status, age_seconds, row_limit)!
-- Delete jobs that were finished so long ago.
-- locks: job_queue rows in order of completed_at, skip locked
DELETE FROM job_queue
WHERE
    number = any(
        array(
            SELECT j.number
            FROM job_queue AS j
            WHERE
                j.status = :status
                AND j.completed_at
                < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
            ORDER BY j.completed_at
            LIMIT :row_limit
            FOR UPDATE SKIP LOCKED
        )
    );

-- name: archive_jobs(status, age_seconds, row_limit)
-- Copy jobs that were finished so long ago into the history, and tell which.
-- locks: job_queue rows in order of completed_at, number, skip locked
INSERT INTO job_history (
    id,
    number,
    job_type,
    payload,
    status,
    priority,
    attempts,
    max_attempts,
    claim_count,
    worker_id,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    error,
    result,
    time_limit_seconds,
    scheduled_at,
    cancel_requested_at,
    started_at,
    completed_at,
    created_at,
    updated_at,
    trace_parent
)
SELECT
    j.id,
    j.number,
    j.job_type,
    j.payload,
    j.status,
    j.priority,
    j.attempts,
    j.max_attempts,
    j.claim_count,
    j.worker_id,
    j.unique_key,
    j.unique_while_running,
    j.user_id,
    j.workspace_id,
    j.error,
    j.result,
    j.time_limit_seconds,
    j.scheduled_at,
    j.cancel_requested_at,
    j.started_at,
    j.completed_at,
    j.created_at,
    j.updated_at,
    j.trace_parent
FROM job_queue AS j
WHERE
    j.status = :status
    AND j.completed_at
    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
ORDER BY j.completed_at, j.number
LIMIT :row_limit
FOR UPDATE SKIP LOCKED
RETURNING number;

-- name: delete_archived_jobs(numbers)!
-- Delete jobs that were copied into the history in the same transaction.
DELETE FROM job_queue
WHERE number = any(:numbers::bigint[]);

-- name: get_archived_job(id)^
-- Return one job of the history; of an id that was given again the one that ended last.
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    h.id,
    h.number,
    h.job_type,
    h.payload::text AS payload_text,
    h.status,
    h.priority,
    h.attempts,
    h.max_attempts,
    h.claim_count,
    h.worker_id,
    h.unique_key,
    h.user_id,
    h.workspace_id,
    h.error,
    h.result::text AS result_text,
    h.scheduled_at,
    NULL::timestamptz AS lease_expires_at,
    h.started_at,
    h.completed_at,
    h.created_at,
    h.updated_at,
    h.time_limit_seconds,
    h.unique_while_running,
    h.cancel_requested_at,
    h.trace_parent
FROM job_history AS h
WHERE h.id = :id
ORDER BY h.completed_at DESC
LIMIT 1;

-- name: list_history(status, job_type, before_time, before_id, row_limit, documents)
-- List jobs of the history, those that ended last first, from a place on.
-- Without documents payload_text is empty, and neither they nor results are read.
-- plan: filtered_walk allowed because a person looks through the history; of a rare type all of it is read at worst
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    h.id,
    h.number,
    h.job_type,
    CASE WHEN :documents::boolean THEN h.payload::text ELSE '' END AS payload_text,
    h.status,
    h.priority,
    h.attempts,
    h.max_attempts,
    h.claim_count,
    h.worker_id,
    h.unique_key,
    h.user_id,
    h.workspace_id,
    h.error,
    CASE WHEN :documents::boolean THEN h.result::text END AS result_text,
    h.scheduled_at,
    NULL::timestamptz AS lease_expires_at,
    h.started_at,
    h.completed_at,
    h.created_at,
    h.updated_at,
    h.time_limit_seconds,
    h.unique_while_running,
    h.cancel_requested_at,
    h.trace_parent
FROM job_history AS h
WHERE
    (:status::text IS NULL OR h.status = :status)
    AND (:job_type::text IS NULL OR h.job_type = :job_type)
    -- The first of both leaves out the partitions of later times.
    AND h.completed_at <= :before_time
    AND (h.completed_at, h.id) < (:before_time, :before_id)
ORDER BY h.completed_at DESC, h.id DESC
LIMIT :row_limit;

-- name: purge_history(age_seconds, row_limit)!
-- Delete jobs of the history that were finished so long ago, the earliest first.
-- locks: job_history rows in order of completed_at, id, skip locked
WITH chosen AS MATERIALIZED (
    SELECT
        o.id,
        o.completed_at
    FROM job_history AS o
    WHERE
        o.completed_at
        < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
    ORDER BY o.completed_at, o.id
    LIMIT :row_limit
    FOR UPDATE SKIP LOCKED
)

DELETE FROM job_history AS h
WHERE
    -- The ids alone lead through the index, whatever number of rows is expected.
    h.id = any(array(SELECT c.id FROM chosen AS c))
    AND (h.id, h.completed_at) IN (SELECT
        c.id,
        c.completed_at
    FROM chosen AS c);

-- name: lock_limits()#
-- Keep out whoever claims or finishes jobs until the transaction ends, so that the counters can be set.
-- locks: table job_queue_limits in share row exclusive mode
LOCK TABLE job_queue_limits IN SHARE ROW EXCLUSIVE MODE;

-- name: set_limit(job_type, max_running)!
-- Limit how many jobs of a type are processed at once.
INSERT INTO job_queue_limits AS l (job_type, max_running, running, updated_at)
SELECT
    :job_type::text AS job_type,
    :max_running::integer AS max_running,
    count(*)::integer AS running,
    statement_timestamp() AS updated_at
FROM job_queue AS j
WHERE j.status = 'processing' AND j.job_type = :job_type
ON CONFLICT (job_type) DO UPDATE
    SET
        max_running = excluded.max_running,
        running = excluded.running,
        updated_at = excluded.updated_at;

-- name: delete_limit(job_type)!
-- Take the limit of a type away; a type that is paused keeps its row, with the largest number.
UPDATE job_queue_limits
SET
    max_running = 2147483647,
    updated_at = statement_timestamp()
WHERE job_type = :job_type;

-- name: pause_type(job_type)!
-- Let no job of a type be claimed until it is resumed.
INSERT INTO job_queue_limits AS l (job_type, max_running, running, paused, updated_at)
SELECT
    :job_type::text AS job_type,
    2147483647 AS max_running,
    count(*)::integer AS running,
    TRUE AS paused,
    statement_timestamp() AS updated_at
FROM job_queue AS j
WHERE j.status = 'processing' AND j.job_type = :job_type
ON CONFLICT (job_type) DO UPDATE
    SET
        paused = excluded.paused,
        updated_at = excluded.updated_at;

-- name: resume_type(job_type)!
-- Let jobs of a paused type be claimed again.
UPDATE job_queue_limits
SET
    paused = FALSE,
    updated_at = statement_timestamp()
WHERE job_type = :job_type AND paused;

-- name: delete_unlimited(job_type)!
-- Delete the row of a type that has no limit and is not paused.
DELETE FROM job_queue_limits
WHERE job_type = :job_type AND max_running = 2147483647 AND NOT paused;

-- name: list_limits()
-- List the limits by type; a paused type may have none (NULL).
-- plan: seq_scan allowed because there is one limit for each job type at most
SELECT
    -- columns: JobLimit
    l.job_type,
    nullif(l.max_running, 2147483647) AS max_running,
    l.running,
    l.updated_at,
    l.paused
FROM job_queue_limits AS l
ORDER BY l.job_type;

-- name: find_wrong_limits()$
-- Tell whether a counter differs from the jobs that are processed.
-- plan: seq_scan allowed because there is one limit for each job type at most
-- result: wrong boolean
SELECT
    exists(
        SELECT 1
        FROM job_queue_limits AS l
        WHERE
            l.running
            <> (
                SELECT count(*)
                FROM job_queue AS j
                WHERE j.status = 'processing' AND j.job_type = l.job_type
            )
    ) AS wrong;

-- name: recount_limits()!
-- Set the counters to the number of jobs that are processed.
-- plan: seq_scan allowed because there is one limit for each job type at most
UPDATE job_queue_limits AS l
SET
    running = (
        SELECT count(*)
        FROM job_queue AS j
        WHERE j.status = 'processing' AND j.job_type = l.job_type
    );

-- name: set_schedule(name, cron, time_zone, enabled, job_type, payload, priority, max_attempts, time_limit_seconds, unique_key, unique_while_running, user_id, workspace_id, next_run_at)^
-- Store a schedule, or change it; its next run stays, unless the times of its runs change.
-- result: payload_text not null
INSERT INTO job_schedules AS s (
    name,
    cron,
    time_zone,
    enabled,
    job_type,
    payload,
    priority,
    max_attempts,
    time_limit_seconds,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    next_run_at,
    created_at,
    updated_at
)
VALUES (
    :name,
    :cron,
    :time_zone,
    :enabled,
    :job_type,
    :payload::jsonb,
    :priority,
    :max_attempts,
    :time_limit_seconds,
    :unique_key,
    :unique_while_running,
    :user_id,
    :workspace_id,
    :next_run_at,
    statement_timestamp(),
    statement_timestamp()
)
ON CONFLICT (name) DO UPDATE
    SET
        cron = excluded.cron,
        time_zone = excluded.time_zone,
        enabled = excluded.enabled,
        job_type = excluded.job_type,
        payload = excluded.payload,
        priority = excluded.priority,
        max_attempts = excluded.max_attempts,
        time_limit_seconds = excluded.time_limit_seconds,
        unique_key = excluded.unique_key,
        unique_while_running = excluded.unique_while_running,
        user_id = excluded.user_id,
        workspace_id = excluded.workspace_id,
        next_run_at = CASE
            WHEN
                s.enabled
                AND excluded.enabled
                AND s.cron = excluded.cron
                AND s.time_zone = excluded.time_zone
                THEN s.next_run_at
            ELSE excluded.next_run_at
        END,
        updated_at = excluded.updated_at
RETURNING
    -- columns: StoredJobSchedule
    s.name,
    s.cron,
    s.time_zone,
    s.enabled,
    s.job_type,
    s.payload::text AS payload_text,
    s.priority,
    s.max_attempts,
    s.time_limit_seconds,
    s.unique_key,
    s.unique_while_running,
    s.user_id,
    s.workspace_id,
    s.next_run_at,
    s.last_run_at,
    s.created_at,
    s.updated_at;

-- name: list_schedules()
-- List the schedules by name.
-- plan: seq_scan allowed because an application has a few schedules
-- result: payload_text not null
SELECT
    -- columns: StoredJobSchedule
    s.name,
    s.cron,
    s.time_zone,
    s.enabled,
    s.job_type,
    s.payload::text AS payload_text,
    s.priority,
    s.max_attempts,
    s.time_limit_seconds,
    s.unique_key,
    s.unique_while_running,
    s.user_id,
    s.workspace_id,
    s.next_run_at,
    s.last_run_at,
    s.created_at,
    s.updated_at
FROM job_schedules AS s
ORDER BY s.name;

-- name: delete_schedule(name)!
-- Delete a schedule; the jobs that it has enqueued stay.
DELETE FROM job_schedules
WHERE name = :name;

-- name: list_due_schedules()
-- List the schedules whose run is due, with the clock of the database.
-- plan: seq_scan allowed because an application has a few schedules
-- result: clock timestamp not null
SELECT
    s.name,
    s.cron,
    s.time_zone,
    s.next_run_at,
    statement_timestamp() AS clock
FROM job_schedules AS s
WHERE s.enabled AND s.next_run_at <= statement_timestamp()
ORDER BY s.next_run_at, s.name;

-- name: find_next_schedule()$
-- Tell in how many seconds the next run of a schedule is due; NULL: there is none.
-- plan: seq_scan allowed because an application has a few schedules
SELECT
    extract(EPOCH FROM min(s.next_run_at) - statement_timestamp())::double precision
        AS due_in_seconds
FROM job_schedules AS s
WHERE s.enabled;

-- name: advance_schedule(name, run_at, next_run_at)^
-- Take the run of a schedule that is due, and return what to enqueue; nothing when another took it.
-- result: payload_text not null
UPDATE job_schedules AS s
SET
    last_run_at = :run_at,
    next_run_at = :next_run_at,
    updated_at = statement_timestamp()
WHERE s.name = :name AND s.next_run_at = :run_at AND s.enabled
RETURNING
    s.job_type,
    s.payload::text AS payload_text,
    s.priority,
    s.max_attempts,
    s.time_limit_seconds,
    s.unique_key,
    s.unique_while_running,
    s.user_id,
    s.workspace_id;

-- name: find_notify_queue_usage()$
-- Tell how full the server's queue of NOTIFY messages is, from 0 to 1; NULL where there is none.
SELECT pg_notification_queue_usage() AS usage;
