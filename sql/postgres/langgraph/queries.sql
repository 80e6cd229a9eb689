-- Queries of the LangGraph saver: checkpoints, channel values and pending writes of threads.

-- name: lock_threads(thread_ids)
-- Hold off who stores or removes rows of the threads, until the transaction ends.
-- result: locked boolean
-- locks: pg_advisory_xact_lock(hashtextextended('langgraph ' || l.thread_id, 0::bigint)) in order of thread_id
SELECT
    pg_advisory_xact_lock(
        hashtextextended('langgraph ' || l.thread_id, 0::bigint)
    ) IS NOT NULL AS locked
FROM (
    -- in one order, which those who store keep as well, so that nobody waits in a circle
    SELECT t.thread_id
    FROM pg_catalog.unnest(:thread_ids::text[]) AS t (thread_id)
    ORDER BY t.thread_id COLLATE "C"
    OFFSET 0
) AS l;

-- name: insert_values(thread_id, checkpoint_ns, channel, version, type, content)*!
-- Store values of channels that come from elsewhere; a version that is there stays as it is.
INSERT INTO langgraph_values (thread_id, checkpoint_ns, channel, version, type, content)
VALUES (:thread_id, :checkpoint_ns, :channel, :version, :type, :content)
ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING;

-- name: put_checkpoint(thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, run_id, channel_versions, metadata, type, content)*!
-- Store a checkpoint that has all its values in itself, or renew it. Holds off who removes rows of
-- the thread, until the transaction ends; others that store go on.
-- locks: pg_advisory_xact_lock_shared(hashtextextended('langgraph ' || :thread_id::text, 0::bigint))
-- meaning: values of channel_versions [{}, {"a": null}, {"a": "1", "b": null}] because versions are texts
INSERT INTO langgraph_checkpoints (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    parent_checkpoint_id,
    run_id,
    channel_versions,
    metadata,
    type,
    content
)
SELECT
    :thread_id::text,
    :checkpoint_ns::text,
    :checkpoint_id::text,
    :parent_checkpoint_id::text,
    :run_id::text,
    :channel_versions::jsonb,
    :metadata::jsonb,
    :type::text,
    :content::bytea
WHERE
    pg_advisory_xact_lock_shared(
        hashtextextended('langgraph ' || :thread_id::text, 0::bigint)
    ) IS NOT NULL
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id) DO UPDATE
    SET
        parent_checkpoint_id = excluded.parent_checkpoint_id,
        run_id = excluded.run_id,
        channel_versions = excluded.channel_versions,
        metadata = excluded.metadata,
        type = excluded.type,
        content = excluded.content,
        created_at = excluded.created_at;

-- name: put_with_values(thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, run_id, channel_versions, metadata, type, content, given, contents, kept)*!
-- Do what put_checkpoint does, if all values that kept names (version by channel) are stored; and
-- store values: given has the channel, version and type of each, and where in contents it is
-- (counted from 1). A version that is there already has the same value.
-- locks: pg_advisory_xact_lock_shared(hashtextextended('langgraph ' || :thread_id::text, 0::bigint))
-- locks: langgraph_values rows for key share in order of channel, version
-- meaning: values of channel_versions [{}, {"a": "2"}, {"a": "1", "b": "2"}] because versions are texts
-- meaning: values of kept [{}, {"a": "1"}, {"a": "2"}, {"b": "9"}] because versions are texts
-- meaning: values of given [[], [{"channel": "a", "version": "1", "type": "msgpack", "first": 1, "length": 1}], [{"channel": "b", "version": "2", "type": "null", "first": 1, "length": 0}]] because they are parts of contents
WITH locked AS MATERIALIZED (
    SELECT
        pg_advisory_xact_lock_shared(
            hashtextextended('langgraph ' || :thread_id::text, 0::bigint)
        ) IS NOT NULL AS is_held
),

found AS MATERIALIZED (
    SELECT v.channel
    FROM jsonb_each_text(:kept::jsonb) AS k (channel, version)
    CROSS JOIN
        LATERAL (
            -- Who removed some before the lock was free may be later than what this statement
            -- sees: only a row that is locked is sure to be there.
            SELECT p.channel
            FROM langgraph_values AS p
            WHERE
                p.thread_id = :thread_id::text
                AND p.checkpoint_ns = :checkpoint_ns::text
                AND p.channel = k.channel
                AND p.version = k.version
            ORDER BY p.channel, p.version
            FOR KEY SHARE
        ) AS v
    WHERE (SELECT l.is_held FROM locked AS l)
),

whole AS MATERIALIZED (
    SELECT
        (SELECT l.is_held FROM locked AS l)
        AND (SELECT count(*) FROM found)
        = (SELECT count(*) FROM jsonb_object_keys(:kept::jsonb)) AS is_whole
),

stored AS (
    INSERT INTO langgraph_values (thread_id, checkpoint_ns, channel, version, type, content)
    SELECT
        :thread_id::text,
        :checkpoint_ns::text,
        g.channel,
        g.version,
        g.type,
        substring(:contents::bytea FROM g.first FOR g.length)
    FROM
        jsonb_to_recordset(:given::jsonb)
            AS g (
                channel TEXT, version TEXT, type TEXT, first INTEGER, length INTEGER
            )
    WHERE (SELECT h.is_whole FROM whole AS h)
    ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING
)

INSERT INTO langgraph_checkpoints (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    parent_checkpoint_id,
    run_id,
    channel_versions,
    metadata,
    type,
    content
)
SELECT
    :thread_id::text,
    :checkpoint_ns::text,
    :checkpoint_id::text,
    :parent_checkpoint_id::text,
    :run_id::text,
    :channel_versions::jsonb,
    :metadata::jsonb,
    :type::text,
    :content::bytea
WHERE (SELECT h.is_whole FROM whole AS h)
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id) DO UPDATE
    SET
        parent_checkpoint_id = excluded.parent_checkpoint_id,
        run_id = excluded.run_id,
        channel_versions = excluded.channel_versions,
        metadata = excluded.metadata,
        type = excluded.type,
        content = excluded.content,
        created_at = excluded.created_at
RETURNING 1 AS stored;

-- name: upsert_writes(thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, given, contents, renew)*!
-- Store what a task wrote: given has the place (idx), channel and type of each, and where in contents
-- it is (counted from 1). What is in the same place stays, unless renew is true.
-- meaning: values of given [[{"idx": 0, "channel": "a", "type": "msgpack", "first": 1, "length": 1}], [{"idx": -1, "channel": "b", "type": "null", "first": 1, "length": 0}, {"idx": 1, "channel": "a", "type": "msgpack", "first": 1, "length": 1}]] because they are parts of contents
INSERT INTO langgraph_writes (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    task_id,
    idx,
    task_path,
    channel,
    type,
    content,
    created_at
)
SELECT
    :thread_id::text,
    :checkpoint_ns::text,
    :checkpoint_id::text,
    :task_id::text,
    g.idx,
    :task_path::text,
    g.channel,
    g.type,
    substring(:contents::bytea FROM g.first FOR g.length),
    now()
FROM
    jsonb_to_recordset(:given::jsonb)
        AS g (
            idx INTEGER, channel TEXT, type TEXT, first INTEGER, length INTEGER
        )
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO UPDATE
    SET
        task_path = excluded.task_path,
        channel = excluded.channel,
        type = excluded.type,
        content = excluded.content,
        created_at = excluded.created_at
    WHERE :renew::boolean;

-- name: get_checkpoint(thread_id, checkpoint_ns, checkpoint_id)
-- Return one checkpoint, or the latest when no id is given, with its values and writes.
-- result: kind not null, thread_id not null, checkpoint_ns not null
-- result: type not null, content not null
WITH found AS MATERIALIZED (
    SELECT
        c.thread_id,
        c.checkpoint_ns,
        c.checkpoint_id,
        c.parent_checkpoint_id,
        c.channel_versions,
        c.metadata,
        c.type,
        c.content
    FROM langgraph_checkpoints AS c
    WHERE
        c.thread_id = :thread_id
        AND c.checkpoint_ns = :checkpoint_ns
        AND c.checkpoint_id = coalesce(
            :checkpoint_id::text,
            (
                SELECT max(l.checkpoint_id)
                FROM langgraph_checkpoints AS l
                WHERE l.thread_id = :thread_id AND l.checkpoint_ns = :checkpoint_ns
            )
        )
),

needed AS (
    SELECT DISTINCT
        f.thread_id,
        f.checkpoint_ns,
        n.channel,
        n.version
    FROM found AS f
    CROSS JOIN jsonb_each_text(f.channel_versions) AS n (channel, version)
    WHERE n.version IS NOT NULL
)

SELECT
    'checkpoint' AS kind,
    f.thread_id,
    f.checkpoint_ns,
    f.checkpoint_id,
    f.parent_checkpoint_id,
    f.metadata,
    NULL::text AS channel,
    NULL::text AS version,
    NULL::text AS task_id,
    NULL::text AS task_path,
    NULL::integer AS idx,
    f.type,
    f.content
FROM found AS f
UNION ALL
SELECT
    'value',
    v.thread_id,
    v.checkpoint_ns,
    NULL::text,
    NULL::text,
    NULL::jsonb,
    v.channel,
    v.version,
    NULL::text,
    NULL::text,
    NULL::integer,
    v.type,
    v.content
FROM needed AS n
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the index, however many channels the planner expects
        SELECT
            p.thread_id,
            p.checkpoint_ns,
            p.channel,
            p.version,
            p.type,
            p.content
        FROM langgraph_values AS p
        WHERE
            p.thread_id = n.thread_id
            AND p.checkpoint_ns = n.checkpoint_ns
            AND p.channel = n.channel
            AND p.version = n.version
        OFFSET 0
    ) AS v
UNION ALL
SELECT
    'write',
    w.thread_id,
    w.checkpoint_ns,
    w.checkpoint_id,
    NULL::text,
    NULL::jsonb,
    w.channel,
    NULL::text,
    w.task_id,
    w.task_path,
    w.idx,
    w.type,
    w.content
FROM found AS f
INNER JOIN langgraph_writes AS w
    ON
        f.thread_id = w.thread_id
        AND f.checkpoint_ns = w.checkpoint_ns
        AND f.checkpoint_id = w.checkpoint_id;

-- name: read_checkpoints(keys)
-- Return several checkpoints with their values and writes; each value once.
-- result: kind not null, thread_id not null, checkpoint_ns not null
-- result: type not null, content not null
WITH keys AS (
    SELECT
        k.thread_id,
        k.checkpoint_ns,
        k.checkpoint_id
    FROM jsonb_to_recordset(:keys::jsonb) AS k (
        thread_id TEXT, checkpoint_ns TEXT, checkpoint_id TEXT
    )
),

found AS MATERIALIZED (
    SELECT
        c.thread_id,
        c.checkpoint_ns,
        c.checkpoint_id,
        c.parent_checkpoint_id,
        c.channel_versions,
        c.metadata,
        c.type,
        c.content
    FROM keys AS k
    INNER JOIN langgraph_checkpoints AS c
        ON
            k.thread_id = c.thread_id
            AND k.checkpoint_ns = c.checkpoint_ns
            AND k.checkpoint_id = c.checkpoint_id
),

needed AS (
    SELECT DISTINCT
        f.thread_id,
        f.checkpoint_ns,
        n.channel,
        n.version
    FROM found AS f
    CROSS JOIN jsonb_each_text(f.channel_versions) AS n (channel, version)
    WHERE n.version IS NOT NULL
)

SELECT
    'checkpoint' AS kind,
    f.thread_id,
    f.checkpoint_ns,
    f.checkpoint_id,
    f.parent_checkpoint_id,
    f.metadata,
    NULL::text AS channel,
    NULL::text AS version,
    NULL::text AS task_id,
    NULL::text AS task_path,
    NULL::integer AS idx,
    f.type,
    f.content
FROM found AS f
UNION ALL
SELECT
    'value',
    v.thread_id,
    v.checkpoint_ns,
    NULL::text,
    NULL::text,
    NULL::jsonb,
    v.channel,
    v.version,
    NULL::text,
    NULL::text,
    NULL::integer,
    v.type,
    v.content
FROM needed AS n
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the index, however many channels the planner expects
        SELECT
            p.thread_id,
            p.checkpoint_ns,
            p.channel,
            p.version,
            p.type,
            p.content
        FROM langgraph_values AS p
        WHERE
            p.thread_id = n.thread_id
            AND p.checkpoint_ns = n.checkpoint_ns
            AND p.channel = n.channel
            AND p.version = n.version
        OFFSET 0
    ) AS v
UNION ALL
SELECT
    'write',
    w.thread_id,
    w.checkpoint_ns,
    w.checkpoint_id,
    NULL::text,
    NULL::jsonb,
    w.channel,
    NULL::text,
    w.task_id,
    w.task_path,
    w.idx,
    w.type,
    w.content
FROM found AS f
INNER JOIN langgraph_writes AS w
    ON
        f.thread_id = w.thread_id
        AND f.checkpoint_ns = w.checkpoint_ns
        AND f.checkpoint_id = w.checkpoint_id;

-- name: list_namespace(thread_id, checkpoint_ns, only_id, before_id, wanted, row_limit)
-- Return the keys of the checkpoints of a namespace before an id, newest first. All keys of wanted have to be in the metadata with equal values.
SELECT
    c.thread_id,
    c.checkpoint_ns,
    c.checkpoint_id
FROM langgraph_checkpoints AS c
WHERE
    c.thread_id = :thread_id
    AND c.checkpoint_ns = :checkpoint_ns
    AND c.checkpoint_id < :before_id
    AND (:only_id::text IS NULL OR c.checkpoint_id = :only_id)
    AND (
        SELECT coalesce(bool_and(coalesce(c.metadata -> f.name, 'null'::jsonb) = f.value), TRUE)
        FROM jsonb_each(:wanted::jsonb) AS f (name, value)
    )
ORDER BY c.thread_id DESC, c.checkpoint_ns DESC, c.checkpoint_id DESC
LIMIT :row_limit;

-- name: list_thread(thread_id, only_id, after_id, after_ns, wanted, row_limit)
-- Return the keys of the checkpoints of a thread, newest first, behind the given one. All keys of
-- wanted have to be in the metadata with equal values.
SELECT
    c.thread_id,
    c.checkpoint_ns,
    c.checkpoint_id
FROM langgraph_checkpoints AS c
WHERE
    c.thread_id = :thread_id
    AND (c.checkpoint_id, c.checkpoint_ns) < (:after_id::text, :after_ns::text)
    AND (:only_id::text IS NULL OR c.checkpoint_id = :only_id)
    AND (
        SELECT coalesce(bool_and(coalesce(c.metadata -> f.name, 'null'::jsonb) = f.value), TRUE)
        FROM jsonb_each(:wanted::jsonb) AS f (name, value)
    )
ORDER BY c.checkpoint_id DESC, c.checkpoint_ns DESC
LIMIT :row_limit;

-- name: list_all(after_id, after_thread, after_ns, wanted, row_limit)
-- Return the keys of the checkpoints of all threads, newest first, behind the given one. All keys
-- of wanted have to be in the metadata with equal values.
-- plan: filtered_walk allowed because it looks through the threads for metadata, which have no index, as a caller asks for
SELECT
    c.thread_id,
    c.checkpoint_ns,
    c.checkpoint_id
FROM langgraph_checkpoints AS c
WHERE
    c.checkpoint_id <= :after_id::text
    AND (c.checkpoint_id, c.thread_id, c.checkpoint_ns)
    < (:after_id::text, :after_thread::text, :after_ns::text)
    AND (
        SELECT coalesce(bool_and(coalesce(c.metadata -> f.name, 'null'::jsonb) = f.value), TRUE)
        FROM jsonb_each(:wanted::jsonb) AS f (name, value)
    )
ORDER BY c.checkpoint_id DESC, c.thread_id DESC, c.checkpoint_ns DESC
LIMIT :row_limit;

-- name: list_ancestors(thread_id, checkpoint_ns, checkpoint_id, channels)
-- Return the ids of a checkpoint and of its ancestors, up to where each channel has a value.
WITH RECURSIVE chain AS (
    SELECT
        c.checkpoint_id,
        c.parent_checkpoint_id,
        NULL::jsonb AS channel_versions,
        ARRAY[]::text[] AS seeded
    FROM langgraph_checkpoints AS c
    WHERE
        c.thread_id = :thread_id
        AND c.checkpoint_ns = :checkpoint_ns
        AND c.checkpoint_id = coalesce(
            :checkpoint_id::text,
            (
                SELECT max(l.checkpoint_id)
                FROM langgraph_checkpoints AS l
                WHERE l.thread_id = :thread_id AND l.checkpoint_ns = :checkpoint_ns
            )
        )
    UNION
    SELECT
        p.checkpoint_id,
        p.parent_checkpoint_id,
        p.channel_versions,
        array(
            SELECT w.channel
            FROM pg_catalog.unnest(:channels::text[]) AS w (channel)
            WHERE
                w.channel = any(chain.seeded)
                -- a null says that the value is in the checkpoint itself
                OR p.channel_versions -> w.channel = 'null'::jsonb
                OR EXISTS (
                    SELECT 1
                    FROM langgraph_values AS v
                    WHERE
                        v.thread_id = p.thread_id
                        AND v.checkpoint_ns = p.checkpoint_ns
                        AND v.channel = w.channel
                        AND v.version = p.channel_versions ->> w.channel
                )
        )
    FROM chain
    INNER JOIN langgraph_checkpoints AS p
        ON
            p.thread_id = :thread_id
            AND p.checkpoint_ns = :checkpoint_ns
            AND chain.parent_checkpoint_id = p.checkpoint_id
    WHERE pg_catalog.cardinality(chain.seeded) < pg_catalog.cardinality(:channels::text[])
)

SELECT chain.checkpoint_id
FROM chain;

-- name: get_channel_history(thread_id, checkpoint_ns, checkpoint_id, channels)
-- Return a checkpoint and its ancestors, up to where each channel has a value, with the values and
-- the writes of the channels; 'within' is a checkpoint that has the value in itself. Of the
-- checkpoint that was asked for it has none of them.
-- result: kind not null, checkpoint_id not null
WITH RECURSIVE chain AS (
    SELECT
        c.checkpoint_id,
        c.parent_checkpoint_id,
        NULL::jsonb AS channel_versions,
        ARRAY[]::text[] AS seeded,
        ARRAY[]::text[] AS seeded_before
    FROM langgraph_checkpoints AS c
    WHERE
        c.thread_id = :thread_id
        AND c.checkpoint_ns = :checkpoint_ns
        AND c.checkpoint_id = coalesce(
            :checkpoint_id::text,
            (
                SELECT max(l.checkpoint_id)
                FROM langgraph_checkpoints AS l
                WHERE l.thread_id = :thread_id AND l.checkpoint_ns = :checkpoint_ns
            )
        )
    UNION
    SELECT
        p.checkpoint_id,
        p.parent_checkpoint_id,
        p.channel_versions,
        array(
            SELECT w.channel
            FROM pg_catalog.unnest(:channels::text[]) AS w (channel)
            WHERE
                w.channel = any(chain.seeded)
                -- a null says that the value is in the checkpoint itself
                OR p.channel_versions -> w.channel = 'null'::jsonb
                OR EXISTS (
                    SELECT 1
                    FROM langgraph_values AS v
                    WHERE
                        v.thread_id = p.thread_id
                        AND v.checkpoint_ns = p.checkpoint_ns
                        AND v.channel = w.channel
                        AND v.version = p.channel_versions ->> w.channel
                )
        ),
        chain.seeded
    FROM chain
    INNER JOIN langgraph_checkpoints AS p
        ON
            p.thread_id = :thread_id
            AND p.checkpoint_ns = :checkpoint_ns
            AND chain.parent_checkpoint_id = p.checkpoint_id
    WHERE pg_catalog.cardinality(chain.seeded) < pg_catalog.cardinality(:channels::text[])
)

SELECT
    'checkpoint' AS kind,
    chain.checkpoint_id,
    chain.parent_checkpoint_id,
    NULL::text AS channel,
    NULL::text AS task_id,
    NULL::text AS task_path,
    NULL::integer AS idx,
    NULL::text AS type,
    NULL::bytea AS content
FROM chain
UNION ALL
SELECT
    'value',
    chain.checkpoint_id,
    NULL::text,
    v.channel,
    NULL::text,
    NULL::text,
    NULL::integer,
    v.type,
    v.content
FROM chain
CROSS JOIN jsonb_each_text(chain.channel_versions) AS n (channel, version)
CROSS JOIN
    LATERAL (
        SELECT
            p.channel,
            p.type,
            p.content
        FROM langgraph_values AS p
        WHERE
            p.thread_id = :thread_id
            AND p.checkpoint_ns = :checkpoint_ns
            AND p.channel = n.channel
            AND p.version = n.version
        OFFSET 0
    ) AS v
WHERE n.channel = any(:channels::text[])
UNION ALL
SELECT
    'within',
    chain.checkpoint_id,
    NULL::text,
    l.channel,
    NULL::text,
    NULL::text,
    NULL::integer,
    c.type,
    c.content
FROM chain
INNER JOIN pg_catalog.unnest(:channels::text[]) AS l (channel)
    ON
        chain.channel_versions -> l.channel = 'null'::jsonb
        AND l.channel <> all(chain.seeded_before)
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the key, however many checkpoints the thread has
        SELECT
            p.type,
            p.content
        FROM langgraph_checkpoints AS p
        WHERE
            p.thread_id = :thread_id
            AND p.checkpoint_ns = :checkpoint_ns
            AND p.checkpoint_id = chain.checkpoint_id
        OFFSET 0
    ) AS c
UNION ALL
SELECT
    'write',
    chain.checkpoint_id,
    NULL::text,
    w.channel,
    w.task_id,
    w.task_path,
    w.idx,
    w.type,
    w.content
FROM chain
INNER JOIN langgraph_writes AS w
    ON
        w.thread_id = :thread_id
        AND w.checkpoint_ns = :checkpoint_ns
        AND chain.checkpoint_id = w.checkpoint_id
WHERE chain.channel_versions IS NOT NULL AND w.channel = any(:channels::text[]);

-- name: list_latest(thread_ids)
-- Return the latest checkpoint of each namespace of some threads.
SELECT
    c.thread_id,
    c.checkpoint_ns,
    c.checkpoint_id,
    c.channel_versions,
    c.metadata
FROM langgraph_checkpoints AS c
WHERE
    c.thread_id = any(:thread_ids::text[])
    AND NOT EXISTS (
        SELECT 1
        FROM langgraph_checkpoints AS n
        WHERE
            n.thread_id = c.thread_id
            AND n.checkpoint_ns = c.checkpoint_ns
            AND n.checkpoint_id > c.checkpoint_id
    );

-- name: delete_older_checkpoints(thread_id, checkpoint_ns, latest_id, kept_ids)*!
-- Delete the checkpoints before the latest of a namespace, except some.
DELETE FROM langgraph_checkpoints
WHERE
    thread_id = :thread_id
    AND checkpoint_ns = :checkpoint_ns
    AND checkpoint_id < :latest_id
    AND NOT (checkpoint_id = any(:kept_ids::text[]));

-- name: delete_older_writes(thread_id, checkpoint_ns, latest_id, kept_ids)*!
-- Delete the writes to checkpoints before the latest of a namespace, except some.
DELETE FROM langgraph_writes
WHERE
    thread_id = :thread_id
    AND checkpoint_ns = :checkpoint_ns
    AND checkpoint_id < :latest_id
    AND NOT (checkpoint_id = any(:kept_ids::text[]));

-- name: delete_unused_values(thread_ids)!
-- Delete the values of some threads that no checkpoint has any more.
DELETE FROM langgraph_values
WHERE
    thread_id = any(:thread_ids::text[])
    AND (thread_id, checkpoint_ns, channel, version) NOT IN (
        SELECT
            c.thread_id,
            c.checkpoint_ns,
            n.channel,
            n.version
        FROM langgraph_checkpoints AS c
        CROSS JOIN jsonb_each_text(c.channel_versions) AS n (channel, version)
        WHERE c.thread_id = any(:thread_ids::text[]) AND n.version IS NOT NULL
    );

-- name: list_threads_of_runs(run_ids)
-- Return the threads that have checkpoints of some runs.
SELECT DISTINCT c.thread_id
FROM langgraph_checkpoints AS c
WHERE c.run_id = any(:run_ids::text[])
ORDER BY c.thread_id;

-- name: delete_writes_of_runs(run_ids)!
-- Delete the writes to the checkpoints of some runs.
DELETE FROM langgraph_writes
WHERE
    (thread_id, checkpoint_ns, checkpoint_id) IN (
        SELECT
            c.thread_id,
            c.checkpoint_ns,
            c.checkpoint_id
        FROM langgraph_checkpoints AS c
        WHERE c.run_id = any(:run_ids::text[])
    );

-- name: delete_checkpoints_of_runs(run_ids)!
-- Delete the checkpoints of some runs.
DELETE FROM langgraph_checkpoints
WHERE run_id = any(:run_ids::text[]);

-- name: delete_checkpoints(thread_ids)!
-- Delete all checkpoints of some threads.
DELETE FROM langgraph_checkpoints
WHERE thread_id = any(:thread_ids::text[]);

-- name: delete_writes(thread_ids)!
-- Delete all writes of some threads.
DELETE FROM langgraph_writes
WHERE thread_id = any(:thread_ids::text[]);

-- name: delete_values(thread_ids)!
-- Delete all channel values of some threads.
DELETE FROM langgraph_values
WHERE thread_id = any(:thread_ids::text[]);

-- name: find_expired_threads(after_time, after_thread, age_seconds, looked_at, known)
-- Look at some checkpoints that are so old, the oldest first and behind the given one, and tell of
-- each of their threads, but for those that are known, whether it was not written to since.
-- plan: filtered_walk allowed because only those of the very same moment are passed over
-- result: thread_id not null, created_at not null, is_expired not null
WITH bound AS (
    SELECT
        statement_timestamp()
        - make_interval(secs => :age_seconds::double precision) AS cutoff
),

looked AS (
    SELECT
        c.created_at,
        c.thread_id
    FROM langgraph_checkpoints AS c
    WHERE
        c.created_at < (SELECT b.cutoff FROM bound AS b)
        AND c.created_at >= :after_time::timestamptz
        AND (c.created_at, c.thread_id) > (:after_time::timestamptz, :after_thread::text)
    ORDER BY c.created_at, c.thread_id
    LIMIT :looked_at
),

threads AS (
    SELECT
        l.thread_id,
        max(l.created_at) AS created_at
    FROM looked AS l
    GROUP BY l.thread_id
)

SELECT
    t.thread_id,
    t.created_at,
    -- The latest checkpoint is the cheapest to look at, and tells of nearly all that are in use.
    CASE
        WHEN t.thread_id = any(:known::text[]) THEN FALSE
        WHEN
            (
                SELECT r.created_at
                FROM langgraph_checkpoints AS r
                WHERE r.thread_id = t.thread_id AND r.checkpoint_ns = ''
                ORDER BY r.checkpoint_id DESC
                LIMIT 1
            ) >= b.cutoff
            THEN FALSE
        WHEN
            (
                SELECT bool_or(n.created_at >= b.cutoff)
                FROM langgraph_checkpoints AS n
                WHERE n.thread_id = t.thread_id
            )
            THEN FALSE
        ELSE
            coalesce(
                (
                    SELECT NOT bool_or(w.created_at >= b.cutoff)
                    FROM langgraph_writes AS w
                    WHERE w.thread_id = t.thread_id
                ),
                TRUE
            )
    END AS is_expired
FROM threads AS t
CROSS JOIN bound AS b
ORDER BY t.created_at, t.thread_id;

-- name: list_expired(thread_ids, age_seconds)
-- Return those of some threads that have checkpoints and were not written to for so long.
-- result: thread_id not null
WITH bound AS (
    SELECT
        statement_timestamp()
        - make_interval(secs => :age_seconds::double precision) AS cutoff
)

SELECT t.thread_id
FROM pg_catalog.unnest(:thread_ids::text[]) AS t (thread_id)
CROSS JOIN bound AS b
WHERE
    (
        SELECT bool_and(c.created_at < b.cutoff)
        FROM langgraph_checkpoints AS c
        WHERE c.thread_id = t.thread_id
    )
    AND coalesce(
        (
            SELECT NOT bool_or(w.created_at >= b.cutoff)
            FROM langgraph_writes AS w
            WHERE w.thread_id = t.thread_id
        ),
        TRUE
    );

-- name: delete_expired_writes(thread_ids, age_seconds)!
-- Delete the writes of some threads; one that came meanwhile stays.
DELETE FROM langgraph_writes
WHERE
    thread_id = any(:thread_ids::text[])
    AND coalesce(
        created_at
        < statement_timestamp() - make_interval(secs => :age_seconds::double precision),
        TRUE
    );

-- name: has_rows(thread_id)$
-- Tell whether a thread has checkpoints or writes.
-- result: has_rows boolean not null
SELECT
    EXISTS (SELECT 1 FROM langgraph_checkpoints AS c WHERE c.thread_id = :thread_id)
    OR EXISTS (SELECT 1 FROM langgraph_writes AS w WHERE w.thread_id = :thread_id) AS has_rows;

-- name: copy_checkpoints(source_id, target_id)!
-- Copy the checkpoints of a thread to another.
INSERT INTO langgraph_checkpoints (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    parent_checkpoint_id,
    run_id,
    channel_versions,
    metadata,
    type,
    content,
    created_at
)
SELECT
    :target_id::text,
    c.checkpoint_ns,
    c.checkpoint_id,
    c.parent_checkpoint_id,
    c.run_id,
    c.channel_versions,
    c.metadata,
    c.type,
    c.content,
    c.created_at
FROM langgraph_checkpoints AS c
WHERE c.thread_id = :source_id;

-- name: copy_values(source_id, target_id)!
-- Copy the channel values of a thread to another.
INSERT INTO langgraph_values (thread_id, checkpoint_ns, channel, version, type, content)
SELECT
    :target_id::text,
    v.checkpoint_ns,
    v.channel,
    v.version,
    v.type,
    v.content
FROM langgraph_values AS v
WHERE v.thread_id = :source_id;

-- name: copy_writes(source_id, target_id)!
-- Copy the writes of a thread to another.
INSERT INTO langgraph_writes (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    task_id,
    idx,
    task_path,
    channel,
    type,
    content,
    created_at
)
SELECT
    :target_id::text,
    w.checkpoint_ns,
    w.checkpoint_id,
    w.task_id,
    w.idx,
    w.task_path,
    w.channel,
    w.type,
    w.content,
    w.created_at
FROM langgraph_writes AS w
WHERE w.thread_id = :source_id;

-- name: stored_checkpoints(thread_id, keys)
-- Return those of some checkpoints of a thread that are stored.
SELECT
    c.checkpoint_ns,
    c.checkpoint_id,
    c.parent_checkpoint_id,
    c.run_id,
    c.channel_versions,
    c.metadata,
    c.type,
    c.content
FROM
    jsonb_to_recordset(:keys::jsonb)
        AS k (
            checkpoint_ns TEXT,
            checkpoint_id TEXT
        )
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the index, however many rows the thread has
        SELECT
            p.checkpoint_ns,
            p.checkpoint_id,
            p.parent_checkpoint_id,
            p.run_id,
            p.channel_versions,
            p.metadata,
            p.type,
            p.content
        FROM langgraph_checkpoints AS p
        WHERE
            p.thread_id = :thread_id
            AND p.checkpoint_ns = k.checkpoint_ns
            AND p.checkpoint_id = k.checkpoint_id
        OFFSET 0
    ) AS c;

-- name: stored_values(thread_id, keys)
-- Return those of some channel values of a thread that are stored.
SELECT
    v.checkpoint_ns,
    v.channel,
    v.version,
    v.type,
    v.content
FROM
    jsonb_to_recordset(:keys::jsonb)
        AS k (
            checkpoint_ns TEXT,
            channel TEXT,
            version TEXT
        )
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the index, however many rows the thread has
        SELECT
            p.checkpoint_ns,
            p.channel,
            p.version,
            p.type,
            p.content
        FROM langgraph_values AS p
        WHERE
            p.thread_id = :thread_id
            AND p.checkpoint_ns = k.checkpoint_ns
            AND p.channel = k.channel
            AND p.version = k.version
        OFFSET 0
    ) AS v;

-- name: stored_writes(thread_id, keys)
-- Return those of some writes of a thread that are stored.
SELECT
    w.checkpoint_ns,
    w.checkpoint_id,
    w.task_id,
    w.idx,
    w.task_path,
    w.channel,
    w.type,
    w.content
FROM
    jsonb_to_recordset(:keys::jsonb)
        AS k (
            checkpoint_ns TEXT,
            checkpoint_id TEXT,
            task_id TEXT,
            idx INTEGER
        )
CROSS JOIN
    LATERAL (
        -- OFFSET 0: row by row through the index, however many rows the thread has
        SELECT
            p.checkpoint_ns,
            p.checkpoint_id,
            p.task_id,
            p.idx,
            p.task_path,
            p.channel,
            p.type,
            p.content
        FROM langgraph_writes AS p
        WHERE
            p.thread_id = :thread_id
            AND p.checkpoint_ns = k.checkpoint_ns
            AND p.checkpoint_id = k.checkpoint_id
            AND p.task_id = k.task_id
            AND p.idx = k.idx
        OFFSET 0
    ) AS w;

-- name: import_checkpoints(thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, run_id, channel_versions, metadata, type, content, created_at)*!
-- Store checkpoints that come from elsewhere; one that is there stays as it is.
INSERT INTO langgraph_checkpoints (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    parent_checkpoint_id,
    run_id,
    channel_versions,
    metadata,
    type,
    content,
    created_at
)
VALUES (
    :thread_id,
    :checkpoint_ns,
    :checkpoint_id,
    :parent_checkpoint_id,
    :run_id,
    :channel_versions::jsonb,
    :metadata::jsonb,
    :type,
    :content,
    :created_at
)
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id) DO NOTHING;

-- name: import_writes(thread_id, checkpoint_ns, checkpoint_id, task_id, idx, task_path, channel, type, content, created_at)*!
-- Store writes that come from elsewhere; one that is there stays as it is.
INSERT INTO langgraph_writes (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    task_id,
    idx,
    task_path,
    channel,
    type,
    content,
    created_at
)
VALUES (
    :thread_id,
    :checkpoint_ns,
    :checkpoint_id,
    :task_id,
    :idx,
    :task_path,
    :channel,
    :type,
    :content,
    :created_at
)
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO NOTHING;
