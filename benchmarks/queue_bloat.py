"""What a claim costs while a million jobs pass, and another session keeps an old snapshot open.

What a snapshot may still see is not cleaned up, so dead rows pile up in front of what is claimed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

import asyncpg

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from benchmarks.report import Aim, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["queue_bloat_postgres"]

JOBS = 1_000_000
BULK = 1000
CLAIM = 100
# A figure is the median of so many claims.
SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Lane:
    """One queue: ``fill`` enqueues :data:`BULK` jobs, ``claim`` and ``finish`` take a batch."""

    fill: Callable[[], Awaitable[object]]
    claim: Callable[[], Awaitable[list[Any]]]
    finish: Callable[[list[Any]], Awaitable[object]]
    table: str


@asynccontextmanager
async def _ours(dsn: str) -> AsyncIterator[Lane]:
    database = await PostgresDatabase.connect(dsn, 1, 2)
    store = JobQueueStore(database)
    await store.initialize()

    async def claim() -> list[Job]:
        return await store.claim("worker", CLAIM, ["job"])

    yield Lane(
        lambda: store.enqueue_many([{"job_type": "job", "payload": {}}] * BULK),
        claim,
        store.complete_many,
        "job_queue",
    )
    await store.close()
    await database.close()


@asynccontextmanager
async def _pgqueuer(dsn: str) -> AsyncIterator[Lane]:
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import EntrypointExecutionParameter, Queries

    connection = await asyncpg.connect(dsn)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    manager = uuid.uuid4()

    async def claim() -> list[Any]:
        jobs: list[Any] = await queries.dequeue(
            batch_size=CLAIM,
            entrypoints={"job": EntrypointExecutionParameter(0)},
            queue_manager_id=manager,
            global_concurrency_limit=None,
            heartbeat_timeout=timedelta(seconds=60),
        )
        return jobs

    async def finish(jobs: list[Any]) -> None:
        await queries.log_jobs([(job, "successful", None) for job in jobs])

    yield Lane(
        lambda: queries.enqueue(["job"] * BULK, [None] * BULK, [0] * BULK),
        claim,
        finish,
        "pgqueuer",
    )
    await connection.close()


LANES: dict[str, Callable[[str], AbstractAsyncContextManager[Lane]]] = {
    "aragora_sql": _ours,
    "pgqueuer": _pgqueuer,
}


@dataclass(slots=True)
class Passed:
    """What was measured while the jobs of one queue passed: seconds of each claim, and sizes."""

    claims: list[float] = field(default_factory=list)
    hot: float = 0.0
    table_mb: float = 0.0
    index_mb: float = 0.0

    def at(self, share: float) -> float:
        """Return the median claim before a share of the jobs had passed, in seconds."""
        last = int(len(self.claims) * share)
        return median(self.claims[max(0, last - SAMPLE) : last])


async def queue_bloat_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL, one queue after the other."""
    passed: dict[str, Passed] = {}
    async with AsyncExitStack() as stack:
        with run.stage("PostgreSQL, claims behind dead rows", len(LANES) * JOBS) as advance:
            for name, open_lane in LANES.items():
                dsn = await stack.enter_async_context(new_database(run.postgres))
                async with open_lane(dsn) as lane:
                    passed[name] = await _pass(lane, dsn, advance)
    columns = [
        Column("queue", "queue"),
        Column("start", f"claim of {CLAIM}, ms: at 10 %", ".2f"),
        Column("half", "at 50 %", ".2f"),
        Column("end", "at 100 %, snapshot open", ".2f"),
        Column("times", "end / start", ".2f"),
        Column("hot", "HOT updates, %", ".0f"),
        Column("table", "table MB", ",.0f"),
        Column("index", "indexes MB", ",.0f"),
    ]
    rows: list[dict[str, str | float | None]] = [
        {
            "queue": name,
            "start": one.at(0.1) * 1e3,
            "half": one.at(0.5) * 1e3,
            "end": one.at(1.0) * 1e3,
            "times": one.at(1.0) / one.at(0.1),
            "hot": one.hot * 100,
            "table": one.table_mb,
            "index": one.index_mb,
        }
        for name, one in passed.items()
    ]
    ours = passed["aragora_sql"]
    text = "a claim behind half a million dead rows, times one at the start"
    aims = [Aim.at_most(text, ours.at(1.0) / ours.at(0.1), 2.0)]
    title = f"PostgreSQL, {JOBS:,} jobs through a queue, an old snapshot open from half on"
    return [Report("queue-bloat-postgres", title, columns, rows, aims)]


async def _pass(lane: Lane, dsn: str, advance: Callable[..., None]) -> Passed:
    passed = Passed()
    holder = await asyncpg.connect(dsn)
    snapshot = holder.transaction(isolation="repeatable_read")
    waiting = 0
    is_held = False
    for done in range(0, JOBS, CLAIM):
        if waiting < BULK:
            await lane.fill()
            waiting += BULK
        if done >= JOBS // 2 and not is_held:
            await snapshot.start()
            await holder.fetchval("SELECT count(*) FROM pg_catalog.pg_class")
            is_held = True
        started = time.perf_counter()
        jobs = await lane.claim()
        passed.claims.append(time.perf_counter() - started)
        assert len(jobs) == CLAIM
        await lane.finish(jobs)
        waiting -= CLAIM
        advance(CLAIM)
    await snapshot.rollback()
    row = await holder.fetchrow(
        "SELECT n_tup_hot_upd / greatest(n_tup_upd, 1)::float8 AS hot, "
        "pg_table_size(relid) / 1e6::float8 AS table_mb, "
        "pg_indexes_size(relid) / 1e6::float8 AS index_mb "
        "FROM pg_catalog.pg_stat_user_tables WHERE relname = $1",
        lane.table,
    )
    await holder.close()
    assert row is not None
    passed.hot, passed.table_mb, passed.index_mb = row["hot"], row["table_mb"], row["index_mb"]
    return passed
