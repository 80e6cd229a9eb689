#!/usr/bin/env bash
# The order in which yoyo applies 9.first.sql and 10.second.sql, and what it says of an edited file
#
# Guess: numbers are compared as numbers, and a file that was edited after it was applied is
#   noticed: yoyo keeps a hash
# Seen: names are compared as text, so 10 comes before 9; the hash is that of the name, so an edited
#   file counts as applied
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check yoyo-migrations==9.0.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import yoyo

folder = pathlib.Path("migrations")
folder.mkdir()
(folder / "9.first.sql").write_text("CREATE TABLE first (id INTEGER);")
(folder / "10.second.sql").write_text("CREATE TABLE second (id INTEGER);")
names = [one.id for one in yoyo.read_migrations(str(folder))]
backend = yoyo.get_backend("sqlite:///notes.db")
with backend.lock():
    backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(folder))))
(folder / "9.first.sql").write_text("CREATE TABLE another (id INTEGER);")
pending = [one.id for one in backend.to_apply(yoyo.read_migrations(str(folder)))]
print("yoyo-migrations", importlib.metadata.version("yoyo-migrations"), names, pending)
assert names == ["10.second", "9.first"]
assert pending == []
PYTHON
