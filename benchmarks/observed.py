"""What it costs that units of work and statements can be observed: switched off, and switched on.

The base is a database without the hook and without counts of acquisitions, as short as it could be
written. Where nobody looks on, the difference is one attribute in place of a name, and two readings
of the clock for each unit of work. What is measured is the CPU time of this process: the server has
no part in it, and other programs of the machine hardly any.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import TracerProvider

from aragora_sql.database import Database
from aragora_sql.database.observing import observe, stop_observing
from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.database.sqlite import SQLiteConnection, SQLiteDatabase
from aragora_sql.database.units_of_work import Kind, UnitOfWork
from aragora_sql.server.statistics import Statistics
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.tracing import start_tracing
from benchmarks.calls import report_race, some_ids
from benchmarks.measure import Call, Lane, race
from benchmarks.report import Aim, Report
from benchmarks.run import Run
from benchmarks.servers import open_postgres, open_sqlite

__all__ = ["observe_postgres", "observe_sqlite"]

BARE = "without the hook"
OFF = "nobody looks on"
MOST = 1.02
# Short rounds, and many: lanes of a round that are near in time meet the same machine.
CALLS = 100
WARM_UP = 20
ROUNDS = 10


class _BarePostgres(PostgresDatabase):
    def read(
        self, *, tenant: str | None = None, at_least: str | None = None, fresh: bool = False
    ) -> UnitOfWork:
        return UnitOfWork(self, "read", tenant)

    async def _acquire(self, kind: Kind, at_least: str | None = None) -> PostgresConnection:
        async with asyncio.timeout(self._acquire_timeout):
            proxy = await self._pool.acquire()
        proxy.skip_next_reset(True)  # type: ignore[attr-defined]
        return PostgresConnection(self._pool, proxy, "ours")


class _BareSQLite(SQLiteDatabase):
    def read(
        self, *, tenant: str | None = None, at_least: str | None = None, fresh: bool = False
    ) -> UnitOfWork:
        return UnitOfWork(self, "read", tenant)

    async def _acquire(self, kind: Kind, at_least: str | None = None) -> SQLiteConnection:
        handle = await self._take_reader()
        self._busy += 1
        return SQLiteConnection(handle)


@contextmanager
def _metrics(database: Database) -> Iterator[None]:
    observer = Statistics(database).observer
    observe(observer)
    yield
    stop_observing(observer)


@contextmanager
def _tracing(database: Database) -> Iterator[None]:
    # Spans are made and go nowhere: what exports them works in a thread of its own.
    stop = start_tracing(TracerProvider())
    yield
    stop()


@contextmanager
def _tracing_alone(database: Database) -> Iterator[None]:
    stop = start_tracing()
    yield
    stop()


def _lanes(
    ids: Callable[[int], list[Any]],
    open_one: Callable[[bool], AbstractAsyncContextManager[Database]],
) -> list[Lane]:
    def lane(name: str, switch: Callable[[Database], Any], *, bare: bool = False) -> Lane:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Call]:
            async with open_one(bare) as database:
                with switch(database):
                    yield ConsensusMemory(database).get_consensus

        return Lane(name, ids, opened)

    def nothing(database: Database) -> Any:
        return nullcontext()

    return [
        lane(BARE, nothing, bare=True),
        lane(OFF, nothing),
        lane("metrics", _metrics),
        lane("tracing, API alone", _tracing_alone),
        lane("tracing, SDK", _tracing),
    ]


async def observe_postgres(run: Run) -> list[Report]:
    """Measure a point read on PostgreSQL, each a unit of work of its own."""
    async with open_postgres(run.postgres) as (memory, dsn):
        ids = await some_ids(memory, random.Random(3))

        @asynccontextmanager
        async def open_one(bare: bool) -> AsyncIterator[Database]:
            database = await (_BarePostgres if bare else PostgresDatabase).connect(dsn, 1, 1)
            yield database
            await database.close()

        return [await _race(run, "postgres", "PostgreSQL", _lanes(ids, open_one))]


async def observe_sqlite(run: Run) -> list[Report]:
    """Measure a point read on a SQLite file, each a unit of work of its own."""
    async with open_sqlite(run.folder) as (memory, path):
        ids = await some_ids(memory, random.Random(3))

        @asynccontextmanager
        async def open_one(bare: bool) -> AsyncIterator[Database]:
            database = (_BareSQLite if bare else SQLiteDatabase)(Path(path))
            yield database
            await database.close()

        return [await _race(run, "sqlite", "SQLite", _lanes(ids, open_one))]


async def _race(run: Run, engine: str, title: str, lanes: list[Lane]) -> Report:
    rounds = ROUNDS * run.rounds
    with run.stage(f"{title}, observed", rounds) as advance:
        timings = await race(lanes, CALLS, WARM_UP, rounds, advance, time.process_time)
    text = f"{title}, a point read that nobody looks on at, times one without the hook"
    return report_race(
        f"observed-{engine}",
        f"{title}, point read, CPU time of the client ({rounds} rounds of {CALLS} calls)",
        ("us", 1e6),
        lanes,
        {"x bare": BARE},
        timings,
        [Aim.at_most(text, timings.ratio(OFF, BARE), MOST)],
    )
