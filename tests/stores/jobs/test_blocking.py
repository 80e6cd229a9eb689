"""Leases while a coroutine blocks the event loop for longer than a lease.

What another worker sees meanwhile is looked at from a thread with an event loop of its own; the
handler blocks until that thread has seen it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker

LEASE = 1.2
# Nothing here takes nearly as long.
GIVE_UP = 30.0

Look = Callable[[JobQueueStore], Awaitable[bool]]


def seen_elsewhere(location: str | Path, look: Look) -> threading.Event:
    """Look from another thread again and again; the event is set once ``look`` says so."""
    seen = threading.Event()

    async def watch() -> None:
        database: Database = (
            SQLiteDatabase(location, mode="write")
            if isinstance(location, Path)
            else await PostgresDatabase.connect(location, 1, 1)
        )
        try:
            async with asyncio.timeout(GIVE_UP):
                while not await look(JobQueueStore(database)):  # noqa: ASYNC110 - of a server
                    await asyncio.sleep(0.02)
            seen.set()
        finally:
            await database.close()

    def run() -> None:
        with suppress(TimeoutError):
            asyncio.run(watch())

    threading.Thread(target=run, daemon=True).start()
    return seen


async def test_leases_of_all_jobs_are_kept_while_one_blocks(
    jobs: JobQueueStore, location: str | Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await jobs.enqueue_many([{"job_type": "blocks"}, {"job_type": "waits"}])
    first: dict[str, float] = {}
    taken = 0

    async def are_kept(elsewhere: JobQueueStore) -> bool:
        nonlocal taken
        taken += await elsewhere.recover_stale_jobs()
        leases = [(await elsewhere.get(job_id)) for job_id in ids]
        ends = {
            job.id: job.lease_expires_at.timestamp()
            for job in leases
            if job is not None and job.lease_expires_at is not None
        }
        for job_id, end in ends.items():
            first.setdefault(job_id, end)
        return len(ends) == 2 and all(end > first[one] + LEASE for one, end in ends.items())

    blocking = asyncio.Event()

    async def blocks(job: Job) -> None:
        blocking.set()
        assert seen_elsewhere(location, are_kept).wait(GIVE_UP)

    async def waits(job: Job) -> None:
        await blocking.wait()

    worker = JobWorker(jobs, {"blocks": blocks, "waits": waits}, lease_seconds=LEASE)
    stats = await worker.run(until_empty=True)
    assert (stats.completed, stats.lost, stats.failed, taken) == (2, 0, 0, 0)
    assert {(await jobs.get(one)).claim_count for one in ids} == {1}  # type: ignore[union-attr]
    assert "has blocked the event loop" in caplog.text
    assert "no longer extended" not in caplog.text


@pytest.mark.parametrize("bound", ["blocked_seconds", "time limit", "none at all"])
async def test_what_hangs_is_not_kept_for_ever(
    jobs: JobQueueStore, location: str | Path, bound: str, caplog: pytest.LogCaptureFixture
) -> None:
    limit = 0.1 if bound == "time limit" else None
    given = await jobs.enqueue("hangs", time_limit_seconds=limit, max_attempts=1)
    hung = 0

    async def is_taken_away(elsewhere: JobQueueStore) -> bool:
        return await elsewhere.recover_stale_jobs() == 1

    async def hangs(job: Job) -> None:
        nonlocal hung
        hung += 1
        assert seen_elsewhere(location, is_taken_away).wait(GIVE_UP)

    blocked_seconds = {"blocked_seconds": 1.0, "time limit": 600.0, "none at all": 0.0}[bound]
    worker = JobWorker(jobs, {"hangs": hangs}, lease_seconds=LEASE, blocked_seconds=blocked_seconds)
    stats = await worker.run(until_empty=True)
    assert (stats.completed, hung) == (0, 1)
    job = await jobs.get(given.id)
    assert job is not None
    assert job.status == "failed"
    assert ("are no longer extended" in caplog.text) == (bound != "none at all")


async def test_over_a_pool_of_the_application_only_a_warning_is_given(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=2) as pool:
        store = JobQueueStore(PostgresDatabase(pool))
        await store.initialize()
        assert await store.database.open_again() is None

        async def handle(job: Job) -> None:
            end = time.monotonic() + GIVE_UP
            while "no longer extended" not in caplog.text and time.monotonic() < end:
                time.sleep(0.01)  # noqa: ASYNC251 - that is what is tested

        await store.enqueue("a")
        await JobWorker(store, {"a": handle}, lease_seconds=LEASE).run(until_empty=True)
    assert "are no longer extended" in caplog.text


async def test_a_database_that_can_be_opened_again(jobs: JobQueueStore, tmp_path: Path) -> None:
    again = await jobs.database.open_again()
    assert again is not None
    assert await JobQueueStore(again).list_jobs() == []
    await again.close()
    closed: tuple[dict[str, Any], ...] = (
        {"path": ":memory:"},
        {"path": tmp_path / "x.db", "mode": "read"},
    )
    for options in closed:
        database = SQLiteDatabase(**options)
        assert await database.open_again() is None
        await database.close()
