#!/usr/bin/env bash
# Two players with the ranks 0.5 and 0.25, rated by two models of openskill 6.2.0
#
# Guess: a lower rank is better whatever the numbers are, in each model: the second player wins
# Seen: PlackettLuce cuts the fractions off and rates a draw, as it does for 1.5 and 1.2;
#   BradleyTerryFull rates a win, and both do for 2 and 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check openskill==6.2.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from openskill.models import BradleyTerryFull, PlackettLuce


def rated(model, ranks):
    teams = [[model.rating()], [model.rating()]]
    return [round(team[0].mu, 3) for team in model.rate(teams, ranks=ranks)]


plackett, bradley = PlackettLuce(), BradleyTerryFull()
print("openskill", version("openskill"))
for ranks in ([0.5, 0.25], [1.5, 1.2], [2, 1]):
    print(ranks, "PlackettLuce", rated(plackett, ranks), "BradleyTerryFull", rated(bradley, ranks))
for ranks in ([0.5, 0.25], [1.5, 1.2]):
    assert rated(plackett, ranks) == [25.0, 25.0]
    assert rated(bradley, ranks)[0] < 25.0 < rated(bradley, ranks)[1]
assert rated(plackett, [2, 1])[0] < 25.0
PYTHON
