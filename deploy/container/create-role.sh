#!/bin/sh
# Gives the application a role that owns its database and nothing else. Run once, on an empty cluster:
# by the image of PostgreSQL, and by Patroni with --url and where the new primary is.
set -eu

: "${POSTGRES_PASSWORD:?no password for the role aragora}"
export POSTGRES_PASSWORD

if [ "${1:-}" = --url ]; then
    target=$2
else
    target="dbname=postgres user=${POSTGRES_USER:-postgres}"
fi

psql -X -v ON_ERROR_STOP=1 -d "$target" <<'SQL'
\getenv password POSTGRES_PASSWORD
CREATE ROLE aragora LOGIN PASSWORD :'password';
CREATE DATABASE aragora OWNER aragora;
REVOKE ALL ON DATABASE aragora FROM PUBLIC;
SQL

if [ "${1:-}" != --url ]; then
    # The image needs a password for the superuser. From here on it is used in the container only,
    # where none is asked for: docker compose exec postgres psql -U postgres
    psql -X -v ON_ERROR_STOP=1 -d "$target" -c 'ALTER ROLE CURRENT_USER PASSWORD NULL'
fi
