"""Jobs, findings, integrations and checkpoints of the older program, migrated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql import PostgresJobQueueStore
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.encryption import Keyring
from aragora_sql.migration import MigrationReport
from aragora_sql.stores.checkpoints.store import CheckpointStore
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.values import Row
from tests.migration.legacy.work import (
    CLEAR_SECRET,
    ENVELOPE,
    KEY,
    SECRET,
    TIMESTAMP,
    WorkDir,
    make_workflows,
    write_findings,
    write_work_dir,
)

# (rows in the files, merged, migrated, rejected)
COUNTS = {
    "job_queue": (9, 0, 6, 3),
    "finding_workflows": (3, 0, 2, 1),
    "finding_history": (2, 0, 2, 0),
    "finding_links": (2, 0, 2, 0),
    "integrations": (2, 0, 2, 0),
    "user_id_mappings": (2, 1, 1, 0),
    "workflow_checkpoints": (4, 0, 3, 1),
    "debate_checkpoints": (3, 0, 3, 0),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WorkDir:
    return write_work_dir(tmp_path_factory.mktemp("older") / ".nomic")


@pytest.fixture(scope="module")
def report(module_target: Target, written: WorkDir) -> MigrationReport:
    return module_target.migrate(written.folder, source_timezone="UTC")


@pytest.fixture
def migrated(module_target: Target, report: MigrationReport) -> Target:
    """The target after the migration, for tests that only look."""
    assert report.total_migrated > 0
    return module_target


@pytest.fixture
def changeable(target: Target, written: WorkDir) -> Target:
    """A target of the test's own after a migration, for tests that go on working in it."""
    target.migrate(written.folder, source_timezone="UTC")
    return target


@pytest.fixture
async def database(migrated: Target) -> AsyncIterator[PostgresDatabase]:
    opened = await PostgresDatabase.connect(migrated.dsn, 1, 2)
    yield opened
    await opened.close()


@pytest.fixture
async def changeable_database(changeable: Target) -> AsyncIterator[PostgresDatabase]:
    opened = await PostgresDatabase.connect(changeable.dsn, 1, 2)
    yield opened
    await opened.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(seconds: int) -> datetime:
    return TIMESTAMP + timedelta(seconds=seconds)


def reject(target: Target, table: str, **key: str) -> dict[str, Any]:
    """The one line of a reject file that has this key."""
    [found] = [line for line in target.rejected(table) if line["key"] == key]
    return found


def notes(report: MigrationReport, table: str) -> dict[str, int]:
    return dict(report.table(table).counts.notes)


def test_every_row_is_accounted_for(migrated: Target, report: MigrationReport) -> None:
    check_sums(report)
    found = {
        table.table: (table.rows_in_source, table.counts.merged, table.migrated, table.rejected)
        for table in report.tables
    }
    assert found == COUNTS
    assert {table.already_there for table in report.tables} == {0}
    assert migrated.counts(*COUNTS) == {name: counts[2] for name, counts in COUNTS.items()}
    for name, counts in COUNTS.items():
        assert len(migrated.rejected(name)) == counts[3], name
    assert report.unused_tables == []
    assert report.exit_code == 1


def test_every_place_is_found(written: WorkDir, report: MigrationReport) -> None:
    taken = {candidate.path.resolve() for candidate in report.candidates if candidate.is_taken}
    folder = written.folder.resolve()
    assert taken == {
        folder / ".nomic" / "job_queue.db",
        folder / "finding_workflows.db",
        folder / "integrations.db",
        folder / ".checkpoints" / "checkpoints.db",
        folder.parent / ".checkpoints",
    }


def test_a_second_run_finds_everything_there(
    migrated: Target, written: WorkDir, tmp_path: Path
) -> None:
    before = migrated.query("SELECT * FROM job_queue ORDER BY number")
    again = migrated.migrate(written.folder, source_timezone="UTC", rejects=tmp_path / "again")
    check_sums(again)
    assert again.total_migrated == 0
    assert again.total_different == 0
    assert {table.table: (table.already_there, table.rejected) for table in again.tables} == {
        name: counts[2:] for name, counts in COUNTS.items()
    }
    assert migrated.query("SELECT * FROM job_queue ORDER BY number") == before


def test_job_times_are_exact_to_the_microsecond(migrated: Target) -> None:
    rows = migrated.query("SELECT id, created_at, updated_at, started_at FROM job_queue")
    order = ("pending", "processing", "completed", "failed", "cancelled", "retrying")
    assert sorted(rows) == sorted(
        (f"j-{status}", later(n), later(n + 1), None if n == 0 else TIMESTAMP)
        for n, status in enumerate(order)
    )


def test_finished_jobs_keep_their_end_and_result(migrated: Target) -> None:
    ends = dict(migrated.query("SELECT status, completed_at FROM job_queue"))
    finished = dict.fromkeys(("completed", "failed", "cancelled"), later(5))
    assert ends == finished | dict.fromkeys(("pending", "processing", "retrying"))
    completed = migrated.row("job_queue", "j-completed")
    assert completed["payload"] == {"n": 2, "f": 1e17}
    assert isinstance(completed["payload"]["f"], float)
    assert completed["result"] == {"ok": True}
    assert (completed["attempts"], completed["priority"], completed["workspace_id"]) == (2, 2, "ws")
    # The older queue's 0 stood for its default.
    assert completed["max_attempts"] == 3
    assert migrated.row("job_queue", "j-retrying")["scheduled_at"] == later(6)


@pytest.mark.parametrize(
    ("job", "column", "reason"),
    [
        ("j-zero", "created_at", "0.0 is not a time in seconds since 1970"),
        ("j-nan", "payload", "NaN"),
        ("j-weird", "status", "job_queue_status_check"),
    ],
)
def test_a_job_that_no_queue_can_hold_is_rejected(
    migrated: Target, job: str, column: str, reason: str
) -> None:
    line = reject(migrated, "job_queue", id=job)
    assert line["column"] == column
    assert reason in line["reason"]
    assert line["source_file"] == ".nomic/job_queue.db"
    assert migrated.query("SELECT 1 FROM job_queue WHERE id = %s", job) == []


async def test_a_job_that_was_worked_on_is_recovered(
    changeable: Target, changeable_database: PostgresDatabase, report: MigrationReport
) -> None:
    assert notes(report, "job_queue") == {"jobs that were being worked on; their lease is over": 1}
    [(worker, lease, is_over)] = changeable.query(
        "SELECT worker_id, lease_expires_at, lease_expires_at < now() FROM job_queue"
        " WHERE status = 'processing'"
    )
    assert (worker, lease, is_over) == ("w1", TIMESTAMP, True)

    async with PostgresJobQueueStore(changeable_database) as queue:
        assert await queue.recover_stale_jobs() == 1
        recovered = await queue.get("j-processing")
        assert recovered is not None
        assert (recovered.status, recovered.worker_id) == ("pending", None)
        # Jobs whose time to be tried again has come are there as well.
        claimed = await queue.claim("w2", 10)
        assert {job.id for job in claimed} == {"j-pending", "j-processing", "j-retrying"}
        [job] = [job for job in claimed if job.id == "j-processing"]
        await queue.complete(job, {"done": 1})
    assert changeable.row("job_queue", "j-processing")["status"] == "completed"


def test_times_of_a_finding_are_those_of_its_document(migrated: Target) -> None:
    finding = migrated.row("finding_workflows", "f1", "finding_id")
    times = ("created_at", "updated_at", "assigned_at", "due_date", "state_entered_at")
    assert {name: finding[name] for name in times} == {
        "created_at": at("2026-01-01T00:00:00Z"),
        # without a zone
        "updated_at": at("2026-01-03T03:04:05Z"),
        # at +02:00
        "assigned_at": at("2026-01-03T01:04:05Z"),
        "due_date": at("2026-02-01T00:00:00Z"),
        # that of the change which led to the present state
        "state_entered_at": at("2026-01-02T03:04:05Z"),
    }
    assert (finding["assigned_to"], finding["assigned_by"], finding["priority"]) == ("bob", "al", 2)
    assert finding["extra"] == {"custom": {"a": 1}}
    # A document without times has those of the row.
    bare = migrated.row("finding_workflows", "f2", "finding_id")
    assert {bare[name] for name in ("created_at", "updated_at", "state_entered_at")} == {TIMESTAMP}


def test_an_unknown_state_is_kept_and_noted(migrated: Target, report: MigrationReport) -> None:
    finding = migrated.row("finding_workflows", "f2", "finding_id")
    assert (finding["current_state"], finding["is_terminal"]) == ("mystery", False)
    assert notes(report, "finding_workflows") == {"state 'mystery' is unknown; it is kept": 1}
    rejected = reject(migrated, "finding_workflows", finding_id="f3")
    assert rejected["column"] == "priority"


def test_only_migrated_rows_are_noted(target: Target, tmp_path: Path) -> None:
    documents: dict[str, Row] = {
        "good": {"finding_id": "good", "current_state": "mystery", "priority": 3},
        # Its value can't be converted.
        "bad": {"finding_id": "bad", "current_state": "mystery", "priority": "x"},
        # The target refuses it.
        "urgent": {"finding_id": "urgent", "current_state": "mystery", "priority": 9},
    }
    path = tmp_path / "finding_workflows.db"
    write_findings(path, documents)
    alone = write_findings(tmp_path / "rejected.db", {"bad": documents["bad"]})
    assert notes(target.migrate(alone, source_timezone="UTC"), "finding_workflows") == {}
    for dry_run in (True, False):
        report = target.migrate(path, source_timezone="UTC", dry_run=dry_run)
        check_sums(report)
        assert report.table("finding_workflows").rejected == 2
        assert notes(report, "finding_workflows") == {"state 'mystery' is unknown; it is kept": 1}
    # Nothing is migrated a second time.
    again = target.migrate(path, source_timezone="UTC")
    assert again.table("finding_workflows").already_there == 1
    assert notes(again, "finding_workflows") == {}


async def test_history_and_links_are_kept_in_order(database: PostgresDatabase) -> None:
    findings = FindingWorkflowStore(database)
    history = await findings.get_history("f1")
    assert [(e.position, e.event_id, e.event_type, e.occurred_at, e.comment) for e in history] == [
        (1, "e1", "state_change", at("2026-01-02T03:04:05Z"), ""),
        (2, "e2", "bulk_assign", at("2026-01-03T03:04:05Z"), "x"),
    ]
    assert (history[0].from_state, history[0].to_state) == ("open", "triaging")
    assert (history[0].user_id, history[0].user_name) == ("u", "U")
    assert await findings.get_history("f2") == []
    finding = await findings.get_finding("f1")
    assert finding is not None
    # f3 was rejected; a link is kept though what it leads to is not here.
    assert finding.linked_findings == ["f3", "f2"]


async def test_work_on_a_finding_goes_on(
    changeable: Target, changeable_database: PostgresDatabase
) -> None:
    assert changeable.counts("finding_history") == {"finding_history": 2}
    findings = FindingWorkflowStore(changeable_database)
    moved = await findings.transition("f1", "investigating", user_id="carol")
    assert (moved.current_state, moved.version) == ("investigating", 2)
    # The time in the state that was left counts from the document's change.
    entered = at("2026-01-02T03:04:05Z")
    spent = (moved.state_entered_at - entered).total_seconds()
    assert moved.time_in_states == {"triaging": pytest.approx(spent, abs=0.001)}
    history = await findings.get_history("f1")
    assert [event.position for event in history] == [1, 2, 3]
    assert (history[2].from_state, history[2].to_state) == ("triaging", "investigating")


async def test_a_sealed_secret_stays_and_opens(
    migrated: Target, database: PostgresDatabase
) -> None:
    slack = migrated.row("integrations", "slack", "integration_type")
    assert slack["settings"] == {
        "bot_token": {"_encrypted": True, "_value": ENVELOPE},
        "channel": "#x",
    }
    assert (slack["messages_sent"], slack["errors_24h"]) == (5, 2)
    assert {slack[name] for name in ("created_at", "last_activity", "errors_since")} == {TIMESTAMP}
    config = await IntegrationStore(database, Keyring(KEY)).get("slack", "u1")
    assert config is not None
    assert config.settings == {"bot_token": SECRET, "channel": "#x"}


def test_a_secret_in_the_clear_is_noted(migrated: Target, report: MigrationReport) -> None:
    email = migrated.row("integrations", "email", "integration_type")
    assert email["settings"] == {"smtp_password": CLEAR_SECRET}
    [(note, count)] = notes(report, "integrations").items()
    assert count == 1
    assert "secrets in the clear" in note
    assert "rotate-keys" in note
    assert CLEAR_SECRET not in str(report.to_dict())


async def test_the_newest_of_two_spellings_of_an_address_wins(
    migrated: Target, database: PostgresDatabase
) -> None:
    [row] = migrated.query("SELECT email, platform_user_id, updated_at FROM user_id_mappings")
    assert row == ("a@x.org", "U2", later(1))
    mapping = await IntegrationStore(database).get_user_mapping("A@X.org", "slack")
    assert mapping is not None
    assert mapping.platform_user_id == "U2"


@pytest.mark.parametrize("document", make_workflows(), ids=lambda d: str(d["workflow_id"]))
async def test_a_workflow_checkpoint_is_intact(
    database: PostgresDatabase, document: dict[str, Any]
) -> None:
    store = CheckpointStore(database)
    by_storage_id = await store.load(document["checkpoint_id"])
    assert by_storage_id is not None
    assert by_storage_id.is_intact()
    assert by_storage_id.storage_id == document["checkpoint_id"]
    loaded = by_storage_id.to_dict()
    assert {name: loaded[name] for name in document.keys() - {"checkpoint_id"}} == {
        name: value for name, value in document.items() if name != "checkpoint_id"
    }
    assert await store.load(document["id"]) == by_storage_id
    assert await store.load_latest(document["workflow_id"]) == by_storage_id


@pytest.mark.parametrize("checkpoint_id", ["cp-file", "cp-gzip", "cp-plain"])
async def test_a_debate_checkpoint_is_intact(
    database: PostgresDatabase, written: WorkDir, checkpoint_id: str
) -> None:
    found = await CheckpointStore(database).load_debate(checkpoint_id)
    assert found is not None
    assert found.is_intact()
    document = written.debates[checkpoint_id]
    assert found.data == {"messages": document["messages"]}
    # The document's task, not what the older table cut off.
    for name in ("debate_id", "task", "current_round", "total_rounds", "phase", "checksum"):
        assert found[name] == document[name], name
    assert found.created_at == datetime(2026, 1, 2, 3, 4, 5, 500000, UTC)
    assert found.expires_at == datetime(2026, 1, 5, 3, 4, 5, 500000, UTC)


def test_a_broken_checkpoint_is_rejected_and_other_files_are_left(
    migrated: Target, report: MigrationReport, written: WorkDir
) -> None:
    line = reject(migrated, "workflow_checkpoints", id="broken")
    assert line["column"] == "step_outputs"
    assert "is not valid JSON" in line["reason"]
    files = written.folder.parent / ".checkpoints"
    [why] = [c.why for c in report.candidates if c.path.resolve() == files.resolve()]
    assert "of workflows (4) and of debates (1); 1 other JSON files are left alone" in why
    assert (files / "other.json").exists()
