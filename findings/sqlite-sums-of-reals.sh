#!/usr/bin/env bash
# sum() and total() of the same reals in SQLite 3.40 and 3.54
#
# Guess: the sum of 0.1, 0.2 and 0.3 is 0.6000000000000001 in both, as the additions one by one give
# Seen: 3.54 compensates the error (0.6), 3.40 does not; 1e100 + 1 - 1e100 is 0.0 in one and 1.0 in
#   the other, so averages that were stored differ in the last digits from such that are computed
#   again
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
statements = ["SELECT sqlite_version()", *json.loads(sys.argv[2])]
print(json.dumps([connection.cursor().execute(one).fetchone()[0] for one in statements]))
"""


def answers(folder, *statements):
    done = subprocess.run(
        [sys.executable, "-c", READ, folder, json.dumps(statements)],
        check=True, capture_output=True, text=True,
    )
    version, *rows = json.loads(done.stdout)
    print("SQLite", version, rows)
    return rows


statements = (
    "SELECT total(column1) FROM (VALUES (0.1), (0.2), (0.3))",
    "SELECT avg(column1) FROM (VALUES (0.1), (0.2), (0.3))",
    "SELECT sum(column1) FROM (VALUES (1e100), (1), (-1e100))",
)
assert answers("older", *statements) == [0.6000000000000001, 0.20000000000000004, 0.0]
assert answers("", *statements) == [0.6, 0.19999999999999998, 1.0]
PYTHON
