#!/usr/bin/env bash
# Days and hours beyond the calendar in SQLite 3.40 and 3.54
#
# Guess: '2026-02-30' gives NULL or is carried over to March in both
# Seen: 3.40 gives it back as it is, 3.54 carries it over to 2026-03-02; hour 24 likewise; and the
#   fraction .9996 is rounded up into the next second by 3.40 and cut by 3.54
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
    "SELECT date('2026-02-30')",
    "SELECT datetime('2026-01-02 24:00:00')",
    "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-02T03:04:05.9996Z')",
)
assert answers("older", *statements) == [
    "2026-02-30", "2026-01-02 24:00:00", "2026-01-02T03:04:06.000Z"
]
assert answers("", *statements) == [
    "2026-03-02", "2026-01-03 00:00:00", "2026-01-02T03:04:05.999Z"
]
PYTHON
