"""Two files have one record from one time: how it ended stays, whichever file is read last."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.migration.conftest import Target, check_sums

AT, END = "2026-02-12T16:42:57+00:00", "2026-02-12T17:00:00+00:00"
LATER = "2026-02-13T00:00:00+00:00"
UNIX, UNIX_END, UNIX_LATER = 1770914577.0, 1770915600.0, 1770940800.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A record of an older table, what its end adds, and what the target has of it then."""

    table: str
    row: Row
    end: Row
    expected: Row
    key: tuple[str, str]
    newer: Row
    target: str = ""
    parents: dict[str, Row] = field(default_factory=dict)


CASES = [
    Case(
        "sync_jobs",
        {
            "id": "j",
            "connector_id": "c",
            "status": "running",
            "started_at": AT,
            "completed_at": None,
            "items_synced": 3,
            "items_failed": 1,
            "error_message": None,
            "duration_seconds": None,
        },
        {
            "status": "failed",
            "completed_at": END,
            "items_synced": 7,
            "items_failed": 2,
            "error_message": "e",
            "duration_seconds": 5.0,
        },
        {
            "status": "failed",
            "items_synced": 7,
            "items_failed": 2,
            "error_message": "e",
            "duration_seconds": 5.0,
        },
        ("id", "j"),
        {"started_at": LATER},
        parents={
            "connectors": {
                "id": "c",
                "connector_type": "t",
                "name": "n",
                "config_json": "{}",
                "created_at": AT,
                "updated_at": AT,
            }
        },
    ),
    Case(
        "scheduled_debates",
        {
            "id": "s",
            "topic_hash": "0123456789abcdef",
            "topic_text": "t",
            "platform": "p",
            "created_at": UNIX,
            "debate_id": "d",
            "consensus_reached": None,
            "confidence": None,
            "rounds_used": 0,
        },
        # Nothing of it is true, and yet it has ended.
        {"consensus_reached": 0, "confidence": 0.0},
        {"consensus_reached": False, "confidence": 0.0},
        ("id", "s"),
        {"created_at": UNIX_LATER},
    ),
    Case(
        "cycles",
        {
            "cycle_id": "c",
            "started_at": UNIX,
            "completed_at": None,
            "duration_seconds": None,
            "success": 0,
            "topics_json": "[]",
            "data_json": "{}",
        },
        {
            "completed_at": UNIX_END,
            "duration_seconds": 9.0,
            "success": 1,
            "topics_json": '["Queues"]',
            "data_json": '{"commit_sha": "abc"}',
        },
        {
            "duration_seconds": 9.0,
            "success": True,
            "topics": ["Queues"],
            "data": {"commit_sha": "abc"},
            "search_terms": "queues",
        },
        ("cycle_id", "c"),
        {"started_at": UNIX_LATER},
    ),
    *(
        Case(
            "gmail_sync_jobs",
            {
                "user_id": "u",
                "status": "running",
                "started_at": AT,
                "progress": 5,
                "completed_at": None,
                "failed_at": None,
                "error": None,
            },
            {"status": word, "progress": 90, **end},
            {"status": word, "progress": 90, "error": end.get("error")},
            ("user_id", "u"),
            {"started_at": LATER},
            parents={
                "gmail_tokens": {
                    "user_id": "u",
                    "access_token": "",
                    "refresh_token": "",
                    "created_at": UNIX,
                    "updated_at": UNIX,
                }
            },
        )
        for word, end in (
            ("completed", {"completed_at": END}),
            ("failed", {"failed_at": END, "error": "e"}),
        )
    ),
    *(
        Case(
            "governance_approvals",
            {
                "approval_id": "a",
                "title": "t",
                "risk_level": "high",
                "status": "pending",
                "requested_at": AT,
                "changes_json": "[]",
                "approved_by": None,
                "approved_at": None,
                "rejection_reason": None,
            },
            {"status": word, **end},
            {"status": word, **votes},
            ("approval_id", "a"),
            {"requested_at": LATER},
        )
        for word, end, votes in (
            (
                "approved",
                {"approved_by": "ann", "approved_at": END},
                {"approve_votes": 1, "reject_votes": 0},
            ),
            (
                "rejected",
                {"rejection_reason": "no"},
                {"approve_votes": 0, "reject_votes": 1},
            ),
        )
    ),
    Case(
        "violations",
        {
            "id": "v",
            "policy_id": "",
            "rule_id": "r",
            "severity": "high",
            "status": "open",
            "detected_at": AT,
            "resolved_at": None,
            "resolved_by": None,
            "resolution_notes": None,
        },
        {
            "status": "resolved",
            "resolved_at": END,
            "resolved_by": "ann",
            "resolution_notes": "done",
        },
        {"status": "resolved", "resolved_by": "ann", "resolution_notes": "done"},
        ("id", "v"),
        {"detected_at": LATER},
        "compliance_violations",
    ),
    Case(
        "impersonation_sessions",
        {
            "session_id": "s",
            "admin_user_id": "a",
            "admin_email": "a@example.com",
            "target_user_id": "t",
            "target_email": "t@example.com",
            "reason": "r",
            "started_at": AT,
            "expires_at": END,
            "ended_at": None,
            "ended_by": None,
            "actions_performed": 1,
        },
        {"ended_at": END, "ended_by": "admin", "actions_performed": 4},
        {"ended_by": "admin", "actions_performed": 4},
        ("session_id", "s"),
        {"started_at": LATER},
    ),
    Case(
        "debate_origins",
        {
            "debate_id": "d",
            "platform": "slack",
            "channel_id": "c",
            "user_id": "u",
            "created_at": UNIX,
            "metadata_json": "{}",
            "result_sent": 0,
            "result_sent_at": None,
        },
        {"result_sent": 1, "result_sent_at": UNIX_END},
        {"result_sent": True},
        ("origin_id", "d"),
        {"created_at": UNIX_LATER},
    ),
    Case(
        "decision_results",
        {
            "request_id": "r",
            "status": "pending",
            "created_at": UNIX,
            "expires_at": UNIX_LATER,
            "result_json": None,
            "completed_at": None,
            "error": None,
        },
        {"status": "completed", "completed_at": END, "result_json": '{"debate_id": "d"}'},
        {"status": "completed", "result": {"debate_id": "d"}, "debate_id": "d"},
        ("request_id", "r"),
        {"created_at": UNIX_LATER},
    ),
    Case(
        "workflow_executions",
        {
            "id": "e",
            "tenant_id": "t",
            "workflow_id": "w",
            "status": "running",
            "started_at": AT,
            "completed_at": None,
            "outputs": "{}",
            "error": None,
            "duration_ms": None,
        },
        {"status": "completed", "completed_at": END, "outputs": '{"a": 1}', "duration_ms": 5.0},
        {"status": "completed", "outputs": {"a": 1}, "duration_ms": 5.0},
        ("id", "e"),
        {"started_at": LATER},
    ),
    Case(
        "password_reset_tokens",
        {
            "token_hash": "a" * 64,
            "email": "ann@example.com",
            "created_at": UNIX,
            "expires_at": UNIX_LATER,
            "used": 0,
        },
        {"used": 1},
        {},
        ("token_hash", "a" * 64),
        {"created_at": UNIX_LATER - 1},
    ),
]
IDS = [f"{case.table}-{number}" for number, case in enumerate(CASES)]
TIMES = ("completed_at", "failed_at", "resolved_at", "ended_at", "result_sent_at", "used_at")


def write(path: Path, tables: dict[str, Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, row in tables.items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(row)})")
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", [*row.values()])


def moved(target: Target, folder: Path, case: Case, first: Row, second: Row) -> Row:
    """Migrate two files, and return the one row."""
    for name, row in (("a.db", first), ("b.db", second)):
        write(folder / name, {**case.parents, case.table: {**case.row, **row}})
    report = target.migrate(folder)
    check_sums(report)
    assert not any(table.rejected for table in report.tables)
    column, value = case.key
    return target.row(case.target or case.table, value, column)


@pytest.mark.parametrize("is_last", [True, False], ids=["last", "first"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_record_that_ended_in_one_of_two_files_has_ended(
    target: Target, tmp_path: Path, case: Case, is_last: bool
) -> None:
    copies = ({}, case.end) if is_last else (case.end, {})
    found = moved(target, tmp_path / "files", case, *copies)
    assert {name: found[name] for name in case.expected} == case.expected
    # The times of an end come with it.
    named = [name for name in TIMES if name in found and name in {*case.end, "used_at"}]
    assert all(found[name] is not None for name in named)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_record_that_began_again_has_not_ended(
    target: Target, tmp_path: Path, case: Case
) -> None:
    found = moved(target, tmp_path / "files", case, case.newer, case.end)
    changed = {name: value for name, value in case.expected.items() if found[name] != value}
    assert changed or not case.expected
    assert all(found.get(name) is None for name in TIMES)
