"""SQLite through aiosqlite: one writer, several readers, conversion and errors.

The only module that imports aiosqlite. Each call crosses to the connection's thread and back once:
aiosqlite's own calls cross two or three times, and a crossing is what a call on SQLite costs. For
that this module uses two internals of aiosqlite (``Connection._execute`` and ``_thread``); its
version is bounded in ``pyproject.toml``.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import date
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar
from weakref import WeakSet

from aragora_sql.database.base import (
    Connection,
    Database,
    PoolMetrics,
    Row,
    Watch,
    _Kind,
    forget_closed_loops,
)
from aragora_sql.database.statement import ColumnKind, Statement
from aragora_sql.database.values import (
    check_text,
    dump_json,
    format_timestamp,
    load_json,
    parse_timestamp,
)
from aragora_sql.errors import (
    AragoraSQLError,
    BackendDriverMissingError,
    CheckViolationError,
    ConfigurationError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseUnavailableError,
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    LockTimeoutError,
    MissingParentError,
    NotNullViolationError,
    PoolTimeoutError,
    StatementTimeoutError,
)
from aragora_sql.settings import Settings

try:
    import aiosqlite
except ImportError as error:  # pragma: no cover - aiosqlite is a dependency of this package
    raise BackendDriverMissingError("SQLite", "aiosqlite") from error

__all__ = ["SQLiteConnection", "SQLiteDatabase", "close_sqlite_databases", "get_sqlite_database"]

MINIMUM_VERSION = (3, 38, 0)
DEFAULT_BUSY_TIMEOUT = 30.0
DEFAULT_STATEMENT_TIMEOUT = 60.0
DEFAULT_READERS = 4

# SQLite waits for a lock in slices of this length, so that a cancelled task gives up soon.
_BUSY_SLICE = 0.2
# Virtual machine steps between two looks at the deadline: some tenths of a millisecond.
_PROGRESS_STEPS = 20_000

# How long a watch sleeps between two looks at the file, in seconds: longer the longer it waits.
_SHORTEST_PAUSE = 0.002
_LONGEST_PAUSE = 0.02

P = ParamSpec("P")
T = TypeVar("T")

Mode = Literal["create", "write", "read"]
_URI_MODES = {"write": "rw", "read": "ro"}


class _Handle:
    """A driver connection and what runs on its thread.

    All methods named ``_in_thread_...`` run there; one unit of work uses a handle at a time.
    """

    def __init__(self, busy_timeout: float, statement_timeout: float) -> None:
        self._busy_timeout = busy_timeout
        self._statement_timeout = statement_timeout
        self._driver: aiosqlite.Connection | None = None
        self._deadline = math.inf
        self._cancelled = False

    async def open(self, path: str, pragmas: Sequence[str], mode: Mode) -> None:
        in_mode = _URI_MODES.get(mode) if path != ":memory:" else None
        driver = aiosqlite.connect(
            f"{Path(path).as_uri()}?mode={in_mode}" if in_mode else path,
            timeout=min(_BUSY_SLICE, self._busy_timeout),
            isolation_level=None,
            uri=in_mode is not None,
        )
        # A connection that is never closed must not keep the process alive.
        driver._thread.daemon = True
        self._driver = driver
        try:
            await _connected(driver)
            await self.run("open", self._in_thread_set_up, pragmas)
        except (sqlite3.Error, DatabaseError) as error:
            await self.close()
            if isinstance(error, LockTimeoutError | StatementTimeoutError):
                raise
            raise DatabaseUnavailableError(f"cannot open {path}: {error}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    @property
    def in_transaction(self) -> bool:
        return self._driver is not None and self._driver.in_transaction

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Let statements run for as long as they need, while the block lasts."""
        limit, self._statement_timeout = self._statement_timeout, math.inf
        try:
            yield
        finally:
            self._statement_timeout = limit

    async def run(
        self,
        name: str,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``work`` on the thread; a cancelled task leaves nothing running behind."""
        driver = self._driver
        if driver is None:
            raise DatabaseClosedError("the database was closed")
        self._cancelled = False
        try:
            return await driver._execute(self._in_thread_guard, name, work, args, kwargs)  # type: ignore[no-any-return,no-untyped-call]
        except asyncio.CancelledError:
            self._cancelled = True
            await self._settled(driver)
            raise
        except ValueError as error:
            if self._driver is driver:
                raise
            raise DatabaseClosedError(f"{name}: {error}") from error

    async def _settled(self, driver: aiosqlite.Connection) -> None:
        """Wait until the thread is done with what was cancelled (it works first in, first out)."""
        await _undisturbed(asyncio.ensure_future(driver._execute(lambda: None)))  # type: ignore[no-untyped-call]

    def _in_thread_set_up(self, connection: sqlite3.Connection, pragmas: Sequence[str]) -> None:
        connection.set_progress_handler(self._in_thread_must_stop, _PROGRESS_STEPS)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()

    def _in_thread_must_stop(self) -> bool:
        return self._cancelled or time.monotonic() > self._deadline

    def _in_thread_guard(
        self,
        name: str,
        work: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T:
        """Apply the time limits: of the statement, and of waiting for another process's lock."""
        if self._driver is None or self._driver._connection is None:
            raise DatabaseClosedError("the database was closed")
        connection = self._driver._connection
        give_up = time.monotonic() + self._busy_timeout
        while True:
            self._deadline = time.monotonic() + self._statement_timeout
            try:
                return work(connection, *args, **kwargs)
            except sqlite3.OperationalError as error:
                # Within a transaction the lock is held already: waiting would not help.
                waits = _is_busy(error) and not connection.in_transaction
                if not waits or self._cancelled or time.monotonic() >= give_up:
                    raise _translate(error, name) from error
            except sqlite3.Error as error:
                raise _translate(error, name) from error
            except (UnicodeEncodeError, OverflowError) as error:
                raise InvalidInputError(name, str(error)) from error
            finally:
                self._deadline = math.inf


async def _connected(driver: aiosqlite.Connection) -> None:
    """Open the driver's connection; when this is cancelled it is open, and can be closed."""
    connecting = asyncio.ensure_future(driver)
    try:
        await asyncio.shield(connecting)
    except BaseException:
        await _undisturbed(connecting)
        if driver._connection is None:
            # The thread is about to end: it must not outlive the event loop.
            await _undisturbed(asyncio.ensure_future(asyncio.to_thread(driver._thread.join)))
        raise


async def _undisturbed(task: asyncio.Future[Any]) -> None:
    """Wait until a task is done, however often that is cancelled; its result is not looked at."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


class SQLiteConnection(Connection):
    """One SQLite connection in the hands of one unit of work."""

    __slots__ = ("_depth", "_handle")

    def __init__(self, handle: _Handle, depth: int = 0) -> None:
        super().__init__()
        self._handle = handle
        self._depth = depth

    @property
    def in_transaction(self) -> bool:
        return self._handle.in_transaction

    async def fetch_all(self, statement: Statement, arguments: Mapping[str, Any]) -> list[Row]:
        async with self.lock:
            return await self._handle.run(statement.name, _fetch_all, statement, arguments)

    async def fetch_one(self, statement: Statement, arguments: Mapping[str, Any]) -> Row | None:
        async with self.lock:
            return await self._handle.run(statement.name, _fetch_one, statement, arguments)

    async def fetch_value(self, statement: Statement, arguments: Mapping[str, Any]) -> Any:
        row = await self.fetch_one(statement, arguments)
        return None if row is None else next(iter(row.values()))

    async def execute(self, statement: Statement, arguments: Mapping[str, Any]) -> int:
        async with self.lock:
            return await self._handle.run(statement.name, _execute, statement, arguments)

    async def execute_many(
        self, statement: Statement, arguments: Sequence[Mapping[str, Any]]
    ) -> int:
        async with self.lock:
            return await self._handle.run(statement.name, _execute_many, statement, arguments)

    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        async with self.lock:
            with self._handle.without_limit() if unlimited else nullcontext():
                await self._handle.run(name, _run_script, sql)

    def _fork(self) -> SQLiteConnection:
        return SQLiteConnection(self._handle, self._depth + 1 if self._handle.in_transaction else 0)

    @property
    def _savepoint(self) -> str:
        return f"aragora_{self._depth}"

    async def _begin(self) -> None:
        # When this is cancelled, giving the connection back (or leaving the outer transaction)
        # undoes it.
        if self._depth:
            await self._handle.run("SAVEPOINT", _run, f"SAVEPOINT {self._savepoint}")
        else:
            await self._handle.run("BEGIN", _run, "BEGIN IMMEDIATE")

    async def _commit(self) -> None:
        if self._depth:
            await self._handle.run("RELEASE", _run, f"RELEASE {self._savepoint}")
            return
        try:
            await self._handle.run("COMMIT", _run, "COMMIT")
        except BaseException:
            await self._rollback()
            raise

    async def _rollback(self) -> None:
        if self._depth:
            # A statement that was stopped in the middle may have ended the whole transaction: then
            # there is no savepoint, and the outer transaction has to fail too.
            await self._handle.run("ROLLBACK", _roll_back_to, self._savepoint)
        elif self._handle.in_transaction:
            await self._handle.run("ROLLBACK", _roll_back)


class SQLiteDatabase(Database):
    """A SQLite file, or ``:memory:``.

    Writers take turns: one connection writes, in ``BEGIN IMMEDIATE`` transactions; up to
    ``readers`` others read at the same time without waiting for it. A commit that returned is on
    the disk. ``busy_timeout`` is how many seconds a unit of work waits for another writer, of this
    process or another one, before :class:`LockTimeoutError`; ``statement_timeout`` is how many
    seconds a statement may run.

    The file and its folder are made at the first use. With ``mode="write"`` the file has to exist
    and its journal mode stays as it is; with ``mode="read"`` nothing writes to it, and there are
    only reading units of work.
    """

    dialect = "sqlite"

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
        self._mode = mode
        self._in_memory = str(path) == ":memory:"
        self._path = str(path) if self._in_memory else os.fspath(Path(path).expanduser().absolute())
        self._busy_timeout = busy_timeout
        self._statement_timeout = statement_timeout
        self._writer: _Handle | None = None
        self._writer_turn = asyncio.Lock()
        self._idle_readers: list[_Handle] = []
        self._reader_count = 0
        self._max_readers = 0 if self._in_memory else readers
        self._reader_turn = asyncio.Semaphore(readers)
        self._waiting = 0
        self._busy = 0
        self._closed = False
        self._watches: WeakSet[_FileWatch] = WeakSet()

    def __repr__(self) -> str:
        return f"<SQLiteDatabase {self._path}{' closed' if self._closed else ''}>"

    @property
    def path(self) -> str:
        """The absolute path of the file, or ``:memory:``."""
        return self._path

    def watch(self, channel: str) -> Watch:
        watch = _FileWatch(self)
        self._watches.add(watch)
        return watch

    async def close(self) -> None:
        self._refuse_within_a_unit()
        self._closed = True
        for watch in list(self._watches):
            await watch.close()
        # Whoever is at work finishes first.
        async with self._writer_turn:
            while self._idle_readers:
                self._reader_count -= 1
                await self._idle_readers.pop().close()
            writer, self._writer = self._writer, None
            if writer is not None:
                await writer.close()

    def metrics(self) -> PoolMetrics:
        size = self._reader_count + (self._writer is not None)
        return PoolMetrics(
            size=size,
            free=size - self._busy,
            in_use=self._busy,
            waiting=self._waiting,
            min_size=0,
            max_size=self._max_readers + 1,
        )

    def _unit_key(self) -> object:
        return self

    def _serves(self, held: _Kind, wanted: _Kind) -> bool:
        return wanted == "read" or held != "read" or self._in_memory

    async def _acquire(self, kind: _Kind) -> SQLiteConnection:
        if self._closed:
            raise DatabaseClosedError(f"{self._path}: the database was closed")
        if kind == "read" and not self._in_memory:
            handle = await self._take_reader()
        else:
            handle = await self._take_writer()
        self._busy += 1
        return SQLiteConnection(handle)

    async def _take_writer(self) -> _Handle:
        await self._take_turn(self._writer_turn, LockTimeoutError, "another writer")
        try:
            if self._closed:
                raise DatabaseClosedError(f"{self._path}: the database was closed")
            if self._mode == "read":
                raise DatabaseError(f"{self._path}: it was opened for reading only")
            if self._writer is None:
                if not self._in_memory and self._mode == "create":
                    try:
                        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
                    except OSError as error:
                        raise DatabaseUnavailableError(f"cannot open {self._path}: {error}") from (
                            error
                        )
                journal = ["journal_mode = WAL"] if self._mode == "create" else []
                self._writer = await self._open(*journal, "synchronous = FULL", "foreign_keys = ON")
        except BaseException:
            self._writer_turn.release()
            raise
        return self._writer

    async def _take_reader(self) -> _Handle:
        if self._writer is None and self._mode == "create":
            # The writer makes the file, and switches it to WAL.
            await self._take_writer()
            self._writer_turn.release()
        await self._take_turn(self._reader_turn, PoolTimeoutError, "a free reading connection")
        try:
            if self._closed:
                raise DatabaseClosedError(f"{self._path}: the database was closed")
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
        self._waiting += 1
        try:
            async with asyncio.timeout(self._busy_timeout):
                await turn.acquire()
        except TimeoutError as error:
            raise timeout_error(
                f"{self._path}: waited {self._busy_timeout:g} s for {awaited}"
            ) from error
        finally:
            self._waiting -= 1

    async def _open(self, *pragmas: str) -> _Handle:
        handle = _Handle(self._busy_timeout, self._statement_timeout)
        await handle.open(self._path, pragmas, self._mode)
        return handle

    async def _release(self, connection: Connection) -> None:
        if not isinstance(connection, SQLiteConnection):
            raise TypeError("not a SQLite connection")
        handle = connection._handle
        self._busy -= 1
        if handle is self._writer:
            try:
                if handle.in_transaction:
                    await handle.run("ROLLBACK", _roll_back)
            finally:
                self._writer_turn.release()
        else:
            if self._closed:
                self._reader_count -= 1
                await handle.close()
            else:
                self._idle_readers.append(handle)
            self._reader_turn.release()


class _FileWatch(Watch):
    """Looks every few milliseconds whether another connection has committed to the file.

    It has a connection of its own, so commits of this process count too. A database in memory has
    no second connection: there the passing of a moment counts as a change.
    """

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database
        self._handle: _Handle | None = None
        self._turn = asyncio.Lock()

    async def mark(self) -> int:
        database = self._database
        if database._in_memory:
            return 0
        async with self._turn:
            if database._closed:
                raise DatabaseClosedError(f"{database.path}: the database was closed")
            if self._handle is None:
                if database._writer is None:
                    # The writer makes the file.
                    await database._take_writer()
                    database._writer_turn.release()
                self._handle = await database._open("query_only = ON")
            return await self._handle.run("watch", _data_version)

    async def changed(
        self, mark: int, timeout: float, topics: Collection[str] | None = None
    ) -> bool:
        deadline = time.monotonic() + timeout
        pause = _LONGEST_PAUSE if self._database._in_memory else _SHORTEST_PAUSE
        while True:
            remaining = deadline - time.monotonic()
            await asyncio.sleep(max(0.0, min(pause, remaining)))
            if self._database._in_memory or await self.mark() != mark:
                return True
            if remaining <= pause:
                return False
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def close(self) -> None:
        async with self._turn:
            handle, self._handle = self._handle, None
            if handle is not None:
                await handle.close()


# What follows runs on the thread of a connection.


def _data_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _bind(statement: Statement, arguments: Mapping[str, Any]) -> dict[str, Any]:
    bound = {}
    for name, value in arguments.items():
        if isinstance(value, date):
            value = format_timestamp(value)
        elif isinstance(value, (dict, list, tuple)):
            value = dump_json(value, name)
        elif isinstance(value, float) and not math.isfinite(value):
            raise InvalidInputError(statement.name, f"{name}: {value!r} is not a finite number")
        elif isinstance(value, str) and "\x00" in value:
            check_text(value, name)
        bound[name] = value
    return bound


_DECODERS: dict[ColumnKind, Callable[[Any], Any]] = {
    "boolean": bool,
    "json": load_json,
    "timestamp": parse_timestamp,
}


def _rows(statement: Statement, cursor: sqlite3.Cursor, records: Sequence[Any]) -> list[Row]:
    if not records:
        return []
    kinds = statement.column_kinds
    names = [description[0] for description in cursor.description]
    decoders = [(name, _DECODERS[kinds[name]]) for name in names if name in kinds]
    rows: list[Row] = [dict(zip(names, record, strict=True)) for record in records]
    for row in rows:
        for name, decode in decoders:
            if row[name] is not None:
                row[name] = decode(row[name])
    return rows


def _fetch_all(
    connection: sqlite3.Connection, statement: Statement, arguments: Mapping[str, Any]
) -> list[Row]:
    cursor = connection.execute(statement.sql, _bind(statement, arguments))
    return _rows(statement, cursor, cursor.fetchall())


def _fetch_one(
    connection: sqlite3.Connection, statement: Statement, arguments: Mapping[str, Any]
) -> Row | None:
    rows = _fetch_all(connection, statement, arguments)
    return rows[0] if rows else None


def _execute(
    connection: sqlite3.Connection, statement: Statement, arguments: Mapping[str, Any]
) -> int:
    return _execute_bound(connection, statement.sql, _bind(statement, arguments))


def _execute_bound(connection: sqlite3.Connection, sql: str, bound: Mapping[str, Any]) -> int:
    before = connection.total_changes
    cursor = connection.execute(sql, bound)
    # A RETURNING statement has done its work only when all its rows were taken.
    returned = cursor.fetchall()
    if cursor.rowcount < 0 and connection.total_changes != before:
        # The driver does not count for statements that begin with WITH.
        count: int = connection.execute("SELECT changes()").fetchone()[0]
        return count
    return max(cursor.rowcount, 0) or len(returned)


def _execute_many(
    connection: sqlite3.Connection, statement: Statement, arguments: Sequence[Mapping[str, Any]]
) -> int:
    if len(arguments) == 1:
        return _execute(connection, statement, arguments[0])
    bound = [_bind(statement, one) for one in arguments]
    with _transaction(connection):
        return _execute_each(connection, statement.sql, bound)


# What executemany() does not count, or refuses (Python 3.13).
_ONE_BY_ONE = re.compile(
    r"\A (?: \s | /\* .*? \*/ | --[^\n]* )* WITH\b | \bRETURNING\b",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def _execute_each(
    connection: sqlite3.Connection, sql: str, bound: Sequence[Mapping[str, Any]]
) -> int:
    connection.execute("SAVEPOINT aragora_many")
    try:
        if _ONE_BY_ONE.search(sql):
            count = sum(_execute_bound(connection, sql, one) for one in bound)
        else:
            count = connection.executemany(sql, bound).rowcount
    except BaseException:
        if connection.in_transaction:
            _roll_back_to(connection, "aragora_many")
        raise
    connection.execute("RELEASE aragora_many")
    return max(count, 0)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block in the open transaction, or in one of its own."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _run(connection: sqlite3.Connection, sql: str) -> None:
    connection.execute(sql)


def _roll_back(connection: sqlite3.Connection) -> None:
    # A statement that was stopped in the middle may have ended the transaction meanwhile.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _roll_back_to(connection: sqlite3.Connection, savepoint: str) -> None:
    connection.execute(f"ROLLBACK TO {savepoint}")
    connection.execute(f"RELEASE {savepoint}")


def _run_script(connection: sqlite3.Connection, sql: str) -> None:
    # executescript() would commit the open transaction first.
    statements = list(split_script(sql))
    if len(statements) == 1:
        connection.execute(statements[0])
        return
    with _transaction(connection):
        for statement in statements:
            connection.execute(statement)


def split_script(sql: str) -> Iterator[str]:
    """Split a script at the semicolons that end its statements (a trigger's body is one)."""
    pending = ""
    for part in sql.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \t\r\n;"):
                yield pending.strip()
            pending = ""
    rest = pending.removesuffix(";").strip()
    if rest:
        yield rest


_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BY_CONSTRAINT: dict[int, type[IntegrityError]] = {
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: DuplicateKeyError,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: DuplicateKeyError,
    sqlite3.SQLITE_CONSTRAINT_ROWID: DuplicateKeyError,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: MissingParentError,
    sqlite3.SQLITE_CONSTRAINT_CHECK: CheckViolationError,
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: NotNullViolationError,
}
# A value of the wrong type for a column of a STRICT table; sqlite3 has no constant for it.
_WRONG_TYPE = sqlite3.SQLITE_CONSTRAINT | (12 << 8)
_LOST_CODES = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
}


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) & 0xFF in _BUSY_CODES


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0)


def _translate(error: sqlite3.Error, name: str) -> AragoraSQLError:
    code = _code(error)
    message = f"{name}: {error}"
    primary = code & 0xFF
    if code == _WRONG_TYPE:
        return InvalidInputError(name, str(error))
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return _BY_CONSTRAINT.get(code, IntegrityError)(message)
    if primary in _BUSY_CODES:
        return LockTimeoutError(f"{message} (another process holds the lock)")
    if primary == sqlite3.SQLITE_INTERRUPT:
        return StatementTimeoutError(f"{name}: ran longer than the statement timeout")
    if primary in _LOST_CODES:
        return ConnectionLostError(message)
    if isinstance(error, sqlite3.InterfaceError | sqlite3.DataError) or (
        isinstance(error, sqlite3.ProgrammingError) and "binding" in str(error).lower()
    ):
        return InvalidInputError(name, str(error))
    if "no such table" in message:
        message += " (was the store initialized?)"
    return DatabaseError(message)


# One database object per event loop and file, so that stores of one file share transactions.
_databases: dict[asyncio.AbstractEventLoop, dict[str, SQLiteDatabase]] = {}


def get_sqlite_database(path: str | Path | None = None) -> SQLiteDatabase:
    """Return the process's database object for a file, making it at the first call.

    ``path`` defaults to ``aragora.db`` in ``ARAGORA_DATA_DIR``. Must be called in a running event
    loop. Stores that share it share its transactions.
    """
    forget_closed_loops(_databases)
    databases = _databases.setdefault(asyncio.get_running_loop(), {})
    wanted = SQLiteDatabase(Settings.from_env().sqlite_path if path is None else path)
    database = databases.get(wanted.path)
    if database is None or database._closed:
        database = databases[wanted.path] = wanted
    return database


async def close_sqlite_databases() -> None:
    """Close every database that :func:`get_sqlite_database` opened. Twice is harmless."""
    databases = _databases.get(asyncio.get_running_loop(), {})
    while databases:
        _, database = databases.popitem()
        await database.close()
