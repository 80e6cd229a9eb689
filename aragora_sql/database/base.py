"""`Database` and `Connection`: the one thing that stores know, and what each engine implements."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from aragora_sql.database.keys import Key
from aragora_sql.database.limits import within
from aragora_sql.database.ownership import Owner
from aragora_sql.database.replicas import ReplicaState
from aragora_sql.database.retrying import Retries, run_again
from aragora_sql.database.statement import Statement
from aragora_sql.database.units_of_work import (
    FRESH,
    Kind,
    Turns,
    UnitOfWork,
    check_tenant,
    is_within_a_unit,
)
from aragora_sql.errors import AragoraSQLError, InvalidInputError

__all__ = ["Connection", "Database", "Dialect", "Health", "PoolMetrics", "Row", "Watch"]

Dialect = Literal["postgres", "sqlite"]
Role = Literal["primary", "standby"]
Row = dict[str, Any]
T = TypeVar("T")


log = logging.getLogger(__name__)

# The token of an engine whose reads all show what is committed.
NO_LOG = "sqlite"
# The utilization of a pool from which on new work should be held back.
BACKPRESSURE = 0.8


class Connection(ABC):
    """A connection that one unit of work uses.

    Query objects take it as their first argument. Rows come back as plain dictionaries with the
    same Python values on both engines.
    """

    __slots__ = ("database", "lock")

    # Set only where :mod:`aragora_sql.database.observing` is switched on.
    database: Database

    def __init__(self) -> None:
        self.lock = Turns()

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

    async def execute_together(self, calls: Sequence[tuple[Statement, Sequence[Any]]]) -> list[int]:
        """Run several statements as :meth:`execute_many` does; return what each of them changed."""
        return [await self.execute_many(statement, arguments) for statement, arguments in calls]

    async def execute_each(self, calls: Sequence[tuple[Statement, Sequence[Any]]]) -> list[int]:
        """Run several statements as :meth:`execute_together` does, with as few commits as it takes.

        Outside a transaction one that fails may leave what was before it, or nothing.
        """
        return await self.execute_together(calls)

    async def execute_whole(self, calls: Sequence[tuple[Statement, Sequence[Any]]]) -> bool:
        """Run several statements in a transaction of their own, and keep all of it or nothing.

        It is kept when each has changed as many rows as it has sets of arguments.
        """
        async with self.lock:
            inner = self._fork()
            await inner._begin()
            try:
                changed = await inner.execute_together(calls)
            except BaseException:
                await inner._rollback()
                raise
            is_whole = changed == [len(arguments) for _, arguments in calls]
            await (inner._commit() if is_whole else inner._rollback())
            return is_whole

    @abstractmethod
    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        """Run several statements without parameters.

        ``unlimited``: for as long as they need, whatever the statement timeout is.
        """

    def _may_serve(self, kind: Kind, at_least: str | None) -> bool:
        """Tell whether a unit of work inside this one's may use its connection."""
        return True

    @abstractmethod
    def _fork(self) -> Connection:
        """Return the same connection with a lock of its own, for a nested transaction."""

    @abstractmethod
    async def _begin(self) -> None:
        """Begin a transaction, or a savepoint in one."""

    @abstractmethod
    async def _set_tenant(self, tenant: str) -> None:
        """Let the transaction that was begun see the rows of one tenant only.

        Raises :class:`~aragora_sql.errors.TenantNotEnforcedError` where it would see others too.
        """

    @abstractmethod
    async def _commit(self) -> None:
        """Commit what :meth:`_begin` began."""

    @abstractmethod
    async def _rollback(self) -> None:
        """Undo all since :meth:`_begin`."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a database says of itself; ``problem`` is why it is not fit for use, or None."""

    role: Role
    is_read_only: bool
    lag_seconds: float | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a database answers, and what it is. ``latency_ms`` is the time of one question.

    ``role`` is ``primary`` or ``standby`` (a SQLite file is ``primary``), ``is_read_only`` whether
    it refuses writes, ``lag_seconds`` how old a standby's data is: 0 when it has applied all that
    it received, None before its first transaction. They are None when it did not answer.
    """

    ok: bool
    dialect: Dialect
    latency_ms: float | None
    error: str | None
    role: Role | None = None
    is_read_only: bool | None = None
    lag_seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a health endpoint shows it."""
        return {
            "status": "healthy" if self.ok else "unhealthy",
            "database": "connected" if self.ok else "disconnected",
            "dialect": self.dialect,
            "latency_ms": self.latency_ms,
            "error": self.error,
            "role": self.role,
            "read_only": self.is_read_only,
            "lag_seconds": self.lag_seconds,
        }


@dataclass(frozen=True, slots=True)
class PoolMetrics:
    """How the connections of a database are used now, and what happened since it was opened.

    ``size`` is the number of open connections, ``free`` of idle ones, ``in_use`` of busy ones;
    ``waiting`` is the number of units of work that wait for one. ``acquisitions`` counts units of
    work that got a connection, ``failed`` those that got none, and ``timeouts`` those of them that
    waited for one in vain. ``wait_ms`` is the sum of all times until a connection was there,
    ``max_wait_ms`` the longest of them, in milliseconds. On PostgreSQL they are of the pool,
    whichever of its :class:`Database` objects took the connection.
    """

    size: int
    free: int
    in_use: int
    waiting: int
    min_size: int
    max_size: int
    acquisitions: int = 0
    failed: int = 0
    timeouts: int = 0
    wait_ms: float = 0.0
    max_wait_ms: float = 0.0

    @property
    def utilization(self) -> float:
        """Which part of the connections that there may be is busy, from 0 to 1."""
        return self.in_use / self.max_size

    @property
    def backpressure(self) -> bool:
        """Whether at least four fifths of them are."""
        return self.utilization >= BACKPRESSURE

    def to_dict(self) -> dict[str, Any]:
        """Return it as a pool metrics endpoint shows it.

        The names are those of the older Aragora. There is no circuit breaker in front of a pool:
        the circuit is always closed, and nothing was rejected without a try.
        """
        return {
            "pool_size": self.size,
            "pool_min_size": self.min_size,
            "pool_max_size": self.max_size,
            "free_connections": self.free,
            "used_connections": self.in_use,
            "utilization": self.utilization,
            "backpressure": self.backpressure,
            "total_acquisitions": self.acquisitions,
            "failed_acquisitions": self.failed,
            "timeouts": self.timeouts,
            "circuit_breaker_rejections": 0,
            "circuit_breaker_status": "closed",
            "avg_wait_time_ms": self.wait_ms / self.acquisitions if self.acquisitions else 0.0,
            "max_wait_time_ms": self.max_wait_ms,
            "waiting": self.waiting,
        }


class Watch(ABC):
    """Tells when other connections may have changed something.

    >>> seen = await watch.mark()
    >>> ...                                  # look, and find nothing to do
    >>> await watch.changed(seen, 5.0)       # what happened since the mark counts

    A watch may report a change where there was none: the caller looks again, and waits again.
    """

    @property
    def tells_topics(self) -> bool:
        """Whether a change is a message on a topic of interest, and not just any change."""
        return False

    @abstractmethod
    async def mark(self) -> int:
        """Return the current state; what happens after this call is noticed."""

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
    # Another class while :mod:`aragora_sql.database.observing` is switched on.
    unit_class: ClassVar[type[UnitOfWork]] = UnitOfWork
    # Whether another server may take the place of one that is gone.
    fails_over: ClassVar[bool] = False
    # Whether it works within this process, where a statement costs no round trip.
    is_in_process: ClassVar[bool] = False
    # Whether messages to those who listen wait in a queue, which can be full.
    queues_messages: ClassVar[bool] = False
    # Whether what is deleted stays in indexes for as long as an open snapshot may see it.
    keeps_dead_entries: ClassVar[bool] = False
    #: How :meth:`retrying`, and writes of stores that may be done twice, are run again.
    retries: Retries = Retries()
    _owner: Owner

    def connection(self) -> UnitOfWork:
        """Open a unit of work that may write: each statement commits by itself."""
        return self.unit_class(self, "write")

    def read(
        self, *, tenant: str | None = None, at_least: str | None = None, fresh: bool = False
    ) -> UnitOfWork:
        """Open a unit of work that only reads (on SQLite it never waits for a writer).

        Where replicas are set up, it may use one of them: that which shows all that was written
        and read before in this context. ``at_least`` is a token of :meth:`consistency_token` that
        it has to show too; ``fresh`` reads from the primary. Inside a unit of work on the primary
        it takes part in that one.

        With ``tenant`` it is a transaction that sees the rows of one tenant, on the primary; see
        :meth:`transaction`.

        Raises :class:`~aragora_sql.errors.InvalidInputError` for what is no token,
        :class:`~aragora_sql.errors.ForeignTokenError` for one of another cluster, and
        :class:`~aragora_sql.errors.PositionLostError` for a write that a failover has lost.
        """
        if at_least is not None:
            self._check_token(at_least)
        if tenant is None and at_least is None and not fresh:
            return self.unit_class(self, "read")
        wanted = FRESH if at_least is None and fresh else at_least
        if tenant is None:
            return self.unit_class(self, "read", at_least=wanted)
        return self.unit_class(self, "transaction", check_tenant(tenant), at_least=at_least)

    async def consistency_token(self) -> str:
        """Return a token of all that this context has written and read so far.

        ``read(at_least=token)`` shows that much, in any process and on any server of the cluster.
        The token holds no secret. On SQLite every read shows all that is committed.
        """
        return NO_LOG

    def _check_token(self, token: object) -> None:
        """Raise :class:`InvalidInputError` for what is no token of this engine."""
        if token != NO_LOG:
            raise InvalidInputError("at_least", "is not a token that consistency_token() has given")

    def replicas(self) -> tuple[ReplicaState, ...]:
        """Return the servers that reads may go to beside the primary, as this process sees them."""
        return ()

    def transaction(self, *, tenant: str | None = None, key: str | None = None) -> UnitOfWork:
        """Open an atomic unit of work: all of it is kept, or none of it.

        An exception or a cancellation that leaves the block rolls all of it back. Inside another
        transaction it is a savepoint, and the outer block's connection is refused inside of it
        (:class:`~aragora_sql.errors.DatabaseUseError`): use the one that this block gives. A
        statement that fails is the last of its transaction: to catch its error and go on, put it
        in a nested one.

        With ``tenant`` it sees and changes the rows of one tenant only, by the policies of
        ``aragora-sql schema apply --tenant-policies`` (PostgreSQL; behind transaction poolers
        too). Where nothing would hide the rows of others, it is
        :class:`~aragora_sql.errors.TenantNotEnforcedError`. Units inside it are of the same tenant.

        With ``key``, text of 1 to 200 characters that names what is done (``"order 17: paid"``), it
        is committed once: a second transaction of that key waits for the first, and where that was
        committed its block is not entered, but raises
        :class:`~aragora_sql.errors.AlreadyCommittedError`. So after a
        :class:`~aragora_sql.errors.CommitOutcomeUnknownError` a second run finds out. A key is kept
        for seven days, costs a round trip, belongs to the outermost transaction (else
        :class:`~aragora_sql.errors.DatabaseUseError`) and is of the whole database: it can't be
        given with ``tenant``.
        """
        if key is not None:
            if tenant is not None:
                raise InvalidInputError("key", "can't be given with tenant: keys are of no tenant")
            return self.unit_class(self, "transaction", None, Key(key))
        if tenant is None:
            return self.unit_class(self, "transaction")
        return self.unit_class(self, "transaction", check_tenant(tenant))

    async def retrying(
        self,
        function: Callable[[], Awaitable[T]],
        *,
        key: str | None = None,
        idempotent: bool = False,
        retries: Retries | None = None,
    ) -> T:
        """Await ``function()`` in a transaction, and again where that helps; return its result.

        It is run again after a conflict, a lost connection, an unreachable or read-only server; not
        after a :class:`~aragora_sql.errors.CommitOutcomeUnknownError`, unless ``key`` is given (see
        :meth:`transaction`): then the next attempt finds out, and where the earlier one was kept,
        its result is returned. Whoever gives a key that was committed by somebody else gets
        :class:`~aragora_sql.errors.AlreadyCommittedError`.

        ``idempotent`` says that to run it twice is as good as once: it is awaited without a
        transaction around it, and also again when it may have taken effect.

        ``retries`` (default: those of the database) limits attempts and seconds. The error that is
        raised in the end says in a note why it was not run again. Within an open unit of work it is
        :class:`~aragora_sql.errors.DatabaseUseError`: the whole unit has to be run again.
        On SQLite no other server takes the place of a file: only conflicts are run again.
        """
        return await run_again(
            self,
            function,
            key=key,
            idempotent=idempotent,
            retries=self.retries if retries is None else retries,
        )

    def is_in_use_here(self) -> bool:
        """Tell whether the caller is within an open unit of work of this database."""
        return is_within_a_unit(self._unit_key())

    @abstractmethod
    def watch(self, channel: str) -> Watch:
        """Return what tells of changes by others.

        On PostgreSQL that is LISTEN on ``channel``, over a connection of its own, or where that is
        not possible (a transaction pooler) the passing of a fraction of a second. On SQLite it is
        any commit to the file.
        """

    @abstractmethod
    async def open_again(self) -> Database | None:
        """Open the same database once more, in the event loop of the caller, who closes it.

        None where that is not possible: in memory, for reading only, or over a pool of the
        application's own.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close what this object opened. Closing twice is harmless.

        Units of work that are open elsewhere finish first. Within one,
        :class:`~aragora_sql.errors.DatabaseError`.
        """

    async def health(self, timeout: float = 5.0) -> Health:
        """Ask the database how it is and wait at most ``timeout`` seconds; never raises.

        A server that takes no writes is not healthy where the DSN asks for one that does
        (``target_session_attrs``).
        """
        started = time.perf_counter()
        try:
            state = await within(timeout, self._state())
        except AragoraSQLError as error:
            return Health(False, self.dialect, None, str(error))
        except TimeoutError:
            return Health(False, self.dialect, None, f"no answer within {timeout:g} s")
        return Health(
            ok=state.problem is None,
            dialect=self.dialect,
            latency_ms=(time.perf_counter() - started) * 1000,
            error=state.problem,
            role=state.role,
            is_read_only=state.is_read_only,
            lag_seconds=state.lag_seconds,
        )

    @abstractmethod
    async def _state(self) -> ServerState:
        """Ask the database what it is."""

    @abstractmethod
    def metrics(self) -> PoolMetrics:
        """Return the use of the connections."""

    @abstractmethod
    def _unit_key(self) -> object:
        """Return what identifies the database among the open units of a task."""

    @abstractmethod
    def _serves(self, held: Kind, wanted: Kind) -> bool:
        """Tell whether a held connection of one kind can do the work of another."""

    @abstractmethod
    async def _acquire(self, kind: Kind, at_least: str | None = None) -> Connection:
        """Take a connection; what fails here leaves nothing held.

        ``at_least`` is what a read has to show: a token, or :data:`FRESH`.
        """

    @abstractmethod
    async def _release(self, connection: Connection) -> None:
        """Give a connection back."""


def forget_closed_loops(registry: dict[asyncio.AbstractEventLoop, Any]) -> None:
    """Drop what belongs to event loops that were closed before it was."""
    gone = [registry.pop(loop) for loop in list(registry) if loop.is_closed()]
    # What was closed in time has left an empty entry.
    if any(gone):
        log.warning("an event loop ended without close_databases(): its connections are dropped")
        # Connections and their loop refer to each other; only a collection closes them.
        gc.collect()
