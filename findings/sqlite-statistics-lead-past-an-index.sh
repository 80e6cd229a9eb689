#!/usr/bin/env bash
# The newest 20 of a table by an index that does not hold all that is read, without and with the
# statistics of ANALYZE, in SQLite 3.40 and 3.54
#
# Guess: both walk the index on number and stop after 20, with statistics and without
# Seen: with statistics 3.54 walks the primary key instead, once for each of its first values (or
#   the whole table), and sorts all that it finds; 3.40 does not. unlikely() around the bound keeps
#   the index in both
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check apsw==3.54.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import subprocess
import sys

# the older release goes to a folder of its own
subprocess.run(
    [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
     "--no-deps", "--target", "older", "apsw==3.40.0.0"],
    check=True,
)
READ = """
import json, sys
if sys.argv[1]:
    sys.path.insert(0, sys.argv[1])
import apsw
connection = apsw.Connection(":memory:")
cursor = connection.cursor()
cursor.execute(
    "CREATE TABLE notes (place TEXT NOT NULL, part TEXT NOT NULL, number TEXT NOT NULL, body BLOB, "
    "PRIMARY KEY (place, part, number)); CREATE INDEX by_number ON notes (number)"
)
cursor.executemany(
    "INSERT INTO notes VALUES (?, '', ?, zeroblob(900))",
    [(f"place {n % 200}", f"{n:06}") for n in range(20_000)],
)
found = [apsw.sqlitelibversion()]
for prepare in ("SELECT 1", "ANALYZE"):
    cursor.execute(prepare).fetchall()
    for bound in ("number <= '9'", "unlikely(number <= '9')"):
        plan = cursor.execute(
            f"EXPLAIN QUERY PLAN SELECT place, part, number FROM notes WHERE {bound} "
            "AND (number, place, part) < ('9', '~', '~') AND length(body) > 0 "
            "ORDER BY number DESC, place DESC, part DESC LIMIT 20"
        ).fetchall()
        steps = [row[3] for row in plan]
        sorts_all = "USE TEMP B-TREE FOR ORDER BY" in steps
        found.append("by_number" in steps[0] and not sorts_all)
print(json.dumps(found))
"""


def by_index(folder):
    done = subprocess.run(
        [sys.executable, "-c", READ, folder], check=True, capture_output=True, text=True
    )
    version, *kept = json.loads(done.stdout)
    print("SQLite", version, "walks the index: plain, unlikely; with statistics:", kept)
    return kept


assert by_index("older") == [True, True, True, True]
assert by_index("") == [True, True, False, True]
PYTHON
