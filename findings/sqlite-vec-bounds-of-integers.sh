#!/usr/bin/env bash
# A bound with a fraction on a whole-number column of sqlite-vec 0.1.9: 'n < 1.5' beside n = 1
#
# Guess: as in any table of SQLite, the row with n = 1 is below 1.5
# Seen: in a search for neighbours it is not found, for the bound becomes 1; without a search it is.
#   '>= 0.5' finds n = 0, which is not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check sqlite-vec==0.1.9 apsw==3.54.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import apsw
import sqlite_vec

connection = apsw.Connection(":memory:")
connection.enable_load_extension(True)
connection.load_extension(sqlite_vec.loadable_path())
connection.execute("CREATE VIRTUAL TABLE memories USING vec0(embedding float[2], n integer)")
for n in (0, 1, 2):
    connection.execute("INSERT INTO memories (rowid, embedding, n) VALUES (?, '[1,0]', ?)", (n + 1, n))
print(connection.execute("SELECT vec_version(), sqlite_version()").fetchone())


def found(rule, search):
    where = "embedding MATCH '[1,0]' AND k = 3 AND " if search else ""
    rows = connection.execute(f"SELECT n FROM memories WHERE {where}{rule}")
    return sorted(n for (n,) in rows)


for rule in ("n < 1.5", "n >= 0.5"):
    print(rule, "with search", found(rule, True), "without", found(rule, False))
assert found("n < 1.5", False) == [0, 1]
assert found("n < 1.5", True) == [0]
assert found("n >= 0.5", False) == [1, 2]
assert found("n >= 0.5", True) == [0, 1, 2]
PYTHON
