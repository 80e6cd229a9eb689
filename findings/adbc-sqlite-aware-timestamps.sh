#!/usr/bin/env bash
# Aware timestamps, bound and ingested by the ADBC driver of SQLite
#
# Guess: ISO 8601 text with the offset, or with Z, as SQLite reads it
# Seen: turned into UTC, and stored without offset or Z: the text is that of a naive timestamp, and what
#   reads it takes it for local time or for UTC by its own habit; a naive one of the same hour looks alike
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check adbc-driver-sqlite==1.13.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import datetime
import importlib.metadata

import adbc_driver_sqlite.dbapi
import pyarrow

print("adbc-driver-sqlite", importlib.metadata.version("adbc-driver-sqlite"))
zone = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
aware = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=zone)
naive = datetime.datetime(2026, 1, 2, 6, 15)
with adbc_driver_sqlite.dbapi.connect() as connection, connection.cursor() as cursor:
    cursor.execute("SELECT ?, ?", (aware, naive))
    bound = cursor.fetchone()
    column = pyarrow.array([aware], type=pyarrow.timestamp("us", tz="Asia/Kathmandu"))
    cursor.adbc_ingest("moments", pyarrow.table({"at": column}), mode="create")
    cursor.execute("SELECT at FROM moments")
    ingested = cursor.fetchone()
print(bound, ingested)
assert bound == ("2026-01-02T06:15:00.000000",) * 2
assert ingested == bound[:1]
PYTHON
