"""Pools of PostgreSQL connections: how they are opened, and those that a process shares."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

import asyncpg

from aragora_sql.database.base import forget_closed_loops
from aragora_sql.database.counts import PoolCounts
from aragora_sql.database.listening import ListeningWatch, close_all
from aragora_sql.database.ownership import emptied_by_fork
from aragora_sql.database.postgres_errors import cannot_connect, reason
from aragora_sql.database.postgres_poolers import SessionFinder
from aragora_sql.database.time_limits import TimeLimit
from aragora_sql.database.values import EncodedJSON, dump_json, load_json, load_jsonb
from aragora_sql.dsn import OWN_OPTIONS, PostgresDSN
from aragora_sql.errors import (
    AragoraSQLError,
    ConfigurationError,
    DSNNotConfiguredError,
    InvalidInputError,
)
from aragora_sql.secret_store import off_loop
from aragora_sql.settings import dsn_from_env, pool_sizes, replicas_from_env

__all__ = [
    "Pool",
    "close_pool",
    "close_postgres_pool",
    "create_pool",
    "get_postgres_pool",
    "ignored_options",
    "release_at_once",
    "take_idle",
    "unreplicated",
]

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    BaseConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    _Proxy: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    BaseConnection = asyncpg.Connection

log = logging.getLogger(__name__)

DEFAULT_STATEMENT_TIMEOUT = 60.0
DEFAULT_CONNECT_TIMEOUT = 10.0
# How long a pool may take to close, in seconds: with units of work that are open, and without.
CLOSE_TIMEOUT = 10.0
IDLE_CLOSE_TIMEOUT = 2.0

# URI options that libpq knows and asyncpg would send to the server as settings.
_IGNORED_OPTIONS = frozenset(
    {
        *OWN_OPTIONS,
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)
_REFUSED_OPTIONS = {"channel_binding": {"disable", "prefer"}, "require_auth": set[str]()}


# Connections on which the server has said that it no longer waits for a standby: empty, mostly.
unreplicated: set[BaseConnection] = set()
# Where in the server's source that is said; the text is in the server's language.
_STOPPED_WAITING = "SyncRepWaitForLSN"


class SessionConnection(BaseConnection):
    """A connection that can skip the reset query at its next release.

    The reset costs one round trip per unit of work, and named queries leave no session state.
    A connection that the application takes from the pool itself still gets the full reset.
    """

    _skip_next_reset = False
    _settings = ""
    # Whether other clients use the same session: behind a transaction pooler, where neither named
    # prepared statements nor LISTEN nor settings work.
    shares_session = False
    _stmt_cache_enabled: bool
    _protocol: Any
    _top_xact: Any
    # That of the statements of a unit of work, which is cheaper than the driver's.
    time_limit: TimeLimit | None = None
    _config: Any
    _limited: Any
    _unlimited: Any

    # What stands for a stored document that can't be decoded, while somebody looks for it.
    _undecodable: object = None

    @contextmanager
    def finding_undecodable(self, found: object) -> Iterator[None]:
        """Have documents that can't be decoded read as ``found`` while the block lasts."""
        self._undecodable = found
        try:
            yield
        finally:
            self._undecodable = None

    def decode_json(self, text: str) -> Any:
        """Return a document; raises ValueError or RecursionError where it can't be decoded."""
        try:
            return load_json(text)
        except (ValueError, RecursionError):
            if self._undecodable is None:
                raise
            return self._undecodable

    def decode_jsonb(self, data: bytes) -> Any:
        """Do the same for what the server sends in binary form: a version, and text."""
        try:
            return load_jsonb(data)
        except (ValueError, RecursionError):
            if self._undecodable is None:
                raise
            return self._undecodable

    def _process_log_message(self, fields: Any, last_query: str) -> None:
        # Not a listener: asyncpg warns of one when the connection is given back. Its version is
        # bounded in pyproject.toml.
        if fields.get("R") == _STOPPED_WAITING:
            unreplicated.add(self)
        super()._process_log_message(fields, last_query)  # type: ignore[misc]

    @property
    def needs_nothing(self) -> bool:
        """Whether the next unit of work may have it without a question to the server before."""
        protocol = self._protocol
        return (
            self._skip_next_reset
            and protocol is not None
            and not self.is_closed()
            and not protocol.is_in_transaction()
            and not protocol._is_cancelling()
            and self._top_xact is None
        )

    def skip_next_reset(self, skip: bool) -> None:
        self._skip_next_reset = skip

    def limit_statements(self, seconds: float) -> None:
        """Limit the time of each statement."""
        self.time_limit = TimeLimit(seconds)
        self._limited = self._config._replace(command_timeout=seconds)
        self._unlimited = self._config._replace(command_timeout=None)

    def limit_by_driver(self, wanted: bool) -> None:
        """Have the driver limit the time of statements, for those who call it by themselves."""
        # The driver asks for it at each statement; its version is bounded in pyproject.toml.
        self._config = self._limited if wanted else self._unlimited

    def share_session(self) -> None:
        """Use no named prepared statement from here on."""
        self.shares_session = True
        # asyncpg takes it as an argument of connect(), when it can't be known yet; its version is
        # bounded in pyproject.toml.
        self._stmt_cache_enabled = False

    @contextmanager
    def without_named_statements(self) -> Iterator[None]:
        """Run statements without a name while the block lasts."""
        enabled, self._stmt_cache_enabled = self._stmt_cache_enabled, False
        try:
            yield
        finally:
            self._stmt_cache_enabled = enabled

    async def change_settings(self, sql: str) -> None:
        """Run SET statements, now and after each reset."""
        await self.execute(sql)
        self._settings = sql

    def get_reset_query(self) -> str:
        self.limit_by_driver(True)
        if self._skip_next_reset:
            self._skip_next_reset = False
            return ""
        temporary = "" if self.shares_session else "DISCARD TEMP;"
        return f"{super().get_reset_query()}\n{temporary}\n{self._settings}".strip()


def take_idle(pool: Pool) -> _Proxy | None:
    """Take a connection that is free and ready at once; None: ask the pool, and wait for it.

    It does what ``await pool.acquire()`` does in this case, without a timer and the steps in
    between, for pools that :func:`create_pool` opened. What is used of the driver is its own: its
    version is bounded in pyproject.toml.
    """
    internals: Any = pool
    queue = internals._queue
    if internals._closing or internals._closed or not internals._initialized or queue.empty():
        return None
    holder = queue.get_nowait()
    connection = holder._con
    if (
        connection is None
        or connection.is_closed()
        or holder._generation != internals._generation
        or holder._setup is not None
    ):
        queue.put_nowait(holder)
        return None
    holder._maybe_cancel_inactive_callback()
    holder._proxy = proxy = asyncpg.pool.PoolConnectionProxy(holder, connection)
    holder._in_use = internals._loop.create_future()
    holder._timeout = None
    return proxy


@dataclass(frozen=True, slots=True)
class SetUp:
    """What prepares each new connection of a pool that :func:`create_pool` opened.

    ``limit`` is how long that may take, ``statement_timeout`` how long a statement may, in seconds.
    ``counts`` is what was asked of the pool.
    """

    dsn: PostgresDSN
    sessions: SessionFinder
    limit: float
    statement_timeout: float
    counts: PoolCounts = field(default_factory=PoolCounts)
    # What reads replicas, or one of them; None where all goes to one server.
    side: Any = None

    async def __call__(self, connection: BaseConnection) -> None:
        try:
            async with asyncio.timeout(self.limit):
                await self._prepare(connection)
        except TimeoutError:
            # asyncpg closes it, and would wait for the answer: a pooler accepts whom it has no
            # connection for.
            connection.terminate()
            raise

    async def _prepare(self, connection: BaseConnection) -> None:
        if isinstance(connection, SessionConnection):
            connection.limit_statements(self.statement_timeout)
            await _set_codecs(connection)
            await self.sessions.set_up(connection)
            # The planner expects a search of a large table to cost so much that it would compile it
            # first, which takes ten times as long as the search. Not a startup parameter: PgBouncer
            # refuses those.
            if not connection.shares_session and not self.dsn.option("jit"):
                await connection.change_settings("SET jit = off;")
            if self.side is not None:
                await self.side.prepared(connection)


def release_at_once(proxy: Any) -> Awaitable[None] | None:
    """Return what gives a connection back to its pool without waiting; None where it has to wait.

    ``pool.release()`` makes a task, so that a cancellation does not stop it halfway: a sixth of
    the time of a short unit of work. Where nothing is asked of the server there is no halfway.
    """
    # What asyncpg's own release() does; its version is bounded in pyproject.toml.
    connection, holder = proxy._con, proxy._holder
    if (
        # By its attribute: to asyncpg each connection is an instance of each class of connections.
        not getattr(connection, "needs_nothing", False)
        or holder._generation != holder._pool._generation
        or connection._protocol.queries_count >= holder._max_queries
    ):
        return None
    connection._on_release()
    released: Awaitable[None] = holder.release(None)
    return released


def set_up_of(pool: Pool) -> SetUp | None:
    """Return what is known of a pool; None for an application's own."""
    known = pool._init  # type: ignore[attr-defined]
    return known if isinstance(known, SetUp) else None


def _encode_jsonb(value: Any) -> bytes:
    encoded: str = value if type(value) is EncodedJSON else dump_json(value)
    return b"\x01" + encoded.encode()


async def _set_codecs(connection: SessionConnection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_encode_jsonb,
        decoder=connection.decode_jsonb,
        format="binary",
    )
    await connection.set_type_codec(
        "json",
        schema="pg_catalog",
        encoder=dump_json,
        decoder=connection.decode_json,
        format="text",
    )


async def create_pool(
    dsn: PostgresDSN | str,
    min_size: int | None = None,
    max_size: int | None = None,
    *,
    statement_timeout: float = DEFAULT_STATEMENT_TIMEOUT,
    side: Any = None,
) -> Pool:
    """Open a pool that is ready for stores: JSON codecs, no JIT, fit for the server's pooler.

    Sizes are connections (defaults: the DSN's ``connection_limit``, then those of
    :mod:`aragora_sql.settings`), ``statement_timeout`` is in seconds. Behind a transaction pooler
    no named prepared statement is used: it is known by port 6543 or ``?pgbouncer=true``, else found
    out. ``side`` gives the class of the connections and gets each new one: see
    :mod:`aragora_sql.database.postgres_routing`. Raises :class:`ConfigurationError` for a DSN that
    can't be used and :class:`DatabaseUnavailableError` when the server can't be reached.
    """
    if isinstance(dsn, str):
        dsn = PostgresDSN.parse(dsn)
    limit = dsn.number("connection_limit")
    minimum, maximum = pool_sizes(
        min_size=min_size, max_size=limit if max_size is None else max_size
    )
    dsn.number("pool_timeout")
    dsn.check_files()
    connect_timeout = float(dsn.number("connect_timeout") or DEFAULT_CONNECT_TIMEOUT)
    options: dict[str, Any] = {
        "dsn": dsn.uri(without=ignored_options(dsn)),
        "timeout": connect_timeout,
        "server_settings": (
            {} if dsn.option("application_name") else {"application_name": "aragora-sql"}
        ),
    }

    async def connect_another() -> BaseConnection:
        return await asyncpg.connect(statement_cache_size=0, command_timeout=5.0, **options)

    is_shared = dsn.transaction_pooling or (False if dsn.named_pooling is False else None)
    sessions = SessionFinder(str(dsn), connect_another, is_shared)

    try:
        return await asyncpg.create_pool(
            min_size=minimum,
            max_size=maximum,
            init=SetUp(dsn, sessions, connect_timeout, statement_timeout, side=side),
            connection_class=getattr(side, "connection_class", SessionConnection),
            connect=getattr(side, "connect", None),
            statement_cache_size=0 if is_shared else 1000,
            command_timeout=statement_timeout,
            **options,
        )
    except AragoraSQLError:
        raise
    except Exception as error:
        raise cannot_connect_to(dsn, error) from error


def cannot_connect_to(dsn: PostgresDSN, error: Exception) -> AragoraSQLError:
    """Return the exception for a connection to a DSN that could not be opened."""
    text = reason(error)
    unknown = re.search(
        r'(?:unrecognized configuration|unsupported startup) parameter:? "?([\w.]+)', text
    )
    if unknown is not None and "unrecognized" in text:
        return dsn.unknown_option(unknown[1])
    ours = cannot_connect(error, str(dsn))
    if dsn.password and dsn.password in str(ours):
        ours.args = (str(ours).replace(dsn.password, "***"),)
    return ours


def ignored_options(dsn: PostgresDSN) -> frozenset[str]:
    """Return the options of a DSN that asyncpg must not see. Raises :class:`ConfigurationError`."""
    dropped = set(_IGNORED_OPTIONS)
    for name, harmless in _REFUSED_OPTIONS.items():
        value = dsn.option(name)
        if value is not None and value not in harmless:
            raise ConfigurationError(
                f"{dsn}: asyncpg can't honour {name}={value}; take the option out of the DSN"
            )
        dropped.add(name)
    return frozenset(dropped)


# The watches that listen on connections outside the pools.
watches: WeakSet[ListeningWatch] = WeakSet()


async def close_pool(pool: Pool) -> None:
    """Close a pool, and within a time limit also when the server does not answer.

    Units of work that are open may finish first.
    """
    await close_all([watch for watch in watches if watch.owner is pool])
    facts = set_up_of(pool)
    if facts is not None and hasattr(facts.side, "replicas"):
        await facts.side.close()
    is_idle = pool.get_size() == pool.get_idle_size()
    try:
        async with asyncio.timeout(IDLE_CLOSE_TIMEOUT if is_idle else CLOSE_TIMEOUT):
            await pool.close()
    except TimeoutError:
        pool.terminate()
    except asyncpg.InterfaceError as error:
        # Somebody else has closed it, or it never was opened.
        log.debug("%s", error)
    except OSError as error:
        log.warning("a connection was dropped when its pool was closed: %s", reason(error))
        pool.terminate()


def check_pool(pool: object) -> None:
    """Raise :class:`InvalidInputError` for what is not a pool. The message repeats no DSN."""
    if isinstance(pool, asyncpg.Pool):
        return
    if inspect.iscoroutine(pool):
        # it will never be awaited, which Python would warn of
        pool.close()
        problem = (
            "a coroutine was given: put `await` before the call, as in "
            "pool = await get_postgres_pool()"
        )
    elif isinstance(pool, str | PostgresDSN):
        problem = (
            "a text was given: `await get_postgres_pool(dsn)` opens a pool, "
            "`await PostgresDatabase.connect(dsn)` a database"
        )
    else:
        problem = f"a pool of asyncpg is needed, not {type(pool).__name__}"
    raise InvalidInputError("pool", problem)


# One pool per event loop and DSN: a pool can't be used from another loop.
_pools: dict[asyncio.AbstractEventLoop, dict[PostgresDSN, Pool]] = {}
emptied_by_fork(_pools)
_pool_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def get_postgres_pool(
    dsn: str | None = None, min_size: int | None = None, max_size: int | None = None
) -> Pool:
    """Return the process's pool for a DSN, opening it at the first call.

    ``dsn`` defaults to ``DATABASE_URL``, then ``ARAGORA_POSTGRES_DSN``; the sizes are numbers of
    connections and count at the first call. Where it is the environment's, its replicas
    (``ARAGORA_POSTGRES_REPLICAS``) serve reads. Safe to call from several tasks at once. Raises
    :class:`DSNNotConfiguredError`, :class:`ConfigurationError` or
    :class:`DatabaseUnavailableError`.
    """
    parsed = await off_loop(dsn_from_env) if dsn is None else PostgresDSN.parse(dsn)
    if parsed is None:
        raise DSNNotConfiguredError
    loop = asyncio.get_running_loop()
    forget_closed_loops(_pools)
    pools = _pools.setdefault(loop, {})
    async with _pool_locks.setdefault(loop, asyncio.Lock()):
        pool = pools.get(parsed)
        if pool is None or pool.is_closing():
            replicas = await off_loop(lambda: replicas_from_env(parsed))
            if replicas is None:
                pool = await create_pool(parsed, min_size, max_size)
            else:
                from aragora_sql.database.postgres_routing import open_routed_pool

                pool = await open_routed_pool(
                    parsed,
                    min_size,
                    max_size,
                    replicas,
                    statement_timeout=DEFAULT_STATEMENT_TIMEOUT,
                )
            pools[parsed] = pool
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
