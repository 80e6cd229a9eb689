#!/usr/bin/env bash
# orjson and integers of 65 bits and more, both ways
#
# Guess: dumps() refuses them, so loads() refuses them as well
# Seen: dumps() raises TypeError; loads() makes a float of them without a word, so
#   18446744073709551617 comes back as 1.8446744073709552e+19; json keeps every digit
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check orjson==3.13.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json

import orjson

number = 2**64 + 1
try:
    orjson.dumps(number)
    written = "written"
except TypeError as error:
    written = f"TypeError: {error}"
read = orjson.loads(str(number))
print("orjson", orjson.__version__, written, repr(read), "json:", json.loads(str(number)))
assert written.startswith("TypeError")
assert isinstance(read, float) and int(read) != number
assert json.loads(json.dumps(number)) == number
PYTHON
