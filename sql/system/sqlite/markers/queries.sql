-- Statements that are made of the markers in the comments of the schema files: what is stored of a
-- person, over all stores, and (PostgreSQL) policies for tenants.

-- name: plan_privacy(columns)
-- Make the statements that read and erase what is stored of a user, children before parents: a
-- statement has the user's id as :user_id and what to put in its place as :pseudonym. `columns` is a list
-- of {table_name, table_place, column_name, column_place, is_user, is_address, is_personal, members, goes, stays}:
-- members are the names under which the id is in a document; an address is that of the user in the table of users; rows of a table that goes are deleted, those of one that stays are left as they are.
-- result: table_name not null, action not null, is_limited boolean not null, export_sql not null
-- result: count_sql not null
WITH marked AS (
    SELECT
        m.value ->> '$.table_name' AS table_name,
        m.value ->> '$.table_place' AS table_place,
        m.value ->> '$.column_name' AS column_name,
        m.value ->> '$.is_user' AS is_user,
        m.value ->> '$.is_address' AS is_address,
        m.value ->> '$.is_personal' AS is_personal,
        nullif(m.value -> '$.members', 'null') AS members,
        m.value ->> '$.goes' AS goes,
        m.value ->> '$.stays' AS stays,
        c."notnull" AS not_null,
        c.dflt_value AS default_value
    FROM json_each(:columns) AS m
    INNER JOIN pragma_table_info(m.value ->> '$.table_name') AS c
        ON m.value ->> '$.column_name' = c.name
    ORDER BY m.value ->> '$.table_place', m.value ->> '$.column_place'
),

-- A member with its value as json() writes it: within a text its quotes would be escaped.
told AS (
    SELECT
        m.*,
        (
            SELECT
                group_concat(
                    printf(
                        'instr(json("%w"), ''"%s":'' || json_quote(:user_id)) > 0',
                        m.column_name,
                        n.value
                    ),
                    ' OR '
                )
            FROM json_each(m.members) AS n
        ) AS holding,
        (
            SELECT
                printf('"%w" = ', m.column_name)
                || replace(printf('%.*c', count(*), 'x'), 'x', 'replace(')
                || printf('json("%w")', m.column_name)
                || group_concat(
                    printf(
                        ', ''"%s":'' || json_quote(:user_id), ''"%s":null'')', n.value, n.value
                    ),
                    ''
                )
            FROM json_each(m.members) AS n
        ) AS emptying
    FROM marked AS m
),

parts AS (
    SELECT
        m.table_name,
        m.table_place,
        max(m.goes) AS goes,
        max(m.stays) AS stays,
        group_concat(
            printf('"%w"', m.column_name), ', '
        ) FILTER (WHERE m.holding IS NULL) AS listed,
        group_concat(
            CASE
                WHEN m.holding IS NOT NULL THEN m.holding
                WHEN m.is_user THEN printf('"%w" = :user_id', m.column_name)
                ELSE
                    printf(
                        '"%w" = (SELECT u.email_key FROM users AS u WHERE u.id = :user_id)',
                        m.column_name
                    )
            END,
            ' OR '
        ) FILTER (WHERE m.is_user OR m.is_address OR m.holding IS NOT NULL) AS of_user,
        group_concat(
            CASE
                WHEN m.holding IS NOT NULL THEN m.emptying
                WHEN m.is_user
                    THEN
                        printf(
                            '"%w" = CASE WHEN "%w" = :user_id THEN %s ELSE "%w" END',
                            m.column_name,
                            m.column_name,
                            CASE WHEN m.not_null THEN ':pseudonym' ELSE 'NULL' END,
                            m.column_name
                        )
                ELSE
                    printf(
                        '"%w" = %s',
                        m.column_name,
                        CASE
                            WHEN m.not_null THEN coalesce(m.default_value, '''''')
                            ELSE 'NULL'
                        END
                    )
            END,
            ', '
        ) FILTER (
            WHERE m.is_user OR m.is_address OR m.is_personal OR m.holding IS NOT NULL
        ) AS emptied
    FROM told AS m
    GROUP BY m.table_name, m.table_place
    HAVING max(m.is_user OR m.is_address OR m.holding IS NOT NULL)
)

SELECT
    p.table_name,
    CASE WHEN p.stays THEN 'kept' WHEN p.goes THEN 'deleted' ELSE 'emptied' END AS action,
    FALSE AS is_limited,
    printf('SELECT %s FROM "%w" WHERE %s', p.listed, p.table_name, p.of_user) AS export_sql,
    printf('SELECT count(*) AS total FROM "%w" WHERE %s', p.table_name, p.of_user) AS count_sql,
    CASE
        WHEN p.stays THEN NULL
        WHEN p.goes THEN printf('DELETE FROM "%w" WHERE %s', p.table_name, p.of_user)
        ELSE printf('UPDATE "%w" SET %s WHERE %s', p.table_name, p.emptied, p.of_user)
    END AS erase_sql
FROM parts AS p
ORDER BY p.table_place DESC;
