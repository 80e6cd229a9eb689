#!/usr/bin/env bash
# strftime('%s') and '%S' of a time whose fraction of a second is just below 1, in SQLite 3.40 and 3.54
#
# Guess: the fraction is cut off, as the clock on the wall shows it, in each release
# Seen: 3.54 cuts it off; 3.40 rounds to milliseconds first, so that '%s' of 12:00:00.999999 is the
#   next second (and '%f' is 01.000) where '%S' still says 00
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
query = "SELECT sqlite_version(), CAST(strftime('%s', ?1) AS INTEGER), strftime('%S', ?1)"
rows = [connection.cursor().execute(query, (time,)).fetchone() for time in sys.argv[2:]]
print(json.dumps(rows))
"""
TIMES = ("2026-03-15T12:00:00.999499Z", "2026-03-15T12:00:00.999999Z")


def answers(folder):
    done = subprocess.run(
        [sys.executable, "-c", READ, folder, *TIMES], check=True, capture_output=True, text=True
    )
    rows = json.loads(done.stdout)
    for time, row in zip(TIMES, rows):
        print(time, *row)
    return rows


(_, start, _), (version, newer, shown) = answers("")
assert version == "3.54.1"
assert (newer, shown) == (start, "00")
(_, same, _), (version, older, shown) = answers("older")
assert version == "3.40.0"
assert same == start
assert (older, shown) == (start + 1, "00")
PYTHON
