#!/usr/bin/env bash
# What sqlite-utils' table.transform() keeps of a table when a column gets another name
#
# Guess: all of it, since it copies the table's definition: CHECK, STRICT, foreign keys, collations,
#   triggers
# Seen: CHECK, STRICT and ON DELETE CASCADE stay; COLLATE NOCASE and every trigger of the table go
#   without a word
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check sqlite-utils==4.2.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata

import sqlite_utils

database = sqlite_utils.Database(memory=True)
database.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
database.execute(
    "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, size INTEGER CHECK (size > 0),"
    " parent INTEGER REFERENCES parents (id) ON DELETE CASCADE) STRICT"
)
database.execute("CREATE TRIGGER watch AFTER INSERT ON items BEGIN SELECT 1; END")
database["items"].transform(rename={"size": "weight"})
schema = database["items"].schema
triggers = [trigger.name for trigger in database["items"].triggers]
print("sqlite-utils", importlib.metadata.version("sqlite-utils"))
print(schema, triggers)
assert "CASCADE" in schema and "STRICT" in schema
assert "NOCASE" not in schema
assert triggers == []
PYTHON
