-- Reads the tables of langgraph-checkpoint-postgres. Nothing here writes.

-- name: list_tables()
-- Return which of its tables are there, with their columns, and whether row level security hides rows.
SELECT
    t.name,
    array_agg(a.attname::text ORDER BY a.attnum) AS columns,
    row_security_active(to_regclass(t.name)) AS is_hidden
FROM
    unnest(
        ARRAY['checkpoint_migrations', 'checkpoints', 'checkpoint_blobs', 'checkpoint_writes']
    ) AS t (name)
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = to_regclass(t.name)
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY t.name
ORDER BY t.name;

-- name: get_version()$
-- Return the number of the last migration that was applied; NULL when none was.
SELECT max(m.v) AS version
FROM checkpoint_migrations AS m;

-- name: count_rows()^
-- Count the rows of each table.
SELECT
    (SELECT count(*) FROM checkpoints) AS checkpoints,
    (SELECT count(*) FROM checkpoint_blobs) AS blobs,
    (SELECT count(*) FROM checkpoint_writes) AS writes;

-- name: list_threads()
-- Return every thread that has rows, in the order of their ids.
SELECT t.thread_id
FROM (
    SELECT c.thread_id FROM checkpoints AS c
    UNION
    SELECT b.thread_id FROM checkpoint_blobs AS b
    UNION
    SELECT w.thread_id FROM checkpoint_writes AS w
) AS t
ORDER BY t.thread_id;

-- name: list_checkpoints(thread_id)
-- Return the checkpoints of a thread, with the channels whose value is a row of checkpoint_blobs.
SELECT
    c.checkpoint_ns,
    c.checkpoint_id,
    c.parent_checkpoint_id,
    c.checkpoint,
    c.metadata,
    array(
        SELECT b.channel
        FROM
            jsonb_each_text(
                CASE jsonb_typeof(c.checkpoint -> 'channel_versions')
                    WHEN 'object' THEN c.checkpoint -> 'channel_versions'
                    ELSE '{}'::jsonb
                END
            ) AS n (channel, version)
        CROSS JOIN
            LATERAL (
                -- OFFSET 0: through the key, however many values the thread has
                SELECT p.channel
                FROM checkpoint_blobs AS p
                WHERE
                    p.thread_id = c.thread_id
                    AND p.checkpoint_ns = c.checkpoint_ns
                    AND p.channel = n.channel
                    AND p.version = n.version
                    AND p.type <> 'empty'
                OFFSET 0
            ) AS b
    ) AS stored
FROM checkpoints AS c
WHERE c.thread_id = :thread_id
ORDER BY c.checkpoint_ns, c.checkpoint_id;

-- name: list_values(thread_id)
-- Return the values of the channels of a thread.
SELECT
    b.checkpoint_ns,
    b.channel,
    b.version,
    b.type,
    b.blob
FROM checkpoint_blobs AS b
WHERE b.thread_id = :thread_id
ORDER BY b.checkpoint_ns, b.channel, b.version;

-- name: list_writes(thread_id)
-- Return what the tasks of a thread wrote.
SELECT
    w.checkpoint_ns,
    w.checkpoint_id,
    w.task_id,
    w.idx,
    w.task_path,
    w.channel,
    w.type,
    w.blob
FROM checkpoint_writes AS w
WHERE w.thread_id = :thread_id
ORDER BY w.checkpoint_ns, w.checkpoint_id, w.task_id, w.idx;

-- name: list_writes_without_path(thread_id)
-- Do what list_writes does, before migration 9.
SELECT
    w.checkpoint_ns,
    w.checkpoint_id,
    w.task_id,
    w.idx,
    '' AS task_path,
    w.channel,
    w.type,
    w.blob
FROM checkpoint_writes AS w
WHERE w.thread_id = :thread_id
ORDER BY w.checkpoint_ns, w.checkpoint_id, w.task_id, w.idx;

-- name: list_sends(thread_id)
-- Return what was sent to tasks after each checkpoint: the next one shows it, if it is of a version
-- before 4. The order and the lack of a namespace are those of the saver.
SELECT
    w.checkpoint_id,
    w.type,
    w.blob
FROM checkpoint_writes AS w
WHERE
    w.thread_id = :thread_id
    AND w.channel = '__pregel_tasks'
ORDER BY w.task_path, w.task_id, w.idx;

-- name: list_sends_without_path(thread_id)
-- Do what list_sends does, before migration 9.
SELECT
    w.checkpoint_id,
    w.type,
    w.blob
FROM checkpoint_writes AS w
WHERE
    w.thread_id = :thread_id
    AND w.channel = '__pregel_tasks'
ORDER BY w.task_id, w.idx;
