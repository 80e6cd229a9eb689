#!/usr/bin/env bash
# round(x, 2) of numbers that lie beside a tie in SQLite 3.40 and 3.54
#
# Guess: round() did not change: it was documented as it is for years
# Seen: 3.40 rounds 0.285 to 0.29 and 1.005 to 1.01, as decimal readers expect; 3.54 to 0.28 and
#   1.0, as the binary values are; round(5.5555555555, 20) changed as well
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


statements = ("SELECT round(0.285, 2)", "SELECT round(1.005, 2)", "SELECT round(5.5555555555, 20)")
assert answers("older", *statements) == [0.29, 1.01, 5.555555555499999]
assert answers("", *statements) == [0.28, 1.0, 5.5555555555]
PYTHON
