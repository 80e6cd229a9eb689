"""SQLite: one writer, several readers.

Only the modules of this name (``sqlite*.py``) import aiosqlite.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, TypeVar
from weakref import WeakSet

from aragora_sql.database import sqlite_statements as statements
from aragora_sql.database.base import (
    Connection,
    Database,
    PoolMetrics,
    Row,
    ServerState,
    Watch,
    forget_closed_loops,
)
from aragora_sql.database.counts import PoolCounts
from aragora_sql.database.ownership import Owner, emptied_by_fork
from aragora_sql.database.session_state import changes_sqlite_connection
from aragora_sql.database.sqlite_files import ReadableFile, file_id
from aragora_sql.database.sqlite_thread import ThreadedConnection, file_moved
from aragora_sql.database.sqlite_watch import FileWatch
from aragora_sql.database.statement import Statement
from aragora_sql.database.units_of_work import Kind, refuse_within_a_unit
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DatabaseClosedError,
    DatabaseUnavailableError,
    InvalidInputError,
    LockTimeoutError,
    PoolTimeoutError,
    ReadOnlyDatabaseError,
    TenantNotEnforcedError,
    UnreadableValueError,
)
from aragora_sql.settings import Settings

__all__ = ["SQLiteConnection", "SQLiteDatabase", "close_sqlite_databases", "get_sqlite_database"]

MINIMUM_VERSION = (3, 38, 0)
DEFAULT_BUSY_TIMEOUT = 30.0
DEFAULT_STATEMENT_TIMEOUT = 60.0
DEFAULT_READERS = 4

Mode = Literal["create", "write", "read"]
T = TypeVar("T")


class SQLiteConnection(Connection):
    """One SQLite connection that one unit of work uses."""

    __slots__ = ("_depth", "_handle")

    def __init__(self, handle: ThreadedConnection, depth: int = 0) -> None:
        super().__init__()
        self._handle = handle
        self._depth = depth

    @property
    def in_transaction(self) -> bool:
        return self._handle.in_transaction

    def _watch(self, sql: str) -> None:
        """Have the connection closed after the unit of work where a statement may change it."""
        if changes_sqlite_connection(sql):
            self._handle.is_changed = True

    async def fetch_all(self, statement: Statement, arguments: Mapping[str, Any]) -> list[Row]:
        async with self.lock:
            self._watch(statement.sql)
            rows = await self._handle.run(
                statement.name, statements.fetch_all, statement, arguments
            )
        if type(rows) is not list:
            # The statement itself has done its work, so a transaction can go on.
            raise _unreadable(rows)
        return rows

    async def fetch_one(self, statement: Statement, arguments: Mapping[str, Any]) -> Row | None:
        async with self.lock:
            self._watch(statement.sql)
            rows = await self._handle.run(
                statement.name, statements.fetch_all, statement, arguments
            )
        if type(rows) is not list:
            raise _unreadable(rows)
        return rows[0] if rows else None

    async def fetch_value(self, statement: Statement, arguments: Mapping[str, Any]) -> Any:
        row = await self.fetch_one(statement, arguments)
        return None if row is None else next(iter(row.values()))

    async def execute(self, statement: Statement, arguments: Mapping[str, Any]) -> int:
        async with self.lock:
            self._watch(statement.sql)
            return await self._handle.run(statement.name, statements.execute, statement, arguments)

    async def execute_many(
        self, statement: Statement, arguments: Sequence[Mapping[str, Any]]
    ) -> int:
        async with self.lock:
            self._watch(statement.sql)
            return await self._handle.run(
                statement.name, statements.execute_many, statement, arguments
            )

    async def execute_together(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> list[int]:
        async with self.lock:
            for statement, _ in calls:
                self._watch(statement.sql)
            return await self._handle.run_each(
                [(one.name, statements.execute_many, (one, arguments)) for one, arguments in calls]
            )

    async def execute_each(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> list[int]:
        if len(calls) == 1 or self._handle.in_transaction:
            return await self.execute_together(calls)
        async with self.lock:
            for statement, _ in calls:
                self._watch(statement.sql)
            return await self._handle.run_committed(calls)

    async def execute_whole(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> bool:
        if self._handle.in_transaction:
            return await super().execute_whole(calls)
        async with self.lock:
            for statement, _ in calls:
                self._watch(statement.sql)
            return await self._handle.run_whole(calls)

    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        async with self.lock:
            self._watch(sql)
            with self._handle.without_limit() if unlimited else nullcontext():
                await self._handle.run(name, statements.run_script, sql)

    async def run_in_thread(self, name: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on the connection's thread with the driver's own connection.

        It is for what no statement can do, such as defining a function. The connection is closed
        after the unit of work, unless the database is in memory.
        """
        async with self.lock:
            self._handle.is_changed = True
            return await self._handle.run(name, work)

    async def try_each_in_thread(
        self,
        name: str,
        works: Sequence[Callable[[sqlite3.Connection], T]],
        *,
        until: type[AragoraSQLError],
    ) -> list[T | AragoraSQLError]:
        """Do several things as :meth:`run_in_thread` does, each under the statement timeout.

        An error is what comes back of one; behind an error of the class ``until`` nothing is done.
        """
        async with self.lock:
            self._handle.is_changed = True
            return await self._handle.try_each(name, works, until)

    def _fork(self) -> SQLiteConnection:
        return SQLiteConnection(self._handle, self._depth + 1 if self._handle.in_transaction else 0)

    @property
    def _savepoint(self) -> str:
        return f"aragora_{self._depth}"

    async def _begin(self) -> None:
        # When this is cancelled, giving the connection back (or leaving the outer transaction)
        # undoes it.
        if self._depth:
            await self._handle.run("SAVEPOINT", statements.run, f"SAVEPOINT {self._savepoint}")
        else:
            await self._handle.run("BEGIN", statements.run, "BEGIN IMMEDIATE")

    async def _set_tenant(self, tenant: str) -> None:
        raise TenantNotEnforcedError(
            "SQLite has no row level security: this would see the rows of every tenant; keep a "
            "file for each, or ask for the rows of an organization by org_id"
        )

    async def _commit(self) -> None:
        if self._depth:
            await self._handle.run("RELEASE", statements.run, f"RELEASE {self._savepoint}")
            return
        try:
            await self._handle.commit()
        except BaseException:
            await self._rollback()
            raise

    async def _rollback(self) -> None:
        if self._depth:
            # A statement that was stopped in the middle may have ended the whole transaction: then
            # there is no savepoint, and the outer transaction has to fail too.
            await self._handle.run("ROLLBACK", statements.roll_back_to, self._savepoint)
        elif self._handle.in_transaction:
            await self._handle.run("ROLLBACK", statements.roll_back)


def _unreadable(rows: Sequence[Row]) -> UnreadableValueError:
    error = UnreadableValueError(getattr(rows, "problem", ""))
    error.rows = list(rows)
    return error


class SQLiteDatabase(Database):
    """A SQLite file, or ``:memory:``.

    Writers take turns: one connection writes, in ``BEGIN IMMEDIATE`` transactions; up to
    ``readers`` others read at the same time without waiting for it. A commit that returned is on
    the disk. ``busy_timeout`` is how many seconds a unit of work waits for another writer, of this
    process or another one, before :class:`LockTimeoutError`; ``statement_timeout`` is how many
    seconds a statement may run.

    The file and its folder are made at the first use. With ``mode="write"`` the file has to exist
    and its journal mode stays as it is; with ``mode="read"`` nothing writes to it, nothing is left
    beside it, and there are only reading units of work.

    A file that is deleted or replaced while it is open is noticed at the next write (which looks
    again when the last look is 10 milliseconds old): it fails with :class:`ConnectionLostError`,
    and the next unit of work opens the file that is there then.
    """

    dialect = "sqlite"
    is_in_process = True

    def __init__(
        self,
        path: str | Path,
        *,
        mode: Mode = "create",
        readers: int = DEFAULT_READERS,
        busy_timeout: float = DEFAULT_BUSY_TIMEOUT,
        statement_timeout: float = DEFAULT_STATEMENT_TIMEOUT,
    ) -> None:
        if sqlite3.sqlite_version_info < MINIMUM_VERSION:
            wanted = ".".join(map(str, MINIMUM_VERSION))
            raise ConfigurationError(
                f"SQLite {sqlite3.sqlite_version} is too old: {wanted} or newer is needed"
            )
        if readers < 1:
            raise ConfigurationError(f"readers: {readers}; it has to be at least 1")
        check_path(path)
        self._owner = Owner()
        self._mode = mode
        self._in_memory = str(path) == ":memory:"
        self._path = str(path) if self._in_memory else os.fspath(Path(path).expanduser().absolute())
        self._busy_timeout = busy_timeout
        self._statement_timeout = statement_timeout
        self._writer: ThreadedConnection | None = None
        self._writer_turn = asyncio.Lock()
        self._idle_readers: list[ThreadedConnection] = []
        self._reader_count = 0
        self._max_readers = 0 if self._in_memory else readers
        self._reader_turn = asyncio.Semaphore(readers)
        self._counts = PoolCounts()
        self._busy = 0
        self._closed = False
        self._watches: WeakSet[FileWatch] = WeakSet()
        # Grows when all connections are given up; those of an earlier number are closed.
        self._generation = 0
        self._is_missing = False
        self._readable: ReadableFile | None = None

    def __repr__(self) -> str:
        return f"<SQLiteDatabase {self._path}{' closed' if self._closed else ''}>"

    @property
    def path(self) -> str:
        """The absolute path of the file, or ``:memory:``."""
        return self._path

    def watch(self, channel: str) -> Watch:
        watch = FileWatch(self)
        self._watches.add(watch)
        return watch

    async def open_again(self) -> SQLiteDatabase | None:
        if self._in_memory or self._mode == "read":
            return None
        return SQLiteDatabase(
            self._path,
            mode="write",
            busy_timeout=self._busy_timeout,
            statement_timeout=self._statement_timeout,
        )

    async def close(self) -> None:
        self._owner.check_closing(self)
        refuse_within_a_unit(self._unit_key())
        self._closed = True
        for watch in list(self._watches):
            await watch.close()
        # Units of work that are open finish first.
        async with self._writer_turn:
            await self._give_up_connections()

    async def _give_up_connections(self) -> None:
        """Close all connections that nobody uses now, and the others when they are released."""
        self._generation += 1
        while self._idle_readers:
            self._reader_count -= 1
            await self._idle_readers.pop().close()
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        readable, self._readable = self._readable, None
        if readable is not None:
            readable.close()

    def metrics(self) -> PoolMetrics:
        size = self._reader_count + (self._writer is not None)
        counts = self._counts
        return PoolMetrics(
            size=size,
            free=size - self._busy,
            in_use=self._busy,
            waiting=counts.waiting,
            min_size=0,
            max_size=self._max_readers + 1,
            acquisitions=counts.acquisitions,
            failed=counts.failures,
            timeouts=counts.timeouts,
            wait_ms=counts.waited * 1000,
            max_wait_ms=counts.longest_wait * 1000,
        )

    async def _state(self) -> ServerState:
        async with self.read() as connection:
            await connection.run_script("health", "SELECT 1")
        return ServerState(role="primary", is_read_only=self._mode == "read")

    def _unit_key(self) -> object:
        return self

    def _serves(self, held: Kind, wanted: Kind) -> bool:
        return wanted == "read" or held != "read" or self._in_memory

    async def _acquire(self, kind: Kind, at_least: str | None = None) -> SQLiteConnection:
        started = time.perf_counter()
        try:
            if self._closed:
                raise DatabaseClosedError(f"{self._path}: the database was closed")
            if kind == "read" and not self._in_memory:
                handle = await self._take_reader()
            else:
                handle = await self._take_writer()
        except BaseException as error:
            self._counts.failed(error, error.__cause__)
            raise
        self._counts.acquired(started)
        self._busy += 1
        return SQLiteConnection(handle)

    async def _take_writer(self) -> ThreadedConnection:
        await self._take_turn(self._writer_turn, LockTimeoutError, "another writer")
        try:
            if self._closed:
                raise DatabaseClosedError(f"{self._path}: the database was closed")
            if self._mode == "read":
                raise ReadOnlyDatabaseError(f"{self._path}: it was opened for reading only")
            if self._writer is None:
                if not self._in_memory and self._mode == "create":
                    try:
                        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
                    except OSError as error:
                        raise DatabaseUnavailableError(f"cannot open {self._path}: {error}") from (
                            error
                        )
                journal = ["journal_mode = WAL"] if self._mode == "create" else []
                self._writer = await self._open(
                    *journal, "synchronous = FULL", "foreign_keys = ON", writes=True
                )
        except BaseException:
            self._writer_turn.release()
            raise
        return self._writer

    async def _take_reader(self) -> ThreadedConnection:
        if self._writer is None and self._mode == "create":
            # The writer creates the file, and switches it to WAL.
            await self._take_writer()
            self._writer_turn.release()
        await self._take_turn(self._reader_turn, PoolTimeoutError, "a free reading connection")
        try:
            if self._closed:
                raise DatabaseClosedError(f"{self._path}: the database was closed")
            if self._readable is not None and not self._readable.is_as_it_was():
                await self._give_up_connections()
            if self._idle_readers:
                return self._idle_readers.pop()
            handle = await self._open("foreign_keys = ON", "query_only = ON")
        except BaseException:
            self._reader_turn.release()
            raise
        self._reader_count += 1
        return handle

    async def _take_turn(
        self,
        turn: asyncio.Lock | asyncio.Semaphore,
        timeout_error: type[LockTimeoutError | PoolTimeoutError],
        awaited: str,
    ) -> None:
        if not turn.locked():
            await turn.acquire()
            return
        self._counts.waiting += 1
        try:
            async with asyncio.timeout(self._busy_timeout):
                await turn.acquire()
        except TimeoutError as error:
            raise timeout_error(
                f"{self._path}: waited {self._busy_timeout:g} s for {awaited}"
            ) from error
        finally:
            self._counts.waiting -= 1

    async def _open(self, *pragmas: str, writes: bool = False) -> ThreadedConnection:
        uri = None
        if self._is_missing:
            if file_id(self._path) is None:
                raise file_moved(self._path, "deleted")
            self._is_missing = False
        if not self._in_memory and self._mode == "write":
            uri = f"{Path(self._path).as_uri()}?mode=rw"
        elif not self._in_memory and self._mode == "read":
            try:
                self._readable = self._readable or ReadableFile(Path(self._path))
            except OSError as error:
                raise DatabaseUnavailableError(f"cannot open {self._path}: {error}") from error
            uri = self._readable.uri
        handle = ThreadedConnection(self._busy_timeout, self._statement_timeout, self._generation)
        await handle.open(self._path, pragmas, uri, writes=writes)
        return handle

    async def _release(self, connection: Connection) -> None:
        if not isinstance(connection, SQLiteConnection):
            raise TypeError("not a SQLite connection")
        handle = connection._handle
        self._busy -= 1
        if handle is self._writer:
            try:
                if handle.in_transaction:
                    await handle.run("ROLLBACK", statements.roll_back)
                if handle.moved is not None:
                    self._is_missing = handle.moved == "deleted"
                    await self._give_up_connections()
                elif handle.is_changed and not self._in_memory:
                    self._writer = None
                    await handle.close()
            finally:
                self._writer_turn.release()
        else:
            if self._closed or handle.is_changed or handle.generation != self._generation:
                self._reader_count -= 1
                await handle.close()
            else:
                self._idle_readers.append(handle)
            self._reader_turn.release()


def check_path(path: object) -> None:
    """Raise :class:`InvalidInputError` for what is not a path. The message repeats no DSN."""
    if inspect.iscoroutine(path):
        raise InvalidInputError("path", "a coroutine was given: put `await` before the call")
    if not isinstance(path, str | os.PathLike):
        raise InvalidInputError("path", f"a path is needed, not {type(path).__name__}")
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        raise InvalidInputError("path", "must be text that is not empty")
    if "\x00" in text:
        raise InvalidInputError("path", "must not contain a NUL character")
    if text.lower().startswith(("postgresql://", "postgres://")):
        raise InvalidInputError("path", "a PostgreSQL DSN was given: a SQLite file is needed")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:(?!\\)", text):
        raise InvalidInputError(
            "path",
            "a URI was given: a path is needed (of sqlite:///a.db it is a.db)",
        )


# One database object per event loop and file, so that stores of one file share transactions. Those
# that were made outside an event loop wait for the one that uses them first.
_databases: dict[asyncio.AbstractEventLoop, list[SQLiteDatabase]] = {}
_unused: dict[str, SQLiteDatabase] = {}
emptied_by_fork(_databases)


def get_sqlite_database(path: str | Path | None = None) -> SQLiteDatabase:
    """Return the process's database object for a file, making it at the first call.

    ``path`` defaults to ``aragora.db`` in ``ARAGORA_DATA_DIR``. Stores that share it share its
    transactions. Outside an event loop it is that of the loop that uses it first.
    """
    forget_closed_loops(_databases)
    _settle()
    wanted = SQLiteDatabase(Settings.from_env().sqlite_path if path is None else path)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _unused.setdefault(wanted.path, wanted)
    databases = _databases.setdefault(loop, [])
    for database in databases:
        if database.path == wanted.path and not database._closed:
            return database
    database = _unused.pop(wanted.path, wanted)
    database._owner.claim(database)
    databases.append(database)
    return database


def _settle() -> None:
    """Put databases that were made outside an event loop to the one that has used them."""
    for path, database in list(_unused.items()):
        loop = database._owner.loop
        if loop is not None or database._closed:
            del _unused[path]
        if loop is not None and database._owner.is_here:
            _databases.setdefault(loop, []).append(database)


async def close_sqlite_databases() -> None:
    """Close every database that :func:`get_sqlite_database` opened. Twice is harmless."""
    _settle()
    databases = _databases.get(asyncio.get_running_loop(), [])
    while databases:
        await databases.pop().close()
