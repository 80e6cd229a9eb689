"""How a database is, as a health endpoint has to answer: with a status and the reasons for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from aragora_sql.database import Database, Health, PoolMetrics
from aragora_sql.database.limits import within
from aragora_sql.database.replicas import ReplicaState
from aragora_sql.errors import AragoraSQLError
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import packaged_sql_dir, sql_dir
from aragora_sql.schema import latest_version, store_names
from aragora_sql.schema.rights import present_versions, version_queries

__all__ = ["DatabaseState", "Inspector", "Replica", "StoreState", "operation_queries"]

Status = Literal["healthy", "degraded", "unhealthy"]
SchemaWord = Literal["current", "absent", "older", "newer", "unknown"]

DEFAULT_TIMEOUT = 3.0
DEFAULT_MAX_LAG = 30.0
# For so long one look answers everybody who asks, in seconds.
KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StoreState:
    """Which version of a store's schema the database has (None: none), and which it should have."""

    name: str
    version: int | None
    latest: int
    word: SchemaWord

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        return {
            "healthy": self.word == "current",
            "status": self.word,
            "version": self.version,
            "latest": self.latest,
        }


@dataclass(frozen=True, slots=True)
class Replica:
    """A server that follows this one, and how far behind; None where it can't be known."""

    name: str
    address: str
    state: str
    lag_seconds: float | None
    lag_bytes: int | None


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What one look at a database found.

    ``reasons`` say in sentences why it is not healthy; there are none when it is. ``replicas`` are
    the servers that the primary knows of, ``routes`` those that reads of this process may go to.
    """

    status: Status
    reasons: tuple[str, ...]
    health: Health
    metrics: PoolMetrics
    stores: tuple[StoreState, ...]
    replicas: tuple[Replica, ...]
    seconds: float
    routes: tuple[ReplicaState, ...] = ()

    @property
    def schema(self) -> SchemaWord:
        """How the schema is: as its worst store."""
        words: list[SchemaWord] = ["unknown", "absent", "older", "newer"]
        found = {store.word for store in self.stores}
        return next((word for word in words if word in found), "current")

    @property
    def connected(self) -> bool:
        """Whether the database answered."""
        return self.health.latency_ms is not None


class Inspector:
    """Looks at a database, once for all who ask within a second, and never for longer than told.

    ``stores`` are those that have to be there (default: all of the SQL files), ``timeout`` is how
    many seconds a look may take, ``max_lag`` how many seconds a replica's data may be behind.
    """

    def __init__(
        self,
        database: Database,
        stores: Sequence[str] | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        max_lag: float = DEFAULT_MAX_LAG,
    ) -> None:
        root, dialect = sql_dir(), database.dialect
        self._database = database
        self._latest = {
            name: latest_version(name, dialect, root)
            for name in (store_names(dialect, root) if stores is None else stores)
        }
        self._queries = version_queries(dialect, root)
        self._timeout = timeout
        self._max_lag = max_lag
        self._turn = asyncio.Lock()
        self._last: tuple[float, DatabaseState] | None = None
        self._was_current = False

    async def look(self) -> DatabaseState:
        """Return how the database is; never raises for what is wrong with it."""
        async with self._turn:
            if self._last is not None and time.monotonic() < self._last[0]:
                return self._last[1]
            state = await self._look()
            self._was_current = self._was_current or state.schema == "current"
            self._last = time.monotonic() + KEPT_SECONDS, state
            return state

    def is_ready(self, state: DatabaseState) -> bool:
        """Tell whether work may be sent here: the database answers, and the schema is current.

        A schema that a later release has upgraded meanwhile does not count: this one still works.
        """
        is_usable = state.schema == "current" or (self._was_current and state.schema == "newer")
        return state.connected and state.health.ok and is_usable

    async def _look(self) -> DatabaseState:
        started = time.perf_counter()
        found = await self._ask(self._database, self._timeout / 2)
        metrics = self._database.metrics()
        # Of SQLite's connections one is the writer's, which no question waits for.
        most = max(metrics.max_size - (self._database.dialect == "sqlite"), 1)
        is_full = metrics.in_use >= most and (metrics.waiting > 0 or not found.health.ok)
        reasons = []
        if is_full:
            reasons.append(
                f"the pool is exhausted: {metrics.in_use} connections are in use, and "
                f"{metrics.waiting} units of work wait"
            )
            if not found.health.ok:
                # Over a connection of its own: is the server there?
                found = await self._ask_again(found)
        health, routes = found.health, self._database.replicas()
        if not health.ok:
            reasons.append(health.error or "the database does not answer")
        reasons += self._faults(found)
        reasons += [
            f"no read goes to replica {one.name} ({one.word}): {one.problem}"
            for one in routes
            if one.problem is not None
        ]
        return DatabaseState(
            status=self._status(found, reasons),
            reasons=tuple(reasons),
            health=health,
            metrics=metrics,
            stores=found.stores,
            replicas=found.replicas,
            seconds=time.perf_counter() - started,
            routes=routes,
        )

    def _status(self, found: _Found, reasons: Sequence[str]) -> Status:
        words = {store.word for store in found.stores}
        if not found.health.ok or words & {"unknown", "absent", "older"}:
            return "unhealthy"
        return "degraded" if reasons else "healthy"

    def _faults(self, found: _Found) -> list[str]:
        reasons = [found.problem] if found.problem is not None else []
        for word in ("absent", "older", "newer"):
            wrong = [store for store in found.stores if store.word == word]
            if wrong:
                named = ", ".join(
                    store.name
                    if store.version is None
                    else f"{store.name} {store.version} instead of {store.latest}"
                    for store in wrong
                )
                reasons.append(f"the schema is {word}: {named}; {_REMEDIES[word]}")
        health = found.health
        if health.ok and health.role == "standby":
            if health.lag_seconds is None:
                reasons.append("this replica has not received a transaction yet")
            elif health.lag_seconds > self._max_lag:
                reasons.append(f"this replica is {health.lag_seconds:.0f} s behind")
        elif health.ok and health.is_read_only and health.dialect == "postgres":
            reasons.append("the server takes no writes (default_transaction_read_only is on)")
        reasons += [
            f"replica {one.name!r} ({one.address}) is {one.lag_seconds:.0f} s behind"
            for one in found.replicas
            if one.lag_seconds is not None and one.lag_seconds > self._max_lag
        ]
        return reasons

    async def _ask_again(self, found: _Found) -> _Found:
        """Ask once more over a connection outside the pool, where there can be one."""
        other: Database | None = None

        async def ask() -> _Found:
            nonlocal other
            other = await self._database.open_again()
            return found if other is None else await self._ask(other, self._timeout)

        try:
            return await within(self._timeout, ask())
        except (AragoraSQLError, TimeoutError):
            return found
        finally:
            if other is not None:
                with suppress(AragoraSQLError, TimeoutError):
                    await within(self._timeout, other.close())

    async def _ask(self, database: Database, timeout: float) -> _Found:
        deadline = time.monotonic() + timeout
        health = await database.health(timeout)
        found = _Found(health, self._stores(None), ())
        if not health.ok:
            return found
        try:
            return await within(max(deadline - time.monotonic(), 0.0), self._read(database, found))
        except TimeoutError:
            found.problem = f"the versions of the schema were not read within {timeout:g} s"
        except AragoraSQLError as error:
            found.problem = str(error)
        return found

    async def _read(self, database: Database, found: _Found) -> _Found:
        async with database.read(fresh=True) as connection:
            versions = await present_versions(connection, self._queries)
            replicas: list[Replica] = []
            if database.dialect == "postgres" and found.health.role == "primary":
                rows = operation_queries().list_replicas(connection)
                replicas = [
                    Replica(
                        row["replica"],
                        row["address"],
                        row["state"],
                        row["lag_seconds"],
                        row["lag_bytes"],
                    )
                    async for row in rows
                ]
        return _Found(found.health, self._stores(versions), tuple(replicas))

    def _stores(self, versions: dict[str, int] | None) -> tuple[StoreState, ...]:
        """Compare versions with those of the files; None: they are not known."""
        states = []
        for name, latest in self._latest.items():
            version = None if versions is None else versions.get(name)
            word: SchemaWord = "current"
            if versions is None:
                word = "unknown"
            elif version is None:
                word = "absent"
            elif version != latest:
                word = "older" if version < latest else "newer"
            states.append(StoreState(name, version, latest, word))
        return tuple(states)


@dataclass(slots=True)
class _Found:
    """The answers of a database; ``problem`` is why some of them are missing."""

    health: Health
    stores: tuple[StoreState, ...]
    replicas: tuple[Replica, ...]
    problem: str | None = None


_REMEDIES = {
    "absent": "run aragora-sql schema apply",
    "older": "run aragora-sql schema apply",
    "newer": "a later release has upgraded it; install that one here too",
}


def operation_queries() -> Any:
    """Return the queries of the health server itself; they are PostgreSQL's only."""
    return load_queries("operations", "postgres", packaged_sql_dir() / "workbench")
