-- The unified schema of aragora-sql for SQLite 3.38 and newer: the stores in their order.
--
--     aragora-sql schema show --dialect sqlite | sqlite3 aragora.db
--
-- The sqlite3 shell has no include relative to a file, so the lines below are read by aragora-sql.

-- \ir schema_versions/schema.sql
-- \ir consensus/schema.sql
-- \ir critique/schema.sql
-- \ir jobs/schema.sql
