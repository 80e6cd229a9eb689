"""What a claim of the job queue costs beside few and beside a million finished jobs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.jobs.store import JobQueueStore
from benchmarks.measure import percentile
from benchmarks.report import Aim, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["claims_postgres", "claims_sqlite"]

FINISHED = (10, 1_000_000)
CLAIM = 10
CLAIMS = 50

_FILL = {
    "postgres": "INSERT INTO job_queue (id, job_type, status, completed_at, priority) "
    "SELECT 'finished ' || n, 'job', 'completed', now(), 9 FROM generate_series(1, {}) AS g (n)",
    "sqlite": "INSERT INTO job_queue (id, job_type, status, completed_at, priority) "
    "WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {}) "
    "SELECT 'finished ' || n, 'job', 'completed', "
    "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'), 9 FROM g",
}


async def claims_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""

    @asynccontextmanager
    async def open_one() -> AsyncIterator[Database]:
        async with new_database(run.postgres) as dsn:
            database = await PostgresDatabase.connect(dsn, 1, 2, statement_timeout=600)
            yield database
            await database.close()

    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(open_one()) for _ in FINISHED]
        return [await _measure(run, databases, "queue-claims-postgres", "PostgreSQL")]


async def claims_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    databases: list[Database] = [
        SQLiteDatabase(run.folder / f"claims_{finished}.db", statement_timeout=600)
        for finished in FINISHED
    ]
    try:
        return [await _measure(run, databases, "queue-claims-sqlite", "SQLite")]
    finally:
        for database in databases:
            await database.close()


async def _measure(run: Run, databases: list[Database], name: str, engine: str) -> Report:
    stores = [JobQueueStore(database) for database in databases]
    for store, finished in zip(stores, FINISHED, strict=True):
        await store.initialize()
        async with store.database.connection() as connection:
            await connection.run_script("fill", _FILL[store.database.dialect].format(finished))
            await connection.run_script("analyze", "ANALYZE")
    seconds: list[list[float]] = [[], []]
    with run.stage(f"{engine}, claims beside finished jobs", run.rounds) as advance:
        for number in range(run.rounds):
            # Each round in another order.
            for place in (0, 1) if number % 2 else (1, 0):
                seconds[place] += await _claims(stores[place])
            advance()
    columns = [
        Column("finished", "finished jobs", ",.0f"),
        Column("p50", f"claim of {CLAIM}, p50 ms", ".3f"),
        Column("p95", "p95 ms", ".3f"),
    ]
    rows = [
        {"finished": count, "p50": median(some) * 1e3, "p95": percentile(some, 0.95) * 1e3}
        for count, some in zip(FINISHED, seconds, strict=True)
    ]
    aims = [
        Aim.at_most(
            f"{engine}, claim beside {FINISHED[1]:,} finished jobs, times beside {FINISHED[0]}",
            median(seconds[1]) / median(seconds[0]),
            1.25,
        )
    ]
    title = f"{engine}, claims beside finished jobs ({run.rounds} rounds of {CLAIMS})"
    return Report(name, title, columns, rows, aims)


async def _claims(store: JobQueueStore) -> list[float]:
    await store.enqueue_many([{"job_type": "job", "payload": {}}] * (CLAIM * CLAIMS))
    seconds = []
    for _ in range(CLAIMS):
        started = time.perf_counter()
        claimed = await store.claim("worker", CLAIM, ["job"])
        seconds.append(time.perf_counter() - started)
        assert len(claimed) == CLAIM
        await store.complete_many(claimed)
    return seconds
