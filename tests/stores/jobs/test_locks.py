"""Two sessions on the same jobs: claims pass each other by, ends wait in one order.

A third session holds one of the jobs, so that both calls stand still with what they locked before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aragora_sql.database import Database, Statement
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import OpenDatabase
from tests.database.waiting import PATIENCE, outside

WAITING = Statement(
    "waiting",
    "SELECT count(*) AS waiting FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock' AND datname = current_database()",
)


async def claimed(jobs: JobQueueStore, count: int) -> list[Job]:
    await jobs.enqueue_many({"job_type": "a", "payload": {"n": n}} for n in range(count))
    return await jobs.claim("w", count)


async def until_both_wait(database: Database, tasks: list[asyncio.Task[Any]]) -> None:
    """Wait until each call is over or waits for a lock; SQLite has one writer and no such list."""
    if database.dialect == "sqlite":
        return
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.read() as connection:
                waiting = await connection.fetch_value(WAITING, [])
            if waiting + sum(task.done() for task in tasks) >= len(tasks):
                return


async def meet(
    jobs: JobQueueStore, held: Job, calls: list[Coroutine[Any, Any, Any]], other: Database
) -> list[Any]:
    """Run calls while another session holds a job; return what they gave when it let go."""
    holder = JobQueueStore(other)
    async with other.transaction():
        await holder.extend(held)
        tasks = [outside(call) for call in calls]
        await until_both_wait(jobs.database, tasks)
    return await asyncio.gather(*tasks)


async def test_ends_of_the_same_jobs_in_any_order_wait_for_each_other(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    """The answer to a call was lost, and the jobs are finished once more, the last one first."""
    work = await claimed(jobs, 5)
    again = JobQueueStore(await open_database())
    done = [JobOutcome.completed(job) for job in work]
    calls = [jobs.finish_many(done), again.finish_many(done[::-1])]
    results = await meet(jobs, work[2], calls, await open_database())
    assert results == [{job.id: "completed" for job in work}] * 2


async def test_jobs_given_back_and_finished_at_once_end_once(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    work = await claimed(jobs, 5)
    again = JobQueueStore(await open_database())
    calls: list[Coroutine[Any, Any, Any]] = [
        jobs.complete_many(work),
        again.release(work[::-1]),
    ]
    lost, released = await meet(jobs, work[2], calls, await open_database())
    assert sorted([*lost, *released]) == sorted([*lost, *lost])
    stored = {job.id: job.status for job in await jobs.list_jobs()}
    assert {name for name, status in stored.items() if status == "pending"} == set(lost)


async def test_claims_do_not_wait_for_a_job_that_is_held(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    """Each job is claimed once; what another session holds is passed over, not waited for."""
    await jobs.enqueue_many({"job_type": "a", "payload": {"n": n}} for n in range(6))
    other = JobQueueStore(await open_database())
    if jobs.database.dialect == "sqlite":
        first, second = await asyncio.gather(jobs.claim("w1", 4), other.claim("w2", 4))
        assert len({job.id for job in (*first, *second)}) == 6
        return
    async with other.database.transaction():
        first = await other.claim("w1", 2)
        # Would wait for the end of this very block.
        second = await asyncio.wait_for(outside(jobs.claim("w2", 6)), PATIENCE)
    assert len(first) == 2
    assert len({job.id for job in (*first, *second)}) == 6
