-- What the engine says of the tables in the schema where tables go, the same on both engines.

-- name: list_tables()
-- List tables and views with their comments.
-- result: table_name not null, kind not null
SELECT
    c.relname::text AS table_name,
    CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
    c.relrowsecurity AS row_level_security,
    obj_description(c.oid, 'pg_class'::name) AS remark
FROM pg_catalog.pg_class AS c
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p', 'v', 'm')
ORDER BY c.oid;

-- name: list_columns()
-- List the columns of tables and views; generation is identity, stored, virtual or empty.
-- result: table_name not null, column_name not null, table_id not null, position not null
-- result: type not null, not_null not null, generation not null
SELECT
    c.relname::text AS table_name,
    a.attname::text AS column_name,
    c.oid::bigint AS table_id,
    a.attnum AS position,
    format_type(a.atttypid, a.atttypmod) AS type,
    -- Version 18 has rules that hold for new rows only.
    a.attnotnull AND NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_constraint AS k
        WHERE
            k.conrelid = c.oid
            AND k.contype = 'n'
            AND a.attnum = any(k.conkey)
            AND NOT k.convalidated
    ) AS not_null,
    CASE
        WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid)
    END AS default_value,
    CASE
        WHEN a.attidentity <> '' THEN 'identity'
        WHEN a.attgenerated = 's' THEN 'stored'
        WHEN a.attgenerated = 'v' THEN 'virtual'
        ELSE ''
    END AS generation,
    col_description(c.oid, a.attnum::integer) AS remark
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid
LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p', 'v', 'm')
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY c.oid, a.attnum;

-- name: list_keys()
-- List primary keys, unique constraints and enforced foreign keys with their columns.
-- result: table_name not null, kind not null, columns json not null
-- result: target_columns json not null, on_delete not null, on_update not null
SELECT
    c.relname::text AS table_name,
    k.conname::text AS constraint_name,
    CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' ELSE 'foreign key' END
        AS kind,
    (
        SELECT pg_catalog.jsonb_agg(a.attname ORDER BY n.position)
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS n (attnum, position)
        INNER JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = k.conrelid AND n.attnum = a.attnum
    ) AS columns,
    t.relname::text AS target_table,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(a.attname ORDER BY n.position)
            FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS n (attnum, position)
            INNER JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid = k.confrelid AND n.attnum = a.attnum
        ),
        '[]'::jsonb
    ) AS target_columns,
    CASE k.confdeltype
        WHEN 'c' THEN 'CASCADE'
        WHEN 'n' THEN 'SET NULL'
        WHEN 'd' THEN 'SET DEFAULT'
        WHEN 'r' THEN 'RESTRICT'
        WHEN 'a' THEN 'NO ACTION'
        ELSE ''
    END AS on_delete,
    CASE k.confupdtype
        WHEN 'c' THEN 'CASCADE'
        WHEN 'n' THEN 'SET NULL'
        WHEN 'd' THEN 'SET DEFAULT'
        WHEN 'r' THEN 'RESTRICT'
        WHEN 'a' THEN 'NO ACTION'
        ELSE ''
    END AS on_update
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_class AS c ON k.conrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS t ON k.confrelid = t.oid
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND k.contype IN ('p', 'u', 'f')
    -- Version 18 has keys that nothing enforces.
    AND coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced'::text)::boolean, TRUE)
ORDER BY c.oid, k.conname COLLATE "C";

-- name: list_indexes()
-- List indexes with their key columns; those that a constraint made are marked.
-- result: table_name not null, index_name not null, columns json not null
-- result: is_unique not null, of_constraint not null
SELECT
    c.relname::text AS table_name,
    i.relname::text AS index_name,
    x.indisunique AS is_unique,
    x.indexrelid IN (
        SELECT k.conindid FROM pg_catalog.pg_constraint AS k WHERE k.contype IN ('p', 'u', 'x')
    ) AS of_constraint,
    m.amname::text AS method,
    (
        SELECT
            pg_catalog.jsonb_agg(
                pg_get_indexdef(x.indexrelid, n::integer, FALSE)
                || CASE WHEN (x.indoption[n - 1]::integer & 1) = 1 THEN ' DESC' ELSE '' END
                ORDER BY n
            )
        FROM generate_series(1, x.indnkeyatts::integer) AS n
    ) AS columns,
    pg_get_expr(x.indpred, x.indrelid) AS predicate
FROM pg_catalog.pg_index AS x
INNER JOIN pg_catalog.pg_class AS c ON x.indrelid = c.oid
INNER JOIN pg_catalog.pg_class AS i ON x.indexrelid = i.oid
INNER JOIN pg_catalog.pg_am AS m ON i.relam = m.oid
WHERE c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
ORDER BY c.oid, i.relname COLLATE "C";

-- name: list_types()
-- List the names of all types.
-- result: type_id not null, type_name not null
-- parity: query because SQLite names the type of a result itself
SELECT
    t.oid::bigint AS type_id,
    format_type(t.oid, NULL) AS type_name
FROM pg_catalog.pg_type AS t;

-- name: list_dependencies()
-- List the tables and columns that the body of the procedure aragora_probe names.
-- result: table_name not null
-- parity: query because SQLite tells what a statement touches when it is prepared
SELECT DISTINCT
    c.relname::text AS table_name,
    a.attname::text AS column_name
FROM pg_catalog.pg_depend AS d
INNER JOIN pg_catalog.pg_class AS c ON d.refobjid = c.oid
LEFT JOIN pg_catalog.pg_attribute AS a
    ON c.oid = a.attrelid AND d.refobjsubid = a.attnum AND a.attnum > 0
WHERE
    d.classid = 'pg_catalog.pg_proc'::regclass::oid
    AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
    AND d.objid = to_regproc('aragora_probe')::oid;

-- name: list_functions()
-- List the functions in the schema where tables go, and whether their search_path is fixed.
-- result: function_name not null, security_definer not null
-- parity: query because SQLite has no functions in a database
SELECT
    p.proname::text AS function_name,
    p.prosecdef AS security_definer,
    coalesce(
        pg_catalog.array_to_string(p.proconfig, ',') LIKE '%search_path=%', FALSE
    ) AS fixed_search_path
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
ORDER BY p.oid;

-- name: list_function_signatures()
-- List what the functions of pg_catalog take: the numbers of the types, and whether it is any type.
-- result: signature_id not null, name not null
-- parity: query because SQLite does not look for functions in schemas
SELECT
    p.oid::bigint AS signature_id,
    p.proname::text AS name,
    p.proargtypes::oid[]::bigint[] AS argument_types,
    array(
        SELECT t.typtype = 'p'
        FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type_id, position)
        INNER JOIN pg_catalog.pg_type AS t ON a.type_id = t.oid
        ORDER BY a.position
    ) AS takes_any
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = 'pg_catalog'::regnamespace::oid;

-- name: list_operator_signatures()
-- List what the operators of pg_catalog take: the numbers of the types, and whether it is any type.
-- result: signature_id not null, name not null
-- parity: query because SQLite does not look for operators in schemas
SELECT
    o.oid::bigint AS signature_id,
    o.oprname::text AS name,
    ARRAY[o.oprleft::bigint, o.oprright::bigint] AS argument_types,
    ARRAY[coalesce(l.typtype = 'p', FALSE), coalesce(r.typtype = 'p', FALSE)] AS takes_any
FROM pg_catalog.pg_operator AS o
LEFT JOIN pg_catalog.pg_type AS l ON o.oprleft = l.oid
LEFT JOIN pg_catalog.pg_type AS r ON o.oprright = r.oid
WHERE o.oprnamespace = 'pg_catalog'::regnamespace::oid;

-- name: describe_details()
-- Describe what describe_catalog leaves to the operator, and what belongs to no table: how tables
-- are stored, views, functions, sequences, and rights of others than the owner.
-- result: table_name not null, kind not null, name not null, definition not null
-- parity: query because SQLite keeps no more than the statements of describe_catalog
WITH relations AS (
    SELECT
        c.oid,
        c.relname,
        c.relkind,
        c.relpersistence,
        c.reloptions,
        c.relacl,
        c.relowner
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
),

objects AS (
    SELECT
        r.relname AS table_name,
        'storage' AS kind,
        r.relname AS name,
        CASE r.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END
        || coalesce(
            ' WITH ('
            || (
                SELECT string_agg(o.entry, ', ' ORDER BY o.entry COLLATE "C")
                FROM pg_catalog.unnest(r.reloptions) AS o (entry)
            )
            || ')',
            ''
        )
        || coalesce(
            ' INHERITS ('
            || (
                SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                FROM pg_catalog.pg_inherits AS i
                WHERE i.inhrelid = r.oid
            )
            || ')',
            ''
        ) AS definition
    FROM relations AS r
    WHERE r.relkind IN ('r', 'p')
    UNION ALL
    SELECT
        r.relname,
        'view',
        r.relname,
        pg_get_viewdef(r.oid)
        || coalesce(' WITH (' || pg_catalog.array_to_string(r.reloptions, ', ') || ')', '')
    FROM relations AS r
    WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT
        r.relname,
        'sequence',
        r.relname,
        pg_catalog.format(
            '%s from %s by %s, %s to %s%s',
            format_type(s.seqtypid, NULL),
            s.seqstart,
            s.seqincrement,
            s.seqmin,
            s.seqmax,
            CASE WHEN s.seqcycle THEN ', again and again' ELSE '' END
        )
    FROM relations AS r
    INNER JOIN pg_catalog.pg_sequence AS s ON r.oid = s.seqrelid
    UNION ALL
    SELECT
        r.relname,
        'grant',
        coalesce(g.grantee::regrole::text, '-'),
        string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type COLLATE "C")
    FROM relations AS r
    CROSS JOIN LATERAL aclexplode(r.relacl) AS g
    WHERE g.grantee <> r.relowner
    GROUP BY r.relname, g.grantee
    UNION ALL
    SELECT
        p.proname,
        'function',
        pg_catalog.format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
        replace(pg_get_functiondef(p.oid), quote_ident(current_schema()::text) || '.', '')
    FROM pg_catalog.pg_proc AS p
    WHERE
        p.pronamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND p.prokind IN ('f', 'p')
)

SELECT
    o.table_name::text AS table_name,
    o.kind::text AS kind,
    o.name::text AS name,
    o.definition::text AS definition
FROM objects AS o
ORDER BY o.table_name COLLATE "C", o.kind COLLATE "C", o.name COLLATE "C";

-- name: list_constraints()
-- List the constraints of tables: their text, whether they are checked at the end of a transaction
-- (at once: not deferrable), and whether they hold for all rows.
-- result: table_name not null, constraint_name not null, kind not null, definition not null
-- result: is_deferrable not null, is_deferred not null, is_validated not null
-- parity: query because SQLite keeps no more than the text of a table
SELECT
    c.relname::text AS table_name,
    k.conname::text AS constraint_name,
    CASE k.contype
        WHEN 'p' THEN 'primary key'
        WHEN 'u' THEN 'unique'
        WHEN 'f' THEN 'foreign key'
        WHEN 'c' THEN 'check'
        ELSE k.contype::text
    END AS kind,
    pg_get_constraintdef(k.oid) AS definition,
    k.condeferrable AS is_deferrable,
    k.condeferred AS is_deferred,
    k.convalidated AS is_validated
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_class AS c ON k.conrelid = c.oid
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND k.contype NOT IN ('n', 't')
ORDER BY c.oid, k.conname COLLATE "C";

-- name: list_storage()
-- List whether tables lose their rows in a crash, and hide them from their owner too.
-- result: table_name not null, is_unlogged not null, is_forced not null
-- parity: query because SQLite keeps no more than the text of a table
SELECT
    c.relname::text AS table_name,
    c.relpersistence = 'u' AS is_unlogged,
    c.relforcerowsecurity AS is_forced
FROM pg_catalog.pg_class AS c
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p')
ORDER BY c.oid;

-- name: list_collations()
-- List the columns of text that sort by other rules than the database's, or than by bytes ("C").
-- result: table_name not null, column_name not null, collation_name not null
-- result: is_deterministic not null
-- parity: query because SQLite's collations are in the text of a table
SELECT
    c.relname::text AS table_name,
    a.attname::text AS column_name,
    l.collname::text AS collation_name,
    l.collisdeterministic AS is_deterministic
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid
INNER JOIN pg_catalog.pg_collation AS l ON a.attcollation = l.oid
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p')
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND l.collname NOT IN ('default', 'C', 'POSIX')
ORDER BY c.oid, a.attnum;

-- name: list_view_columns()
-- List the table columns that views read.
-- result: view_name not null, table_name not null, column_name not null
-- parity: query because SQLite tells what a statement reads when it is prepared
SELECT DISTINCT
    v.relname::text AS view_name,
    t.relname::text AS table_name,
    a.attname::text AS column_name
FROM pg_catalog.pg_rewrite AS w
INNER JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid AND v.relkind IN ('v', 'm')
INNER JOIN pg_catalog.pg_depend AS d
    ON
        w.oid = d.objid
        AND d.classid = 'pg_catalog.pg_rewrite'::regclass::oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
        AND v.oid <> d.refobjid
INNER JOIN pg_catalog.pg_class AS t ON d.refobjid = t.oid
INNER JOIN pg_catalog.pg_attribute AS a ON t.oid = a.attrelid AND d.refobjsubid = a.attnum
WHERE
    v.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND a.attnum > 0
ORDER BY v.relname::text, t.relname::text, a.attname::text;
