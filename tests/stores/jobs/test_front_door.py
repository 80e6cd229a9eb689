"""The job queue as an application gets it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import aragora_sql
from aragora_sql import (
    JobWorker,
    PostgresJobQueueStore,
    SQLiteJobQueueStore,
    close_databases,
    get_job_queue_store,
    get_postgres_job_queue_store,
    get_sqlite_job_queue_store,
)
from aragora_sql.stores.jobs.records import Job


@pytest.fixture(autouse=True)
async def closed_at_the_end() -> AsyncIterator[None]:
    yield
    await close_databases()


async def test_the_environment_names_the_engine(
    location: str | Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
    else:
        monkeypatch.setenv("DATABASE_URL", location)
    jobs = await get_job_queue_store()
    kind = SQLiteJobQueueStore if isinstance(location, Path) else PostgresJobQueueStore
    assert type(jobs) is kind
    assert f"Using {kind.__name__}" in caplog.text
    given = await jobs.enqueue("a", {"x": 1})

    async def work(job: Job) -> dict[str, int]:
        return {"y": job.payload["x"] + 1}

    assert (await JobWorker(jobs, {"a": work}).run(until_empty=True)).completed == 1
    again = await (
        get_sqlite_job_queue_store()
        if isinstance(location, Path)
        else get_postgres_job_queue_store()
    )
    done = await again.get(given.id)
    assert done is not None
    assert done.result == {"y": 2}


async def test_a_queue_in_memory(tmp_path: Path) -> None:
    jobs = SQLiteJobQueueStore(":memory:")
    await jobs.initialize()
    waiting = asyncio.create_task(jobs.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.05)
    await jobs.enqueue("a")
    assert await waiting
    assert len(await jobs.claim("w", 5)) == 1
    await jobs.database.close()


def test_all_of_it_is_exported() -> None:
    for name in ("JobQueueStore", "JobWorker", "Job", "JobOutcome", "JobStatus", "RetryPolicy"):
        assert name in aragora_sql.__all__
        assert getattr(aragora_sql, name).__name__ == name
