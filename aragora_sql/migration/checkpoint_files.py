"""Checkpoints that the older Aragora kept as JSON files, gathered into a SQLite file to read from.

Workflows and debates shared the folder ``.checkpoints`` of the directory that the program ran in. A
workflow's file has ``workflow_id`` and ``definition_id``, a debate's ``checkpoint_id`` and
``debate_id``. Rollback points were in ``.rollback`` beside it, with ``git_commit`` and
``file_backups``. All else is left alone. What can't be read as JSON is gathered too, so that it is
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

from aragora_sql.migration.accounting import LeftBehind
from aragora_sql.migration.finding import (
    ELSEWHERE,
    ROLLBACK,
    Candidate,
    SourceError,
    checkpoint_folders_elsewhere,
    data_places,
)

__all__ = ["COLLECTED_NAME", "checkpoint_folders", "collect_checkpoint_files"]

COLLECTED_NAME = "checkpoint-files.db"
# What the older Aragora writes from other data, for a quick look.
_DERIVED = frozenset({"elo_snapshot.json"})
_SHOWN = 5
_SUFFIXES = (".json", ".json.gz")
# Logs of events, which no checkpoint is.
_LINES = (".jsonl", ".jsonl.gz", ".ndjson")
_ROLLBACK_POINTS = "rollback_point_files"
_TABLES = {
    "workflow_checkpoint_files": {"workflow_id", "definition_id"},
    "debate_checkpoint_files": {"checkpoint_id", "debate_id"},
    _ROLLBACK_POINTS: {"git_commit", "file_backups"},
}


def checkpoint_folders(path: Path) -> list[Path]:
    """Return the folders of a data directory that hold JSON files, which may be checkpoints."""
    return [folder for folder in data_places(path).documents if any(_files(folder))]


def _files(folder: Path) -> Iterator[Path]:
    suffixes = (*_SUFFIXES, *_LINES)
    named = (file for file in sorted(folder.iterdir()) if file.name.endswith(suffixes))
    return (file for file in named if file.is_file())


def collect_checkpoint_files(
    path: Path, folders: list[Path], target: Path
) -> tuple[list[Candidate], list[LeftBehind]]:
    """Write the checkpoint files of the folders to a SQLite file, and return what was found.

    Also what is left behind: other JSON files of these folders, and the checkpoints of folders
    below ``path`` in which the older program kept none.
    """
    candidates = []
    behind = []
    total_points = 0
    with closing(sqlite3.connect(target)) as connection:
        for table in _TABLES:
            connection.execute(f"CREATE TABLE {table} (storage_id TEXT, path TEXT, document TEXT)")
        for folder in folders:
            counts = dict.fromkeys(_TABLES, 0)
            others: list[str] = []
            derived = 0
            for file in _files(folder):
                if file.name in _DERIVED:
                    derived += 1
                    continue
                data = None if file.name.endswith(_LINES) else _read(file)
                kind = None if data is None else _kind(data, folder)
                if kind is None:
                    others.append(file.name)
                else:
                    counts[kind] += 1
                    stem = file.name.removesuffix(".gz").removesuffix(".json")
                    connection.execute(
                        f"INSERT INTO {kind} VALUES (?, ?, CAST(? AS TEXT))",  # noqa: S608
                        [stem, str(file), data],
                    )
            workflows, debates, points = counts.values()
            total_points += points
            why = (
                f"it holds checkpoint files of workflows ({workflows:,}) and of debates "
                f"({debates:,}); {len(others):,} other JSON files are left behind"
            )
            if points:
                why += f"; files of rollback points ({points:,})"
            if derived:
                why += f"; {', '.join(sorted(_DERIVED))} is derived from other data and not needed"
            taken = {table: count for table, count in counts.items() if count}
            candidates.append(Candidate(folder, bool(taken), why, taken))
            if others:
                why = f"JSON files that are not checkpoints: {_some(others)}"
                behind.append(LeftBehind(folder, why, files=len(others)))
        if not total_points:
            # Most programs kept none: then no report has to speak of them.
            connection.execute(f"DROP TABLE {_ROLLBACK_POINTS}")
        connection.commit()
    searched = {folder.resolve() for folder in data_places(path).documents}
    for folder in checkpoint_folders_elsewhere(path, searched):
        names = [file.name for file in _files(folder)]
        if names:
            why = (
                f"JSON files {ELSEWHERE}, give the folder above as --sqlite-path to move "
                f"them: {_some(names)}"
            )
            behind.append(LeftBehind(folder, why, files=len(names)))
    return candidates, behind


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


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


def _kind(data: bytes, folder: Path) -> str | None:
    """Return the table for a document; what is not JSON is rejected where its folder belongs to."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _ROLLBACK_POINTS if folder.name == ROLLBACK else next(iter(_TABLES))
    if isinstance(document, dict):
        for table, keys in _TABLES.items():
            if keys <= document.keys():
                return table
    return None
