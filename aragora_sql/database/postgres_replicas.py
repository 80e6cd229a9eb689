"""One replica: its pool, the connection that watches it, and what it said last."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg

from aragora_sql.database.postgres_errors import reason
from aragora_sql.database.postgres_pool import (
    Pool,
    SessionConnection,
    close_pool,
    create_pool,
    ignored_options,
)
from aragora_sql.database.postgres_positions import Identity, ask_identity, ask_place
from aragora_sql.database.read_sessions import Source, tick
from aragora_sql.database.replicas import ReplicaState, ReplicaWord
from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import AragoraSQLError, DatabaseUnavailableError, ForeignReplicaError

if TYPE_CHECKING:
    from aragora_sql.database.postgres_routing import Router

__all__ = ["Replica", "ReplicaSession", "Run", "has_open_connection", "release"]

log = logging.getLogger(__name__)

# How long a server may take to answer before it counts as away, in seconds.
ANSWER_TIMEOUT = 1.0
CONNECT_TIMEOUT = 2.0
RELEASE_TIMEOUT = 2.0
# For so long nobody waits for a replica that somebody has just waited for in vain, in seconds.
PAUSE_AFTER_WAIT = 0.2


class Run(Source):
    """One run of a standby, as far as one connection has watched it.

    A server that crashes can come back at an earlier position, and ends all its connections. What
    was heard over the watching connection is true for another one that is of the same server
    process, and was open before the question was asked.
    """

    __slots__ = ("fresh_at", "started", "watched")

    def __init__(self, name: str, timeline: int, started: str) -> None:
        super().__init__(name, timeline)
        self.started = started
        # When the watching connection was asked last and has answered.
        self.watched = 0
        # It shows all that was committed before this moment of time.monotonic().
        self.fresh_at = 0.0


class ReplicaSession(SessionConnection):
    """A connection to a replica, and which run of it."""

    replica: Replica
    _protocol: Any
    _on_release: Any
    run: Run | None = None
    opened = 0
    applied = 0

    @property
    def is_promoted(self) -> bool:
        """Whether the server has said that it is a standby no more (14 and newer)."""
        return getattr(self.get_settings(), "in_hot_standby", None) == "off"

    @property
    def is_watched(self) -> bool:
        """Whether what the watching connection hears is true for this one."""
        return self.run is not None and self.opened < self.run.watched

    @property
    def known(self) -> int:
        """The position that reads on this connection show at least."""
        if self.run is not None and self.is_watched:
            return self.run.lsn
        return self.applied


def has_open_connection(pool: Pool) -> bool:
    """Tell whether a pool gives the next connection at once."""
    # This is asyncpg's own stack of what is free; its version is bounded in pyproject.toml.
    free = pool._queue._queue  # type: ignore[attr-defined]
    return bool(free) and free[-1].is_connected()


async def release(pool: Pool, proxy: Any) -> None:
    """Give a connection back: at once where nothing has to be waited for.

    asyncpg makes a task for it, so that a cancellation does not stop it half-way.
    """
    connection: ReplicaSession | None = proxy._con
    holder = proxy._holder
    if (
        connection is None
        or not connection._skip_next_reset
        or connection.is_closed()
        or connection.is_in_transaction()
        or connection._protocol._is_cancelling()
        or holder._generation != pool._generation  # type: ignore[attr-defined]
    ):
        await pool.release(proxy, timeout=RELEASE_TIMEOUT)
        return
    connection._on_release()
    await holder.release(None)


class Replica:
    """A server that reads may go to. All of it belongs to one :class:`Router`."""

    connection_class = ReplicaSession

    def __init__(self, router: Router, dsn: PostgresDSN, sizes: tuple[int | None, float]) -> None:
        self.router = router
        # What the server is we find out ourselves, again and again.
        options = [one for one in dsn.options if one[0] != "target_session_attrs"]
        self.dsn = replace(dsn, options=tuple(options))
        port = dsn.option("port") or ""
        host = dsn.hosts or dsn.option("host") or "localhost"
        self.name = host if ":" in host or not port else f"{host}:{port}"
        self._max_size, self._statement_timeout = sizes
        self.pool: Pool | None = None
        self.word: ReplicaWord = "starting"
        self.problem: str | None = None
        self.identity: Identity | None = None
        self.run: Run | None = None
        # Why no connection of the pool can be used, as long as the watching one lives.
        self.unusable: str | None = None
        self.in_flight = 0
        self.reads = 0
        self.moved = 0
        self.behind = 0
        self.paused_until = 0.0
        # Whether it had applied at the last look what the primary had at the one before.
        self.keeps_up = True
        self.lag_bytes: int | None = None
        self._watching: Any = None

    @property
    def not_of_cluster(self) -> str:
        """Why it is refused where its cluster is not the primary's."""
        return (
            f"replica {self.name} is of another cluster than the primary (their system identifiers "
            "differ): take it out of ARAGORA_POSTGRES_REPLICAS"
        )

    def __repr__(self) -> str:
        return f"<Replica {self.name} {self.word}>"

    def state(self) -> ReplicaState:
        """Return what is told of it."""
        run = self.run
        lag = None if run is None or not run.fresh_at else time.monotonic() - run.fresh_at
        return ReplicaState(
            self.name,
            self.word,
            self.problem,
            self.in_flight,
            self.reads,
            self.moved,
            self.behind,
            lag,
            self.lag_bytes,
        )

    def set(self, word: ReplicaWord, problem: str | None = None) -> None:
        """Set what it is; a change is logged."""
        if word != self.word:
            level = logging.INFO if word in ("ready", "primary", "starting") else logging.WARNING
            log.log(level, "replica %s: %s%s", self.name, word, f" ({problem})" if problem else "")
        self.word, self.problem = word, problem

    async def prepared(self, connection: ReplicaSession) -> None:
        """Find out what a new connection leads to. Raises where no read may go there."""
        connection.replica = self
        opened = tick()
        identity = await ask_identity(connection)
        self._check(identity, connection)
        run = self.run
        if run is None:
            raise DatabaseUnavailableError(f"replica {self.name} was not asked yet")
        if run.started != identity.started:
            self.unusable = (
                f"replica {self.name}: several servers answer there; name each server by a host of "
                "its own"
            )
            raise DatabaseUnavailableError(self.unusable)
        connection.opened = opened
        connection.applied = identity.lsn
        connection.run = run

    def _check(self, identity: Identity, connection: SessionConnection) -> None:
        if identity.cluster != self.router.cluster:
            raise ForeignReplicaError(self.not_of_cluster)
        if connection.shares_session:
            self.unusable = (
                f"replica {self.name} is behind a transaction pooler, where a check of its "
                "position says nothing of the next statement: name the server itself"
            )
            raise DatabaseUnavailableError(self.unusable)
        if not identity.is_standby:
            raise DatabaseUnavailableError(f"replica {self.name} takes writes: it is no standby")

    async def look(self) -> Identity | None:
        """Ask the server what it is now; None when it does not answer. Never raises."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT if self._watching else CONNECT_TIMEOUT):
                if self._watching is not None and self._watching.is_closed():
                    await self.drop()
                if self._watching is None:
                    await self._connect()
                asked, now = tick(), time.monotonic()
                identity = await ask_identity(self._watching)
        except (AragoraSQLError, asyncpg.PostgresError) as error:
            await self.drop()
            refused = isinstance(error, AragoraSQLError) and not isinstance(
                error, DatabaseUnavailableError
            )
            wrong = isinstance(error, asyncpg.PostgresError) and str(error.sqlstate).startswith(
                ("28", "3D", "42")
            )
            text = str(error) if isinstance(error, AragoraSQLError) else reason(error)
            self.set("refused" if refused or wrong else "away", text)
            return None
        except Exception as error:
            await self.drop()
            slow = isinstance(error, TimeoutError)
            self.set("away", "no answer in time" if slow else reason(error))
            return None
        self.identity = identity
        if identity.is_standby:
            self._note(identity, asked, now)
        return identity

    def _note(self, identity: Identity, asked: int, now: float) -> None:
        run = self.run
        if run is None:
            run = self.run = Run(f"replica {self.name}", identity.timeline, identity.started)
        run.timeline = max(run.timeline, identity.timeline)
        run.answered(identity.lsn, asked, now)
        run.watched = asked
        run.fresh_at = max(run.fresh_at, self.router.fresh_at(identity.lsn))

    async def ask(self, connection: ReplicaSession) -> bool:
        """Ask how far a connection's server is; tell whether reads may still go there."""
        asked, now = tick(), time.monotonic()
        place = await ask_place(connection)
        lsn, timeline = place.lsn, place.timeline
        if not place.is_standby:
            self.router.look_soon()
            return False
        if lsn > connection.applied:
            connection.applied = lsn
        run = connection.run
        if run is not None and connection.is_watched:
            if timeline is not None and timeline > run.timeline:
                run.timeline = timeline
            run.answered(lsn, asked, now)
            run.fresh_at = max(run.fresh_at, self.router.fresh_at(lsn))
        return True

    async def _connect(self) -> None:
        self.run = None
        if self.pool is None:
            self.pool = await create_pool(
                self.dsn, 0, self._max_size, statement_timeout=self._statement_timeout, side=self
            )
        # It takes none of the pool's places; `prepared` is not asked for, because a server that was
        # promoted has to be watched too.
        self._watching = await asyncpg.connect(
            self.dsn.uri(without=ignored_options(self.dsn)),
            timeout=CONNECT_TIMEOUT,
            statement_cache_size=0,
            server_settings={"application_name": "aragora-sql watch"},
        )

    async def drop(self) -> None:
        """End all connections: who waits for an answer goes to the primary."""
        self.run = self.unusable = None
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.terminate()
        pool, self.pool = self.pool, None
        if pool is not None:
            pool.terminate()

    async def close(self) -> None:
        """Close all connections, when units of work have finished."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.terminate()
        pool, self.pool = self.pool, None
        if pool is not None:
            await close_pool(pool)
