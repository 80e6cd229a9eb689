-- Leads the ledger of an earlier release, which knew a file by its name alone, to today's. What it
-- remembers counts for any file of that name.
ALTER TABLE _migration_numbers
ADD COLUMN source TEXT NOT NULL DEFAULT '',
ADD COLUMN row_digest TEXT NOT NULL DEFAULT '',
DROP CONSTRAINT _migration_numbers_pkey,
ADD CONSTRAINT _migration_numbers_pkey
PRIMARY KEY (target_table, source_file, source_rowid, source);

COMMENT ON COLUMN _migration_numbers.source IS 'Path that was migrated when the file got its first number; empty when an earlier release gave it.';
COMMENT ON COLUMN _migration_numbers.row_digest IS 'Digest of the row, by which a file is known after it was moved; empty when an earlier release gave the number.';
