#!/bin/sh
# Writes the one account, and runs PgBouncer on the configuration that is beside this script.
set -eu

: "${POSTGRES_PASSWORD:?put it into the file .env: the password of the role aragora}"

umask 077
folder=$(mktemp -d)
# Quotes are doubled in that file.
quoted=$(printf '%s' "$POSTGRES_PASSWORD" | sed 's/"/""/g')
printf '"aragora" "%s"\n' "$quoted" >"$folder/users.txt"
sed "s|@users@|$folder/users.txt|" "$(dirname "$0")/pgbouncer.ini" >"$folder/pgbouncer.ini"
unset POSTGRES_PASSWORD
exec pgbouncer "$folder/pgbouncer.ini"
