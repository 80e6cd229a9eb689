"""Pools of PostgreSQL connections: how they are opened, and those that a process shares."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

import asyncpg

from aragora_sql.database.base import forget_closed_loops
from aragora_sql.database.listening import ListeningWatch, close_all
from aragora_sql.database.postgres_errors import UNREACHABLE, reason
from aragora_sql.database.values import dump_json, load_json
from aragora_sql.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    DSNNotConfiguredError,
)
from aragora_sql.settings import PostgresDSN, dsn_from_env, pool_sizes

__all__ = ["Pool", "close_pool", "close_postgres_pool", "create_pool", "get_postgres_pool"]

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    BaseConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    BaseConnection = asyncpg.Connection

log = logging.getLogger(__name__)

DEFAULT_STATEMENT_TIMEOUT = 60.0
DEFAULT_CONNECT_TIMEOUT = 10.0
# How long a pool may take to close, in seconds.
CLOSE_TIMEOUT = 10.0

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


class SessionConnection(BaseConnection):
    """A connection that can skip the reset query at its next release.

    The reset costs one round trip per unit of work, and named queries leave no session state.
    A connection that the application takes from the pool itself still gets the full reset.
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


class PooledConnection(SessionConnection):
    """A connection to a transaction pooler, where LISTEN does not work."""


async def _set_up(connection: BaseConnection) -> None:
    """Prepare a new connection of our pool that is not behind a transaction pooler."""
    await _set_codecs(connection)
    # The planner expects a search of a large table to cost so much that it would compile it first,
    # which takes ten times as long as the search. Not a startup parameter: PgBouncer refuses those.
    if isinstance(connection, SessionConnection):
        await connection.change_settings("SET jit = off;")


async def _set_codecs(connection: BaseConnection) -> None:
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
            connection_class=PooledConnection if dsn.transaction_pooling else SessionConnection,
            statement_cache_size=0 if dsn.transaction_pooling else 1000,
            command_timeout=statement_timeout,
            timeout=_connect_timeout(dsn),
            server_settings=(
                {} if dsn.option("application_name") else {"application_name": "aragora-sql"}
            ),
        )
    except asyncpg.ClientConfigurationError as error:
        raise ConfigurationError(f"{dsn}: {error}") from error
    except UNREACHABLE as error:
        raise DatabaseUnavailableError(f"cannot connect to {dsn}: {reason(error)}") from error


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


# The watches that listen on connections outside the pools.
watches: WeakSet[ListeningWatch] = WeakSet()


async def close_pool(pool: Pool) -> None:
    """Close a pool, and within a time limit also when the server does not answer."""
    await close_all([watch for watch in watches if watch.owner is pool])
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
            await close_pool(pool)
