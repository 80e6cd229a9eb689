-- What is stored of a person, over all stores, by the markers in the comments of the schema files.

-- name: plan_privacy(columns)
-- Make the statements that read and erase what is stored of a user, children before parents: a
-- statement has the user's id as $1 and, where it needs one, what to put in its place as $2. `columns`
-- is a list of {table_name, table_place, column_name, column_place, is_user, is_personal, goes, stays}:
-- rows of a table that goes are deleted, those of one that stays are left as they are.
-- result: table_name not null, action not null, is_limited not null, export_sql not null
-- result: count_sql not null
WITH marked AS (
    SELECT
        m.table_name,
        m.table_place,
        m.column_name,
        m.column_place,
        m.is_user,
        m.is_personal,
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
            is_personal BOOLEAN,
            goes BOOLEAN,
            stays BOOLEAN
        )
    INNER JOIN pg_catalog.pg_class AS c
        ON
            m.table_name = c.relname::text
            AND c.relnamespace = to_regnamespace(quote_ident(current_schema()::text))::oid
            AND c.relkind IN ('r', 'p')
    INNER JOIN pg_catalog.pg_attribute AS a
        ON c.oid = a.attrelid AND m.column_name = a.attname::text AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
),

parts AS (
    SELECT
        m.table_name,
        m.table_place,
        m.oid,
        bool_or(m.goes) AS goes,
        bool_or(m.stays) AS stays,
        string_agg(pg_catalog.format('%I', m.column_name), ', ' ORDER BY m.column_place) AS listed,
        string_agg(
            pg_catalog.format('%I = $1', m.column_name), ' OR ' ORDER BY m.column_place
        ) FILTER (WHERE m.is_user) AS of_user,
        string_agg(
            CASE
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
        ) FILTER (WHERE m.is_user OR m.is_personal) AS emptied
    FROM marked AS m
    GROUP BY m.table_name, m.table_place, m.oid
    HAVING bool_or(m.is_user)
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
