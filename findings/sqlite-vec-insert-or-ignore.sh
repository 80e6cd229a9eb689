#!/usr/bin/env bash
# INSERT OR IGNORE and INSERT OR REPLACE of a row that is there, in a table of sqlite-vec 0.1.9
#
# Guess: the first changes nothing, the second replaces the row, as in every table (FTS5's too)
# Seen: both raise 'UNIQUE constraint failed', and take the other rows of the statement with them
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
connection.execute("CREATE VIRTUAL TABLE words USING fts5(content)")
connection.execute("INSERT INTO vectors (rowid, embedding) VALUES (1, '[1,0]')")
connection.execute("INSERT INTO words (rowid, content) VALUES (1, 'old')")
print(connection.execute("SELECT vec_version(), sqlite_version()").fetchone())
connection.execute("INSERT OR REPLACE INTO words (rowid, content) VALUES (1, 'new')")
assert connection.execute("SELECT content FROM words").fetchall() == [("new",)]
for word in ("IGNORE", "REPLACE"):
    try:
        connection.execute(
            f"INSERT OR {word} INTO vectors (rowid, embedding) VALUES (2, '[0,1]'), (1, '[9,9]')"
        )
    except apsw.SQLError as error:
        print(word, error)
        assert "UNIQUE constraint failed" in str(error)
    else:
        raise AssertionError(f"OR {word} is obeyed")
assert connection.execute("SELECT rowid FROM vectors").fetchall() == [(1,)]
PYTHON
