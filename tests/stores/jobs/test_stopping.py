"""Time limits, requests to cancel, and what a handler learns of them; on both engines."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.jobs.handlers import PermanentJobError, stop_reason
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import Job, JobEntry
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.database.waiting import until


async def stored(jobs: JobQueueStore, job_id: str) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


async def forever(job: Job) -> None:
    await asyncio.Event().wait()


async def test_a_coroutine_that_runs_too_long_is_cancelled(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", time_limit_seconds=0.05, max_attempts=1)
    other = await jobs.enqueue("b", max_attempts=1)
    both = {"a": forever, "b": forever}
    stats = await JobWorker(jobs, both, time_limit_seconds=0.1).run(until_empty=True)
    assert stats.failed == 2
    job = await stored(jobs, given.id)
    assert (job.status, job.time_limit_seconds) == ("failed", 0.05)
    assert job.error == "ran longer than its time limit of 0.05 seconds"
    # The worker's own limit is for jobs without one.
    assert (await stored(jobs, other.id)).error == "ran longer than its time limit of 0.1 seconds"


async def test_a_job_that_ran_too_long_is_tried_again(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", time_limit_seconds=0.05)
    await JobWorker(jobs, {"a": forever}).run(until_empty=True)
    job = await stored(jobs, given.id)
    assert (job.status, job.attempts) == ("retrying", 1)


async def test_a_job_within_its_limit_completes(jobs: JobQueueStore) -> None:
    async def handle(job: Job) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"reason": stop_reason()}

    given = await jobs.enqueue("a", time_limit_seconds=60)
    await JobWorker(jobs, {"a": handle}).run(until_empty=True)
    assert (await stored(jobs, given.id)).result == {"reason": None}
    assert stop_reason() is None


async def test_a_plain_function_can_ask_for_its_time_limit(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    def obedient(job: Job) -> None:
        end = time.monotonic() + 20
        while stop_reason() is None and time.monotonic() < end:
            time.sleep(0.005)
        raise RuntimeError(f"stopped: {stop_reason()}")

    given = await jobs.enqueue("a", time_limit_seconds=0.05, max_attempts=1)
    await JobWorker(jobs, {"a": obedient}).run(until_empty=True)
    error = (await stored(jobs, given.id)).error
    assert error == (
        "ran longer than its time limit of 0.05 seconds: RuntimeError: stopped: time limit"
    )
    assert "nothing can stop a plain function" in caplog.text


async def test_what_a_handler_raises_on_purpose_goes_before_its_time_limit(
    jobs: JobQueueStore,
) -> None:
    async def handle(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise PermanentJobError("too large") from None

    given = await jobs.enqueue("a", time_limit_seconds=0.05)
    await JobWorker(jobs, {"a": handle}).run(until_empty=True)
    job = await stored(jobs, given.id)
    assert (job.status, job.error) == ("failed", "PermanentJobError: too large")


@pytest.mark.parametrize("limit", [0, -1, float("inf"), "5", True])
async def test_bad_time_limits_are_refused(jobs: JobQueueStore, limit: Any) -> None:
    with pytest.raises(InvalidInputError, match="time_limit_seconds"):
        await jobs.enqueue("a", time_limit_seconds=limit)
    with pytest.raises(InvalidInputError, match=r"jobs\[0\].time_limit_seconds"):
        await jobs.enqueue_many([{"job_type": "a", "time_limit_seconds": limit}])
    with pytest.raises(InvalidInputError, match="time_limit_seconds"):
        JobWorker(jobs, {"a": forever}, time_limit_seconds=limit)


async def test_batches_keep_time_limits(jobs: JobQueueStore) -> None:
    given: list[JobEntry] = [
        {"job_type": "a", "time_limit_seconds": 1.5},
        {"job_type": "a", "unique_key": "k", "unique_while_running": True},
    ]
    ids = await jobs.enqueue_many(given)
    found = [await stored(jobs, job_id) for job_id in ids]
    assert [(job.time_limit_seconds, job.unique_while_running) for job in found] == [
        (1.5, False),
        (None, True),
    ]
    copy = await jobs.enqueue(found[0], id="copy")
    assert copy.time_limit_seconds == 1.5


async def test_cancelling_a_running_coroutine(jobs: JobQueueStore) -> None:
    reasons: list[str | None] = []
    started, seen = asyncio.Event(), asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            reasons.append(stop_reason())
            await seen.wait()

    given = await jobs.enqueue("a")
    worker = JobWorker(jobs, {"a": handle}, look_seconds=0.05)
    running = asyncio.create_task(worker.run())
    await started.wait()
    # Without the word it is for jobs that wait.
    assert not await jobs.cancel(given.id)
    assert await jobs.cancel(given.id, running=True)
    assert (await stored(jobs, given.id)).status == "processing"
    seen.set()
    await until(lambda: worker.stats.cancelled)
    worker.stop()
    await running
    job = await stored(jobs, given.id)
    assert (job.status, job.error) == ("cancelled", "cancelled while it was processed")
    assert job.cancel_requested_at is not None
    assert reasons == ["cancelled"]
    assert not await jobs.cancel(given.id, running=True)
    # Its attempts and its request are forgotten when it is tried again.
    again = await jobs.retry(given.id)
    assert (again.cancel_requested_at, again.attempts) == (None, 0)


async def test_cancelling_a_running_plain_function(jobs: JobQueueStore) -> None:
    started = threading.Event()

    def handle(job: Job) -> dict[str, Any] | None:
        started.set()
        end = time.monotonic() + 20
        while stop_reason() is None and time.monotonic() < end:
            time.sleep(0.005)
        if job.payload["ends"]:
            return {"reason": stop_reason()}
        raise RuntimeError("cancelled")

    ends, fails = [await jobs.enqueue("a", {"ends": ends}) for ends in (True, False)]
    worker = JobWorker(jobs, {"a": handle}, look_seconds=0.05)
    running = asyncio.create_task(worker.run())
    await asyncio.to_thread(started.wait, 20)
    await until(lambda: len(worker._runs) == 2)
    for job in (ends, fails):
        assert await jobs.cancel(job.id, running=True)
    await until(lambda: worker.stats.cancelled + worker.stats.completed == 2)
    worker.stop()
    await running
    # What ends with a result all the same is completed.
    completed = await stored(jobs, ends.id)
    assert (completed.status, completed.result) == ("completed", {"reason": "cancelled"})
    assert (await stored(jobs, fails.id)).status == "cancelled"


@pytest.mark.parametrize("how", ["fail", "release", "recover", "outcome"])
async def test_list_cancel_requests_and_the_end_of_such_a_job(
    jobs: JobQueueStore, how: str
) -> None:
    given = await jobs.enqueue("a")
    (job,) = await jobs.claim("w", lease_seconds=0.001 if how == "recover" else 60)
    assert await jobs.cancel(given.id, running=True)
    assert await jobs.list_cancel_requests([(job.id, "w", job.claim_count)]) == [job.id]
    assert await jobs.list_cancel_requests([(job.id, "w", job.claim_count + 1)]) == []
    if how == "fail":
        assert await jobs.fail(job, "x") == "cancelled"
    elif how == "release":
        assert await jobs.release([job]) == [job.id]
    elif how == "outcome":
        outcome = JobOutcome.cancelled(job, "on purpose")
        assert await jobs.finish_many([outcome]) == {job.id: "cancelled"}
    else:
        async with asyncio.timeout(10):
            while not await jobs.recover_stale_jobs():  # noqa: ASYNC110 - the database tells
                await asyncio.sleep(0.01)
    found = await stored(jobs, given.id)
    assert found.status == "cancelled"
    assert found.completed_at is not None


async def test_a_job_to_be_cancelled_may_complete(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a")
    (job,) = await jobs.claim("w")
    assert await jobs.cancel(given.id, running=True)
    await jobs.complete(job, {"done": True})
    assert (await stored(jobs, given.id)).status == "completed"
