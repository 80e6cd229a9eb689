"""Which files of a data directory there are to read, and which are only named.

The older Aragora applied a relative data directory twice: with ``var/aragora`` its stores wrote to
``var/aragora/var/aragora``. What is read is therefore the directory, every such nested directory,
``.nomic`` below it, and in each of these the folders ``db``, ``knowledge``, ``compliance``,
``control_plane`` and ``.checkpoints``. SQLite files elsewhere in the tree, and those that are
backups by their names, are named and not read: what they hold may be older than what the
application uses.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aragora_sql.errors import AragoraSQLError

__all__ = ["Candidate", "Places", "SourceError", "Survey", "data_places", "examine", "survey"]

SUFFIXES = {".db", ".sqlite", ".sqlite3"}
CHECKPOINTS = ".checkpoints"
ROLLBACK = ".rollback"
# The data directory of an older Aragora that was told none.
_DEFAULT_NAME = ".nomic"
# Folders below a data directory that the older Aragora wrote to.
_SUBFOLDERS = ("db", "knowledge", "compliance", "control_plane", CHECKPOINTS)
_MAGIC = b"SQLite format 3\x00"
# Folders of tools, which hold no data of an application.
_PRUNED = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", ".tox", "node_modules", "site-packages"),
        *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)
_COMPANIONS = ("-wal", "-shm", "-journal")
# A word that says backup, a date, or a file name with something behind its usual ending.
_BACKUP = re.compile(
    r"(?:^|[\W_])(?:bak|bkp|backup|backups|old|orig|original|save|saved|copy|kopie|copie|copia"
    r"|snapshot|before|pre[\W_]?(?:migration|upgrade))\d*(?:[\W_]|$)"
    r"|(?<!\d)(?:19|20)\d\d([-_.]?)[01]\d\1[0-3]\d(?!\d)"
    r"|~$|\.(?:db|sqlite3?)[.\-_ (~].+|\(\d+\)",
    re.IGNORECASE,
)
EMPTY = "it is empty"
A_BACKUP = "a backup by its name"
ELSEWHERE = "in a folder that the older Aragora did not write to"


class SourceError(AragoraSQLError):
    """A source can't be read; the message names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that was looked at: taken, or left with a reason.

    ``tables`` are those that are taken, with their rows.
    """

    path: Path
    is_taken: bool
    why: str
    tables: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "path": str(self.path),
            "taken": self.is_taken,
            "why": self.why,
            "tables": dict(self.tables),
        }


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a data directory that the older Aragora may have written to.

    ``files`` are those whose SQLite files are read, ``documents`` those whose checkpoints in JSON
    files are.
    """

    files: tuple[Path, ...]
    documents: tuple[Path, ...]


@dataclass(slots=True)
class Survey:
    """The SQLite files to read, and those to name with the reason why they are not read."""

    files: list[Path] = field(default_factory=list)
    named: list[tuple[Path, str]] = field(default_factory=list)


def data_places(path: Path) -> Places:
    """Return the folders to look in for a data directory; there are none for a file."""
    if not path.is_dir():
        return Places((), ())
    roots: dict[Path, Path] = {}
    # Where a program ran that wrote to `.checkpoints` and `.rollback` below its own directory.
    programs = [path.absolute().parent]
    for root in (path, path / _DEFAULT_NAME):
        if root.is_dir():
            roots.setdefault(root.resolve(), root)
            for nested, program in _nested(root):
                roots.setdefault(nested.resolve(), nested)
                programs.append(program)
    files: dict[Path, Path] = {}
    documents: dict[Path, Path] = {}
    for root in roots.values():
        for folder in (root, *(root / name for name in _SUBFOLDERS)):
            if folder.is_dir():
                files.setdefault(folder.resolve(), folder)
        for folder in (root, root / CHECKPOINTS, root / ROLLBACK):
            if folder.is_dir():
                documents.setdefault(folder.resolve(), folder)
    for program in programs:
        for folder in (program / CHECKPOINTS, program / ROLLBACK):
            if folder.is_dir():
                documents.setdefault(folder.resolve(), folder)
    return Places(tuple(files.values()), tuple(documents.values()))


def _nested(root: Path) -> Iterator[tuple[Path, Path]]:
    """Return nested directories of a relative path, each with where its program ran."""
    for whole in dict.fromkeys((Path(os.path.abspath(root)), root.resolve())):  # noqa: PTH100
        for length in range(1, len(whole.parts)):
            nested = root.joinpath(*whole.parts[-length:])
            if nested.is_dir():
                yield nested, Path(*whole.parts[:-length])


def survey(path: Path) -> Survey:
    """Find the files of a data directory, or take the one that is named.

    Raises :class:`SourceError` when there is no such file or directory.
    """
    if path.is_file():
        return Survey([path])
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or directory; check --sqlite-path")
    if not path.is_dir():
        raise SourceError(f"{path}: neither a file nor a directory")
    found = Survey()
    searched = data_places(path).files
    for folder in searched:
        for file in sorted(folder.iterdir()):
            if not file.is_file() or file.name.endswith(_COMPANIONS):
                continue
            if file.suffix.lower() in SUFFIXES or _starts_as_sqlite(file):
                if is_backup(file.name):
                    found.named.append((file, A_BACKUP))
                else:
                    found.files.append(file)
    known = {folder.resolve() for folder in searched}
    found.named += [(file, ELSEWHERE) for file in _elsewhere(path, known)]
    return found


def is_backup(name: str) -> bool:
    """Tell whether a file is a backup by its name."""
    return _BACKUP.search(name) is not None


def _elsewhere(path: Path, searched: set[Path]) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(set(subfolders) - _PRUNED)
        if Path(folder).resolve() in searched:
            continue
        for name in sorted(names):
            file = Path(folder) / name
            is_named_so = file.suffix.lower() in SUFFIXES or is_backup(name)
            if is_named_so and not name.endswith(_COMPANIONS) and _starts_as_sqlite(file):
                yield file


def checkpoint_folders_elsewhere(path: Path, searched: set[Path]) -> Iterator[Path]:
    """Return folders of JSON files below a data directory that are not among the usual ones."""
    for folder, subfolders, _ in os.walk(path):
        subfolders[:] = sorted(set(subfolders) - _PRUNED)
        found = Path(folder)
        if found.name in {CHECKPOINTS, ROLLBACK} and found.resolve() not in searched:
            yield found


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
        return EMPTY
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
