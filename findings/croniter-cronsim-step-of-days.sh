#!/usr/bin/env bash
# Which days '0 0 */10 * 1' means: every tenth day of the month, Mondays, both or either
#
# Guess: both libraries take a field that begins with a star as no restriction (as Debian's cron
#   does), so that both fields have to match
# Seen: cronsim wants both (2026-05-11 is the first), croniter takes either (2026-01-05): one
#   expression, 2 against over 80 runs a year
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check croniter==7.0.0 cronsim==2.8
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import datetime
import itertools

import croniter
import cronsim

start, end = datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1)
expression = "0 0 */10 * 1"
every = croniter.croniter(expression, start)
either = list(
    itertools.takewhile(lambda day: day < end, (every.get_next(datetime.datetime) for _ in range(400)))
)
both = list(itertools.takewhile(lambda day: day < end, cronsim.CronSim(expression, start)))
print("croniter", len(either), either[0].date(), "cronsim", len(both), both[0].date())
assert either[0].date().isoformat() == "2026-01-05"
assert both[0].date().isoformat() == "2026-05-11"
assert len(either) > 10 * len(both)
PYTHON
