#!/usr/bin/env bash
# A team whose score is NaN, in openskill 6.2.0
#
# Guess: an error, as for a rank that is a text; or both teams stay as they are
# Seen: the team that is named first wins, whichever of the two has the NaN
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check openskill==6.2.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
from importlib.metadata import version

from openskill.models import PlackettLuce

model = PlackettLuce()
print("openskill", version("openskill"))
for scores in ([math.nan, 1.0], [1.0, math.nan]):
    first, second = model.rate([[model.rating()], [model.rating()]], scores=scores)
    print(scores, round(first[0].mu, 3), round(second[0].mu, 3))
    assert first[0].mu > 25.0 > second[0].mu
PYTHON
