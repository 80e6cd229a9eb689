-- How a table that grows for ever is put into partitions, and how partitions are looked after.
--
-- A unique key of a partitioned table has to contain the column that divides it. The keys of a table
-- that do not are held by a plain table beside it, NAME_keys: triggers keep one row there for each row
-- of the table, its rules have the names of the rules that they stand for, and foreign keys lead to it.
-- Each partition keeps its own index of these keys, which finds its rows.
--
-- Most of these queries write the statements of a step, which are run one after the other.

-- name: get_table(table_name, column_name)^
-- Tell how far a table is: what it is (r: plain, p: in partitions), and what a run has made so far.
SELECT
    c.oid::bigint AS table_id,
    c.relkind::text AS kind,
    pg_has_role(c.relowner, 'USAGE') AS is_owner,
    pg_get_userbyid(c.relowner)::text AS owner_name,
    greatest(c.reltuples, 0)::bigint AS estimated_rows,
    format_type(a.atttypid, a.atttypmod) AS column_type,
    coalesce(a.attnotnull, FALSE) AS is_not_null,
    exists(
        SELECT 1
        FROM pg_catalog.pg_partitioned_table AS d
        WHERE d.partrelid = c.oid AND d.partstrat = 'r' AND d.partattrs::text = a.attnum::text
    ) AS is_by_column,
    k.oid IS NOT NULL
    AND EXISTS (
        SELECT 1
        FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = c.oid AND t.tgname::text = c.relname::text || '_keys_removed'
    ) AS has_keys,
    coalesce(obj_description(k.oid, 'pg_class'::name) LIKE '%(complete)', FALSE) AS has_all_keys,
    (
        SELECT b.convalidated
        FROM pg_catalog.pg_constraint AS b
        WHERE b.conrelid = c.oid AND b.conname::text = c.relname::text || '_until'
    ) AS is_bound_valid,
    (
        SELECT pg_get_constraintdef(b.oid)
        FROM pg_catalog.pg_constraint AS b
        WHERE b.conrelid = c.oid AND b.conname::text = c.relname::text || '_until'
    ) AS bound_definition,
    (
        SELECT
            string_agg(
                DISTINCT w.ev_class::regclass::text, ', ' ORDER BY w.ev_class::regclass::text
            )
        FROM pg_catalog.pg_depend AS d
        INNER JOIN pg_catalog.pg_rewrite AS w ON d.objid = w.oid
        WHERE
            d.classid = 'pg_catalog.pg_rewrite'::regclass::oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
            AND d.refobjid = c.oid
            AND w.ev_class <> c.oid
    ) AS views,
    (
        SELECT string_agg(f.conname::text, ', ' ORDER BY f.conname COLLATE "C")
        FROM pg_catalog.pg_constraint AS f
        WHERE f.contype = 'f' AND c.oid IN (f.conrelid, f.confrelid)
    ) AS foreign_keys,
    (
        SELECT string_agg(i.inhparent::regclass::text, ', ')
        FROM pg_catalog.pg_inherits AS i
        WHERE i.inhrelid = c.oid OR (i.inhparent = c.oid AND c.relkind = 'r')
    ) AS relatives,
    has_schema_privilege(current_schema()::text, 'CREATE') AS may_create
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_attribute AS a
    ON c.oid = a.attrelid AND a.attname::text = :column_name AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_class AS k
    ON
        c.relnamespace = k.relnamespace
        AND k.relname::text = c.relname::text || '_keys'
        AND k.relkind = 'r'
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relname::text = :table_name
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f');

-- name: list_taken_names(names)
-- List those of some names that a relation in the schema where tables go has.
SELECT c.relname::text AS name
FROM pg_catalog.pg_class AS c
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relname::text = any(:names::text[])
ORDER BY c.relname COLLATE "C";

-- name: list_partitions(table_name)
-- List the partitions of a table in their order, with their bounds as the server writes them (NULL:
-- none), their sizes, and whether one is about to be detached.
WITH bounds AS (
    SELECT
        c.oid,
        c.relname::text AS name,
        c.reltuples,
        coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending'::text)::boolean, FALSE)
            AS is_leaving,
        pg_catalog.regexp_match(
            pg_get_expr(c.relpartbound, c.oid),
            '^FOR VALUES FROM \((?:MINVALUE|''(.*)'')\) TO \((?:MAXVALUE|''(.*)'')\)$'::text
        ) AS parts,
        pg_get_expr(c.relpartbound, c.oid) AS bound,
        format_type(a.atttypid, a.atttypmod) AS column_type
    FROM pg_catalog.pg_inherits AS i
    INNER JOIN pg_catalog.pg_class AS p ON i.inhparent = p.oid
    INNER JOIN pg_catalog.pg_class AS c ON i.inhrelid = c.oid
    INNER JOIN pg_catalog.pg_partitioned_table AS d ON p.oid = d.partrelid
    INNER JOIN pg_catalog.pg_attribute AS a
        ON p.oid = a.attrelid AND d.partattrs[0] = a.attnum
    WHERE
        p.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND p.relname::text = :table_name
)

SELECT
    b.name,
    b.bound,
    b.parts[1] AS lower_text,
    b.parts[2] AS upper_text,
    CASE
        WHEN b.column_type = 'timestamp with time zone' THEN b.parts[1]::timestamptz
    END AS lower_time,
    CASE
        WHEN b.column_type = 'timestamp with time zone' THEN b.parts[2]::timestamptz
    END AS upper_time,
    b.is_leaving,
    greatest(b.reltuples, 0)::bigint AS estimated_rows,
    pg_total_relation_size(b.oid::regclass) AS size_bytes
FROM bounds AS b
ORDER BY b.parts[1] COLLATE "C" ASC NULLS FIRST, b.parts[2] COLLATE "C" ASC NULLS LAST;

-- name: list_keys(table_name, column_name)
-- List the unique rules of a table that do not contain a column, with their columns, the primary key
-- first.
SELECT
    k.conname::text AS constraint_name,
    array(
        SELECT a.attname::text
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS n (attnum, place)
        INNER JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = k.conrelid AND n.attnum = a.attnum
        ORDER BY n.place
    ) AS columns
FROM pg_catalog.pg_constraint AS k
WHERE
    k.conrelid = to_regclass(quote_ident(:table_name))::oid
    AND k.contype IN ('p', 'u')
    AND NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_attribute AS a
        WHERE
            a.attrelid = k.conrelid
            AND a.attnum = any(k.conkey)
            AND a.attname::text = :column_name
    )
ORDER BY k.contype, k.conname COLLATE "C";

-- name: list_unique_indexes(table_name, column_name)
-- List the unique indexes of a table that are no rule and do not contain a column.
SELECT i.relname::text AS index_name
FROM pg_catalog.pg_index AS x
INNER JOIN pg_catalog.pg_class AS i ON x.indexrelid = i.oid
WHERE
    x.indrelid = to_regclass(quote_ident(:table_name))::oid
    AND x.indisunique
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.oid)
    AND NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_attribute AS a
        WHERE
            a.attrelid = x.indrelid
            AND a.attnum = any(x.indkey)
            AND a.attname::text = :column_name
    )
ORDER BY i.relname COLLATE "C";

-- name: plan_keys(table_name, columns, key_columns)
-- Make the table of a table's keys, and the triggers that keep it: at the end of each statement, whose
-- rows are added at once. `columns` are those of all keys, `key_columns` those of the first.
WITH given AS (
    SELECT
        c.oid,
        c.relname::text AS name,
        c.relname::text || '_keys' AS keys,
        current_schema()::text AS home,
        (
            SELECT string_agg(quote_ident(n.name), ', ' ORDER BY n.place)
            FROM pg_catalog.unnest(:columns::text[]) WITH ORDINALITY AS n (name, place)
        ) AS listed,
        (
            SELECT string_agg('new.' || quote_ident(n.name), ', ' ORDER BY n.place)
            FROM pg_catalog.unnest(:columns::text[]) WITH ORDINALITY AS n (name, place)
        ) AS new_values,
        (
            SELECT string_agg('old.' || quote_ident(n.name), ', ' ORDER BY n.place)
            FROM pg_catalog.unnest(:columns::text[]) WITH ORDINALITY AS n (name, place)
        ) AS old_values,
        (
            SELECT
                string_agg(
                    pg_catalog.format(
                        '%I %s%s%s',
                        a.attname,
                        format_type(a.atttypid, a.atttypmod),
                        coalesce(' COLLATE ' || quote_ident(l.collname::text), ''),
                        CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
                    ),
                    ', '
                    ORDER BY n.place
                )
            FROM pg_catalog.unnest(:columns::text[]) WITH ORDINALITY AS n (name, place)
            INNER JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid = c.oid AND n.name = a.attname::text
            INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
            LEFT JOIN pg_catalog.pg_collation AS l
                ON a.attcollation = l.oid AND a.attcollation <> t.typcollation
        ) AS defined,
        (
            SELECT
                string_agg(
                    pg_catalog.format('k.%1$I = removed.%1$I', n.name), ' AND ' ORDER BY n.place
                )
            FROM pg_catalog.unnest(:key_columns::text[]) WITH ORDINALITY AS n (name, place)
        ) AS same_removed,
        (
            SELECT
                string_agg(
                    pg_catalog.format('k.%1$I = old.%1$I', n.name), ' AND ' ORDER BY n.place
                )
            FROM pg_catalog.unnest(:key_columns::text[]) WITH ORDINALITY AS n (name, place)
        ) AS same_old
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = to_regclass(quote_ident(:table_name))::oid
),

-- Whom default privileges may have given rights on a new table.
roles AS (
    SELECT 'PUBLIC' AS role_name
    UNION ALL
    SELECT quote_ident(o.rolname::text)
    FROM pg_catalog.pg_roles AS o
    WHERE o.rolname IN ('anon', 'authenticated')
),

statements AS (
    SELECT
        1 AS place,
        pg_catalog.format('CREATE TABLE %I.%I (%s)', g.home, g.keys, g.defined) AS ddl
    FROM given AS g
    UNION ALL
    SELECT
        2,
        pg_catalog.format(
            'ALTER TABLE %I.%I ADD CONSTRAINT %I %s',
            g.home, g.keys,
            replace(k.conname::text, g.name, g.keys),
            pg_get_constraintdef(k.oid)
        )
    FROM given AS g
    INNER JOIN pg_catalog.pg_constraint AS k ON g.oid = k.conrelid AND k.contype IN ('p', 'u')
    UNION ALL
    SELECT
        3,
        pg_catalog.format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', g.home, g.keys)
    FROM given AS g
    UNION ALL
    SELECT
        3,
        pg_catalog.format('REVOKE ALL ON %I.%I FROM %s', g.home, g.keys, r.role_name)
    FROM given AS g
    CROSS JOIN roles AS r
    UNION ALL
    SELECT
        4,
        pg_catalog.format(
            'CREATE OR REPLACE FUNCTION %1$I.%2$I() RETURNS TRIGGER LANGUAGE plpgsql '
            || 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$ BEGIN '
            || 'IF tg_op = ''INSERT'' THEN '
            || 'INSERT INTO %1$I.%3$I (%4$s) SELECT %4$s FROM added; '
            || 'ELSIF tg_op = ''DELETE'' THEN '
            || 'DELETE FROM %1$I.%3$I AS k USING removed WHERE %6$s; '
            || 'ELSIF tg_op = ''UPDATE'' THEN '
            || 'UPDATE %1$I.%3$I AS k SET (%4$s) = ROW(%5$s) WHERE %7$s; RETURN new; '
            || 'ELSE TRUNCATE %1$I.%3$I; END IF; RETURN NULL; END $body$',
            g.home, g.keys || '_follow', g.keys, g.listed, g.new_values, g.same_removed, g.same_old
        )
    FROM given AS g
    UNION ALL
    SELECT
        5,
        pg_catalog.format(
            'REVOKE ALL ON FUNCTION %I.%I() FROM PUBLIC', g.home, g.keys || '_follow'
        )
    FROM given AS g
    UNION ALL
    SELECT
        6,
        pg_catalog.format(
            'CREATE TRIGGER %I %s ON %I.%I %s EXECUTE FUNCTION %I.%I()',
            g.keys || t.suffix,
            t.event,
            g.home, g.name,
            pg_catalog.format(t.way, g.old_values, g.new_values),
            g.home, g.keys || '_follow'
        )
    FROM given AS g
    CROSS JOIN (
        VALUES
        ('_added', 'AFTER INSERT', 'REFERENCING NEW TABLE AS added FOR EACH STATEMENT'),
        ('_removed', 'AFTER DELETE', 'REFERENCING OLD TABLE AS removed FOR EACH STATEMENT'),
        ('_changed', 'BEFORE UPDATE', 'FOR EACH ROW WHEN ((%s) IS DISTINCT FROM (%s))'),
        ('_emptied', 'AFTER TRUNCATE', 'FOR EACH STATEMENT')
    ) AS t (suffix, event, way)
)

SELECT s.ddl
FROM statements AS s
ORDER BY s.place, s.ddl COLLATE "C";

-- name: plan_filling(table_name, columns, key_columns)$
-- Write the statement that copies the keys of a page of rows: behind the key $1 (a JSON object, NULL:
-- from the start), $2 rows of it. Nobody can delete one of these rows meanwhile.
SELECT
    pg_catalog.format(
        'WITH page AS (SELECT %1$s FROM %2$s AS t WHERE $1::jsonb IS NULL OR (%3$s) > '
        || '(SELECT %4$s FROM jsonb_populate_record(NULL::%2$s, $1::jsonb) AS p) '
        || 'ORDER BY %3$s LIMIT $2::integer FOR KEY SHARE OF t), '
        || 'added AS (INSERT INTO %5$s (%1$s) SELECT %1$s FROM page ON CONFLICT DO NOTHING) '
        || 'SELECT count(*) AS rows, '
        || '(SELECT jsonb_build_object(%6$s) FROM page AS t ORDER BY %7$s LIMIT 1) AS last_key '
        || 'FROM page',
        (
            SELECT string_agg(quote_ident(o.name), ', ' ORDER BY o.place)
            FROM pg_catalog.unnest(:columns::text[]) WITH ORDINALITY AS o (name, place)
        ),
        quote_ident(current_schema()::text) || '.' || quote_ident(:table_name::text),
        string_agg('t.' || quote_ident(n.name), ', ' ORDER BY n.place),
        string_agg('p.' || quote_ident(n.name), ', ' ORDER BY n.place),
        quote_ident(current_schema()::text) || '.' || quote_ident(:table_name::text || '_keys'),
        string_agg(
            pg_catalog.format('%L, t.%I', n.name, n.name), ', '
            ORDER BY n.place
        ),
        string_agg(pg_catalog.format('t.%I DESC', n.name), ', ' ORDER BY n.place)
    ) AS statement
FROM pg_catalog.unnest(:key_columns::text[]) WITH ORDINALITY AS n (name, place);

-- name: plan_filled(table_name)$
-- Write the statement that marks the table of keys as complete.
SELECT
    pg_catalog.format(
        'COMMENT ON TABLE %I.%I IS %L',
        current_schema(),
        :table_name::text || '_keys',
        'Unique keys of ' || :table_name::text || ', in whichever partition a row is. (complete)'
    ) AS ddl;

-- name: plan_bound(table_name, column_name, upper_bound)
-- Have the rows of a table stay below a bound, those that are there by the second statement.
SELECT s.ddl
FROM (
    VALUES
    (
        1,
        pg_catalog.format(
            'ALTER TABLE %I.%I ADD CONSTRAINT %I CHECK (%I < %L) NOT VALID',
            current_schema(),
            :table_name::text,
            :table_name::text || '_until',
            :column_name::text,
            :upper_bound::text
        )
    ),
    (
        2,
        pg_catalog.format(
            'ALTER TABLE %I.%I VALIDATE CONSTRAINT %I',
            current_schema(), :table_name::text, :table_name::text || '_until'
        )
    )
) AS s (place, ddl)
ORDER BY s.place;

-- name: plan_unbound(table_name)$
-- Write the statement that takes the bound of a table back.
SELECT
    pg_catalog.format(
        'ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I',
        current_schema(), :table_name::text, :table_name::text || '_until'
    ) AS ddl;

-- name: plan_counting(table_name, column_name, lower_bound)$
-- Write the statement that counts the rows from a bound on, up to $1 of them, with the last one.
SELECT
    pg_catalog.format(
        'SELECT count(*) AS rows, max(t.%2$I)::text AS last FROM (SELECT %2$I FROM %1$s '
        || 'WHERE %2$I >= %3$L LIMIT $1::integer) AS t',
        quote_ident(current_schema()::text) || '.' || quote_ident(:table_name::text),
        :column_name::text,
        :lower_bound::text
    ) AS statement;

-- name: plan_lock(table_name)$
-- Write the statement that keeps a table for one transaction alone.
SELECT
    pg_catalog.format(
        'LOCK TABLE ONLY %I.%I IN ACCESS EXCLUSIVE MODE', current_schema(), :table_name::text
    ) AS ddl;

-- name: plan_switch(table_name, column_name, first_name, upper_bound)
-- Put a partitioned table into the place of a plain one, which becomes its first partition. Nothing
-- here reads the rows: it is for the one who holds the locks of plan_lock.
WITH given AS (
    SELECT
        c.oid,
        c.relname::text AS name,
        c.relname::text || '_keys' AS keys,
        :first_name::text AS first_name,
        current_schema()::text AS home,
        :column_name::text AS column_name,
        c.relowner,
        c.relrowsecurity,
        c.relforcerowsecurity,
        c.relacl
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = to_regclass(quote_ident(:table_name::text))::oid
),

-- The name of an index or a rule in a partition.
indexes AS (
    SELECT
        g.home,
        g.name AS table_name,
        g.first_name,
        g.keys,
        i.relname::text AS name,
        k.conname IS NOT NULL AS is_rule,
        k.oid AS rule_oid,
        pg_get_indexdef(i.oid) AS definition,
        left(
            CASE
                WHEN position(g.name IN i.relname::text) > 0
                    THEN replace(i.relname::text, g.name, g.first_name)
                ELSE g.first_name || '_' || i.relname::text
            END,
            63
        ) AS first_index,
        -- Whether the partitioned table can have the rule.
        exists(
            SELECT 1
            FROM pg_catalog.pg_attribute AS a
            WHERE
                a.attrelid = g.oid
                AND a.attnum = any(x.indkey)
                AND a.attname::text = g.column_name
        ) AS has_column
    FROM given AS g
    INNER JOIN pg_catalog.pg_index AS x ON g.oid = x.indrelid
    INNER JOIN pg_catalog.pg_class AS i ON x.indexrelid = i.oid
    LEFT JOIN pg_catalog.pg_constraint AS k
        ON i.oid = k.conindid AND k.contype IN ('p', 'u')
),

sequences AS (
    SELECT
        g.home,
        g.name AS table_name,
        a.attname AS column_name,
        q.relname AS sequence_name,
        q.relacl,
        q.relowner,
        CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END AS way,
        s.seqincrement,
        s.seqmin,
        s.seqmax,
        s.seqcache,
        coalesce(pg_sequence_last_value(q.oid::regclass) + s.seqincrement, s.seqstart) AS next_value
    FROM given AS g
    INNER JOIN pg_catalog.pg_attribute AS a
        ON g.oid = a.attrelid AND a.attidentity <> '' AND NOT a.attisdropped
    INNER JOIN pg_catalog.pg_depend AS d
        ON
            g.oid = d.refobjid
            AND a.attnum = d.refobjsubid
            AND d.deptype = 'i'
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
            AND d.classid = 'pg_catalog.pg_class'::regclass::oid
    INNER JOIN pg_catalog.pg_class AS q ON d.objid = q.oid AND q.relkind = 'S'
    INNER JOIN pg_catalog.pg_sequence AS s ON q.oid = s.seqrelid
),

triggers AS (
    SELECT
        g.home,
        g.name AS table_name,
        t.tgname,
        t.tgenabled,
        pg_get_triggerdef(t.oid) AS definition
    FROM given AS g
    INNER JOIN pg_catalog.pg_trigger AS t ON g.oid = t.tgrelid
    WHERE NOT t.tgisinternal
),

-- Whom default privileges may have given rights on a new table.
roles AS (
    SELECT 'PUBLIC' AS role_name
    UNION ALL
    SELECT quote_ident(o.rolname::text)
    FROM pg_catalog.pg_roles AS o
    WHERE o.rolname IN ('anon', 'authenticated')
),

statements AS (
    SELECT
        12 AS place,
        pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, t.home, t.table_name) AS ddl
    FROM triggers AS t
    UNION ALL
    SELECT
        13,
        pg_catalog.format(
            'ALTER TABLE %I.%I ALTER COLUMN %I DROP IDENTITY', s.home, s.table_name, s.column_name
        )
    FROM sequences AS s
    UNION ALL
    SELECT
        14,
        pg_catalog.format('ALTER INDEX %I.%I RENAME TO %I', i.home, i.name, i.first_index)
    FROM indexes AS i
    UNION ALL
    -- The rules of the table of keys get the names of those that they stand for.
    SELECT
        15,
        pg_catalog.format(
            'ALTER INDEX %I.%I RENAME TO %I', i.home, replace(i.name, i.table_name, i.keys), i.name
        )
    FROM indexes AS i
    WHERE i.is_rule AND NOT i.has_column
    UNION ALL
    SELECT
        16,
        pg_catalog.format('ALTER TABLE %I.%I RENAME TO %I', g.home, g.name, g.first_name)
    FROM given AS g
    UNION ALL
    SELECT
        20,
        pg_catalog.format(
            'CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
            || 'INCLUDING GENERATED INCLUDING COMMENTS INCLUDING STORAGE) '
            || 'PARTITION BY RANGE (%4$I)',
            g.home, g.name, g.first_name, g.column_name
        )
    FROM given AS g
    UNION ALL
    SELECT
        21,
        pg_catalog.format(
            'ALTER TABLE %I.%I DROP CONSTRAINT %I', g.home, g.name, g.name || '_until'
        )
    FROM given AS g
    UNION ALL
    SELECT
        22,
        pg_catalog.format('ALTER TABLE %I.%I OWNER TO %I', g.home, g.name, r.rolname)
    FROM given AS g
    INNER JOIN pg_catalog.pg_roles AS r ON g.relowner = r.oid
    UNION ALL
    SELECT
        23,
        pg_catalog.format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', g.home, g.name)
    FROM given AS g
    WHERE g.relrowsecurity
    UNION ALL
    SELECT
        23,
        pg_catalog.format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', g.home, g.name)
    FROM given AS g
    WHERE g.relforcerowsecurity
    UNION ALL
    SELECT
        24,
        pg_catalog.format(
            'CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s',
            y.polname,
            g.home,
            g.name,
            CASE WHEN y.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
            CASE y.polcmd
                WHEN 'r' THEN 'SELECT'
                WHEN 'a' THEN 'INSERT'
                WHEN 'w' THEN 'UPDATE'
                WHEN 'd' THEN 'DELETE'
                ELSE 'ALL'
            END,
            (
                SELECT
                    string_agg(
                        CASE
                            WHEN p.role = 0::oid THEN 'PUBLIC'
                            ELSE quote_ident(pg_get_userbyid(p.role)::text)
                        END,
                        ', '
                    )
                FROM pg_catalog.unnest(y.polroles) AS p (role)
            ),
            coalesce(' USING (' || pg_get_expr(y.polqual, y.polrelid) || ')', ''),
            coalesce(' WITH CHECK (' || pg_get_expr(y.polwithcheck, y.polrelid) || ')', '')
        )
    FROM given AS g
    INNER JOIN pg_catalog.pg_policy AS y ON g.oid = y.polrelid
    UNION ALL
    -- What default privileges gave away, and then what the table had granted.
    SELECT
        25,
        pg_catalog.format('REVOKE ALL ON %I.%I FROM %s', g.home, n.name, r.role_name)
    FROM given AS g
    CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[g.name, g.first_name]) AS n (name)
    CROSS JOIN roles AS r
    UNION ALL
    SELECT
        26,
        pg_catalog.format(
            'GRANT %s ON %I.%I TO %s%s',
            p.privilege_type,
            g.home,
            g.name,
            CASE
                WHEN p.grantee = 0::oid THEN 'PUBLIC'
                ELSE quote_ident(pg_get_userbyid(p.grantee)::text)
            END,
            CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
        )
    FROM given AS g
    CROSS JOIN LATERAL aclexplode(g.relacl) AS p
    WHERE p.grantee <> g.relowner
    UNION ALL
    SELECT
        27,
        pg_catalog.format(
            'ALTER TABLE %I.%I ALTER COLUMN %I ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %I.%I '
            || 'START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s)',
            s.home,
            s.table_name,
            s.column_name,
            s.way,
            s.home,
            s.sequence_name,
            s.next_value,
            s.seqincrement,
            s.seqmin,
            s.seqmax,
            s.seqcache
        )
    FROM sequences AS s
    UNION ALL
    SELECT
        28,
        pg_catalog.format(
            'REVOKE ALL ON SEQUENCE %I.%I FROM %I', s.home, s.sequence_name, r.rolname
        )
    FROM sequences AS s
    INNER JOIN pg_catalog.pg_roles AS r ON r.rolname IN ('anon', 'authenticated')
    UNION ALL
    SELECT
        29,
        pg_catalog.format(
            'GRANT %s ON SEQUENCE %I.%I TO %s',
            p.privilege_type,
            s.home,
            s.sequence_name,
            CASE
                WHEN p.grantee = 0::oid THEN 'PUBLIC'
                ELSE quote_ident(pg_get_userbyid(p.grantee)::text)
            END
        )
    FROM sequences AS s
    CROSS JOIN LATERAL aclexplode(s.relacl) AS p
    WHERE p.grantee <> s.relowner
    UNION ALL
    -- The table is empty so far; indexes of the first partition that are the same are taken over.
    SELECT
        30,
        CASE
            WHEN i.is_rule
                THEN
                    pg_catalog.format(
                        'ALTER TABLE %I.%I ADD CONSTRAINT %I %s',
                        i.home, i.table_name, i.name, pg_get_constraintdef(i.rule_oid)
                    )
            ELSE i.definition
        END
    FROM indexes AS i
    WHERE i.has_column OR NOT i.is_rule
    UNION ALL
    SELECT
        32,
        t.definition
    FROM triggers AS t
    UNION ALL
    SELECT
        33,
        pg_catalog.format(
            'ALTER TABLE %I.%I %s TRIGGER %I',
            t.home,
            t.table_name,
            CASE t.tgenabled
                WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS'
            END,
            t.tgname
        )
    FROM triggers AS t
    WHERE t.tgenabled <> 'O'
    UNION ALL
    -- Whoever empties a partition by its own name meets the trigger, too.
    SELECT
        34,
        pg_catalog.regexp_replace(
            t.definition,
            ' ON [^ ]+ '::text,
            pg_catalog.format(' ON %I.%I ', t.home, :first_name::text)
        )
    FROM triggers AS t
    WHERE t.definition LIKE '% BEFORE TRUNCATE ON %'
    UNION ALL
    SELECT
        35,
        pg_catalog.format(
            'COMMENT ON TABLE %I.%I IS %L', g.home, g.name, obj_description(g.oid, 'pg_class'::name)
        )
    FROM given AS g
    WHERE obj_description(g.oid, 'pg_class'::name) IS NOT NULL
    UNION ALL
    SELECT
        36,
        pg_catalog.format('COMMENT ON TABLE %I.%I IS NULL', g.home, g.first_name)
    FROM given AS g
    UNION ALL
    SELECT
        37,
        pg_catalog.format(
            'ALTER PUBLICATION %1$I ADD TABLE %2$I.%3$I; '
            || 'ALTER PUBLICATION %1$I DROP TABLE ONLY %2$I.%4$I',
            u.pubname, g.home, g.name, g.first_name
        )
    FROM given AS g
    INNER JOIN pg_catalog.pg_publication_rel AS e ON g.oid = e.prrelid
    INNER JOIN pg_catalog.pg_publication AS u ON e.prpubid = u.oid
    UNION ALL
    SELECT
        40,
        pg_catalog.format(
            'ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (MINVALUE) TO (%4$L)',
            g.home, g.name, g.first_name, :upper_bound::text
        )
    FROM given AS g
    UNION ALL
    SELECT
        41,
        pg_catalog.format(
            'ALTER TABLE %I.%I DROP CONSTRAINT %I', g.home, g.first_name, g.name || '_until'
        )
    FROM given AS g
)

SELECT s.ddl
FROM statements AS s
ORDER BY s.place, s.ddl COLLATE "C";

-- name: plan_partition(table_name, like_name, partition_name, lower_bound, upper_bound)
-- Make a partition of a table from a bound (NULL: none) to another, with the rules and the settings
-- that the partition like_name has of its own.
WITH given AS (
    SELECT
        c.oid,
        c.reloptions,
        c.relname::text AS like_name,
        :partition_name::text AS name,
        :table_name::text AS parent,
        current_schema()::text AS home
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = to_regclass(quote_ident(:like_name::text))::oid
),

-- Whom default privileges may have given rights on a new table.
roles AS (
    SELECT 'PUBLIC' AS role_name
    UNION ALL
    SELECT quote_ident(o.rolname::text)
    FROM pg_catalog.pg_roles AS o
    WHERE o.rolname IN ('anon', 'authenticated')
),

statements AS (
    SELECT
        1 AS place,
        pg_catalog.format(
            'CREATE TABLE %1$I.%2$I PARTITION OF %1$I.%3$I FOR VALUES FROM (%4$s) TO (%5$s)%6$s',
            g.home,
            g.name,
            g.parent,
            coalesce(quote_literal(:lower_bound::text), 'MINVALUE'),
            coalesce(quote_literal(:upper_bound::text), 'MAXVALUE'),
            coalesce(' WITH (' || pg_catalog.array_to_string(g.reloptions, ', ') || ')', '')
        ) AS ddl
    FROM given AS g
    UNION ALL
    SELECT
        2,
        pg_catalog.format(
            'ALTER TABLE %I.%I ADD CONSTRAINT %I %s',
            g.home,
            g.name,
            left(
                CASE
                    WHEN position(g.like_name IN k.conname::text) > 0
                        THEN replace(k.conname::text, g.like_name, g.name)
                    ELSE g.name || '_' || k.conname::text
                END,
                63
            ),
            pg_get_constraintdef(k.oid)
        )
    FROM given AS g
    INNER JOIN pg_catalog.pg_constraint AS k
        ON g.oid = k.conrelid AND k.contype IN ('p', 'u')
    WHERE
        -- What the table itself has is made with the partition.
        NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_constraint AS o
            WHERE
                o.conrelid = to_regclass(quote_ident(g.parent))::oid
                AND o.contype = k.contype
                AND pg_get_constraintdef(o.oid) = pg_get_constraintdef(k.oid)
        )
    UNION ALL
    SELECT
        3,
        pg_catalog.format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', g.home, g.name)
    FROM given AS g
    UNION ALL
    SELECT
        4,
        pg_catalog.format('REVOKE ALL ON %I.%I FROM %s', g.home, g.name, r.role_name)
    FROM given AS g
    CROSS JOIN roles AS r
    UNION ALL
    SELECT
        5,
        pg_catalog.regexp_replace(
            pg_get_triggerdef(t.oid),
            ' ON [^ ]+ '::text,
            pg_catalog.format(' ON %I.%I ', g.home, g.name)
        )
    FROM given AS g
    INNER JOIN pg_catalog.pg_trigger AS t
        ON t.tgrelid = to_regclass(quote_ident(g.parent))::oid AND NOT t.tgisinternal
    WHERE pg_get_triggerdef(t.oid) LIKE '% BEFORE TRUNCATE ON %'
)

SELECT s.ddl
FROM statements AS s
ORDER BY s.place, s.ddl COLLATE "C";

-- name: plan_reopening(table_name, column_name, partition_name, new_name, lower_bound, upper_bound)^
-- Write what turns the open partition at the end, or one without a lower bound, into one of its own:
-- `detach` takes it off at once, `rename` gives it another name, `bound`, `validate` and `unbound` are
-- the rule that lets it be attached unread, `move` puts its rows from a bound on into the table (its
-- own triggers are off then), `drop` removes it.
SELECT
    pg_catalog.format('ALTER TABLE %1$I.%2$I DETACH PARTITION %1$I.%3$I', g.home, g.name, g.part)
        AS detach,
    pg_catalog.format('ALTER TABLE %I.%I RENAME TO %I', g.home, g.part, :new_name::text) AS rename,
    pg_catalog.format(
        'ALTER TABLE %1$I.%2$I ADD CONSTRAINT %3$I CHECK (%4$I >= %5$L AND %4$I < %6$L) NOT VALID',
        g.home,
        g.part,
        g.name || '_until',
        :column_name::text,
        :lower_bound::text,
        :upper_bound::text
    ) AS bound,
    pg_catalog.format(
        'ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', g.home, g.part, g.name || '_until'
    ) AS validate,
    pg_catalog.format(
        'ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I',
        g.home,
        :new_name::text,
        g.name || '_until'
    ) AS unbound,
    pg_catalog.format(
        'ALTER TABLE %1$I.%3$I DISABLE TRIGGER USER; ALTER TABLE %1$I.%2$I DISABLE TRIGGER USER; '
        || 'WITH moved AS (DELETE FROM %1$I.%3$I RETURNING %4$s) '
        || 'INSERT INTO %1$I.%2$I (%4$s) OVERRIDING SYSTEM VALUE SELECT %4$s FROM moved; '
        || 'ALTER TABLE %1$I.%2$I ENABLE TRIGGER USER; '
        || 'ALTER TABLE %1$I.%3$I ENABLE TRIGGER USER',
        g.home,
        g.name,
        g.part,
        (
            SELECT string_agg(quote_ident(a.attname::text), ', ' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a
            WHERE
                a.attrelid = to_regclass(quote_ident(g.name))::oid
                AND a.attnum > 0
                AND NOT a.attisdropped
                AND a.attgenerated = ''
        )
    ) AS move,
    pg_catalog.format('DROP TABLE %I.%I', g.home, g.part) AS remove
FROM (
    SELECT
        current_schema()::text AS home,
        :table_name::text AS name,
        :partition_name::text AS part
) AS g;

-- name: plan_renaming_indexes(table_name, old_name)
-- Give the indexes of a table that got another name names that fit it.
SELECT
    pg_catalog.format(
        'ALTER INDEX %I.%I RENAME TO %I',
        current_schema(),
        i.relname,
        left(replace(i.relname::text, :old_name::text, :table_name::text), 63)
    ) AS ddl
FROM pg_catalog.pg_index AS x
INNER JOIN pg_catalog.pg_class AS i ON x.indexrelid = i.oid
WHERE
    x.indrelid = to_regclass(quote_ident(:table_name::text))::oid
    AND position(:old_name::text IN i.relname::text) > 0
ORDER BY i.relname COLLATE "C";

-- name: plan_attaching(table_name, partition_name, lower_bound, upper_bound)$
-- Write the statement that attaches a table as a partition from a bound to another (NULL: none).
SELECT
    pg_catalog.format(
        'ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$s) TO (%5$s)',
        current_schema(),
        :table_name::text,
        :partition_name::text,
        coalesce(quote_literal(:lower_bound::text), 'MINVALUE'),
        coalesce(quote_literal(:upper_bound::text), 'MAXVALUE')
    ) AS ddl;

-- name: plan_counts(table_name, column_name, bound)$
-- Write the statement that counts up to $1 rows of a table on either side of a bound.
SELECT
    pg_catalog.format(
        'SELECT (SELECT count(*) FROM (SELECT 1 FROM %1$s WHERE %2$I < %3$L LIMIT $1::integer) '
        || 'AS n) AS below, (SELECT count(*) FROM (SELECT 1 FROM %1$s WHERE %2$I >= %3$L '
        || 'LIMIT $1::integer) AS n) AS above',
        quote_ident(current_schema()::text) || '.' || quote_ident(:table_name::text),
        :column_name::text,
        :bound::text
    ) AS statement;

-- name: plan_archiving(table_name, partition_name, archived_name, bound)^
-- Write what moves a partition into the archive: the schema NAME_archive. `finalize` ends a detaching
-- that was cut short. The comment says where the rows belong, for the way back.
SELECT
    pg_catalog.format(
        'ALTER TABLE %1$I.%2$I DETACH PARTITION %1$I.%3$I CONCURRENTLY', g.home, g.name, g.part
    ) AS detach_concurrently,
    pg_catalog.format(
        'ALTER TABLE %1$I.%2$I DETACH PARTITION %1$I.%3$I', g.home, g.name, g.part
    ) AS detach,
    pg_catalog.format(
        'ALTER TABLE %1$I.%2$I DETACH PARTITION %1$I.%3$I FINALIZE', g.home, g.name, g.part
    ) AS finalize,
    pg_catalog.format('CREATE SCHEMA IF NOT EXISTS %I', g.home || '_archive') AS make_archive,
    pg_catalog.format(
        'COMMENT ON TABLE %I.%I IS %L', g.home, g.part, 'Rows of ' || g.name || ' ' || :bound::text
    ) AS remark,
    pg_catalog.format('ALTER TABLE %I.%I RENAME TO %I', g.home, g.part, :archived_name::text)
        AS rename,
    pg_catalog.format(
        'ALTER TABLE %I.%I SET SCHEMA %I', g.home, :archived_name::text, g.home || '_archive'
    ) AS move,
    pg_catalog.format(
        'ALTER TABLE %I.%I SET SCHEMA %I', g.home || '_archive', :archived_name::text, g.home
    ) AS bring_back,
    pg_catalog.format('COMMENT ON TABLE %I.%I IS NULL', g.home, :archived_name::text) AS forget
FROM (
    SELECT
        current_schema()::text AS home,
        :table_name::text AS name,
        :partition_name::text AS part
) AS g;

-- name: list_archived(table_name, is_timed, is_moved)
-- List the tables that hold archived rows of a table: those in the archive, or those that were
-- detached and have not been moved there. The bounds of a timed table are timestamps.
WITH remarks AS (
    SELECT
        c.relname::text AS name,
        pg_catalog.regexp_match(
            obj_description(c.oid, 'pg_class'::name),
            '^Rows of (.*) (FOR VALUES '
            || 'FROM \((?:MINVALUE|''(.*)'')\) TO \((?:MAXVALUE|''(.*)'')\))$'
        ) AS parts,
        greatest(c.reltuples, 0)::bigint AS estimated_rows,
        pg_total_relation_size(c.oid::regclass) AS size_bytes
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
    WHERE
        c.relkind = 'r'
        AND NOT c.relispartition
        AND n.nspname::text
        = current_schema()::text || CASE WHEN :is_moved::boolean THEN '_archive' ELSE '' END
)

SELECT
    r.name,
    r.parts[2] AS bound,
    r.parts[3] AS lower_text,
    r.parts[4] AS upper_text,
    CASE WHEN :is_timed::boolean THEN r.parts[3]::timestamptz END AS lower_time,
    CASE WHEN :is_timed::boolean THEN r.parts[4]::timestamptz END AS upper_time,
    FALSE AS is_leaving,
    r.estimated_rows,
    r.size_bytes
FROM remarks AS r
WHERE r.parts[1] = :table_name
ORDER BY r.parts[3] COLLATE "C" ASC NULLS FIRST, r.name COLLATE "C";

-- name: plan_counting_all(table_name, is_archived)$
-- Write the statement that counts the rows of a table, or of one in the archive, up to $1.
SELECT
    pg_catalog.format(
        'SELECT count(*) AS rows FROM (SELECT 1 FROM %I.%I LIMIT $1::integer) AS t',
        current_schema()::text || CASE WHEN :is_archived::boolean THEN '_archive' ELSE '' END,
        :table_name::text
    ) AS statement;

-- name: plan_last(table_name, column_name)$
-- Write the statement that finds the last row of a table.
SELECT
    pg_catalog.format(
        'SELECT max(t.%1$I)::text AS last_text, max(t.%1$I) AS last_value FROM %2$I.%3$I AS t',
        :column_name::text, current_schema(), :table_name::text
    ) AS statement;

-- name: plan_bounds_of_archived(table_name, column_name, partition_name, lower_bound, upper_bound)$
-- Write the statement that proves that an archived table has rows between two bounds only.
SELECT
    pg_catalog.format(
        'ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I, ADD CONSTRAINT %I CHECK (TRUE%s%s)',
        current_schema()::text || '_archive',
        :partition_name::text,
        :table_name::text || '_until',
        :table_name::text || '_until',
        coalesce(
            ' AND '
            || quote_ident(:column_name::text)
            || ' >= '
            || quote_literal(:lower_bound::text),
            ''
        ),
        coalesce(
            ' AND '
            || quote_ident(:column_name::text)
            || ' < '
            || quote_literal(:upper_bound::text),
            ''
        )
    ) AS ddl;

-- name: plan_early_lock(table_name)$
-- Write the statement that keeps vacuum and other changes of the schema away, and nobody else.
SELECT
    pg_catalog.format(
        'LOCK TABLE ONLY %I.%I IN SHARE UPDATE EXCLUSIVE MODE', current_schema(), :table_name::text
    ) AS ddl;

-- name: plan_analyzing(table_name)$
-- Write the statement that counts the values of a partitioned table, which no autovacuum does.
SELECT pg_catalog.format('ANALYZE %I.%I', current_schema(), :table_name::text) AS ddl;
