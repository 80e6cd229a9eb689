"""A throw-away PostgreSQL server that outlives a check, so that the next one need not start it.

There is no service: a small process (:mod:`aragora_sql.engines.cached_server`) owns the cached
server, holds a lock in the user's cache folder while it runs, and exits when the server was not
used for a while, when it is told to, or when its folder is gone. The server stops with it, also
when it is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psycopg

from aragora_sql.embedded import find_binaries
from aragora_sql.engines.cache import cache_folder, digest
from aragora_sql.engines.children import child_environment, module_command
from aragora_sql.errors import DatabaseUnavailableError

__all__ = ["SETTINGS", "Kept", "kept_server", "server_files", "stop_kept_server"]

IDLE_SECONDS = 900.0
# Plans must not change because a table was vacuumed meanwhile, nor because VACUUM found a page with
# rows that are not on disk yet and did not mark it as visible.
SETTINGS = {"autovacuum": "off", "synchronous_commit": "local"}
PATIENCE = 60.0

_SERVER_MODULE = "aragora_sql.engines.cached_server"


@dataclass(frozen=True, slots=True)
class Kept:
    """A server that is kept: how to reach it, and the process that keeps it."""

    dsn: str
    pid: int


@dataclass(frozen=True, slots=True)
class CachedServerFiles:
    """The files by which the cached server's process and its users find each other."""

    folder: Path

    @property
    def lock(self) -> Path:
        """Locked by the cached server's process while it runs."""
        return self.folder / "server.lock"

    @property
    def state(self) -> Path:
        """Holds a :class:`Kept`; when it is removed, the process exits."""
        return self.folder / "server.json"

    @property
    def used(self) -> Path:
        """Touched whenever somebody asks for the server."""
        return self.folder / "server.used"

    @property
    def log(self) -> Path:
        """What the process says when it fails."""
        return self.folder / "server.log"

    def take_lock(self) -> IO[str] | None:
        """Return the locked file, or None while the process runs."""
        file = self.lock.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def read(self) -> Kept | None:
        """Return the server that was announced last, which need not be there any more."""
        try:
            return Kept(**json.loads(self.state.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, kept: Kept) -> None:
        """Announce a server."""
        part = self.state.with_suffix(".new")
        part.write_text(json.dumps(asdict(kept)), encoding="utf-8")
        part.replace(self.state)


def server_files() -> CachedServerFiles:
    """Return the files of the server of this installation: another one may have other programs."""
    programs = [f"{found.version} {found.bin_dir}" for found in find_binaries()[:1]]
    installation = digest([sys.prefix, str(Path(__file__).parent), *programs])
    folder = cache_folder() / f"server-{installation}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return CachedServerFiles(folder)


def kept_server(idle: float = IDLE_SECONDS) -> Kept:
    """Return the server that is kept for this user; it is started when there is none.

    ``idle`` is for how many seconds a new one is kept after its last use. Raises
    :class:`DatabaseUnavailableError` when it does not start.
    """
    files = server_files()
    files.used.touch()
    kept = files.read()
    if kept is not None and _answers(kept):
        return kept
    deadline = time.monotonic() + PATIENCE
    with _server_process(files, idle) as process:
        while time.monotonic() < deadline:
            kept = files.read()
            if kept is not None and _answers(kept):
                if kept.pid != process.pid:
                    # Somebody was faster. Ours must not find the lock free when theirs ends.
                    process.terminate()
                    process.wait()
                return kept
            # That of somebody who was faster is waited for too; ours then ends with 0.
            if process.poll():
                break
            time.sleep(0.02)
        else:
            process.kill()
    log = files.log.read_text(errors="replace").strip().splitlines()[-1:]
    raise DatabaseUnavailableError(f"no PostgreSQL could be started to check on: {''.join(log)}")


@contextmanager
def _server_process(files: CachedServerFiles, idle: float) -> Iterator[subprocess.Popen[bytes]]:
    with files.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            module_command(_SERVER_MODULE, str(files.folder), str(idle)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=child_environment(),
            # It has to outlive us, and Ctrl-C in our terminal.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # It is not waited for: that it runs on is no mistake, and Popen would warn of it.
        if process.poll() is None:
            process.returncode = 0


def _answers(kept: Kept) -> bool:
    try:
        psycopg.connect(kept.dsn, connect_timeout=5).close()
    except psycopg.Error:
        return False
    return True


def stop_kept_server() -> bool:
    """Stop the server that is kept for this user and wait for its end; False if there is none."""
    files = server_files()
    lock = files.take_lock()
    if lock is not None:
        lock.close()
        return False
    kept = files.read()
    if kept is None:
        raise DatabaseUnavailableError("the kept server is just being started; try again")
    # The lock is held, so the process id is still that of the cached server's process.
    os.kill(kept.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lock = files.take_lock()
        if lock is not None:
            lock.close()
            return True
        time.sleep(0.02)
    raise DatabaseUnavailableError(f"the kept server (process {kept.pid}) does not end")
