#!/usr/bin/env bash
# CAST(real AS TEXT) in SQLite 3.40 and 3.54
#
# Guess: a change of digits would break keys and indexes on expressions, so both give 15 digits
# Seen: 3.40 gives 15 digits, 3.54 as many as 17: the text of 0.1 + 0.2 differs, so a key or an
#   index made of it in one release is not found in the other
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


statements = ("SELECT CAST(0.1 + 0.2 AS TEXT)", "SELECT (0.1 + 0.2) || ''", "SELECT CAST(1e22 AS TEXT)")
assert answers("older", *statements) == ["0.3", "0.3", "1.0e+22"]
assert answers("", *statements) == ["0.30000000000000004", "0.30000000000000004", "1.0e+22"]
PYTHON
