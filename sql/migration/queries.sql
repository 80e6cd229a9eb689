-- The migration's own queries, for PostgreSQL. Loading itself names its tables and columns at run
-- time, so it can't be in a file.

-- name: try_lock()$
-- Take the lock that lets one migration at a time write to this schema; false when it is taken.
-- locks: pg_try_advisory_lock(1095910255, hashtext(current_schema()))
-- meaning: not compared because another session can hold the lock
SELECT pg_try_advisory_lock(1095910255, hashtext(current_schema())) AS taken;

-- name: lock_holder()^
-- Return who holds the lock.
-- meaning: not compared because it tells of the sessions that are there
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

-- name: describe_session()^
-- Tell where a session is: two drivers that read one DSN should be in the same place.
-- meaning: not compared because it tells of the session itself
SELECT
    current_database()::text AS database_name,
    array_to_string(current_schemas(FALSE), ', ') AS schema_names,
    current_user::text AS user_name,
    extract(EPOCH FROM pg_postmaster_start_time())::text AS server_start;

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

-- name: list_hidden(table_names)
-- List those of some tables whose rows this role may not see whatever it was granted: row level
-- security is on for it, and no policy is.
SELECT c.relname::text AS name
FROM pg_catalog.pg_class AS c
WHERE
    c.relnamespace = (SELECT to_regnamespace(quote_ident(current_schema()::text))::oid)
    AND c.relkind IN ('r', 'p')
    AND c.relname::text = any(:table_names::text[])
    AND row_security_active(c.oid)
    AND NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_policy AS y
        CROSS JOIN LATERAL unnest(y.polroles) AS r (role)
        WHERE y.polrelid = c.oid AND (r.role = 0 OR pg_has_role(r.role, 'USAGE'))
    )
ORDER BY c.relname COLLATE "C";

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
-- Claim a range of rows; changes nothing when it was done. Waits while another process is at it.
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

-- name: has_rejects()$
-- Tell whether this schema has the table of rejects.
SELECT to_regclass(format('%I._migration_rejects', current_schema())) IS NOT NULL AS present;

-- name: list_rejects_of(target_table, after_reject, row_limit)
-- List the rejects of a table in all runs, a page at a time, and keep them until the transaction ends.
-- locks: _migration_rejects rows in order of reject_id
SELECT
    reject_id,
    run_id,
    reject
FROM _migration_rejects
WHERE target_table = :target_table AND reject_id > :after_reject AND reject <> ''
ORDER BY reject_id
LIMIT :row_limit
FOR UPDATE;

-- name: set_reject(reject_id, reject)!
-- Change the line of a reject.
UPDATE _migration_rejects SET reject = :reject WHERE reject_id = :reject_id;

-- name: list_reject_places(run_id, target_table)
-- List where the rejects of a table are in the source.
SELECT
    source_file,
    source_rowid
FROM _migration_rejects
WHERE run_id = :run_id AND target_table = :target_table;

-- name: list_left_out_places(run_id, target_table)
-- List where those rows of a table are in the source that were left out on request.
SELECT
    source_file,
    source_rowid
FROM _migration_rejects
WHERE run_id = :run_id AND target_table = :target_table AND reject = '';

-- name: last_run(source)$
-- Return the newest run of a source.
SELECT run_id FROM _migration_runs WHERE source = :source ORDER BY run_id DESC LIMIT 1;

-- name: get_number(target_table, source, source_file, source_rowid)$
-- Return the new number of a row whose number was taken. A dry run leaves the ledger of an earlier
-- release as it is: that has no column `source`.
SELECT n.number
FROM _migration_numbers AS n
WHERE
    n.target_table = :target_table
    AND n.source_file = :source_file
    AND n.source_rowid = :source_rowid
    AND coalesce(to_jsonb(n) ->> 'source', '') = :source;

-- name: list_numbers(target_table, source, source_file, first_row, last_row)
-- List the new numbers of a file's rows in a range.
SELECT
    n.source_rowid,
    n.number
FROM _migration_numbers AS n
WHERE
    n.target_table = :target_table
    AND n.source_file = :source_file
    AND n.source_rowid BETWEEN :first_row AND :last_row
    AND coalesce(to_jsonb(n) ->> 'source', '') = :source;

-- name: list_numbered(target_table, source_file, row_limit)
-- List rows of files of one name that got new numbers, so many of each file and from all over it.
SELECT
    r.source,
    r.source_rowid,
    r.row_digest
FROM (
    SELECT
        m.source,
        m.source_rowid,
        m.row_digest,
        row_number() OVER (PARTITION BY m.source ORDER BY md5(m.source_rowid::text)) AS place
    FROM (
        SELECT
            n.source_rowid,
            coalesce(to_jsonb(n) ->> 'source', '') AS source,
            coalesce(to_jsonb(n) ->> 'row_digest', '') AS row_digest
        FROM _migration_numbers AS n
        WHERE n.target_table = :target_table AND n.source_file = :source_file
    ) AS m
) AS r
WHERE r.place <= :row_limit
ORDER BY r.source, r.place;

-- name: take_number(target_table, source, source_file, source_rowid, row_digest, key)$
-- Give a row whose number was taken a new one, and remember it: in one statement, so that a client
-- which is killed leaves no number unused.
INSERT INTO _migration_numbers (
    target_table, source, source_file, source_rowid, row_digest, number
)
VALUES (
    :target_table,
    :source,
    :source_file,
    :source_rowid,
    :row_digest,
    nextval(pg_get_serial_sequence(:target_table, :key))
)
RETURNING number;

-- name: has_numbers()$
-- Tell whether new numbers are remembered anywhere on the search path.
SELECT to_regclass('_migration_numbers') IS NOT NULL AS present;

-- name: is_of_today()$
-- Tell whether the table of new numbers is that of this release; NULL when there is none.
SELECT bool_or(a.attname = 'row_digest') AS is_of_today
FROM pg_catalog.pg_attribute AS a
WHERE
    a.attrelid = to_regclass(format('%I._migration_numbers', current_schema()))
    AND NOT a.attisdropped;

-- name: has_tables()$
-- Tell whether the migration's own tables exist.
SELECT to_regclass(format('%I._migration_indexes', current_schema())) IS NOT NULL AS present;

-- name: list_droppable_indexes(table_name)
-- List the indexes of a table that only serve queries, and that we may drop and build again as they
-- are: no rule of the table hangs on them, and nothing about them is said outside their definition.
SELECT
    c.relname::text AS name,
    pg_get_indexdef(i.indexrelid) AS definition
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
WHERE
    i.indrelid = to_regclass(quote_ident(:table_name))
    AND c.relkind = 'i'
    AND NOT (i.indisunique OR i.indisclustered OR i.indisreplident)
    AND i.indisvalid
    AND c.reltablespace = 0
    AND pg_has_role(c.relowner, 'USAGE')
    AND obj_description(c.oid, 'pg_class') IS NULL
ORDER BY c.relname COLLATE "C";

-- name: list_indexes(table_name)
-- List the indexes of a table with their definitions.
SELECT
    c.relname::text AS name,
    pg_get_indexdef(i.indexrelid) AS definition
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
WHERE i.indrelid = to_regclass(quote_ident(:table_name))
ORDER BY c.relname COLLATE "C";

-- name: list_indexes_to_build(table_name)
-- List the indexes of a table that were dropped and not yet built again.
SELECT
    index_name AS name,
    definition
FROM _migration_indexes
WHERE target_table = :table_name
ORDER BY index_name COLLATE "C";

-- name: record_index(index_name, target_table, definition)!
-- Remember an index that is about to be dropped.
INSERT INTO _migration_indexes (index_name, target_table, definition)
VALUES (:index_name, :target_table, :definition)
ON CONFLICT (index_name) DO UPDATE
    SET target_table = excluded.target_table, definition = excluded.definition;

-- name: list_recorded_indexes()
-- List the indexes that were dropped and not yet built again, and whether we may build them.
SELECT
    d.index_name,
    coalesce(pg_has_role(c.relowner, 'USAGE'), TRUE) AS is_ours
FROM _migration_indexes AS d
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass(quote_ident(d.target_table))
ORDER BY d.index_name COLLATE "C";

-- name: get_dropped_index(index_name)^
-- Return the definition of an index that was dropped, and its table.
SELECT
    definition,
    target_table
FROM _migration_indexes
WHERE index_name = :index_name;

-- name: has_index(index_name)$
-- Tell whether an index is there, because somebody else built it.
SELECT to_regclass(quote_ident(:index_name)) IS NOT NULL AS present;

-- name: forget_index(index_name)!
-- Forget an index that has been built.
DELETE FROM _migration_indexes WHERE index_name = :index_name;
