"""The worker: handlers, failures, leases, stopping; on both engines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from aragora_sql.errors import DatabaseUnavailableError, InvalidInputError
from aragora_sql.stores.jobs.records import Job, RetryPolicy
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import (
    JobWorker,
    PermanentJobError,
    PostponeJobError,
    RetryJobError,
)
from tests.database.waiting import until
from tests.stores.samples import run


def worker(jobs: JobQueueStore, handler: Any, **options: Any) -> JobWorker:
    return JobWorker(jobs, {"a": handler}, **options)


async def stored(jobs: JobQueueStore, job_id: str) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


async def test_handlers_give_results(jobs: JobQueueStore) -> None:
    async def double(job: Job) -> dict[str, Any]:
        return {"twice": job.payload["n"] * 2}

    def triple(job: Job) -> dict[str, Any]:
        assert threading.current_thread() is not threading.main_thread()
        return {"thrice": job.payload["n"] * 3}

    class Callables:
        async def __call__(self, job: Job) -> None:
            assert job.worker_id == "me"

    ids = [(await jobs.enqueue(job_type, {"n": 7})).id for job_type in "abcd"]
    works = JobWorker(jobs, {"a": double, "b": triple, "c": Callables()}, worker_id="me")
    stats = await works.run(until_empty=True)
    assert (stats.completed, stats.failed, stats.lost) == (3, 0, 0)
    assert [(await stored(jobs, job_id)).result for job_id in ids] == [
        {"twice": 14},
        {"thrice": 21},
        None,
        None,
    ]
    # It knows no handler for the last.
    assert (await stored(jobs, ids[3])).status == "pending"


async def test_exceptions_say_what_becomes_of_a_job(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(job: Job) -> dict[str, Any] | None:
        how = job.payload["how"]
        if how == "error":
            raise ValueError("no such thing\x00")
        if how == "dead":
            raise PermanentJobError("never")
        if how == "later":
            raise RetryJobError("not yet", 5000)
        if how == "cancelled":
            raise asyncio.CancelledError
        return {"large": "x" * 2_000_000} if how == "large" else {"bad": object()}

    ids = {
        how: (await jobs.enqueue("a", {"how": how})).id
        for how in ("error", "dead", "later", "cancelled", "large", "object")
    }
    stats = await worker(jobs, handle, concurrency=2).run(until_empty=True)
    assert (stats.completed, stats.failed) == (0, 6)
    found = {how: await stored(jobs, job_id) for how, job_id in ids.items()}
    assert {how: job.status for how, job in found.items()} == {
        "error": "retrying",
        "dead": "failed",
        "later": "retrying",
        "cancelled": "retrying",
        "large": "failed",
        "object": "failed",
    }
    assert found["error"].error == "ValueError: no such thing\N{REPLACEMENT CHARACTER}"
    assert found["dead"].error == "PermanentJobError: never"
    assert found["later"].scheduled_at is not None
    assert (found["later"].scheduled_at - found["later"].updated_at).total_seconds() > 4000
    assert "the result can't be stored" in (found["large"].error or "")
    assert "the result can't be stored" in (found["object"].error or "")


async def test_a_postponed_job_waits_and_keeps_its_attempt(jobs: JobQueueStore) -> None:
    async def handle(job: Job) -> None:
        raise PostponeJobError("not now", 5000)

    job = await jobs.enqueue("a", max_attempts=1)
    works = worker(jobs, handle)
    stats = await works.run(until_empty=True)
    assert (stats.postponed, stats.failed, stats.lost) == (1, 0, 0)
    found = await stored(jobs, job.id)
    assert (found.status, found.attempts, found.worker_id) == ("scheduled", 0, None)
    assert found.error == "PostponeJobError: not now"
    assert found.scheduled_at is not None
    assert (found.scheduled_at - found.updated_at).total_seconds() > 4999


async def test_no_more_handlers_at_once_than_allowed(jobs: JobQueueStore) -> None:
    running, most = 0, 0

    async def handle(job: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    await jobs.enqueue_many([{"job_type": "a"}] * 40)
    stats = await worker(jobs, handle, concurrency=3, batch_size=20).run(until_empty=True)
    assert stats.completed == 40
    assert most == 3


async def test_as_many_plain_functions_at_once_as_allowed(jobs: JobQueueStore) -> None:
    """More than asyncio's own threads (CPUs and four, at most 32), which it keeps for itself."""
    places = 40
    together = threading.Barrier(places)

    def handle(job: Job) -> None:
        # Goes on when all of them run.
        together.wait(30)

    await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * places)
    stats = await JobWorker(jobs, {"a": handle}, concurrency=places).run(until_empty=True)
    assert (stats.completed, stats.failed) == (places, 0)


async def test_failed_jobs_come_back_until_they_are_dead(jobs: JobQueueStore) -> None:
    store = JobQueueStore(jobs.database, retry_policy=RetryPolicy(0.0))
    attempts: list[int] = []

    async def handle(job: Job) -> None:
        attempts.append(job.attempts)
        raise ValueError

    given = await store.enqueue("a", max_attempts=4)
    works = worker(store, handle, look_seconds=0.05)
    running = asyncio.create_task(works.run())
    await until(lambda: works.stats.failed == 4)
    works.stop()
    await running
    assert attempts == [1, 2, 3, 4]
    assert (await stored(jobs, given.id)).status == "failed"
    await store.close()


async def test_a_new_job_starts_at_once(jobs: JobQueueStore) -> None:
    started = asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()

    works = worker(jobs, handle, look_seconds=30)
    running = asyncio.create_task(works.run())
    await asyncio.sleep(0.2)
    await jobs.enqueue("a")
    async with asyncio.timeout(10):
        await started.wait()
    works.stop()
    assert (await running).completed == 1


async def test_a_limit_does_not_make_a_worker_sleep(jobs: JobQueueStore) -> None:
    async def handle(job: Job) -> None:
        pass

    await jobs.set_limit("a", 1)
    await jobs.enqueue_many([{"job_type": "a"}] * 60)
    works = worker(jobs, handle, look_seconds=30)
    running = asyncio.create_task(works.run())
    # Looking once a second for a place that has become free would take a minute.
    await until(lambda: works.stats.completed == 60)
    works.stop()
    await running


async def test_run_ends_what_runs_and_gives_back_the_rest_when_stopped(
    jobs: JobQueueStore,
) -> None:
    may_end = asyncio.Event()
    started: list[str] = []

    async def handle(job: Job) -> None:
        started.append(job.id)
        await may_end.wait()

    ids = await jobs.enqueue_many([{"job_type": "a"}] * 10)
    works = worker(jobs, handle, concurrency=2, batch_size=6)
    running = asyncio.create_task(works.run())
    await until(lambda: len(started) == 2)
    works.stop()
    async with asyncio.timeout(20):
        while (await jobs.get_stats())["processing"] > 2:  # noqa: ASYNC110 - the database tells
            await asyncio.sleep(0.01)
    assert not running.done()
    may_end.set()
    stats = await running
    assert (stats.completed, stats.released) == (2, 4)
    for job_id in ids:
        job = await stored(jobs, job_id)
        # What was given back has all its attempts.
        expected = ("completed", 1) if job_id in started else ("pending", 0)
        assert (job.status, job.attempts) == expected


@pytest.mark.parametrize("how", ["twice", "patience"])
async def test_stop_cancels_handlers_that_do_not_end_and_gives_jobs_back(
    jobs: JobQueueStore, how: str
) -> None:
    started = asyncio.Event()
    cancelled = asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    given = await jobs.enqueue("a")
    works = worker(jobs, handle, shutdown_seconds=0.05 if how == "patience" else 1000)
    running = asyncio.create_task(works.run())
    await started.wait()
    works.stop()
    if how == "twice":
        works.stop()
    stats = await asyncio.wait_for(running, 20)
    assert cancelled.is_set()
    assert stats.released == 1
    job = await stored(jobs, given.id)
    assert (job.status, job.attempts) == ("pending", 0)


async def test_a_plain_function_is_waited_for(jobs: JobQueueStore) -> None:
    started, may_end = threading.Event(), threading.Event()

    def handle(job: Job) -> dict[str, Any]:
        started.set()
        assert may_end.wait(20)
        return {"done": True}

    given = await jobs.enqueue("a")
    works = worker(jobs, handle, shutdown_seconds=0)
    running = asyncio.create_task(works.run())
    await asyncio.to_thread(started.wait, 20)
    works.stop()
    await asyncio.sleep(0.1)
    # Nothing can stop it, so nobody else gets the job.
    assert (await stored(jobs, given.id)).status == "processing"
    may_end.set()
    assert (await asyncio.wait_for(running, 20)).completed == 1
    assert (await stored(jobs, given.id)).result == {"done": True}


async def test_leases_are_kept_while_a_handler_runs(jobs: JobQueueStore) -> None:
    may_end = asyncio.Event()

    async def handle(job: Job) -> None:
        await may_end.wait()

    given = await jobs.enqueue("a")
    works = worker(jobs, handle, lease_seconds=0.5)
    running = asyncio.create_task(works.run())
    first = None
    async with asyncio.timeout(20):
        while True:
            end = (await stored(jobs, given.id)).lease_expires_at
            first = first or end
            if first is not None and end is not None and (end - first).total_seconds() > 1:
                break
            assert await jobs.recover_stale_jobs() == 0
            await asyncio.sleep(0.02)
    may_end.set()
    works.stop()
    assert (await running).completed == 1


async def test_the_handler_of_a_lost_job_is_stopped(jobs: JobQueueStore) -> None:
    starts: list[int] = []
    stopped = asyncio.Event()

    async def handle(job: Job) -> dict[str, Any]:
        starts.append(job.attempts)
        if job.attempts == 1:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        return {"attempt": job.attempts}

    given = await jobs.enqueue("a")
    works = worker(jobs, handle, lease_seconds=0.6, look_seconds=0.05, concurrency=1)
    running = asyncio.create_task(works.run())
    await until(lambda: starts)
    # Somebody takes it away, as if this worker had been thought dead.
    await run(
        jobs.database,
        "UPDATE job_queue SET status = 'pending', worker_id = NULL, lease_expires_at = NULL",
    )
    async with asyncio.timeout(20):
        await stopped.wait()
    await until(lambda: works.stats.completed)
    works.stop()
    stats = await running
    # Its only place went on with the next job.
    assert (stats.lost, stats.completed) == (1, 1)
    assert (await stored(jobs, given.id)).result == {"attempt": 2}


async def test_the_late_end_of_a_plain_function_is_dropped(jobs: JobQueueStore) -> None:
    started, may_end = threading.Event(), threading.Event()

    def outlive(job: Job) -> dict[str, Any]:
        started.set()
        assert may_end.wait(20)
        return {"late": True}

    async def handle(job: Job) -> dict[str, Any]:
        return {"attempt": job.attempts}

    given = await jobs.enqueue("a")
    slow = worker(jobs, outlive, lease_seconds=0.6, look_seconds=0.05, concurrency=1)
    slowly = asyncio.create_task(slow.run(handle_signals=False))
    await asyncio.to_thread(started.wait, 20)
    await run(
        jobs.database,
        "UPDATE job_queue SET status = 'pending', worker_id = NULL, lease_expires_at = NULL",
    )
    # Its only place is taken by the function, so the other worker gets the job.
    await worker(jobs, handle).run(until_empty=True, handle_signals=False)
    await until(lambda: slow.stats.lost)
    may_end.set()
    # The place is free again.
    another = await jobs.enqueue("a")
    await until(lambda: slow.stats.completed)
    slow.stop()
    stats = await slowly
    assert (stats.lost, stats.completed, stats.failed) == (1, 1, 0)
    assert (await stored(jobs, given.id)).result == {"attempt": 2}
    assert (await stored(jobs, another.id)).result == {"late": True}


async def test_a_worker_that_lost_its_database_looks_at_its_claims_at_once(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.claim_count)
        if len(starts) == 1:
            await asyncio.Event().wait()

    real = jobs.wait_for_jobs
    is_lost = asyncio.Event()

    async def wait_for_jobs(*arguments: Any) -> bool:
        if is_lost.is_set():
            is_lost.clear()
            raise DatabaseUnavailableError("as planned")
        return await real(*arguments)

    monkeypatch.setattr(jobs, "wait_for_jobs", wait_for_jobs)
    await jobs.enqueue("a")
    # The leases would be extended in 200 seconds.
    works = worker(jobs, handle, lease_seconds=600, look_seconds=0.05, concurrency=2)
    running = asyncio.create_task(works.run())
    await until(lambda: starts)
    # The server has crashed and forgotten the claim.
    await run(
        jobs.database,
        "UPDATE job_queue SET status = 'pending', worker_id = NULL, lease_expires_at = NULL, "
        "claim_count = 0, attempts = 0",
    )
    is_lost.set()
    await until(lambda: works.stats.lost and works.stats.completed)
    works.stop()
    stats = await running
    assert (stats.lost, stats.completed) == (1, 1)
    assert starts == [1, 1]


async def test_a_lost_job_that_waits_for_its_turn_does_not_start(jobs: JobQueueStore) -> None:
    starts: list[str] = []

    async def handle(job: Job) -> None:
        starts.append(job.id)
        if len(starts) == 1:
            await asyncio.Event().wait()

    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 3)
    works = worker(jobs, handle, lease_seconds=0.6, concurrency=1, batch_size=3)
    running = asyncio.create_task(works.run())
    await until(lambda: starts)
    await run(
        jobs.database,
        f"UPDATE job_queue SET worker_id = 'other' WHERE id IN ('{ids[0]}', '{ids[1]}')",
    )
    await until(lambda: works.stats.completed)
    works.stop()
    stats = await running
    assert (stats.lost, stats.completed) == (2, 1)
    assert starts == [ids[0], ids[2]]


async def test_jobs_of_a_dead_worker_are_recovered(jobs: JobQueueStore) -> None:
    async def handle(job: Job) -> None:
        pass

    given = await jobs.enqueue("a")
    await jobs.claim("dead", lease_seconds=0.001)
    works = worker(jobs, handle, recovery_seconds=0.05, look_seconds=0.05)
    running = asyncio.create_task(works.run())
    await until(lambda: works.stats.completed)
    works.stop()
    assert (await running).recovered == 1
    assert (await stored(jobs, given.id)).attempts == 2


async def test_a_database_that_fails_for_a_while_loses_nothing(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(job: Job) -> None:
        pass

    failures = {"claim": 2, "finish_encoded": 2}

    def failing(name: str) -> Callable[..., Any]:
        real = getattr(jobs, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            if failures[name]:
                failures[name] -= 1
                raise DatabaseUnavailableError("as planned")
            return await real(*arguments, **options)

        return call

    for name in failures:
        monkeypatch.setattr(jobs, name, failing(name))
    await jobs.enqueue_many([{"job_type": "a"}] * 5)
    works = worker(jobs, handle)
    running = asyncio.create_task(works.run())
    await until(lambda: works.stats.completed == 5)
    works.stop()
    await running
    assert failures == {"claim": 0, "finish_encoded": 0}


async def test_cancelling_the_run_gives_everything_back(jobs: JobQueueStore) -> None:
    started = asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    await jobs.enqueue_many([{"job_type": "a"}] * 5)
    works = worker(jobs, handle, concurrency=1, batch_size=3)
    running = asyncio.create_task(works.run())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await jobs.get_stats())["pending"] == 5


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("handlers", {"handlers": {}}),
        ("handlers", {"handlers": {"": print}}),
        ("handlers['a']", {"handlers": {"a": 5}}),
        ("worker_id", {"worker_id": ""}),
        ("concurrency", {"concurrency": 0}),
        ("batch_size", {"batch_size": 0}),
        ("lease_seconds", {"lease_seconds": 0}),
        ("shutdown_seconds", {"shutdown_seconds": -1}),
    ],
)
async def test_bad_options_are_named(
    jobs: JobQueueStore, argument: str, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        JobWorker(jobs, **{"handlers": {"a": print}, **options})
    assert caught.value.argument == argument
