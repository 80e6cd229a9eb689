"""Leases under handlers that block, claims that arrive late, and suspended processes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.stores.jobs import leases
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.database.waiting import until
from tests.stores.jobs.test_processes import ended, start, until_ready


async def stored(jobs: JobQueueStore, job_id: str) -> Job:
    job = await jobs.get(job_id)
    assert job is not None
    return job


async def test_a_handler_that_blocks_the_loop_is_named(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(job: Job) -> None:
        end = time.monotonic() + 20
        while "has blocked the event loop" not in caplog.text and time.monotonic() < end:
            time.sleep(0.01)  # noqa: ASYNC251 - that is what is tested

    given = await jobs.enqueue("blocking")
    await JobWorker(jobs, {"blocking": handle}, lease_seconds=0.6).run(until_empty=True)
    assert "the handler of job type 'blocking'" in caplog.text
    assert given.id in caplog.text


async def test_a_handler_that_awaits_is_not_named(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(job: Job) -> None:
        await asyncio.sleep(0.7)

    await jobs.enqueue("a")
    stats = await JobWorker(jobs, {"a": handle}, lease_seconds=0.6).run(until_empty=True)
    assert stats.completed == 1
    assert "blocked" not in caplog.text


async def test_a_claim_whose_answer_comes_after_its_lease_is_not_started(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[int] = []
    is_late = True
    real = jobs.claim

    async def claim(*arguments: Any, **options: Any) -> list[Job]:
        nonlocal is_late
        claimed = await real(*arguments, **options)
        if claimed and is_late:
            is_late = False
            await asyncio.sleep(options["lease_seconds"])
        return claimed

    async def handle(job: Job) -> None:
        starts.append(job.claim_count)

    monkeypatch.setattr(jobs, "claim", claim)
    given = await jobs.enqueue("a")
    worker = JobWorker(jobs, {"a": handle}, lease_seconds=0.3, recovery_seconds=30)
    running = asyncio.create_task(worker.run())
    await until(lambda: worker.stats.completed)
    worker.stop()
    stats = await running
    assert (stats.completed, stats.lost) == (1, 1)
    # The late claim was given back, not started, and its attempt does not count.
    assert starts == [2]
    assert (await stored(jobs, given.id)).attempts == 1


@pytest.mark.parametrize("kind", ["coroutine", "plain"])
async def test_a_job_whose_lease_ran_out_in_the_backlog_is_not_started(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As after a suspension: time has passed, and no lease was extended."""
    starts: list[str] = []
    real = leases.clock
    suspended = 0.0

    def clock() -> float:
        return real() + suspended

    for module in ("leases", "handlers", "worker"):
        monkeypatch.setattr(f"aragora_sql.stores.jobs.{module}.clock", clock)

    def suspend(job: Job) -> None:
        nonlocal suspended
        starts.append(job.id)
        if len(starts) == 1:
            suspended += 120

    async def suspend_later(job: Job) -> None:
        suspend(job)

    ids = await jobs.enqueue_many([{"job_type": "a", "payload": {}}] * 3)
    handlers: dict[str, Any] = {"a": suspend_later if kind == "coroutine" else suspend}
    worker = JobWorker(
        jobs, handlers, concurrency=1, batch_size=3, lease_seconds=60, look_seconds=0.05
    )
    running = asyncio.create_task(worker.run())
    await until(lambda: worker.stats.lost >= 2)
    assert starts == ids[:1]
    worker.stop()
    await running


async def test_a_frozen_coroutine_takes_no_further_step(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = leases.clock
    suspended = 0.0
    steps: list[str] = []
    may_go_on = asyncio.Event()

    def clock() -> float:
        return real() + suspended

    for module in ("leases", "handlers", "worker"):
        monkeypatch.setattr(f"aragora_sql.stores.jobs.{module}.clock", clock)

    async def handle(job: Job) -> None:
        steps.append("first")
        try:
            await may_go_on.wait()
            steps.append("second")
        finally:
            steps.append("end")

    await jobs.enqueue("a")
    worker = JobWorker(jobs, {"a": handle}, lease_seconds=60, look_seconds=0.05)
    running = asyncio.create_task(worker.run())
    await until(lambda: steps)
    suspended = 61.0
    may_go_on.set()
    await until(lambda: worker.stats.lost)
    assert steps == ["first", "end"]
    worker.stop()
    assert (await running).completed == 0


async def test_a_stopped_process_does_not_go_on_with_a_job_of_another(
    jobs: JobQueueStore, location: str | Path, tmp_path: Path
) -> None:
    """SIGSTOP for longer than the lease, then SIGCONT."""
    ids = await jobs.enqueue_many([{"job_type": "steps", "payload": {}}] * 4)
    process = start("steps", str(location), str(tmp_path))
    with ended([process]):
        await until_ready(process)
        log = tmp_path / "steps.log"
        await until(lambda: log.exists() and len(log.read_text().split()) > 20)
        os.kill(process.pid, signal.SIGSTOP)
        # The server may still hold an extension that it was sent before.
        recovered = 0
        async with asyncio.timeout(240):
            while recovered < 4:
                recovered += await jobs.recover_stale_jobs()
                await asyncio.sleep(0.05)
        frozen = len(log.read_text().split())
        claimed = await jobs.claim("another", 4)
        assert {job.id for job in claimed} == set(ids)
        os.kill(process.pid, signal.SIGCONT)
        stopped = tmp_path / "stopped.log"
        await until(lambda: stopped.exists() and len(stopped.read_text().split()) == 4)
        # The process may have been stopped in the middle of one step.
        assert len(log.read_text().split()) in {frozen, frozen + 1}
        for job in claimed:
            await jobs.complete(job)


async def test_the_clock_goes_on_during_a_suspension() -> None:
    first = leases.clock()
    await asyncio.sleep(0.01)
    assert 0.005 < leases.clock() - first < 5


def test_the_monitor_does_not_keep_the_process(caplog: pytest.LogCaptureFixture) -> None:
    from aragora_sql.stores.jobs.handlers import LoopMonitor

    caplog.set_level(logging.WARNING)
    monitor = LoopMonitor("w", 1.0, 600.0, lambda: True)
    monitor.start()
    assert monitor._thread is not None
    assert monitor._thread.daemon
    monitor.stop()
    monitor._thread.join(10)
    assert not monitor._thread.is_alive()
    assert caplog.text == ""
