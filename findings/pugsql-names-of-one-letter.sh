#!/usr/bin/env bash
# A PugSQL query with a name of one letter
#
# Guess: any Python identifier names a query, as in aiosql and anosql
# Seen: 'a' is refused as 'not a legal Python function name', 'aa' is taken
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pugsql==0.3.7
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pugsql
from pugsql.exceptions import ParserError

print("pugsql", importlib.metadata.version("pugsql"))
answers = {}
for name in ("a", "aa"):
    folder = pathlib.Path(name * 3)
    folder.mkdir()
    (folder / "queries.sql").write_text(f"-- :name {name} :scalar\nSELECT 1\n")
    try:
        module = pugsql.module(str(folder))
        module.connect("sqlite://")
        answers[name] = getattr(module, name)()
    except ParserError as error:
        answers[name] = str(error).rsplit(" - ", 1)[-1]
print(answers)
assert answers == {"a": "'a' is not a legal Python function name.", "aa": 1}
PYTHON
