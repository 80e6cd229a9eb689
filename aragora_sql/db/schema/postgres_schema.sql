-- The unified schema, under the path of the older Aragora:
--
--     psql -v ON_ERROR_STOP=1 -f aragora_sql/db/schema/postgres_schema.sql
--
-- sql/postgres/schema.sql says what it does.

\ir ../../../sql/postgres/schema.sql
