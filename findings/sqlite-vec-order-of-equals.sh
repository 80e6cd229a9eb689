#!/usr/bin/env bash
# Which neighbours a search gives when several are equally near, in sqlite-vec 0.1.9
#
# Guess: those with the lowest rowid, since an exact search reads the rows in that order and keeps
#   what it has on a tie
# Seen: those that were stored last, so that a search for one of equals changes its answer with every
#   row that is added; and ORDER BY distance, rowid is refused
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
connection.execute("CREATE VIRTUAL TABLE vectors USING vec0(embedding float[2])")
for rowid in (1, 2, 3, 4, 5):
    vector = "[0,1]" if rowid == 2 else "[1,0]"
    connection.execute("INSERT INTO vectors (rowid, embedding) VALUES (?, ?)", (rowid, vector))
print(connection.execute("SELECT vec_version(), sqlite_version()").fetchone())
SEARCH = "SELECT rowid FROM vectors WHERE embedding MATCH '[1,0]' AND k = ? ORDER BY distance"
found = {k: [row for (row,) in connection.execute(SEARCH, (k,))] for k in (1, 2, 3, 5)}
print(found)
assert found[5][-1] == 2
assert found[1] == [5]
assert found[3] == [5, 4, 3]
try:
    connection.execute(f"{SEARCH}, rowid", (3,)).fetchall()
except apsw.SQLError as error:
    print(error)
else:
    raise AssertionError("a second key of the order is accepted")
PYTHON
