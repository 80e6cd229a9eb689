#!/usr/bin/env bash
# The sum of two Elo ratings near the lowest one, in elote 1.5.1
#
# Guess: what one gains the other loses, so the sum stays; the lowest rating (100) ends the exchange
# Seen: the loser stays at 100 and the winner goes on gaining: 205 points became 567 in 50 matches
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check elote==1.5.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from elote import EloCompetitor

one, two = EloCompetitor(105), EloCompetitor(100)
for _ in range(50):
    one.beat(two)
print("elote", version("elote"), round(one.rating, 1), round(two.rating, 1))
assert two.rating == 100
assert one.rating + two.rating > 500
PYTHON
