#!/usr/bin/env bash
# RETURNING column IS NOT NULL of a column that holds NULL, in SQLite 3.40 and 3.54
#
# Guess: 0, as SELECT gives it
# Seen: 3.40 gives 1 from INSERT, UPDATE and DELETE, and 0 for IS NULL; a SELECT is right, and so is
#   IS NOT NULL of an expression such as coalesce(column, NULL). 3.54 gives 0 everywhere
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
cat >ask.py <<'PYTHON'
import json

import apsw

cursor = apsw.Connection(":memory:").cursor()
cursor.execute("CREATE TABLE links (id TEXT NOT NULL PRIMARY KEY, token TEXT) STRICT")
statements = (
    "INSERT INTO links (id) VALUES ('a') RETURNING token IS NOT NULL, token IS NULL",
    "UPDATE links SET id = 'b' RETURNING token IS NOT NULL, token IS NULL",
    "UPDATE links SET id = 'c' RETURNING coalesce(token, NULL) IS NOT NULL, token",
    "SELECT token IS NOT NULL, token IS NULL FROM links",
    "DELETE FROM links RETURNING token IS NOT NULL, token IS NULL",
)
(version,) = next(cursor.execute("SELECT sqlite_version()"))
rows = [list(row) for one in statements for row in cursor.execute(one)]
print(json.dumps([version, rows]))
PYTHON
ask() {
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "apsw==$1" 2>/dev/null
  "$folder/venv/bin/python" ask.py
}
older=$(ask 3.40.0.0)
newer=$(ask 3.54.1.0)
echo "$older"
echo "$newer"
[ "$older" = '["3.40.0", [[1, 0], [1, 0], [0, null], [0, 1], [1, 0]]]' ]
[ "$newer" = '["3.54.1", [[0, 1], [0, 1], [0, null], [0, 1], [0, 1]]]' ]
