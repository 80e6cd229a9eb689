-- name: find_versions()$
-- Tell whether the table of versions is there: 'absent', 'readable', or 'older': without the table
-- of transactions with a key, which was added to it.
-- result: state not null
SELECT
    CASE
        WHEN count(*) FILTER (WHERE m.name = '_schema_versions') = 0 THEN 'absent'
        WHEN count(*) = 1 THEN 'older'
        ELSE 'readable'
    END AS state
FROM sqlite_master AS m
WHERE m.type = 'table' AND m.name IN ('_schema_versions', '_transaction_keys');

-- name: get_version(module)$
-- Return the version of a store's schema, or nothing when it was never created.
SELECT version FROM _schema_versions WHERE module = :module;

-- name: list_versions()
-- List the versions of all stores' schemas.
-- plan: seq_scan allowed because there is one row for each store
SELECT
    v.module,
    v.version
FROM _schema_versions AS v;

-- name: set_version(module, version, updated_at)!
-- Record the version of a store's schema.
INSERT INTO _schema_versions (module, version, updated_at)
VALUES (:module, :version, :updated_at)
ON CONFLICT (module) DO UPDATE
SET
    version = excluded.version,
    updated_at = excluded.updated_at;

-- name: try_lock_schema()$
-- Become the only one that creates or upgrades schemas: BEGIN IMMEDIATE has done it already.
-- result: taken boolean not null
SELECT 1 AS taken;

-- name: list_columns()
-- List the columns of all tables and views.
-- result: table_name not null, is_table boolean not null, column_name not null
SELECT
    m.name AS table_name,
    m.type = 'table' AS is_table,
    c.name AS column_name
FROM sqlite_master AS m
INNER JOIN pragma_table_xinfo(m.name) AS c
WHERE m.type IN ('table', 'view')
ORDER BY m.name, c.cid;

-- name: describe_catalog()
-- Describe tables, indexes, triggers and views by the statements that make them; the tables that a
-- virtual table keeps for itself, and the indexes of constraints, are left out.
-- result: table_name not null, kind not null, name not null, definition not null
SELECT
    m.tbl_name AS table_name,
    m.type AS kind,
    m.name,
    m.sql AS definition
FROM sqlite_master AS m
WHERE
    m.sql IS NOT NULL
    AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^'
    AND m.name NOT IN (SELECT l.name FROM pragma_table_list AS l WHERE l.type = 'shadow')
ORDER BY m.tbl_name, m.type, m.name;

-- name: count_broken_references()$
-- Count the rows whose foreign key points at nothing.
-- result: total not null
-- parity: query because PostgreSQL never leaves such rows
SELECT count(*) AS total FROM pragma_foreign_key_check;
