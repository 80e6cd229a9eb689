"""The job queue: what each call does, on both engines."""

from __future__ import annotations

import asyncio
import json
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import (
    DuplicateKeyError,
    InvalidInputError,
    JobClaimLostError,
    JobNotFoundError,
    JobStateError,
)
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import Job, JobEntry, RetryPolicy
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.stores.samples import fetch, fetch_value, run


async def claim_one(jobs: JobQueueStore, worker: str = "w", **options: Any) -> Job:
    (job,) = await jobs.claim(worker, **options)
    return job


async def lapse(jobs: JobQueueStore, *claimed: Job) -> None:
    """Let the leases of jobs have run out long ago."""
    past = "2001-01-01T00:00:00.000000Z"
    for job in claimed:
        await run(
            jobs.database,
            f"UPDATE job_queue SET lease_expires_at = '{past}' WHERE id = '{job.id}'",
        )


# Enqueue


async def test_enqueue_then_get_gives_the_job_back(jobs: JobQueueStore) -> None:
    payload = {"text": "Grüße 🎉", "floats": [1e17, 0.1, -0.0], "deep": {"none": None}}
    before = datetime.now(UTC)
    given = await jobs.enqueue(
        "gauntlet",
        payload,
        id="my-id",
        priority=-7,
        max_attempts=5,
        unique_key="key",
        user_id="ann",
        workspace_id="ws",
    )
    assert given == await jobs.get("my-id")
    assert (given.id, given.job_type, given.payload) == ("my-id", "gauntlet", payload)
    assert (given.priority, given.max_attempts, given.unique_key) == (-7, 5, "key")
    assert (given.user_id, given.workspace_id) == ("ann", "ws")
    assert (given.status, given.attempts, given.result, given.error) == ("pending", 0, None, None)
    assert (given.started_at, given.completed_at, given.worker_id) == (None, None, None)
    # The clock is the database's, which runs on this machine.
    assert abs(given.created_at - before) < timedelta(minutes=1)
    assert given.created_at.tzinfo is UTC
    assert json.loads(json.dumps(given.to_dict()))["payload"] == payload


async def test_ids_are_made_and_sort_by_time(jobs: JobQueueStore) -> None:
    single = await jobs.enqueue("a")
    many = await jobs.enqueue_many({"job_type": "a", "payload": {"n": n}} for n in range(300))
    assert len({single.id, *many}) == 301
    assert many == sorted(many)
    last = await jobs.get(many[-1])
    assert last is not None
    assert last.payload == {"n": 299}


async def test_an_id_is_taken_once(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a", id="x")
    with pytest.raises(DuplicateKeyError):
        await jobs.enqueue("a", id="x")
    with pytest.raises(DuplicateKeyError):
        await jobs.enqueue_many([{"job_type": "a", "id": "y"}, {"job_type": "a", "id": "x"}])
    assert await jobs.get("y") is None


async def test_a_job_can_be_enqueued_from_another(jobs: JobQueueStore) -> None:
    first = await jobs.enqueue("a", {"n": 1}, priority=3, user_id="ann")
    second = await jobs.enqueue(first, id="other", priority=4)
    assert (second.payload, second.user_id, second.priority) == ({"n": 1}, "ann", 4)
    third = await jobs.enqueue({"job_type": "b", "payload": {"n": 2}})
    assert (third.job_type, third.payload) == ("b", {"n": 2})


async def test_enqueue_many_takes_all_options(jobs: JobQueueStore) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    ids = await jobs.enqueue_many(
        [
            {"job_type": "a", "payload": {"x": 'quote " and \\'}, "priority": 2},
            {"job_type": "a", "scheduled_at": soon, "user_id": "ann", "workspace_id": "ws"},
            {"job_type": "b", "delay_seconds": 0.0, "max_attempts": 1, "id": "mine"},
        ]
    )
    found = [await jobs.get(job_id) for job_id in ids]
    assert [job.status for job in found if job] == ["pending", "scheduled", "pending"]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].payload == {"x": 'quote " and \\'}
    assert found[1].scheduled_at == soon.replace(microsecond=soon.microsecond)
    assert (found[1].user_id, found[1].workspace_id) == ("ann", "ws")
    assert ids[2] == "mine"
    assert await jobs.enqueue_many([]) == []


# Order and claims


async def test_larger_priorities_first_then_in_order(jobs: JobQueueStore) -> None:
    for number, priority in enumerate([0, 5, -3, 5, 0, 2**31 - 1, -(2**31)]):
        await jobs.enqueue("ab"[number % 2], {"n": number}, priority=priority)
    expected = [5, 1, 3, 0, 4, 2, 6]
    assert [job.payload["n"] for job in await jobs.claim("w", 3)] == expected[:3]
    assert [job.payload["n"] for job in await jobs.claim("w", 9, ["a", "b"])] == expected[3:]


async def test_claim_marks_the_job(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a")
    job = await claim_one(jobs, lease_seconds=100)
    assert job == await jobs.get(given.id)
    assert (job.status, job.worker_id, job.attempts, job.claim_count) == ("processing", "w", 1, 1)
    assert job.started_at is not None
    assert job.lease_expires_at is not None
    assert job.lease_expires_at - job.started_at == timedelta(seconds=100)
    assert await jobs.claim("w", 5) == []
    assert await jobs.dequeue("w") is None


async def test_dequeue_gives_only_the_types_that_were_asked_for(jobs: JobQueueStore) -> None:
    for job_type in "abcabc":
        await jobs.enqueue(job_type)
    assert [job.job_type for job in await jobs.claim("w", 9, ["c"])] == ["c", "c"]
    assert [job.job_type for job in await jobs.claim("w", 9, ["b", "x", "b"])] == ["b", "b"]
    job = await jobs.dequeue("w", ["a"])
    assert job is not None
    assert job.job_type == "a"


async def test_scheduled_jobs_wait_for_their_time(jobs: JobQueueStore) -> None:
    now = datetime.now(UTC)
    later = await jobs.enqueue("a", scheduled_at=now + timedelta(days=1), priority=100)
    past = await jobs.enqueue("a", scheduled_at=now - timedelta(days=1))
    soon = await jobs.enqueue("a", delay_seconds=3600, priority=7)
    assert [later.status, past.status, soon.status] == ["scheduled", "pending", "scheduled"]
    await jobs.enqueue("a")
    assert (await claim_one(jobs)).id == past.id
    # Its time has come.
    due = f"UPDATE job_queue SET scheduled_at = created_at WHERE id = '{soon.id}' RETURNING id"
    assert await fetch(jobs.database, due) == [{"id": soon.id}]
    # An empty claim looks for jobs whose time has come.
    assert await jobs.claim("w", 1, ["none"]) == []
    assert (await claim_one(jobs)).id == soon.id
    assert len(await jobs.claim("w", 9)) == 1
    assert (await jobs.get_stats())["scheduled"] == 1


# Ends


async def test_complete_with_and_without_result(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a"}] * 3)
    claimed = await jobs.claim("w", 3)
    for job, result in zip(claimed, [{"x": [1.5]}, {}, None], strict=True):
        await jobs.complete(job, result)
        ended = await jobs.get(job.id)
        assert ended is not None
        assert (ended.status, ended.result, ended.worker_id) == ("completed", result, "w")
        assert ended.completed_at is not None
        assert ended.lease_expires_at is None
        assert ended.is_finished


async def test_an_error_is_gone_after_a_success(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")
    assert await jobs.fail(await claim_one(jobs), "boom", delay_seconds=0) == "pending"
    job = await claim_one(jobs)
    assert (job.error, job.attempts) == ("boom", 2)
    await jobs.complete(job.id, worker_id="w")
    ended = await jobs.get(job.id)
    assert ended is not None
    assert ended.error is None


async def test_a_job_is_dead_after_its_last_attempt(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", max_attempts=2)
    assert await jobs.fail(await claim_one(jobs), "first", delay_seconds=0) == "pending"
    assert await jobs.fail(await claim_one(jobs), "second", delay_seconds=0) == "failed"
    dead = await jobs.get(given.id)
    assert dead is not None
    assert (dead.status, dead.error, dead.attempts) == ("failed", "second", 2)
    assert dead.completed_at is not None
    assert await jobs.claim("w") == []


async def test_fail_does_not_retry_when_it_would_not_help(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")
    assert await jobs.fail(await claim_one(jobs), "bad input", should_retry=False) == "failed"


async def test_delays_double_up_to_the_longest(jobs: JobQueueStore) -> None:
    store = JobQueueStore(jobs.database, retry_policy=RetryPolicy(100, 350, jitter=0.1))
    given = await store.enqueue("a", max_attempts=9)
    delays = []
    for _ in range(4):
        assert await store.fail(await claim_one(store), "x") == "retrying"
        failed = await store.get(given.id)
        assert failed is not None
        assert failed.scheduled_at is not None
        assert failed.worker_id is None
        delays.append((failed.scheduled_at - failed.updated_at).total_seconds())
        await store.update(given.id, scheduled_at=given.created_at - timedelta(days=1))
    for delay, expected in zip(delays, [100, 200, 350, 350], strict=True):
        assert expected * 0.9 - 0.01 <= delay <= expected * 1.1 + 0.01
    # By chance: 1 in a million that they agree to the millisecond.
    assert delays[2] != delays[3]


async def test_a_given_delay_replaces_the_policy(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a")
    await jobs.fail(await claim_one(jobs), "x", delay_seconds=5000)
    failed = await jobs.get(given.id)
    assert failed is not None
    assert failed.scheduled_at is not None
    assert (failed.scheduled_at - failed.updated_at).total_seconds() == pytest.approx(5000)


async def test_complete_many_ends_many_at_once(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(6)])
    claimed = await jobs.claim("w", 6)
    ended = await jobs.finish_many(
        [
            JobOutcome.completed(claimed[0], {"n": 0}),
            JobOutcome.retry(claimed[1], "again", 60),
            JobOutcome.failed(claimed[2], "dead"),
            JobOutcome.completed(claimed[3]),
        ]
    )
    assert ended == {
        claimed[0].id: "completed",
        claimed[1].id: "retrying",
        claimed[2].id: "failed",
        claimed[3].id: "completed",
    }
    # Those that are ended already are reported, and the others ended.
    assert await jobs.complete_many([claimed[0], (claimed[4], {"x": 1}), claimed[5]]) == [
        claimed[0].id
    ]
    fourth = await jobs.get(claimed[4].id)
    assert fourth is not None
    assert fourth.result == {"x": 1}
    assert await jobs.finish_many([]) == {}


# Who holds the claim


async def test_only_the_holder_can_end_a_job(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a")
    job = await claim_one(jobs, "first")
    for act in (
        lambda: jobs.complete(given.id, worker_id="second"),
        lambda: jobs.fail(given.id, "x", worker_id="second"),
        lambda: jobs.extend(given.id, worker_id="second"),
    ):
        with pytest.raises(JobClaimLostError, match="worker 'first' holds it"):
            await act()
    assert await jobs.get(given.id) == job
    await jobs.complete(job)
    with pytest.raises(JobClaimLostError, match="it is completed"):
        await jobs.complete(job, {"other": "result"})
    with pytest.raises(JobClaimLostError, match="it is completed"):
        await jobs.fail(job, "something else")
    with pytest.raises(JobNotFoundError):
        await jobs.complete("unknown", worker_id="w")


async def test_extend_many_and_complete_refuse_a_late_worker(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")
    late = await claim_one(jobs, "same")
    await lapse(jobs, late)
    assert await jobs.recover_stale_jobs() == 1
    with pytest.raises(JobClaimLostError, match="it is pending"):
        await jobs.complete(late)
    # Even when the same worker has it again: that is another claim.
    again = await claim_one(jobs, "same")
    with pytest.raises(JobClaimLostError, match="claimed it again"):
        await jobs.complete(late)
    assert await jobs.extend_many([late, again]) == [again.id]
    assert await jobs.release([late]) == []
    await jobs.complete(again)


async def test_complete_twice_at_once_gives_one(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")
    job = await claim_one(jobs)
    results = await asyncio.gather(
        *(jobs.complete(job, {"n": n}) for n in range(8)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(result, JobClaimLostError) for result in results) == 7
    ended = await jobs.get(job.id)
    assert ended is not None
    assert ended.result == {"n": results.index(None)}


async def test_a_cancelled_job_cannot_be_ended(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a")
    assert await jobs.cancel(given.id)
    with pytest.raises(JobClaimLostError, match="it is cancelled"):
        await jobs.complete(given.id, worker_id="w")


# Leases


async def test_extend_moves_the_end_of_the_lease(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a"}] * 3)
    claimed = await jobs.claim("w", 3, lease_seconds=10)
    end = await jobs.extend(claimed[0], 1000)
    assert claimed[0].lease_expires_at is not None
    assert end > claimed[0].lease_expires_at + timedelta(seconds=900)
    assert set(await jobs.extend_many(claimed, 2000)) == {job.id for job in claimed}
    assert await jobs.recover_stale_jobs() == 0


async def test_recover_stale_jobs_gives_jobs_to_others(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a", max_attempts=2)
    await jobs.enqueue("b")
    claimed = await jobs.claim("dead worker", 2)
    await lapse(jobs, *claimed)
    assert await jobs.recover_stale_jobs(10**9) == 0
    assert await jobs.recover_stale_jobs(job_types=["a"]) == 1
    assert await jobs.recover_stale_jobs(job_types=["a"]) == 0
    (again,) = await jobs.claim("w", 9)
    assert (again.job_type, again.attempts) == ("a", 2)
    assert again.error == "the lease of worker dead worker ran out in attempt 1"
    # A job that takes its workers down dies at last.
    await lapse(jobs, again)
    assert await jobs.recover_stale_jobs() == 2
    dead = await jobs.get(again.id)
    assert dead is not None
    assert (dead.status, dead.worker_id) == ("failed", "w")


async def test_release_leaves_a_job_as_if_it_was_not_claimed(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a", "max_attempts": 1}] * 2)
    claimed = await jobs.claim("w", 2)
    assert set(await jobs.release(claimed)) == {job.id for job in claimed}
    again = await jobs.claim("w", 2)
    assert [job.attempts for job in again] == [1, 1]
    assert [job.claim_count for job in again] == [2, 2]


# Unique keys


async def test_one_waiting_job_of_a_key(jobs: JobQueueStore) -> None:
    first = await jobs.enqueue("a", {"n": 1}, unique_key="k")
    assert await jobs.enqueue("a", {"n": 2}, unique_key="k") == first
    ids = await jobs.enqueue_many(
        [
            {"job_type": "a", "unique_key": "k"},
            {"job_type": "a", "unique_key": "l"},
            {"job_type": "a", "unique_key": "l"},
            {"job_type": "a"},
        ]
    )
    assert ids[0] == first.id
    assert ids[1] == ids[2] != first.id
    assert (await jobs.get_stats())["total"] == 3
    # What runs is not in the way of the next.
    await jobs.claim("w", 9)
    assert (await jobs.enqueue("a", unique_key="k")).id != first.id


@pytest.mark.parametrize("how", ["fail", "release", "recover"])
async def test_what_would_wait_beside_another_of_its_key_is_cancelled(
    jobs: JobQueueStore, how: str
) -> None:
    first = await jobs.enqueue("a", unique_key="k")
    claimed = await claim_one(jobs)
    waiting = await jobs.enqueue("a", unique_key="k")
    if how == "fail":
        assert await jobs.fail(claimed, "x", delay_seconds=0) == "cancelled"
    elif how == "release":
        assert await jobs.release([claimed]) == [first.id]
    else:
        await lapse(jobs, claimed)
        assert await jobs.recover_stale_jobs() == 1
    stored = await jobs.get(first.id)
    assert stored is not None
    assert stored.status == "cancelled"
    assert (await claim_one(jobs)).id == waiting.id
    assert await jobs.claim("w") == []


@pytest.mark.parametrize("how", ["fail", "release", "recover"])
async def test_finish_many_leaves_one_waiting_of_two_that_come_back_together(
    jobs: JobQueueStore, how: str
) -> None:
    await jobs.enqueue("a", unique_key="k")
    claimed = [await claim_one(jobs)]
    await jobs.enqueue("a", unique_key="k")
    claimed.append(await claim_one(jobs))
    if how == "fail":
        ended = await jobs.finish_many([JobOutcome.retry(job, "x", 0) for job in claimed])
        assert sorted(ended.values()) == ["cancelled", "pending"]
    elif how == "release":
        assert len(await jobs.release(claimed)) == 2
    else:
        await lapse(jobs, *claimed)
        assert await jobs.recover_stale_jobs() == 2
    stats = await jobs.get_stats()
    assert (stats["pending"], stats["cancelled"]) == (1, 1)


async def test_a_hundred_of_a_key_at_once_store_one(jobs: JobQueueStore) -> None:
    given = await asyncio.gather(*(jobs.enqueue("a", unique_key="k") for _ in range(100)))
    assert len({job.id for job in given}) == 1
    assert (await jobs.get_stats())["total"] == 1


# Limits


async def test_no_more_of_a_type_than_its_limit(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": t} for t in "aaaaabbb"])
    running = await jobs.claim("w", 1, ["a"])
    await jobs.set_limit("a", 2)
    claimed = await jobs.claim("w", 9)
    assert sorted(job.job_type for job in claimed) == ["a", "b", "b", "b"]
    assert await jobs.claim("w", 9) == []
    assert await jobs.claim("w", 9, ["a"]) == []
    assert not await jobs.wait_for_jobs(timeout=0)
    (limit,) = await jobs.get_limits()
    assert (limit.job_type, limit.max_running, limit.running) == ("a", 2, 2)
    # Each end of a claim makes a place free.
    await jobs.complete(running[0])
    one = await claim_one(jobs, limit=9)
    await jobs.fail(one, "x", delay_seconds=60)
    one = await claim_one(jobs, job_types=["a"])
    await jobs.release([one])
    one = await claim_one(jobs, job_types=["a"])
    await lapse(jobs, one)
    await jobs.recover_stale_jobs()
    assert len(await jobs.claim("w", 9, ["a"])) == 1
    await jobs.set_limit("a", 0)
    assert await jobs.claim("w", 9) == []
    await jobs.set_limit("a", None)
    assert await jobs.get_limits() == []
    assert [job.job_type for job in await jobs.claim("w", 9)] == ["a"]


async def test_set_limit_and_get_limits_hold_under_many_claims_at_once(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a"}] * 60)
    await jobs.set_limit("a", 7)
    most = 0
    active = 0

    async def work(number: int) -> int:
        nonlocal most, active
        done = 0
        for _ in range(12):
            for job in await jobs.claim(f"w{number}", 3, ["a"] if number % 2 else ["a", "b"]):
                active += 1
                most = max(most, active)
                await asyncio.sleep(0)
                # Before it is over in the database, so that it is never counted too late.
                active -= 1
                await jobs.complete(job)
                done += 1
        return done

    done = sum(await asyncio.gather(*(work(number) for number in range(6))))
    assert most <= 7
    assert done > 30
    (limit,) = await jobs.get_limits()
    assert limit.running == 0


async def test_counters_that_rows_deleted_by_hand_leave_wrong_are_mended(
    jobs: JobQueueStore,
) -> None:
    await jobs.enqueue_many([{"job_type": "a"}] * 2)
    await jobs.set_limit("a", 1)
    await claim_one(jobs)
    await run(jobs.database, "DELETE FROM job_queue WHERE status = 'processing'")
    assert await jobs.claim("w") == []
    await jobs.recover_stale_jobs()
    assert len(await jobs.claim("w")) == 1


# Looking after


async def test_list_jobs_gives_the_newest_first_and_by_page(jobs: JobQueueStore) -> None:
    ids = await jobs.enqueue_many([{"job_type": "ab"[n % 2]} for n in range(10)])
    assert [job.id for job in await jobs.list_jobs()] == ids[::-1]
    page = await jobs.list_jobs(limit=4)
    rest = await jobs.list_jobs(limit=9, before=page[-1].number)
    assert [job.id for job in [*page, *rest]] == ids[::-1]
    await jobs.claim("w", 3, ["a"])
    assert [job.id for job in await jobs.list_jobs("processing", "a")] == ids[4::-2]
    assert await jobs.list_jobs("processing", "b") == []
    assert await jobs.list_jobs(limit=0) == []


async def test_get_counts_and_get_stats(jobs: JobQueueStore) -> None:
    assert await jobs.get_stats() == {}
    await jobs.enqueue_many([{"job_type": job_type} for job_type in "aaab"])
    await jobs.complete(await claim_one(jobs))
    stats = await jobs.get_stats()
    assert stats == {"pending": 3, "completed": 1, "total": 4}
    assert stats["failed"] == 0
    counts = [(count.job_type, count.status, count.total) for count in await jobs.get_counts()]
    assert counts == [("a", "completed", 1), ("a", "pending", 2), ("b", "pending", 1)]


async def test_get_load_tells_what_waits_and_runs(jobs: JobQueueStore) -> None:
    assert await jobs.get_load() == []
    old, _, done = await jobs.enqueue_many([{"job_type": "a"} for _ in range(3)])
    await jobs.complete(await claim_one(jobs))
    await jobs.retry(old)
    await jobs.enqueue("later", delay_seconds=3600)
    await jobs.enqueue("b")
    await jobs.cancel(done)
    long_ago = "'2001-01-01T00:00:00.000000Z'"
    await run(jobs.database, f"UPDATE job_queue SET created_at = {long_ago} WHERE id = '{old}'")
    (claimed,) = await jobs.claim("w", 1, ["b"])
    await lapse(jobs, claimed)
    load = {(one.job_type, one.status): one for one in await jobs.get_load()}
    assert load.keys() == {("a", "pending"), ("b", "processing"), ("later", "scheduled")}
    assert (load["a", "pending"].total, load["a", "pending"].expired) == (2, 0)
    since = datetime.now(UTC) - datetime(2001, 1, 1, tzinfo=UTC)
    assert abs(load["a", "pending"].oldest_seconds - since.total_seconds()) < 60
    assert load["later", "scheduled"].oldest_seconds == 0
    assert (load["b", "processing"].total, load["b", "processing"].expired) == (1, 1)
    assert claimed.trace_parent is None


async def test_cancel_takes_waiting_jobs_only(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")
    running = await claim_one(jobs)
    scheduled = await jobs.enqueue("a", delay_seconds=100)
    assert not await jobs.cancel(running.id)
    assert await jobs.cancel(scheduled.id)
    assert not await jobs.cancel(scheduled.id)
    assert not await jobs.cancel("unknown")


async def test_retry_runs_finished_jobs_again(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", max_attempts=1, unique_key="k")
    await jobs.fail(await claim_one(jobs), "boom")
    again = await jobs.retry(given.id)
    assert (again.status, again.attempts, again.error) == ("pending", 0, "boom")
    with pytest.raises(JobStateError, match="is pending: it can be retried when"):
        await jobs.retry(given.id)
    with pytest.raises(JobNotFoundError):
        await jobs.retry("unknown")
    await jobs.complete(await claim_one(jobs), {"x": 1})
    await jobs.enqueue("a", unique_key="k")
    with pytest.raises(DuplicateKeyError):
        await jobs.retry(given.id)


async def test_update_changes_waiting_jobs(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", {"n": 1})
    later = datetime.now(UTC) + timedelta(days=1)
    changed = await jobs.update(
        given.id, priority=5, payload={"n": 2}, max_attempts=8, scheduled_at=later
    )
    assert (changed.priority, changed.payload, changed.max_attempts) == (5, {"n": 2}, 8)
    assert (changed.status, changed.scheduled_at) == ("scheduled", later)
    sooner = await jobs.update(given.id, scheduled_at=datetime.now(UTC) - timedelta(1))
    assert (sooner.status, sooner.priority) == ("pending", 5)
    await claim_one(jobs)
    with pytest.raises(JobStateError, match="is processing"):
        await jobs.update(given.id, priority=1)
    with pytest.raises(JobNotFoundError):
        await jobs.update("unknown", priority=1)


async def test_purge_takes_what_is_old_in_small_batches(jobs: JobQueueStore) -> None:
    await jobs.enqueue_many([{"job_type": "a"}] * 30)
    await jobs.complete_many(await jobs.claim("w", 20))
    await jobs.fail(await claim_one(jobs), "x", should_retry=False)
    await run(
        jobs.database,
        "UPDATE job_queue SET completed_at = '2001-01-01T00:00:00.000000Z' "
        "WHERE completed_at IS NOT NULL AND number <= 15",
    )
    assert await jobs.purge(timedelta(days=1), batch_size=4) == 15
    assert await jobs.purge(timedelta(days=1)) == 0
    assert (await jobs.get_stats()) == {"completed": 5, "failed": 1, "pending": 9, "total": 15}
    assert await jobs.purge(0, ["failed"]) == 1


# Waiting


async def test_wait_for_jobs_ends_with_a_new_job(jobs: JobQueueStore) -> None:
    assert not await jobs.wait_for_jobs(timeout=0)
    waiting = asyncio.create_task(jobs.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.05)
    await jobs.enqueue("b")
    assert not waiting.done()
    started = time.monotonic()
    await jobs.enqueue("a")
    assert await waiting
    # It was told, and did not just look again after a second.
    assert time.monotonic() - started < 0.5
    assert await jobs.wait_for_jobs(["a"])


async def test_waiting_ends_when_a_scheduled_job_is_due(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", delay_seconds=0.3)
    assert await jobs.wait_for_jobs(["a"], 20)
    job = await claim_one(jobs)
    assert job.id == given.id
    assert job.started_at is not None
    assert given.scheduled_at is not None
    assert job.started_at >= given.scheduled_at


async def test_waiting_that_was_given_up_leaves_the_store_usable(jobs: JobQueueStore) -> None:
    for _ in range(5):
        waiting = asyncio.create_task(jobs.wait_for_jobs())
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await jobs.enqueue("a")
    assert await jobs.wait_for_jobs(timeout=20)


# Transactions


async def test_a_job_of_a_transaction_that_is_undone_never_was(jobs: JobQueueStore) -> None:
    async def undone() -> None:
        async with jobs.database.transaction():
            await jobs.enqueue("a")
            await jobs.enqueue_many([{"job_type": "a"}] * 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await undone()
    assert await jobs.claim("w") == []


# Bad input

ROW = {"job_type": "a"}


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("job_type", lambda q: q.enqueue("")),
        ("job_type", lambda q: q.enqueue("  ")),
        ("job", lambda q: q.enqueue(5)),
        ("job", lambda q: q.enqueue("a", colour="red")),
        ("payload", lambda q: q.enqueue("a", [1])),
        ("payload['x']", lambda q: q.enqueue("a", {"x": float("nan")})),
        ("payload['x']", lambda q: q.enqueue("a", {"x": object()})),
        ("payload['x']", lambda q: q.enqueue("a", {"x": "\x00"})),
        ("payload", lambda q: q.enqueue("a", {"x": "x" * 1_000_000})),
        ("payload", lambda q: q.enqueue("a", {"x": "ü" * 500_000})),
        ("priority", lambda q: q.enqueue("a", priority=2**31)),
        ("priority", lambda q: q.enqueue("a", priority=-(2**31) - 1)),
        ("priority", lambda q: q.enqueue("a", priority=True)),
        ("priority", lambda q: q.enqueue("a", priority=1.5)),
        ("max_attempts", lambda q: q.enqueue("a", max_attempts=0)),
        ("scheduled_at", lambda q: q.enqueue("a", scheduled_at=datetime(2026, 1, 1))),
        ("delay_seconds", lambda q: q.enqueue("a", delay_seconds=-1)),
        (
            "delay_seconds",
            lambda q: q.enqueue("a", delay_seconds=1, scheduled_at=datetime.now(UTC)),
        ),
        ("unique_key", lambda q: q.enqueue("a", unique_key="")),
        ("id", lambda q: q.enqueue("a", id="x" * 1001)),
        ("user_id", lambda q: q.enqueue("a", user_id="")),
        ("jobs[1].priority", lambda q: q.enqueue_many([ROW, {**ROW, "priority": "x"}])),
        (
            "jobs[1].payload['x']",
            lambda q: q.enqueue_many(
                [{**ROW, "payload": {}}, {**ROW, "payload": {"x": float("inf")}}]
            ),
        ),
        ("jobs[0]", lambda q: q.enqueue_many([{"payload": {}}])),
        ("jobs[0]", lambda q: q.enqueue_many([5])),
        ("jobs[1].job_type", lambda q: q.enqueue_many([ROW, {"job_type": [], "payload": {}}])),
        ("jobs", lambda q: q.enqueue_many("text")),
        ("worker_id", lambda q: q.claim("")),
        ("worker_id", lambda q: q.claim(" ")),
        ("limit", lambda q: q.claim("w", 0)),
        ("lease_seconds", lambda q: q.claim("w", lease_seconds=0)),
        ("lease_seconds", lambda q: q.claim("w", lease_seconds=-1)),
        ("lease_seconds", lambda q: q.claim("w", lease_seconds=float("inf"))),
        ("lease_seconds", lambda q: q.extend("x", 0, worker_id="w")),
        ("job_types", lambda q: q.claim("w", 1, [])),
        ("job_types", lambda q: q.claim("w", 1, "text")),
        ("job_types[0]", lambda q: q.claim("w", 1, [""])),
        ("worker_id", lambda q: q.complete("x")),
        ("worker_id", lambda q: q.complete("x", worker_id="")),
        ("result", lambda q: q.complete("x", [1], worker_id="w")),
        ("result", lambda q: q.complete("x", {"x": "x" * 1_000_000}, worker_id="w")),
        ("error", lambda q: q.fail("x", None, worker_id="w")),
        ("delay_seconds", lambda q: q.fail("x", "e", worker_id="w", delay_seconds=-1)),
        ("outcomes[0]", lambda q: q.finish_many(["x"])),
        ("status", lambda q: q.list_jobs("done")),
        ("limit", lambda q: q.list_jobs(limit=-1)),
        ("statuses[0]", lambda q: q.purge(1, ["pending"])),
        ("older_than", lambda q: q.purge(-1)),
        ("batch_size", lambda q: q.purge(1, batch_size=0)),
        ("max_running", lambda q: q.set_limit("a", -1)),
        ("stale_threshold_seconds", lambda q: q.recover_stale_jobs(-1)),
        ("timeout", lambda q: q.wait_for_jobs(timeout=-1)),
        ("priority", lambda q: q.update("x", priority=2**40)),
        ("max_attempts", lambda q: q.update("x", max_attempts=0)),
    ],
)
async def test_bad_input_is_named_and_nothing_is_written(
    jobs: JobQueueStore, argument: str, call: Any
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await call(jobs)
    assert caught.value.argument == argument
    assert await fetch_value(jobs.database, "SELECT count(*) FROM job_queue") == 0
    assert await fetch_value(jobs.database, "SELECT count(*) FROM job_queue_limits") == 0


async def test_unknown_types_are_refused_where_the_types_are_known(jobs: JobQueueStore) -> None:
    store = JobQueueStore(jobs.database, job_types=["gauntlet", "routing"])
    await store.enqueue("gauntlet")
    for call in (
        lambda: store.enqueue("gauntlett"),
        lambda: store.enqueue_many([{"job_type": "x", "payload": {}}]),
        lambda: store.claim("w", 1, ["routing", "x"]),
        lambda: store.list_jobs(job_type="x"),
        lambda: store.recover_stale_jobs(job_types=["x"]),
        lambda: store.set_limit("x", 1),
    ):
        with pytest.raises(InvalidInputError, match="not a known job type; use gauntlet, routing"):
            await call()
    assert (await store.get_stats())["total"] == 1


async def test_the_limit_of_payloads_is_the_applications(jobs: JobQueueStore) -> None:
    store = JobQueueStore(jobs.database, max_payload_bytes=20)
    await store.enqueue("a", {"x": "1234567890"})
    with pytest.raises(InvalidInputError, match="must be at most 20 bytes of JSON, not 22"):
        await store.enqueue("a", {"x": "12345678901234"})
    with pytest.raises(InvalidInputError):
        await store.enqueue_many([{"job_type": "a", "payload": {"x": "12345678901234"}}])


@pytest.mark.parametrize(
    "policy",
    [{"base_seconds": -1}, {"jitter": 1.5}, {"max_seconds": float("nan")}],
)
def test_a_bad_retry_policy_is_refused(policy: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        RetryPolicy(**policy)


@pytest.mark.parametrize(
    "payload",
    [{}, {"x": None}, {"x": 1e17, "y": [1, 2.5]}, {"\u00e9": "\U0001f600", "n": {"0e1": "null"}}],
)
@pytest.mark.parametrize("options", [{}, {"priority": 0}], ids=["plain", "with options"])
async def test_batches_store_what_single_jobs_store(
    jobs: JobQueueStore, payload: dict[str, Any], options: dict[str, Any]
) -> None:
    """Whichever way a batch takes, its jobs are those that were given, in their order."""
    types = ["a", "step0e", "null"]
    single = await jobs.enqueue("a", payload)
    given: list[Any] = [
        {"job_type": types[n % 3], "payload": {**payload, "#": n}, **options} for n in range(30)
    ]
    ids = await jobs.enqueue_many(given)
    stored = (await jobs.list_jobs())[::-1][1:]
    assert [job.id for job in stored] == ids
    assert [
        {"job_type": job.job_type, "payload": job.payload, **options} for job in stored
    ] == given
    assert single.payload == payload
    same = ("status", "priority", "attempts", "max_attempts", "unique_key", "scheduled_at")
    assert {tuple(job[name] for name in same) for job in [single, *stored]} == {
        ("pending", 0, 0, 3, None, None)
    }


async def test_a_faulty_job_of_a_plain_batch_is_named(jobs: JobQueueStore) -> None:
    good: JobEntry = {"job_type": "a", "payload": {}}
    faulty: list[JobEntry] = [
        {"job_type": "a", "payload": {"x": math.nan}},
        {"job_type": "", "payload": {}},
    ]
    for bad in faulty:
        with pytest.raises(InvalidInputError, match=r"jobs\[1\]"):
            await jobs.enqueue_many([good, bad, good])
    assert await jobs.list_jobs() == []


async def test_a_queue_in_memory() -> None:
    jobs = JobQueueStore(SQLiteDatabase(":memory:"))
    await jobs.initialize()
    waiting = asyncio.create_task(jobs.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.05)
    await jobs.enqueue("a")
    assert await waiting
    assert len(await jobs.claim("w", 5)) == 1
    await jobs.database.close()


async def test_a_lease_has_a_shortest_length(jobs: JobQueueStore) -> None:
    for seconds in (0, 0.0009):
        with pytest.raises(InvalidInputError, match=r"must be at least 0\.001 seconds, not"):
            await jobs.claim("w", lease_seconds=seconds)


async def test_postpone_gives_a_job_back_for_later(jobs: JobQueueStore) -> None:
    await jobs.set_limit("a", 1)
    first = await jobs.enqueue("a", max_attempts=1)
    (claimed,) = await jobs.claim("w")
    assert await jobs.postpone(claimed, "not now", 0) == "pending"
    # The answer may have been lost.
    assert await jobs.postpone(claimed, "not now", 0) == "pending"
    (claimed,) = await jobs.claim("w")
    assert (claimed.id, claimed.attempts) == (first.id, 1)
    assert await jobs.postpone(claimed, "not now", 60) == "scheduled"
    assert [limit.running for limit in await jobs.get_limits()] == [0]
    with pytest.raises(JobClaimLostError):
        await jobs.complete(claimed)
    with pytest.raises(InvalidInputError, match="delay_seconds"):
        await jobs.postpone(claimed, "not now", -1)


async def test_postpone_does_what_a_request_to_cancel_asks_for(jobs: JobQueueStore) -> None:
    job = await jobs.enqueue("a")
    (claimed,) = await jobs.claim("w")
    assert await jobs.cancel(job.id, running=True)
    assert await jobs.postpone(claimed, "not now", 60) == "cancelled"
