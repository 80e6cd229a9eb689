"""A SQLite file on the disk: which one it is, and how it is read without leaving anything behind.

Whoever reads a file in WAL mode makes the files ``-wal`` and ``-shm`` beside it, which stay, belong
to that user, and lock the application out. So:

* a file without a ``-wal`` is read as immutable: that nobody writes to it meanwhile has to be
  looked at (:meth:`ReadableFile.is_as_it_was`);
* one with a ``-wal`` and a ``-shm`` is in use, or its last user was killed: it is read with them;
* one with a ``-wal`` alone was copied or restored with it: a copy of both is read, in a temporary
  folder.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import quote

from aragora_sql.temporary import LockedFolder

__all__ = [
    "FileId",
    "ReadableFile",
    "file_id",
    "file_state",
    "files_of",
    "last_written",
    "shm_of",
    "wal_of",
]

# Device and inode.
FileId = tuple[int, int]

_COPY = "copy.db"


def wal_of(path: Path) -> Path:
    """Return the path of a file's write-ahead log."""
    return path.with_name(path.name + "-wal")


def shm_of(path: Path) -> Path:
    """Return the path of the index of a file's write-ahead log."""
    return path.with_name(path.name + "-shm")


def files_of(path: Path) -> tuple[Path, ...]:
    """Return a database file and all that SQLite may have made beside it."""
    return path, wal_of(path), shm_of(path), path.with_name(f"{path.name}-journal")


def file_id(path: str | Path) -> FileId | None:
    """Return what tells a file from another one of the same name; None when there is none."""
    try:
        # Often: a Path would cost three times as much.
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def file_state(path: Path) -> tuple[int, ...]:
    """Return what changes when a file, or its -wal, is written to."""
    state: list[int] = []
    for part in (path, wal_of(path)):
        try:
            status = part.stat()
        except FileNotFoundError:
            state += [-1, -1, -1]
        else:
            state += [status.st_size, status.st_mtime_ns, status.st_ino]
    return tuple(state)


def last_written(state: tuple[int, ...]) -> int:
    """Return when a file, or its -wal, was written to, in nanoseconds."""
    return max(state[1::3])


def _is_wal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


class ReadableFile:
    """How a file is read; ``uri`` is what SQLite opens.

    Raises OSError when it can't be read at all. :meth:`close` removes a copy.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.state = file_state(self.path)
        self._copy: LockedFolder | None = None
        self.is_immutable = False
        if _is_wal(self.path):
            log_size = self.state[3]
            has_index = shm_of(self.path).exists()
            self.is_immutable = log_size < 0 or (log_size == 0 and not has_index)
            if log_size > 0 and not has_index:
                self._copy = LockedFolder("aragora-sqlite-")
                copy = self._copy.path / _COPY
                shutil.copyfile(self.path, copy)
                shutil.copyfile(wal_of(self.path), wal_of(copy))

    @property
    def uri(self) -> str:
        """The URI of the file, or of its copy, for reading."""
        path = self.path if self._copy is None else self._copy.path / _COPY
        options = "mode=ro&immutable=1" if self.is_immutable else "mode=ro"
        return f"file:{quote(str(path))}?{options}"

    def is_as_it_was(self) -> bool:
        """Tell whether what is read is still what is in the file.

        Only an immutable file or a copy can be out of date; SQLite itself looks after the others.
        """
        if self.is_immutable or self._copy is not None:
            return file_state(self.path) == self.state
        return True

    def close(self) -> None:
        """Remove the copy, if there is one."""
        copy, self._copy = self._copy, None
        if copy is not None:
            copy.remove()
