#!/usr/bin/env bash
# orjson and an aware datetime whose UTC offset has seconds (Amsterdam before 1937)
#
# Guess: it refuses it, or writes the offset with its seconds as datetime.isoformat() does
# Seen: it drops the seconds of the offset and keeps the local time: what is read back is another
#   instant, 28 seconds off
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check orjson==3.13.0 tzdata==2025.2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import datetime
import json
import zoneinfo

import orjson

zone = datetime.timezone(datetime.timedelta(minutes=19, seconds=32))
noon = datetime.datetime(1930, 1, 1, 12, tzinfo=zone)
text = json.loads(orjson.dumps(noon))
back = datetime.datetime.fromisoformat(text)
print("orjson", orjson.__version__, "isoformat:", noon.isoformat(), "orjson:", text)
assert noon.isoformat() == "1930-01-01T12:00:00+00:19:32"
assert text in ("1930-01-01T12:00:00+00:19", "1930-01-01T12:00:00+00:20")
assert abs((back - noon).total_seconds()) in (28.0, 32.0)
print("seconds off:", (back - noon).total_seconds())
PYTHON
