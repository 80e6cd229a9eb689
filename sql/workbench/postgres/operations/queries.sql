-- What the health server asks PostgreSQL beside the stores: replicas and migrations.

-- name: list_replicas()
-- List the servers that follow this one, with the seconds and the bytes of the log that their data is
-- behind; NULL where that is not known or hidden from the role, and 0 where all is applied.
SELECT
    coalesce(r.application_name, '') AS replica,
    coalesce(r.client_addr::text, 'local') AS address,
    coalesce(r.state, 'hidden') AS state,
    CASE
        WHEN r.replay_lsn = pg_current_wal_lsn() THEN 0.0::double precision
        ELSE extract(EPOCH FROM r.replay_lag)::double precision
    END AS lag_seconds,
    pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint AS lag_bytes
FROM pg_catalog.pg_stat_replication AS r
WHERE NOT pg_is_in_recovery()
ORDER BY r.application_name, r.client_addr, r.pid;

-- name: has_migrations()$
-- Tell whether the migration's own tables are there and can be read.
SELECT
    coalesce(
        has_table_privilege(
            to_regclass(format('%I._migration_runs', current_schema()))::oid, 'SELECT'
        )
        AND has_table_privilege(
            to_regclass(format('%I._migration_chunks', current_schema()))::oid, 'SELECT'
        ),
        FALSE
    ) AS present;

-- name: list_migrations()
-- List what migrations from SQLite have done so far, by run and table: rows that were read, and what
-- became of them.
SELECT
    r.run_id,
    r.finished_at IS NOT NULL AS is_finished,
    extract(EPOCH FROM coalesce(r.finished_at, clock_timestamp()) - r.started_at)::double precision
        AS seconds,
    c.target_table,
    coalesce(sum((c.result ->> 'read')::bigint), 0)::bigint AS rows_read,
    coalesce(sum((c.result ->> 'migrated')::bigint), 0)::bigint AS rows_migrated,
    coalesce(sum((c.result ->> 'already_there')::bigint), 0)::bigint AS rows_already_there,
    coalesce(sum((c.result ->> 'rejected')::bigint), 0)::bigint AS rows_rejected
FROM _migration_runs AS r
INNER JOIN _migration_chunks AS c ON r.run_id = c.run_id
GROUP BY r.run_id, r.started_at, r.finished_at, c.target_table
ORDER BY r.run_id, c.target_table;
