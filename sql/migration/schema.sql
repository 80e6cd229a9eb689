-- What the migration remembers in the target, so that a run which was interrupted goes on where it
-- stopped. What the way back to SQLite remembers is in to_sqlite/. The tables may be dropped when
-- nothing is left to migrate.

CREATE TABLE IF NOT EXISTS _migration_runs (
    run_id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    finished_at TIMESTAMPTZ,
    CONSTRAINT _migration_runs_pkey PRIMARY KEY (run_id)
);

CREATE TABLE IF NOT EXISTS _migration_chunks (
    run_id BIGINT NOT NULL,
    target_table TEXT NOT NULL,
    source_file TEXT NOT NULL,
    mapping TEXT NOT NULL,
    part TEXT NOT NULL,
    first_row BIGINT NOT NULL,
    last_row BIGINT NOT NULL,
    result JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT _migration_chunks_pkey
    PRIMARY KEY (run_id, target_table, source_file, mapping, part, first_row),
    CONSTRAINT _migration_chunks_run_id_fkey
    FOREIGN KEY (run_id) REFERENCES _migration_runs (run_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS _migration_rejects (
    reject_id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id BIGINT NOT NULL,
    target_table TEXT NOT NULL,
    source_file TEXT NOT NULL,
    source_rowid BIGINT NOT NULL,
    reject TEXT NOT NULL,
    CONSTRAINT _migration_rejects_pkey PRIMARY KEY (reject_id),
    CONSTRAINT _migration_rejects_run_id_fkey
    FOREIGN KEY (run_id) REFERENCES _migration_runs (run_id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS idx_migration_rejects_run_id
ON _migration_rejects (run_id, target_table, source_file, source_rowid);

CREATE TABLE IF NOT EXISTS _migration_numbers (
    target_table TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    source_file TEXT NOT NULL,
    source_rowid BIGINT NOT NULL,
    row_digest TEXT NOT NULL DEFAULT '',
    number BIGINT NOT NULL,
    CONSTRAINT _migration_numbers_pkey
    PRIMARY KEY (target_table, source_file, source_rowid, source)
);

CREATE TABLE IF NOT EXISTS _migration_indexes (
    index_name TEXT NOT NULL,
    target_table TEXT NOT NULL,
    definition TEXT NOT NULL,
    CONSTRAINT _migration_indexes_pkey PRIMARY KEY (index_name)
);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE _migration_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE _migration_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE _migration_rejects ENABLE ROW LEVEL SECURITY;
ALTER TABLE _migration_numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE _migration_indexes ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format(
            'REVOKE ALL ON _migration_runs, _migration_chunks, _migration_rejects, _migration_numbers, _migration_indexes FROM %I',
            role_name
        );
        EXECUTE format(
            'REVOKE ALL ON SEQUENCE _migration_runs_run_id_seq, _migration_rejects_reject_id_seq FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE _migration_runs IS 'Migrations from SQLite into this database.';
COMMENT ON COLUMN _migration_runs.run_id IS 'Number of the run.';
COMMENT ON COLUMN _migration_runs.source IS 'Path that was migrated.';
COMMENT ON COLUMN _migration_runs.fingerprint IS 'State of the source files and options that shape the result.';
COMMENT ON COLUMN _migration_runs.started_at IS 'When the run began.';
COMMENT ON COLUMN _migration_runs.finished_at IS 'When all of it was done; empty while it can go on.';

COMMENT ON TABLE _migration_chunks IS 'Ranges of rows that were committed, with their outcome.';
COMMENT ON COLUMN _migration_chunks.run_id IS 'The run.';
COMMENT ON COLUMN _migration_chunks.target_table IS 'Table that the rows went to.';
COMMENT ON COLUMN _migration_chunks.source_file IS 'File that they came from; empty when several were merged.';
COMMENT ON COLUMN _migration_chunks.mapping IS 'Name of the mapping query.';
COMMENT ON COLUMN _migration_chunks.part IS 'rows, links (rows that point into their own table) or merged.';
COMMENT ON COLUMN _migration_chunks.first_row IS 'First rowid, or first place in the order of merging.';
COMMENT ON COLUMN _migration_chunks.last_row IS 'Last rowid, or last place in the order of merging.';
COMMENT ON COLUMN _migration_chunks.result IS 'Counts and notes of the chunk.';

COMMENT ON TABLE _migration_rejects IS 'Rows that were not migrated.';
COMMENT ON COLUMN _migration_rejects.reject_id IS 'Number of the reject.';
COMMENT ON COLUMN _migration_rejects.run_id IS 'The run.';
COMMENT ON COLUMN _migration_rejects.target_table IS 'Table that the row was meant for.';
COMMENT ON COLUMN _migration_rejects.source_file IS 'File that it is in.';
COMMENT ON COLUMN _migration_rejects.source_rowid IS 'Its rowid there.';
COMMENT ON COLUMN _migration_rejects.reject IS 'One line of the reject file, as JSON text.';

COMMENT ON TABLE _migration_numbers IS 'New numbers of rows whose number was taken by a row of another file.';
COMMENT ON COLUMN _migration_numbers.target_table IS 'Table that the row went to.';
COMMENT ON COLUMN _migration_numbers.source IS 'Path that was migrated when the file got its first number; empty when an earlier release gave it.';
COMMENT ON COLUMN _migration_numbers.source_file IS 'File that it came from.';
COMMENT ON COLUMN _migration_numbers.source_rowid IS 'Its rowid there.';
COMMENT ON COLUMN _migration_numbers.row_digest IS 'Digest of the row, by which a file is known after it was moved; empty when an earlier release gave the number.';
COMMENT ON COLUMN _migration_numbers.number IS 'Its number here.';

COMMENT ON TABLE _migration_indexes IS 'Indexes that were dropped for the load and are still to be built.';
COMMENT ON COLUMN _migration_indexes.index_name IS 'Name of the index.';
COMMENT ON COLUMN _migration_indexes.target_table IS 'Table that it is on.';
COMMENT ON COLUMN _migration_indexes.definition IS 'Statement that builds it.';
