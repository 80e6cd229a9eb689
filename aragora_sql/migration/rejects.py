"""Rows that could not be migrated: one line of JSON for each, which can be mended and loaded."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aragora_sql.errors import AragoraSQLError, ConfigurationError, InvalidInputError
from aragora_sql.migration.bad_values import DamagedText
from aragora_sql.migration.statements import call
from aragora_sql.migration.target import PgConnection

__all__ = ["Reject", "read_rejects", "stored_rejects", "write_reject_files"]

# What JSON has no form for, and the keys that mark it in a reject file.
_BYTES, _TEXT_BYTES, _FLOAT = "$bytes", "$text-bytes", "$float"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not migrated.

    ``row`` holds the values that the mapping gave, by target column; ``column`` is the offending
    one where a single one is to blame. What is left out on request is counted and not written.
    """

    table: str
    source_file: str
    rowid: int
    key: dict[str, Any]
    row: dict[str, Any]
    reason: str
    column: str | None
    is_left_out: bool = False

    def to_line(self) -> str:
        """Return it as a line of a reject file."""
        return json.dumps(
            {
                "table": self.table,
                "source_file": self.source_file,
                "rowid": self.rowid,
                "key": {name: _encode(value) for name, value in self.key.items()},
                "column": self.column,
                "reason": self.reason,
                "row": {name: _encode(value) for name, value in self.row.items()},
            }
        )

    @classmethod
    def from_line(cls, line: str) -> Reject:
        """Make one of a line of a reject file. Raises ValueError."""
        found = json.loads(line)
        if not isinstance(found, dict) or not isinstance(found.get("row"), dict):
            raise ValueError("it is not an object with a 'row'")
        for name in ("table", "source_file"):
            if not isinstance(found.get(name), str):
                raise ValueError(f"{name!r} is missing or not text")
        return cls(
            table=found["table"],
            source_file=found["source_file"],
            rowid=int(found.get("rowid") or 0),
            key={},
            row={name: _decode(value) for name, value in found["row"].items()},
            reason=str(found.get("reason", "")),
            column=found.get("column"),
        )


def _encode(value: Any) -> Any:
    if isinstance(value, DamagedText):
        return {_TEXT_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(value)}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if _TEXT_BYTES in value:
            return DamagedText(base64.b64decode(value[_TEXT_BYTES], validate=True))
        if _BYTES in value:
            return base64.b64decode(value[_BYTES], validate=True)
        if _FLOAT in value:
            return float(value[_FLOAT])
        # A document may be mended as a document.
        return json.dumps(value)
    if isinstance(value, list):
        return json.dumps(value)
    return value


class RejectFileError(AragoraSQLError):
    """Reject files can't be written; the target still holds what belongs into them."""


def refuse_unwritable(folder: Path) -> None:
    """Raise :class:`ConfigurationError` when no file can be written to a folder, made or not."""
    path = folder.absolute()
    while not path.exists():
        path = path.parent
    if not path.is_dir():
        raise ConfigurationError(f"--rejects: {folder}: {path} is not a folder")
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"--rejects: {folder}: {path} can't be written to; name another folder. Nothing was "
            "migrated"
        )


def write_reject_files(connection: PgConnection, run_id: int, folder: Path) -> list[Path]:
    """Write a run's rejects to ``folder``, one file for each table, and return the files.

    A file of an earlier run is replaced. Raises :class:`RejectFileError`.
    """
    try:
        return _write_files(connection, run_id, folder)
    except OSError as error:
        raise RejectFileError(
            f"--rejects: {error.filename or folder}: {error.strerror}. All rows were read, and "
            "those that were rejected are kept in the target: run this command again, with "
            "another --rejects if need be, to have them written"
        ) from error


def _write_files(connection: PgConnection, run_id: int, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for table, line in stored_rejects(connection, run_id):
            if table not in files:
                written[table] = folder / f"{table}.jsonl.new"
                files[table] = stack.enter_context(written[table].open("w", encoding="utf-8"))
            files[table].write(line + "\n")
    finals = []
    for path in written.values():
        final = path.with_suffix("")
        path.replace(final)
        finals.append(final)
    return finals


def stored_rejects(connection: PgConnection, run_id: int) -> Iterator[tuple[str, str]]:
    """Read a run's rejects: (table, line of the reject file)."""
    after = 0
    while True:
        rows = call(
            connection, "list_rejects", run_id=run_id, after_reject=after, row_limit=_PAGE
        ).fetchall()
        for _, table, line in rows:
            yield table, line
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


def read_rejects(path: Path) -> Iterator[Reject]:
    """Read a reject file. Raises :class:`InvalidInputError` naming the line."""
    try:
        file = path.open(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError("--retry-rejects", f"{path}: {error.strerror}") from error
    with file:
        number = 0
        try:
            for line in file:
                number += 1
                if line.strip():
                    yield Reject.from_line(line)
        except (ValueError, TypeError) as error:
            raise InvalidInputError(
                "--retry-rejects", f"{path}:{number}: not a line of a reject file: {error}"
            ) from error
