"""The process that keeps a server for the checks to come; see :mod:`aragora_sql.checker.warm`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from aragora_sql.checker.warm import SETTINGS, KeeperFiles, Kept
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import AragoraSQLError

__all__ = ["main"]

_BEAT = 1.0
_BLINK = 0.1


def main(folder: str, idle: str) -> int:
    """Keep a server until nobody has used it for ``idle`` seconds; 0 also when another is kept."""
    files = KeeperFiles(Path(folder))
    lock = files.take_lock()
    if lock is None:
        # It may be somebody who only looks whether a keeper lives.
        time.sleep(_BLINK)
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
                while not stopped.wait(_BEAT) and files.read() == ours:
                    if _unused(files) > float(idle):
                        break
        except AragoraSQLError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        finally:
            files.state.unlink(missing_ok=True)
    return 0


def _unused(files: KeeperFiles) -> float:
    """Return for how many seconds nobody has asked for the server."""
    try:
        return time.time() - files.used.stat().st_mtime
    except OSError:
        return float("inf")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
