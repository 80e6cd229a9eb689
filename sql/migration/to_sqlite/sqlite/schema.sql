-- What a move back to SQLite remembers in the file that it fills, so that a run which was interrupted
-- goes on where it stopped. The tables are gone when it is done.

CREATE TABLE IF NOT EXISTS _migration_runs (
    run_id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    snapshot TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS _migration_chunks (
    target_table TEXT NOT NULL,
    number INTEGER NOT NULL,
    last_key TEXT,
    result TEXT NOT NULL,
    PRIMARY KEY (target_table, number)
) STRICT;

CREATE TABLE IF NOT EXISTS _migration_rejects (
    reject_id INTEGER PRIMARY KEY AUTOINCREMENT,
    target_table TEXT NOT NULL,
    reject_key TEXT NOT NULL,
    reject TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS _migration_indexes (
    position INTEGER PRIMARY KEY,
    definition TEXT NOT NULL
) STRICT;
