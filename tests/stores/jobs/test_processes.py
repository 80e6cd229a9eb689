"""Many processes work on one queue, and die in the middle of it."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import JobStateError
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.conftest import OpenDatabase

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = 8
JOBS = 20_000

Process = subprocess.Popen[str]


def start(*arguments: str) -> Process:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.jobs.processes", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@contextmanager
def ended(processes: list[Process]) -> Iterator[None]:
    """Leave no process behind."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


async def until_ready(process: Process) -> None:
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    assert line == "ready\n", process.communicate()[1]


async def test_eight_processes_claim_each_job_once(
    jobs: JobQueueStore, location: str | Path
) -> None:
    ids: list[str] = []
    for _ in range(JOBS // 1000):
        ids += await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 1000)
    processes = [start("claim", str(location), f"w{n}", "50") for n in range(PROCESSES)]
    with ended(processes):
        for process in processes:
            await until_ready(process)
        outputs = await asyncio.gather(
            *(asyncio.to_thread(process.communicate, "go\n") for process in processes)
        )
        assert [process.returncode for process in processes] == [0] * PROCESSES, outputs[0][1]
    claims = [output.split() for output, _ in outputs]
    # Not all were late for the race.
    assert sum(bool(claimed) for claimed in claims) > 1
    assert Counter(job_id for claimed in claims for job_id in claimed) == dict.fromkeys(ids, 1)
    assert await jobs.get_stats() == {"completed": JOBS, "total": JOBS}


async def test_killed_workers_lose_nothing_and_overlap_nowhere(
    jobs: JobQueueStore, location: str | Path, tmp_path: Path
) -> None:
    chance = random.Random(7)  # noqa: S311
    folder = tmp_path / "locks"
    folder.mkdir()
    ids = await jobs.enqueue_many(
        {"job_type": "a", "payload": {"fails": n % 50 == 0}, "max_attempts": 3} for n in range(1500)
    )
    processes: list[Process] = []
    with ended(processes):
        processes += [start("work", str(location), str(folder)) for _ in range(4)]
        for process in processes:
            await until_ready(process)
        for _ in range(10):
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            victim = processes.pop(chance.randrange(len(processes)))
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            processes.append(start("work", str(location), str(folder)))
            await until_ready(processes[-1])
        deadline = time.monotonic() + 90
        while True:
            stats = await jobs.get_stats()
            # Retries of those that fail would wait for minutes otherwise.
            for job in await jobs.list_jobs("retrying"):
                # Between the two it may have come and gone by itself.
                with suppress(JobStateError):
                    await jobs.update(job.id, scheduled_at=job.created_at)
            if stats["completed"] + stats["failed"] == len(ids):
                break
            assert time.monotonic() < deadline, stats
            await asyncio.sleep(0.1)
        # The rest ends its claims and goes.
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            output = await asyncio.to_thread(process.communicate)
            assert process.returncode == 0, output[1]
    assert list(folder.glob("*.overlap")) == []
    done = set((folder / "done.log").read_text().split())
    stored = {job.id: job for job in await jobs.list_jobs(limit=2000)}
    assert set(stored) == set(ids)
    # The kills hit workers that were at work.
    assert any(job.attempts > 1 for job in stored.values() if not job.payload["fails"])
    for job in stored.values():
        assert job.status in {"completed", "failed"}
        assert job.attempts <= job.max_attempts
        if job.status == "completed":
            assert job.id in done
            assert not job.payload["fails"]
        else:
            # Dead by its own fault, or because three of its workers were killed.
            assert job.payload["fails"] or job.attempts == job.max_attempts


async def test_finishing_and_claiming_at_once_never_deadlocks(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    """Ends in any order, claims, leases and recoveries, with limits on two types of four."""
    databases: list[Database] = [jobs.database, await open_database()]
    stores = [jobs, JobQueueStore(databases[1])]
    total = 1200
    await jobs.enqueue_many(
        {"job_type": "abcd"[n % 4], "payload": {}, "priority": n % 3, "max_attempts": 99}
        for n in range(total)
    )
    await jobs.set_limit("a", 5)
    await jobs.set_limit("b", 3)
    ends = 0

    async def work(number: int) -> None:
        nonlocal ends
        chance = random.Random(number)  # noqa: S311
        store = stores[number % 2]
        while ends < total:
            claimed: list[Job] = await store.claim(f"w{number}", chance.randrange(1, 12))
            chance.shuffle(claimed)
            await store.extend_many(claimed)
            cut = chance.randrange(len(claimed) + 1)
            outcomes = [JobOutcome.completed(job) for job in claimed[:cut]]
            outcomes += [JobOutcome.retry(job, "x", 0) for job in claimed[cut : cut + 2]]
            ended_now, _, _ = await asyncio.gather(
                store.finish_many(outcomes),
                store.extend_many(claimed),
                store.recover_stale_jobs(),
            )
            await store.release(claimed[cut + 2 :])
            ends += sum(status == "completed" for status in ended_now.values())

    async with asyncio.timeout(240):
        await asyncio.gather(*(work(number) for number in range(8)))
    assert await jobs.get_stats() == {"completed": total, "total": total}
    assert [limit.running for limit in await jobs.get_limits()] == [0, 0]
    await stores[1].close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_worker_that_waits(
    jobs: JobQueueStore, location: str | Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("work", str(location), str(tmp_path))
    with ended([process]):
        await until_ready(process)
        job = await jobs.enqueue("a", {"fails": False})
        async with asyncio.timeout(30):
            while (await jobs.get_stats())["completed"] == 0:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        process.send_signal(number)
        output = await asyncio.to_thread(process.communicate)
        assert process.returncode == 0, output[1]
    assert (tmp_path / "done.log").read_text() == f"{job.id}\n"
