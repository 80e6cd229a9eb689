#!/usr/bin/env bash
# RETURNING of a REAL column that an INSERT or UPDATE has just written, in SQLite 3.40 and 3.54
#
# Guess: 7.0 in a REAL column of a STRICT table comes back as the float 7.0, as SELECT gives it
# Seen: 3.40 gives the integer 7 from INSERT ... RETURNING and from UPDATE ... RETURNING, also where
#   the UPDATE sets another column, though typeof() beside it says 'real'; a DELETE and a SELECT give
#   the float. 3.54 gives the float everywhere. cast(column AS REAL) helps
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
cat >ask.py <<'PYTHON'
import json

import apsw

cursor = apsw.Connection(":memory:").cursor()
cursor.execute("CREATE TABLE readings (id TEXT PRIMARY KEY, value REAL, unit TEXT) STRICT")
statements = (
    "INSERT INTO readings VALUES ('a', 7.0, 'm') RETURNING value, typeof(value)",
    "UPDATE readings SET unit = 'km' RETURNING value, typeof(value)",
    "UPDATE readings SET value = 8.0 RETURNING value, typeof(value)",
    "INSERT INTO readings VALUES ('b', 7.0, 'm') RETURNING cast(value AS REAL), 'cast'",
    "SELECT value, typeof(value) FROM readings WHERE id = 'a'",
    "DELETE FROM readings WHERE id = 'a' RETURNING value, typeof(value)",
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
[ "$older" = '["3.40.0", [[7, "real"], [7, "real"], [8, "real"], [7.0, "cast"], [8.0, "real"], [8.0, "real"]]]' ]
[ "$newer" = '["3.54.1", [[7.0, "real"], [7.0, "real"], [8.0, "real"], [7.0, "cast"], [8.0, "real"], [8.0, "real"]]]' ]
echo "as found"
