"""PostgreSQL: connections and units of work on an asyncpg pool.

Only the modules of this name (``postgres*.py``) import asyncpg.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from aragora_sql.errors import BackendDriverMissingError

try:
    import asyncpg
except ImportError as error:  # pragma: no cover - asyncpg is a dependency of this package
    raise BackendDriverMissingError("PostgreSQL", "asyncpg") from error

from aragora_sql.database.base import Connection, Database, PoolMetrics, Row
from aragora_sql.database.listening import ListeningWatch
from aragora_sql.database.postgres_errors import UNREACHABLE, reason, translate
from aragora_sql.database.postgres_pool import (
    DEFAULT_STATEMENT_TIMEOUT,
    BaseConnection,
    Pool,
    PooledConnection,
    close_pool,
    close_postgres_pool,
    create_pool,
    get_postgres_pool,
    watches,
)
from aragora_sql.database.statement import Statement
from aragora_sql.database.units_of_work import Kind, refuse_within_a_unit
from aragora_sql.database.values import EncodedJSON, check_text, dump_json, load_json
from aragora_sql.errors import (
    DatabaseClosedError,
    DatabaseUnavailableError,
    InvalidInputError,
    PoolTimeoutError,
)
from aragora_sql.settings import PostgresDSN

if TYPE_CHECKING:
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

_NOTIFY = Statement("notify", "SELECT pg_notify($1, $2)")


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
                raise translate(error, statement.name) from error
        return [self._row(statement, record) for record in records]

    async def fetch_one(self, statement: Statement, arguments: Sequence[Any]) -> Row | None:
        async with self.lock:
            arguments = self._prepare(statement, arguments)
            try:
                record = await self._proxy.fetchrow(statement.sql, *arguments)
            except Exception as error:
                raise translate(error, statement.name) from error
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
                raise translate(error, statement.name) from error
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
                raise translate(error, statement.name) from error

    async def run_script(self, name: str, sql: str) -> None:
        async with self.lock:
            try:
                await self._proxy.execute(sql)
            except Exception as error:
                raise translate(error, name) from error

    def _fork(self) -> PostgresConnection:
        return PostgresConnection(self._proxy, self._json_codec)

    async def _begin(self) -> None:
        transaction = self._proxy.transaction()
        try:
            # asyncpg accepts a cancellation of a transaction only where it was entered as a block.
            await transaction.__aenter__()
        except Exception as error:
            raise translate(error, "BEGIN") from error
        self._transaction = transaction

    async def _commit(self) -> None:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        try:
            await self._transaction.__aexit__(None, None, None)
        except Exception as error:
            raise translate(error, "COMMIT") from error

    async def _rollback(self) -> None:
        if self._transaction is None:
            raise RuntimeError("no transaction was begun")
        try:
            await self._transaction.__aexit__(BaseException, None, None)
        except Exception as error:
            raise translate(error, "ROLLBACK") from error


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

    def watch(self, channel: str) -> ListeningWatch:
        pool = self._pool

        async def connect() -> BaseConnection | None:
            if self._closed or pool.is_closing():
                raise DatabaseClosedError("the database was closed")
            try:
                # A connection like the pool's that takes none of its places. This is asyncpg's
                # own way to make one; its version is bounded in pyproject.toml.
                connection: BaseConnection = await pool._get_new_connection()  # type: ignore[attr-defined]
            except UNREACHABLE as error:
                raise DatabaseUnavailableError(f"cannot connect: {reason(error)}") from error
            # isinstance() takes any of asyncpg's connections for any other.
            if type(connection) is PooledConnection:
                await connection.close()
                return None
            return connection

        watch = ListeningWatch(channel, connect, self._notify, owner=pool)
        watches.add(watch)
        return watch

    async def _notify(self, channel: str, message: str) -> None:
        async with self.connection() as connection:
            await connection.fetch_all(_NOTIFY, (channel, message))

    async def close(self) -> None:
        refuse_within_a_unit(self._unit_key())
        if self._owns_pool and not self._closed:
            self._closed = True
            await close_pool(self._pool)
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

    def _serves(self, held: Kind, wanted: Kind) -> bool:
        return True

    async def _acquire(self, kind: Kind) -> PostgresConnection:
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
        except UNREACHABLE as error:
            raise DatabaseUnavailableError(f"cannot connect: {reason(error)}") from error
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
                raise translate(error, "jsonb probe") from error
            self._json_codec = "none" if isinstance(probe, str) else "application's"
        return self._json_codec

    async def _release(self, connection: Connection) -> None:
        if not isinstance(connection, PostgresConnection):
            raise TypeError("not a PostgreSQL connection")
        try:
            await self._pool.release(connection._proxy, timeout=RELEASE_TIMEOUT)
        except Exception as error:
            # asyncpg has closed the connection, and its unit of work has finished.
            log.warning("a connection was dropped when it was released: %s", reason(error))
