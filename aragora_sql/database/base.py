"""`Database` and `Connection`: the one thing that stores know.

A *unit of work* is a block of ``async with``. It takes a connection once; store calls inside the
block find it through a context variable, so calls of several stores share one connection, and one
transaction when the block is :meth:`Database.transaction`.

Tasks that are started inside a block (``asyncio.gather``) take part in it for as long as it is
open: their statements run on the block's connection one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal

from aragora_sql.database.statement import Statement
from aragora_sql.errors import AragoraSQLError, DatabaseError

__all__ = ["Connection", "Database", "Dialect", "Health", "PoolMetrics", "Row", "Watch"]

Dialect = Literal["postgres", "sqlite"]
Row = dict[str, Any]

_Kind = Literal["read", "write", "transaction"]

log = logging.getLogger(__name__)

_IS_OVER = "the unit of work that this connection was taken for is over"
_HAS_FAILED = (
    "a statement of this transaction failed, so nothing of it is kept; to catch an error and go "
    "on, put what may fail in a transaction() of its own"
)


class _Turns(asyncio.Lock):
    """Gives the tasks of a unit of work its connection one after the other, until it is over.

    The statement of a transaction that fails is its last: PostgreSQL refuses all others and keeps
    nothing, SQLite may have ended the transaction already.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_transaction = False
        self.has_failed = False
        self.is_over = False

    def check(self) -> None:
        if self.is_over:
            raise DatabaseError(_IS_OVER)
        if self.has_failed:
            raise DatabaseError(_HAS_FAILED)

    async def __aenter__(self) -> None:
        await self.acquire()
        if self.is_over or self.has_failed:
            self.release()
            self.check()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and self.in_transaction:
            self.has_failed = True
        self.release()


class Connection(ABC):
    """A connection in the hands of one unit of work.

    Query objects take it as their first argument. Rows come back as plain dictionaries with the
    same Python values on both engines.
    """

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock = _Turns()

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """Whether statements commit with others, later, and not each by itself."""

    @abstractmethod
    async def fetch_all(self, statement: Statement, arguments: Any) -> list[Row]:
        """Run a statement and return all its rows."""

    @abstractmethod
    async def fetch_one(self, statement: Statement, arguments: Any) -> Row | None:
        """Run a statement and return its first row, or None."""

    @abstractmethod
    async def fetch_value(self, statement: Statement, arguments: Any) -> Any:
        """Run a statement and return the first value of its first row, or None."""

    @abstractmethod
    async def execute(self, statement: Statement, arguments: Any) -> int:
        """Run a statement and return the number of rows that it changed."""

    @abstractmethod
    async def execute_many(self, statement: Statement, arguments: Sequence[Any]) -> int:
        """Run a statement once for each set of arguments, all or nothing, in one round trip.

        Returns the number of rows that were changed in all.
        """

    @abstractmethod
    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        """Run several statements without parameters.

        ``unlimited``: for as long as they need, whatever the statement timeout is.
        """

    @abstractmethod
    def _fork(self) -> Connection:
        """Return the same connection with a lock of its own, for a nested transaction."""

    @abstractmethod
    async def _begin(self) -> None:
        """Begin a transaction, or a savepoint in one."""

    @abstractmethod
    async def _commit(self) -> None:
        """Commit what :meth:`_begin` began."""

    @abstractmethod
    async def _rollback(self) -> None:
        """Undo all since :meth:`_begin`."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a database answers. ``latency_ms`` is the time of one ``SELECT 1``."""

    ok: bool
    dialect: Dialect
    latency_ms: float | None
    error: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a health endpoint shows it."""
        return {
            "status": "healthy" if self.ok else "unhealthy",
            "database": "connected" if self.ok else "disconnected",
            "dialect": self.dialect,
            "latency_ms": self.latency_ms,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class PoolMetrics:
    """How the connections of a database are used at this timestamp.

    ``size`` is the number of open connections, ``free`` of idle ones, ``in_use`` of busy ones;
    ``waiting`` is the number of units of work that wait for one.
    """

    size: int
    free: int
    in_use: int
    waiting: int
    min_size: int
    max_size: int

    def to_dict(self) -> dict[str, int]:
        """Return it as a pool metrics endpoint shows it."""
        return {
            "pool_size": self.size,
            "free_connections": self.free,
            "in_use_connections": self.in_use,
            "waiting": self.waiting,
            "min_size": self.min_size,
            "max_size": self.max_size,
        }


class Watch(ABC):
    """Tells when other connections may have changed something.

    >>> seen = await watch.mark()
    >>> ...                                  # look, and find nothing to do
    >>> await watch.changed(seen, 5.0)       # what happened since the mark counts

    A watch may say that something changed where nothing did: whoever waits looks again.
    """

    @property
    def tells_topics(self) -> bool:
        """Whether a change is a message on a topic of interest, and not just any change."""
        return False

    @abstractmethod
    async def mark(self) -> int:
        """Return the present state; what happens from here on is noticed."""

    @abstractmethod
    async def changed(
        self, mark: int, timeout: float, topics: Collection[str] | None = None
    ) -> bool:
        """Wait at most ``timeout`` seconds until something may have changed since ``mark``.

        ``topics`` are the messages of interest (None: all), where an engine tells messages apart.
        """

    @abstractmethod
    async def close(self) -> None:
        """Give back what the watch holds. It may be used again; twice is harmless."""


class Database(ABC):
    """A database that stores live in.

    >>> async with database.transaction():
    ...     await critiques.store_debate(...)
    ...     await memory.store_consensus(...)
    """

    dialect: ClassVar[Dialect]

    def connection(self) -> UnitOfWork:
        """Open a unit of work that may write: each statement commits by itself."""
        return UnitOfWork(self, "write")

    def read(self) -> UnitOfWork:
        """Open a unit of work that only reads (on SQLite it never waits for a writer)."""
        return UnitOfWork(self, "read")

    def transaction(self) -> UnitOfWork:
        """Open an atomic unit of work: all of it is kept, or none of it.

        An exception or a cancellation that leaves the block rolls all of it back. Inside another
        transaction it is a savepoint. A statement that fails is the last of its transaction: to
        catch its error and go on, put it in a nested one.
        """
        return UnitOfWork(self, "transaction")

    @abstractmethod
    def watch(self, channel: str) -> Watch:
        """Return what tells of changes by others.

        On PostgreSQL that is LISTEN on ``channel``, over a connection of its own, or where that is
        not possible (a transaction pooler) the passing of a fraction of a second. On SQLite it is
        any commit to the file.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close what this object opened. Closing twice is harmless.

        Units of work that are open elsewhere finish first. Within one,
        :class:`~aragora_sql.errors.DatabaseError`.
        """

    def _refuse_within_a_unit(self) -> None:
        """Raise where closing would wait for the caller itself."""
        unit = _units.get(_NO_UNITS).get(self._unit_key())
        while unit is not None:
            if unit.is_open:
                raise DatabaseError("close() was called inside a unit of work of this database")
            unit = unit.outer

    async def health(self, timeout: float = 5.0) -> Health:
        """Ask the database for ``SELECT 1`` and wait at most ``timeout`` seconds; never raises."""
        started = time.perf_counter()
        probe = asyncio.ensure_future(self._ping())
        try:
            await asyncio.wait({probe}, timeout=timeout)
        finally:
            # A connection that hangs is cleaned up behind our back: the answer must not wait.
            if not probe.done():
                probe.cancel()
                _probes.add(probe)
                probe.add_done_callback(_probes.discard)
        error = (
            f"no answer within {timeout:g} s"
            if not probe.done() or probe.cancelled()
            else probe.result()
        )
        if error is not None:
            return Health(ok=False, dialect=self.dialect, latency_ms=None, error=error)
        latency = (time.perf_counter() - started) * 1000
        return Health(ok=True, dialect=self.dialect, latency_ms=latency, error=None)

    async def _ping(self) -> str | None:
        """Return what is wrong, or None."""
        try:
            async with self.read() as connection:
                await connection.run_script("health", "SELECT 1")
        except AragoraSQLError as error:
            return str(error)
        return None

    @abstractmethod
    def metrics(self) -> PoolMetrics:
        """Return the use of the connections."""

    @abstractmethod
    def _unit_key(self) -> object:
        """Return what identifies the database among the open units of a task."""

    @abstractmethod
    def _serves(self, held: _Kind, wanted: _Kind) -> bool:
        """Tell whether a held connection of one kind can do the work of another."""

    @abstractmethod
    async def _acquire(self, kind: _Kind) -> Connection:
        """Take a connection; what fails here leaves nothing held."""

    @abstractmethod
    async def _release(self, connection: Connection) -> None:
        """Give a connection back."""


def forget_closed_loops(registry: dict[asyncio.AbstractEventLoop, Any]) -> None:
    """Let go of what belongs to event loops that are gone without having closed it."""
    gone = [registry.pop(loop) for loop in list(registry) if loop.is_closed()]
    # What was closed in time has left an empty place.
    if any(gone):
        log.warning("an event loop ended without close_databases(): its connections are dropped")
        # Connections and their loop refer to each other; only a collection closes them.
        gc.collect()


class _Unit:
    """An open unit of work, as the context variable holds it."""

    __slots__ = ("connection", "is_open", "kind", "outer")

    def __init__(self, connection: Connection, kind: _Kind, outer: _Unit | None) -> None:
        self.connection = connection
        self.kind = kind
        self.outer = outer
        self.is_open = True


_units: ContextVar[Mapping[object, _Unit]] = ContextVar("aragora_sql_units")
# Cancelled health probes that still clean up; a task without a reference may vanish.
_probes: set[asyncio.Future[str | None]] = set()
_NO_UNITS: Mapping[object, _Unit] = {}


class UnitOfWork:
    """The block of ``async with database.transaction()`` and its kind. Made for one use."""

    __slots__ = ("_database", "_is_finished", "_joined", "_kind", "_outer", "_token", "_unit")

    def __init__(self, database: Database, kind: _Kind) -> None:
        self._database = database
        self._kind = kind
        self._is_finished = False
        self._joined = False
        self._outer: Connection | None = None
        self._unit: _Unit | None = None
        self._token: Token[Mapping[object, _Unit]] | None = None

    async def __aenter__(self) -> Connection:
        database, kind = self._database, self._kind
        units = _units.get(_NO_UNITS)
        key = database._unit_key()
        current = units.get(key)
        while current is not None and not current.is_open:
            current = current.outer
        if current is not None and database._serves(current.kind, kind):
            if kind != "transaction":
                self._joined = True
                return current.connection
            # Statements of other tasks wait until the nested transaction is over.
            await current.connection.lock.acquire()
            self._outer = current.connection
            connection = current.connection._fork()
        else:
            connection = await database._acquire(kind)
        if kind == "transaction":
            try:
                if self._outer is not None:
                    self._outer.lock.check()
                await connection._begin()
            except BaseException:
                await self._leave(connection)
                raise
            connection.lock.in_transaction = True
        self._unit = _Unit(connection, kind, current)
        self._token = _units.set({**units, key: self._unit})
        return connection

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._joined:
            return
        unit, token = self._unit, self._token
        if unit is None or token is None:
            raise RuntimeError("a unit of work was left without having been entered")
        unit.is_open = False
        # When set-up and tear-down ran in two contexts (a fixture), this one never saw the unit.
        with contextlib.suppress(ValueError):
            _units.reset(token)
        connection = unit.connection
        # Statements that other tasks have not begun yet are refused from here on.
        connection.lock.is_over = True
        try:
            # A task that was started inside may still be in the middle of one.
            await connection.lock.acquire()
            try:
                if self._kind == "transaction":
                    await self._finish(connection, error)
            finally:
                connection.lock.release()
        finally:
            await self._leave(connection)

    async def _finish(self, connection: Connection, error: BaseException | None) -> None:
        kept = error is None and not connection.lock.has_failed
        try:
            await (connection._commit() if kept else connection._rollback())
        except Exception as failure:
            if error is None:
                raise
            # The connection is gone, and the transaction with it: the first error says why.
            error.add_note(f"the rollback failed too: {failure}")
            return
        self._is_finished = True
        if error is None and not kept:
            raise DatabaseError(_HAS_FAILED)

    async def _leave(self, connection: Connection) -> None:
        if self._outer is not None:
            if not self._is_finished:
                # Cut short at its edges, it leaves the outer transaction in an unknown state.
                self._outer.lock.has_failed = True
            self._outer.lock.release()
        else:
            await self._database._release(connection)
