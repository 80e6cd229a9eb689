#!/bin/sh
# Writes the one account and the addresses, and runs PgBouncer on the configuration beside this script.
set -eu

: "${POSTGRES_PASSWORD:?put it into the file .env: the password of the role aragora}"

umask 077
folder=$(mktemp -d)
# Quotes are doubled in that file.
quoted=$(printf '%s' "$POSTGRES_PASSWORD" | sed 's/"/""/g')
printf '"aragora" "%s"\n' "$quoted" >"$folder/users.txt"
sed -e "s|@users@|$folder/users.txt|" \
    -e "s|@host@|${PRIMARY_HOST:-haproxy}|" -e "s|@port@|${PRIMARY_PORT:-5000}|" \
    -e "s|@listen@|${PGBOUNCER_LISTEN:-*}|" -e "s|@listen_port@|${PGBOUNCER_LISTEN_PORT:-6543}|" \
    "$(dirname "$0")/pgbouncer.ini" >"$folder/pgbouncer.ini"
unset POSTGRES_PASSWORD
exec pgbouncer "$folder/pgbouncer.ini"
