-- The unified schema, under the path of the older Aragora:
--
--     psql -v ON_ERROR_STOP=1 -f aragora_sql/db/schema/postgres_schema.sql
--
-- A wheel has this file in place of the checkout's: its sql/ is inside the package.

\ir ../../sql/postgres/schema.sql
