#!/usr/bin/env bash
# Which texts of an item LangGraph's SqliteStore embeds, with fields=["text"] in its index
#
# Guess: the member text alone, as InMemoryStore does and as IndexConfig documents
# Seen: SqliteStore does not look at fields: it embeds the whole value as JSON, and so the names of
#   its members, too; it reads an undocumented text_fields
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check langgraph-checkpoint==4.3.2 langgraph-checkpoint-sqlite==3.1.2 pysqlite3==0.6.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata

import pysqlite3  # its connections can load extensions, which not every Python's can
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

for package in ("langgraph-checkpoint", "langgraph-checkpoint-sqlite"):
    print(package, importlib.metadata.version(package))


def embedded(make, **names):
    texts = []

    def embed(given):
        texts.extend(given)
        return [[1.0, 0.0] for _ in given]

    store = make({"dims": 2, "embed": embed, **names})
    store.put(("n",), "k", {"text": "wanted", "secret": "unwanted"})
    return texts


def sqlite(index):
    connection = pysqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    return SqliteStore(connection, index=index)


seen = {
    "memory": embedded(lambda index: InMemoryStore(index=index), fields=["text"]),
    "sqlite": embedded(sqlite, fields=["text"]),
    "sqlite, text_fields": embedded(sqlite, text_fields=["text"]),
}
print(seen)
assert seen["memory"] == seen["sqlite, text_fields"] == ["wanted"]
assert seen["sqlite"] == ['{"secret": "unwanted", "text": "wanted"}']
PYTHON
