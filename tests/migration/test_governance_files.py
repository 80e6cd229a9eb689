"""Older approvals, verifications, decisions, requests and rollback points, migrated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MemoryMigrator, MigrationReport
from aragora_sql.stores.governance import GovernanceStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.governance import (
    write_governance,
    write_requests,
    write_rollback_points,
)

AT = "2026-02-12T16:42:57.123456"
LATER = "2026-02-12T17:00:00"
# Local times of the source.
BERLIN = "Europe/Berlin"
IN_UTC = datetime(2026, 2, 12, 15, 42, 57, 123456, UTC)
LATER_IN_UTC = datetime(2026, 2, 12, 16, 0, 0, tzinfo=UTC)
SAVED_AT = 1770900000.123456


def approval(approval_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "approval_id": approval_id,
        "title": "Deploy",
        "description": "",
        "risk_level": "high",
        "status": "pending",
        "requested_by": "ann",
        "requested_at": AT,
        "changes_json": [{"file": "a.py"}],
        "timeout_seconds": 3600,
        "metadata_json": {},
        **changes,
    }


APPROVALS = [
    approval("pending", org_id="acme", workspace_id="w", metadata_json={"n": 1e17}),
    approval("approved", status="approved", approved_by="ben", approved_at=LATER),
    approval("anonymous", status="approved"),
    approval("rejected", status="rejected", rejection_reason="too early"),
    approval("timeout", status="timeout", changes_json="", metadata_json=None, requested_by=""),
    approval("escalated", status="escalated", timeout_seconds=0, org_id=""),
    approval("unknown", status="vetoed"),
    approval("damaged", changes_json="no list"),
]
VERIFICATIONS: list[dict[str, Any]] = [
    {
        "verification_id": "v",
        "claim": "It terminates",
        "context": "loop",
        "result_json": {"valid": True, "x": 0.30000000000000004},
        "timestamp": AT,
        "verified_by": "z3",
        "confidence": 0.1 + 0.2,
        "proof_tree_json": [{"step": 1}],
    },
    {"verification_id": "plain", "claim": "c", "result_json": {}, "timestamp": AT},
]
DECISIONS: list[dict[str, Any]] = [
    {
        "decision_id": "d",
        "debate_id": "debate",
        "conclusion": "Yes",
        "consensus_reached": 1,
        "confidence": 0.9,
        "timestamp": AT,
        "evidence_chain_json": [{"e": 1}],
        "vote_pivots_json": [],
        "belief_changes_json": [],
        "agents_involved_json": ["claude"],
        "metadata_json": {"m": 1},
    },
    {"decision_id": "plain", "debate_id": "", "timestamp": AT},
]
REQUESTS: dict[str, Any] = {
    "q": {
        "request_id": "q",
        "workflow_id": "w",
        "step_id": "s",
        "title": "Go on?",
        "description": "At length",
        "status": "approved",
        "request_data": {"n": 1e17},
        "response_data": {"note": "yes"},
        "requester_id": "ann",
        "responder_id": "ben",
        "priority": 1,
        "workspace_id": None,
        "tags": ["urgent"],
        "expires_at": "2026-02-13T16:42:57+00:00",
        "responded_at": "2026-02-12T18:42:57+02:00",
        "created_at": "2026-02-12T16:42:57.123456+00:00",
        "updated_at": "2026-02-12T16:42:58+00:00",
        "channel": "#ops",
    },
    # saved by a version that kept little in the document
    "bare": {"request_id": "bare"},
    "damaged": "{",
}
POINTS: list[dict[str, Any]] = [
    {
        "id": "0123456789abcdef",
        "created_at": AT,
        "description": "before",
        "git_commit": "abc",
        "file_backups": {"a.py": "/backup/a.py"},
        "database_snapshot": None,
        "metadata": {"n": 1},
    },
    {"id": "ffff", "created_at": AT, "description": "x", "git_commit": None, "file_backups": []},
]
# (migrated, rejected)
COUNTS = {
    "governance_approvals": (6, 2),
    "verification_records": (2, 0),
    "decision_records": (2, 0),
    "rollback_points": (1, 1),
    "approval_requests": (2, 1),
}


def write(folder: Path) -> Path:
    """Write a data directory; approval requests are in the nested one of a relative path."""
    data = folder / ".nomic"
    (data / data.name).mkdir(parents=True)
    write_governance(data / "aragora_governance.db", APPROVALS, VERIFICATIONS, DECISIONS)
    write_requests(data / data.name / "approval_requests.db", REQUESTS, SAVED_AT)
    write_rollback_points(folder / ".rollback", POINTS)
    return data


@pytest.fixture(scope="module")
def report(module_target: Target, tmp_path_factory: pytest.TempPathFactory) -> MigrationReport:
    data = write(tmp_path_factory.mktemp("older"))
    return module_target.migrate(data, source_timezone=BERLIN, stores=("governance",), verify="all")


@pytest.fixture
def migrated(module_target: Target, report: MigrationReport) -> Target:
    assert report.total_migrated > 0
    return module_target


def test_each_row_is_accounted_for(report: MigrationReport) -> None:
    check_sums(report)
    assert not report.mismatches
    found = {table.table: (table.migrated, table.rejected) for table in report.tables}
    assert {name: counts for name, counts in found.items() if counts != (0, 0)} == COUNTS
    assert report.left_behind == []


def test_rejected_rows_say_why(migrated: Target) -> None:
    reasons = {
        line["key"]["approval_id"]: line["reason"]
        for line in migrated.rejected("governance_approvals")
    }
    assert "governance_approvals_status_check" in reasons["unknown"]
    assert "'no list' is not valid JSON" in reasons["damaged"]
    (reject,) = migrated.rejected("approval_requests")
    assert reject["key"] == {"request_id": "damaged"}


async def test_the_store_reads_what_was_migrated(migrated: Target) -> None:
    governance = GovernanceStore(await PostgresDatabase.connect(migrated.dsn, 1, 2))
    pending = await governance.get_approval("pending")
    assert pending is not None
    assert pending.requested_at == IN_UTC
    assert (pending.org_id, pending.metadata) == ("acme", {"n": 1e17})
    assert (pending.expires_at - pending.requested_at).total_seconds() == 3600
    approved = await governance.get_approval("approved")
    assert approved is not None
    assert (approved.approved_by, approved.approve_votes) == ("ben", 1)
    assert approved.approved_at == approved.decided_at == LATER_IN_UTC
    anonymous = await governance.get_approval("anonymous")
    assert anonymous is not None
    assert (anonymous.status, anonymous.decided_at) == ("approved", None)
    rejected = await governance.get_approval("rejected")
    assert rejected is not None
    assert (rejected.rejection_reason, rejected.reject_votes) == ("too early", 1)
    timeout = await governance.get_approval("timeout")
    assert timeout is not None
    assert (timeout.changes, timeout.metadata, timeout.requested_by) == ([], {}, None)
    escalated = await governance.get_approval("escalated")
    assert escalated is not None
    assert (escalated.timeout_seconds, escalated.org_id) == (3600, None)
    verification = await governance.get_verification("v")
    assert verification is not None
    assert verification.confidence == 0.1 + 0.2
    assert verification.result == {"valid": True, "x": 0.30000000000000004}
    assert verification.proof_tree == [{"step": 1}]
    plain = await governance.get_verification("plain")
    assert plain is not None
    assert (plain.verified_by, plain.context, plain.proof_tree) == ("system", "", None)
    decision = await governance.get_decision("d")
    assert decision is not None
    assert (decision.consensus_reached, decision.agents_involved) == (True, ["claude"])
    point = await governance.get_rollback_point("0123456789abcdef")
    assert point is not None
    assert point.created_at == IN_UTC
    assert point.file_backups == {"a.py": "/backup/a.py"}
    document = await governance.requests.get("q")
    assert document == REQUESTS["q"] | {
        "responded_at": "2026-02-12T16:42:57+00:00",
        "workspace_id": None,
    }
    bare = await governance.requests.get("bare")
    assert bare is not None
    assert (bare["workflow_id"], bare["status"], bare["priority"]) == ("w", "pending", 3)
    assert datetime.fromisoformat(bare["created_at"]).timestamp() == SAVED_AT
    await governance.database.close()


async def test_migrate_governance_from_a_program(target: Target, tmp_path: Path) -> None:
    migrator = MemoryMigrator(
        sqlite_path=write(tmp_path),
        postgres_dsn=target.dsn,
        source_timezone=BERLIN,
        rejects=target.rejects,
    )
    report = await migrator.migrate_governance()
    assert {table.store for table in report.tables} == {"governance"}
    assert report.total_migrated == sum(migrated for migrated, _ in COUNTS.values())
    again = await migrator.migrate_governance()
    assert again.total_migrated == 0


def test_two_files_of_one_table_are_merged_by_the_newest(target: Target, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "data").mkdir(parents=True)
    older, newer = REQUESTS["q"], REQUESTS["q"] | {"title": "Newer"}
    newer["updated_at"] = "2026-02-13T00:00:00+00:00"
    write_requests(data / "approval_requests.db", {"q": older}, SAVED_AT)
    write_requests(data / "data" / "approval_requests.db", {"q": newer}, SAVED_AT)
    check_sums(target.migrate(data, stores=("governance",)))
    assert target.row("approval_requests", "q", "request_id")["title"] == "Newer"
