#!/usr/bin/env bash
# A plain PostgreSQL upsert that sqlglot writes for SQLite, with errors for all that is not
#   supported
#
# Guess: INSERT ... ON CONFLICT (a) DO UPDATE is the same in both, so it comes back unchanged; what
#   has no form (casts to arrays, intervals) raises
# Seen: it becomes ON CONFLICT(a NULLS LAST), which SQLite refuses; array casts and intervals pass
#   as SQL that SQLite cannot read, and only row locks raise
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check sqlglot==30.30.0 apsw==3.54.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import apsw
import sqlglot

STATEMENTS = (
    "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = excluded.a",
    "SELECT a FROM t WHERE a = ANY('{1,2}'::int[])",
    "SELECT now() - interval '7 days'",
    "SELECT a FROM t FOR UPDATE SKIP LOCKED",
)
connection = apsw.Connection(":memory:")
connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
seen = []
for statement in STATEMENTS:
    try:
        (sql,) = sqlglot.transpile(
            statement, read="postgres", write="sqlite", unsupported_level=sqlglot.ErrorLevel.RAISE
        )
    except sqlglot.UnsupportedError:
        seen.append("raised")
        continue
    try:
        connection.execute(sql).fetchall()
        seen.append("runs")
    except apsw.SQLError as error:
        seen.append(f"SQLite: {error}")
    print(sql, "->", seen[-1])
print("sqlglot", sqlglot.__version__, "SQLite", apsw.sqlite_lib_version(), seen)
assert seen[0] == "SQLite: unsupported use of NULLS LAST"
assert all(one.startswith("SQLite: near") for one in seen[1:3])
assert seen[3] == "raised"
PYTHON
