"""Reads through the router: what it costs, and what two standbys bring beside the primary."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from statistics import median

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.statement import Statement
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.embedded.standbys import standby_of
from aragora_sql.settings import PostgresDSN, ReplicaSettings
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run

__all__ = ["read_replicas"]

ROWS, CALLS, TASKS = 10_000, 400, 16
_READ = Statement("point", "SELECT version FROM registers WHERE key = $1")
_WRITE = Statement("write", "UPDATE registers SET version = version + 1 WHERE key = $1 RETURNING 1")
_TABLE = (
    "CREATE TABLE registers (key INTEGER PRIMARY KEY, version INTEGER NOT NULL);"
    f"INSERT INTO registers SELECT n, 0 FROM generate_series(1, {ROWS}) AS n;"
)


async def read_replicas(run: Run) -> list[Report]:
    """Measure on a primary and two standbys of its own."""
    with (
        EmbeddedServer(run.postgres._binaries) as primary,
        standby_of(primary) as first,
        standby_of(primary) as second,
    ):
        plain = await PostgresDatabase.connect(primary.dsn(), 4, TASKS)
        async with plain.connection() as connection:
            await connection.run_script("registers", _TABLE)
        standby = await PostgresDatabase.connect(first.dsn(), 1, 2)
        one = await _routed(primary, first)
        both = await _routed(primary, first, second)
        try:
            return [
                await _costs(run, standby, one),
                await _commits(run, plain, one),
                await _throughput(run, plain, both),
            ]
        finally:
            for database in (plain, standby, one, both):
                await database.close()


async def _routed(primary: EmbeddedServer, *standbys: EmbeddedServer) -> PostgresDatabase:
    dsns = tuple(PostgresDSN.parse(server.dsn()) for server in standbys)
    database = await PostgresDatabase.connect(
        primary.dsn(), 1, TASKS, replicas=ReplicaSettings(dsns)
    )
    while any(one.word != "ready" for one in database.replicas()):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return database


async def _read(database: Database, key: int) -> None:
    async with database.read() as connection:
        await connection.fetch_value(_READ, (key,))


async def _write(database: Database, key: int) -> None:
    async with database.transaction() as connection:
        await connection.fetch_value(_WRITE, (key,))


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return the seconds of the clock and of this processor."""
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - wall, time.process_time() - processor


async def _race(
    run: Run, title: str, lanes: dict[str, Callable[[], Awaitable[None]]]
) -> dict[str, list[tuple[float, float]]]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in lanes}
    for work in lanes.values():
        await work()
    # What a new connection hears of its server comes with the next look at it.
    await asyncio.sleep(1.0)
    with run.stage(title, run.rounds) as advance:
        for number in range(run.rounds):
            names = list(lanes) if number % 2 else [*reversed(lanes)]
            for name in names:
                times[name].append(await _timed(lanes[name]))
            advance()
    return times


def _ratio(times: dict[str, list[tuple[float, float]]], ours: str, other: str, which: int) -> float:
    pairs = zip(times[ours], times[other], strict=True)
    return median(mine[which] / theirs[which] for mine, theirs in pairs)


def _calls(
    work: Callable[[Database, int], Awaitable[None]], database: Database
) -> Callable[[], Awaitable[None]]:
    async def calls() -> None:
        for key in range(1, CALLS + 1):
            await work(database, key)

    return calls


async def _costs(run: Run, plain: PostgresDatabase, routed: PostgresDatabase) -> Report:
    lanes = {"plain pool": _calls(_read, plain), "through the router": _calls(_read, routed)}
    before = routed.replicas()[0].reads
    times = await _race(run, "point reads", lanes)
    share = (routed.replicas()[0].reads - before) / (CALLS * (run.rounds + 1))
    wall = _ratio(times, "through the router", "plain pool", 0)
    processor = _ratio(times, "through the router", "plain pool", 1)
    rows: list[dict[str, Cell]] = [
        {
            "lane": name,
            "wall": median(one[0] for one in found) / CALLS * 1e6,
            "processor": median(one[1] for one in found) / CALLS * 1e6,
        }
        for name, found in times.items()
    ]
    return Report(
        "replica-reads",
        "A point read on one standby",
        (
            Column("lane", "way"),
            Column("wall", "us by the clock", ".1f"),
            Column("processor", "us of the processor", ".1f"),
        ),
        rows,
        (
            Aim.at_most("a read through the router, by the clock", wall, 1.05),
            Aim.at_most("its processor time", processor, 1.05),
        ),
        (f"{share:.1%} of the reads through the router were the standby's",),
    )


async def _commits(run: Run, plain: PostgresDatabase, routed: PostgresDatabase) -> Report:
    lanes = {"without replicas": _calls(_write, plain), "with replicas": _calls(_write, routed)}
    times = await _race(run, "commits", lanes)
    rows: list[dict[str, Cell]] = [
        {
            "lane": name,
            "wall": median(one[0] for one in found) / CALLS * 1e6,
            "processor": median(one[1] for one in found) / CALLS * 1e6,
            "ratio": _ratio(times, name, "without replicas", 0),
        }
        for name, found in times.items()
    ]
    return Report(
        "replica-commits",
        "A transaction of one write, without waiting for the disk",
        (
            Column("lane", "pool"),
            Column("wall", "us by the clock", ".1f"),
            Column("processor", "us of the processor", ".1f"),
            Column("ratio", "ratio", ".2f"),
        ),
        rows,
    )


async def _throughput(run: Run, plain: PostgresDatabase, routed: PostgresDatabase) -> Report:
    def many(database: Database) -> Callable[[], Awaitable[None]]:
        async def one(first: int) -> None:
            for key in range(CALLS // 4):
                await _read(database, first + key)

        async def work() -> None:
            loop = asyncio.get_running_loop()
            tasks = [
                loop.create_task(one(1 + number * CALLS), context=Context())
                for number in range(TASKS)
            ]
            await asyncio.gather(*tasks)

        return work

    before = [one.reads for one in routed.replicas()]
    lanes = {"primary alone": many(plain), "two standbys": many(routed)}
    times = await _race(run, "reads of many tasks", lanes)
    reads = [one.reads - past for one, past in zip(routed.replicas(), before, strict=True)]
    total = TASKS * (CALLS // 4)
    rows: list[dict[str, Cell]] = [
        {
            "lane": name,
            "rate": total / median(one[0] for one in found),
            "ratio": 1 / _ratio(times, name, "primary alone", 0),
        }
        for name, found in times.items()
    ]
    return Report(
        "replica-throughput",
        f"Point reads of {TASKS} tasks of one process",
        (
            Column("lane", "servers"),
            Column("rate", "reads per second", ".0f"),
            Column("ratio", "ratio", ".2f"),
        ),
        rows,
        (),
        (f"The standbys served {reads[0]} and {reads[1]} reads.",),
    )
