"""What a claim costs does not depend on the jobs that it can't give out."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from aragora_sql.database import Database
from aragora_sql.queries import load_queries
from aragora_sql.queries.files import read_queries, sql_dir
from aragora_sql.stores.jobs.records import JobStatusWord
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.stores.jobs.cases import ALWAYS, CLAIM, CLAIM_ONE, NEVER, OUT_OF_REACH, add_rows
from tests.stores.plans import Explaining, nodes
from tests.stores.samples import run


async def postgres_blocks(database: Database, query: str, arguments: Mapping[str, Any]) -> int:
    """Return how many blocks a query touches, planned without looking at the arguments."""
    queries = load_queries("jobs", "postgres")

    class Costing(Explaining):
        async def explain(self, statement: Any, arguments: Any) -> None:
            values = ", ".join(sql.Literal(value).as_string() for value in arguments)
            await self._connection.run_script("set", "SET LOCAL plan_cache_mode = auto")
            await self._connection.run_script("prepare", f"PREPARE hot AS {statement.sql}")
            run_it = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE hot ({values})"
            await self._add(type(statement)("hot", run_it), ())
            await self._connection.run_script("deallocate", "DEALLOCATE hot")

        fetch_all = explain  # type: ignore[assignment]
        fetch_one = fetch_value = execute = explain

    async with database.transaction() as connection:
        costing = Costing(connection, "postgres")
        call = getattr(queries, query)(costing, **arguments)
        try:
            if hasattr(call, "__aiter__"):
                async for _ in call:
                    pass
            else:
                await call
        except TypeError:
            # It has no rows to give.
            pass
        ((explained,),) = costing.plans[0][0].values()
        await connection.run_script("undo", "SELECT 1")
    top = explained["Plan"]
    assert list(nodes(top))
    return int(top["Shared Hit Blocks"]) + int(top["Shared Read Blocks"])


def sqlite_steps(path: Path, query: str, arguments: Mapping[str, Any]) -> int:
    """Return how many steps of SQLite's machine a query takes."""
    text = read_queries(sql_dir() / "sqlite" / "jobs" / "queries.sql", "sqlite")[query].sql
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.set_progress_handler(count, 1)
        connection.execute(text, arguments).fetchall()
        connection.set_progress_handler(None, 1)
        connection.execute("ROLLBACK")
    return steps


@pytest.mark.parametrize("kind", list(OUT_OF_REACH))
@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("claim_jobs_of_type", CLAIM_ONE),
        ("claim_jobs", {**CLAIM, "job_types": None}),
        ("look_for_jobs", {"job_types": None}),
        ("promote_jobs", {"row_limit": 1000}),
    ],
)
async def test_jobs_out_of_reach_cost_nothing(
    jobs: JobQueueStore,
    location: str | Path,
    kind: str,
    query: str,
    arguments: dict[str, Any],
) -> None:
    await jobs.set_limit("blocked", 0)
    await jobs.enqueue_many([{"job_type": "a"} for _ in range(50)])

    async def cost() -> int:
        if isinstance(location, Path):
            return sqlite_steps(location, query, arguments)
        return await postgres_blocks(jobs.database, query, arguments)

    await add_rows(jobs, kind, 1, 10)
    await run(jobs.database, "ANALYZE")
    few = await cost()
    await add_rows(jobs, kind, 11, 12_000)
    many = await cost()
    assert many <= few * 1.5 + 30


RARE = {
    **OUT_OF_REACH,
    "pending": ("status, job_type", "'pending', 'a'"),
    "retrying": ("status, job_type, scheduled_at", f"'retrying', 'a', {NEVER}"),
    "cancelled": ("status, job_type, completed_at", f"'cancelled', 'a', {ALWAYS}"),
}


@pytest.mark.parametrize(
    ("rare", "status", "common"),
    [
        ("pending", "pending", "finished"),
        ("scheduled", "scheduled", "finished"),
        ("retrying", "retrying", "finished"),
        ("running", "processing", "finished"),
        ("dead", "failed", "finished"),
        ("cancelled", "cancelled", "blocked"),
        ("finished", "completed", "blocked"),
    ],
)
async def test_a_rare_status_is_listed_without_the_common_one(
    jobs: JobQueueStore, location: str | Path, rare: str, status: JobStatusWord, common: str
) -> None:
    arguments = {
        "status": status,
        "job_type": None,
        "before_number": None,
        "row_limit": 100,
        "documents": True,
    }

    async def cost() -> int:
        if isinstance(location, Path):
            return sqlite_steps(location, "list_jobs_of_status", arguments)
        return await postgres_blocks(jobs.database, "list_jobs_of_status", arguments)

    await add_rows(jobs, rare, 1, 5, RARE)
    await add_rows(jobs, common, 11, 20)
    await run(jobs.database, "ANALYZE")
    few = await cost()
    await add_rows(jobs, common, 21, 12_000)
    await run(jobs.database, "ANALYZE")
    assert await cost() <= few * 1.5 + 30
    listed = await jobs.list_jobs(status)
    assert [job.status for job in listed] == [status] * 5
    assert [job.number for job in listed] == sorted((job.number for job in listed), reverse=True)


async def test_a_common_status_is_listed_by_pages(
    jobs: JobQueueStore, location: str | Path
) -> None:
    """Beyond the thousand that are looked at, it costs what the page costs."""
    arguments = {
        "status": "completed",
        "job_type": None,
        "before_number": None,
        "row_limit": 10,
        "documents": True,
    }

    async def cost() -> int:
        if isinstance(location, Path):
            return sqlite_steps(location, "list_jobs_of_status", arguments)
        return await postgres_blocks(jobs.database, "list_jobs_of_status", arguments)

    await add_rows(jobs, "finished", 1, 2_000)
    await run(jobs.database, "ANALYZE")
    few = await cost()
    await add_rows(jobs, "finished", 2_001, 12_000)
    await run(jobs.database, "ANALYZE")
    assert await cost() <= few * 1.5 + 30


@pytest.mark.parametrize("count", [1_000, 1_001])
async def test_both_ways_of_listing_a_status_give_all_jobs(jobs: JobQueueStore, count: int) -> None:
    await add_rows(jobs, "finished", 1, count)
    await add_rows(jobs, "dead", 1, 10)
    numbers: list[int] = []
    before = None
    while page := await jobs.list_jobs("completed", "a", 300, before=before):
        numbers += [job.number for job in page]
        before = numbers[-1]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == count
    assert await jobs.list_jobs("completed", "b") == []


async def test_a_job_within_reach_would_be_noticed(
    jobs: JobQueueStore, location: str | Path
) -> None:
    """What the other test relies on: reading the rows shows in the cost."""
    if isinstance(location, Path):
        arguments = {
            "job_type": "a",
            "worker_id": "w",
            "row_limit": 10,
            "lease_seconds": 60.0,
            "durable": False,
        }
        few = sqlite_steps(location, "claim_jobs_of_type", arguments)
        await jobs.enqueue_many([{"job_type": "a"} for _ in range(1000)])
        many = sqlite_steps(location, "claim_jobs_of_type", {**arguments, "row_limit": 1000})
    else:
        few = await postgres_blocks(jobs.database, "claim_jobs_of_type", CLAIM_ONE)
        await jobs.enqueue_many([{"job_type": "a"} for _ in range(1000)])
        many = await postgres_blocks(
            jobs.database, "claim_jobs_of_type", {**CLAIM_ONE, "row_limit": 1000}
        )
    assert many > few * 5 + 1000
