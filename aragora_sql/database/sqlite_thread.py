"""A SQLite connection on its thread.

Each call crosses to the thread and back once: aiosqlite's own calls cross two or three times, and a
crossing is what a call on SQLite costs. For that this module uses two internals of aiosqlite
(``Connection._execute`` and ``_thread``); its version is bounded in ``pyproject.toml``.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Concatenate, ParamSpec, TypeVar

from aragora_sql.database import sqlite_statements as statements
from aragora_sql.database.sqlite_errors import is_busy, lone_surrogate, translate
from aragora_sql.database.sqlite_files import FileId, file_id
from aragora_sql.database.statement import Statement
from aragora_sql.errors import (
    AragoraSQLError,
    BackendDriverMissingError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseUnavailableError,
    InvalidInputError,
    LockTimeoutError,
    StatementTimeoutError,
)

try:
    import aiosqlite
except ImportError as error:  # pragma: no cover - aiosqlite is a dependency of this package
    raise BackendDriverMissingError("SQLite", "aiosqlite") from error

__all__ = ["ThreadedConnection", "file_moved"]

# SQLite waits for a lock in slices of this length, so that a cancelled task gives up soon.
_BUSY_SLICE = 0.2
# A file that was looked at is not looked at again for so many seconds: what was written a moment
# before it was deleted is lost like what was written after.
LOOK_EVERY = 0.01
# Virtual machine steps between two looks at the deadline: some tenths of a millisecond.
_PROGRESS_STEPS = 20_000

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class ThreadedConnection:
    """A connection of the driver, and the limits under which calls run on its thread.

    All methods named ``_in_thread_...`` run there; one unit of work uses a handle at a time.
    """

    def __init__(self, busy_timeout: float, statement_timeout: float, generation: int = 0) -> None:
        self.generation = generation
        # Whether it was changed in a way that the next unit of work must not see.
        self.is_changed = False
        self._busy_timeout = busy_timeout
        self._statement_timeout = statement_timeout
        self._driver: aiosqlite.Connection | None = None
        self._deadline = math.inf
        self._cancelled = False
        # What was found to have happened to the file since it was opened, or None.
        self.moved: str | None = None
        self._path: str | None = None
        self._log_path = ""
        self._file: FileId | None = None
        self._log: FileId | None = None
        self._next_look = -math.inf

    async def open(
        self, path: str, pragmas: Sequence[str], uri: str | None = None, *, writes: bool = False
    ) -> None:
        """Open a file, and set what ``pragmas`` say; ``uri`` says how, where that matters.

        With ``writes`` every write looks first whether the file is still there.
        """
        driver = aiosqlite.connect(
            uri or path,
            timeout=min(_BUSY_SLICE, self._busy_timeout),
            isolation_level=None,
            uri=uri is not None,
        )
        # A connection that is never closed must not keep the process alive.
        driver._thread.daemon = True
        self._driver = driver
        try:
            await _connected(driver)
            await self.run("open", self._in_thread_set_up, pragmas)
            if writes and path != ":memory:":
                self._path, self._log_path = path, f"{path}-wal"
                self._file = file_id(path)
        except (sqlite3.Error, DatabaseError) as error:
            await self.close()
            if isinstance(error, LockTimeoutError | StatementTimeoutError):
                raise
            raise DatabaseUnavailableError(f"cannot open {path}: {error}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close it. Closing twice is harmless."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        # Without the driver's own property, which calls two more.
        driver = self._driver
        connection = None if driver is None else driver._connection
        return connection is not None and connection.in_transaction

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Let statements run for as long as they need, while the block lasts."""
        limit, self._statement_timeout = self._statement_timeout, math.inf
        try:
            yield
        finally:
            self._statement_timeout = limit

    # These are no coroutines of their own: each call would pay for one more.

    def run(
        self,
        name: str,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Coroutine[Any, Any, T]:
        """Run ``work`` on the thread; a cancelled task leaves nothing running behind."""
        return self._cross(name, self._in_thread_guard, name, work, args, kwargs)

    def run_each(
        self, works: Sequence[tuple[str, Callable[..., T], tuple[Any, ...]]]
    ) -> Coroutine[Any, Any, list[T]]:
        """Run several works in one crossing, until one fails; each has a name and arguments."""
        return self._cross(works[0][0] if works else "", self._in_thread_each, works)

    def run_whole(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> Coroutine[Any, Any, bool]:
        """Run statements in a transaction, in one crossing, and commit what is whole.

        That is when each has changed as many rows as it has sets of arguments.
        """
        return self._cross(calls[0][0].name if calls else "", self._in_thread_whole, calls)

    def run_committed(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> Coroutine[Any, Any, list[int]]:
        """Run statements in a transaction, in one crossing; return what each has changed."""
        return self._cross(calls[0][0].name if calls else "", self._in_thread_committed, calls)

    def try_each(
        self,
        name: str,
        works: Sequence[Callable[[sqlite3.Connection], T]],
        until: type[AragoraSQLError],
    ) -> Coroutine[Any, Any, list[T | AragoraSQLError]]:
        """Run some works on the thread, each under the time limits; errors are among the results.

        Behind an error of the class ``until`` no work is done any more.
        """
        return self._cross(name, self._in_thread_try_each, name, works, until)

    async def _cross(self, name: str, function: Callable[..., R], *args: Any) -> R:
        driver = self._driver
        if driver is None:
            raise DatabaseClosedError("the database was closed")
        self._cancelled = False
        try:
            return await driver._execute(function, *args)  # type: ignore[no-any-return,no-untyped-call]
        except asyncio.CancelledError:
            self._cancelled = True
            await self._settled(driver)
            raise
        except ValueError as error:
            if self._driver is driver:
                raise
            raise DatabaseClosedError(f"{name}: {error}") from error

    async def commit(self) -> None:
        """Commit, unless the file has moved since the transaction began."""
        await self.run("COMMIT", self._in_thread_commit)

    async def _settled(self, driver: aiosqlite.Connection) -> None:
        """Wait until the thread is done with what was cancelled (it works first in, first out)."""
        await _undisturbed(asyncio.ensure_future(driver._execute(lambda: None)))  # type: ignore[no-untyped-call]

    def _in_thread_set_up(self, connection: sqlite3.Connection, pragmas: Sequence[str]) -> None:
        connection.set_progress_handler(self._in_thread_must_stop, _PROGRESS_STEPS)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()

    def _in_thread_commit(self, connection: sqlite3.Connection) -> None:
        if self._path is not None and time.monotonic() >= self._next_look:
            self._in_thread_look_at_file(self._path)
        connection.execute("COMMIT")

    def _in_thread_look_at_file(self, path: str) -> None:
        """Raise when the file was deleted or replaced since it was opened.

        What is written from then on is in a file that nobody finds any more. Here and not in the
        event loop: a system call there lets this thread take the interpreter's lock, and waits
        until it gives it back, which costs ten times as much as the call.
        """
        self._next_look = time.monotonic() + LOOK_EVERY
        found = file_id(path)
        log = file_id(self._log_path)
        if log != self._log and self._log is None and found == self._file:
            # It is made at the first write, and stays for as long as somebody has the file open.
            self._log = log
        if found == self._file and log == self._log:
            return
        if found == self._file:
            self.moved = "left without its -wal, which was deleted or replaced"
        else:
            self.moved = "deleted" if found is None else "replaced by another one"
        raise file_moved(path, self.moved)

    def _in_thread_must_stop(self) -> bool:
        return self._cancelled or time.monotonic() > self._deadline

    def _in_thread_each(
        self, works: Sequence[tuple[str, Callable[..., T], tuple[Any, ...]]]
    ) -> list[T]:
        return [self._in_thread_guard(name, work, args, {}) for name, work, args in works]

    def _in_thread_whole(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> bool:
        self._in_thread_guard("BEGIN", statements.run, ("BEGIN IMMEDIATE",), {})
        try:
            is_whole = all(
                self._in_thread_guard(one.name, statements.execute_many, (one, arguments), {})
                == len(arguments)
                for one, arguments in calls
            )
            if is_whole:
                self._in_thread_guard("COMMIT", self._in_thread_commit, (), {})
            return is_whole
        finally:
            self._in_thread_guard("ROLLBACK", statements.roll_back, (), {})

    def _in_thread_committed(
        self, calls: Sequence[tuple[Statement, Sequence[Mapping[str, Any]]]]
    ) -> list[int]:
        self._in_thread_guard("BEGIN", statements.run, ("BEGIN IMMEDIATE",), {})
        try:
            changed = [
                self._in_thread_guard(one.name, statements.execute_many, (one, arguments), {})
                for one, arguments in calls
            ]
            self._in_thread_guard("COMMIT", self._in_thread_commit, (), {})
            return changed
        finally:
            self._in_thread_guard("ROLLBACK", statements.roll_back, (), {})

    def _in_thread_try_each(
        self,
        name: str,
        works: Sequence[Callable[[sqlite3.Connection], T]],
        until: type[AragoraSQLError],
    ) -> list[T | AragoraSQLError]:
        found: list[T | AragoraSQLError] = []
        for work in works:
            # Whoever cancelled it waits for the thread.
            if self._cancelled:
                break
            try:
                found.append(self._in_thread_guard(name, work, (), {}))
            except AragoraSQLError as error:
                found.append(error)
                if isinstance(error, until):
                    break
        return found

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
        now = time.monotonic()
        give_up = now + self._busy_timeout
        while True:
            self._deadline = now + self._statement_timeout
            try:
                if (
                    self._path is not None
                    and now >= self._next_look
                    and not connection.in_transaction
                ):
                    self._in_thread_look_at_file(self._path)
                return work(connection, *args, **kwargs)
            except sqlite3.OperationalError as error:
                # Within a transaction the lock is held already: waiting would not help.
                waits = is_busy(error) and not connection.in_transaction
                now = time.monotonic()
                if not waits or self._cancelled or now >= give_up:
                    raise translate(error, name) from error
            except sqlite3.Error as error:
                raise translate(error, name) from error
            except AragoraSQLError:
                raise
            except UnicodeEncodeError as error:
                raise lone_surrogate(name, error) from error
            except (ValueError, OverflowError) as error:
                raise InvalidInputError(name, str(error)) from error
            finally:
                self._deadline = math.inf


def file_moved(path: str, change: str) -> ConnectionLostError:
    """Return the error of a file that something happened to while it was open."""
    remedy = (
        "put it back, or close the database and open it again to begin with an empty one"
        if change == "deleted"
        else "the next unit of work opens the file that is there now"
    )
    return ConnectionLostError(
        f"{path}: the file was {change} while it was open; nothing was written: {remedy}"
    )


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
