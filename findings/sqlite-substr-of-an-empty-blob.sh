#!/usr/bin/env bash
# substr() of a blob without bytes, in SQLite 3.54
#
# Guess: an empty blob, as substr() of empty text is empty text
# Seen: NULL, whatever is asked of it, so a column that is NOT NULL refuses a part of it; a part of
#   no bytes out of a blob that has some is an empty blob
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check apsw==3.54.1.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import apsw

connection = apsw.Connection(":memory:")
connection.execute("CREATE TABLE parts (content BLOB NOT NULL)")
connection.execute("INSERT INTO parts VALUES (x''), (x'07')")
seen = list(
    connection.execute(
        "SELECT length(content), typeof(content), typeof(substr(content, 1)), "
        "typeof(substr(content, 1, 0)), typeof(substr(cast(content AS TEXT), 1, 0)) "
        "FROM parts ORDER BY content"
    )
)
print("SQLite", apsw.sqlite_lib_version(), *seen, sep="\n")
assert seen == [(0, "blob", "null", "null", "text"), (1, "blob", "blob", "blob", "text")]
try:
    connection.execute("INSERT INTO parts SELECT substr(content, 1) FROM parts WHERE content = x''")
except apsw.ConstraintError as error:
    print(error)
else:
    raise SystemExit("the part was stored")
PYTHON
