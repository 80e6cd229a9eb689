#!/usr/bin/env bash
# A drawn match where draw_probability is 0, in trueskill 0.4.5
#
# Guess: an error that says that there are no draws, or ratings as after any draw: surer than before
# Seen: both players become less sure: sigma rises from 8.333 to 9.588; with 0.1 it falls to 6.458
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check trueskill==0.4.5
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import trueskill

print("trueskill", version("trueskill"))
sigmas = {}
for probability in (0.0, 0.1):
    rules = trueskill.TrueSkill(draw_probability=probability)
    one, two = rules.rate_1vs1(rules.create_rating(), rules.create_rating(), drawn=True)
    sigmas[probability] = one.sigma
    print("draw_probability", probability, "sigma", round(one.sigma, 3), round(two.sigma, 3))
assert sigmas[0.0] > 25 / 3 > sigmas[0.1]
PYTHON
