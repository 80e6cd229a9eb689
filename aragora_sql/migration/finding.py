"""Which files of a data directory there are to read, and what is left behind with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aragora_sql.errors import AragoraSQLError

__all__ = ["Candidate", "SourceError", "examine", "find_files"]

SUFFIXES = {".db", ".sqlite", ".sqlite3"}
# Folders below a data directory that the older Aragora wrote to, besides the nested one.
_SUBFOLDERS = ("db", ".checkpoints")
_MAGIC = b"SQLite format 3\x00"


class SourceError(AragoraSQLError):
    """A source can't be read; the message names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that was looked at: taken, or left with a reason."""

    path: Path
    is_taken: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {"path": str(self.path), "taken": self.is_taken, "why": self.why}


def find_files(path: Path, *, has_others: bool = False) -> list[Path]:
    """Return the files to look at: the file itself, or those of a data directory.

    A relative data directory was applied twice by the older Aragora, so ``D/D`` is searched too.
    Raises :class:`SourceError` when there is nothing, unless there is something else to read.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or directory; check --sqlite-path")
    if not path.is_dir():
        raise SourceError(f"{path}: neither a file nor a directory")
    nested = [path / path.name, path / path.absolute().name]
    folders = dict.fromkeys([path, *nested, *(path / name for name in _SUBFOLDERS)])
    found = [
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.is_file() and (file.suffix.lower() in SUFFIXES or _starts_as_sqlite(file))
    ]
    if not found and not has_others:
        looked = ", ".join(str(folder) for folder in folders if folder.is_dir())
        raise SourceError(
            f"{path}: no SQLite file in {looked} (looked for {', '.join(sorted(SUFFIXES))})"
        )
    return found


def _starts_as_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def examine(path: Path) -> str | None:
    """Return why a file can't be a SQLite database, or None; a damaged one raises.

    Raises :class:`SourceError` for a file that is SQLite and was cut off or can't be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise SourceError(f"{path}: can't be read: {error.strerror}") from error
    if size == 0:
        return "it is empty"
    if not header.startswith(_MAGIC):
        return "it is not a SQLite file, or it is encrypted"
    page_size = int.from_bytes(header[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    pages = int.from_bytes(header[28:32], "big")
    is_count_valid = header[24:28] == header[92:96]
    if len(header) < 100 or (is_count_valid and size < pages * page_size):
        raise SourceError(
            f"{path}: the file is cut off: {size} bytes, where its header says "
            f"{pages * page_size}. Restore it from a backup, or recover what is left with "
            "'sqlite3 FILE .recover'"
        )
    return None
