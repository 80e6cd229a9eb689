"""Finished jobs move into the history, whole and once, and can be found there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.errors import DatabaseError, InvalidInputError, JobNotFoundError
from aragora_sql.stores.jobs.records import FINISHED, Job, JobEntry, UndecodableDocument
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import OpenDatabase
from tests.stores.samples import fetch, fetch_value, run

DAY = timedelta(days=1)


async def ended(jobs: JobQueueStore, count: int, **options: Any) -> list[Job]:
    """Store jobs and complete them; return them as they are then, in their order."""
    given: list[JobEntry] = [{"job_type": "a", **options} for _ in range(count)]  # type: ignore[typeddict-item]
    ids = await jobs.enqueue_many(given)
    await jobs.complete_many(
        [(job, {"of": job.number}) for job in await jobs.claim("w", count, ["a"])]
    )
    return [await stored(jobs, job_id) for job_id in ids]


async def stored(jobs: JobQueueStore, job_id: str) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


async def counts(jobs: JobQueueStore) -> tuple[int, int]:
    """Return how many jobs are in the queue and in the history."""
    return (
        await fetch_value(jobs.database, "SELECT count(*) FROM job_queue"),
        await fetch_value(jobs.database, "SELECT count(*) FROM job_history"),
    )


async def make_old(jobs: JobQueueStore, *job_ids: str, years: int = 1) -> None:
    """Let jobs have ended years ago."""
    when = f"{datetime.now(UTC).year - years}-01-01T00:00:00.000000Z"
    for job_id in job_ids:
        await run(
            jobs.database, f"UPDATE job_queue SET completed_at = '{when}' WHERE id = '{job_id}'"
        )


async def one_of_each_end(jobs: JobQueueStore) -> list[Job]:
    await jobs.enqueue(
        "full",
        {"text": "Grüße 🎉", "floats": [1e17, 0.1], "deep": {"none": None}, "n": 10**30},
        id="full",
        priority=-7,
        max_attempts=5,
        unique_key="key",
        unique_while_running=True,
        user_id="ann",
        workspace_id="ws",
        time_limit_seconds=1.5,
        scheduled_at=datetime(2001, 1, 1, tzinfo=UTC),
    )
    (full,) = await jobs.claim("worker é", job_types=["full"])
    assert await jobs.cancel("full", running=True)
    await run(jobs.database, "UPDATE job_queue SET trace_parent = '00-a-b-01' WHERE id = 'full'")
    await jobs.complete(full, {"done": [1, "ü"]})
    await jobs.enqueue("dead", id="dead")
    (dead,) = await jobs.claim("w", job_types=["dead"])
    await jobs.fail(dead, "why it failed", should_retry=False)
    await jobs.enqueue("a", id="gone", delay_seconds=3600)
    await jobs.cancel("gone")
    return [await stored(jobs, name) for name in ("full", "dead", "gone")]


async def unfinished(jobs: JobQueueStore) -> set[str]:
    """Store a job of each state that is no end."""
    await jobs.enqueue("p", id="pending")
    await jobs.enqueue("s", id="scheduled", delay_seconds=3600)
    await jobs.enqueue("r", id="retrying")
    (job,) = await jobs.claim("w", job_types=["r"])
    await jobs.fail(job, "again", delay_seconds=3600)
    await jobs.enqueue("x", id="processing")
    await jobs.claim("w", job_types=["x"])
    return {"pending", "scheduled", "retrying", "processing"}


async def test_get_archived_gives_every_value_of_every_end(jobs: JobQueueStore) -> None:
    before = await one_of_each_end(jobs)
    full = before[0]
    assert None not in (full.cancel_requested_at, full.trace_parent, full.time_limit_seconds)
    assert await jobs.purge(0, FINISHED, archive=True) == 3
    assert await counts(jobs) == (0, 3)
    assert [await jobs.get_archived(job.id) for job in before] == before
    assert await jobs.list_history() == sorted(
        before, key=lambda job: (job.completed_at, job.id), reverse=True
    )


async def test_purge_archives_what_it_would_delete_and_no_unfinished_job(
    jobs: JobQueueStore,
) -> None:
    waiting = await unfinished(jobs)
    before = await ended(jobs, 7)
    await make_old(jobs, *(job.id for job in before[:5]))
    await one_of_each_end(jobs)
    assert await jobs.purge(DAY, archive=True, batch_size=2) == 5
    assert await jobs.purge(DAY, archive=True) == 0
    assert {job.id for job in await jobs.list_history()} == {job.id for job in before[:5]}
    # Dead jobs stay, as they do when nothing is archived.
    assert await jobs.purge(0, archive=True) == 4
    assert await jobs.get_archived("dead") is None
    assert await jobs.purge(0, ["failed"], archive=True) == 1
    assert {job.id for job in await jobs.list_jobs()} == waiting
    for job_id in waiting:
        assert await jobs.get_archived(job_id) is None


async def test_nothing_is_archived_unless_asked_for(jobs: JobQueueStore) -> None:
    await ended(jobs, 3)
    assert await jobs.purge(0) == 3
    assert await counts(jobs) == (0, 0)


async def test_two_purgers_at_once_move_each_job_once(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    before = {job.id for job in await ended(jobs, 200)}
    others = [JobQueueStore(await open_database()) for _ in range(2)]
    moved = await asyncio.gather(
        *(one.purge(0, archive=True, batch_size=7) for one in (jobs, *others))
    )
    assert sum(moved) == 200
    assert await counts(jobs) == (0, 200)
    assert {job.id for job in await jobs.list_history(limit=500)} == before
    for one in others:
        await one.close()


async def test_what_another_purger_holds_is_passed_over_and_not_moved_twice(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    if jobs.database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    await ended(jobs, 10)
    other = JobQueueStore(await open_database())
    async with jobs.database.transaction():
        assert await jobs._archive_batch("completed", 0.0, 4) == 4
        assert await asyncio.wait_for(other.purge(0, archive=True), 30) == 6
    assert await counts(jobs) == (0, 10)
    await other.close()


async def test_a_purge_that_is_stopped_in_between_loses_and_doubles_nothing(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {job.id for job in await ended(jobs, 9)}
    deleting = jobs._queries.delete_archived_jobs
    calls = 0

    async def stops(*args: Any, **options: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise asyncio.CancelledError
        return await deleting(*args, **options)

    monkeypatch.setattr(jobs._queries, "delete_archived_jobs", stops)
    with pytest.raises(asyncio.CancelledError):
        await jobs.purge(0, archive=True, batch_size=2)
    assert await counts(jobs) == (5, 4)
    assert await jobs.purge(0, archive=True, batch_size=2) == 5
    assert {job.id for job in await jobs.list_history()} == before


async def test_jobs_that_a_trigger_keeps_in_the_queue_are_not_copied(jobs: JobQueueStore) -> None:
    await ended(jobs, 2)
    if jobs.database.dialect == "postgres":
        keeping = (
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RETURN NULL; END'; CREATE TRIGGER keep BEFORE DELETE ON job_queue "
            "FOR EACH ROW EXECUTE FUNCTION keep()"
        )
    else:
        keeping = "CREATE TRIGGER keep BEFORE DELETE ON job_queue BEGIN SELECT raise(IGNORE); END"
    await run(jobs.database, keeping)
    with pytest.raises(DatabaseError, match="none was moved"):
        await jobs.purge(0, archive=True)
    assert await counts(jobs) == (2, 0)


async def test_an_archive_takes_part_in_a_transaction_of_the_caller(jobs: JobQueueStore) -> None:
    await ended(jobs, 3)

    async def moved_and_failed() -> None:
        async with jobs.database.transaction():
            assert await jobs.purge(0, archive=True) == 3
            assert await counts(jobs) == (0, 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await moved_and_failed()
    assert await counts(jobs) == (3, 0)


async def test_an_id_that_was_given_again_is_archived_again(jobs: JobQueueStore) -> None:
    (first,) = await ended(jobs, 1, id="nightly")
    await jobs.purge(0, archive=True)
    (second,) = await ended(jobs, 1, id="nightly")
    await jobs.purge(0, archive=True)
    assert await jobs.get_archived("nightly") == second
    assert await jobs.list_history() == [second, first]


async def test_an_archived_job_is_no_job_of_the_queue(jobs: JobQueueStore) -> None:
    (job,) = await ended(jobs, 1, unique_key="key")
    await jobs.purge(0, archive=True)
    assert await jobs.get(job.id) is None
    with pytest.raises(JobNotFoundError):
        await jobs.retry(job.id)
    assert (await jobs.enqueue("a", unique_key="key")).id != job.id
    assert await jobs.get_archived("unknown") is None


async def test_list_history_pages_by_key_also_among_equal_times(jobs: JobQueueStore) -> None:
    before = await ended(jobs, 11)
    await make_old(jobs, *(job.id for job in before[:6]))
    await jobs.purge(0, archive=True)
    pages: list[Job] = []
    last: Job | None = None
    while page := await jobs.list_history(limit=4, after=last):
        assert len(page) <= 4
        pages += page
        last = page[-1]
    assert len(pages) == 11
    assert pages == await jobs.list_history()
    assert [job.id for job in pages[5:]] == sorted((job.id for job in before[:6]), reverse=True)


async def test_list_history_of_a_status_and_a_type(jobs: JobQueueStore) -> None:
    await one_of_each_end(jobs)
    await jobs.purge(0, FINISHED, archive=True)
    assert [job.id for job in await jobs.list_history("failed")] == ["dead"]
    assert [job.id for job in await jobs.list_history(job_type="full")] == ["full"]
    assert await jobs.list_history("failed", "full") == []
    (job,) = await jobs.list_history("completed", documents=False)
    assert (type(job.payload), job.result) == (UndecodableDocument, None)


async def test_purge_history_deletes_what_is_old_in_small_batches(jobs: JobQueueStore) -> None:
    before = await ended(jobs, 10)
    await make_old(jobs, *(job.id for job in before[:7]))
    await jobs.purge(0, archive=True)
    assert await jobs.purge_history(DAY, batch_size=2) == 7
    assert await jobs.purge_history(DAY.total_seconds()) == 0
    assert {job.id for job in await jobs.list_history()} == {job.id for job in before[7:]}
    assert await jobs.purge_history(0) == 3


async def test_two_purgers_of_the_history_delete_each_job_once(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    await ended(jobs, 100)
    await jobs.purge(0, archive=True)
    other = JobQueueStore(await open_database())
    gone = await asyncio.gather(*(one.purge_history(0, batch_size=7) for one in (jobs, other)))
    assert (sum(gone), await counts(jobs)) == (100, (0, 0))
    await other.close()


async def test_the_history_takes_finished_jobs_only(jobs: JobQueueStore) -> None:
    await ended(jobs, 1)
    await jobs.purge(0, archive=True)
    for status in ("pending", "scheduled", "retrying", "processing", "done"):
        with pytest.raises(DatabaseError, match="job_history"):
            await run(jobs.database, f"UPDATE job_history SET status = '{status}'")
    assert [
        row["status"] for row in await fetch(jobs.database, "SELECT status FROM job_history")
    ] == ["completed"]


@pytest.mark.parametrize(
    "after", [5, "x", {}, {"id": "x"}, {"completed_at": None, "id": "x"}, {"completed_at": DAY}]
)
async def test_list_history_refuses_what_is_no_row(jobs: JobQueueStore, after: Any) -> None:
    with pytest.raises(InvalidInputError, match="after: must be the last row of the page before"):
        await jobs.list_history(after=after)
