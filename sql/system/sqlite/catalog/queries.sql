-- What the engine says of the tables in the database, the same on both engines.

-- name: list_tables()
-- List tables and views with their comments, which SQLite does not have.
-- result: table_name not null, kind not null, row_level_security boolean
SELECT
    m.name AS table_name,
    CASE
        WHEN m.type = 'view' THEN 'view'
        WHEN l.type = 'table' THEN 'table'
        ELSE l.type
    END AS kind,
    0 AS row_level_security,
    cast(NULL AS TEXT) AS remark
FROM sqlite_master AS m
INNER JOIN pragma_table_list(m.name) AS l
WHERE
    m.type IN ('table', 'view')
    AND l.schema = 'main'
    AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^'
ORDER BY m.rowid;

-- name: list_columns()
-- List the columns of tables and views; generation is identity, stored, virtual or empty.
-- result: table_name not null, column_name not null, table_id not null, position not null
-- result: type not null, not_null boolean not null, generation not null
SELECT
    m.name AS table_name,
    c.name AS column_name,
    m.rowid AS table_id,
    c.cid + 1 AS position,
    c.type,
    -- The alias of the row number is never null.
    c."notnull" OR (c.pk = 1 AND upper(c.type) = 'INTEGER') AS not_null,
    c.dflt_value AS default_value,
    CASE
        WHEN c.hidden = 3 THEN 'stored'
        WHEN c.hidden = 2 THEN 'virtual'
        WHEN
            c.pk = 1
            AND upper(c.type) = 'INTEGER'
            AND (SELECT count(*) FROM pragma_table_xinfo(m.name) AS k WHERE k.pk > 0) = 1
            THEN 'identity'
        ELSE ''
    END AS generation,
    cast(NULL AS TEXT) AS remark
FROM sqlite_master AS m
INNER JOIN pragma_table_xinfo(m.name) AS c
WHERE
    m.type IN ('table', 'view')
    AND c.hidden <> 1
    AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^'
ORDER BY m.rowid, c.cid;

-- name: list_keys()
-- List primary keys, unique constraints and foreign keys with their columns.
-- result: table_name not null, kind not null, columns json not null
-- result: target_columns json not null, on_delete not null, on_update not null
SELECT
    m.name AS table_name,
    cast(NULL AS TEXT) AS constraint_name,
    'primary key' AS kind,
    (
        SELECT json_group_array(k.name)
        FROM (
            SELECT x.name FROM pragma_table_xinfo(m.name) AS x WHERE x.pk > 0 ORDER BY x.pk
        ) AS k
    ) AS columns,
    cast(NULL AS TEXT) AS target_table,
    '[]' AS target_columns,
    '' AS on_delete,
    '' AS on_update
FROM sqlite_master AS m
WHERE
    m.type = 'table'
    AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^'
    AND (SELECT count(*) FROM pragma_table_xinfo(m.name) AS x WHERE x.pk > 0) > 0
UNION ALL
SELECT
    m.name,
    cast(NULL AS TEXT),
    'unique',
    (
        SELECT json_group_array(k.name)
        FROM (
            SELECT x.name
            FROM pragma_index_xinfo(i.name) AS x
            WHERE x.key = 1
            ORDER BY x.seqno
        ) AS k
    ),
    cast(NULL AS TEXT),
    '[]',
    '',
    ''
FROM sqlite_master AS m
INNER JOIN pragma_index_list(m.name) AS i
WHERE m.type = 'table' AND i.origin = 'u'
UNION ALL
SELECT
    m.name,
    cast(NULL AS TEXT),
    'foreign key',
    (
        SELECT json_group_array(k."from")
        FROM (
            SELECT x."from"
            FROM pragma_foreign_key_list(m.name) AS x
            WHERE x.id = f.id
            ORDER BY x.seq
        ) AS k
    ),
    f."table",
    (
        SELECT json_group_array(k."to")
        FROM (
            SELECT x."to"
            FROM pragma_foreign_key_list(m.name) AS x
            WHERE x.id = f.id
            ORDER BY x.seq
        ) AS k
    ),
    f.on_delete,
    f.on_update
FROM sqlite_master AS m
INNER JOIN pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table' AND f.seq = 0;

-- name: list_indexes()
-- List indexes with their key columns; those that a constraint made are marked.
-- result: table_name not null, index_name not null, columns json not null
-- result: is_unique boolean not null, of_constraint boolean not null
SELECT
    m.name AS table_name,
    i.name AS index_name,
    i."unique" AS is_unique,
    i.origin <> 'c' AS of_constraint,
    'btree' AS method,
    (
        SELECT json_group_array(k.name)
        FROM (
            SELECT
                coalesce(x.name, '(expression)')
                || CASE WHEN x."desc" = 1 THEN ' DESC' ELSE '' END AS name
            FROM pragma_index_xinfo(i.name) AS x
            WHERE x.key = 1
            ORDER BY x.seqno
        ) AS k
    ) AS columns,
    CASE WHEN i.partial = 1 THEN s.sql END AS predicate
FROM sqlite_master AS m
INNER JOIN pragma_index_list(m.name) AS i
LEFT JOIN sqlite_master AS s ON s.type = 'index' AND i.name = s.name
WHERE m.type = 'table'
ORDER BY m.rowid, i.name;
