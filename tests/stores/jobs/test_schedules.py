"""Cron schedules: each run once, time zones, clocks that change; on both engines."""

from __future__ import annotations

import asyncio
import builtins
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.stores.jobs.records import Job, UndecodableDocument
from aragora_sql.stores.jobs.schedules import next_run
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.conftest import OpenDatabase
from tests.database.waiting import until
from tests.stores.jobs.test_repeats import DIGITS, SWALLOW
from tests.stores.samples import run

EARLY_AND_LATE = [("early", "0 0 1 * *"), ("late", "0 0 29 2 *")]


async def make_due(jobs: JobQueueStore, minutes: int = 1, name: str = "s") -> datetime:
    """Let the next run of a schedule be some minutes ago."""
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes)
    stamp = due.isoformat(timespec="microseconds")[:-6] + "Z"
    await run(
        jobs.database,
        f"UPDATE job_schedules SET next_run_at = '{stamp}' WHERE name = '{name}'",
    )
    return due


async def test_set_schedule_list_schedules_and_delete_schedule(jobs: JobQueueStore) -> None:
    first = await jobs.set_schedule(
        "s", " 30  4 * * mon ", "a", {"x": 1}, time_zone="Europe/Berlin", priority=3, user_id="u"
    )
    assert (first.cron, first.time_zone, first.payload) == (
        "30 4 * * mon",
        "Europe/Berlin",
        {"x": 1},
    )
    assert (first.priority, first.max_attempts, first.user_id) == (3, 3, "u")
    assert (first.enabled, first.last_run_at) == (True, None)
    assert first.next_run_at > datetime.now(UTC)
    assert await jobs.list_schedules() == [first]
    # Set again at the next start, the next run stays, even if it is due.
    due = await make_due(jobs)
    again = await jobs.set_schedule("s", "30 4 * * mon", "b", time_zone="Europe/Berlin")
    assert (again.next_run_at, again.job_type, again.payload) == (due, "b", {})
    changed = await jobs.set_schedule("s", "31 4 * * mon", "b", time_zone="Europe/Berlin")
    assert changed.next_run_at > datetime.now(UTC)
    assert await jobs.delete_schedule("s")
    assert not await jobs.delete_schedule("s")
    assert await jobs.list_schedules() == []


async def test_seconds_to_next_run_are_those_of_the_earliest(jobs: JobQueueStore) -> None:
    assert await jobs.seconds_to_next_run() is None
    first, *_ = [await jobs.set_schedule(name, cron, "a") for name, cron in EARLY_AND_LATE]
    expected = (first.next_run_at - datetime.now(UTC)).total_seconds()
    assert await jobs.seconds_to_next_run() == pytest.approx(expected, abs=60)
    await jobs.delete_schedule("early")
    await jobs.set_schedule("late", "0 0 1 1 *", "a", enabled=False)
    assert await jobs.seconds_to_next_run() is None


async def test_run_due_enqueues_a_run_once_with_its_content(jobs: JobQueueStore) -> None:
    await jobs.set_schedule(
        "s",
        "0 0 1 1 *",
        "a",
        {"x": 1},
        priority=5,
        max_attempts=7,
        time_limit_seconds=9.5,
        unique_key="k",
        unique_while_running=True,
        workspace_id="w",
    )
    assert await jobs.run_due() == []
    due = await make_due(jobs, minutes=3)
    (job,) = await jobs.run_due()
    assert (job.job_type, job.payload, job.priority, job.max_attempts) == ("a", {"x": 1}, 5, 7)
    assert (job.time_limit_seconds, job.unique_key, job.unique_while_running) == (9.5, "k", True)
    assert (job.scheduled_at, job.status, job.workspace_id) == (due, "pending", "w")
    # Runs that were missed are made up for by one.
    assert await jobs.run_due() == []
    (schedule,) = await jobs.list_schedules()
    assert schedule.last_run_at == due
    assert schedule.next_run_at > datetime.now(UTC) - timedelta(seconds=1)
    # Another job of its key keeps the next one out; the run is over.
    await make_due(jobs)
    assert await jobs.run_due() == []
    assert (await jobs.get_stats())["total"] == 1
    (schedule,) = await jobs.list_schedules()
    assert schedule.next_run_at > due


async def test_a_disabled_schedule_does_not_run(jobs: JobQueueStore) -> None:
    await jobs.set_schedule("s", "0 0 1 1 *", "a")
    due = await make_due(jobs)
    await jobs.set_schedule("s", "0 0 1 1 *", "a", enabled=False)
    assert await jobs.run_due() == []
    assert await jobs.seconds_to_next_run() is None
    # What it missed meanwhile is not made up for.
    await make_due(jobs, minutes=90)
    enabled = await jobs.set_schedule("s", "0 0 1 1 *", "a")
    assert enabled.next_run_at > due
    assert await jobs.run_due() == []


async def test_many_instances_enqueue_each_run_once(
    jobs: JobQueueStore, open_database: OpenDatabase
) -> None:
    stores = [jobs, *[JobQueueStore(await open_database()) for _ in range(4)]]
    for name in "xyz":
        await jobs.set_schedule(name, "0 0 1 1 *", name)
    expected: Counter[tuple[str, datetime]] = Counter()
    found: Counter[tuple[str, datetime | None]] = Counter()
    for number in range(12):
        for name in "xyz":
            expected[name, await make_due(jobs, 7 + number, name)] += 1
        for enqueued in await asyncio.gather(*(store.run_due() for store in stores)):
            found.update((job.job_type, job.scheduled_at) for job in enqueued)
    assert found == expected
    stored = await jobs.list_jobs(limit=1000)
    assert Counter((job.job_type, job.scheduled_at) for job in stored) == expected
    for store in stores[1:]:
        await store.close()


async def test_a_run_is_enqueued_with_its_next_date_or_not_at_all(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.set_schedule("s", "0 0 1 1 *", "a")
    due = await make_due(jobs)

    async def fail(*arguments: Any) -> Job:
        raise RuntimeError("as planned")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "_enqueue", fail)
        with pytest.raises(RuntimeError):
            await jobs.run_due()
    (schedule,) = await jobs.list_schedules()
    assert (schedule.next_run_at, schedule.last_run_at) == (due, None)
    assert len(await jobs.run_due()) == 1


async def test_a_worker_runs_schedules(jobs: JobQueueStore) -> None:
    seen: list[datetime | None] = []

    async def handle(job: Job) -> None:
        seen.append(job.scheduled_at)

    await jobs.set_schedule("s", "0 0 1 1 *", "a")
    due = await make_due(jobs)
    idle = JobWorker(jobs, {"a": handle}, schedules=False, look_seconds=0.05)
    running = asyncio.create_task(idle.run())
    await asyncio.sleep(0.2)
    idle.stop()
    assert (await running).scheduled == 0
    worker = JobWorker(jobs, {"a": handle}, look_seconds=0.05)
    running = asyncio.create_task(worker.run())
    await until(lambda: worker.stats.completed)
    worker.stop()
    assert (await running).scheduled == 1
    assert seen == [due]


async def test_a_schedule_that_became_wrong_stops_no_other(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("wrong", "right"):
        await jobs.set_schedule(name, "0 0 1 1 *", "a")
        await make_due(jobs, 2, name)
    await run(jobs.database, "UPDATE job_schedules SET cron = '61 * * * *' WHERE name = 'wrong'")
    assert len(await jobs.run_due()) == 1
    assert "schedule 'wrong' is not run" in caplog.text


async def test_a_schedule_whose_job_is_refused_stops_no_other(
    jobs: JobQueueStore, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("swallowed", "right"):
        await jobs.set_schedule(name, "0 0 1 1 *", name)
        await make_due(jobs, 2, name)
    async with jobs.database.connection() as connection:
        await connection.run_script("trigger", SWALLOW[jobs.database.dialect])
    for _ in range(2):
        await jobs.run_due()
    assert caplog.text.count("schedule 'swallowed' is not run: job") == 2
    assert [job.job_type for job in await jobs.list_jobs()] == ["right"]


async def test_a_document_beyond_python_in_a_schedule_fails_only_its_job(
    jobs: JobQueueStore,
) -> None:
    for name in ("damaged", "right"):
        await jobs.set_schedule(name, "0 0 1 1 *", name, {"name": name})
        await make_due(jobs, 2, name)
    await run(
        jobs.database, f"UPDATE job_schedules SET payload = '{DIGITS}' WHERE name = 'damaged'"
    )
    damaged, right = await jobs.list_schedules()
    assert isinstance(damaged.payload, UndecodableDocument)
    assert right.payload == {"name": "right"}
    seen: list[dict[str, Any]] = []

    async def handle(job: Job) -> None:
        seen.append(job.payload)

    assert len(await jobs.run_due()) == 2
    handlers = {"damaged": handle, "right": handle}
    stats = await JobWorker(jobs, handlers, schedules=False).run(until_empty=True)
    assert stats.completed == 1
    assert seen == [{"name": "right"}]
    (failed,) = await jobs.list_jobs("failed")
    assert failed.job_type == "damaged"


async def test_a_schedule_that_stays_due_keeps_no_worker_busy(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.set_schedule("wrong", "0 0 1 1 *", "a")
    await make_due(jobs, 2, "wrong")
    await run(jobs.database, "UPDATE job_schedules SET cron = '61 * * * *'")
    looks = 0
    real = jobs.run_due

    async def run_due() -> list[Job]:
        nonlocal looks
        looks += 1
        return await real()

    monkeypatch.setattr(jobs, "run_due", run_due)

    async def handle(job: Job) -> None:
        await until(lambda: looks)
        # A worker that asks without a pause does so a thousand times a second.
        await asyncio.sleep(0.5)

    await jobs.enqueue("a")
    stats = await JobWorker(jobs, {"a": handle}, look_seconds=30).run(until_empty=True)
    assert stats.completed == 1
    assert looks == 1


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Clocks go forward at 01:00 UTC: 02:30 does not exist, and runs at 03:00.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30"),
        # They go back at 01:00 UTC: 02:30 is there twice, and runs once.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        # What runs every hour runs in both.
        ("30 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("0 9 * * mon-fri", "America/New_York", "2026-02-13T15:00", "2026-02-16T14:00"),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("*/15 * * * *", "Asia/Kolkata", "2026-01-01T00:00", "2026-01-01T00:15"),
    ],
)
def test_the_next_run(cron: str, zone: str, after: str, expected: str) -> None:
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (after, expected))
    assert next_run(cron, zone, begin) == end


@pytest.mark.parametrize(
    ("argument", "changes"),
    [
        ("cron", {"cron": "* * * *"}),
        ("cron", {"cron": "61 * * * *"}),
        ("cron", {"cron": "0 0 30 2 *"}),
        ("cron", {"cron": "* * * * * *"}),
        ("cron", {"cron": ""}),
        ("time_zone", {"time_zone": "Europe/Nowhere"}),
        ("time_zone", {"time_zone": "../etc/passwd"}),
        ("name", {"name": ""}),
        ("job_type", {"job_type": ""}),
        ("payload", {"payload": {"x": object()}}),
        ("delay_seconds", {"delay_seconds": 5}),
        ("id", {"id": "x"}),
        ("enabled", {"enabled": 1}),
        ("options", {"unknown": 1}),
    ],
)
async def test_wrong_schedules_are_refused(
    jobs: JobQueueStore, argument: str, changes: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"name": "s", "cron": "* * * * *", "job_type": "a", **changes}
    with pytest.raises(InvalidInputError) as caught:
        await jobs.set_schedule(**given)
    assert caught.value.argument.startswith(argument)
    assert await jobs.list_schedules() == []


async def test_without_cronsim_the_error_says_what_to_install(
    jobs: JobQueueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name == "cronsim":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"aragora-sql\[schedules\]"):
        await jobs.set_schedule("s", "0 0 1 1 *", "a")
    # Nothing else needs it.
    assert await jobs.run_due() == []
