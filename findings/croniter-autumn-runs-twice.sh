#!/usr/bin/env bash
# A daily schedule in the hour that the autumn's change of time repeats
#
# Guess: croniter and cronsim both run '30 2 * * *' once on that day, as cron does for a fixed hour
# Seen: croniter gives 02:30 twice, an hour apart; cronsim once
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check croniter==7.0.0 cronsim==2.8
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import datetime
import importlib.metadata
import zoneinfo

import croniter
import cronsim

start = datetime.datetime(2026, 10, 24, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
by_croniter = croniter.croniter("30 2 * * *", start)
first = [by_croniter.get_next(datetime.datetime).isoformat() for _ in range(3)]
by_cronsim = cronsim.CronSim("30 2 * * *", start)
second = [next(by_cronsim).isoformat() for _ in range(3)]
print("croniter", importlib.metadata.version("croniter"), first)
print("cronsim", importlib.metadata.version("cronsim"), second)
assert first == [
    "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"
]
assert second == [
    "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00", "2026-10-27T02:30:00+01:00"
]
PYTHON
