#!/bin/sh
# The entry point of a member of the cluster; its name is that of the container's host. Variables of
# Patroni (PATRONI_POSTGRESQL_BIN_DIR, …) that are set count.
set -eu

: "${POSTGRES_PASSWORD:?put it into the file .env: the password of the role aragora}"
: "${PATRONI_SUPERUSER_PASSWORD:?put it into the file .env: the password of the role postgres}"
: "${PATRONI_REPLICATION_PASSWORD:?put it into the file .env: the password of the role replicator}"

export PATRONI_NAME="${PATRONI_NAME:-$(hostname)}"
export PATRONI_RESTAPI_CONNECT_ADDRESS="${PATRONI_RESTAPI_CONNECT_ADDRESS:-$PATRONI_NAME:8008}"
export PATRONI_POSTGRESQL_CONNECT_ADDRESS="${PATRONI_POSTGRESQL_CONNECT_ADDRESS:-$PATRONI_NAME:5432}"
export CREATE_ROLE="${CREATE_ROLE:-/etc/patroni/create-role.sh}"
exec patroni "${PATRONI_FILE:-/etc/patroni/patroni.yml}"
