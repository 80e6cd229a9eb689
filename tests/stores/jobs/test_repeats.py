"""Calls whose answer was lost, inserts that a trigger swallows, and rows beyond Python."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

import pytest

from aragora_sql.errors import (
    ConnectionLostError,
    DatabaseError,
    InvalidInputError,
    JobClaimLostError,
)
from aragora_sql.stores.jobs.leases import claim_of
from aragora_sql.stores.jobs.outcomes import JobOutcome, encode_outcome
from aragora_sql.stores.jobs.records import Job, JobEntry, RetryPolicy, UndecodableDocument
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.database.waiting import until
from tests.proxy import CountingProxy
from tests.stores.jobs.test_connections import behind
from tests.stores.samples import fetch_value, run


async def stored(jobs: JobQueueStore, job_id: str) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


async def claim_one(jobs: JobQueueStore) -> Job:
    (job,) = await jobs.claim("w")
    return job


# Repeated outcomes


@pytest.mark.parametrize("result", [None, {"x": 1, "text": "ü", "large": 10**30, "f": 1e17}])
async def test_completing_twice_with_the_same_result(
    jobs: JobQueueStore, result: dict[str, Any] | None
) -> None:
    given = await jobs.enqueue("a")
    job = await claim_one(jobs)
    await jobs.complete(job, result)
    await jobs.complete(job, result)
    await jobs.complete(given.id, result, worker_id="w")
    assert await jobs.finish_many([JobOutcome.completed(job, result)]) == {job.id: "completed"}
    assert await jobs.complete_many([(job, result)]) == []
    with pytest.raises(JobClaimLostError, match="it is completed"):
        await jobs.complete(job, {"x": 2})
    with pytest.raises(JobClaimLostError, match="it is completed"):
        await jobs.complete(given.id, result, worker_id="another")
    with pytest.raises(JobClaimLostError, match="it is completed"):
        await jobs.fail(job, "an error")


@pytest.mark.parametrize("delay", [None, 0])
async def test_failing_twice_with_the_same_error(jobs: JobQueueStore, delay: float | None) -> None:
    await jobs.enqueue("a")
    job = await claim_one(jobs)
    status = await jobs.fail(job, "an error", delay_seconds=delay)
    assert await jobs.fail(job, "an error", delay_seconds=delay) == status
    with pytest.raises(JobClaimLostError):
        await jobs.fail(job, "another error")
    assert (await stored(jobs, job.id)).attempts == 1


async def test_failing_for_good_twice(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a")
    job = await claim_one(jobs)
    assert await jobs.fail(job, "x", False) == "failed"
    assert await jobs.fail(job, "x", False) == "failed"
    assert await jobs.fail(job.id, "x", False, worker_id="w") == "failed"


async def test_a_recovered_job_is_not_taken_for_a_repeated_one(jobs: JobQueueStore) -> None:
    await jobs.enqueue("a", max_attempts=1)
    (job,) = await jobs.claim("w", lease_seconds=0.001)
    async with asyncio.timeout(10):
        while not await jobs.recover_stale_jobs():  # noqa: ASYNC110 - the database tells
            await asyncio.sleep(0.01)
    for act in (lambda: jobs.complete(job), lambda: jobs.fail(job, "x")):
        with pytest.raises(JobClaimLostError, match="it is failed"):
            await act()


async def test_an_outcome_whose_answer_was_lost_is_stored_once(
    counted_postgres: CountingProxy,
) -> None:
    async with behind(counted_postgres) as store:
        await store.enqueue("a")
        job = await claim_one(store)
        counted_postgres.stall(replies_only=True)
        completing = asyncio.create_task(store.complete(job, {"n": 1}))
        async with asyncio.timeout(20):
            await asyncio.sleep(0.3)
        await counted_postgres.drop()
        counted_postgres.resume()
        with pytest.raises(ConnectionLostError):
            await completing
        await store.complete(job, {"n": 1})
        assert (await stored(store, job.id)).result == {"n": 1}


async def test_a_worker_counts_an_outcome_whose_answer_was_lost(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.finish_encoded
    losses = 2

    async def finish(outcomes: list[Any]) -> dict[str, str]:
        nonlocal losses
        finished = await real(outcomes)
        if losses:
            losses -= 1
            raise ConnectionLostError("as planned")
        return finished

    async def handle(job: Job) -> dict[str, Any] | None:
        if job.payload["n"] == 1:
            raise ValueError("as planned")
        return {"n": job.payload["n"]}

    monkeypatch.setattr(jobs, "finish_encoded", finish)
    await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(5)])
    worker = JobWorker(jobs, {"a": handle})
    running = asyncio.create_task(worker.run())
    await until(lambda: worker.stats.completed + worker.stats.failed == 5)
    worker.stop()
    stats = await running
    assert (stats.completed, stats.failed, stats.lost) == (4, 1, 0)


async def test_extend_claims_release_claims_and_finish_encoded(jobs: JobQueueStore) -> None:
    """What a worker calls: claims and outcomes that are checked already."""
    await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 3)
    claims = [claim_of(job, None, "") for job in await jobs.claim("w", 3)]
    first, second, third = claims
    assert set(await jobs.extend_claims(claims, 60)) == {claim[0] for claim in claims}
    assert await jobs.extend_claims([(first[0], "another", first[2])], 60) == {}
    assert await jobs.release_claims([third]) == [third[0]]
    assert await jobs.release_claims([]) == []
    outcomes = [
        encode_outcome(second, "failed", 100, error="x"),
        encode_outcome(first, "completed", 100, {"n": 1}),
    ]
    expected = {first[0]: "completed", second[0]: "failed"}
    assert await jobs.finish_encoded(outcomes) == expected
    # A repetition is accepted; what was given back is not finished.
    late = encode_outcome(third, "completed", 100)
    assert await jobs.finish_encoded([*outcomes, late]) == expected


# What the database swallows

SWALLOW = {
    "postgres": "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN IF new.job_type = 'swallowed' THEN RETURN NULL; END IF; RETURN new; END$$;"
    "CREATE TRIGGER swallow BEFORE INSERT ON job_queue "
    "FOR EACH ROW EXECUTE FUNCTION swallow();",
    "sqlite": "CREATE TRIGGER swallow BEFORE INSERT ON job_queue "
    "WHEN new.job_type = 'swallowed' BEGIN SELECT raise(IGNORE); END;",
}


async def test_an_insert_that_a_trigger_swallows_is_an_error(jobs: JobQueueStore) -> None:
    async with jobs.database.connection() as connection:
        await connection.run_script("trigger", SWALLOW[jobs.database.dialect])
    for key in (None, "k"):
        with pytest.raises(DatabaseError, match="a trigger or rule of table job_queue"):
            await jobs.enqueue("swallowed", unique_key=key)
    batches: tuple[list[JobEntry], ...] = (
        [{"job_type": "swallowed", "payload": {}}] * 2,
        [{"job_type": "swallowed", "priority": 1}] * 2,
    )
    for batch in batches:
        with pytest.raises(DatabaseError, match="2 of 2 jobs were not stored"):
            await jobs.enqueue_many(batch)
    with pytest.raises(DatabaseError, match="a trigger or rule"):
        await jobs.enqueue_many([{"job_type": "swallowed", "unique_key": "k"}])
    assert (await jobs.enqueue("a")).status == "pending"


# Rows that Python can't decode

DIGITS = '{"n": ' + "9" * 5000 + "}"
DEEP = '{"a":' * 1500 + "1" + "}" * 1500


async def damage(jobs: JobQueueStore, job_id: str, text: str, column: str = "payload") -> None:
    if jobs.database.dialect == "sqlite" and text == DEEP:
        # SQLite's own limit is 1,000 levels (2,000 in older releases): past the check.
        await run(jobs.database, "PRAGMA ignore_check_constraints = ON")
    await run(jobs.database, f"UPDATE job_queue SET {column} = '{text}' WHERE id = '{job_id}'")


@pytest.mark.parametrize("text", [DIGITS, DEEP], ids=["digits", "levels"])
async def test_a_payload_beyond_python_fails_only_its_job(
    jobs: JobQueueStore, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    if (
        text == DEEP
        and jobs.database.dialect == "sqlite"
        and sqlite3.sqlite_version_info >= (3, 45)
    ):
        pytest.skip("this SQLite refuses documents of over 1,000 levels itself")
    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(6)])
    await damage(jobs, ids[2], text)
    seen: list[int] = []

    async def handle(job: Job) -> None:
        seen.append(job.payload["n"])

    stats = await JobWorker(jobs, {"a": handle}).run(until_empty=True)
    assert stats.completed == 5
    assert sorted(seen) == [0, 1, 3, 4, 5]
    job = await stored(jobs, ids[2])
    assert job.status == "failed"
    assert (job.error or "").startswith("the payload can't be decoded: ")
    assert f"job {ids[2]} (a) has failed" in caplog.text


async def test_lists_go_on_beside_a_document_beyond_python(jobs: JobQueueStore) -> None:
    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {"n": n}} for n in range(3)])
    await damage(jobs, ids[1], DIGITS)
    assert [job.id for job in await jobs.list_jobs()] == list(reversed(ids))
    assert [job.id for job in await jobs.list_jobs("pending")] == list(reversed(ids))
    found = await stored(jobs, ids[1])
    assert isinstance(found.payload, UndecodableDocument)
    assert "9" * 5000 in found.payload.text
    assert list(found.payload) == ["undecodable"]
    json.dumps(found.to_dict())
    with pytest.raises(InvalidInputError, match="payload: must be decodable"):
        await jobs.enqueue(found, id="copy")
    updated = await jobs.update(ids[1], priority=3)
    assert updated.priority == 3
    assert await jobs.cancel(ids[1])
    assert (await jobs.retry(ids[1])).status == "pending"
    # Mended, it is worked on.
    await jobs.update(ids[1], payload={"n": 7})
    assert (await claim_one(jobs)).payload == {"n": 7}


async def test_a_result_beyond_python_does_not_stop_a_list(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a")
    await jobs.complete(await claim_one(jobs), {"x": 1})
    await damage(jobs, given.id, DIGITS, "result")
    (job,) = await jobs.list_jobs("completed")
    assert isinstance(job.result, UndecodableDocument)


async def test_a_key_that_a_damaged_job_keeps(jobs: JobQueueStore) -> None:
    given = await jobs.enqueue("a", unique_key="k")
    await damage(jobs, given.id, DIGITS)
    found = await jobs.enqueue("a", unique_key="k")
    assert found.id == given.id


# Rows that the rules allow


async def test_failing_a_job_without_attempts(jobs: JobQueueStore) -> None:
    """As written by SQL, and by the mapping of older queues."""
    store = JobQueueStore(jobs.database, retry_policy=RetryPolicy(10.0, jitter=0.0))
    ids = await store.enqueue_many([{"job_type": "a", "payload": {}}] * 2)
    claimed = await store.claim("w", 2)
    await run(jobs.database, "UPDATE job_queue SET attempts = 0")
    assert await store.fail(claimed[0], "x") == "retrying"
    assert await store.release([claimed[1]]) == [claimed[1].id]
    job = await stored(store, claimed[0].id)
    assert job.scheduled_at is not None
    assert 9 < (job.scheduled_at - job.updated_at).total_seconds() < 11
    assert await fetch_value(jobs.database, "SELECT max(attempts) FROM job_queue") == 0
    assert {job.id for job in claimed} == set(ids)
    await store.close()
