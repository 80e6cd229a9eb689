"""Checkpoints that the older Aragora kept as JSON files, gathered into a SQLite file to read from.

Workflows and debates shared the folder ``.checkpoints`` of the directory that the program ran in. A
workflow's file has ``workflow_id`` and ``definition_id``, a debate's ``checkpoint_id`` and
``debate_id``; all else is left alone. What can't be read as JSON is gathered too, so that it is
rejected with a reason and not lost.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from aragora_sql.migration.finding import Candidate, SourceError

__all__ = ["COLLECTED_NAME", "checkpoint_folders", "collect_checkpoint_files"]

COLLECTED_NAME = "checkpoint-files.db"
_FOLDER = ".checkpoints"
_SUFFIXES = (".json", ".json.gz")
_TABLES = {
    "workflow_checkpoint_files": {"workflow_id", "definition_id"},
    "debate_checkpoint_files": {"checkpoint_id", "debate_id"},
}


def checkpoint_folders(path: Path) -> list[Path]:
    """Return the folders that may hold checkpoint files: the path, and ``.checkpoints`` near it."""
    if not path.is_dir():
        return []
    near = [path, path / _FOLDER, path / path.name / _FOLDER, path.absolute().parent / _FOLDER]
    found: dict[Path, Path] = {}
    for folder in near:
        if folder.is_dir() and any(_files(folder)):
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _files(folder: Path) -> Iterator[Path]:
    named = (file for file in sorted(folder.iterdir()) if file.name.endswith(_SUFFIXES))
    return (file for file in named if file.is_file())


def collect_checkpoint_files(folders: list[Path], target: Path) -> list[Candidate]:
    """Write the checkpoint files of the folders to a SQLite file, and return what was found."""
    candidates = []
    with closing(sqlite3.connect(target)) as connection:
        for table in _TABLES:
            connection.execute(f"CREATE TABLE {table} (storage_id TEXT, path TEXT, document TEXT)")
        for folder in folders:
            counts = dict.fromkeys(_TABLES, 0)
            others = 0
            for file in _files(folder):
                data = _read(file)
                kind = _kind(data)
                if kind is None:
                    others += 1
                    continue
                counts[kind] += 1
                stem = file.name.removesuffix(".gz").removesuffix(".json")
                connection.execute(
                    f"INSERT INTO {kind} VALUES (?, ?, CAST(? AS TEXT))",  # noqa: S608
                    [stem, str(file), data],
                )
            workflows, debates = counts.values()
            candidates.append(
                Candidate(
                    folder,
                    bool(workflows or debates),
                    f"it holds checkpoint files of workflows ({workflows:,}) and of debates "
                    f"({debates:,}); {others:,} other JSON files are left alone",
                )
            )
        connection.commit()
    return candidates


def _read(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file}: can't be read: {error.strerror}") from error
    if not file.name.endswith(".gz"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        # Rejected as it is.
        return data


def _kind(data: bytes) -> str | None:
    """Return the table for a document; what is not JSON goes to the first, to be rejected there."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return next(iter(_TABLES))
    if isinstance(document, dict):
        for table, keys in _TABLES.items():
            if keys <= document.keys():
                return table
    return None
