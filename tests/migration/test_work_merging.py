"""Jobs and findings that are in two files become one of each, in one order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aragora_sql import PostgresJobQueueStore
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MigrationReport
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.values import Row
from tests.migration.legacy.work import SECONDS, job, write_findings, write_jobs


def counts(report: MigrationReport, table: str) -> tuple[int, int, int, int]:
    """Return rows in the files, merged, migrated, and there with other values."""
    found = report.table(table)
    assert found.rejected == 0
    return found.rows_in_source, found.counts.merged, found.migrated, found.different


def check_again(target: Target, folder: Path, tables: dict[str, tuple[int, int, int, int]]) -> None:
    """Assert that another run finds all of it as it is."""
    report = target.migrate(folder, source_timezone="UTC")
    check_sums(report)
    for name, (rows, merged, migrated, different) in tables.items():
        table = report.table(name)
        assert counts(report, name) == (rows, merged, 0, different)
        assert table.already_there == migrated + different


# -- jobs


def at(job_id: str, created: int, updated: int, **values: Any) -> Row:
    times = {"created_at": SECONDS + created, "updated_at": SECONDS + updated}
    return job(job_id, **times, **values)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    done = {"status": "completed", "completed_at": SECONDS + 9, "result_json": '{"by": "b"}'}
    write_jobs(
        folder / "a.db",
        [
            at("last", 40, 40),
            at("both-newer-in-b", 10, 10),
            at("both-newer-in-a", 20, 25, error="from a", status="failed"),
            at("both-equal", 30, 30),
            at("both-same-time", 15, 15, priority=1),
        ],
    )
    write_jobs(
        folder / "b.db",
        [
            at("both-equal", 30, 30),
            at("both-newer-in-a", 20, 21),
            at("both-newer-in-b", 10, 11, **done),
            at("both-same-time", 15, 15, priority=2),
            at("first", 5, 50),
            # Of one timestamp: in the order of files, then as they stand there.
            at("tie-z", 40, 40),
            at("tie-a", 40, 40),
        ],
    )
    return folder


JOBS = {"job_queue": (12, 4, 8, 0)}
ORDER = [
    "first",
    "both-newer-in-b",
    "both-same-time",
    "both-newer-in-a",
    "both-equal",
    "last",
    "tie-z",
    "tie-a",
]


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_jobs_of_two_files_are_one_queue(target: Target, jobs: Path, batch_size: int) -> None:
    report = target.migrate(jobs, source_timezone="UTC", batch_size=batch_size)
    check_sums(report)
    assert report.success
    assert counts(report, "job_queue") == JOBS["job_queue"]
    rows = target.query("SELECT id, status, error, priority, result FROM job_queue ORDER BY number")
    assert [row[0] for row in rows] == ORDER
    found = {row[0]: row[1:] for row in rows}
    assert found["both-newer-in-a"] == ("failed", "from a", 0, None)
    assert found["both-newer-in-b"] == ("completed", None, 0, {"by": "b"})
    # The later file, where the times say nothing.
    assert found["both-same-time"][2] == 2
    numbers = target.query("SELECT number FROM job_queue ORDER BY number")
    check_again(target, jobs, JOBS)
    assert target.query("SELECT number FROM job_queue ORDER BY number") == numbers


async def test_a_worker_takes_them_in_that_order(target: Target, jobs: Path) -> None:
    await asyncio.to_thread(target.migrate, jobs, source_timezone="UTC")
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    async with PostgresJobQueueStore(database) as queue:
        claimed = [job.id for _ in ORDER for job in await queue.claim("w", 1)]
        added = await queue.enqueue("later", {})
        [late] = await queue.claim("w", 1)
    await database.close()
    pending = [name for name in ORDER if name not in ("both-newer-in-a", "both-newer-in-b")]
    # Priority first.
    pending.remove("both-same-time")
    assert claimed == ["both-same-time", *pending]
    assert late.id == added.id


def test_a_second_folder_goes_behind(target: Target, jobs: Path, tmp_path: Path) -> None:
    target.migrate(jobs, source_timezone="UTC")
    write_jobs(tmp_path / "more" / "c.db", [at("older-still", 1, 1), at("first", 5, 50)])
    report = target.migrate(tmp_path / "more", source_timezone="UTC")
    check_sums(report)
    table = report.table("job_queue")
    assert (table.migrated, table.already_there, table.different) == (1, 1, 0)
    order = [name for (name,) in target.query("SELECT id FROM job_queue ORDER BY number")]
    assert order == [*ORDER, "older-still"]


# -- the history of findings


def event(event_id: str, day: int, **values: Any) -> Row:
    times = {"timestamp": f"2026-01-{day:02}T00:00:00+00:00"}
    return {"id": event_id, "event_type": "comment", "comment": ""} | times | values


def finding(updated: int, *events: Row, **values: Any) -> Row:
    times = {"updated_at": f"2026-02-{updated:02}T00:00:00Z"}
    return {"current_state": "open", "priority": 3, "history": list(events)} | times | values


@pytest.fixture
def findings(tmp_path: Path) -> Path:
    folder = tmp_path / "findings"
    shared = event("e1", 1)
    written = {
        "a.db": {
            "forked": finding(1, shared, event("a2", 4), event("a3", 6)),
            "continued": finding(1, shared),
            "disputed": finding(1, shared, event("d2", 2, comment="a")),
            "same-timestamp": finding(1, event("x", 3)),
        },
        "b.db": {
            "forked": finding(2, shared, event("b2", 3), event("b3", 5), priority=1),
            "continued": finding(2, shared, event("c2", 2), event("c3", 3)),
            "disputed": finding(2, shared, event("d2", 2, comment="b")),
            "same-timestamp": finding(2, event("y", 3)),
        },
    }
    for name, documents in written.items():
        write_findings(
            folder / name,
            {key: {"finding_id": key} | document for key, document in documents.items()},
        )
    return folder


FINDINGS = {"finding_workflows": (8, 4, 4, 0), "finding_history": (16, 3, 12, 1)}


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_histories_of_two_files_are_one_history(
    target: Target, findings: Path, batch_size: int
) -> None:
    report = target.migrate(findings, source_timezone="UTC", batch_size=batch_size)
    check_sums(report)
    for name, wanted in FINDINGS.items():
        assert counts(report, name) == wanted, name
    found: dict[str, list[tuple[int, str]]] = {}
    for key, position, name in target.query(
        "SELECT finding_id, position, event_id FROM finding_history ORDER BY 1, 2"
    ):
        found.setdefault(key, []).append((position, name))
    assert found["forked"] == [(1, "e1"), (2, "b2"), (3, "a2"), (4, "b3"), (5, "a3")]
    # Nothing clashes where one file goes on with the other's.
    assert found["continued"] == [(1, "e1"), (2, "c2"), (3, "c3")]
    assert found["same-timestamp"] == [(1, "x"), (2, "y")]
    # One event with two contents can be stored once: the first is, and the other is named.
    assert [name for _, name in found["disputed"]] == ["e1", "d2"]
    query = "SELECT comment FROM finding_history WHERE event_id = 'd2'"
    assert target.query(query) == [("a",)]
    table = report.table("finding_history")
    assert table.counts.different_keys == ["disputed, d2"]
    assert table.verified is not None
    assert len(table.verified.first) == report.mismatches == 1
    assert target.row("finding_workflows", "forked", "finding_id")["priority"] == 1
    check_again(target, findings, FINDINGS)


async def test_events_go_on_behind_a_history_that_was_numbered_again(
    target: Target, findings: Path
) -> None:
    await asyncio.to_thread(target.migrate, findings, source_timezone="UTC")
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    store = FindingWorkflowStore(database)
    for key, events in (("forked", 5), ("disputed", 2)):
        await store.transition(key, "triaging", user_id="u")
        positions = [event.position for event in await store.get_history(key)]
        assert len(positions) == len(set(positions)) == events + 1
        assert positions == sorted(positions)
    await database.close()
