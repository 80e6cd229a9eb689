"""A queue of an earlier release is upgraded, with its jobs; on both engines."""

from __future__ import annotations

from pathlib import Path

from aragora_sql.database import Database
from aragora_sql.schema import describe_catalog, initialize_store
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import OpenDatabase
from tests.stores.samples import run

VERSION_1 = Path(__file__).parent / "version_1"


async def downgrade(database: Database) -> None:
    """Put the tables of version 1 in the place of today's."""
    async with database.transaction() as connection:
        for table in ("job_schedules", "job_queue_limits", "job_queue"):
            await connection.run_script("drop", f"DROP TABLE IF EXISTS {table}")
        await connection.run_script("drop", "DELETE FROM _schema_versions WHERE module = 'jobs'")
        text = (VERSION_1 / f"{database.dialect}.sql").read_text(encoding="utf-8")
        await connection.run_script("version 1", text)


async def catalog(database: Database) -> dict[tuple[str, str, str], str]:
    async with database.read() as connection:
        found = await describe_catalog(connection, database.dialect)
    return {key: text for key, text in found.items() if key[0].startswith("job_")}


async def test_an_upgraded_queue_is_as_a_fresh_one(jobs: JobQueueStore) -> None:
    fresh = await catalog(jobs.database)
    await downgrade(jobs.database)
    assert await catalog(jobs.database) != fresh
    assert await initialize_store(jobs.database, "jobs") == 2
    assert await catalog(jobs.database) == fresh


async def test_an_upgrade_keeps_jobs_keys_and_limits(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    await downgrade(jobs.database)
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
