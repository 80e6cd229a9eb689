-- Reads what the way back to SQLite has to know of its source. Nothing here writes.

-- name: describe_source()^
-- Tell which database the session reads, and how old the oldest transaction is that its snapshot
-- does not see all of: what was written before it is in the snapshot.
SELECT
    current_database()::text AS database_name,
    current_schema()::text AS schema_name,
    current_setting('server_encoding') AS encoding,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest_transaction,
    to_regclass('_schema_versions') IS NOT NULL AS has_versions;

-- name: list_versions()
-- List the stores of the database with the versions of their schemas.
SELECT
    v.module,
    v.version
FROM _schema_versions AS v
ORDER BY v.module COLLATE "C";

-- name: get_last_number(table_name, column_name)$
-- Return the last number that a column's sequence gave, or NULL when it gave none or is not ours to
-- see.
SELECT
    CASE
        WHEN has_sequence_privilege(q.name, 'USAGE') OR has_sequence_privilege(q.name, 'SELECT')
            THEN pg_sequence_last_value(q.name::regclass)
    END AS last_number
FROM (SELECT pg_get_serial_sequence(quote_ident(:table_name), :column_name) AS name) AS q;
