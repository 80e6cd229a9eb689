"""The states of a job and what leads from one to another, as docs/glossary.md draws them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from aragora_sql.database.values import utc_now
from aragora_sql.stores.jobs.records import JobStatus
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.stores.samples import fetch_value, run

GLOSSARY = Path(__file__).resolve().parents[3] / "docs" / "glossary.md"

Edges = set[tuple[str, str]]


def mermaid_edges(text: str) -> Edges:
    diagram = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)[0]
    return {
        (start.replace("[*]", "enqueue"), end)
        for start, end in re.findall(r"^ *(\S+) --> (\w+):", diagram, re.MULTILINE)
    }


def plain_edges(text: str) -> Edges:
    drawing = re.findall(r"```text\n(.*?)```", text, re.DOTALL)[0]
    return {
        (line.split()[0], end)
        for line in drawing.splitlines()
        for end in re.findall(r"(\w+)(?: \([^)]*\))?(?:,|$)", line.split("->")[1].strip())
    }


class Watched:
    """A queue of one job, and the changes of its state that were seen."""

    def __init__(self, jobs: JobQueueStore) -> None:
        self.jobs = jobs
        self.edges: Edges = set()
        self.state = "enqueue"
        self.id = ""

    async def enqueue(self, **options: Any) -> None:
        """Begin with a new job, alone in the queue."""
        await run(self.jobs.database, "DELETE FROM job_queue")
        self.id = (await self.jobs.enqueue("a", **options)).id
        self.state = "enqueue"
        await self.look()

    async def look(self) -> None:
        job = await self.jobs.get(self.id)
        assert job is not None
        if job.status != self.state:
            self.edges.add((self.state, str(job.status)))
            self.state = str(job.status)

    async def claim(self) -> None:
        """Claim the job; what waits for a time is promoted first."""
        if self.state in {"scheduled", "retrying"}:
            await run(
                self.jobs.database,
                "UPDATE job_queue SET scheduled_at = '2001-01-01T00:00:00.000000Z'",
            )
            # A claim of another type promotes and leaves the job where it is.
            await self.jobs.claim("w", 1)
            await self.jobs.claim("w", 1)
            job = await self.jobs.get(self.id)
            assert job is not None
            if job.status == "processing":
                await self.jobs.release([job])
            await self.look()
        (self.job,) = await self.jobs.claim("w", 1)
        await self.look()


async def all_transitions(jobs: JobQueueStore) -> Edges:
    """Lead jobs along every way that the store has, and return the changes of state."""
    watched = Watched(jobs)

    await watched.enqueue()
    await watched.claim()
    await jobs.complete(watched.job)
    await watched.look()
    await jobs.retry(watched.id)
    await watched.look()
    await jobs.cancel(watched.id)
    await watched.look()
    await jobs.retry(watched.id)
    await watched.look()
    await watched.claim()
    await jobs.release([watched.job])
    await watched.look()
    await watched.claim()
    await jobs.fail(watched.job, "no", should_retry=False)
    await watched.look()
    await jobs.retry(watched.id)
    await watched.look()

    later = utc_now() + timedelta(days=1)
    await watched.enqueue(scheduled_at=later)
    await watched.claim()
    await jobs.fail(watched.job, "again")
    await watched.look()
    await watched.claim()
    await jobs.fail(watched.job, "again")
    await watched.look()
    await jobs.cancel(watched.id)
    await watched.look()
    await watched.enqueue(scheduled_at=later)
    await jobs.cancel(watched.id)
    await watched.look()

    for attempts in (3, 1):
        await watched.enqueue(max_attempts=attempts)
        await watched.claim()
        await run(
            jobs.database,
            "UPDATE job_queue SET lease_expires_at = '2001-01-01T00:00:00.000000Z'",
        )
        assert await jobs.recover_stale_jobs() == 1
        await watched.look()

    await watched.enqueue()
    await watched.claim()
    await jobs.postpone(watched.job, "not now", 60)
    await watched.look()

    await watched.enqueue(unique_key="k")
    await watched.claim()
    await jobs.enqueue("b", unique_key="k")
    await jobs.release([watched.job])
    await watched.look()
    assert await fetch_value(jobs.database, "SELECT count(*) FROM job_queue") == 2
    return watched.edges


async def test_the_diagram_of_the_glossary_is_what_jobs_do(jobs: JobQueueStore) -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    drawn = mermaid_edges(text)
    assert drawn == plain_edges(text)
    assert {state for edge in drawn for state in edge} - {"enqueue"} == set(JobStatus)
    assert drawn == await all_transitions(jobs)
