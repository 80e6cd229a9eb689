-- Statements that are made of the markers in the comments of the schema files: what is stored of a
-- person, over all stores, and (PostgreSQL) policies for tenants.

-- name: plan_privacy(columns)
-- Make the statements that read and erase what is stored of a user, children before parents: a
-- statement has the user's id as $1 and, where it needs one, what to put in its place as $2. `columns`
-- is a list of {table_name, table_place, column_name, column_place, is_user, is_address, is_personal,
-- members, goes, stays}: members are the names under which the id is in a document; an address is that of the user in the table of users; rows of a table that goes are deleted, those of one that stays are left as they are.
-- result: table_name not null, action not null, is_limited not null, export_sql not null
-- result: count_sql not null
WITH marked AS (
    SELECT
        m.table_name,
        m.table_place,
        m.column_name,
        m.column_place,
        m.is_user,
        m.is_address,
        m.is_personal,
        m.members,
        m.goes,
        m.stays,
        c.oid,
        a.attnotnull AS not_null,
        pg_get_expr(d.adbin, d.adrelid) AS default_value
    FROM
        jsonb_to_recordset(:columns::jsonb) AS m (
            table_name TEXT,
            table_place INTEGER,
            column_name TEXT,
            column_place INTEGER,
            is_user BOOLEAN,
            is_address BOOLEAN,
            is_personal BOOLEAN,
            members JSONB,
            goes BOOLEAN,
            stays BOOLEAN
        )
    INNER JOIN pg_catalog.pg_class AS c
        ON
            m.table_name = c.relname::text
            AND c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
            AND c.relkind IN ('r', 'p')
    INNER JOIN pg_catalog.pg_attribute AS a
        ON c.oid = a.attrelid AND m.column_name = a.attname::text AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
),

-- A member with its value as JSONB writes it: within a text its quotes would be escaped.
within AS (
    SELECT
        m.oid,
        m.column_name,
        string_agg(
            pg_catalog.format(
                'strpos(%I::text, %L || to_jsonb($1::text)::text) > 0',
                m.column_name,
                pg_catalog.format('"%s": ', n.name)
            ),
            ' OR '
            ORDER BY n.name COLLATE "C"
        ) AS holding,
        pg_catalog.format(
            '%1$I = %2$s%1$I::text', m.column_name, repeat('replace(', count(*)::integer)
        )
        || string_agg(
            pg_catalog.format(
                ', %L || to_jsonb($1::text)::text, %L)',
                pg_catalog.format('"%s": ', n.name),
                pg_catalog.format('"%s": null', n.name)
            ),
            ''
            ORDER BY n.name COLLATE "C"
        )
        || '::jsonb' AS emptying
    FROM marked AS m
    CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(m.members) AS n (name)
    WHERE jsonb_typeof(m.members) = 'array'
    GROUP BY m.oid, m.column_name
),

parts AS (
    SELECT
        m.table_name,
        m.table_place,
        m.oid,
        bool_or(m.goes) AS goes,
        bool_or(m.stays) AS stays,
        string_agg(
            pg_catalog.format('%I', m.column_name), ', '
            ORDER BY m.column_place
        ) FILTER (WHERE w.holding IS NULL) AS listed,
        string_agg(
            coalesce(
                w.holding,
                pg_catalog.format(
                    CASE
                        WHEN m.is_user THEN '%I = $1'
                        ELSE '%I = (SELECT u.email_key FROM users AS u WHERE u.id = $1)'
                    END,
                    m.column_name
                )
            ),
            ' OR '
            ORDER BY m.column_place
        ) FILTER (WHERE m.is_user OR m.is_address OR w.holding IS NOT NULL) AS of_user,
        string_agg(
            CASE
                WHEN w.holding IS NOT NULL THEN w.emptying
                WHEN m.is_user
                    THEN
                        pg_catalog.format(
                            '%1$I = CASE WHEN %1$I = $1 THEN %2$s ELSE %1$I END',
                            m.column_name,
                            CASE WHEN m.not_null THEN '$2' ELSE 'NULL' END
                        )
                ELSE
                    pg_catalog.format(
                        '%I = %s',
                        m.column_name,
                        CASE
                            WHEN m.not_null THEN coalesce(m.default_value, '''''')
                            ELSE 'NULL'
                        END
                    )
            END,
            ', '
            ORDER BY m.column_place
        ) FILTER (
            WHERE m.is_user OR m.is_address OR m.is_personal OR w.holding IS NOT NULL
        ) AS emptied
    FROM marked AS m
    LEFT JOIN within AS w ON m.oid = w.oid AND m.column_name = w.column_name
    GROUP BY m.table_name, m.table_place, m.oid
    HAVING bool_or(m.is_user OR m.is_address OR w.holding IS NOT NULL)
)

SELECT
    p.table_name,
    CASE WHEN p.stays THEN 'kept' WHEN p.goes THEN 'deleted' ELSE 'emptied' END AS action,
    -- Row level security would hide a part of it without a word.
    row_security_active(p.oid) AS is_limited,
    pg_catalog.format('SELECT %s FROM %I WHERE %s', p.listed, p.table_name, p.of_user)
        AS export_sql,
    pg_catalog.format('SELECT count(*) AS total FROM %I WHERE %s', p.table_name, p.of_user)
        AS count_sql,
    CASE
        WHEN p.stays THEN NULL
        WHEN p.goes THEN pg_catalog.format('DELETE FROM %I WHERE %s', p.table_name, p.of_user)
        ELSE pg_catalog.format('UPDATE %I SET %s WHERE %s', p.table_name, p.emptied, p.of_user)
    END AS erase_sql
FROM parts AS p
ORDER BY p.table_place DESC;

-- name: find_role(role_name)^
-- Tell of a role whether row level security lets it by, and whether it owns the table of versions.
-- result: bypasses not null, owns not null
-- parity: query because SQLite has no roles
SELECT
    r.rolsuper OR r.rolbypassrls AS bypasses,
    coalesce(pg_has_role(r.oid, c.relowner, 'USAGE'), FALSE) AS owns
FROM pg_catalog.pg_roles AS r
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass('_schema_versions')::oid
WHERE r.rolname = :role_name::name;

-- name: plan_tenant_policies(table_names, columns, role_name)
-- List the statements that let a role see and change the rows of one tenant: those in whose tenant's
-- column the setting aragora.org_id is, and those whose foreign keys lead to such a row. `columns` is a
-- list of {table_name, column_name, is_shared}; rows of a shared table in which it is '' may be read.
-- result: table_name not null, ddl not null
-- parity: query because SQLite has no roles
WITH RECURSIVE relations AS (
    SELECT
        c.oid,
        c.relname::text AS name
    FROM pg_catalog.pg_class AS c
    WHERE
        c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND c.relkind IN ('r', 'p')
        AND c.relname::text = any(:table_names::text[])
),

-- What is set for a transaction only is '' after it, and not NULL.
scoped AS (
    SELECT
        r.oid,
        r.name,
        0 AS depth,
        pg_catalog.format(
            '%I = (SELECT nullif(current_setting(''aragora.org_id'', TRUE), ''''))', t.column_name
        ) COLLATE "C" AS own_rows,
        CASE
            WHEN t.is_shared
                THEN
                    pg_catalog.format(
                        '%I = '''' AND (SELECT current_setting(''aragora.org_id'', TRUE)) <> ''''',
                        t.column_name
                    )
        END COLLATE "C" AS shared_rows
    FROM
        jsonb_to_recordset(:columns::jsonb)
            AS t (table_name TEXT, column_name TEXT, is_shared BOOLEAN)
    INNER JOIN relations AS r ON t.table_name = r.name
    UNION
    SELECT
        r.oid,
        r.name,
        s.depth + 1,
        pg_catalog.format(
            'EXISTS (SELECT 1 FROM %I.%I AS parent WHERE %s)',
            current_schema(),
            s.name,
            (
                SELECT
                    string_agg(
                        pg_catalog.format('parent.%I = %I.%I', p.attname, r.name, a.attname),
                        ' AND '
                        ORDER BY n.position
                    )
                FROM pg_catalog.generate_subscripts(k.conkey, 1) AS n (position)
                INNER JOIN pg_catalog.pg_attribute AS a
                    ON k.conrelid = a.attrelid AND a.attnum = k.conkey[n.position]
                INNER JOIN pg_catalog.pg_attribute AS p
                    ON p.attrelid = k.confrelid AND p.attnum = k.confkey[n.position]
            )
        ) COLLATE "C",
        NULL::text COLLATE "C"
    FROM scoped AS s
    INNER JOIN pg_catalog.pg_constraint AS k ON s.oid = k.confrelid AND k.contype = 'f'
    INNER JOIN relations AS r ON k.conrelid = r.oid
    WHERE
        s.depth < 8
        AND NOT EXISTS (
            SELECT 1
            FROM jsonb_to_recordset(:columns::jsonb) AS t (table_name TEXT)
            WHERE t.table_name = r.name
        )
),

chosen AS (
    SELECT DISTINCT ON (s.oid)
        s.oid,
        s.name,
        s.own_rows,
        s.shared_rows,
        left('aragora_tenant_' || :role_name::text, 56) AS policy
    FROM scoped AS s
    ORDER BY s.oid, s.depth, s.own_rows COLLATE "C"
),

statements AS (
    SELECT
        c.name AS table_name,
        1 AS place,
        pg_catalog.format('DROP POLICY IF EXISTS %I ON %I', c.policy, c.name) AS ddl
    FROM chosen AS c
    UNION ALL
    SELECT
        c.name,
        2,
        pg_catalog.format(
            'CREATE POLICY %I ON %I TO %I USING (%s) WITH CHECK (%s)',
            c.policy, c.name, :role_name::text, c.own_rows, c.own_rows
        )
    FROM chosen AS c
    UNION ALL
    SELECT
        c.name,
        3,
        pg_catalog.format('DROP POLICY IF EXISTS %I ON %I', c.policy || '_shared', c.name)
    FROM chosen AS c
    UNION ALL
    SELECT
        c.name,
        4,
        pg_catalog.format(
            'CREATE POLICY %I ON %I FOR SELECT TO %I USING (%s)',
            c.policy || '_shared', c.name, :role_name::text, c.shared_rows
        )
    FROM chosen AS c
    WHERE c.shared_rows IS NOT NULL
    UNION ALL
    SELECT
        c.name,
        5,
        pg_catalog.format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I TO %I', c.name, :role_name::text
        )
    FROM chosen AS c
    UNION ALL
    SELECT
        c.name,
        6,
        pg_catalog.format(
            'GRANT USAGE, SELECT ON SEQUENCE %I TO %I', q.relname, :role_name::text
        )
    FROM chosen AS c
    INNER JOIN pg_catalog.pg_depend AS d
        ON c.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
    INNER JOIN pg_catalog.pg_class AS q ON d.objid = q.oid AND q.relkind = 'S'
    UNION ALL
    -- Which versions there are may be read in any case: it is what stores begin with.
    SELECT
        '_schema_versions',
        g.place,
        pg_catalog.format(g.template, 'aragora_read_' || :role_name::text, :role_name::text)
    FROM (
        VALUES
        (7, 'DROP POLICY IF EXISTS %1$I ON _schema_versions'),
        (8, 'CREATE POLICY %1$I ON _schema_versions FOR SELECT TO %2$I USING (TRUE)'),
        (9, 'GRANT SELECT ON TABLE _schema_versions TO %2$I')
    ) AS g (place, template)
    UNION ALL
    SELECT
        '_schema_versions',
        10,
        pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), :role_name::text)
)

SELECT
    s.table_name,
    s.ddl
FROM statements AS s
ORDER BY s.table_name COLLATE "C", s.place, s.ddl COLLATE "C";
