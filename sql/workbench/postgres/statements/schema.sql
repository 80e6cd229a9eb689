-- What queries.sql reads of the extension pg_stat_statements, under its name: `aragora-sql check`
-- prepares against this, because no server has to have the extension. Nothing else runs this file.

CREATE TEMPORARY VIEW pg_stat_statements AS
SELECT
    NULL::oid AS userid,
    NULL::oid AS dbid,
    NULL::bigint AS queryid,
    NULL::text AS query,
    NULL::bigint AS calls,
    NULL::double precision AS total_exec_time,
    NULL::bigint AS rows;
