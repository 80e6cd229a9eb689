#!/usr/bin/env bash
# The chances of a win for either side and of a draw, in openskill 6.2.0
#
# Guess: predict_win() of both sides and predict_draw() are the three outcomes, and add up to 1
# Seen: predict_win() gives 0.5 and 0.5 for equal players, and predict_draw() 0.237 besides
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check openskill==6.2.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from openskill.models import PlackettLuce

model = PlackettLuce()
teams = [[model.rating()], [model.rating()]]
wins, draw = model.predict_win(teams), model.predict_draw(teams)
print("openskill", version("openskill"), "wins", wins, "draw", round(draw, 4))
assert abs(sum(wins) - 1.0) < 1e-9
assert draw > 0.2
PYTHON
