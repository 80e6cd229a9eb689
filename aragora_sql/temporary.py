"""Temporary folders that are removed also when the process that made them was killed.

A lock in the folder, which the system releases when its owner's process ends, tells others whether
they may remove it: whoever makes the next folder does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import IO

__all__ = ["LockedFolder", "lock_folder", "remove_orphans"]


def lock_folder(folder: Path) -> IO[str]:
    """Mark a folder as in use, until what is returned is closed or the process ends."""
    if os.name != "posix":
        return (folder / "lock").open("w")
    import fcntl

    # The file gets its name when it is locked, so nobody finds it without its lock.
    unlocked = folder / "lock.new"
    lock = unlocked.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    unlocked.rename(folder / "lock")
    return lock


def remove_orphans(parent: Path, prefix: str, owners: Collection[int]) -> None:
    """Remove the folders whose names begin so and whose process has ended.

    ``owners`` are the numbers of the accounts whose folders they may be. Without locks (Windows),
    nothing is removed.
    """
    if os.name != "posix":
        return
    import fcntl

    for folder in parent.glob(f"{prefix}*"):
        try:
            if folder.lstat().st_uid not in owners:
                continue
            lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


class LockedFolder:
    """A temporary folder of this process, made when it is asked for.

    Folders of the same prefix that killed processes left are removed first. It goes with this
    object, at the latest when the process ends; one that this process forked leaves it alone.
    """

    def __init__(self, prefix: str) -> None:
        parent = Path(tempfile.gettempdir())
        if os.name == "posix":
            remove_orphans(parent, prefix, {os.geteuid()})
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._finalizer = weakref.finalize(
            self, _remove, self.path, lock_folder(self.path), os.getpid()
        )

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        self._finalizer()


def _remove(path: Path, lock: IO[str], owner: int) -> None:
    if os.getpid() != owner:
        return
    # Windows removes no open file.
    lock.close()
    shutil.rmtree(path, ignore_errors=True)
