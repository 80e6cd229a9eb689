-- name: lock_schema()#
-- Let one connection at a time create or upgrade schemas: BEGIN IMMEDIATE has done it already.
SELECT 1;

-- name: has_versions()$
-- Tell whether the table of versions exists.
-- result: present boolean
SELECT count(*) > 0 AS present
FROM sqlite_master
WHERE type = 'table' AND name = '_schema_versions';

-- name: get_version(module)$
-- Return the version of a store's schema, or nothing when it was never created.
SELECT version FROM _schema_versions WHERE module = :module;

-- name: set_version(module, version, updated_at)!
-- Record the version of a store's schema.
INSERT INTO _schema_versions (module, version, updated_at)
VALUES (:module, :version, :updated_at)
ON CONFLICT (module) DO UPDATE
SET
    version = excluded.version,
    updated_at = excluded.updated_at;

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
-- Describe tables, columns, indexes, constraints and triggers as text that can be compared.
-- result: table_name not null, kind not null, name not null, definition not null
WITH tables AS (
    SELECT
        name,
        sql
    FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'
)

SELECT
    t.name AS table_name,
    'column' AS kind,
    c.name,
    c.type
    || CASE WHEN c."notnull" THEN ' NOT NULL' ELSE '' END
    || CASE WHEN c.pk > 0 THEN ' PRIMARY KEY ' || c.pk ELSE '' END
    || coalesce(' DEFAULT ' || c.dflt_value, '') AS definition
FROM tables AS t
INNER JOIN pragma_table_xinfo(t.name) AS c
UNION ALL
SELECT
    t.name,
    'constraint',
    'foreign key ' || f.id || '.' || f.seq,
    f."from" || ' -> ' || f."table" || '.' || coalesce(f."to", '') || ' ON DELETE ' || f.on_delete
FROM tables AS t
INNER JOIN pragma_foreign_key_list(t.name) AS f
UNION ALL
SELECT
    t.name,
    'table',
    t.name,
    t.sql
FROM tables AS t
UNION ALL
SELECT
    m.tbl_name,
    m.type,
    m.name,
    coalesce(m.sql, 'automatic')
FROM sqlite_master AS m
WHERE m.type IN ('index', 'trigger', 'view')
ORDER BY table_name, kind, name;
