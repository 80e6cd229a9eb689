"""Backups of a SQLite database: whole, checked, and taken while others write.

PostgreSQL has ``pg_dump`` for that, see docs/operator.md.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aragora_sql.database.sqlite_files import ReadableFile, files_of
from aragora_sql.errors import AragoraSQLError, ConfigurationError

__all__ = ["Backup", "BackupError", "Progress", "Restored", "back_up", "give_name", "restore"]

# About 4 MB: so often progress is told, and an interrupt comes through.
_PAGES = 1024
_BUSY_SECONDS = 30.0
_SUFFIX = ".partial"
_STAMP = "%Y%m%dT%H%M%SZ"

Progress = Callable[[int, int], None]
"""Is told how many pages are copied, and of how many."""


class BackupError(AragoraSQLError):
    """A backup that can't be made or used; the message says why, and what stays as it was."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup: its file, its size in bytes, and how many rows each table has in it."""

    path: Path
    size: int
    rows: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {"path": str(self.path), "bytes": self.size, "rows": dict(self.rows)}


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored database, and where the file is that was in its place before, or None."""

    backup: Backup
    kept: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {**self.backup.to_dict(), "kept": None if self.kept is None else str(self.kept)}


def back_up(source: Path, target: Path, progress: Progress | None = None) -> Backup:
    """Copy a database to a file of its own, and check the copy.

    It is the state of one moment, also while other processes write, whom it does not hold up. A
    ``target`` that is a folder gets a file named after the source and the time (UTC). The copy
    needs no ``-wal`` beside it, and has its name only once it is whole and on the disk: one page
    for one, the engine's own check of the file, and the same number of rows in every table.

    Raises :class:`~aragora_sql.errors.ConfigurationError` for a source that is not there and a
    target that is, and :class:`BackupError` for a source that can't be read, is no database of
    this package or is damaged, and for a disk that is full; then there is no new file.
    """
    _refuse_missing(source, "database")
    if target.is_dir():
        stamp = datetime.now(UTC).strftime(_STAMP)
        target = target / f"{source.stem}-{stamp}{source.suffix or '.db'}"
    _refuse_taken(target)
    with _errors(f"{source}: no backup was made"), _new_file(target, source) as partial:
        rows = _copy(source, partial, progress)
        size = partial.stat().st_size
        give_name(partial, target)
    return Backup(target, size, rows)


def restore(
    backup: Path, target: Path, *, replace: bool = False, progress: Progress | None = None
) -> Restored:
    """Put a backup in the place of a database.

    The backup is checked as :func:`back_up` checks one. A database that is there is refused, or
    with ``replace`` kept under another name beside it; it must not be in use.

    Raises the errors of :func:`back_up`; :class:`BackupError` also when the database is in use.
    What was in the place stays there then.
    """
    _refuse_missing(backup, "backup")
    if not replace:
        _refuse_taken(target, "; --replace keeps it under another name")
    elif target.exists() and target.samefile(backup):
        raise ConfigurationError(f"{target} is the backup itself")
    like = target if target.exists() else backup
    with _errors(f"{backup}: nothing was restored"), _new_file(target, like) as partial:
        rows = _copy(backup, partial, progress)
        size = partial.stat().st_size
        kept = _set_aside(target) if target.exists() else None
        try:
            give_name(partial, target)
        except BaseException:
            if kept is not None:
                kept.rename(target)
            raise
    return Restored(Backup(target, size, rows), kept)


def _refuse_missing(path: Path, what: str) -> None:
    if not path.is_file():
        raise ConfigurationError(f"there is no {what} {path.absolute()}")


def _refuse_taken(target: Path, remedy: str = "; give another name, or a folder") -> None:
    if target.exists():
        raise ConfigurationError(f"{target.absolute()} is there already{remedy}")
    if not target.parent.is_dir():
        raise ConfigurationError(f"there is no folder {target.parent.absolute()}")


@contextmanager
def _errors(done: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"{done}: {error}") from error
    except OSError as error:
        raise BackupError(f"{done}: {error.strerror or error}: {error.filename}") from error


@contextmanager
def _new_file(target: Path, like: Path) -> Iterator[Path]:
    """Yield a file beside ``target`` with the rights of ``like``; it is removed at the end.

    Until then it can be given the name of ``target``.
    """
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=_SUFFIX, dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        shutil.copymode(like, partial)
        yield partial
    finally:
        for path in files_of(partial):
            path.unlink(missing_ok=True)


def give_name(partial: Path, target: Path) -> None:
    """Name a finished file; one that got the name meanwhile is not replaced."""
    _sync(partial)
    if os.name == "posix":
        os.link(partial, target)
        partial.unlink()
        _sync(target.parent)
    else:
        partial.rename(target)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy(source: Path, partial: Path, progress: Progress | None) -> dict[str, int]:
    """Copy one state of a database, check the copy, and return the rows of its tables."""
    readable = ReadableFile(source)
    try:
        with closing(_connect(readable.uri)) as original, closing(_connect(partial)) as copy:
            # As long as this transaction is open the copy does not begin anew when others write.
            original.execute("BEGIN")
            rows = _row_counts(original)
            if "_schema_versions" not in rows:
                raise BackupError(
                    f"{source}: it has no table _schema_versions, so it is no database of "
                    "aragora-sql"
                )

            def tell(status: int, remaining: int, total: int) -> None:
                if progress is not None:
                    progress(total - remaining, total)

            original.backup(copy, pages=_PAGES, progress=tell)
            original.execute("COMMIT")
            # One file, whatever the original is in.
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
            _check(copy, rows, source)
        if not readable.is_as_it_was():
            raise BackupError(f"{source}: another process wrote to it; try again")
    finally:
        readable.close()
    return rows


def _connect(place: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(
        place, timeout=_BUSY_SECONDS, isolation_level=None, uri=isinstance(place, str)
    )


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    counts = {}
    for (name,) in names:
        quoted = name.replace('"', '""')
        (counts[name],) = connection.execute(
            f'SELECT count(*) FROM "{quoted}"'  # noqa: S608 - a table's name
        ).fetchone()
    return counts


def _check(copy: sqlite3.Connection, rows: Mapping[str, int], source: Path) -> None:
    said = [text for (text,) in copy.execute("PRAGMA integrity_check(5)")]
    if said != ["ok"]:
        raise BackupError(f"{source}: the database is damaged: {'; '.join(said)}")
    found = _row_counts(copy)
    different = sorted(name for name in {*rows, *found} if rows.get(name) != found.get(name))
    if different:
        raise BackupError(f"{source}: the copy has other rows in {', '.join(different)}")


def _set_aside(target: Path) -> Path:
    """Give a database another name, with what is in its write-ahead log; return the new name."""
    with closing(_connect(target)) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            # Only who has the file alone can end WAL mode; that moves the log into the file.
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            mode = str(error)
        if mode != "delete":
            raise BackupError(
                f"{target} is in use ({mode}): stop the applications that have it open"
            )
    stamp = datetime.now(UTC).strftime(_STAMP)
    kept = target.with_name(f"{target.name}.before-restore-{stamp}")
    with suppress(FileNotFoundError):
        if kept.stat():
            raise BackupError(f"{kept} is there already; try again in a second")
    target.rename(kept)
    return kept
