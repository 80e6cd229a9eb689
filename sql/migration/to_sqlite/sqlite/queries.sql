-- The ledger of a move back to SQLite. Moving itself names its tables and columns at run time, so it
-- can't be in a file.

-- name: has_ledger()$
-- Tell whether a move into this file was begun and not ended.
SELECT count(*) = 4 AS present
FROM sqlite_schema
WHERE
    type = 'table'
    AND name IN (
        '_migration_runs', '_migration_chunks', '_migration_rejects', '_migration_indexes'
    );

-- name: start_run(source, snapshot)!
-- Record what is moved: the source with the options, and its state.
INSERT INTO _migration_runs (source, snapshot) VALUES (:source, :snapshot);

-- name: get_run()^
-- Return the run that was begun.
SELECT
    source,
    snapshot
FROM _migration_runs
ORDER BY run_id DESC
LIMIT 1;

-- name: add_chunk(target_table, number, last_key, result)!
-- Record that a range of rows is there, with its outcome. What is behind the rows has no last key.
INSERT INTO _migration_chunks (target_table, number, last_key, result)
VALUES (:target_table, :number, :last_key, :result);

-- name: list_chunks(target_table)
-- List the ranges of a table that are there.
SELECT
    number,
    last_key,
    result
FROM _migration_chunks
WHERE target_table = :target_table
ORDER BY number;

-- name: add_reject(target_table, reject_key, reject)!
-- Keep a row that was not moved.
INSERT INTO _migration_rejects (target_table, reject_key, reject)
VALUES (:target_table, :reject_key, :reject);

-- name: list_rejects()
-- List the rows that were not moved.
SELECT
    target_table,
    reject
FROM _migration_rejects
ORDER BY reject_id;

-- name: list_reject_keys(target_table)
-- List the keys of a table's rows that were not moved.
SELECT reject_key
FROM _migration_rejects
WHERE target_table = :target_table
ORDER BY reject_id;

-- name: list_droppable()
-- List the indexes that only serve queries, and the triggers: they are made again at the end.
SELECT
    type,
    name,
    sql AS definition
FROM sqlite_schema
WHERE
    sql IS NOT NULL
    AND (type = 'trigger' OR (type = 'index' AND sql NOT LIKE 'CREATE UNIQUE %'))
ORDER BY type, name;

-- name: record_index(definition)!
-- Remember an index or a trigger that is about to be dropped.
INSERT INTO _migration_indexes (definition) VALUES (:definition);

-- name: list_indexes_to_build()
-- List what was dropped, in order.
SELECT definition FROM _migration_indexes ORDER BY position;

-- name: forget_indexes()!
-- Forget what was dropped: it is there again.
DELETE FROM _migration_indexes;

-- name: list_searches()
-- List the full-text tables.
SELECT name
FROM sqlite_schema
WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE %fts5%'
ORDER BY name;

-- name: raise_number(table_name, number)!
-- Let the numbers of new rows of a table follow a number.
UPDATE sqlite_sequence SET seq = max(seq, :number) WHERE name = :table_name;

-- name: add_number(table_name, number)!
-- Let the numbers of new rows of a table follow a number, where no row of it was ever numbered.
INSERT INTO sqlite_sequence (name, seq)
SELECT
    :table_name AS name,
    :number AS seq
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence AS s WHERE s.name = :table_name);

-- name: drop_runs()!
-- Take away the record of the run.
DROP TABLE IF EXISTS _migration_runs;

-- name: drop_chunks()!
-- Take away the record of the ranges.
DROP TABLE IF EXISTS _migration_chunks;

-- name: drop_rejects()!
-- Take away the record of the rejects.
DROP TABLE IF EXISTS _migration_rejects;

-- name: drop_indexes()!
-- Take away the record of what was dropped.
DROP TABLE IF EXISTS _migration_indexes;
