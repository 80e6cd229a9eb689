-- name: lock_schema()#
-- Let one connection at a time create or upgrade schemas; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(5207412907514871);

-- name: has_versions()$
-- Tell whether the table of versions exists (in the schema where tables go).
SELECT to_regclass(format('%I._schema_versions', current_schema())) IS NOT NULL AS present;

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
-- List the columns of all tables and views in the schema where tables go.
-- result: table_name not null, is_table not null, column_name not null
SELECT
    c.relname::text AS table_name,
    c.relkind IN ('r', 'p') AS is_table,
    a.attname::text AS column_name
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid
WHERE
    c.relnamespace = to_regnamespace(quote_ident(current_schema()::text))
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY c.relname COLLATE "C", a.attnum;

-- name: describe_catalog()
-- Describe tables, columns, indexes, constraints and triggers as text that can be compared: that of
-- temporary tables too, whose schema is printed as pg_temp, whatever it is called.
-- result: table_name not null, kind not null, name not null, definition not null
WITH relations AS (
    SELECT
        c.oid,
        c.relname,
        c.relrowsecurity
    FROM pg_catalog.pg_class AS c
    WHERE
        c.relnamespace = to_regnamespace(quote_ident(current_schema()::text))
        AND c.relkind IN ('r', 'p')
),

objects AS (
    SELECT
        r.relname AS table_name,
        'table' AS kind,
        r.relname AS name,
        CASE WHEN r.relrowsecurity THEN 'row level security' ELSE 'no row level security' END
        || CASE (SELECT count(*) FROM pg_catalog.pg_policy AS y WHERE y.polrelid = r.oid)
            WHEN 0 THEN ' without policy'
            ELSE ' with policies'
        END
        || coalesce(' -- ' || obj_description(r.oid, 'pg_class'), '') AS definition
    FROM relations AS r
    UNION ALL
    SELECT
        r.relname,
        'column',
        a.attname,
        format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE a.attidentity
            WHEN 'a' THEN ' ALWAYS AS IDENTITY'
            WHEN 'd' THEN ' BY DEFAULT AS IDENTITY'
            ELSE ''
        END
        || coalesce(
            CASE WHEN a.attgenerated = 's' THEN ' GENERATED ' ELSE ' DEFAULT ' END
            || pg_get_expr(d.adbin, d.adrelid),
            ''
        )
        || coalesce(' -- ' || col_description(r.oid, a.attnum), '')
    FROM relations AS r
    INNER JOIN pg_catalog.pg_attribute AS a ON r.oid = a.attrelid
    LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT
        r.relname,
        'constraint',
        k.conname,
        pg_get_constraintdef(k.oid)
    FROM relations AS r
    INNER JOIN pg_catalog.pg_constraint AS k ON r.oid = k.conrelid
    -- from version 18 on, NOT NULL is a constraint too; it is part of the column here
    WHERE k.contype <> 'n'
    UNION ALL
    SELECT
        r.relname,
        'index',
        i.relname,
        replace(
            replace(
                pg_get_indexdef(i.oid),
                ' ON ' || quote_ident(current_schema()::text) || '.', ' ON '
            ),
            ' ON pg_temp.', ' ON '
        )
    FROM relations AS r
    INNER JOIN pg_catalog.pg_index AS x ON r.oid = x.indrelid
    INNER JOIN pg_catalog.pg_class AS i ON x.indexrelid = i.oid
    UNION ALL
    SELECT
        r.relname,
        'trigger',
        t.tgname,
        replace(
            replace(
                pg_get_triggerdef(t.oid),
                ' ON ' || quote_ident(current_schema()::text) || '.', ' ON '
            ),
            ' ON pg_temp.', ' ON '
        )
    FROM relations AS r
    INNER JOIN pg_catalog.pg_trigger AS t ON r.oid = t.tgrelid
    WHERE NOT t.tgisinternal
)

SELECT
    o.table_name::text AS table_name,
    o.kind::text AS kind,
    o.name::text AS name,
    o.definition::text AS definition
FROM objects AS o
ORDER BY o.table_name COLLATE "C", o.kind COLLATE "C", o.name COLLATE "C";
