-- What the commands of the workbench ask a PostgreSQL server about its statements.

-- name: find_statistics()^
-- Return where the extension pg_stat_statements is, and what it lacks; preloaded is NULL when the user may not know.
SELECT
    (
        SELECT n.nspname::text
        FROM pg_catalog.pg_extension AS e
        INNER JOIN pg_catalog.pg_namespace AS n ON e.extnamespace = n.oid
        WHERE e.extname = 'pg_stat_statements'
    ) AS schema_name,
    (
        SELECT count(*) > 0
        FROM pg_catalog.pg_available_extensions AS a
        WHERE a.name = 'pg_stat_statements'
    ) AS available,
    (
        SELECT s.setting LIKE '%pg_stat_statements%'
        FROM pg_catalog.pg_settings AS s
        WHERE s.name = 'shared_preload_libraries'
    ) AS preloaded;

-- name: look_in_schema(schema_name)$
-- Let the rest of the transaction find the tables of a schema without its name.
SELECT set_config('search_path', quote_ident(:schema_name::text), TRUE) AS search_path;

-- name: list_statistics()
-- Return what the server counted for the statements in this database; times are in milliseconds.
SELECT
    s.queryid AS statement_id,
    -- Long enough for the first word and the tag; the text of other users' can be hidden.
    left(s.query, 500) AS query,
    s.calls,
    s.total_exec_time AS total_ms,
    s.rows AS row_count
FROM pg_stat_statements AS s
INNER JOIN pg_catalog.pg_database AS d ON s.dbid = d.oid
WHERE d.datname = current_database();

-- name: get_parameter_types(statement_name)$
-- Return the types of a prepared statement's parameters.
SELECT to_jsonb(p.parameter_types::text[]) AS types
FROM pg_catalog.pg_prepared_statements AS p
WHERE p.name = :statement_name;
