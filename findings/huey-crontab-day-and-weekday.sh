#!/usr/bin/env bash
# crontab(day=…, day_of_week=…) of huey
#
# Guess: due on the 13th and on every Friday, as cron has it where both fields say something
# Seen: due only where both hold, on Friday the 13th: a schedule taken over from a crontab file runs
#   once or twice in a year instead of five times in a month
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check huey==3.5.4
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import datetime
import importlib.metadata

import huey

is_due = huey.crontab(minute="0", hour="3", day="13", day_of_week="5")
start = datetime.datetime(2026, 1, 1, 3)
days = [start + datetime.timedelta(days=number) for number in range(365)]
due = [day.date().isoformat() for day in days if is_due(day)]
print("huey", importlib.metadata.version("huey"), due)
assert due == ["2026-02-13", "2026-03-13", "2026-11-13"]
PYTHON
