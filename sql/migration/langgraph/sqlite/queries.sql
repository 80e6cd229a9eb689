-- Reads the tables of langgraph-checkpoint-sqlite. Nothing here writes.

-- name: count_rows()^
-- Count the rows of each table.
SELECT
    (SELECT count(*) FROM checkpoints) AS checkpoints,
    (SELECT count(*) FROM writes) AS writes;

-- name: list_threads()
-- Return every thread that has rows, in the order of their ids.
SELECT t.thread_id
FROM (
    SELECT c.thread_id FROM checkpoints AS c
    UNION
    SELECT w.thread_id FROM writes AS w
) AS t
ORDER BY t.thread_id;

-- name: list_checkpoints(thread_id, is_text)
-- Return the checkpoints of a thread. An id that is not UTF-8 is given as its bytes, with is_text.
SELECT
    c.checkpoint_ns,
    c.checkpoint_id,
    c.parent_checkpoint_id,
    c.type,
    c.checkpoint,
    c.metadata
FROM checkpoints AS c
WHERE c.thread_id = CASE WHEN :is_text THEN cast(:thread_id AS TEXT) ELSE :thread_id END
ORDER BY c.checkpoint_ns, c.checkpoint_id;

-- name: list_writes(thread_id, is_text)
-- Return what the tasks of a thread wrote.
SELECT
    w.checkpoint_ns,
    w.checkpoint_id,
    w.task_id,
    w.idx,
    w.task_path,
    w.channel,
    w.type,
    w.value
FROM writes AS w
WHERE w.thread_id = CASE WHEN :is_text THEN cast(:thread_id AS TEXT) ELSE :thread_id END
ORDER BY w.checkpoint_ns, w.checkpoint_id, w.task_id, w.idx;

-- name: list_writes_without_path(thread_id, is_text)
-- Do what list_writes does, in a file of a release that kept no path.
SELECT
    w.checkpoint_ns,
    w.checkpoint_id,
    w.task_id,
    w.idx,
    '' AS task_path,
    w.channel,
    w.type,
    w.value
FROM writes AS w
WHERE w.thread_id = CASE WHEN :is_text THEN cast(:thread_id AS TEXT) ELSE :thread_id END
ORDER BY w.checkpoint_ns, w.checkpoint_id, w.task_id, w.idx;
