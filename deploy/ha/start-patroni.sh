#!/bin/sh
# The entry point of a member of the cluster; its name is that of the container's host.
set -eu

: "${POSTGRES_PASSWORD:?put it into the file .env: the password of the role aragora}"
: "${PATRONI_SUPERUSER_PASSWORD:?put it into the file .env: the password of the role postgres}"
: "${PATRONI_REPLICATION_PASSWORD:?put it into the file .env: the password of the role replicator}"

PATRONI_NAME=$(hostname)
export PATRONI_NAME
export PATRONI_RESTAPI_CONNECT_ADDRESS="$PATRONI_NAME:8008"
export PATRONI_POSTGRESQL_CONNECT_ADDRESS="$PATRONI_NAME:5432"
exec patroni "${PATRONI_FILE:-/etc/patroni/patroni.yml}"
