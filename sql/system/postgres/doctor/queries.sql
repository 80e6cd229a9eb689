-- What `aragora-sql doctor` asks of a server.

-- name: get_server()^
-- Return what the server says of itself, of the session and of its role.
-- result: version not null, version_number not null, encoding not null, process_id not null
-- result: database_name not null, login_name not null, role_name not null, is_superuser not null
-- result: bypasses_rls not null, is_encrypted not null, is_supabase not null, is_rds not null
-- parity: query because SQLite has no server
SELECT
    current_setting('server_version'::text) AS version,
    current_setting('server_version_num'::text)::integer AS version_number,
    current_setting('server_encoding'::text) AS encoding,
    pg_backend_pid() AS process_id,
    current_database()::text AS database_name,
    session_user::text AS login_name,
    r.rolname::text AS role_name,
    r.rolsuper AS is_superuser,
    r.rolbypassrls AS bypasses_rls,
    coalesce(t.ssl, FALSE) AS is_encrypted,
    t.version AS tls_version,
    (
        SELECT count(*) = 3
        FROM pg_catalog.pg_roles AS s
        WHERE s.rolname IN ('anon', 'authenticated', 'service_role')
    ) AS is_supabase,
    (
        SELECT count(*) > 0 FROM pg_catalog.pg_roles AS s WHERE s.rolname = 'rds_superuser'
    ) AS is_rds
FROM pg_catalog.pg_roles AS r
LEFT JOIN pg_catalog.pg_stat_ssl AS t ON t.pid = pg_backend_pid()
WHERE r.rolname = current_user;

-- name: get_time()$
-- Return the time by the server's clock.
-- result: server_time not null
-- parity: query because SQLite has no clock of its own
SELECT clock_timestamp() AS server_time;

-- name: get_search_path()^
-- Return the setting search_path, the schemas that it leads to, the one where tables go, and those
-- that hold a table of versions.
-- result: setting not null, schemas not null, homes not null
-- parity: query because SQLite has no schemas
SELECT
    current_setting('search_path'::text) AS setting,
    current_schema()::text AS schema_name,
    pg_catalog.to_jsonb(current_schemas(FALSE)::text[]) AS schemas,
    coalesce(
        (
            SELECT pg_catalog.jsonb_agg(n.nspname::text ORDER BY n.nspname COLLATE "C")
            FROM pg_catalog.pg_class AS c
            INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
            WHERE c.relname = '_schema_versions' AND c.relkind IN ('r', 'p')
        ),
        '[]'::jsonb
    ) AS homes;

-- name: list_missing_rights(table_names)
-- List those of some tables that the role may not read from or write to, with the rights it lacks.
-- result: table_name not null, owner_name not null, privileges not null
-- parity: query because SQLite has no roles
SELECT
    c.relname::text AS table_name,
    pg_get_userbyid(c.relowner)::text AS owner_name,
    string_agg(p.privilege, ', ' ORDER BY p.privilege COLLATE "C") AS privileges
FROM pg_catalog.pg_class AS c
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p')
    AND c.relname::text = any(:table_names::text[])
    AND NOT has_table_privilege(c.oid, p.privilege)
GROUP BY c.relname, c.relowner
ORDER BY c.relname COLLATE "C";

-- name: get_connections()^
-- Return how many connections the server, this database and this role may have (-1: no limit), how
-- many are kept for superusers, and how many there are now: of this package and of others.
-- result: most not null, reserved not null, most_of_database not null, most_of_role not null
-- result: ours not null, others not null
-- parity: query because SQLite has no connections to a server
WITH sessions AS (
    SELECT
        count(*) FILTER (WHERE s.application_name = 'aragora-sql') AS ours,
        count(*) FILTER (WHERE s.application_name IS DISTINCT FROM 'aragora-sql') AS others
    FROM pg_catalog.pg_stat_activity AS s
    -- Processes of the server itself have no user.
    WHERE s.usesysid IS NOT NULL AND s.datid IS NOT NULL
)

SELECT
    current_setting('max_connections'::text)::integer AS most,
    (
        SELECT coalesce(sum(s.setting::integer), 0)::integer
        FROM pg_catalog.pg_settings AS s
        WHERE s.name IN ('superuser_reserved_connections', 'reserved_connections')
    ) AS reserved,
    d.datconnlimit AS most_of_database,
    r.rolconnlimit AS most_of_role,
    a.ours,
    a.others
FROM sessions AS a
CROSS JOIN pg_catalog.pg_database AS d
CROSS JOIN pg_catalog.pg_roles AS r
WHERE d.datname = current_database() AND r.rolname = current_user;

-- name: list_old_transactions(least_seconds)
-- List the transactions of this database that have been open for so long, the oldest first: nothing
-- that was deleted since can be cleaned up. One that was prepared has no process.
-- result: kind not null, name not null, seconds not null
-- parity: query because SQLite does not tell who holds a snapshot
WITH transactions AS (
    SELECT
        a.pid AS process_id,
        coalesce(a.state, 'unknown'::text) AS kind,
        a.usename::text || coalesce(' (' || nullif(a.application_name, ''::text) || ')', '')
            AS name,
        extract(EPOCH FROM clock_timestamp() - a.xact_start)::double precision AS seconds
    FROM pg_catalog.pg_stat_activity AS a
    WHERE
        a.datname = current_database()
        AND a.usesysid IS NOT NULL
        AND a.xact_start IS NOT NULL
        AND a.pid <> pg_backend_pid()
    UNION ALL
    SELECT
        NULL,
        'prepared',
        p.owner::text || ' (' || p.gid || ')',
        extract(EPOCH FROM clock_timestamp() - p.prepared)::double precision
    FROM pg_catalog.pg_prepared_xacts AS p
    WHERE p.database = current_database()
)

SELECT
    t.process_id,
    t.kind,
    t.name,
    t.seconds
FROM transactions AS t
WHERE t.seconds >= :least_seconds::double precision
ORDER BY t.seconds DESC, t.process_id ASC
LIMIT 10;

-- name: list_dead_rows(table_names)
-- List some tables, or their partitions, with their live and dead rows, when they were last cleaned
-- up, whether that is switched off, and how many transactions ago their oldest row was written.
-- result: table_name not null, live_rows not null, dead_rows not null
-- result: is_off not null, transactions not null
-- parity: query because SQLite has no dead rows
SELECT
    s.relname::text AS table_name,
    s.n_live_tup AS live_rows,
    s.n_dead_tup AS dead_rows,
    greatest(s.last_vacuum, s.last_autovacuum) AS cleaned_at,
    coalesce('autovacuum_enabled=false' = any(c.reloptions), FALSE)
    OR coalesce('autovacuum_enabled=off' = any(c.reloptions), FALSE)
    OR current_setting('autovacuum'::text) = 'off' AS is_off,
    age(c.relfrozenxid) AS transactions
FROM pg_catalog.pg_stat_user_tables AS s
INNER JOIN pg_catalog.pg_class AS c ON s.relid = c.oid
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind <> 'p'
    AND (
        c.relname::text = any(:table_names::text[])
        OR EXISTS (
            SELECT 1
            FROM pg_catalog.pg_inherits AS i
            INNER JOIN pg_catalog.pg_class AS p ON i.inhparent = p.oid
            WHERE i.inhrelid = c.oid AND p.relname::text = any(:table_names::text[])
        )
    )
ORDER BY s.n_dead_tup DESC, s.relname COLLATE "C" ASC;

-- name: list_followers()
-- List what receives this server's changes: standbys with how far they are behind in seconds, and
-- slots that nobody reads, with the bytes of changes that are kept for them.
-- result: kind not null, name not null
-- parity: query because SQLite has no replication
WITH followers AS (
    SELECT
        'standby' AS kind,
        coalesce(nullif(r.application_name, ''::text), 'unnamed'::text) AS name,
        extract(EPOCH FROM r.replay_lag)::double precision AS seconds,
        NULL::bigint AS bytes
    FROM pg_catalog.pg_stat_replication AS r
    UNION ALL
    SELECT
        'slot',
        s.slot_name::text,
        NULL,
        pg_wal_lsn_diff(
            CASE
                WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                ELSE pg_current_wal_lsn()
            END,
            s.restart_lsn
        )::bigint
    FROM pg_catalog.pg_replication_slots AS s
    WHERE NOT s.active
)

SELECT
    f.kind,
    f.name,
    f.seconds,
    f.bytes
FROM followers AS f
ORDER BY f.kind COLLATE "C", f.name COLLATE "C";

-- name: list_advice(table_names)
-- List what the published lints for databases behind an API have against the schema where tables
-- go, by the names of the lints: all of it, or what is about some tables, the views that read them
-- and the functions of their triggers.
-- result: lint not null, object_name not null
-- parity: query because SQLite is behind no API
WITH relations AS (
    SELECT
        c.oid,
        c.relname,
        c.relkind,
        c.relrowsecurity,
        c.reloptions
    FROM pg_catalog.pg_class AS c
    WHERE
        c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT EXISTS (
            SELECT 1 FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e'
        )
        AND (
            :table_names::text[] IS NULL
            OR c.relname::text = any(:table_names::text[])
            OR EXISTS (
                SELECT 1
                FROM pg_catalog.pg_rewrite AS w
                INNER JOIN pg_catalog.pg_depend AS d
                    ON
                        w.oid = d.objid
                        AND d.classid = 'pg_catalog.pg_rewrite'::regclass::oid
                        AND d.refclassid = 'pg_catalog.pg_class'::regclass::oid
                INNER JOIN pg_catalog.pg_class AS t ON d.refobjid = t.oid
                WHERE w.ev_class = c.oid AND t.relname::text = any(:table_names::text[])
            )
        )
),

functions AS (
    SELECT
        p.oid,
        p.proname,
        p.prosecdef,
        p.proconfig,
        -- The server writes such a function into the query that calls it, so it looks where that does.
        (p.proretset AND p.provolatile <> 'v' AND l.lanname = 'sql') AS is_part_of_queries
    FROM pg_catalog.pg_proc AS p
    INNER JOIN pg_catalog.pg_language AS l ON p.prolang = l.oid
    WHERE
        p.pronamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND NOT EXISTS (
            SELECT 1 FROM pg_catalog.pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e'
        )
        AND (
            :table_names::text[] IS NULL
            OR EXISTS (
                SELECT 1
                FROM pg_catalog.pg_trigger AS t
                INNER JOIN relations AS r ON t.tgrelid = r.oid
                WHERE t.tgfoid = p.oid
            )
        )
),

world AS (
    SELECT
        s.oid,
        s.rolname
    FROM pg_catalog.pg_roles AS s
    WHERE s.rolname IN ('anon', 'authenticated')
),

policies AS (
    SELECT
        r.relname,
        r.relrowsecurity,
        y.polname,
        y.polcmd,
        y.polpermissive,
        y.polroles,
        pg_get_expr(y.polqual, y.polrelid) AS reads,
        pg_get_expr(y.polwithcheck, y.polrelid) AS writes
    FROM relations AS r
    INNER JOIN pg_catalog.pg_policy AS y ON r.oid = y.polrelid
),

indexes AS (
    SELECT
        r.relname::text AS relname,
        c.relname::text AS name,
        replace(
            pg_get_indexdef(c.oid),
            ' INDEX ' || quote_ident(c.relname::text) || ' ',
            ' INDEX '
        ) AS definition
    FROM relations AS r
    INNER JOIN pg_catalog.pg_index AS x ON r.oid = x.indrelid
    INNER JOIN pg_catalog.pg_class AS c ON x.indexrelid = c.oid
),

advice AS (
    SELECT
        'unindexed_foreign_keys' AS lint,
        r.relname::text AS object_name,
        k.conname::text AS detail
    FROM relations AS r
    INNER JOIN pg_catalog.pg_constraint AS k ON r.oid = k.conrelid
    WHERE
        k.contype = 'f'
        AND NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_index AS x
            WHERE
                x.indrelid = r.oid
                AND x.indisvalid
                AND NOT EXISTS (
                    SELECT 1
                    FROM pg_catalog.unnest(k.conkey) AS u (number)
                    WHERE
                        u.number
                        <> all((x.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1])
                )
        )
    UNION ALL
    SELECT
        'no_primary_key',
        r.relname::text,
        NULL
    FROM relations AS r
    WHERE
        r.relkind IN ('r', 'p')
        AND NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_index AS x
            INNER JOIN pg_catalog.pg_class AS k ON x.indrelid = k.oid
            WHERE
                x.indisprimary
                AND (
                    k.oid = r.oid
                    -- Of a table in partitions another one may hold the keys.
                    OR (
                        r.relkind = 'p'
                        AND k.relname::text = r.relname::text || '_keys'
                        AND k.relnamespace
                        = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
                    )
                )
        )
    UNION ALL
    SELECT
        'duplicate_index',
        i.relname,
        string_agg(i.name, ', ' ORDER BY i.name COLLATE "C")
    FROM indexes AS i
    GROUP BY i.relname, i.definition
    HAVING count(*) > 1
    UNION ALL
    SELECT
        'invalid_index',
        r.relname::text,
        c.relname::text
    FROM relations AS r
    INNER JOIN pg_catalog.pg_index AS x ON r.oid = x.indrelid
    INNER JOIN pg_catalog.pg_class AS c ON x.indexrelid = c.oid
    WHERE NOT x.indisvalid
    UNION ALL
    SELECT
        'rls_disabled_in_public',
        r.relname::text,
        NULL
    FROM relations AS r
    WHERE r.relkind IN ('r', 'p') AND NOT r.relrowsecurity
    UNION ALL
    SELECT
        'policy_exists_rls_disabled',
        p.relname::text,
        p.polname::text
    FROM policies AS p
    WHERE NOT p.relrowsecurity
    UNION ALL
    SELECT
        'multiple_permissive_policies',
        p.relname::text,
        string_agg(p.polname::text, ', ' ORDER BY p.polname COLLATE "C")
    FROM policies AS p
    CROSS JOIN LATERAL pg_catalog.unnest(p.polroles) AS u (role)
    WHERE p.polpermissive
    GROUP BY p.relname, p.polcmd, u.role
    HAVING count(*) > 1
    UNION ALL
    SELECT
        'permissive_rls_policy',
        p.relname::text,
        p.polname::text
    FROM policies AS p
    WHERE
        p.polpermissive
        AND p.polcmd <> 'r'
        AND (p.reads = 'true' OR p.writes = 'true')
        AND (
            0::oid = any(p.polroles)
            OR EXISTS (SELECT 1 FROM world AS w WHERE w.oid = any(p.polroles))
        )
    UNION ALL
    SELECT
        'auth_rls_initplan',
        p.relname::text,
        p.polname::text
    FROM policies AS p
    WHERE
        pg_catalog.concat(p.reads, ' ', p.writes) ~ '(auth\.\w+|current_setting)\('
        AND pg_catalog.concat(p.reads, ' ', p.writes) !~* 'SELECT (auth\.\w+|current_setting)\('
    UNION ALL
    SELECT
        'rls_references_user_metadata',
        p.relname::text,
        p.polname::text
    FROM policies AS p
    WHERE pg_catalog.concat(p.reads, ' ', p.writes) ~ 'user_metadata'
    UNION ALL
    SELECT
        'security_definer_view',
        r.relname::text,
        NULL
    FROM relations AS r
    WHERE
        r.relkind = 'v'
        AND NOT coalesce('security_invoker=true' = any(r.reloptions), FALSE)
        AND NOT coalesce('security_invoker=on' = any(r.reloptions), FALSE)
        AND NOT coalesce('security_invoker=1' = any(r.reloptions), FALSE)
    UNION ALL
    SELECT
        CASE r.relkind WHEN 'm' THEN 'materialized_view_in_api' ELSE 'foreign_table_in_api' END,
        r.relname::text,
        w.rolname::text
    FROM relations AS r
    INNER JOIN world AS w ON has_table_privilege(w.oid, r.oid, 'SELECT')
    WHERE r.relkind IN ('m', 'f')
    UNION ALL
    SELECT
        'pg_graphql_' || w.rolname::text || '_table_exposed',
        r.relname::text,
        NULL
    FROM relations AS r
    INNER JOIN world AS w ON has_table_privilege(w.oid, r.oid, 'SELECT')
    WHERE r.relkind IN ('r', 'p', 'v')
    UNION ALL
    SELECT
        'function_search_path_mutable',
        f.proname::text,
        NULL
    FROM functions AS f
    WHERE
        NOT f.is_part_of_queries
        AND NOT EXISTS (
            SELECT 1
            FROM pg_catalog.unnest(f.proconfig) AS u (setting)
            WHERE starts_with(u.setting, 'search_path='::text)
        )
    UNION ALL
    SELECT
        w.rolname::text || '_security_definer_function_executable',
        f.proname::text,
        NULL
    FROM functions AS f
    INNER JOIN world AS w ON has_function_privilege(w.oid, f.oid, 'EXECUTE')
    WHERE f.prosecdef
    UNION ALL
    SELECT
        'unsupported_reg_types',
        r.relname::text,
        a.attname::text
    FROM relations AS r
    INNER JOIN pg_catalog.pg_attribute AS a ON r.oid = a.attrelid
    WHERE
        r.relkind IN ('r', 'p')
        AND a.attnum > 0
        AND NOT a.attisdropped
        AND a.atttypid::regtype::text IN (
            'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator',
            'regproc', 'regprocedure'
        )
    UNION ALL
    SELECT
        'autovacuum_disabled',
        r.relname::text,
        NULL
    FROM relations AS r
    WHERE
        'autovacuum_enabled=false' = any(r.reloptions)
        OR 'autovacuum_enabled=off' = any(r.reloptions)
    UNION ALL
    SELECT
        'extension_in_public',
        e.extname::text,
        NULL
    FROM pg_catalog.pg_extension AS e
    WHERE
        e.extnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
        AND :table_names::text[] IS NULL
)

SELECT
    a.lint,
    a.object_name,
    a.detail
FROM advice AS a
ORDER BY a.lint COLLATE "C", a.object_name COLLATE "C", a.detail COLLATE "C";
