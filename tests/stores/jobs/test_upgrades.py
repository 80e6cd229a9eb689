"""A queue of an earlier release is upgraded, with its jobs; on both engines."""

from __future__ import annotations

from aragora_sql.schema import initialize_store
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import OpenDatabase
from tests.stores.earlier_release import catalog_of, put_back
from tests.stores.samples import run

TABLES = ("job_history", "job_schedules", "job_queue_limits", "job_queue")


async def put_back_first(jobs: JobQueueStore) -> None:
    """Put back what the first release has made."""
    if jobs.database.dialect == "postgres":
        await run(jobs.database, "DROP TABLE job_queue_starts")
    await put_back(jobs.database, "jobs", TABLES, version=1)


async def test_an_upgraded_queue_is_as_a_fresh_one(jobs: JobQueueStore) -> None:
    fresh = await catalog_of(jobs.database, "job_")
    await put_back_first(jobs)
    assert await catalog_of(jobs.database, "job_") != fresh
    assert await initialize_store(jobs.database, "jobs") == 5
    assert await catalog_of(jobs.database, "job_") == fresh


async def test_an_upgrade_keeps_jobs_keys_and_limits(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    await put_back_first(jobs)
    await run(
        jobs.database,
        "INSERT INTO job_queue (id, job_type, unique_key, payload) "
        "VALUES ('1', 'a', 'key', '{\"n\": 1}')",
    )
    await run(jobs.database, "INSERT INTO job_queue_limits (job_type, max_running) VALUES ('a', 1)")
    await initialize_store(jobs.database, "jobs")
    store = JobQueueStore(await open_database())
    assert (await store.enqueue("a", unique_key="key")).id == "1"
    (limit,) = await store.get_limits()
    assert (limit.max_running, limit.paused) == (1, False)
    (job,) = await store.claim("w")
    assert (job.payload, job.time_limit_seconds) == ({"n": 1}, None)
    await store.close()
