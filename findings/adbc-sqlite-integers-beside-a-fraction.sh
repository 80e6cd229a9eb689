#!/usr/bin/env bash
# A column of SQLite in which integers and a fraction stand, read by the ADBC driver
#
# Guess: an error, or a type that holds each value; it gives an error where the fraction comes after the
#   first batch of 1,024 rows
# Seen: within the first batch the integers become floats of 64 bits, so those beyond 2^53 lose their last
#   digits without a word; where the fraction comes later, the error
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check adbc-driver-sqlite==1.13.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata

import adbc_driver_sqlite.dbapi

print("adbc-driver-sqlite", importlib.metadata.version("adbc-driver-sqlite"))
with adbc_driver_sqlite.dbapi.connect() as connection, connection.cursor() as cursor:
    cursor.execute("SELECT 9007199254740993 AS n UNION ALL SELECT 0.5")
    near = cursor.fetch_arrow_table().to_pydict()
    print(near)
    assert near == {"n": [9007199254740992.0, 0.5]}
    cursor.execute(
        "WITH RECURSIVE counted AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM counted LIMIT 1500) "
        "SELECT 9007199254740992 + n AS n FROM counted UNION ALL SELECT 0.5"
    )
    try:
        cursor.fetch_arrow_table()
        raise AssertionError("a fraction in a later batch is taken now")
    except OSError as error:
        print("later:", error)
PYTHON
