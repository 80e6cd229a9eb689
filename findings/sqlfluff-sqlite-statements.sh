#!/usr/bin/env bash
# Statements of SQLite's own documentation that sqlfluff's SQLite dialect cannot parse
#
# Guess: a dialect at version 4.5 parses INDEXED BY, BEGIN IMMEDIATE and EXPLAIN QUERY PLAN, as its
#   PostgreSQL dialect parses MERGE
# Seen: each of them is a parse error, also ORDER BY ... COLLATE NOCASE NULLS LAST; all run on
#   SQLite
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check sqlfluff==4.5.0 apsw==3.54.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import apsw
import sqlfluff

STATEMENTS = (
    "SELECT a FROM t INDEXED BY i WHERE a = 1;",
    "SELECT a FROM t ORDER BY a COLLATE NOCASE NULLS LAST;",
    "EXPLAIN QUERY PLAN SELECT 1;",
    "BEGIN IMMEDIATE;",
)
connection = apsw.Connection(":memory:")
connection.execute("CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a);")
print("sqlfluff", sqlfluff.__version__, "SQLite", apsw.sqlite_lib_version())
for statement in STATEMENTS:
    connection.execute(statement).fetchall()
    codes = [found["code"] for found in sqlfluff.lint(statement + "\n", dialect="sqlite")]
    print(statement, codes)
    assert "PRS" in codes
assert "PRS" not in [
    found["code"] for found in sqlfluff.lint("SELECT a FROM t WHERE a = '1';\n", dialect="sqlite")
]
PYTHON
