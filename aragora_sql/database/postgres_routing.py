"""Where reads go: to the primary, or to a replica that shows all that its session has to see."""

from __future__ import annotations

import asyncio
import logging
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from aragora_sql.database.log_position import LogFormat, LogPosition
from aragora_sql.database.postgres_errors import reason
from aragora_sql.database.postgres_pool import Pool, create_pool, ignored_options, set_up_of
from aragora_sql.database.postgres_positions import (
    LONGEST_PAUSE,
    RoutedSession,
    ask_identity,
    ask_place,
    check_reached,
)
from aragora_sql.database.postgres_replicas import (
    ANSWER_TIMEOUT,
    CONNECT_TIMEOUT,
    PAUSE_AFTER_WAIT,
    Replica,
    ReplicaSession,
    has_open_connection,
)
from aragora_sql.database.read_sessions import (
    ReadSession,
    Source,
    current_sessions,
    session_of,
    tick,
)
from aragora_sql.database.replicas import ReplicaState
from aragora_sql.dsn import PostgresDSN
from aragora_sql.errors import (
    AragoraSQLError,
    DatabaseClosedError,
    DatabaseUnavailableError,
    ForeignReplicaError,
    ForeignTokenError,
)
from aragora_sql.settings import ReplicaSettings

if TYPE_CHECKING:
    _Proxy = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

__all__ = ["Router", "open_routed_pool", "router_of"]

log = logging.getLogger(__name__)

# How long a read waits for a replica to apply what it has to see, in seconds.
LONGEST_WAIT = 0.1
# How often all servers are asked how they are, in seconds.
LONGEST_INTERVAL = 0.5
# How long opening a pool waits for the first answers of the replicas, in seconds.
FIRST_LOOK = 3.0
# A session leaves the replica that it read from last when that has so much more to do than others.
MUCH_BUSIER = 3


def router_of(pool: Pool) -> Router | None:
    """Return what routes the reads of a pool, or None where all go to one server."""
    facts = set_up_of(pool)
    side = None if facts is None else facts.side
    return side if isinstance(side, Router) else None


async def open_routed_pool(
    dsn: PostgresDSN,
    min_size: int | None,
    max_size: int | None,
    settings: ReplicaSettings,
    *,
    statement_timeout: float,
) -> Pool:
    """Open a pool of the primary and what reads from its replicas.

    Raises what :func:`create_pool` does, and :class:`ForeignReplicaError`.
    """
    router = Router(settings, max_size, statement_timeout)
    pool = await create_pool(
        dsn, min_size, max_size, statement_timeout=statement_timeout, side=router
    )
    try:
        await router.start(pool)
    except BaseException:
        await router.close()
        pool.terminate()
        raise
    return pool


def _work(replica: Replica) -> tuple[int, int]:
    return replica.in_flight, replica.reads


class Router:
    """Chooses the server of each read of one pool, and watches them all.

    The primary is the server of the DSN, or the replica that was promoted when that is gone.
    """

    connection_class = RoutedSession

    def __init__(
        self, settings: ReplicaSettings, max_size: int | None, statement_timeout: float
    ) -> None:
        self.max_lag = settings.max_lag
        self.interval = min(LONGEST_INTERVAL, max(settings.max_lag / 4, 0.01))
        self.cluster: int | None = None
        self.timeline = 0
        self._warned = 0
        # Where the timeline before the present one ended, when that is known.
        self.promoted_at: int | None = None
        self.primary = Source("primary")
        self.process = ReadSession()
        self.replicas = [
            Replica(self, one, (max_size, statement_timeout)) for one in settings.each_server()
        ]
        self.reads_on_primary = 0
        self.problem: str | None = None
        self._format = LogFormat()
        self._promoted: PostgresDSN | None = None
        self._pool: Pool | None = None
        self._watching: Any = None
        self._task: asyncio.Task[None] | None = None
        self._asking: asyncio.Lock = asyncio.Lock()
        self._soon = asyncio.Event()
        # When the primary was asked, and how far its log was: ascending in both.
        self._times: deque[float] = deque(maxlen=256)
        self._ends: deque[int] = deque(maxlen=256)

    # Opening and closing

    async def connect(self, *args: Any, **options: Any) -> Any:
        """Connect to the primary: asyncpg's pool calls it."""
        if self._promoted is not None:
            uri = self._promoted.uri(without=ignored_options(self._promoted))
            try:
                return await asyncpg.connect(**(options | {"dsn": uri}))
            except OSError:
                # The former primary may be the primary once more.
                log.info("the replica that was promoted can't be reached")
        return await asyncpg.connect(*args, **options)

    async def prepared(self, connection: RoutedSession) -> None:
        """Find out what a new connection of the primary's pool leads to."""
        asked, now = tick(), time.monotonic()
        identity = await ask_identity(connection)
        if self.cluster is None:
            self.cluster = identity.cluster
            self._format = identity.format
        elif identity.cluster != self.cluster:
            raise ForeignReplicaError(
                "the DSN leads to another cluster than before (the system identifiers differ)"
            )
        if not identity.is_standby:
            if identity.timeline < self.timeline:
                raise DatabaseUnavailableError(
                    f"the server takes writes on timeline {identity.timeline}, and the cluster is "
                    f"on {self.timeline}: it is a former primary"
                )
            self._primary_answered(identity.timeline, identity.lsn, asked, now)
            if identity.timeline == self.timeline and identity.promoted_at is not None:
                self.promoted_at = identity.promoted_at

    async def start(self, pool: Pool) -> None:
        """Look at all servers once, and go on doing so."""
        self._pool = pool
        if self.cluster is None:
            # A pool that opens no connection at first.
            async with pool.acquire():
                pass
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK):
                await self._look()
        for replica in self.replicas:
            identity = replica.identity
            if identity is not None and identity.cluster != self.cluster:
                raise ForeignReplicaError(replica.problem)
        # A replica that is behind this has a schema, or rows, from before this process began.
        self.process.committed(self.timeline, self._ends[-1] if self._ends else 0)
        self.process.seen.clear()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stop watching, and close the connections to replicas."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._forget_watching()
        await asyncio.gather(*(replica.close() for replica in self.replicas))

    # Watching

    def look_soon(self) -> None:
        """Look at all servers without waiting for the next turn."""
        self._soon.set()

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.interval):
                    await self._soon.wait()
            self._soon.clear()
            try:
                await self._look()
            except Exception:
                log.exception("the replicas could not be looked at")

    async def _look(self) -> None:
        before = self._times[-1] if self._times else 0.0
        answered = await self._look_at_primary()
        await asyncio.gather(*(replica.look() for replica in self.replicas))
        if not answered:
            await self._follow()
        # Contexts that begin later need not see what is written after this.
        self.process.settle()
        for replica in self.replicas:
            self._judge(replica, before)

    def _judge(self, replica: Replica, before: float) -> None:
        """Decide whether reads may go to a replica, by what it has just said."""
        identity, run = replica.identity, replica.run
        if replica.word in ("away", "refused") and run is None:
            return
        if identity is None:
            return
        if identity.cluster != self.cluster:
            replica.set("refused", replica.not_of_cluster)
        elif replica.unusable is not None:
            replica.set("refused", replica.unusable)
        elif not identity.is_standby:
            is_ours = identity.timeline == self.timeline
            problem = f"it takes writes on timeline {identity.timeline}, the primary is on "
            replica.set("primary", None if is_ours else f"{problem}{self.timeline}")
            replica.run = None
        elif identity.isolation == "serializable":
            replica.set(
                "refused", "default_transaction_isolation is serializable: no standby can do that"
            )
        elif run is None:
            replica.set("starting")
        elif run.timeline != self.timeline:
            replica.set(
                "unproven",
                f"its last known timeline is {run.timeline}, the primary's is {self.timeline}",
            )
        else:
            replica.lag_bytes = max(self.primary.lsn - run.lsn, 0)
            age = time.monotonic() - run.fresh_at
            if not run.fresh_at:
                replica.set("starting")
            elif age > self.max_lag:
                replica.set("lagging", f"its data is more than {self.max_lag:g} s old")
            else:
                replica.set("ready")
            replica.keeps_up = run.fresh_at >= before

    async def _look_at_primary(self) -> bool:
        """Ask the primary; tell whether it is one."""
        pool = self._pool
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT if self._watching else CONNECT_TIMEOUT):
                if self._watching is None or self._watching.is_closed():
                    if pool is None or pool.is_closing():
                        return False
                    # A connection like the pool's that takes none of its places.
                    self._watching = await pool._get_new_connection()  # type: ignore[attr-defined]
                asked, now = tick(), time.monotonic()
                place = await ask_place(self._watching)
        except Exception as error:
            await self._forget_watching()
            self.problem = f"the primary does not answer: {reason(error) or 'no answer in time'}"
            return False
        if place.is_standby or place.timeline is None or place.flushed is None:
            await self._forget_watching()
            self.problem = "the server that should be the primary is a standby"
            return False
        self.problem = None
        self._primary_answered(place.timeline, place.lsn, asked, now)
        # Where that is the end of a page, a record may be there in part. No standby applies it
        # before the rest is flushed: soon under load, within 15 s where nobody commits.
        if place.timeline == self.timeline:
            self._times.append(now)
            self._ends.append(max(place.flushed, self._ends[-1] if self._ends else 0))
        return True

    async def _forget_watching(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.terminate()

    async def _follow(self) -> None:
        """Find the replica that was promoted, when the primary is gone; writes go there."""
        promoted = [
            replica
            for replica in self.replicas
            if replica.identity is not None
            and replica.word not in ("away", "refused")
            and not replica.identity.is_standby
            and replica.identity.cluster == self.cluster
            and replica.identity.timeline > self.timeline
        ]
        if not promoted:
            return
        newest = max(promoted, key=lambda one: one.identity.timeline if one.identity else 0)
        identity = newest.identity
        if identity is None:
            return
        log.warning(
            "replica %s was promoted (timeline %d): it is the primary from here on",
            newest.name,
            identity.timeline,
        )
        self._promoted = newest.dsn
        self._new_timeline(identity.timeline, identity.promoted_at)
        if self._pool is not None:
            await self._pool.expire_connections()
        await self._look_at_primary()

    def _new_timeline(self, timeline: int, promoted_at: int | None = None) -> None:
        self.timeline, self.promoted_at = timeline, promoted_at
        self.primary = Source("primary", timeline)
        self.process.timeline, self.process.floor = timeline, 0
        self.process.seen = {self.primary: tick()}
        self._times.clear()
        self._ends.clear()
        for replica in self.replicas:
            if replica.run is not None:
                replica.run.fresh_at = 0.0
        self.look_soon()

    def _primary_answered(self, timeline: int, lsn: int, asked: int, now: float) -> None:
        if timeline > self.timeline:
            self._new_timeline(timeline)
        if timeline == self.timeline:
            self.primary.answered(self._format.end_of(lsn), asked, now)

    def fresh_at(self, lsn: int) -> float:
        """Return since when a position holds all that was committed; 0.0: not known."""
        number = bisect_right(self._ends, lsn)
        return self._times[number - 1] if number else 0.0

    async def observe_primary(self, since: int) -> None:
        """Make sure that the primary has answered after a moment, once for all who ask.

        Raises this package's exceptions.
        """
        while self.primary.asked <= since:
            async with self._asking:
                if self.primary.asked > since:
                    return
                pool = self._pool
                if pool is None or pool.is_closing():
                    raise DatabaseClosedError("the database was closed")
                asked, now = tick(), time.monotonic()
                try:
                    async with asyncio.timeout(ANSWER_TIMEOUT):
                        async with pool.acquire() as connection:
                            place = await ask_place(connection)
                except Exception as error:
                    raise DatabaseUnavailableError(
                        f"the primary did not say how far its log is: {reason(error)}"
                    ) from error
                timeline = place.timeline
                if place.is_standby or timeline is None or timeline < self.timeline:
                    await pool.expire_connections()
                    self.look_soon()
                    raise DatabaseUnavailableError(
                        "the server that should be the primary is a standby now"
                    )
                self._primary_answered(timeline, place.lsn, asked, now)

    # Sessions

    def session(self) -> ReadSession:
        """Return the session of this context, in the terms of the present timeline."""
        session = current_sessions().get(self)
        if session is None:
            session = session_of(self, self.process)
            if self.process.writing:
                session.seen[self.primary] = tick()
        if session.timeline != self.timeline:
            self._carry_over(session)
        return session

    def _carry_over(self, session: ReadSession) -> None:
        """Let a session go on after a failover."""
        if session.timeline > self.timeline:
            # It has heard of it first.
            self._new_timeline(session.timeline)
            return
        is_there = (
            session.timeline == self.timeline - 1
            and self.promoted_at is not None
            and session.floor <= self.promoted_at
        )
        if not is_there:
            if session.floor and self._warned != self.timeline:
                self._warned = self.timeline
                log.warning(
                    "a failover from timeline %d to %d may have lost writes of this process: its "
                    "reads go on with what the new primary has",
                    session.timeline,
                    self.timeline,
                )
            session.floor = 0
        session.timeline = self.timeline
        # What it has seen on servers of the former timeline the new primary has, or nobody.
        session.seen = {self.primary: tick()}

    def note_read(self, session: ReadSession) -> None:
        """Note that something was read on the primary: what, its position will tell."""
        session.seen[self.primary] = tick()

    def note_write(self, session: ReadSession) -> None:
        """Note that something may have been written there, outside of a transaction."""
        session.seen[self.primary] = self.process.seen[self.primary] = tick()

    def note_commit(self, session: ReadSession, timeline: int, lsn: int, asked: int) -> None:
        """Note where the log of a commit ends."""
        end = self._format.end_of(lsn)
        self._primary_answered(timeline, lsn, asked, time.monotonic())
        if timeline != self.timeline:
            # A former primary has taken it.
            self.note_write(session)
            return
        session.committed(timeline, end)
        self.process.committed(timeline, end)

    async def token(self) -> str:
        """Return the token of what this context has written and read."""
        session = self.session()
        if session.writing or session.seen or not session.floor:
            await self._settle(session, tick())
        return LogPosition(self.cluster or 0, self.timeline, session.floor).token

    async def _settle(
        self, session: ReadSession, since: int, except_for: Source | None = None
    ) -> None:
        """Turn all that a session has seen until a moment into a position."""
        await self.observe_primary(since)
        if session.timeline != self.timeline:
            self._carry_over(session)
            return
        primary = self.primary
        for source, moment in list(session.seen.items()):
            # The primary is never behind its standbys.
            if moment < primary.asked and source is not except_for:
                del session.seen[source]
        session.committed(primary.timeline, primary.lsn)

    async def check_token(self, position: LogPosition) -> None:
        """Make sure that the primary has a position in its log.

        Raises :class:`ForeignTokenError` or :class:`PositionLostError`.
        """
        if position.cluster != self.cluster:
            raise ForeignTokenError("at_least", "is a token of another cluster")
        runs = (one.run for one in self.replicas if one.word == "ready" and one.run is not None)
        if position.timeline == self.timeline and (
            position.lsn <= self.primary.lsn
            or any(run.lsn >= position.lsn and run.timeline == self.timeline for run in runs)
        ):
            return
        if position.timeline >= self.timeline:
            await self.observe_primary(tick())
        check_reached(position, self.timeline, self.primary.lsn, self.promoted_at)

    # Reads

    async def acquire(
        self, session: ReadSession, position: LogPosition | None
    ) -> tuple[Replica, Pool, _Proxy] | None:
        """Take a connection to a replica that shows all that a session has to see.

        None: there is none, and the read is the primary's.
        """
        if position is not None:
            await self.check_token(position)
            session.committed(self.timeline, position.lsn)
        now = time.monotonic()
        timeline, oldest = self.timeline, now - self.max_lag
        ready = []
        for replica in self.replicas:
            run = replica.run
            if (
                replica.word == "ready"
                and run is not None
                and run.timeline == timeline
                and run.fresh_at >= oldest
            ):
                ready.append(replica)
        if not ready:
            return None
        home = None
        if session.seen or session.writing:
            home = self._home(session, ready)
            if len(session.seen) > 1 or home is None:
                session.settle()
            mine = None if home is None else home.run
            if session.writing or any(source is not mine for source in session.seen):
                if not any(replica.keeps_up for replica in ready):
                    return None
                try:
                    await self._settle(session, tick(), mine)
                except AragoraSQLError:
                    # The primary itself tells better what is wrong.
                    return None
        chosen = self._choose(ready, session.floor, now, home)
        return None if chosen is None else await self._take(chosen, session)

    def _home(self, session: ReadSession, ready: Sequence[Replica]) -> Replica | None:
        """Return the replica that a session read from last, unless others have much less to do."""
        for replica in ready:
            if replica.run in session.seen:
                if replica.in_flight < MUCH_BUSIER:
                    return replica
                least = min(one.in_flight for one in ready)
                return replica if replica.in_flight < least + MUCH_BUSIER else None
        return None

    def _choose(
        self, ready: Sequence[Replica], floor: int, now: float, home: Replica | None
    ) -> Replica | None:
        """Return the replica with the least to do that is far enough, or will soon be."""
        if home is not None and home.run is not None and home.run.lsn >= floor:
            return home
        fit = [one for one in ready if one.run is not None and one.run.lsn >= floor]
        soon = [one for one in ready if one.keeps_up and one.paused_until <= now]
        if not fit and home in soon:
            return home
        best = min(fit, key=_work, default=None)
        other = min(soon, key=_work, default=None)
        if best is None or (other is not None and best.in_flight >= other.in_flight + MUCH_BUSIER):
            return other
        return best

    async def _take(
        self, replica: Replica, session: ReadSession
    ) -> tuple[Replica, Pool, _Proxy] | None:
        """Take a connection to a replica; None when it shows too little, or can't be reached."""
        pool = replica.pool
        if pool is None:
            return None
        replica.in_flight += 1
        proxy: _Proxy | None = None
        is_taken = False
        try:
            if has_open_connection(pool):
                proxy = await pool.acquire()
            else:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    proxy = await pool.acquire()
            raw: ReplicaSession = proxy._con  # type: ignore[attr-defined]
            is_taken = self._shows_all(raw, session) or await self._is_far_enough(
                replica, session, raw
            )
            # It may have been dropped meanwhile.
            is_taken = is_taken and proxy._con is raw  # type: ignore[attr-defined]
        except Exception as error:
            log.info("replica %s: a read went to the primary: %s", replica.name, reason(error))
            self.look_soon()
        finally:
            if not is_taken:
                replica.in_flight -= 1
                if proxy is not None:
                    with suppress(Exception):
                        await pool.release(proxy)
        if not is_taken or proxy is None:
            return None
        replica.reads += 1
        return replica, pool, proxy

    def _shows_all(self, connection: ReplicaSession, session: ReadSession) -> bool:
        """Tell whether it is known already that a connection shows what a session has to see."""
        run = connection.run
        return (
            run is not None
            and connection.is_watched
            and run.lsn >= session.floor
            and run.timeline == self.timeline
            and (not session.seen or (len(session.seen) == 1 and run in session.seen))
        )

    async def _is_far_enough(
        self, replica: Replica, session: ReadSession, connection: ReplicaSession
    ) -> bool:
        """Wait until a connection shows what a session has to see; False: not in time."""
        if connection.is_promoted:
            self.look_soon()
            return False
        run = connection.run
        if session.seen:
            session.settle()
            for source in session.seen:
                if source is not run or not connection.is_watched:
                    await self._settle(session, tick())
                    break
        if connection.known >= session.floor and connection.is_watched:
            return run is not None and run.timeline == self.timeline
        deadline, pause = time.monotonic() + LONGEST_WAIT, 0.0005
        floor, timeline = session.floor, self.timeline
        while True:
            if not await replica.ask(connection):
                return False
            if self.timeline != timeline or (run is not None and run.timeline != timeline):
                return False
            if connection.known >= floor:
                return True
            if time.monotonic() >= deadline:
                replica.behind += 1
                replica.paused_until = time.monotonic() + PAUSE_AFTER_WAIT
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def states(self) -> tuple[ReplicaState, ...]:
        """Return what is told of the replicas."""
        return tuple(replica.state() for replica in self.replicas)
