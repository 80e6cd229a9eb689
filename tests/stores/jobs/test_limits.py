"""Limits, pauses, and workers that drain a queue under them; on both engines."""

from __future__ import annotations

import asyncio

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.queries.files import DIALECTS, read_queries, sql_dir
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.conftest import OpenDatabase
from tests.database.waiting import until


async def handle(job: Job) -> None:
    await asyncio.sleep(0.001)


async def test_draining_under_a_limit_does_every_job(jobs: JobQueueStore) -> None:
    await jobs.set_limit("a", 3)
    await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 200)
    stats = await JobWorker(jobs, {"a": handle}).run(until_empty=True)
    assert stats.completed == 200


async def test_draining_by_several_workers_under_a_limit(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    others = [JobQueueStore(await open_database()) for _ in range(2)]
    await jobs.set_limit("a", 2)
    await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 60)
    workers = [JobWorker(store, {"a": handle}) for store in (jobs, *others)]
    stats = await asyncio.gather(
        *(worker.run(until_empty=True, handle_signals=False) for worker in workers)
    )
    assert sum(one.completed for one in stats) == 60
    assert (await jobs.get_stats())["pending"] == 0
    for store in others:
        await store.close()


async def test_draining_waits_for_a_place_that_another_holds(jobs: JobQueueStore) -> None:
    await jobs.set_limit("a", 1)
    await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 3)
    (held,) = await jobs.claim("another")
    worker = JobWorker(jobs, {"a": handle})
    running = asyncio.create_task(worker.run(until_empty=True, handle_signals=False))
    await asyncio.sleep(0.2)
    assert not running.done()
    await jobs.complete(held)
    assert (await asyncio.wait_for(running, 20)).completed == 2


@pytest.mark.parametrize("how", ["limit", "pause"])
async def test_has_work_is_false_for_what_is_held_back(jobs: JobQueueStore, how: str) -> None:
    await (jobs.set_limit("a", 0) if how == "limit" else jobs.pause("a"))
    await jobs.enqueue_many([{"job_type": name, "payload": {}} for name in "aabb"])
    worker = JobWorker(jobs, {"a": handle, "b": handle})
    stats = await asyncio.wait_for(worker.run(until_empty=True), 20)
    assert stats.completed == 2
    assert not await jobs.has_work()


async def test_pause_and_resume_of_a_type(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": name, "payload": {}} for name in "aab"])
    (running,) = await jobs.claim("w", 1, ["a"])
    await jobs.pause("a")
    await jobs.pause("a")
    assert await jobs.claim("w", 5, ["a"]) == []
    assert [job.job_type for job in await jobs.claim("w", 5)] == ["b"]
    assert not await jobs.wait_for_jobs(["a"], 0)
    # What is processed goes on, and may come back.
    await jobs.release([running])
    assert await jobs.claim("w", 5) == []
    (limit,) = await jobs.get_limits()
    assert (limit.job_type, limit.max_running, limit.paused) == ("a", None, True)
    assert await jobs.resume("a")
    assert not await jobs.resume("a")
    assert not await jobs.resume("unknown")
    assert await jobs.get_limits() == []
    assert len(await jobs.claim("w", 5)) == 2


async def test_a_pause_leaves_the_limit_and_its_counter(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 4)
    await jobs.set_limit("a", 2)
    (first,) = await jobs.claim("w", 1)
    await jobs.pause("a")
    (limit,) = await jobs.get_limits()
    assert (limit.max_running, limit.running, limit.paused) == (2, 1, True)
    await jobs.set_limit("a", 3)
    (limit,) = await jobs.get_limits()
    assert (limit.max_running, limit.paused) == (3, True)
    await jobs.set_limit("a", None)
    (limit,) = await jobs.get_limits()
    assert (limit.max_running, limit.running, limit.paused) == (None, 1, True)
    await jobs.complete(first)
    (limit,) = await jobs.get_limits()
    assert limit.running == 0
    await jobs.set_limit("a", 2)
    await jobs.resume("a")
    assert len(await jobs.claim("w", 5)) == 2


async def test_a_worker_goes_on_when_its_type_is_resumed(jobs: JobQueueStore) -> None:
    await jobs.pause("a")
    await jobs.enqueue("a")
    worker = JobWorker(jobs, {"a": handle}, look_seconds=0.05)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.1)
    assert worker.stats.completed == 0
    await jobs.resume("a")
    await until(lambda: worker.stats.completed)
    worker.stop()
    await running


async def test_unknown_types_are_refused(jobs: JobQueueStore) -> None:
    store = JobQueueStore(jobs.database, job_types=["a"])
    for act in (store.pause, store.resume):
        with pytest.raises(InvalidInputError, match="not a known job type"):
            await act("b")
    await store.close()


async def test_retry_dead_of_a_type(jobs: JobQueueStore) -> None:
    large = "x" * 50_000
    ids = await jobs.enqueue_many(
        [
            {"job_type": "ab"[n % 2], "payload": {"x": large}, "unique_key": f"k{n // 4}"}
            if n % 4 == 0
            else {"job_type": "ab"[n % 2], "payload": {"x": large}}
            for n in range(40)
        ]
    )
    claimed = await jobs.claim("w", 100)
    for job in claimed:
        await jobs.fail(job, "x", False)
    # One whose key another job keeps, and two of one key.
    waiting = await jobs.enqueue("a", unique_key="k0")
    async with jobs.database.connection() as connection:
        await connection.run_script(
            "two of one key", "UPDATE job_queue SET unique_key = 'k1' WHERE unique_key = 'k2'"
        )
    assert await jobs.retry_dead("unknown") == {}
    done = await jobs.retry_dead("a")
    assert done == {job_id: job_id not in {ids[0], ids[8]} for job_id in ids[::2]}
    assert len(await jobs.retry_dead("b")) == 20
    assert (await jobs.get_stats())["failed"] == 2
    assert waiting.id not in done
    again = await jobs.get(ids[4])
    assert again is not None
    assert (again.status, again.attempts, again.error) == ("pending", 0, "x")


async def test_retrying_dead_jobs_page_by_page(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aragora_sql.stores.jobs.store.RETRY_BATCH", 7)
    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 30)
    for job in await jobs.claim("w", 100):
        await jobs.fail(job, "x", False)
    assert await jobs.retry_dead() == dict.fromkeys(ids, True)


@pytest.mark.parametrize("query", ["list_finished_ids", "retry_jobs"])
def test_no_payload_is_read_to_retry_dead_jobs(query: str) -> None:
    for dialect in DIALECTS:
        texts = read_queries(sql_dir() / dialect / "jobs" / "queries.sql", dialect)
        assert "payload" not in texts[query].sql
