"""The process of the cached server of checks; see :mod:`aragora_sql.engines.warm`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psycopg

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.engines.warm import SETTINGS, CachedServerFiles, Kept
from aragora_sql.errors import AragoraSQLError

__all__ = ["main"]

_CHECK_SECONDS = 1.0
_LOCK_RETRY_SECONDS = 0.1


def main(folder: str, idle: str) -> int:
    """Run the server until it has not been used for ``idle`` seconds; 0 also if another runs."""
    files = CachedServerFiles(Path(folder))
    lock = files.take_lock()
    if lock is None:
        # Another process may hold it for a moment, to see whether a cached server runs.
        time.sleep(_LOCK_RETRY_SECONDS)
        lock = files.take_lock()
    if lock is None:
        return 0
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    files.state.unlink(missing_ok=True)
    with lock:
        try:
            with EmbeddedServer(settings=SETTINGS) as server:
                ours = Kept(server.dsn(), os.getpid())
                files.write(ours)
                while not stopped.wait(_CHECK_SECONDS) and files.read() == ours:
                    if _unused(files) > float(idle):
                        if not _is_in_use(ours):
                            break
                        # A check may take longer than that.
                        files.used.touch()
        except (AragoraSQLError, psycopg.Error) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        finally:
            files.state.unlink(missing_ok=True)
    return 0


def _unused(files: CachedServerFiles) -> float:
    """Return for how many seconds the server has not been used."""
    try:
        return time.time() - files.used.stat().st_mtime
    except OSError:
        return float("inf")


def _is_in_use(kept: Kept) -> bool:
    """Tell whether somebody else is connected to the server."""
    with psycopg.connect(kept.dsn) as connection:
        ((others,),) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    return bool(others)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
