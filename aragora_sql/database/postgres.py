"""PostgreSQL through asyncpg: pools, connections, conversion and errors.

The only module that imports asyncpg.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import ssl
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

from aragora_sql.database.base import (
    Connection,
    Database,
    PoolMetrics,
    Row,
    _Kind,
    forget_closed_loops,
)
from aragora_sql.database.listening import ListeningWatch, close_all
from aragora_sql.database.statement import Statement
from aragora_sql.database.values import EncodedJSON, check_text, dump_json, load_json
from aragora_sql.errors import (
    AragoraSQLError,
    BackendDriverMissingError,
    CheckViolationError,
    ConfigurationError,
    ConflictError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseUnavailableError,
    DSNNotConfiguredError,
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    LockTimeoutError,
    MissingParentError,
    NotNullViolationError,
    PoolTimeoutError,
    StatementTimeoutError,
)
from aragora_sql.settings import PostgresDSN, dsn_from_env, pool_sizes

try:
    import asyncpg
except ImportError as error:  # pragma: no cover - asyncpg is a dependency of this package
    raise BackendDriverMissingError("PostgreSQL", "asyncpg") from error

__all__ = [
    "Pool",
    "PostgresConnection",
    "PostgresDatabase",
    "close_postgres_pool",
    "create_pool",
    "get_postgres_pool",
]

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    _Proxy: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    _BaseConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    _BaseConnection = asyncpg.Connection

# Who turns documents into JSON text and back on a pool.
_JSONCodec = Literal["ours", "application's", "none"]

log = logging.getLogger(__name__)

DEFAULT_STATEMENT_TIMEOUT = 60.0
DEFAULT_ACQUIRE_TIMEOUT = 10.0
DEFAULT_CONNECT_TIMEOUT = 10.0
# How long a cancelled statement may take to stop, and a pool to close, in seconds.
RELEASE_TIMEOUT = 2.0
CLOSE_TIMEOUT = 10.0
_NO_LIMIT = 365 * 24 * 3600.0

# URI options that libpq knows and asyncpg would send to the server as settings.
_IGNORED_OPTIONS = frozenset(
    {
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "pgbouncer",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)
_REFUSED_OPTIONS = {"channel_binding": {"disable", "prefer"}, "require_auth": set[str]()}


class _SessionConnection(_BaseConnection):
    """A connection that can skip the reset query at its next release.

    The reset costs one round trip per unit of work, and named queries leave no session state.
    Whoever takes a connection from the pool by hand still gets the full reset.
    """

    _skip_next_reset = False
    _settings = ""

    def skip_next_reset(self, skip: bool) -> None:
        self._skip_next_reset = skip

    async def change_settings(self, sql: str) -> None:
        """Run SET statements, now and after each reset."""
        await self.execute(sql)
        self._settings = sql

    def get_reset_query(self) -> str:
        if self._skip_next_reset:
            self._skip_next_reset = False
            return ""
        return f"{super().get_reset_query()}\n{self._settings}".strip()


class _PooledConnection(_SessionConnection):
    """A connection to a transaction pooler: what LISTEN asks for would not reach it."""


async def _set_up(connection: _BaseConnection) -> None:
    """Prepare a new connection of our pool that nobody else's statements run on."""
    await _set_codecs(connection)
    # The planner expects a search of a large table to cost so much that it would compile it first,
    # which takes ten times as long as the search. Not a startup parameter: PgBouncer refuses those.
    if isinstance(connection, _SessionConnection):
        await connection.change_settings("SET jit = off;")


async def _set_codecs(connection: _BaseConnection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + dump_json(value).encode(),
        decoder=lambda data: load_json(data[1:]),
        format="binary",
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=dump_json, decoder=load_json, format="text"
    )


async def create_pool(
    dsn: PostgresDSN | str,
    min_size: int | None = None,
    max_size: int | None = None,
    *,
    statement_timeout: float = DEFAULT_STATEMENT_TIMEOUT,
) -> Pool:
    """Open a pool that is ready for stores: JSON codecs, no JIT, fit for the server's pooler.

    Sizes are connections (defaults: see :mod:`aragora_sql.settings`), ``statement_timeout`` is in
    seconds. Behind a transaction pooler (port 6543 or ``?pgbouncer=true``) no named prepared
    statement is used. Raises :class:`ConfigurationError` for a DSN that can't be used and
    :class:`DatabaseUnavailableError` when the server can't be reached.
    """
    if isinstance(dsn, str):
        dsn = PostgresDSN.parse(dsn)
    minimum, maximum = pool_sizes(min_size=min_size, max_size=max_size)
    try:
        return await asyncpg.create_pool(
            dsn.uri(without=_ignored_options(dsn)),
            min_size=minimum,
            max_size=maximum,
            init=_set_codecs if dsn.transaction_pooling or dsn.option("jit") else _set_up,
            connection_class=_PooledConnection if dsn.transaction_pooling else _SessionConnection,
            statement_cache_size=0 if dsn.transaction_pooling else 1000,
            command_timeout=statement_timeout,
            timeout=_connect_timeout(dsn),
            server_settings=(
                {} if dsn.option("application_name") else {"application_name": "aragora-sql"}
            ),
        )
    except asyncpg.ClientConfigurationError as error:
        raise ConfigurationError(f"{dsn}: {error}") from error
    except _UNREACHABLE as error:
        raise DatabaseUnavailableError(f"cannot connect to {dsn}: {_reason(error)}") from error


def _ignored_options(dsn: PostgresDSN) -> frozenset[str]:
    dropped = set(_IGNORED_OPTIONS)
    for name, harmless in _REFUSED_OPTIONS.items():
        value = dsn.option(name)
        if value is not None and value not in harmless:
            raise ConfigurationError(
                f"{dsn}: asyncpg can't honour {name}={value}; take the option out of the DSN"
            )
        dropped.add(name)
    return frozenset(dropped)


def _connect_timeout(dsn: PostgresDSN) -> float:
    text = dsn.option("connect_timeout")
    if text is None:
        return DEFAULT_CONNECT_TIMEOUT
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise ConfigurationError(f"{dsn}: connect_timeout is not a whole number of seconds from 1")
    return float(text)


class PostgresConnection(Connection):
    """One PostgreSQL connection of a pool."""

    __slots__ = ("_json_codec", "_proxy", "_transaction")

    def __init__(self, proxy: _Proxy, json_codec: _JSONCodec) -> None:
        super().__init__()
        self._proxy = proxy
        self._json_codec = json_codec
        self._transaction: asyncpg.transaction.Transaction | None = None

    @property
    def raw(self) -> _Proxy:
        """The driver's own connection, for what has no named query.

        Session state that is set through it is reset when the unit of work ends.
        """
        if hasattr(self._proxy, "skip_next_reset"):
            self._proxy.skip_next_reset(False)
        return self._proxy

    @property
    def in_transaction(self) -> bool:
        # Asked of the driver, which knows of one that was begun through raw as well.
        return bool(self._proxy.is_in_transaction())

    def _prepare(self, statement: Statement, arguments: Sequence[Any]) -> Sequence[Any]:
        for argument in arguments:
            if isinstance(argument, float):
                if not math.isfinite(argument):
                    raise InvalidInputError(statement.name, f"{argument!r} is not a finite number")
            elif isinstance(argument, date):
                if not isinstance(argument, datetime) or argument.tzinfo is None:
                    raise InvalidInputError(statement.name, f"{argument!r} has no time zone")
            elif isinstance(argument, str) and "\x00" in argument:
                check_text(argument, statement.name)
        if statement.json_positions:
            arguments = list(arguments)
            for position in statement.json_positions:
                if arguments[position] is not None:
                    arguments[position] = self._document(arguments[position], statement.name)
        return arguments

    def _document(self, value: Any, name: str) -> Any:
        if self._json_codec != "application's":
            return dump_json(value, name)
        return load_json(value) if isinstance(value, EncodedJSON) else value

    def _row(self, statement: Statement, record: asyncpg.Record) -> Row:
        row = dict(record)
        if self._json_codec == "none":
            for column, kind in statement.column_kinds.items():
                if kind == "json" and isinstance(row.get(column), str):
                    row[column] = load_json(row[column])
        return row

    async def fetch_all(self, statement: Statement, arguments: Sequence[Any]) -> list[Row]:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                records = await self._proxy.fetch(statement.sql, *arguments)
            except Exception as error:
                raise _translate(error, statement.name) from error
        return [self._row(statement, record) for record in records]

    async def fetch_one(self, statement: Statement, arguments: Sequence[Any]) -> Row | None:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                record = await self._proxy.fetchrow(statement.sql, *arguments)
            except Exception as error:
                raise _translate(error, statement.name) from error
        return None if record is None else self._row(statement, record)

    async def fetch_value(self, statement: Statement, arguments: Sequence[Any]) -> Any:
        row = await self.fetch_one(statement, arguments)
        return None if row is None else next(iter(row.values()))

    async def execute(self, statement: Statement, arguments: Sequence[Any]) -> int:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                status = await self._proxy.execute(statement.sql, *arguments)
            except Exception as error:
                raise _translate(error, statement.name) from error
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def execute_many(self, statement: Statement, arguments: Sequence[Sequence[Any]]) -> int:
        if not arguments:
            return 0
        async with self.lock:
            prepared = [self._prepare(statement, one) for one in arguments]
            try:
                if len(prepared) == 1:
                    return len(await self._proxy.fetch(statement.sql, *prepared[0]))
                return len(await self._proxy.fetchmany(statement.sql, prepared))
            except Exception as error:
                raise _translate(error, statement.name) from error

    async def run_script(self, name: str, sql: str, *, unlimited: bool = False) -> None:
        async with self.lock:
            try:
                # None would be the pool's own limit.
                await self._proxy.execute(sql, timeout=_NO_LIMIT if unlimited else None)
            except Exception as error:
                raise _translate(error, name) from error

    def _fork(self) -> PostgresConnection:
        return PostgresConnection(self._proxy, self._json_codec)

    async def _begin(self) -> None:
        transaction = self._proxy.transaction()
        try:
            # Entered as a block, it is no fault in asyncpg's eyes when a cancellation ends it.
            await transaction.__aenter__()
        except Exception as error:
            raise _translate(error, "BEGIN") from error
        self._transaction = transaction

    async def _commit(self) -> None:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        try:
            await self._transaction.__aexit__(None, None, None)
        except Exception as error:
            raise _translate(error, "COMMIT") from error

    async def _rollback(self) -> None:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        try:
            await self._transaction.__aexit__(BaseException, None, None)
        except Exception as error:
            raise _translate(error, "ROLLBACK") from error


class PostgresDatabase(Database):
    """A PostgreSQL database behind an asyncpg pool.

    ``pool`` may be any asyncpg pool of the application: it is never closed here, its connections
    keep the application's codecs, and all :class:`PostgresDatabase` objects over one pool share
    its transactions. ``acquire_timeout`` is how many seconds a unit of work waits for a free
    connection before :class:`PoolTimeoutError`.
    """

    dialect = "postgres"

    def __init__(self, pool: Pool, *, acquire_timeout: float = DEFAULT_ACQUIRE_TIMEOUT) -> None:
        self._pool = pool
        self._owns_pool = False
        self._acquire_timeout = acquire_timeout
        self._waiting = 0
        self._json_codec: _JSONCodec | None = None
        self._closed = False

    @classmethod
    async def connect(
        cls,
        dsn: PostgresDSN | str,
        min_size: int | None = None,
        max_size: int | None = None,
        *,
        acquire_timeout: float = DEFAULT_ACQUIRE_TIMEOUT,
        statement_timeout: float = DEFAULT_STATEMENT_TIMEOUT,
    ) -> PostgresDatabase:
        """Open a pool of its own; :meth:`close` closes it. See :func:`create_pool`."""
        pool = await create_pool(dsn, min_size, max_size, statement_timeout=statement_timeout)
        database = cls(pool, acquire_timeout=acquire_timeout)
        database._owns_pool = True
        return database

    def __repr__(self) -> str:
        return f"<PostgresDatabase {'closed' if self._closed else self.metrics()}>"

    @property
    def pool(self) -> Pool:
        """The asyncpg pool."""
        return self._pool

    @property
    def has_sessions(self) -> bool:
        """Whether a connection is a session of the server: no transaction pooler is known."""
        return self._pool._connection_class is not _PooledConnection  # type: ignore[attr-defined]

    def watch(self, channel: str) -> ListeningWatch:
        pool = self._pool

        async def connect() -> _BaseConnection | None:
            if self._closed or pool.is_closing():
                raise DatabaseClosedError("the database was closed")
            try:
                # A connection like the pool's that takes none of its places. This is asyncpg's
                # own way to make one; its version is bounded in pyproject.toml.
                connection: _BaseConnection = await pool._get_new_connection()  # type: ignore[attr-defined]
            except _UNREACHABLE as error:
                raise DatabaseUnavailableError(f"cannot connect: {_reason(error)}") from error
            # isinstance() takes any of asyncpg's connections for any other.
            if type(connection) is _PooledConnection:
                await connection.close()
                return None
            return connection

        watch = ListeningWatch(channel, connect, self._notify, owner=pool)
        _watches.add(watch)
        return watch

    async def _notify(self, channel: str, message: str) -> None:
        async with self.connection() as connection:
            await connection.fetch_all(_NOTIFY, (channel, message))

    async def _ping(self) -> str | None:
        try:
            async with self.read() as connection:
                hidden = await connection.fetch_one(_HIDDEN, ())
        except AragoraSQLError as error:
            return str(error)
        if hidden is None:
            return None
        return (
            f"role {hidden['role']!r} sees no row: {hidden['owner']!r} owns the tables, and row "
            f"level security hides the rows from all others; connect as {hidden['owner']!r}, or "
            f"let {hidden['role']!r} by with BYPASSRLS or policies"
        )

    async def close(self) -> None:
        self._refuse_within_a_unit()
        if self._owns_pool and not self._closed:
            self._closed = True
            await _close_pool(self._pool)
        self._closed = True

    def metrics(self) -> PoolMetrics:
        pool = self._pool
        size, free = pool.get_size(), pool.get_idle_size()
        return PoolMetrics(
            size=size,
            free=free,
            in_use=size - free,
            waiting=self._waiting,
            min_size=pool.get_min_size(),
            max_size=pool.get_max_size(),
        )

    def _unit_key(self) -> object:
        return self._pool

    def _serves(self, held: _Kind, wanted: _Kind) -> bool:
        return True

    async def _acquire(self, kind: _Kind) -> PostgresConnection:
        if self._closed:
            raise DatabaseClosedError("the database was closed")
        pool = self._pool
        self._waiting += 1
        try:
            # asyncpg's own time limit would cost a task.
            async with asyncio.timeout(self._acquire_timeout):
                proxy = await pool.acquire()
        except TimeoutError as error:
            if pool.get_size() < pool.get_max_size():
                raise DatabaseUnavailableError(
                    f"cannot connect: no answer within {self._acquire_timeout:g} s"
                ) from error
            raise PoolTimeoutError(
                f"no connection became free within {self._acquire_timeout:g} s: all "
                f"{pool.get_max_size()} are in use (see ARAGORA_POSTGRES_POOL_MAX)"
            ) from error
        except asyncpg.InterfaceError as error:
            raise DatabaseClosedError(f"the pool is not open: {error}") from error
        except _UNREACHABLE as error:
            raise DatabaseUnavailableError(f"cannot connect: {_reason(error)}") from error
        finally:
            self._waiting -= 1
        # asyncpg's proxy passes on what only our own connection class has.
        if hasattr(proxy, "skip_next_reset"):
            proxy.skip_next_reset(True)
            return PostgresConnection(proxy, "ours")
        try:
            return PostgresConnection(proxy, await self._find_json_codec(proxy))
        except BaseException:
            await pool.release(proxy)
            raise

    async def _find_json_codec(self, proxy: _Proxy) -> _JSONCodec:
        """Find out once whether the application's pool has a jsonb codec."""
        if self._json_codec is None:
            try:
                probe = await proxy.fetchval("SELECT '[]'::jsonb")
            except Exception as error:
                raise _translate(error, "jsonb probe") from error
            self._json_codec = "none" if isinstance(probe, str) else "application's"
        return self._json_codec

    async def _release(self, connection: Connection) -> None:
        if not isinstance(connection, PostgresConnection):
            raise TypeError("not a PostgreSQL connection")
        try:
            await self._pool.release(connection._proxy, timeout=RELEASE_TIMEOUT)
        except Exception as error:
            # asyncpg has closed the connection; what it was used for is over.
            log.warning("a connection was dropped when it was released: %s", _reason(error))


_NOTIFY = Statement("notify", "SELECT pg_notify($1, $2)")
# What health asks: where a role sees no row, all tables look empty to it and every read is "good".
_HIDDEN = Statement(
    "health",
    "SELECT current_user::text AS role, pg_get_userbyid(c.relowner)::text AS owner "
    "FROM pg_catalog.pg_class AS c "
    "WHERE c.oid = to_regclass('_schema_versions') AND row_security_active(c.oid) "
    "AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_policy AS y CROSS JOIN LATERAL "
    "unnest(y.polroles) AS r (role) WHERE y.polrelid = c.oid "
    "AND (r.role = 0 OR pg_has_role(r.role, 'USAGE')))",
)

# What listens beside the pools.
_watches: WeakSet[ListeningWatch] = WeakSet()

_UNREACHABLE = (
    OSError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalServerError,
    asyncpg.ConnectionFailureError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.ProtocolViolationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,
)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _translate(error: Exception, name: str) -> Exception:
    """Return this package's exception for one of asyncpg's; ``name`` is the query."""
    if isinstance(error, asyncpg.DataError) and error.severity is None:
        # It is not the server's: asyncpg could not encode an argument.
        if isinstance(error.__cause__, InvalidInputError):
            return error.__cause__
        return InvalidInputError(name, _without_value(error))
    if isinstance(error, asyncpg.PostgresError):
        return _from_sqlstate(error, name)
    if isinstance(error, asyncpg.InterfaceError) and (
        "clos" in str(error) or "released" in str(error)
    ):
        return ConnectionLostError(f"{name}: {error}")
    if isinstance(error, asyncpg.InternalClientError):
        # What asyncpg says when the server ended the connection in the middle of something.
        return ConnectionLostError(f"{name}: {error}")
    if isinstance(error, asyncpg.InterfaceError):
        return DatabaseError(f"{name}: {error}")
    if isinstance(error, TimeoutError):
        return StatementTimeoutError(f"{name}: ran longer than the statement timeout")
    if isinstance(error, OSError):
        return ConnectionLostError(f"{name}: {_reason(error)}")
    return DatabaseError(f"{name}: {type(error).__name__}: {error}")


_BY_SQLSTATE: dict[str, type[DatabaseError]] = {
    "23505": DuplicateKeyError,
    "23P01": DuplicateKeyError,
    "23503": MissingParentError,
    "23514": CheckViolationError,
    "23502": NotNullViolationError,
    "55P03": LockTimeoutError,
    "57014": StatementTimeoutError,
    "40001": ConflictError,
    "40P01": ConflictError,
    "57P01": ConnectionLostError,
    "57P02": ConnectionLostError,
    "57P03": DatabaseUnavailableError,
    "57P05": ConnectionLostError,
    "25P03": ConnectionLostError,
}
_BY_SQLSTATE_CLASS: dict[str, type[DatabaseError]] = {
    "08": ConnectionLostError,
    "23": IntegrityError,
}


def _from_sqlstate(error: asyncpg.PostgresError, name: str) -> AragoraSQLError:
    state = error.sqlstate or ""
    # The detail, which str(error) would add, shows rows.
    message = str(error.args[0]) if error.args else type(error).__name__
    if state.startswith("22"):
        # invalid input syntax for type uuid: "the value"
        return InvalidInputError(name, message.partition(': "')[0])
    if state == "42P01":
        return DatabaseError(f"{name}: {error} (was the store initialized?)")
    kind = _BY_SQLSTATE.get(state) or _BY_SQLSTATE_CLASS.get(state[:2], DatabaseError)
    return kind(f"{name}: {message}")


def _without_value(error: asyncpg.DataError) -> str:
    # "invalid input for query argument $3: 'the value' (what was expected)"
    text = str(error)
    position = text.partition(":")[0]
    _, bracket, expectation = text.rpartition("(")
    return f"{position} ({expectation}" if bracket else position


async def _close_pool(pool: Pool) -> None:
    """Close a pool in an orderly way, or at once when the server does not answer."""
    await close_all([watch for watch in _watches if watch.owner is pool])
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await pool.close()
    except TimeoutError:
        pool.terminate()


# One pool per event loop and DSN: a pool can't be used from another loop.
_pools: dict[asyncio.AbstractEventLoop, dict[PostgresDSN, Pool]] = {}
_pool_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def get_postgres_pool(
    dsn: str | None = None, min_size: int | None = None, max_size: int | None = None
) -> Pool:
    """Return the process's pool for a DSN, opening it at the first call.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``; the sizes are numbers of
    connections and count at the first call. Safe to call from several tasks at once. Raises
    :class:`DSNNotConfiguredError`, :class:`ConfigurationError` or
    :class:`DatabaseUnavailableError`.
    """
    parsed = dsn_from_env() if dsn is None else PostgresDSN.parse(dsn)
    if parsed is None:
        raise DSNNotConfiguredError
    loop = asyncio.get_running_loop()
    forget_closed_loops(_pools)
    pools = _pools.setdefault(loop, {})
    async with _pool_locks.setdefault(loop, asyncio.Lock()):
        pool = pools.get(parsed)
        if pool is None or pool.is_closing():
            pool = pools[parsed] = await create_pool(parsed, min_size, max_size)
        elif (min_size or pool.get_min_size(), max_size or pool.get_max_size()) != (
            pool.get_min_size(),
            pool.get_max_size(),
        ):
            log.warning(
                "the pool for %s is open already with %d to %d connections: other sizes are not "
                "applied",
                parsed,
                pool.get_min_size(),
                pool.get_max_size(),
            )
        return pool


async def close_postgres_pool() -> None:
    """Close every pool that :func:`get_postgres_pool` opened. Closing twice is harmless.

    Pools that the application made are not touched.
    """
    loop = asyncio.get_running_loop()
    async with _pool_locks.setdefault(loop, asyncio.Lock()):
        pools = _pools.get(loop, {})
        while pools:
            _, pool = pools.popitem()
            await _close_pool(pool)
