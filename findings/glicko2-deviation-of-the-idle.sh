#!/usr/bin/env bash
# The deviation of a player who has not played for 1,000 periods, in glicko2 2.1.0
#
# Guess: it grows to that of a new player (350) and no further, as Glicko's author has it
# Seen: 385.5, and on: somebody who played once is then less sure than somebody who never did; and a
#   period with an empty list of games is a ZeroDivisionError, not an idle one
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check glicko2==2.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import glicko2

player = glicko2.Player(1500, 200, 0.06)
for _ in range(1000):
    player.did_not_compete()
print("glicko2", version("glicko2"), "new", glicko2.Player().rd, "idle", round(player.rd, 1))
assert player.rd > glicko2.Player().rd == 350.0
try:
    player.update_player([], [], [])
except ZeroDivisionError as error:
    print("no games:", type(error).__name__)
else:
    raise AssertionError("a period without games is accepted")
PYTHON
