-- The migration's own queries, for PostgreSQL. Loading itself names its tables and columns at run
-- time, so it can't stand in a file.

-- name: try_lock()$
-- Take the lock that lets one migration at a time write to this schema; false when it is taken.
SELECT pg_try_advisory_lock(1095910255, hashtext(current_schema())) AS taken;

-- name: lock_holder()^
-- Tell who holds the lock.
SELECT
    a.pid,
    coalesce(a.application_name, '') AS application_name,
    coalesce(a.client_addr::text, 'this machine') AS client,
    a.backend_start AS since
FROM pg_catalog.pg_locks AS l
INNER JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
WHERE
    l.locktype = 'advisory'
    AND l.granted
    AND l.classid = 1095910255
    AND l.objid = hashtext(current_schema())::oid
    AND l.database
    = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
LIMIT 1;

-- name: list_columns(table_name)
-- List the columns of a table that a row gives values for.
SELECT
    a.attname::text AS name,
    format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS not_null,
    (a.atthasdef OR a.attidentity <> '') AS has_default,
    a.attgenerated <> '' AS is_generated,
    a.attidentity::text AS identity
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = to_regclass(quote_ident(:table_name)) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: list_constraints(table_name)
-- List the constraints and unique indexes of a table with the columns that they are about.
SELECT
    k.conname::text AS name,
    k.contype::text AS kind,
    k.confrelid::regclass::text AS parent,
    (
        SELECT coalesce(array_agg(a.attname::text ORDER BY c.place), '{}')
        FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = k.conrelid AND c.number = a.attnum
    ) AS columns,
    (
        SELECT coalesce(array_agg(a.attname::text ORDER BY c.place), '{}')
        FROM unnest(k.confkey) WITH ORDINALITY AS c (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid = k.confrelid AND c.number = a.attnum
    ) AS parent_columns,
    pg_get_constraintdef(k.oid) AS definition
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = to_regclass(quote_ident(:table_name)) AND k.contype IN ('p', 'u', 'f', 'c')
ORDER BY k.conname;

-- name: find_run(source, fingerprint)$
-- Return the newest run of this source that can go on.
SELECT run_id
FROM _migration_runs
WHERE source = :source AND fingerprint = :fingerprint AND finished_at IS NULL
ORDER BY run_id DESC
LIMIT 1;

-- name: drop_old_runs(source)!
-- Forget what earlier runs of this source left.
DELETE FROM _migration_runs WHERE source = :source;

-- name: start_run(source, fingerprint)$
-- Begin a run.
INSERT INTO _migration_runs (source, fingerprint) VALUES (:source, :fingerprint) RETURNING run_id;

-- name: finish_run(run_id)!
-- Mark a run as done.
UPDATE _migration_runs SET finished_at = clock_timestamp() WHERE run_id = :run_id;

-- name: claim_chunk(run_id, target_table, source_file, mapping, part, first_row, last_row)!
-- Claim a range of rows; changes nothing when it was done. Waits for whoever is at it.
INSERT INTO _migration_chunks (
    run_id, target_table, source_file, mapping, part, first_row, last_row
)
VALUES (:run_id, :target_table, :source_file, :mapping, :part, :first_row, :last_row)
ON CONFLICT DO NOTHING;

-- name: finish_chunk(run_id, target_table, source_file, mapping, part, first_row, result)!
-- Record the outcome of a range.
UPDATE _migration_chunks
SET result = :result::jsonb
WHERE
    run_id = :run_id
    AND target_table = :target_table
    AND source_file = :source_file
    AND mapping = :mapping
    AND part = :part
    AND first_row = :first_row;

-- name: get_chunk(run_id, target_table, source_file, mapping, part, first_row)$
-- Return the outcome of a range.
SELECT result::text AS result
FROM _migration_chunks
WHERE
    run_id = :run_id
    AND target_table = :target_table
    AND source_file = :source_file
    AND mapping = :mapping
    AND part = :part
    AND first_row = :first_row;

-- name: add_reject(run_id, target_table, source_file, source_rowid, reject)!
-- Keep a row that was not migrated.
INSERT INTO _migration_rejects (run_id, target_table, source_file, source_rowid, reject)
VALUES (:run_id, :target_table, :source_file, :source_rowid, :reject);

-- name: list_rejects(run_id, after_reject, row_limit)
-- List the rejects of a run, a page at a time; those that were left out on request have no text.
SELECT
    reject_id,
    target_table,
    reject
FROM _migration_rejects
WHERE run_id = :run_id AND reject_id > :after_reject AND reject <> ''
ORDER BY reject_id
LIMIT :row_limit;

-- name: list_reject_places(run_id, target_table)
-- List where the rejects of a table stand.
SELECT
    source_file,
    source_rowid
FROM _migration_rejects
WHERE run_id = :run_id AND target_table = :target_table;

-- name: last_run(source)$
-- Return the newest run of a source.
SELECT run_id FROM _migration_runs WHERE source = :source ORDER BY run_id DESC LIMIT 1;

-- name: get_number(target_table, source_file, source_rowid)$
-- Return the new number of a row whose number was taken.
SELECT number
FROM _migration_numbers
WHERE
    target_table = :target_table
    AND source_file = :source_file
    AND source_rowid = :source_rowid;

-- name: take_number(target_table, source_file, source_rowid, key)$
-- Give a row whose number was taken a new one, and remember it: in one statement, so that a client
-- which is killed leaves no number behind that nobody has.
INSERT INTO _migration_numbers (target_table, source_file, source_rowid, number)
VALUES (
    :target_table,
    :source_file,
    :source_rowid,
    nextval(pg_get_serial_sequence(:target_table, :key))
)
RETURNING number;

-- name: has_tables()$
-- Tell whether the migration's own tables exist.
SELECT to_regclass(format('%I._migration_runs', current_schema())) IS NOT NULL AS present;

-- name: list_strict_indexes(table_name)
-- List the GIN indexes of a table that take each row at once, and whether we relaxed them.
SELECT
    c.relname::text AS name,
    coalesce('fastupdate=on' = any(c.reloptions), FALSE)
    AND EXISTS (
        SELECT 1 FROM unnest(c.reloptions) AS o (setting)
        WHERE o.setting LIKE 'gin_pending_list_limit=%'
    ) AS is_relaxed
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
INNER JOIN pg_catalog.pg_am AS m ON c.relam = m.oid
WHERE
    i.indrelid = to_regclass(quote_ident(:table_name))
    AND m.amname = 'gin'
    AND c.reloptions IS NOT NULL
ORDER BY c.relname COLLATE "C";
