"""Units of work of a database that has replicas: which connection they get, and what is noted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

import asyncpg

from aragora_sql.database.base import Row
from aragora_sql.database.log_position import LogPosition
from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.database.postgres_errors import reason, translate
from aragora_sql.database.postgres_positions import ask_identity, wait_for_position
from aragora_sql.database.postgres_replicas import Replica, Run, release
from aragora_sql.database.postgres_routing import LONGEST_WAIT, Router, router_of
from aragora_sql.database.read_sessions import ReadSession, tick
from aragora_sql.database.statement import Statement
from aragora_sql.database.units_of_work import FRESH, Kind
from aragora_sql.errors import AragoraSQLError, ConnectionLostError

if TYPE_CHECKING:
    from aragora_sql.database.postgres_pool import Pool

__all__ = ["Routes", "check_position", "routes_of", "token_of"]

log = logging.getLogger(__name__)

# What a standby may fail with and the primary would not: conflicts with the log that it applies,
# what it can't do at all, and tables and columns that it does not have yet.
_OF_STANDBY = frozenset(
    {"40001", "40P01", "57014", "57P04", "0A000", "25006", "55000"} | {"42P01", "42703", "42883"}
)


def routes_of(database: PostgresDatabase) -> Routes | None:
    """Return the routes of a database, or None where all goes to one server."""
    router = router_of(database.pool)
    return None if router is None else Routes(database, router)


class PrimaryConnection(PostgresConnection):
    """A connection to the primary, which knows whose later reads have to see what it did."""

    __slots__ = ("kind", "session")

    kind: Kind
    session: ReadSession


class ReplicaConnection(PostgresConnection):
    """A connection to a replica, which goes on at the primary where the replica fails."""

    __slots__ = ("applied", "instead", "replica", "routes", "session")

    routes: Routes
    replica: Replica
    session: ReadSession
    # What reads on it show at least.
    applied: int
    instead: PostgresConnection | None

    @property
    def run(self) -> Run | None:
        """The run of the server that it is connected to."""
        found: Run | None = getattr(self._proxy, "run", None)
        return found

    def _may_serve(self, kind: Kind, at_least: str | None) -> bool:
        if kind != "read" or at_least is not None:
            return False
        session = self.session
        if session.writing or self.routes.router.timeline != session.timeline:
            return False
        own = self.run
        return session.floor <= self.applied and all(one is own for one in session.seen)

    async def fetch_all(self, statement: Statement, arguments: Sequence[Any]) -> list[Row]:
        """Run a statement and return all its rows."""
        if self.instead is None:
            try:
                return await super().fetch_all(statement, arguments)
            except AragoraSQLError as error:
                await self._go_on(error)
        return await self._primary.fetch_all(statement, arguments)

    async def fetch_one(self, statement: Statement, arguments: Sequence[Any]) -> Row | None:
        """Run a statement and return its first row, or None."""
        if self.instead is None:
            try:
                return await super().fetch_one(statement, arguments)
            except AragoraSQLError as error:
                await self._go_on(error)
        return await self._primary.fetch_one(statement, arguments)

    async def execute(self, statement: Statement, arguments: Sequence[Any]) -> int:
        """Run a statement and return the number of rows that it changed."""
        if self.instead is None:
            try:
                return await super().execute(statement, arguments)
            except AragoraSQLError as error:
                await self._go_on(error)
        return await self._primary.execute(statement, arguments)

    async def execute_many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> int:
        """Run a statement once for each set of arguments, all or nothing."""
        if self.instead is None:
            try:
                return await super().execute_many(statement, arguments)
            except AragoraSQLError as error:
                await self._go_on(error)
        return await self._primary.execute_many(statement, arguments)

    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        """Run several statements without parameters."""
        if self.instead is None:
            try:
                await super().run_script(name, sql, unlimited=unlimited)
            except AragoraSQLError as error:
                await self._go_on(error)
            else:
                return
        await self._primary.run_script(name, sql, unlimited=unlimited)

    @property
    def _primary(self) -> PostgresConnection:
        if self.instead is None:
            raise RuntimeError("no connection to the primary was taken")
        return self.instead

    async def _translated(self, error: Exception, name: str, sql: str = "") -> AragoraSQLError:
        return translate(error, name)

    async def _go_on(self, error: AragoraSQLError) -> None:
        """Take a connection to the primary for the rest of the unit, or raise the error again."""
        cause = error.__cause__
        state = cause.sqlstate if isinstance(cause, asyncpg.PostgresError) else None
        if state not in _OF_STANDBY and not isinstance(error, ConnectionLostError):
            raise error
        async with self.lock:
            if self.instead is None:
                self.replica.moved += 1
                self.routes.router.look_soon()
                self.instead = await self.routes.acquire_primary("read", self.session)


class Routes:
    """Takes and gives back the connections of one :class:`PostgresDatabase`."""

    def __init__(self, database: PostgresDatabase, router: Router) -> None:
        self._database = ref(database)
        self.router = router

    @property
    def database(self) -> PostgresDatabase:
        """The database, which owns this object."""
        database = self._database()
        if database is None:
            raise RuntimeError("the database is gone")
        return database

    def heard(self) -> None:
        """Have later reads of this context see what the primary has now: somebody wrote there."""
        self.router.note_read(self.router.session())

    async def token(self) -> str:
        """Return the token of this context."""
        return await self.router.token()

    async def acquire(self, kind: Kind, at_least: str | None) -> PostgresConnection:
        """Take a connection for a unit of work."""
        router = self.router
        session = router.session()
        if at_least is FRESH:
            return await self.acquire_primary(kind, session)
        position = None if at_least is None else LogPosition.parse(at_least)
        if kind != "read":
            if position is not None:
                await router.check_token(position)
                session.committed(router.timeline, position.lsn)
            return await self.acquire_primary(kind, session)
        taken = None
        if not self.database._closed:
            taken = await router.acquire(session, position)
        if taken is None:
            router.reads_on_primary += 1
            return await self.acquire_primary(kind, session)
        replica, pool, proxy = taken
        return self._on_replica(replica, pool, proxy, session)

    def _on_replica(
        self, replica: Replica, pool: Pool, proxy: Any, session: ReadSession
    ) -> ReplicaConnection:
        raw = proxy._con
        raw.skip_next_reset(True)
        raw.limit_by_driver(False)
        connection = ReplicaConnection(pool, proxy, "ours")
        connection.routes = self
        connection.replica = replica
        connection.session = session
        connection.applied = raw.known
        connection.instead = None
        return connection

    async def acquire_primary(self, kind: Kind, session: ReadSession) -> PrimaryConnection:
        """Take a connection to the primary."""
        database, process = self.database, self.router.process
        if kind == "write":
            # What it commits others may hear of before it is over.
            session.writing += 1
            process.writing += 1
        try:
            plain = await database._acquire_here()
        except BaseException:
            if kind == "write":
                session.writing -= 1
                process.writing -= 1
            raise
        connection = PrimaryConnection(plain._pool, plain._proxy, plain._json_codec)
        connection.kind = kind
        connection.session = session
        if kind == "transaction":
            plain._proxy._con.commit_position = None  # type: ignore[attr-defined]
        return connection

    async def release(self, connection: PostgresConnection) -> None:
        """Give a connection back, and note what later reads have to see."""
        if isinstance(connection, ReplicaConnection):
            await self._release_replica(connection)
            return
        if isinstance(connection, PrimaryConnection):
            self._note(connection)
        await self.database._release_here(connection)

    def _note(self, connection: PrimaryConnection) -> None:
        router, session, kind = self.router, connection.session, connection.kind
        if kind == "read":
            router.note_read(session)
            return
        if kind == "write":
            session.writing -= 1
            router.process.writing -= 1
        elif (position := getattr(connection._proxy, "commit_position", None)) is not None:
            router.note_commit(session, *position)
            return
        router.note_write(session)

    async def _release_replica(self, connection: ReplicaConnection) -> None:
        raw = connection._proxy._con  # type: ignore[attr-defined]
        run = None if raw is None else raw.run
        if run is not None and raw.is_watched:
            connection.session.seen[run] = tick()
        else:
            self.router.note_read(connection.session)
        if raw is not None and raw.is_promoted:
            self.router.look_soon()
        connection.replica.in_flight -= 1
        try:
            await release(connection._pool, connection._proxy)
        except Exception as error:
            # asyncpg has closed the connection, and its unit of work has finished.
            log.info("a connection was dropped when it was released: %s", reason(error))
        finally:
            if connection.instead is not None:
                await self.release(connection.instead)


async def token_of(database: PostgresDatabase) -> str:
    """Return the token of a database without replicas: where its log is now."""
    async with database.read(fresh=True) as connection:
        try:
            identity = await ask_identity(connection._proxy)  # type: ignore[attr-defined]
        except Exception as error:
            raise translate(error, "consistency_token") from error
    return LogPosition(identity.cluster, identity.timeline, identity.lsn).token


async def check_position(
    database: PostgresDatabase, connection: PostgresConnection, at_least: str
) -> None:
    """Make sure that the one server of a database shows a token; else give the connection back."""
    try:
        position = LogPosition.parse(at_least)
        await wait_for_position(connection._proxy, position, LONGEST_WAIT)
    except BaseException as error:
        await asyncio.shield(database._release(connection))
        if isinstance(error, AragoraSQLError) or not isinstance(error, Exception):
            raise
        raise translate(error, "at_least") from error
