"""PostgreSQL: connections and units of work on an asyncpg pool.

Only the modules of this name (``postgres*.py``) import asyncpg.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from aragora_sql.errors import BackendDriverMissingError

try:
    import asyncpg
except ImportError as error:  # pragma: no cover - asyncpg is a dependency of this package
    raise BackendDriverMissingError("PostgreSQL", "asyncpg") from error

from aragora_sql.database.base import Connection, Database, PoolMetrics, Row, ServerState
from aragora_sql.database.counts import PoolCounts
from aragora_sql.database.listening import ListeningWatch
from aragora_sql.database.log_position import LogPosition
from aragora_sql.database.ownership import Owner
from aragora_sql.database.postgres_errors import (
    cannot_connect,
    may_write,
    not_replicated,
    reason,
    translate,
)
from aragora_sql.database.postgres_pool import (
    DEFAULT_STATEMENT_TIMEOUT,
    BaseConnection,
    Pool,
    cannot_connect_to,
    check_pool,
    close_pool,
    close_postgres_pool,
    create_pool,
    get_postgres_pool,
    release_at_once,
    set_up_of,
    take_idle,
    unreplicated,
    watches,
)
from aragora_sql.database.replicas import ReplicaState
from aragora_sql.database.session_state import changes_postgres_session
from aragora_sql.database.statement import Statement, not_held
from aragora_sql.database.units_of_work import FRESH, Kind, refuse_within_a_unit
from aragora_sql.database.values import EncodedJSON, check_text, dump_json, load_json
from aragora_sql.errors import (
    AragoraSQLError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseUnavailableError,
    InvalidInputError,
    PoolTimeoutError,
    ReadOnlyDatabaseError,
    TenantNotEnforcedError,
    UnreadableValueError,
)
from aragora_sql.settings import PostgresDSN, ReplicaSettings

if TYPE_CHECKING:
    from aragora_sql.database.postgres_routes import Routes

    _Proxy: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

__all__ = [
    "DEFAULT_STATEMENT_TIMEOUT",
    "Pool",
    "PostgresConnection",
    "PostgresDatabase",
    "close_postgres_pool",
    "create_pool",
    "get_postgres_pool",
]

# Who turns documents into JSON text and back on a pool.
_JSONCodec = Literal["ours", "application's", "none"]

log = logging.getLogger(__name__)

DEFAULT_ACQUIRE_TIMEOUT = 10.0
# How long a cancelled statement may take to stop, in seconds.
RELEASE_TIMEOUT = 2.0
_NO_LIMIT = 365 * 24 * 3600.0
_no_limit = nullcontext()

_DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)

_NOTIFY = Statement("notify", "SELECT pg_notify($1, $2)")
# What health asks, in one round trip. A standby that receives no changes has the age of the last
# one as its lag. Where a role sees no row, all tables look empty to it and every read is "good":
# then `owner` is whose tables they are.
_STATE = Statement(
    "health",
    "SELECT pg_is_in_recovery() AS is_standby, "
    "current_setting('transaction_read_only') = 'on' AS is_read_only, "
    "CASE WHEN NOT pg_is_in_recovery() THEN NULL "
    "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() "
    "AND EXISTS (SELECT 1 FROM pg_catalog.pg_stat_wal_receiver) THEN 0 "
    "ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 "
    "END AS lag_seconds, "
    "current_user::text AS role, "
    "(SELECT pg_get_userbyid(c.relowner)::text FROM pg_catalog.pg_class AS c "
    "WHERE c.oid = to_regclass('_schema_versions') AND row_security_active(c.oid) "
    "AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_policy AS y CROSS JOIN LATERAL "
    "unnest(y.polroles) AS r (role) WHERE y.polrelid = c.oid "
    "AND (r.role = 0 OR pg_has_role(r.role, 'USAGE')))) AS owner",
)


# Only for the transaction, so that a transaction pooler gives it to nobody else; and whether it
# has any effect.
_SET_TENANT = Statement(
    "set tenant",
    "SELECT set_config('aragora.org_id', $1, true) AS tenant, current_user::text AS role, "
    "coalesce(row_security_active(to_regclass('_schema_versions')), false) AS is_enforced",
)


# What needs no look: neither text, nor a number with a fraction, nor a time.
_AS_IT_IS = frozenset({type(None), bool, int, EncodedJSON, dict, list, tuple, bytes})


class _Fraction(float):
    """A number with a fraction, which asyncpg would cut off where an integer is wanted."""

    def __int__(self) -> int:
        raise ValueError("an integer is needed")


class PostgresConnection(Connection):
    """One PostgreSQL connection of a pool."""

    __slots__ = (
        "_is_savepoint",
        "_json_codec",
        "_limit",
        "_pool",
        "_proxy",
        "_transaction",
    )

    def __init__(self, pool: Pool, proxy: _Proxy, json_codec: _JSONCodec) -> None:
        super().__init__()
        self._pool = pool
        self._proxy = proxy
        self._json_codec = json_codec
        # On an application's pool the driver's own limit counts.
        limit = getattr(proxy, "time_limit", None)
        self._limit: AbstractContextManager[None] = _no_limit if limit is None else limit
        self._transaction: asyncpg.transaction.Transaction | None = None
        self._is_savepoint = False

    @property
    def raw(self) -> _Proxy:
        """The driver's own connection, for what has no named query.

        Session state that is set through it is reset when the unit of work ends.
        """
        if hasattr(self._proxy, "skip_next_reset"):
            self._proxy.skip_next_reset(False)
            self._proxy.limit_by_driver(True)  # type: ignore[attr-defined]
        return self._proxy

    @property
    def in_transaction(self) -> bool:
        # Asked of the driver, which knows of one that was begun through raw as well.
        return bool(self._proxy.is_in_transaction())

    def _watch_session(self, sql: str) -> None:
        """Have the session reset at the end of the unit of work where a statement may change it."""
        if self._json_codec == "ours" and changes_postgres_session(sql):
            self._proxy.skip_next_reset(False)  # type: ignore[attr-defined]

    def _prepare(self, statement: Statement, arguments: Sequence[Any]) -> Sequence[Any]:
        self._watch_session(statement.sql)
        for position, argument in enumerate(arguments):
            kind = type(argument)
            if kind is str:
                if "\x00" in argument:
                    check_text(argument, statement.name)
            elif kind in _AS_IT_IS:
                continue
            elif isinstance(argument, float):
                if not math.isfinite(argument):
                    raise InvalidInputError(statement.name, f"{argument!r} is not a finite number")
                if not argument.is_integer():
                    arguments = [*arguments]
                    arguments[position] = _Fraction(argument)
            elif isinstance(argument, date):
                if not isinstance(argument, datetime) or argument.tzinfo is None:
                    raise InvalidInputError(statement.name, f"{argument!r} has no time zone")
            elif isinstance(argument, str) and "\x00" in argument:
                check_text(argument, statement.name)
        if statement.json_positions:
            arguments = list(arguments)
            is_encoded_here = self._json_codec != "application's"
            for position in statement.json_positions:
                argument = arguments[position]
                if argument is not None and not (is_encoded_here and type(argument) is EncodedJSON):
                    arguments[position] = self._document(argument, statement.name)
        return arguments

    def _document(self, value: Any, name: str) -> Any:
        if self._json_codec != "application's":
            return dump_json(value, name)
        return load_json(value) if isinstance(value, EncodedJSON) else value

    def _row(self, statement: Statement, record: asyncpg.Record) -> Row:
        shape = statement.shape(tuple(record.keys()))
        row = dict(zip(shape.names, record.values(), strict=True))
        for column in shape.timestamps:
            value = row[column]
            # A column of that name may hold something else here.
            if type(value) is datetime and value.tzinfo is None:
                # Infinite: it gets a time zone, as all others have one.
                row[column] = _INFINITIES.get(value, value)
        if self._json_codec == "none":
            for column in shape.documents:
                if isinstance(row[column], str):
                    try:
                        row[column] = load_json(row[column])
                    except (ValueError, RecursionError) as error:
                        raise translate(error, f"{statement.name}: column {column}") from error
        return row

    async def fetch_all(self, statement: Statement, arguments: Sequence[Any]) -> list[Row]:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                with self._limit:
                    records = await self._proxy.fetch(statement.sql, *arguments)
            except Exception as error:
                raise await self._of_statement(error, statement, arguments) from error
            if unreplicated:
                self._refuse_unreplicated(statement.name)
        return [self._row(statement, record) for record in records]

    async def fetch_one(self, statement: Statement, arguments: Sequence[Any]) -> Row | None:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                with self._limit:
                    record = await self._proxy.fetchrow(statement.sql, *arguments)
            except Exception as error:
                raise await self._of_statement(error, statement, arguments) from error
            if unreplicated:
                self._refuse_unreplicated(statement.name)
        return None if record is None else self._row(statement, record)

    async def fetch_value(self, statement: Statement, arguments: Sequence[Any]) -> Any:
        row = await self.fetch_one(statement, arguments)
        return None if row is None else next(iter(row.values()))

    async def execute(self, statement: Statement, arguments: Sequence[Any]) -> int:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                with self._limit:
                    status = await self._proxy.execute(statement.sql, *arguments)
            except Exception as error:
                raise await self._translated(error, statement.name, statement.sql) from error
            if unreplicated:
                self._refuse_unreplicated(statement.name)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def execute_many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> int:
        if not arguments:
            return 0
        async with self.lock:
            prepared = [self._prepare(statement, one) for one in arguments]
            try:
                with self._limit:
                    if len(prepared) == 1:
                        records = await self._proxy.fetch(statement.sql, *prepared[0])
                    else:
                        records = await self._proxy.fetchmany(statement.sql, prepared)
            except Exception as error:
                raise await self._translated(error, statement.name, statement.sql) from error
            if unreplicated:
                self._refuse_unreplicated(statement.name)
        return len(records)

    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        async with self.lock:
            self._watch_session(sql)
            try:
                with _no_limit if unlimited else self._limit:
                    # On an application's pool None would be the pool's limit.
                    await self._proxy.execute(sql, timeout=_NO_LIMIT if unlimited else None)
            except Exception as error:
                raise await self._translated(error, name, sql) from error
            if unreplicated:
                self._refuse_unreplicated(name)

    def _refuse_unreplicated(self, name: str) -> None:
        """Raise when the server has just said that it no longer waits for a standby."""
        connection = getattr(self._proxy, "_con", None)
        mine = {one for one in unreplicated if one is connection or one.is_closed()}
        unreplicated.difference_update(mine)
        if connection in mine:
            raise not_replicated(name)

    def _fork(self) -> PostgresConnection:
        return PostgresConnection(self._pool, self._proxy, self._json_codec)

    def _is_within_a_transaction(self) -> bool:
        """Tell it also when the connection is gone."""
        try:
            return self.lock.in_transaction or bool(self._proxy.is_in_transaction())
        except asyncpg.InterfaceError:
            return False

    async def _of_statement(
        self, error: Exception, statement: Statement, arguments: Sequence[Any]
    ) -> AragoraSQLError:
        """Return the exception for an error of a statement that returns rows."""
        ours = await self._translated(error, statement.name, statement.sql)
        if not isinstance(ours, UnreadableValueError) or may_write(statement.sql):
            return ours
        where = await self._find_undecodable(statement, arguments)
        return ours if where is None else UnreadableValueError(f"{where} ({reason(error)})")

    async def _find_undecodable(self, statement: Statement, arguments: Sequence[Any]) -> str | None:
        """Name the first row and column of a document that can't be decoded.

        The driver does not tell: the statement is run again, and what a function of an application
        may do in it is undone.
        """
        if not hasattr(self._proxy, "finding_undecodable"):
            return None
        found = object()
        try:
            transaction = self._proxy.transaction()
            with self._limit:
                await transaction.start()
            try:
                with self._limit, self._proxy.finding_undecodable(found):
                    records = await self._proxy.fetch(statement.sql, *arguments)
            finally:
                with self._limit:
                    await transaction.rollback()
        except (*_DRIVER_ERRORS, ValueError, ArithmeticError, RecursionError):
            # The first error tells more than that of looking for its place; or it is no document,
            # but a timestamp that Python can't hold.
            return None
        for record in records:
            row = dict(record)
            for column, value in row.items():
                if value is found:
                    return not_held(statement, row, column, "json")
        return None

    async def _translated(self, error: Exception, name: str, sql: str = "") -> AragoraSQLError:
        """Return the exception for an error of a statement, and act on it where that helps."""
        commits = may_write(sql) and not self._is_within_a_transaction()
        ours = translate(error, name, commits=commits)
        if isinstance(ours, ReadOnlyDatabaseError):
            # The primary may be another server by now.
            await self._pool.expire_connections()
        return ours

    async def _begin(self) -> None:
        self._is_savepoint = self._proxy.is_in_transaction()
        transaction = self._proxy.transaction()
        try:
            # asyncpg accepts a cancellation of a transaction only where it was entered as a block.
            with self._limit:
                await transaction.__aenter__()
        except TimeoutError as error:
            # As behind a pooler that waits for a server; a statement that takes long it is not.
            raise DatabaseUnavailableError(
                "BEGIN: no answer within the statement timeout"
            ) from error
        except Exception as error:
            raise await self._translated(error, "BEGIN") from error
        self._transaction = transaction

    async def _set_tenant(self, tenant: str) -> None:
        row = await self.fetch_one(_SET_TENANT, (tenant,))
        if row is None or not row["is_enforced"]:
            role = "?" if row is None else row["role"]
            raise TenantNotEnforcedError(
                f"role {role!r} owns the tables, bypasses row level security, or there are no "
                "tables: it would see the rows of every tenant; connect as the role that "
                "'aragora-sql schema apply --tenant-policies ROLE' made policies for"
            )

    async def _commit(self) -> None:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        try:
            with self._limit:
                await self._transaction.__aexit__(None, None, None)
        except Exception as error:
            # What a savepoint holds is not committed before the transaction around it.
            raise translate(error, "COMMIT", commits=not self._is_savepoint) from error
        if unreplicated:
            self._refuse_unreplicated("COMMIT")

    async def _rollback(self) -> None:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        try:
            with self._limit:
                await self._transaction.__aexit__(BaseException, None, None)
        except Exception as error:
            raise await self._translated(error, "ROLLBACK") from error


class PostgresDatabase(Database):
    """A PostgreSQL database behind an asyncpg pool.

    ``pool`` may be any asyncpg pool of the application: it is never closed here, its connections
    keep the application's codecs, and all :class:`PostgresDatabase` objects over one pool share
    its transactions. ``acquire_timeout`` is how many seconds a unit of work waits for a free
    connection before :class:`PoolTimeoutError` (default: the DSN's ``pool_timeout``, else 10).
    """

    dialect = "postgres"
    fails_over = True
    queues_messages = True
    keeps_dead_entries = True

    def __init__(self, pool: Pool, *, acquire_timeout: float | None = None) -> None:
        check_pool(pool)
        self._pool = pool
        self._owner = Owner(getattr(pool, "_loop", None))
        self._owns_pool = False
        facts = set_up_of(pool)
        # Whether its connections are of our own class, and come and go in our own way.
        self._is_ours = facts is not None
        if acquire_timeout is None:
            named = facts.dsn.number("pool_timeout") if facts is not None else None
            acquire_timeout = DEFAULT_ACQUIRE_TIMEOUT if named is None else float(named)
        self._acquire_timeout = acquire_timeout
        self._counts = PoolCounts() if facts is None else facts.counts
        # Where reads go to replicas; None where all goes to one server.
        self._routes: Routes | None = None
        if facts is not None and facts.side is not None:
            from aragora_sql.database.postgres_routes import routes_of

            self._routes = routes_of(self)
        self._json_codec: _JSONCodec | None = None
        self._closed = False

    @classmethod
    async def connect(
        cls,
        dsn: PostgresDSN | str,
        min_size: int | None = None,
        max_size: int | None = None,
        *,
        acquire_timeout: float | None = None,
        statement_timeout: float = DEFAULT_STATEMENT_TIMEOUT,
        replicas: ReplicaSettings | None = None,
    ) -> PostgresDatabase:
        """Open a pool of its own; :meth:`close` closes it. See :func:`create_pool`.

        ``replicas`` serve reads as those of ``ARAGORA_POSTGRES_REPLICAS`` do.
        """
        if replicas is None:
            pool = await create_pool(dsn, min_size, max_size, statement_timeout=statement_timeout)
        else:
            from aragora_sql.database.postgres_routing import open_routed_pool

            if isinstance(dsn, str):
                dsn = PostgresDSN.parse(dsn)
            pool = await open_routed_pool(
                dsn, min_size, max_size, replicas, statement_timeout=statement_timeout
            )
        database = cls(pool, acquire_timeout=acquire_timeout)
        database._owns_pool = True
        return database

    def __repr__(self) -> str:
        return f"<PostgresDatabase {'closed' if self._closed else self.metrics()}>"

    @property
    def pool(self) -> Pool:
        """The asyncpg pool."""
        return self._pool

    def watch(self, channel: str) -> ListeningWatch:
        pool = self._pool

        def check() -> None:
            self._owner.claim(self)

        async def connect() -> BaseConnection | None:
            if self._closed or pool.is_closing():
                raise DatabaseClosedError("the database was closed")
            try:
                # A connection like the pool's that takes none of its places. This is asyncpg's
                # own way to make one; its version is bounded in pyproject.toml.
                connection: BaseConnection = await pool._get_new_connection()  # type: ignore[attr-defined]
            except Exception as error:
                raise self._cannot_connect(error) from error
            if getattr(connection, "shares_session", False):
                connection.terminate()
                return None
            return connection

        watch = ListeningWatch(channel, connect, self._notify, translate, owner=pool, check=check)
        if self._routes is not None:
            watch.heard = self._routes.heard
        watches.add(watch)
        return watch

    async def _notify(self, channel: str, message: str) -> None:
        async with self.connection() as connection:
            await connection.fetch_all(_NOTIFY, (channel, message))

    @property
    def has_sessions(self) -> bool:
        """Whether a connection has a session of the server: no transaction pooler is known."""
        facts = set_up_of(self._pool)
        return facts is None or not facts.sessions.is_shared

    def _check_token(self, token: object) -> None:
        LogPosition.parse(token)

    def replicas(self) -> tuple[ReplicaState, ...]:
        return () if self._routes is None else self._routes.router.states()

    async def consistency_token(self) -> str:
        if self._routes is not None:
            self._owner.claim(self)
            return await self._routes.token()
        from aragora_sql.database.postgres_routes import token_of

        return await token_of(self)

    async def _state(self) -> ServerState:
        async with self.read(fresh=True) as connection:
            row = await connection.fetch_one(_STATE, ())
        if row is None:
            raise DatabaseError("health: the server gave no answer")
        problem = None
        facts = set_up_of(self._pool)
        if row["owner"] is not None:
            problem = (
                f"role {row['role']!r} sees no row: {row['owner']!r} owns the tables, and "
                f"row level security hides the rows from all others; connect as "
                f"{row['owner']!r}, or let {row['role']!r} by with BYPASSRLS or policies"
            )
        elif row["is_read_only"] and facts is not None and facts.dsn.wants_writes:
            problem = (
                "the server takes no writes, and the DSN asks for one that does: connections are "
                "renewed"
            )
            await self._pool.expire_connections()
        return ServerState(
            role="standby" if row["is_standby"] else "primary",
            is_read_only=row["is_read_only"],
            lag_seconds=row["lag_seconds"],
            problem=problem,
        )

    async def open_again(self) -> PostgresDatabase | None:
        facts = set_up_of(self._pool)
        return None if facts is None else await PostgresDatabase.connect(facts.dsn, 1, 1)

    async def close(self) -> None:
        self._owner.check_closing(self)
        refuse_within_a_unit(self._unit_key())
        if self._owns_pool and not self._closed:
            self._owner.claim(self)
            self._closed = True
            await close_pool(self._pool)
        self._closed = True

    def metrics(self) -> PoolMetrics:
        pool, counts = self._pool, self._counts
        size, free = pool.get_size(), pool.get_idle_size()
        return PoolMetrics(
            size=size,
            free=free,
            in_use=size - free,
            waiting=counts.waiting,
            min_size=pool.get_min_size(),
            max_size=pool.get_max_size(),
            acquisitions=counts.acquisitions,
            failed=counts.failures,
            timeouts=counts.timeouts,
            wait_ms=counts.waited * 1000,
            max_wait_ms=counts.longest_wait * 1000,
        )

    def _unit_key(self) -> object:
        return self._pool

    def _serves(self, held: Kind, wanted: Kind) -> bool:
        return True

    async def _acquire(self, kind: Kind, at_least: str | None = None) -> PostgresConnection:
        if self._routes is not None:
            return await self._routes.acquire(kind, at_least)
        connection = await self._acquire_here()
        if at_least is not None and at_least is not FRESH:
            from aragora_sql.database.postgres_routes import check_position

            await check_position(self, connection, at_least)
        return connection

    async def _acquire_here(self) -> PostgresConnection:
        """Take a connection of the pool."""
        pool, counts = self._pool, self._counts
        started = time.perf_counter()
        counts.waiting += 1
        try:
            if self._closed:
                raise DatabaseClosedError("the database was closed")
            proxy = take_idle(pool) if self._is_ours else None
            if proxy is None:
                # asyncpg's own time limit would cost a task.
                async with asyncio.timeout(self._acquire_timeout):
                    proxy = await pool.acquire()
        except BaseException as error:
            ours = self._not_acquired(error)
            counts.failed(ours, error)
            if ours is error:
                raise
            raise ours from error
        finally:
            counts.waiting -= 1
        counts.acquired(started)
        if unreplicated:
            # What was said to an application that used the driver's own connection is its matter.
            unreplicated.discard(getattr(proxy, "_con", None))
        # asyncpg's proxy passes on what only our own connection class has.
        if hasattr(proxy, "skip_next_reset"):
            proxy.skip_next_reset(True)
            proxy.limit_by_driver(False)  # type: ignore[attr-defined]
            return PostgresConnection(pool, proxy, "ours")
        try:
            return PostgresConnection(pool, proxy, await self._find_json_codec(proxy))
        except BaseException:
            await pool.release(proxy)
            raise

    def _not_acquired(self, error: BaseException) -> BaseException:
        """Return the exception for a connection that was asked for in vain."""
        pool = self._pool
        if isinstance(error, TimeoutError):
            if pool.get_size() < pool.get_max_size():
                return DatabaseUnavailableError(
                    f"cannot connect: no answer within {self._acquire_timeout:g} s"
                )
            return PoolTimeoutError(
                f"no connection became free within {self._acquire_timeout:g} s: all "
                f"{pool.get_max_size()} are in use (see ARAGORA_POSTGRES_POOL_MAX)"
            )
        if isinstance(error, asyncpg.InterfaceError):
            return self._pool_closed(error)
        if isinstance(error, Exception) and not isinstance(error, DatabaseClosedError):
            return self._cannot_connect(error)
        return error

    def _pool_closed(self, error: asyncpg.InterfaceError) -> AragoraSQLError:
        if "pool" in str(error):
            return DatabaseClosedError(f"the pool is not open: {error}")
        return self._cannot_connect(error)

    def _cannot_connect(self, error: Exception) -> AragoraSQLError:
        facts = set_up_of(self._pool)
        return cannot_connect(error, "") if facts is None else cannot_connect_to(facts.dsn, error)

    async def _find_json_codec(self, proxy: _Proxy) -> _JSONCodec:
        """Find out once whether the application's pool has a jsonb codec."""
        if self._json_codec is None:
            try:
                probe = await proxy.fetchval("SELECT '[]'::jsonb")
            except Exception as error:
                raise translate(error, "jsonb probe") from error
            self._json_codec = "none" if isinstance(probe, str) else "application's"
        return self._json_codec

    async def _release(self, connection: Connection) -> None:
        if not isinstance(connection, PostgresConnection):
            raise TypeError("not a PostgreSQL connection")
        if self._routes is not None:
            await self._routes.release(connection)
            return
        await self._release_here(connection)

    async def _release_here(self, connection: PostgresConnection) -> None:
        proxy = connection._proxy
        try:
            if (release := release_at_once(proxy)) is not None:
                await release
            else:
                await connection._pool.release(proxy, timeout=RELEASE_TIMEOUT)
        except Exception as error:
            # asyncpg has closed the connection, and its unit of work has finished.
            log.warning("a connection was dropped when it was released: %s", reason(error))


# How asyncpg reads infinity, and how we do: as the last and the first timestamp of Python.
_INFINITIES = {
    datetime.max: datetime.max.replace(tzinfo=UTC),
    datetime.min: datetime.min.replace(tzinfo=UTC),
}
