-- What queries.sql reads of the migration's own tables, under their names: `aragora-sql check`
-- prepares against this, because no database has to have them. Nothing else runs this file.

CREATE TEMPORARY VIEW _migration_runs AS
SELECT
    NULL::bigint AS run_id,
    NULL::timestamptz AS started_at,
    NULL::timestamptz AS finished_at;

CREATE TEMPORARY VIEW _migration_chunks AS
SELECT
    NULL::bigint AS run_id,
    NULL::text AS target_table,
    NULL::jsonb AS result;
