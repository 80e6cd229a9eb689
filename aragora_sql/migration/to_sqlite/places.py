"""The file that is filled.

A new one is filled under another name beside its own (``aragora.db.partial``), which it gets when
it is whole: an application never opens half of a database. One that is there is filled in place.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from aragora_sql.backup import give_name
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.database.sqlite_errors import translate
from aragora_sql.database.sqlite_files import ReadableFile, file_id, files_of
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseUnavailableError,
    LockTimeoutError,
    SchemaMismatchError,
    SchemaVersionError,
)
from aragora_sql.migration.preparing import matters
from aragora_sql.schema import apply_schema, plan_schema, verify_schema
from aragora_sql.temporary import LockedFolder

__all__ = [
    "Place",
    "check_schema",
    "locked",
    "open_file",
    "prepare_schema",
    "refuse_place",
    "sqlite_errors",
]

_BUSY_SECONDS = 30.0
_CACHE_KILOBYTES = 32_000
# Pages: with fewer, the same page is copied from the log into the file many times.
_CHECKPOINT_PAGES = 10_000
_HEADER = b"SQLite format 3\x00"


@contextmanager
def sqlite_errors(doing: str) -> Iterator[None]:
    """Turn SQLite's exceptions into ours."""
    try:
        yield
    except AragoraSQLError:
        # Some of them are an OSError, too.
        raise
    except sqlite3.Error as error:
        raise translate(error, doing) from error
    except OSError as error:
        reason = f"{error.strerror or error}: {error.filename}"
        raise DatabaseUnavailableError(f"{doing}: {reason}") from error


def refuse_place(path: Path) -> None:
    """Raise :class:`~aragora_sql.errors.ConfigurationError` where no database can be."""
    path = path.absolute()
    if path.is_dir():
        raise ConfigurationError(f"--to-sqlite: {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ConfigurationError(f"--to-sqlite: there is no folder {path.parent}")
    if path.exists():
        with sqlite_errors(f"reading {path}"), path.open("rb") as file:
            head = file.read(len(_HEADER))
        if head and head != _HEADER:
            raise ConfigurationError(f"--to-sqlite: {path} is no SQLite database")


class Place:
    """Where a database is to be, and the file that is filled.

    ``is_new`` when there was none. A dry run fills a copy in a temporary folder.
    """

    def __init__(self, path: Path, *, is_dry_run: bool) -> None:
        self.path = path.absolute()
        self.is_new = not self.path.exists()
        self._scratch: LockedFolder | None = None
        partial = self.path.with_name(f"{self.path.name}.partial")
        if is_dry_run:
            self._scratch = LockedFolder("aragora-migration-")
            self.work = self._scratch.path / self.path.name
            if not self.is_new:
                self._copy()
        elif self.is_new:
            self.work = partial
        else:
            self.work = self.path
            if file_id(partial) == file_id(self.path):
                # A run was killed when the file had just got its name.
                partial.unlink()

    def _copy(self) -> None:
        with sqlite_errors(f"copying {self.path}"):
            readable = ReadableFile(self.path)
            try:
                with (
                    closing(sqlite3.connect(readable.uri, uri=True)) as original,
                    closing(sqlite3.connect(self.work)) as copy,
                ):
                    original.backup(copy)
            finally:
                readable.close()

    def begin_anew(self) -> None:
        """Remove what an interrupted run left of a new file."""
        for path in files_of(self.work):
            path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give a new file its name."""
        if self.is_new and self._scratch is None:
            with sqlite_errors(f"naming {self.path}"):
                try:
                    give_name(self.work, self.path)
                except FileExistsError as error:
                    raise ConfigurationError(
                        f"{self.path} was made by another program meanwhile, and is left as it "
                        f"is. What was moved is in {self.work}"
                    ) from error

    def close(self) -> None:
        """Remove a dry run's copy."""
        if self._scratch is not None:
            self._scratch.remove()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only move into a file, or raise :class:`~aragora_sql.errors.LockTimeoutError`."""
    if os.name != "posix":
        yield
        return
    path = path.absolute()
    lock_path = path.with_name(f"{path.name}.migrating")
    with sqlite_errors(f"locking {path}"):
        lock = _take_lock(lock_path)
        while lock is not None and not _is_named(lock, lock_path):
            # Its owner has removed it just now.
            lock.close()
            lock = _take_lock(lock_path)
    if lock is None:
        raise LockTimeoutError(
            f"another migration into {path} is at work. Wait until it has ended, then run this "
            "command again: it goes on from what is there"
        )
    try:
        yield
    finally:
        lock_path.unlink(missing_ok=True)
        lock.close()


def _take_lock(path: Path) -> IO[str] | None:
    import fcntl

    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _is_named(lock: IO[str], path: Path) -> bool:
    return file_id(path) == (os.fstat(lock.fileno()).st_dev, os.fstat(lock.fileno()).st_ino)


def open_file(place: Place, *, writes: bool) -> sqlite3.Connection:
    """Open the file. References are looked at when a table is full."""
    with sqlite_errors(f"opening {place.work}"):
        where = f"file:{quote(str(place.work))}?mode={'rw' if writes else 'ro'}"
        connection = sqlite3.connect(where, timeout=_BUSY_SECONDS, isolation_level=None, uri=True)
        try:
            # A new file is synced when it is whole; until then a power failure only costs the
            # last ranges, which WAL mode keeps apart.
            for pragma in (
                f"synchronous = {'NORMAL' if place.is_new else 'FULL'}",
                f"cache_size = -{_CACHE_KILOBYTES}",
                f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
                "foreign_keys = OFF",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
    return connection


def prepare_schema(place: Place, stores: Sequence[str], *, create: bool) -> None:
    """Make the tables that are missing; refuse a file that is not of this release.

    Without ``create`` nothing is made. Raises :class:`~aragora_sql.errors.SchemaVersionError`,
    :class:`~aragora_sql.errors.SchemaMismatchError` naming the differences, and
    :class:`~aragora_sql.errors.ConfigurationError` for a file of another program.
    """
    if not place.is_new:
        with (
            sqlite_errors(f"reading {place.path}"),
            closing(sqlite3.connect(place.work, timeout=_BUSY_SECONDS)) as connection,
        ):
            tables = {
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table'"
                )
            }
        if tables and "_schema_versions" not in tables:
            raise ConfigurationError(
                f"--to-sqlite: {place.path} is no database of this package: it has no table "
                "_schema_versions. Name another file"
            )
    asyncio.run(_prepare_schema(place, stores, create=create))


async def _prepare_schema(place: Place, stores: Sequence[str], *, create: bool) -> None:
    database = SQLiteDatabase(place.work, mode="create" if create else "read")
    try:
        for plan in await plan_schema(database, stores):
            if plan.present is None:
                if not create:
                    raise SchemaMismatchError(
                        f"{place.path} has no store {plan.store!r}: nothing was moved into it yet"
                    )
            elif plan.present != plan.latest:
                raise SchemaVersionError(
                    f"store {plan.store!r}: {place.path} has schema version {plan.present}, and "
                    f"this release fills version {plan.latest}; upgrade it with: aragora-sql "
                    f"schema apply --sqlite-path {place.path}. Nothing was moved"
                )
        if create:
            await apply_schema(database, stores)
        # What was made of the files just now is compared with them at the end.
        is_made = place.is_new and create
        found = [] if is_made else await verify_schema(database, stores)
        differences = [one for one in found if matters(one)]
    finally:
        await database.close()
    _refuse(place, [str(one) for one in differences])


def check_schema(place: Place, stores: Sequence[str]) -> list[str]:
    """Return how the file that was filled differs from the schema files."""

    async def differences() -> list[str]:
        database = SQLiteDatabase(place.work, mode="read")
        try:
            return [str(one) for one in await verify_schema(database, stores)]
        finally:
            await database.close()

    return asyncio.run(differences())


def _refuse(place: Place, differences: Sequence[str]) -> None:
    if differences:
        shown = "\n  ".join(differences[:20])
        raise SchemaMismatchError(
            f"the schema of {place.path} is not the one that this release fills:\n  {shown}\n"
            "Nothing was moved. Compare with: aragora-sql schema verify --sqlite-path "
            f"{place.path}"
        )
