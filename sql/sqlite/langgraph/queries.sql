-- Queries of the LangGraph saver: checkpoints, channel values and pending writes of threads.

-- name: lock_threads(thread_ids)
-- Hold off who stores or removes rows of the threads, until the transaction ends.
-- result: locked boolean
-- meaning: rows because the one writer holds off all others
SELECT :thread_ids IS NOT NULL AS locked;

-- name: insert_values(thread_id, checkpoint_ns, channel, version, type, content)*!
-- Store values of channels that come from elsewhere; a version that is there stays as it is.
INSERT INTO langgraph_values (thread_id, checkpoint_ns, channel, version, type, content)
VALUES (:thread_id, :checkpoint_ns, :channel, :version, :type, :content)
ON CONFLICT (thread_id, checkpoint_ns, channel, version) DO NOTHING;

-- name: put_checkpoint(thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, run_id, channel_versions, metadata, type, content)*!
-- Store a checkpoint that has all its values in itself, or renew it. Holds off who removes rows of
-- the thread, until the transaction ends; others that store go on.
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
VALUES (
    :thread_id,
    :checkpoint_ns,
    :checkpoint_id,
    :parent_checkpoint_id,
    :run_id,
    :channel_versions,
    :metadata,
    :type,
    :content
)
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
-- The trigger of the view does it.
INSERT INTO langgraph_puts (
    thread_id,
    checkpoint_ns,
    checkpoint_id,
    parent_checkpoint_id,
    run_id,
    channel_versions,
    metadata,
    type,
    content,
    given,
    contents,
    kept
)
VALUES (
    :thread_id,
    :checkpoint_ns,
    :checkpoint_id,
    :parent_checkpoint_id,
    :run_id,
    :channel_versions,
    :metadata,
    :type,
    :content,
    :given,
    :contents,
    :kept
)
RETURNING 1 AS stored;

-- name: upsert_writes(thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, given, contents, renew)*!
-- Store what a task wrote: given has the place (idx), channel and type of each, and where in contents
-- it is (counted from 1). What is in the same place stays, unless renew is true.
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
    :thread_id,
    :checkpoint_ns,
    :checkpoint_id,
    :task_id,
    g.value ->> 'idx',
    :task_path,
    g.value ->> 'channel',
    g.value ->> 'type',
    -- of no bytes it would give NULL
    coalesce(substr(:contents, g.value ->> 'first', g.value ->> 'length'), x''),
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
FROM json_each(:given) AS g
WHERE TRUE
ON CONFLICT (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) DO UPDATE
SET
    task_path = excluded.task_path,
    channel = excluded.channel,
    type = excluded.type,
    content = excluded.content,
    created_at = excluded.created_at
WHERE :renew;

-- name: get_checkpoint(thread_id, checkpoint_ns, checkpoint_id)
-- Return one checkpoint, or the latest when no id is given, with its values and writes.
-- result: kind not null, thread_id not null, checkpoint_ns not null
-- result: type not null, content not null
WITH found AS (
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
            :checkpoint_id,
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
        n.key AS channel,
        n.value AS version
    FROM found AS f
    CROSS JOIN json_each(f.channel_versions) AS n
    WHERE n.value IS NOT NULL
)

SELECT
    'checkpoint' AS kind,
    f.thread_id,
    f.checkpoint_ns,
    f.checkpoint_id,
    f.parent_checkpoint_id,
    f.metadata,
    NULL AS channel,
    NULL AS version,
    NULL AS task_id,
    NULL AS task_path,
    NULL AS idx,
    f.type,
    f.content
FROM found AS f
UNION ALL
SELECT
    'value',
    v.thread_id,
    v.checkpoint_ns,
    NULL,
    NULL,
    NULL,
    v.channel,
    v.version,
    NULL,
    NULL,
    NULL,
    v.type,
    v.content
FROM needed AS n
INNER JOIN langgraph_values AS v
    ON
        n.thread_id = v.thread_id
        AND n.checkpoint_ns = v.checkpoint_ns
        AND n.channel = v.channel
        AND n.version = v.version
UNION ALL
SELECT
    'write',
    w.thread_id,
    w.checkpoint_ns,
    w.checkpoint_id,
    NULL,
    NULL,
    w.channel,
    NULL,
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
        k.value ->> 'thread_id' AS thread_id,
        k.value ->> 'checkpoint_ns' AS checkpoint_ns,
        k.value ->> 'checkpoint_id' AS checkpoint_id
    FROM json_each(:keys) AS k
),

found AS (
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
        n.key AS channel,
        n.value AS version
    FROM found AS f
    CROSS JOIN json_each(f.channel_versions) AS n
    WHERE n.value IS NOT NULL
)

SELECT
    'checkpoint' AS kind,
    f.thread_id,
    f.checkpoint_ns,
    f.checkpoint_id,
    f.parent_checkpoint_id,
    f.metadata,
    NULL AS channel,
    NULL AS version,
    NULL AS task_id,
    NULL AS task_path,
    NULL AS idx,
    f.type,
    f.content
FROM found AS f
UNION ALL
SELECT
    'value',
    v.thread_id,
    v.checkpoint_ns,
    NULL,
    NULL,
    NULL,
    v.channel,
    v.version,
    NULL,
    NULL,
    NULL,
    v.type,
    v.content
FROM needed AS n
INNER JOIN langgraph_values AS v
    ON
        n.thread_id = v.thread_id
        AND n.checkpoint_ns = v.checkpoint_ns
        AND n.channel = v.channel
        AND n.version = v.version
UNION ALL
SELECT
    'write',
    w.thread_id,
    w.checkpoint_ns,
    w.checkpoint_id,
    NULL,
    NULL,
    w.channel,
    NULL,
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
    AND (:only_id IS NULL OR c.checkpoint_id = :only_id)
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:wanted) AS f
        LEFT JOIN json_each(c.metadata) AS m ON f.key = m.key
        WHERE
            m.value IS NOT f.value
            OR replace(coalesce(m.type, 'null'), 'real', 'integer')
            <> replace(f.type, 'real', 'integer')
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
    AND (c.checkpoint_id, c.checkpoint_ns) < (:after_id, :after_ns)
    AND (:only_id IS NULL OR c.checkpoint_id = :only_id)
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:wanted) AS f
        LEFT JOIN json_each(c.metadata) AS m ON f.key = m.key
        WHERE
            m.value IS NOT f.value
            OR replace(coalesce(m.type, 'null'), 'real', 'integer')
            <> replace(f.type, 'real', 'integer')
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
    -- Newer versions would else walk the primary key, thread by thread, and sort all they find.
    unlikely(c.checkpoint_id <= :after_id)
    AND (c.checkpoint_id, c.thread_id, c.checkpoint_ns)
    < (:after_id, :after_thread, :after_ns)
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:wanted) AS f
        LEFT JOIN json_each(c.metadata) AS m ON f.key = m.key
        WHERE
            m.value IS NOT f.value
            OR replace(coalesce(m.type, 'null'), 'real', 'integer')
            <> replace(f.type, 'real', 'integer')
    )
ORDER BY c.checkpoint_id DESC, c.thread_id DESC, c.checkpoint_ns DESC
LIMIT :row_limit;

-- name: list_ancestors(thread_id, checkpoint_ns, checkpoint_id, channels)
-- Return the ids of a checkpoint and of its ancestors, up to where each channel has a value.
WITH RECURSIVE chain AS (
    SELECT
        c.checkpoint_id,
        c.parent_checkpoint_id,
        NULL AS channel_versions,
        '[]' AS seeded
    FROM langgraph_checkpoints AS c
    WHERE
        c.thread_id = :thread_id
        AND c.checkpoint_ns = :checkpoint_ns
        AND c.checkpoint_id = coalesce(
            :checkpoint_id,
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
        (
            SELECT json_group_array(w.value)
            FROM json_each(:channels) AS w
            WHERE
                w.value IN (SELECT s.value FROM json_each(chain.seeded) AS s)
                -- a null says that the value is in the checkpoint itself
                OR w.value IN (
                    SELECT n.key
                    FROM json_each(p.channel_versions) AS n
                    WHERE n.type = 'null'
                )
                OR EXISTS (
                    SELECT 1
                    FROM langgraph_values AS v
                    INNER JOIN json_each(p.channel_versions) AS n
                        ON v.channel = n.key AND v.version = n.value
                    WHERE
                        v.thread_id = p.thread_id
                        AND v.checkpoint_ns = p.checkpoint_ns
                        AND v.channel = w.value
                )
        )
    FROM chain
    INNER JOIN langgraph_checkpoints AS p
        ON
            p.thread_id = :thread_id
            AND p.checkpoint_ns = :checkpoint_ns
            AND chain.parent_checkpoint_id = p.checkpoint_id
    WHERE
        -- Of few rows: no filter of the whole index is made for them.
        likelihood(
            json_array_length(chain.seeded) < json_array_length(:channels), 0.000001
        )
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
        NULL AS channel_versions,
        '[]' AS seeded,
        '[]' AS seeded_before
    FROM langgraph_checkpoints AS c
    WHERE
        c.thread_id = :thread_id
        AND c.checkpoint_ns = :checkpoint_ns
        AND c.checkpoint_id = coalesce(
            :checkpoint_id,
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
        (
            SELECT json_group_array(w.value)
            FROM json_each(:channels) AS w
            WHERE
                w.value IN (SELECT s.value FROM json_each(chain.seeded) AS s)
                -- a null says that the value is in the checkpoint itself
                OR w.value IN (
                    SELECT n.key
                    FROM json_each(p.channel_versions) AS n
                    WHERE n.type = 'null'
                )
                OR EXISTS (
                    SELECT 1
                    FROM langgraph_values AS v
                    INNER JOIN json_each(p.channel_versions) AS n
                        ON v.channel = n.key AND v.version = n.value
                    WHERE
                        v.thread_id = p.thread_id
                        AND v.checkpoint_ns = p.checkpoint_ns
                        AND v.channel = w.value
                )
        ),
        chain.seeded
    FROM chain
    INNER JOIN langgraph_checkpoints AS p
        ON
            p.thread_id = :thread_id
            AND p.checkpoint_ns = :checkpoint_ns
            AND chain.parent_checkpoint_id = p.checkpoint_id
    WHERE
        json_array_length(chain.seeded) < json_array_length(:channels)
        -- Of few rows: no filter of the whole index is made for them.
        AND likelihood(chain.checkpoint_id <> '', 0.000001)
)

SELECT
    'checkpoint' AS kind,
    chain.checkpoint_id,
    chain.parent_checkpoint_id,
    NULL AS channel,
    NULL AS task_id,
    NULL AS task_path,
    NULL AS idx,
    NULL AS type,
    NULL AS content
FROM chain
UNION ALL
SELECT
    'value',
    chain.checkpoint_id,
    NULL,
    v.channel,
    NULL,
    NULL,
    NULL,
    v.type,
    v.content
FROM chain
CROSS JOIN json_each(chain.channel_versions) AS n
INNER JOIN langgraph_values AS v
    ON
        v.thread_id = :thread_id
        AND v.checkpoint_ns = :checkpoint_ns
        AND n.key = v.channel
        AND n.value = v.version
WHERE
    n.key IN (SELECT l.value FROM json_each(:channels) AS l)
    AND likelihood(chain.checkpoint_id <> '', 0.000001)
UNION ALL
SELECT
    'within',
    chain.checkpoint_id,
    NULL,
    l.value,
    NULL,
    NULL,
    NULL,
    c.type,
    c.content
FROM chain
CROSS JOIN json_each(:channels) AS l
INNER JOIN langgraph_checkpoints AS c
    ON
        c.thread_id = :thread_id
        AND c.checkpoint_ns = :checkpoint_ns
        AND chain.checkpoint_id = c.checkpoint_id
WHERE
    l.value IN (
        SELECT n.key
        FROM json_each(chain.channel_versions) AS n
        WHERE n.type = 'null'
    )
    AND NOT (l.value IN (SELECT s.value FROM json_each(chain.seeded_before) AS s))
    AND likelihood(chain.checkpoint_id <> '', 0.000001)
UNION ALL
SELECT
    'write',
    chain.checkpoint_id,
    NULL,
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
WHERE
    likelihood(chain.channel_versions IS NOT NULL, 0.000001)
    AND w.channel IN (SELECT l.value FROM json_each(:channels) AS l);

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
    c.thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l)
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
    AND NOT (checkpoint_id IN (SELECT l.value FROM json_each(:kept_ids) AS l));

-- name: delete_older_writes(thread_id, checkpoint_ns, latest_id, kept_ids)*!
-- Delete the writes to checkpoints before the latest of a namespace, except some.
DELETE FROM langgraph_writes
WHERE
    thread_id = :thread_id
    AND checkpoint_ns = :checkpoint_ns
    AND checkpoint_id < :latest_id
    AND NOT (checkpoint_id IN (SELECT l.value FROM json_each(:kept_ids) AS l));

-- name: delete_unused_values(thread_ids)!
-- Delete the values of some threads that no checkpoint has any more.
DELETE FROM langgraph_values
WHERE
    thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l)
    AND (thread_id, checkpoint_ns, channel, version) NOT IN (
        SELECT
            c.thread_id,
            c.checkpoint_ns,
            n.key,
            n.value
        FROM langgraph_checkpoints AS c
        CROSS JOIN json_each(c.channel_versions) AS n
        WHERE
            c.thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l)
            AND n.value IS NOT NULL
    );

-- name: list_threads_of_runs(run_ids)
-- Return the threads that have checkpoints of some runs.
SELECT DISTINCT c.thread_id
FROM langgraph_checkpoints AS c
WHERE c.run_id IN (SELECT l.value FROM json_each(:run_ids) AS l)
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
        WHERE c.run_id IN (SELECT l.value FROM json_each(:run_ids) AS l)
    );

-- name: delete_checkpoints_of_runs(run_ids)!
-- Delete the checkpoints of some runs.
DELETE FROM langgraph_checkpoints
WHERE run_id IN (SELECT l.value FROM json_each(:run_ids) AS l);

-- name: delete_checkpoints(thread_ids)!
-- Delete all checkpoints of some threads.
DELETE FROM langgraph_checkpoints
WHERE thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l);

-- name: delete_writes(thread_ids)!
-- Delete all writes of some threads.
DELETE FROM langgraph_writes
WHERE thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l);

-- name: delete_values(thread_ids)!
-- Delete all channel values of some threads.
DELETE FROM langgraph_values
WHERE thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l);

-- name: find_expired_threads(after_time, after_thread, age_seconds, looked_at, known)
-- Look at some checkpoints that are so old, the oldest first and behind the given one, and tell of
-- each of their threads, but for those that are known, whether it was not written to since.
-- plan: filtered_walk allowed because only those of the very same moment are passed over
-- result: thread_id not null, created_at timestamp not null, is_expired boolean not null
WITH bound AS MATERIALIZED (
    SELECT
        strftime(
            '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', -:age_seconds)
        ) AS cutoff
),

looked AS (
    SELECT
        c.created_at,
        c.thread_id
    FROM langgraph_checkpoints AS c
    WHERE
        c.created_at < (SELECT b.cutoff FROM bound AS b)
        AND c.created_at >= :after_time
        AND (c.created_at, c.thread_id) > (:after_time, :after_thread)
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
        WHEN t.thread_id IN (SELECT l.value FROM json_each(:known) AS l) THEN 0
        WHEN
            (
                SELECT r.created_at
                FROM langgraph_checkpoints AS r
                WHERE r.thread_id = t.thread_id AND r.checkpoint_ns = ''
                ORDER BY r.checkpoint_id DESC
                LIMIT 1
            ) >= b.cutoff
            THEN 0
        WHEN
            (
                SELECT max(n.created_at >= b.cutoff)
                FROM langgraph_checkpoints AS n
                WHERE n.thread_id = t.thread_id
            )
            THEN 0
        ELSE
            coalesce(
                (
                    SELECT max(w.created_at >= b.cutoff) = 0
                    FROM langgraph_writes AS w
                    WHERE w.thread_id = t.thread_id
                ),
                1
            )
    END AS is_expired
FROM threads AS t
CROSS JOIN bound AS b
ORDER BY t.created_at, t.thread_id;

-- name: list_expired(thread_ids, age_seconds)
-- Return those of some threads that have checkpoints and were not written to for so long.
-- result: thread_id not null
WITH bound AS MATERIALIZED (
    SELECT
        strftime(
            '%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', -:age_seconds)
        ) AS cutoff
)

SELECT t.value AS thread_id
FROM json_each(:thread_ids) AS t
CROSS JOIN bound AS b
WHERE
    (
        SELECT max(c.created_at >= b.cutoff) = 0
        FROM langgraph_checkpoints AS c
        WHERE c.thread_id = t.value
    )
    AND coalesce(
        (
            SELECT max(w.created_at >= b.cutoff) = 0
            FROM langgraph_writes AS w
            WHERE w.thread_id = t.value
        ),
        1
    );

-- name: delete_expired_writes(thread_ids, age_seconds)!
-- Delete the writes of some threads; one that came meanwhile stays.
DELETE FROM langgraph_writes
WHERE
    thread_id IN (SELECT l.value FROM json_each(:thread_ids) AS l)
    AND coalesce(
        created_at
        < strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', -:age_seconds)),
        1
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
    :target_id,
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
    :target_id,
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
    :target_id,
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
FROM json_each(:keys) AS k
-- CROSS: row by row through the index, however many rows the thread has
CROSS JOIN langgraph_checkpoints AS c
WHERE
    c.thread_id = :thread_id
    AND c.checkpoint_ns = (k.value ->> 'checkpoint_ns')
    AND c.checkpoint_id = (k.value ->> 'checkpoint_id');

-- name: stored_values(thread_id, keys)
-- Return those of some channel values of a thread that are stored.
SELECT
    v.checkpoint_ns,
    v.channel,
    v.version,
    v.type,
    v.content
FROM json_each(:keys) AS k
-- CROSS: row by row through the index, however many rows the thread has
CROSS JOIN langgraph_values AS v
WHERE
    v.thread_id = :thread_id
    AND v.checkpoint_ns = (k.value ->> 'checkpoint_ns')
    AND v.channel = (k.value ->> 'channel')
    AND v.version = (k.value ->> 'version');

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
FROM json_each(:keys) AS k
-- CROSS: row by row through the index, however many rows the thread has
CROSS JOIN langgraph_writes AS w
WHERE
    w.thread_id = :thread_id
    AND w.checkpoint_ns = (k.value ->> 'checkpoint_ns')
    AND w.checkpoint_id = (k.value ->> 'checkpoint_id')
    AND w.task_id = (k.value ->> 'task_id')
    AND w.idx = (k.value ->> 'idx');

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
    :channel_versions,
    :metadata,
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
