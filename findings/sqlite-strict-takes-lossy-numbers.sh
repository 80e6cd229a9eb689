#!/usr/bin/env bash
# Numbers that a column of a STRICT table can't hold exactly, in SQLite 3.40 and 3.54
#
# Guess: an error, as for every value that is not converted without a loss (1.5 for an INTEGER)
# Seen: 2^53 + 1 for a REAL column, and its digits with ".0" as text for an INTEGER column, are stored
#   as 2^53; the text 1e400 for a REAL column is stored as infinity. Nothing is said
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
cd "$folder"
cat >ask.py <<'PYTHON'
import apsw

cursor = apsw.Connection(":memory:").cursor()
cursor.execute("CREATE TABLE amounts (whole INTEGER, fraction REAL) STRICT")


def stored(column, value):
    try:
        cursor.execute(f"INSERT INTO amounts ({column}) VALUES (?)", (value,))
    except apsw.ConstraintError:
        return "refused"
    ((found,),) = cursor.execute(f"SELECT {column} FROM amounts ORDER BY rowid DESC LIMIT 1")
    return found


found = [
    stored("whole", 1.5),
    stored("whole", "9007199254740993.0"),
    stored("fraction", 9007199254740993),
    stored("fraction", "1e400"),
]
print(apsw.sqlitelibversion(), found)
assert found == ["refused", 9007199254740992, 9007199254740992.0, float("inf")]
PYTHON
for version in 3.40.0.0 3.54.1.0; do
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "apsw==$version" 2>/dev/null
  "$folder/venv/bin/python" ask.py
done
