-- name: find_versions()$
-- Tell whether the table of versions is there (in the schema where tables go) and can be read:
-- 'no schema', 'absent', 'forbidden', 'hidden' (by row level security), 'readable', or 'older': it
-- can be read, and the table of transactions with a key, which was added to it, is not there.
-- result: state not null
SELECT
    CASE
        WHEN current_schema() IS NULL THEN 'no schema'
        WHEN c.oid IS NULL THEN 'absent'
        WHEN NOT has_any_column_privilege(c.oid, 'SELECT') THEN 'forbidden'
        WHEN
            row_security_active(c.oid)
            AND NOT EXISTS (
                SELECT 1
                FROM pg_catalog.pg_policy AS y
                CROSS JOIN LATERAL pg_catalog.unnest(y.polroles) AS r (role)
                WHERE y.polrelid = c.oid AND (r.role = 0::oid OR pg_has_role(r.role, 'USAGE'))
            )
            THEN 'hidden'
        WHEN
            NOT EXISTS (
                SELECT 1
                FROM pg_catalog.pg_class AS k
                WHERE k.relnamespace = n.oid AND k.relname = '_transaction_keys'::name
            )
            THEN 'older'
        ELSE 'readable'
    END AS state
FROM (VALUES (to_regnamespace(quote_ident(current_schema()::text))::oid)) AS n (oid)
LEFT JOIN pg_catalog.pg_class AS c
    ON n.oid = c.relnamespace AND c.relname = '_schema_versions'::name AND c.relkind IN ('r', 'p');

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
-- Become the only one that creates or upgrades schemas until the transaction ends; false when
-- somebody else is. Nobody waits for this lock inside the server: a waiting statement would hold
-- a snapshot, for which CREATE INDEX CONCURRENTLY waits in its turn.
-- result: taken not null
-- locks: pg_try_advisory_xact_lock(5207412907514871)
SELECT pg_try_advisory_xact_lock(5207412907514871) AS taken;

-- name: try_lock_schema_of_session()$
-- The same until the session ends, for steps that can't run in a transaction.
-- result: taken not null
-- parity: query because SQLite has no sessions with locks of their own
-- locks: pg_try_advisory_lock(5207412907514871)
SELECT pg_try_advisory_lock(5207412907514871) AS taken;

-- name: limit_locks(lock_timeout, to_transaction)
-- Let statements run for as long as they need, and wait for a lock no longer than lock_timeout
-- milliseconds (0: without end): for this transaction or the session. Returns what was set before.
-- result: name not null, setting not null
-- parity: query because SQLite's limits are those of the connection
SELECT
    s.name,
    s.setting,
    set_config(
        s.name,
        CASE s.name WHEN 'lock_timeout' THEN :lock_timeout::integer::text ELSE '0' END,
        :to_transaction::boolean
    ) AS changed
FROM pg_catalog.pg_settings AS s
WHERE s.name IN (
    'lock_timeout',
    'statement_timeout',
    'transaction_timeout',
    'idle_in_transaction_session_timeout'
);

-- name: restore_limits(limits)
-- Set what limit_locks changed for the transaction back, for an outer transaction that goes on.
-- result: changed not null
-- parity: query because SQLite's limits are those of the connection
SELECT set_config(l.key, l.value, TRUE) AS changed FROM jsonb_each_text(:limits::jsonb) AS l;

-- name: list_lock_holders(table_names)
-- List the transactions that hold locks on some tables, the oldest first.
-- result: process_id not null
-- parity: query because SQLite does not tell who holds its lock
SELECT
    a.pid AS process_id,
    min(a.application_name COLLATE "C") AS application_name,
    min(a.state COLLATE "C") AS state,
    min(a.xact_start) AS since
FROM pg_catalog.pg_locks AS l
INNER JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
INNER JOIN pg_catalog.pg_class AS c ON l.relation = c.oid
WHERE
    l.granted
    AND l.pid <> pg_backend_pid()
    AND l.database
    = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
    AND c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relname::text = any(:table_names::text[])
GROUP BY a.pid
ORDER BY min(a.xact_start), a.pid
LIMIT 3;

-- name: find_invalid_index(index_name)$
-- Return the statement that drops an index whose building was cut short, or nothing.
-- parity: query because SQLite builds an index whole or not at all
SELECT pg_catalog.format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname) AS ddl
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_index AS x ON c.oid = x.indexrelid
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = current_schema() AND c.relname::text = :index_name AND NOT x.indisvalid;

-- name: list_partitions(table_name)
-- List the partitions of a table.
-- result: partition_name not null
-- parity: query because SQLite has no partitions
SELECT quote_ident(p.relname::text) AS partition_name
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_inherits AS i ON c.oid = i.inhparent
INNER JOIN pg_catalog.pg_class AS p ON i.inhrelid = p.oid
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind = 'p'
    AND c.relname::text = :table_name
ORDER BY p.relname COLLATE "C";

-- name: get_rights()^
-- Tell what the role of this connection may do in the schema where tables go, and what everybody
-- may: objects that PUBLIC makes there can take the place of an operator or function.
-- result: role_name not null, is_read_only not null, may_create not null, may_use_temp not null
-- result: public_may_create not null, server_version not null
-- parity: query because SQLite has no roles
SELECT
    current_user::text AS role_name,
    current_schema()::text AS schema_name,
    current_setting('transaction_read_only') = 'on' AS is_read_only,
    coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), FALSE) AS may_create,
    has_database_privilege(current_database()::text, 'TEMP') AS may_use_temp,
    coalesce(has_schema_privilege('public'::name, current_schema()::text, 'CREATE'::text), FALSE)
        AS public_may_create,
    current_setting('server_version_num')::integer / 10000 AS server_version;

-- name: list_closed_tables(table_names)
-- List those of some tables that the role of this connection does not own, with their owner, and
-- whether it may not read them or row level security hides all their rows from it.
-- result: table_name not null, owner_name not null, is_forbidden not null, is_hidden not null
-- parity: query because SQLite has no roles
SELECT
    c.relname::text AS table_name,
    pg_get_userbyid(c.relowner)::text AS owner_name,
    NOT has_any_column_privilege(c.oid, 'SELECT') AS is_forbidden,
    row_security_active(c.oid)
    AND NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_policy AS y
        CROSS JOIN LATERAL pg_catalog.unnest(y.polroles) AS r (role)
        WHERE y.polrelid = c.oid AND (r.role = 0::oid OR pg_has_role(r.role, 'USAGE'))
    ) AS is_hidden
FROM pg_catalog.pg_class AS c
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p')
    AND c.relname::text = any(:table_names::text[])
    AND NOT pg_has_role(c.relowner, 'USAGE')
ORDER BY c.relname COLLATE "C";

-- name: list_open_grants(table_names)
-- List what everybody, or a role that Supabase gives to the world, was granted on some tables, on
-- those that a migration has left, and on the sequences of their columns, with the statement that
-- takes it back. Row level security stops neither TRUNCATE nor setval().
-- result: table_name not null, object_name not null, grantee not null, privileges not null
-- result: statement not null
-- parity: query because SQLite has no roles
WITH tables AS (
    SELECT
        c.oid,
        c.relname,
        c.relacl
    FROM pg_catalog.pg_class AS c
    WHERE
        c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND c.relkind IN ('r', 'p')
        AND (
            c.relname::text = any(:table_names::text[])
            OR starts_with(c.relname::text, '_migration_'::text)
        )
),

objects AS (
    SELECT
        t.relname AS table_name,
        'TABLE' AS kind,
        t.relname,
        t.relacl
    FROM tables AS t
    UNION ALL
    SELECT
        t.relname,
        'SEQUENCE',
        s.relname,
        s.relacl
    FROM tables AS t
    INNER JOIN pg_catalog.pg_depend AS d
        ON
            t.oid = d.refobjid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
            AND d.classid = 'pg_catalog.pg_class'::regclass::oid
            AND d.deptype IN ('a', 'i')
    INNER JOIN pg_catalog.pg_class AS s ON d.objid = s.oid AND s.relkind = 'S'
)

SELECT
    o.table_name::text AS table_name,
    o.relname::text AS object_name,
    coalesce(r.rolname::text, 'PUBLIC') AS grantee,
    string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type COLLATE "C") AS privileges,
    pg_catalog.format(
        'REVOKE ALL ON %s %I FROM %s',
        o.kind,
        o.relname,
        coalesce(quote_ident(r.rolname::text), 'PUBLIC')
    ) AS statement
FROM objects AS o
CROSS JOIN LATERAL aclexplode(o.relacl) AS g
LEFT JOIN pg_catalog.pg_roles AS r ON g.grantee = r.oid
WHERE g.grantee = 0::oid OR r.rolname IN ('anon', 'authenticated')
GROUP BY o.table_name, o.kind, o.relname, r.rolname
ORDER BY o.table_name COLLATE "C", o.relname COLLATE "C", r.rolname COLLATE "C";

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
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY c.relname COLLATE "C", a.attnum;

-- name: describe_catalog()
-- Describe tables, columns, indexes, constraints, triggers, policies, rules and functions as text that
-- can be compared: that of temporary tables too, whose schema is printed as pg_temp, whatever it is
-- called. Functions of extensions are left out.
-- Policies for roles that were named are an operator's decision and left out.
-- A table that was put into partitions is described as the plain one that it stands for: its unique
-- rules are those of the table of its keys, NAME_keys.
-- result: table_name not null, kind not null, name not null, definition not null
WITH relations AS (
    SELECT
        c.oid,
        c.relname,
        c.relrowsecurity,
        c.relforcerowsecurity,
        k.oid AS keys_oid
    FROM pg_catalog.pg_class AS c
    LEFT JOIN pg_catalog.pg_class AS k
        ON
            c.relkind = 'p'
            AND c.relnamespace = k.relnamespace
            AND k.relname::text = c.relname::text || '_keys'
            AND k.relkind = 'r'
    WHERE
        -- looked up once, not for each row
        c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND c.relkind IN ('r', 'p')
),

objects AS (
    SELECT
        r.relname AS table_name,
        'table' AS kind,
        r.relname AS name,
        CASE
            WHEN NOT r.relrowsecurity THEN 'no row level security'
            WHEN r.relforcerowsecurity THEN 'row level security for the owner too'
            ELSE 'row level security'
        END AS definition
    FROM relations AS r
    UNION ALL
    SELECT
        r.relname,
        CASE WHEN d.objsubid = 0 THEN 'table comment' ELSE 'column comment' END,
        coalesce(a.attname, r.relname),
        d.description
    FROM relations AS r
    -- by the index of pg_description, table by table
    CROSS JOIN
        LATERAL (
            SELECT
                p.objoid,
                p.objsubid,
                p.description
            FROM pg_catalog.pg_description AS p
            WHERE r.oid = p.objoid AND p.classoid = 'pg_catalog.pg_class'::regclass::oid
            OFFSET 0
        ) AS d
    LEFT JOIN pg_catalog.pg_attribute AS a
        ON d.objoid = a.attrelid AND d.objsubid = a.attnum AND a.attnum > 0
    UNION ALL
    SELECT
        r.relname,
        'column',
        a.attname,
        format_type(a.atttypid, a.atttypmod)
        || coalesce(' COLLATE ' || quote_ident(l.collname::text), '')
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        -- from version 18 on
        || CASE WHEN k.oid IS NULL THEN '' ELSE ' NOT VALID' END
        || CASE a.attidentity
            WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY'
            WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY'
            ELSE ''
        END
        || coalesce(
            CASE a.attgenerated
                WHEN '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
                ELSE
                    ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') '
                    || CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END
            END,
            ''
        )
    FROM relations AS r
    INNER JOIN pg_catalog.pg_attribute AS a ON r.oid = a.attrelid
    INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
    LEFT JOIN pg_catalog.pg_collation AS l
        ON a.attcollation = l.oid AND a.attcollation <> t.typcollation
    LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    -- there is one NOT NULL of a column at most
    LEFT JOIN pg_catalog.pg_constraint AS k
        ON
            a.attrelid = k.conrelid
            AND k.contype = 'n'
            AND k.conkey[1] = a.attnum
            AND NOT k.convalidated
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT
        r.relname,
        'constraint',
        k.conname,
        pg_get_constraintdef(k.oid)
    FROM relations AS r
    INNER JOIN pg_catalog.pg_constraint AS k
        ON r.oid = k.conrelid OR (r.keys_oid = k.conrelid AND k.contype IN ('p', 'u'))
    -- from version 18 on, NOT NULL is a constraint too; it is part of the column here
    WHERE k.contype NOT IN ('n', 't')
    UNION ALL
    SELECT
        r.relname,
        'index',
        i.relname,
        replace(
            replace(
                -- of a table in partitions
                replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON '),
                ' ON ' || quote_ident(current_schema()::text) || '.', ' ON '
            ),
            ' ON pg_temp.', ' ON '
        )
        || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
    FROM relations AS r
    INNER JOIN pg_catalog.pg_index AS x ON r.oid = x.indrelid
    INNER JOIN pg_catalog.pg_class AS i ON x.indexrelid = i.oid
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_constraint AS k
            WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')
        )
    UNION ALL
    SELECT
        r.relname,
        'trigger',
        t.tgname,
        replace(
            replace(
                pg_catalog.regexp_replace(
                    pg_get_triggerdef(t.oid),
                    ' EXECUTE FUNCTION pg_temp(_[0-9]+)?[.]'::text,
                    ' EXECUTE FUNCTION '::text
                ),
                ' ON ' || quote_ident(current_schema()::text) || '.', ' ON '
            ),
            ' ON pg_temp.', ' ON '
        )
        || CASE t.tgenabled
            WHEN 'D' THEN ' DISABLED'
            WHEN 'R' THEN ' ENABLED FOR REPLICAS ONLY'
            WHEN 'A' THEN ' ENABLED ALWAYS'
            ELSE ''
        END
    FROM relations AS r
    INNER JOIN pg_catalog.pg_trigger AS t ON r.oid = t.tgrelid
    WHERE
        NOT t.tgisinternal
        AND (
            r.keys_oid IS NULL
            OR NOT starts_with(t.tgname::text, r.relname::text || '_keys_'::text)
        )
    UNION ALL
    SELECT
        r.relname,
        'rule',
        w.rulename,
        pg_get_ruledef(w.oid)
    FROM relations AS r
    INNER JOIN pg_catalog.pg_rewrite AS w ON r.oid = w.ev_class
    UNION ALL
    SELECT
        r.relname,
        'policy',
        y.polname,
        CASE WHEN y.polpermissive THEN 'permissive' ELSE 'restrictive' END
        || coalesce(' USING (' || pg_get_expr(y.polqual, y.polrelid) || ')', '')
        || coalesce(' WITH CHECK (' || pg_get_expr(y.polwithcheck, y.polrelid) || ')', '')
    FROM relations AS r
    INNER JOIN pg_catalog.pg_policy AS y ON r.oid = y.polrelid
    WHERE
        EXISTS (
            SELECT 1
            FROM pg_catalog.unnest(y.polroles) AS p (role)
            WHERE p.role = 0::oid OR pg_get_userbyid(p.role) IN ('anon', 'authenticated')
        )
    UNION ALL
    SELECT
        f.proname,
        'function',
        pg_catalog.format('%s(%s)', f.proname, pg_get_function_identity_arguments(f.oid)),
        replace(pg_get_functiondef(f.oid), quote_ident(current_schema()::text) || '.', '')
    FROM pg_catalog.pg_proc AS f
    WHERE
        f.pronamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND f.prokind IN ('f', 'p')
        AND NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_depend AS e
            WHERE
                e.classid = 'pg_catalog.pg_proc'::regclass::oid
                AND e.objid = f.oid
                AND e.deptype = 'e'
        )
)

SELECT
    o.table_name::text AS table_name,
    o.kind::text AS kind,
    o.name::text AS name,
    o.definition::text AS definition
FROM objects AS o
ORDER BY o.table_name COLLATE "C", o.kind COLLATE "C", o.name COLLATE "C";
