"""Rows that could not be migrated, or were merged into others: one line of JSON for each.

What was rejected can be mended there and loaded. Values that may hold secrets are left out, and
only the user who ran the migration may read the files.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

from aragora_sql.errors import AragoraSQLError, ConfigurationError, InvalidInputError
from aragora_sql.migration.bad_values import DamagedText
from aragora_sql.migration.secret_names import secret_test
from aragora_sql.migration.statements import call
from aragora_sql.migration.target import PgConnection
from aragora_sql.stores.integrations.secrets import hide_secrets

__all__ = [
    "Reject",
    "create_private",
    "is_of_merged",
    "new_path",
    "new_run_folder",
    "read_rejects",
    "reason_of",
    "reason_of_line",
    "stored_rejects",
    "without_values",
    "write_reject_files",
]

Kind = Literal["rejected", "merged"]

# What JSON has no form for, and the keys that mark it in a reject file.
_BYTES, _TEXT_BYTES, _FLOAT = "$bytes", "$text-bytes", "$float"
# Marks a value that may hold a secret.
_LEFT_OUT = "$left-out"
_PAGE = 1000
_MERGED_FOLDER = "merged"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not in the target as it is in the source.

    ``row`` holds the values that the mapping gave, by target column; ``column`` is the offending
    one where a single one is to blame. ``secrets`` are columns that may hold secrets. What is left
    out on request is counted and not written. ``origin`` is the file of the row where
    ``source_file`` only gathers such files.
    """

    table: str
    source_file: str
    rowid: int
    key: dict[str, Any]
    row: dict[str, Any]
    reason: str
    column: str | None
    is_left_out: bool = False
    kind: Kind = "rejected"
    secrets: frozenset[str] = frozenset()
    origin: str | None = None

    def to_line(self) -> str:
        """Return it as a line of a reject file, without secrets."""
        reason = without_values(self.reason) if self.column in self.secrets else self.reason
        return json.dumps(
            {
                "kind": self.kind,
                "table": self.table,
                "source_file": self.origin or self.source_file,
                "rowid": self.rowid,
                "key": {name: _encode(value) for name, value in self.key.items()},
                "column": self.column,
                "reason": reason,
                "row": {
                    name: self._without_secrets(value) if name in self.secrets else _encode(value)
                    for name, value in self.row.items()
                },
            }
        )

    def _without_secrets(self, value: Any) -> Any:
        """Return a document without its secrets in the clear; nothing of what is not a document."""
        if value is None:
            return None
        left_out = {
            _LEFT_OUT: f"it may hold a secret: row {self.rowid} of "
            f"{self.origin or self.source_file} has it"
        }
        try:
            document = json.loads(value)
            return _masked(document, hide_secrets(document, secret_test(self.table)), left_out)
        except (TypeError, ValueError, AttributeError, RecursionError):
            return left_out

    @classmethod
    def from_line(cls, line: str) -> Reject:
        """Make one of a line of a reject file. Raises ValueError."""
        found = json.loads(line)
        if not isinstance(found, dict) or not isinstance(found.get("row"), dict):
            raise ValueError("it is not an object with a 'row'")
        for name in ("table", "source_file"):
            if not isinstance(found.get(name), str):
                raise ValueError(f"{name!r} is missing or not text")
        for name, value in found["row"].items():
            if _is_left_out(value):
                raise ValueError(
                    f"{name} has values that were left out because they may hold secrets: put "
                    f"them in from row {found.get('rowid')} of {found['source_file']}"
                )
        return cls(
            table=found["table"],
            source_file=found["source_file"],
            rowid=int(found.get("rowid") or 0),
            key={},
            row={name: _decode(value) for name, value in found["row"].items()},
            reason=str(found.get("reason", "")),
            column=found.get("column"),
        )


def _masked(value: Any, hidden: Any, left_out: dict[str, str]) -> Any:
    """Return a value with something else in the place of what is not shown; envelopes stay."""
    if hidden == value or _is_sealed(value):
        return value
    if isinstance(value, dict) and isinstance(hidden, dict) and value.keys() == hidden.keys():
        return {name: _masked(item, hidden[name], left_out) for name, item in value.items()}
    if isinstance(value, list) and isinstance(hidden, list) and len(value) == len(hidden):
        return [_masked(*both, left_out) for both in zip(value, hidden, strict=True)]
    return left_out


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_encrypted") is True


def _is_left_out(value: Any) -> bool:
    if isinstance(value, dict):
        return _LEFT_OUT in value or any(map(_is_left_out, value.values()))
    return isinstance(value, list) and any(map(_is_left_out, value))


# What differs between rows in reasons that are the same: quoted values, long numbers, places.
_PARTICULAR = re.compile(
    r"b?'(?:[^'\\]|\\.)*'|b?\"(?:[^\"\\]|\\.)*\"|-?\b\d[\d.e+-]{2,}"
    r"|(?<=position )\d+|(?<=line )\d+|(?<=column )\d+|(?<=char )\d+"
)


def without_values(reason: str) -> str:
    """Return a reason without the values of a row that are in it."""
    return _PARTICULAR.sub("…", reason)


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


# How the reason of a row begins that breaks a constraint of the target.
BROKEN_RULE = "breaks the rule"


def reason_of(table: str, column: str | None, reason: str) -> str:
    """Return a reason without the values in it, so that equal ones can be counted."""
    if not reason.startswith(BROKEN_RULE):
        reason = without_values(reason)
    return f"{table}{'.' + column if column else ''}: {reason}"


def reason_of_line(table: str, line: str) -> str:
    """Return the reason of a line of a reject file as :func:`reason_of` does."""
    found = json.loads(line)
    return reason_of(table, found["column"], found["reason"])


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
    """Write a run's rejects, one file for each table, and return the files.

    They go to a new folder in ``folder``, named after the time and the run; what was merged into
    other rows goes to ``merged`` in it. Files of earlier runs stay as they are: somebody may be
    mending them. Raises :class:`RejectFileError`.
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
    final = new_run_folder(folder, f"run{run_id}")
    partial = final.with_name(f"{final.name}.partial")
    partial.mkdir(mode=0o700)
    written: dict[tuple[str, str], Path] = {}
    try:
        with ExitStack() as stack:
            files: dict[Path, TextIO] = {}
            for table, line in stored_rejects(connection, run_id):
                kind = json.loads(line).get("kind", "rejected")
                path = written.get((kind, table))
                if path is None:
                    within = partial / _MERGED_FOLDER if kind == "merged" else partial
                    within.mkdir(mode=0o700, exist_ok=True)
                    path = written[kind, table] = within / f"{table}.jsonl"
                    files[path] = stack.enter_context(create_private(path))
                files[path].write(line + "\n")
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return [final / path.relative_to(partial) for path in written.values()]


def new_run_folder(folder: Path, name: str) -> Path:
    """Return a path in ``folder``, which is made, for the files of a run: its time and ``name``."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return new_path(folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{name}")


def new_path(path: Path) -> Path:
    """Return a path that nothing has: this one, or one with a number behind it."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def is_of_merged(path: Path) -> bool:
    """Tell whether a file holds rows that were merged into others."""
    return path.parent.name == _MERGED_FOLDER


def create_private(path: Path) -> TextIO:
    """Make a file that only its owner may read. Raises FileExistsError when there is one."""
    return open(  # noqa: PTH123 - with permissions from the start
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    )


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
        # Editors of some systems put a byte order mark at the beginning.
        file = path.open(encoding="utf-8-sig")
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
