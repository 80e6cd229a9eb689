-- The unified schema of aragora-sql for PostgreSQL 13 and newer.
--
--     psql -v ON_ERROR_STOP=1 -f sql/postgres/schema.sql
--
-- Works from any folder and any number of times: all of it is created, or none of it. Tables go to
-- the first schema of search_path (public, unless you set another).
-- `aragora-sql schema show --dialect postgres` prints it as one file without \ir.

BEGIN;
-- so that a second run does not say of each object that it exists
SET LOCAL client_min_messages = warning;
\ir ../system/postgres/schema_versions/schema.sql
\ir consensus/schema.sql
\ir critique/schema.sql
\ir jobs/schema.sql
\ir workflow/schema.sql
\ir integrations/schema.sql
\ir checkpoints/schema.sql
\ir langgraph/schema.sql
COMMIT;
