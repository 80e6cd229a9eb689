-- Queries of the job queue: enqueue, claim, finish, recover, look after.
--
-- Since SQLite 3.46 ANALYZE counts empty partial indexes too. A queue that was small when it was
-- analyzed stays small to the planner, which then looks at every job: the rows to change therefore
-- come from a list in FROM (not IN, materialized), and a plus before a column keeps indexes away.

-- name: enqueue_job(id, job_type, payload, priority, max_attempts, time_limit_seconds, scheduled_at, delay_seconds, unique_key, unique_while_running, user_id, workspace_id, trace_parent, notify)^
-- Store a job, unless another one keeps its unique key out; wake those who wait for jobs.
-- result: payload_text not null
INSERT INTO job_queue (
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
    :id,
    :job_type,
    :payload,
    :priority,
    :max_attempts,
    :time_limit_seconds,
    g.scheduled_at,
    CASE WHEN g.scheduled_at > g.timestamp THEN 'scheduled' ELSE 'pending' END AS status,
    :unique_key,
    :unique_while_running,
    :user_id,
    :workspace_id,
    :trace_parent,
    g.timestamp AS created_at,
    g.timestamp AS updated_at
FROM (
    SELECT
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS timestamp,
        coalesce(
            :scheduled_at,
            CASE
                WHEN :delay_seconds IS NOT NULL
                    THEN
                        strftime(
                            '%Y-%m-%dT%H:%M:%f000Z',
                            'now',
                            printf('%.3f seconds', :delay_seconds)
                        )
            END
        ) AS scheduled_at
) AS g
-- those who wait look for changes of the file, so there is nobody to tell
WHERE :notify IN (0, 1)
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
    id,
    number,
    job_type,
    payload AS payload_text,
    status,
    priority,
    attempts,
    max_attempts,
    claim_count,
    worker_id,
    unique_key,
    user_id,
    workspace_id,
    error,
    result AS result_text,
    scheduled_at,
    lease_expires_at,
    started_at,
    completed_at,
    created_at,
    updated_at,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    unique_while_running,
    cancel_requested_at,
    trace_parent;

-- name: enqueue_jobs(jobs, notify)!
-- Store many jobs, each a list of the values that enqueue_job takes; those that another job of their key keeps out are left out.
INSERT INTO job_queue (
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
    g.id,
    g.job_type,
    g.payload,
    g.priority,
    g.max_attempts,
    g.time_limit_seconds,
    g.scheduled_at,
    CASE WHEN g.scheduled_at > g.timestamp THEN 'scheduled' ELSE 'pending' END AS status,
    g.unique_key,
    g.unique_while_running,
    g.user_id,
    g.workspace_id,
    g.trace_parent,
    g.timestamp AS created_at,
    g.timestamp AS updated_at
FROM (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS job_type,
        o.value -> 2 AS payload,
        o.value ->> 3 AS priority,
        o.value ->> 4 AS max_attempts,
        coalesce(
            o.value ->> 5,
            CASE
                WHEN o.value ->> 6 IS NOT NULL
                    THEN
                        strftime(
                            '%Y-%m-%dT%H:%M:%f000Z',
                            'now',
                            printf('%.3f seconds', o.value ->> 6)
                        )
            END
        ) AS scheduled_at,
        o.value ->> 7 AS unique_key,
        o.value ->> 8 AS user_id,
        o.value ->> 9 AS workspace_id,
        o.value ->> 10 AS time_limit_seconds,
        o.value ->> 11 AS unique_while_running,
        o.value ->> 12 AS trace_parent,
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS timestamp
    FROM json_each(:jobs) AS o
    ORDER BY o.key
) AS g
-- those who wait look for changes of the file, so there is nobody to tell
WHERE :notify IN (0, 1)
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
INSERT INTO job_queue (
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
    g.id,
    g.job_type,
    g.payload,
    g.priority,
    g.max_attempts,
    g.time_limit_seconds,
    g.scheduled_at,
    CASE WHEN g.scheduled_at > g.timestamp THEN 'scheduled' ELSE 'pending' END AS status,
    g.unique_key,
    g.unique_while_running,
    g.user_id,
    g.workspace_id,
    g.trace_parent,
    g.timestamp AS created_at,
    g.timestamp AS updated_at
FROM (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS job_type,
        o.value -> 2 AS payload,
        o.value ->> 3 AS priority,
        o.value ->> 4 AS max_attempts,
        coalesce(
            o.value ->> 5,
            CASE
                WHEN o.value ->> 6 IS NOT NULL
                    THEN
                        strftime(
                            '%Y-%m-%dT%H:%M:%f000Z',
                            'now',
                            printf('%.3f seconds', o.value ->> 6)
                        )
            END
        ) AS scheduled_at,
        o.value ->> 7 AS unique_key,
        o.value ->> 8 AS user_id,
        o.value ->> 9 AS workspace_id,
        o.value ->> 10 AS time_limit_seconds,
        o.value ->> 11 AS unique_while_running,
        o.value ->> 12 AS trace_parent,
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS timestamp
    FROM json_each(:jobs) AS o
    ORDER BY o.key
) AS g
-- those who wait look for changes of the file, so there is nobody to tell
WHERE :notify IN (0, 1)
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
    id,
    number,
    job_type,
    payload AS payload_text,
    status,
    priority,
    attempts,
    max_attempts,
    claim_count,
    worker_id,
    unique_key,
    user_id,
    workspace_id,
    error,
    result AS result_text,
    scheduled_at,
    lease_expires_at,
    started_at,
    completed_at,
    created_at,
    updated_at,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    unique_while_running,
    cancel_requested_at,
    trace_parent;

-- name: enqueue_plain_jobs(jobs, job_types, notify)!
-- Store many jobs given as lists of id, type and payload; job_types are those whose workers are told.
INSERT INTO job_queue (
    id,
    job_type,
    payload,
    created_at,
    updated_at
)
SELECT
    g.id,
    g.job_type,
    g.payload,
    g.timestamp AS created_at,
    g.timestamp AS updated_at
FROM (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS job_type,
        o.value -> 2 AS payload,
        strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS timestamp
    FROM json_each(:jobs) AS o
    ORDER BY o.key
) AS g
-- those who wait look for changes of the file, so there is nobody to tell
WHERE :notify IN (0, 1) AND :job_types IS NOT NULL;

-- name: list_ids(ids)
-- List which of some jobs exist.
SELECT j.id
FROM job_queue AS j
WHERE j.id IN (SELECT value FROM json_each(:ids));

-- name: list_active_keys(unique_keys)
-- List the jobs that keep others of some unique keys out.
-- result: unique_key not null
SELECT
    j.unique_key,
    j.id
FROM job_queue AS j
WHERE
    j.unique_key IN (SELECT value FROM json_each(:unique_keys))
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
    j.payload AS payload_text,
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
    j.result AS result_text,
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
-- result: payload_text not null
-- meaning: lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- meaning: job_queue.lease_expires_at within 0.001 because the clock of SQLite has milliseconds
WITH RECURSIVE walk AS (
    -- each type that has pending jobs, by one look into the index for each
    SELECT
        (
            SELECT min(j.job_type)
            FROM job_queue AS j
            WHERE j.status = 'pending'
        ) AS job_type
    WHERE :job_types IS NULL
    UNION ALL
    SELECT
        (
            SELECT min(j.job_type)
            FROM job_queue AS j
            WHERE j.status = 'pending' AND j.job_type > w.job_type
        ) AS job_type
    FROM walk AS w
    WHERE w.job_type IS NOT NULL
),

wanted AS (
    SELECT w.job_type
    FROM walk AS w
    WHERE w.job_type IS NOT NULL
    UNION
    SELECT value AS job_type
    FROM json_each(coalesce(:job_types, '[]'))
),

usable AS (
    SELECT
        w.job_type,
        min(
            :row_limit,
            coalesce(
                CASE WHEN l.paused THEN 0 ELSE l.max_running - l.running END, :row_limit
            )
        ) AS most
    FROM wanted AS w
    LEFT JOIN job_queue_limits AS l ON w.job_type = l.job_type
),

ranked AS (
    SELECT
        j.number,
        j.priority,
        u.most,
        row_number() OVER (
            PARTITION BY j.job_type ORDER BY j.priority DESC, j.number ASC
        ) AS place
    FROM usable AS u
    -- The first jobs of each type, through a list: a subquery in FROM can't refer to the type, and
    -- of one behind IN the planner may make a look at every job.
    CROSS JOIN
        json_each(
            (
                SELECT json_group_array(f.number)
                FROM (
                    SELECT c.number
                    FROM job_queue AS c
                    WHERE c.status = 'pending' AND c.job_type = u.job_type
                    ORDER BY c.priority DESC, c.number ASC
                    LIMIT :row_limit
                ) AS f
            )
        ) AS e
    CROSS JOIN job_queue AS j
    WHERE u.most > 0 AND j.number = e.value
),

chosen AS MATERIALIZED (
    SELECT r.number
    FROM ranked AS r
    WHERE r.place <= r.most
    ORDER BY r.priority DESC, r.number ASC
    LIMIT :row_limit
)

UPDATE job_queue
SET
    status = 'processing',
    worker_id = :worker_id,
    attempts = attempts + 1,
    claim_count = claim_count + 1,
    started_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    lease_expires_at = strftime(
        '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds)
    )
FROM chosen AS d
WHERE
    job_queue.number = +d.number
    -- a file has one way to commit, the durable one
    AND :durable IN (0, 1)
RETURNING
    id,
    number,
    job_type,
    payload AS payload_text,
    priority,
    attempts,
    max_attempts,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    claim_count,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    error,
    result AS result_text,
    scheduled_at,
    lease_expires_at,
    created_at,
    updated_at,
    trace_parent;

-- name: claim_jobs_of_type(worker_id, job_type, row_limit, lease_seconds, durable)
-- Claim pending jobs of one type: by priority, then in the order of their enqueueing.
-- meaning: lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- meaning: job_queue.lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- result: payload_text not null
UPDATE job_queue
SET
    status = 'processing',
    worker_id = :worker_id,
    attempts = attempts + 1,
    claim_count = claim_count + 1,
    started_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    lease_expires_at = strftime(
        '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds)
    )
FROM (
    SELECT j.number
    FROM job_queue AS j
    WHERE j.status = 'pending' AND j.job_type = :job_type
    ORDER BY j.priority DESC, j.number ASC
    LIMIT min(
        :row_limit,
        coalesce(
            (
                SELECT CASE WHEN l.paused THEN 0 ELSE max(l.max_running - l.running, 0) END
                FROM job_queue_limits AS l
                WHERE l.job_type = :job_type
            ),
            :row_limit
        )
    )
) AS c
WHERE
    job_queue.number = +c.number
    -- a file has one way to commit, the durable one
    AND :durable IN (0, 1)
RETURNING
    id,
    number,
    job_type,
    payload AS payload_text,
    priority,
    attempts,
    max_attempts,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    claim_count,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    error,
    result AS result_text,
    scheduled_at,
    lease_expires_at,
    created_at,
    updated_at,
    trace_parent;

-- name: promote_jobs(row_limit)!
-- Make jobs pending whose time has come.
-- meaning: values of row_limit [0, 100] because of jobs due at one timestamp any may come first
UPDATE job_queue
SET
    status = 'pending',
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM (
    SELECT j.number
    FROM job_queue AS j
    WHERE
        j.status IN ('scheduled', 'retrying')
        AND j.scheduled_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ORDER BY j.scheduled_at
    LIMIT :row_limit
) AS d
WHERE job_queue.number = d.number;

-- name: look_for_jobs(job_types)^
-- Tell whether a job of these types can be claimed, whether a limit keeps one back, and when the next
-- waiting one of any type is due.
-- meaning: due_in_seconds within 1e-4 because julianday() counts days in a float
-- result: ready boolean, blocked boolean
WITH RECURSIVE walk AS (
    -- each type that has pending jobs, by one look into the index for each
    SELECT
        (
            SELECT min(j.job_type)
            FROM job_queue AS j
            WHERE j.status = 'pending'
        ) AS job_type
    WHERE :job_types IS NULL
    UNION ALL
    SELECT
        (
            SELECT min(j.job_type)
            FROM job_queue AS j
            WHERE j.status = 'pending' AND j.job_type > w.job_type
        ) AS job_type
    FROM walk AS w
    WHERE w.job_type IS NOT NULL
),

wanted AS (
    SELECT w.job_type
    FROM walk AS w
    WHERE w.job_type IS NOT NULL
    UNION
    SELECT value AS job_type
    FROM json_each(coalesce(:job_types, '[]'))
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
                FROM job_queue AS j
                WHERE j.status = 'pending' AND j.job_type = w.job_type
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
                FROM job_queue AS j
                WHERE j.status = 'pending' AND j.job_type = w.job_type
            )
    ) AS blocked,
    (
        SELECT (julianday(j.scheduled_at) - julianday('now')) * 86400.0
        FROM job_queue AS j
        WHERE j.status IN ('scheduled', 'retrying')
        ORDER BY j.scheduled_at
        LIMIT 1
    ) AS due_in_seconds;

-- name: complete_jobs(claims)
-- Finish claimed jobs as completed: each a list of id, worker, claim count and result.
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        o.value ->> 2 AS claim_count,
        nullif(o.value -> 3, 'null') AS result
    FROM json_each(:claims) AS o
)

UPDATE job_queue
SET
    status = 'completed',
    error = NULL,
    result = g.result,
    completed_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    lease_expires_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM given AS g
WHERE
    job_queue.id = g.id
    -- the plus keeps from walking all that runs
    AND +job_queue.status = 'processing'
    AND job_queue.worker_id = g.worker_id
    AND job_queue.claim_count = coalesce(g.claim_count, job_queue.claim_count)
RETURNING
    id,
    status;

-- name: complete_and_claim_jobs_of_type(claims, worker_id, job_type, row_limit, lease_seconds)
-- Finish claimed jobs as complete_jobs does, and claim pending ones of one type, in one commit.
-- Of those that have ended the id, number, type, status and times are given; the places they leave can be taken.
-- meaning: error because of a job that is named twice either result is taken, and one may be refused
-- meaning: lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- meaning: job_queue.lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- result: id not null, number not null, job_type not null, status not null, created_at not null, updated_at not null
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        o.value ->> 2 AS claim_count,
        nullif(o.value -> 3, 'null') AS result
    FROM json_each(:claims) AS o
),

ending AS MATERIALIZED (
    SELECT
        j.number,
        j.job_type,
        g.result
    FROM given AS g
    CROSS JOIN job_queue AS j
    WHERE
        j.id = g.id
        -- the plus keeps from walking all that runs
        AND +j.status = 'processing'
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
),

chosen AS MATERIALIZED (
    SELECT j.number
    FROM job_queue AS j
    WHERE j.status = 'pending' AND j.job_type = :job_type
    ORDER BY j.priority DESC, j.number ASC
    LIMIT min(
        :row_limit,
        coalesce(
            (
                SELECT
                    CASE
                        WHEN l.paused THEN 0
                        ELSE
                            max(
                                l.max_running
                                - max(
                                    l.running
                                    - (
                                        SELECT count(*)
                                        FROM ending AS e
                                        WHERE e.job_type = l.job_type
                                    ),
                                    0
                                ),
                                0
                            )
                    END
                FROM job_queue_limits AS l
                WHERE l.job_type = :job_type
            ),
            :row_limit
        )
    )
),

turn AS MATERIALIZED (
    SELECT
        e.number,
        TRUE AS ends,
        e.result
    FROM ending AS e
    UNION ALL
    SELECT
        d.number,
        FALSE AS ends,
        NULL AS result
    FROM chosen AS d
)

UPDATE job_queue
SET
    status = CASE WHEN t.ends THEN 'completed' ELSE 'processing' END,
    worker_id = CASE WHEN t.ends THEN job_queue.worker_id ELSE :worker_id END,
    attempts = attempts + NOT t.ends,
    claim_count = claim_count + NOT t.ends,
    error = CASE WHEN t.ends THEN NULL ELSE error END,
    result = CASE WHEN t.ends THEN t.result ELSE job_queue.result END,
    started_at = CASE
        WHEN t.ends THEN started_at ELSE strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    completed_at = CASE WHEN t.ends THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') END,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    lease_expires_at = CASE
        WHEN NOT t.ends
            THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds))
    END
FROM turn AS t
WHERE job_queue.number = +t.number
RETURNING
    id,
    number,
    job_type,
    status,
    CASE WHEN status = 'processing' THEN payload END AS payload_text,
    CASE WHEN status = 'processing' THEN priority END AS priority,
    CASE WHEN status = 'processing' THEN attempts END AS attempts,
    CASE WHEN status = 'processing' THEN max_attempts END AS max_attempts,
    -- SQLite 3.40 returns a whole number as an integer
    CASE WHEN status = 'processing' THEN cast(time_limit_seconds AS REAL) END AS time_limit_seconds,
    CASE WHEN status = 'processing' THEN claim_count END AS claim_count,
    CASE WHEN status = 'processing' THEN unique_key END AS unique_key,
    CASE WHEN status = 'processing' THEN unique_while_running END AS unique_while_running,
    CASE WHEN status = 'processing' THEN user_id END AS user_id,
    CASE WHEN status = 'processing' THEN workspace_id END AS workspace_id,
    CASE WHEN status = 'processing' THEN error END AS error,
    CASE WHEN status = 'processing' THEN result END AS result_text,
    CASE WHEN status = 'processing' THEN scheduled_at END AS scheduled_at,
    CASE WHEN status = 'processing' THEN lease_expires_at END AS lease_expires_at,
    created_at,
    updated_at,
    CASE WHEN status = 'processing' THEN trace_parent END AS trace_parent;

-- name: complete_and_claim_jobs(claims, worker_id, job_types, row_limit, lease_seconds)
-- Finish claimed jobs as complete_jobs does, and claim pending ones of some types, in one commit.
-- Of those that have ended the id, number, type, status and times are given; the places they leave can be taken.
-- meaning: error because of a job that is named twice either result is taken, and one may be refused
-- meaning: lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- meaning: job_queue.lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- result: id not null, number not null, job_type not null, status not null, created_at not null, updated_at not null
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        o.value ->> 2 AS claim_count,
        nullif(o.value -> 3, 'null') AS result
    FROM json_each(:claims) AS o
),

ending AS MATERIALIZED (
    SELECT
        j.number,
        j.job_type,
        g.result
    FROM given AS g
    CROSS JOIN job_queue AS j
    WHERE
        j.id = g.id
        -- the plus keeps from walking all that runs
        AND +j.status = 'processing'
        AND j.worker_id = g.worker_id
        AND j.claim_count = coalesce(g.claim_count, j.claim_count)
),

wanted AS (
    SELECT DISTINCT value AS job_type
    FROM json_each(:job_types)
),

usable AS (
    SELECT
        w.job_type,
        min(
            :row_limit,
            coalesce(
                CASE
                    WHEN l.paused THEN 0
                    ELSE
                        max(
                            l.max_running
                            - max(
                                l.running
                                - (
                                    SELECT count(*)
                                    FROM ending AS e
                                    WHERE e.job_type = l.job_type
                                ),
                                0
                            ),
                            0
                        )
                END,
                :row_limit
            )
        ) AS most
    FROM wanted AS w
    LEFT JOIN job_queue_limits AS l ON w.job_type = l.job_type
),

ranked AS (
    SELECT
        j.number,
        j.priority,
        u.most,
        row_number() OVER (
            PARTITION BY j.job_type ORDER BY j.priority DESC, j.number ASC
        ) AS place
    FROM usable AS u
    -- The first jobs of each type, through a list: a subquery in FROM can't refer to the type, and
    -- of one behind IN the planner may make a look at every job.
    CROSS JOIN
        json_each(
            (
                SELECT json_group_array(f.number)
                FROM (
                    SELECT c.number
                    FROM job_queue AS c
                    WHERE c.status = 'pending' AND c.job_type = u.job_type
                    ORDER BY c.priority DESC, c.number ASC
                    LIMIT :row_limit
                ) AS f
            )
        ) AS e
    CROSS JOIN job_queue AS j
    WHERE u.most > 0 AND j.number = e.value
),

chosen AS MATERIALIZED (
    SELECT r.number
    FROM ranked AS r
    WHERE r.place <= r.most
    ORDER BY r.priority DESC, r.number ASC
    LIMIT :row_limit
),

turn AS MATERIALIZED (
    SELECT
        e.number,
        TRUE AS ends,
        e.result
    FROM ending AS e
    UNION ALL
    SELECT
        d.number,
        FALSE AS ends,
        NULL AS result
    FROM chosen AS d
)

UPDATE job_queue
SET
    status = CASE WHEN t.ends THEN 'completed' ELSE 'processing' END,
    worker_id = CASE WHEN t.ends THEN job_queue.worker_id ELSE :worker_id END,
    attempts = attempts + NOT t.ends,
    claim_count = claim_count + NOT t.ends,
    error = CASE WHEN t.ends THEN NULL ELSE error END,
    result = CASE WHEN t.ends THEN t.result ELSE job_queue.result END,
    started_at = CASE
        WHEN t.ends THEN started_at ELSE strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    completed_at = CASE WHEN t.ends THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') END,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    lease_expires_at = CASE
        WHEN NOT t.ends
            THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds))
    END
FROM turn AS t
WHERE job_queue.number = +t.number
RETURNING
    id,
    number,
    job_type,
    status,
    CASE WHEN status = 'processing' THEN payload END AS payload_text,
    CASE WHEN status = 'processing' THEN priority END AS priority,
    CASE WHEN status = 'processing' THEN attempts END AS attempts,
    CASE WHEN status = 'processing' THEN max_attempts END AS max_attempts,
    -- SQLite 3.40 returns a whole number as an integer
    CASE WHEN status = 'processing' THEN cast(time_limit_seconds AS REAL) END AS time_limit_seconds,
    CASE WHEN status = 'processing' THEN claim_count END AS claim_count,
    CASE WHEN status = 'processing' THEN unique_key END AS unique_key,
    CASE WHEN status = 'processing' THEN unique_while_running END AS unique_while_running,
    CASE WHEN status = 'processing' THEN user_id END AS user_id,
    CASE WHEN status = 'processing' THEN workspace_id END AS workspace_id,
    CASE WHEN status = 'processing' THEN error END AS error,
    CASE WHEN status = 'processing' THEN result END AS result_text,
    CASE WHEN status = 'processing' THEN scheduled_at END AS scheduled_at,
    CASE WHEN status = 'processing' THEN lease_expires_at END AS lease_expires_at,
    created_at,
    updated_at,
    CASE WHEN status = 'processing' THEN trace_parent END AS trace_parent;

-- name: fail_jobs(outcomes, base_seconds, max_seconds, jitter)
-- Finish attempts that failed: each a list of id, worker, claim count, 'retry', 'postponed', 'failed' or 'cancelled', error, delay.
-- An attempt that is postponed does not count.
-- meaning: job_queue.scheduled_at within 0.001 because the clock of SQLite has milliseconds
WITH ended AS MATERIALIZED (
    SELECT
        j.number,
        o.value ->> 4 AS error,
        CASE
            WHEN (o.value ->> 3) = 'cancelled' THEN 'cancelled'
            WHEN (o.value ->> 3) = 'failed' THEN 'failed'
            WHEN j.cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN (o.value ->> 3) <> 'postponed' AND j.attempts >= j.max_attempts THEN 'failed'
            -- The other job of the same key does the work.
            WHEN k.id IS NOT NULL THEN 'cancelled'
            WHEN (o.value ->> 5) = 0 THEN 'pending'
            WHEN (o.value ->> 3) = 'postponed' THEN 'scheduled'
            ELSE 'retrying'
        END AS status,
        j.attempts
        - CASE WHEN (o.value ->> 3) = 'postponed' AND j.attempts > 0 THEN 1 ELSE 0 END AS attempts,
        coalesce(
            o.value ->> 5,
            min(:base_seconds * (1 << max(min(j.attempts - 1, 40), 0)), :max_seconds)
            * (1.0 + :jitter * (2.0 * (random() & 1048575) / 1048575.0 - 1.0))
        ) AS delay_seconds
    FROM json_each(:outcomes) AS o
    CROSS JOIN job_queue AS j ON (o.value ->> 0) = j.id
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
        -- the plus keeps from walking all that runs
        +j.status = 'processing'
        AND j.worker_id = o.value ->> 1
        AND j.claim_count = coalesce(o.value ->> 2, j.claim_count)
)

UPDATE job_queue
SET
    status = d.status,
    attempts = d.attempts,
    error = d.error,
    worker_id = CASE
        WHEN d.status IN ('pending', 'scheduled', 'retrying') THEN NULL ELSE job_queue.worker_id
    END,
    scheduled_at = CASE
        WHEN d.status IN ('scheduled', 'retrying')
            THEN
                strftime(
                    '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', d.delay_seconds)
                )
        ELSE job_queue.scheduled_at
    END,
    completed_at = CASE
        WHEN d.status NOT IN ('pending', 'scheduled', 'retrying')
            THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    lease_expires_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM ended AS d
WHERE job_queue.number = d.number
RETURNING
    id,
    status;

-- name: list_stored_outcomes(outcomes)
-- List which outcomes are stored already: each a list of id, worker, claim count, outcome, error, result.
SELECT
    j.id,
    j.status
FROM json_each(:outcomes) AS o
INNER JOIN job_queue AS j ON (o.value ->> 0) = j.id
WHERE
    j.lease_expires_at IS NULL
    AND j.claim_count = coalesce(o.value ->> 2, j.claim_count)
    -- A job that waits again names no worker: only the claim count proves who ended the attempt.
    AND (
        j.worker_id = o.value ->> 1
        OR (j.worker_id IS NULL AND (o.value ->> 2) IS NOT NULL)
    )
    AND (
        (
            (o.value ->> 3) = 'completed'
            AND j.status = 'completed'
            AND j.result IS nullif(o.value -> 5, 'null')
        )
        OR ((o.value ->> 3) <> 'completed' AND j.status <> 'completed' AND j.error = o.value ->> 4)
    );

-- name: extend_leases(claims, lease_seconds)
-- Give claims, each a list of id, worker and claim count, a new lease from now on.
-- result: lease_expires_at not null
-- meaning: lease_expires_at within 0.001 because the clock of SQLite has milliseconds
-- meaning: job_queue.lease_expires_at within 0.001 because the clock of SQLite has milliseconds
WITH given AS MATERIALIZED (
    SELECT
        o.value ->> 0 AS id,
        o.value ->> 1 AS worker_id,
        o.value ->> 2 AS claim_count
    FROM json_each(:claims) AS o
)

UPDATE job_queue
SET
    lease_expires_at = strftime(
        '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', :lease_seconds)
    ),
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM given AS g
WHERE
    job_queue.id = g.id
    -- the plus keeps from walking all that runs
    AND +job_queue.status = 'processing'
    AND job_queue.worker_id = g.worker_id
    AND job_queue.claim_count = coalesce(g.claim_count, job_queue.claim_count)
RETURNING
    id,
    lease_expires_at;

-- name: release_jobs(claims)
-- Give claimed jobs back that were not worked on: the attempt does not count.
WITH ended AS MATERIALIZED (
    SELECT
        j.number,
        -- The other job of the same key does the work.
        CASE
            WHEN k.id IS NULL AND j.cancel_requested_at IS NULL THEN 'pending' ELSE 'cancelled'
        END AS status
    FROM json_each(:claims) AS o
    CROSS JOIN job_queue AS j ON (o.value ->> 0) = j.id
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
        -- the plus keeps from walking all that runs
        +j.status = 'processing'
        AND j.worker_id = o.value ->> 1
        AND j.claim_count = coalesce(o.value ->> 2, j.claim_count)
)

UPDATE job_queue
SET
    status = d.status,
    attempts = max(job_queue.attempts - 1, 0),
    worker_id = NULL,
    completed_at = CASE
        WHEN d.status = 'cancelled' THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    lease_expires_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM ended AS d
WHERE job_queue.number = d.number
RETURNING
    id,
    status;

-- name: recover_jobs(job_types, grace_seconds, row_limit)
-- Take jobs away from workers whose lease ran out: pending again, or failed after the last attempt.
WITH lapsed AS MATERIALIZED (
    SELECT
        j.number,
        j.unique_key,
        j.cancel_requested_at IS NOT NULL AS is_cancelled,
        j.attempts >= j.max_attempts OR j.cancel_requested_at IS NOT NULL AS spent
    FROM job_queue AS j
    WHERE
        j.status = 'processing'
        AND j.lease_expires_at < strftime(
            '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:grace_seconds)
        )
        AND (:job_types IS NULL OR j.job_type IN (SELECT value FROM json_each(:job_types)))
    ORDER BY j.number
    LIMIT :row_limit
)

UPDATE job_queue
SET
    status = d.status,
    error
    = 'the lease of worker ' || job_queue.worker_id || ' ran out in attempt '
    || job_queue.attempts,
    worker_id = CASE WHEN d.status = 'pending' THEN NULL ELSE job_queue.worker_id END,
    completed_at = CASE
        WHEN d.status <> 'pending' THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    lease_expires_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM (
    SELECT
        l.number,
        CASE
            WHEN l.is_cancelled THEN 'cancelled'
            WHEN l.spent THEN 'failed'
            -- Of the jobs of one key one waits; the others are done by it.
            WHEN
                EXISTS (
                    SELECT 1
                    FROM job_queue AS k
                    WHERE
                        k.unique_key = l.unique_key
                        AND k.number <> l.number
                        AND k.number NOT IN (SELECT s.number FROM lapsed AS s)
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
                THEN 'cancelled'
            ELSE 'pending'
        END AS status
    FROM lapsed AS l
) AS d
WHERE job_queue.number = d.number
RETURNING
    id,
    status;

-- name: cancel_job(id, running)^
-- Cancel a job that waits; of one that is processed ask its worker to stop it, when running is true.
UPDATE job_queue
SET
    status = CASE WHEN status = 'processing' THEN status ELSE 'cancelled' END,
    completed_at = CASE
        WHEN status <> 'processing' THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    cancel_requested_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    id = :id
    AND (
        status IN ('pending', 'scheduled', 'retrying')
        OR (status = 'processing' AND :running)
    )
RETURNING status;

-- name: list_cancel_requests(ids)
-- List which of some claimed jobs are to be stopped.
SELECT
    j.id,
    j.claim_count
FROM job_queue AS j
WHERE
    j.id IN (SELECT value FROM json_each(:ids))
    AND j.cancel_requested_at IS NOT NULL;

-- name: retry_job(id, notify)^
-- Make a finished job pending again, from its first attempt on.
-- result: payload_text not null
UPDATE job_queue
SET
    status = 'pending',
    attempts = 0,
    worker_id = NULL,
    result = NULL,
    scheduled_at = NULL,
    completed_at = NULL,
    cancel_requested_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    id = :id
    -- those who wait look for changes of the file, so there is nobody to tell
    AND :notify IN (0, 1)
    AND status IN ('completed', 'failed', 'cancelled')
RETURNING
    -- columns: StoredJob
    id,
    number,
    job_type,
    payload AS payload_text,
    status,
    priority,
    attempts,
    max_attempts,
    claim_count,
    worker_id,
    unique_key,
    user_id,
    workspace_id,
    error,
    result AS result_text,
    scheduled_at,
    lease_expires_at,
    started_at,
    completed_at,
    created_at,
    updated_at,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    unique_while_running,
    cancel_requested_at,
    trace_parent;

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
    AND (:job_type IS NULL OR j.job_type = :job_type)
    AND j.completed_at >= :after_time
    AND (j.completed_at > :after_time OR j.number > :after_number)
ORDER BY j.completed_at, j.number
LIMIT :row_limit;

-- name: retry_jobs(ids, notify)
-- Make finished jobs pending again, from their first attempt on; leave out those whose key another keeps.
WITH chosen AS MATERIALIZED (
    SELECT
        j.number,
        j.unique_key
    FROM job_queue AS j
    WHERE
        j.id IN (SELECT value FROM json_each(:ids))
        -- those who wait look for changes of the file, so there is nobody to tell
        AND :notify IN (0, 1)
        AND j.status IN ('completed', 'failed', 'cancelled')
)

UPDATE job_queue
SET
    status = 'pending',
    attempts = 0,
    worker_id = NULL,
    result = NULL,
    scheduled_at = NULL,
    completed_at = NULL,
    cancel_requested_at = NULL,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    number IN (
        SELECT c.number
        FROM chosen AS c
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM job_queue AS k
                WHERE
                    k.unique_key = c.unique_key
                    AND k.unique_key IS NOT NULL
                    AND (
                        k.status IN ('pending', 'scheduled', 'retrying')
                        OR (k.status = 'processing' AND k.unique_while_running)
                    )
            )
            AND NOT EXISTS (
                SELECT 1
                FROM chosen AS o
                WHERE o.unique_key = c.unique_key AND o.number < c.number
            )
    )
RETURNING id;

-- name: update_job(id, priority, max_attempts, payload, scheduled_at, notify)^
-- Change what is not NULL of a job that waits.
-- result: payload_text not null
UPDATE job_queue
SET
    priority = coalesce(:priority, priority),
    max_attempts = coalesce(:max_attempts, max_attempts),
    payload = coalesce(:payload, payload),
    scheduled_at = coalesce(:scheduled_at, scheduled_at),
    status = CASE
        WHEN :scheduled_at IS NULL THEN status
        WHEN :scheduled_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') THEN 'scheduled'
        ELSE 'pending'
    END,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE
    id = :id
    -- those who wait look for changes of the file, so there is nobody to tell
    AND :notify IN (0, 1)
    AND status IN ('pending', 'scheduled', 'retrying')
RETURNING
    -- columns: StoredJob
    id,
    number,
    job_type,
    payload AS payload_text,
    status,
    priority,
    attempts,
    max_attempts,
    claim_count,
    worker_id,
    unique_key,
    user_id,
    workspace_id,
    error,
    result AS result_text,
    scheduled_at,
    lease_expires_at,
    started_at,
    completed_at,
    created_at,
    updated_at,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    unique_while_running,
    cancel_requested_at,
    trace_parent;

-- name: get_job(id)^
-- Return one job.
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    j.payload AS payload_text,
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
    j.result AS result_text,
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
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    CASE WHEN :documents THEN j.payload ELSE '' END AS payload_text,
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
    CASE WHEN :documents THEN j.result END AS result_text,
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
    (:job_type IS NULL OR j.job_type = :job_type)
    AND (:before_number IS NULL OR j.number < :before_number)
ORDER BY j.number DESC
LIMIT :row_limit;

-- name: list_jobs_of_status(status, job_type, before_number, row_limit, documents)
-- List jobs of one status, newest first: all of a rare one are looked at, of others the newest.
-- Without documents payload_text is empty, and neither they nor results are read.
-- plan: filtered_walk allowed because a group of the wrong status is left at once, and of a status with over a thousand jobs the newest are near
-- meaning: no answer depends on ORDER BY j.job_type ASC, j.priority DESC, j.number ASC because up to a thousand all are taken, and of more only the number counts
-- meaning: no answer depends on ORDER BY j.scheduled_at because up to a thousand all are taken, and of more only the number counts
-- meaning: no answer depends on ORDER BY j.completed_at because up to a thousand all are taken, and of more only the number counts
-- result: payload_text not null
WITH few AS MATERIALIZED (
    -- Each group in the order of its own index, which finds the first thousand without the others.
    SELECT f.number
    FROM (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.status = 'pending' AND :status = 'pending'
        ORDER BY j.job_type ASC, j.priority DESC, j.number ASC
        LIMIT 1001
    ) AS f
    UNION ALL
    SELECT f.number
    FROM (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.status IN ('scheduled', 'retrying') AND j.status = :status
        ORDER BY j.scheduled_at
        LIMIT 1001
    ) AS f
    UNION ALL
    SELECT f.number
    FROM (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.status = 'processing' AND :status = 'processing'
        ORDER BY j.job_type
        LIMIT 1001
    ) AS f
    UNION ALL
    SELECT f.number
    FROM (
        SELECT j.number
        FROM job_queue AS j
        WHERE j.completed_at IS NOT NULL AND j.status = :status
        ORDER BY j.completed_at
        LIMIT 1001
    ) AS f
),

chosen AS (
    SELECT f.number
    FROM few AS f
    WHERE (SELECT count(*) FROM few) <= 1000
    UNION ALL
    SELECT w.number
    FROM (
        SELECT j.number
        FROM job_queue AS j
        WHERE
            j.status = :status
            AND (:job_type IS NULL OR j.job_type = :job_type)
            AND (:before_number IS NULL OR j.number < :before_number)
        ORDER BY j.number DESC
        LIMIT CASE WHEN (SELECT count(*) FROM few) > 1000 THEN :row_limit ELSE 0 END
    ) AS w
)

SELECT
    -- columns: StoredJob
    j.id,
    j.number,
    j.job_type,
    CASE WHEN :documents THEN j.payload ELSE '' END AS payload_text,
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
    CASE WHEN :documents THEN j.result END AS result_text,
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
    j.number IN (SELECT c.number FROM chosen AS c)
    AND j.status = :status
    AND (:job_type IS NULL OR j.job_type = :job_type)
    AND (:before_number IS NULL OR j.number < :before_number)
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
-- meaning: oldest_seconds within 1e-4 because julianday() counts days in a float
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
    max((julianday('now') - julianday(min(u.ready_at))) * 86400.0, 0.0) AS oldest_seconds,
    count(*) FILTER (
        WHERE u.lease_expires_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    ) AS expired
FROM unfinished AS u
GROUP BY u.job_type, u.status
ORDER BY u.job_type, u.status;

-- name: purge_jobs(status, age_seconds, row_limit)!
-- Delete jobs that were finished so long ago.
-- meaning: values of row_limit [0, 100] because of jobs that ended at one timestamp any may go first
DELETE FROM job_queue
WHERE
    number IN (
        SELECT j.number
        FROM job_queue AS j
        WHERE
            j.status = :status
            AND j.completed_at < strftime(
                '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:age_seconds)
            )
        ORDER BY j.completed_at
        LIMIT :row_limit
    );

-- name: archive_jobs(status, age_seconds, row_limit)
-- Copy jobs that were finished so long ago into the history, and tell which.
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
    AND j.completed_at < strftime(
        '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:age_seconds)
    )
ORDER BY j.completed_at, j.number
LIMIT :row_limit
RETURNING number;

-- name: delete_archived_jobs(numbers)!
-- Delete jobs that were copied into the history in the same transaction.
DELETE FROM job_queue
WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: get_archived_job(id)^
-- Return one job of the history; of an id that was given again the one that ended last.
-- result: payload_text not null
SELECT
    -- columns: StoredJob
    h.id,
    h.number,
    h.job_type,
    h.payload AS payload_text,
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
    h.result AS result_text,
    h.scheduled_at,
    NULL AS lease_expires_at,
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
    CASE WHEN :documents THEN h.payload ELSE '' END AS payload_text,
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
    CASE WHEN :documents THEN h.result END AS result_text,
    h.scheduled_at,
    NULL AS lease_expires_at,
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
    (:status IS NULL OR h.status = :status)
    AND (:job_type IS NULL OR h.job_type = :job_type)
    AND h.completed_at <= :before_time
    AND (h.completed_at, h.id) < (:before_time, :before_id)
ORDER BY h.completed_at DESC, h.id DESC
LIMIT :row_limit;

-- name: purge_history(age_seconds, row_limit)!
-- Delete jobs of the history that were finished so long ago, the earliest first.
DELETE FROM job_history
WHERE
    (id, completed_at) IN (
        SELECT
            h.id,
            h.completed_at
        FROM job_history AS h
        WHERE
            h.completed_at < strftime(
                '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%.3f seconds', -:age_seconds)
            )
        ORDER BY h.completed_at, h.id
        LIMIT :row_limit
    );

-- name: lock_limits()#
-- Keep out whoever claims or finishes jobs until the transaction ends, so that the counters can be set.
SELECT 1;

-- name: set_limit(job_type, max_running)!
-- Limit how many jobs of a type are processed at once.
INSERT INTO job_queue_limits (job_type, max_running, running, updated_at)
SELECT
    :job_type,
    :max_running,
    count(*) AS running,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS updated_at
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
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE job_type = :job_type;

-- name: pause_type(job_type)!
-- Let no job of a type be claimed until it is resumed.
INSERT INTO job_queue_limits (job_type, max_running, running, paused, updated_at)
SELECT
    :job_type,
    2147483647 AS max_running,
    count(*) AS running,
    1 AS paused,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS updated_at
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
    paused = 0,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
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
UPDATE job_queue_limits
SET
    running = (
        SELECT count(*)
        FROM job_queue AS j
        WHERE j.status = 'processing' AND j.job_type = job_queue_limits.job_type
    );

-- name: set_schedule(name, cron, time_zone, enabled, job_type, payload, priority, max_attempts, time_limit_seconds, unique_key, unique_while_running, user_id, workspace_id, next_run_at)^
-- Store a schedule, or change it; its next run stays, unless the times of its runs change.
-- result: payload_text not null
INSERT INTO job_schedules (
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
    :payload,
    :priority,
    :max_attempts,
    :time_limit_seconds,
    :unique_key,
    :unique_while_running,
    :user_id,
    :workspace_id,
    :next_run_at,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
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
            job_schedules.enabled
            AND excluded.enabled
            AND job_schedules.cron = excluded.cron
            AND job_schedules.time_zone = excluded.time_zone
            THEN job_schedules.next_run_at
        ELSE excluded.next_run_at
    END,
    updated_at = excluded.updated_at
RETURNING
    -- columns: StoredJobSchedule
    name,
    cron,
    time_zone,
    enabled,
    job_type,
    payload AS payload_text,
    priority,
    max_attempts,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id,
    next_run_at,
    last_run_at,
    created_at,
    updated_at;

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
    s.payload AS payload_text,
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
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') AS clock
FROM job_schedules AS s
WHERE s.enabled AND s.next_run_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
ORDER BY s.next_run_at, s.name;

-- name: find_next_schedule()$
-- Tell in how many seconds the next run of a schedule is due; NULL: there is none.
-- meaning: rows within 1e-4 because julianday() counts days in a float
SELECT (julianday(min(s.next_run_at)) - julianday('now')) * 86400.0 AS due_in_seconds
FROM job_schedules AS s
WHERE s.enabled;

-- name: advance_schedule(name, run_at, next_run_at)^
-- Take the run of a schedule that is due, and return what to enqueue; nothing when another took it.
-- result: payload_text not null
UPDATE job_schedules
SET
    last_run_at = :run_at,
    next_run_at = :next_run_at,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE name = :name AND next_run_at = :run_at AND enabled
RETURNING
    job_type,
    payload AS payload_text,
    priority,
    max_attempts,
    -- SQLite 3.40 returns a whole number as an integer
    cast(time_limit_seconds AS REAL) AS time_limit_seconds,
    unique_key,
    unique_while_running,
    user_id,
    workspace_id;

-- name: find_notify_queue_usage()$
-- Tell how full the server's queue of NOTIFY messages is, from 0 to 1; NULL where there is none.
-- meaning: rows because SQLite has no such queue
SELECT cast(NULL AS REAL) AS usage;
