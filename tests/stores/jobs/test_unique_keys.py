"""Unique keys under concurrency, and keys that cover the running job; on both engines."""

from __future__ import annotations

import asyncio

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import DuplicateKeyError, InvalidInputError
from aragora_sql.stores.jobs.records import Job, JobEntry, RetryPolicy
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import OpenDatabase
from tests.database.waiting import outside
from tests.stores.samples import fetch, fetch_value, run


async def stored(jobs: JobQueueStore, job_id: str) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


async def claim_one(jobs: JobQueueStore, worker: str = "w", seconds: float = 60) -> Job:
    (job,) = await jobs.claim(worker, 1, lease_seconds=seconds)
    return job


async def lapse(jobs: JobQueueStore) -> None:
    """Let the leases of all jobs run out."""
    await run(
        jobs.database,
        "UPDATE job_queue SET lease_expires_at = '2001-01-01T00:00:00.000000Z' "
        "WHERE lease_expires_at IS NOT NULL",
    )


# Keys that cover the running job


async def test_a_key_may_cover_the_running_job(jobs: JobQueueStore) -> None:
    first = await jobs.enqueue("a", unique_key="k", unique_while_running=True)
    assert (await jobs.enqueue("a", unique_key="k", unique_while_running=True)).id == first.id
    job = await claim_one(jobs)
    assert job.unique_while_running
    # While it runs it keeps all others of its key out, also those that do not ask for it.
    assert (await jobs.enqueue("a", unique_key="k", unique_while_running=True)).id == first.id
    assert (await jobs.enqueue("a", unique_key="k")).id == first.id
    batch: list[JobEntry] = [{"job_type": "a", "unique_key": key} for key in ("k", "other", "k")]
    ids = await jobs.enqueue_many(batch)
    assert [job_id == first.id for job_id in ids] == [True, False, True]
    await jobs.complete(job)
    assert (await jobs.enqueue("a", unique_key="k", unique_while_running=True)).id != first.id


async def test_a_running_job_without_it_keeps_nobody_out(jobs: JobQueueStore) -> None:
    first = await jobs.enqueue("a", unique_key="k")
    await claim_one(jobs)
    second = await jobs.enqueue("a", unique_key="k", unique_while_running=True)
    assert second.id != first.id


@pytest.mark.parametrize("how", ["fail", "release", "recover"])
async def test_a_running_job_goes_back_to_wait_under_its_own_key(
    jobs: JobQueueStore, how: str
) -> None:
    given = await jobs.enqueue("a", unique_key="k", unique_while_running=True)
    job = await claim_one(jobs)
    if how == "fail":
        assert await jobs.fail(job, "x") == "retrying"
    elif how == "release":
        await jobs.release([job])
    else:
        await lapse(jobs)
        assert await jobs.recover_stale_jobs() == 1
    assert (await stored(jobs, given.id)).status in {"pending", "retrying"}


@pytest.mark.parametrize("how", ["fail", "release", "recover"])
async def test_a_job_gives_way_to_a_running_one_that_covers_its_key(
    jobs: JobQueueStore, how: str
) -> None:
    first = await jobs.enqueue("a", unique_key="k")
    one = await claim_one(jobs, "first")
    second = await jobs.enqueue("a", unique_key="k", unique_while_running=True)
    if how == "recover":
        await lapse(jobs)
    two = await claim_one(jobs, "second")
    if how == "fail":
        assert await jobs.fail(one, "x") == "cancelled"
    elif how == "release":
        await jobs.release([one])
    else:
        assert await jobs.recover_stale_jobs() == 1
    assert (await stored(jobs, first.id)).status == "cancelled"
    await jobs.complete(two)
    assert (await stored(jobs, second.id)).status == "completed"


async def test_of_two_lost_jobs_of_one_key_one_waits_again(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a", unique_key="k")
    await claim_one(jobs)
    await jobs.enqueue("a", unique_key="k", unique_while_running=True)
    await claim_one(jobs)
    await lapse(jobs)
    assert await jobs.recover_stale_jobs() == 2
    stats = await jobs.get_stats()
    assert (stats["pending"], stats["cancelled"]) == (1, 1)


async def test_retrying_a_finished_job_respects_a_running_one(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", unique_key="k")
    await jobs.cancel(given.id)
    await jobs.enqueue("a", unique_key="k", unique_while_running=True)
    await claim_one(jobs)
    with pytest.raises(DuplicateKeyError):
        await jobs.retry(given.id)


async def test_covering_needs_a_key(jobs: JobQueueStore) -> None:
    with pytest.raises(InvalidInputError, match="must not be True without a unique_key"):
        await jobs.enqueue("a", unique_while_running=True)
    with pytest.raises(InvalidInputError, match="unique_while_running: must be True or False"):
        await jobs.enqueue("a", unique_key="k", unique_while_running="yes")


# Under concurrency


async def test_recovery_in_a_storm_of_the_same_keys(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    """Jobs of the same keys are enqueued, claimed and abandoned while leases are recovered."""
    keys = [f"key {n}" for n in range(5)]
    others = [JobQueueStore(await open_database()) for _ in range(3)]
    is_over = asyncio.Event()
    recovered = 0

    async def storm(store: JobQueueStore, number: int) -> None:
        while not is_over.is_set():
            for key in keys[number:] + keys[:number]:
                await store.enqueue("a", unique_key=key, max_attempts=1_000_000)
            await store.claim(f"w{number}", 3, lease_seconds=0.001)

    storms = [asyncio.create_task(storm(store, n)) for n, store in enumerate(others)]
    for _ in range(60):
        recovered += await jobs.recover_stale_jobs()
        await asyncio.sleep(0)
    is_over.set()
    await asyncio.gather(*storms)
    assert recovered > 0
    await asyncio.sleep(0.01)
    await jobs.recover_stale_jobs()
    waiting = await fetch(
        jobs.database,
        "SELECT unique_key FROM job_queue WHERE status = 'pending' ORDER BY unique_key",
    )
    assert [row["unique_key"] for row in waiting] == keys
    for store in others:
        await store.close()


async def test_recovery_meets_a_job_that_is_committed_meanwhile(
    postgres_database: PostgresDatabase,
) -> None:
    """The key is taken between the look and the change (SQLite's writers take turns)."""
    jobs, other = JobQueueStore(postgres_database), JobQueueStore(postgres_database)
    await jobs.initialize()
    await jobs.enqueue_many(
        [{"job_type": "a", "unique_key": key, "payload": {}} for key in ("k", "l", None)]
    )
    assert len(await jobs.claim("w", 3)) == 3
    await lapse(jobs)

    async def recover_in_a_transaction() -> int:
        async with jobs.database.transaction():
            recovered = await jobs.recover_stale_jobs()
            # The transaction is still good for others.
            await jobs.enqueue("after")
        return recovered

    async with other.database.transaction():
        second = await other.enqueue("a", unique_key="k")
        recovering = outside(recover_in_a_transaction())
        # It waits for the other's commit, because of the key.
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        async with asyncio.timeout(20):
            while not await outside(fetch_value(jobs.database, waiting)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert await recovering == 3
    assert (await stored(jobs, second.id)).status == "pending"
    stats = await jobs.get_stats()
    assert (stats["pending"], stats["cancelled"]) == (4, 1)


async def test_batches_of_the_same_keys_in_opposite_order(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    stores = [jobs, JobQueueStore(await open_database())]
    for number in range(20):
        keys = [f"key {number} {n}" for n in range(100)]
        batches: list[list[JobEntry]] = [
            [{"job_type": "a", "unique_key": key} for key in order]
            for order in (keys, list(reversed(keys)))
        ]
        found = await asyncio.gather(
            *(store.enqueue_many(batch) for store, batch in zip(stores, batches, strict=True))
        )
        assert found[0] == list(reversed(found[1]))
    await stores[1].close()


async def test_a_batch_keeps_its_order(jobs: JobQueueStore) -> None:
    """Rows are stored in the order of keys; jobs are claimed in the order of the batch."""
    batch: list[JobEntry] = [
        {"job_type": "a", "payload": {"n": n}, "unique_key": f"k{9 - n}" if n % 2 else None}
        for n in range(10)
    ]
    await jobs.enqueue_many(batch)
    claimed = await jobs.claim("w", 10)
    assert [job.payload["n"] for job in claimed] == list(range(10))
    assert [job.number for job in claimed] == sorted(job.number for job in claimed)


async def test_failing_batches_of_the_same_keys_at_once(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    """Two batches go back to wait under the same keys, in opposite order."""
    store = JobQueueStore(await open_database(), retry_policy=RetryPolicy(0.0))
    keys = [f"k{n:02}" for n in range(30)]
    await jobs.enqueue_many([{"job_type": "a", "unique_key": key} for key in keys])
    first = await jobs.claim("first", 30)
    await jobs.enqueue_many([{"job_type": "a", "unique_key": key} for key in reversed(keys)])
    second = await jobs.claim("second", 30)
    results = await asyncio.gather(
        jobs.release(first), store.release(list(reversed(second))), return_exceptions=True
    )
    assert not [one for one in results if isinstance(one, BaseException)]
    stats = await jobs.get_stats()
    assert (stats["pending"], stats["cancelled"]) == (30, 30)
    await store.close()
