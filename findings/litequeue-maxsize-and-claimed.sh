#!/usr/bin/env bash
# A queue of litequeue with maxsize, some of whose messages are claimed
#
# Guess: maxsize bounds what qsize() counts
# Seen: it bounds waiting messages alone, and qsize() counts claimed ones too: a queue of at most 2 has 3,
#   and is full again as soon as the claimed one is done
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check litequeue==0.9
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import sqlite3

import litequeue

queue = litequeue.LiteQueue("queue.db", maxsize=2)
queue.put("a")
queue.put("b")
claimed = queue.pop()
queue.put("c")
print("litequeue", importlib.metadata.version("litequeue"), "qsize", queue.qsize())
assert queue.qsize() == 3
queue.done(claimed.message_id)
assert queue.qsize() == 2
try:
    queue.put("d")
    raise AssertionError("it takes more now")
except sqlite3.IntegrityError as error:
    print("put:", error)
PYTHON
