"""The older program's refused tokens and impersonation, migrated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.sessions import SessionStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.audit import write_impersonation, write_token_blacklist

LATER = datetime(2999, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)
SESSION: dict[str, Any] = {
    "session_id": "imp-1",
    "admin_user_id": "a",
    "admin_email": "Admin@Example.com",
    "target_user_id": "t",
    "target_email": "t@example.com",
    "reason": "a ticket",
    "started_at": "2026-02-12T16:42:57.123456+00:00",
    "expires_at": "2026-02-12T17:42:57.123456+00:00",
    "ip_address": "192.0.2.1",
    "actions_performed": 3,
}
ENTRY: dict[str, Any] = {
    "audit_id": "e-1",
    "timestamp": "2026-02-12T16:42:57+00:00",
    "event_type": "start",
    "session_id": "imp-1",
    "admin_user_id": "a",
    "action_details_json": '{"n": 0.1}',
    "success": 1,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    write_token_blacklist(
        folder / "token_blacklist.db",
        [
            {"jti": f"{n:032x}", "expires_at": LATER.timestamp(), "revoked_at": 1770914577.123456}
            for n in range(3)
        ]
        + [{"jti": "short", "expires_at": 1.0, "revoked_at": 1.0}],
    )
    # Another file has one of them, for longer.
    write_token_blacklist(
        folder / ".nomic" / "token_blacklist.db",
        [{"jti": f"{0:032x}", "expires_at": LATER.timestamp() + 60, "revoked_at": 1770914577.5}],
    )
    write_impersonation(
        folder / "aragora_impersonation.db",
        [SESSION, {**SESSION, "session_id": "imp-2", "ended_by": "nobody"}],
        [ENTRY, {**ENTRY, "audit_id": "e-2", "success": 0, "action_details_json": None}],
    )
    return folder


async def test_migrate_sessions(target: Target, folder: Path) -> None:
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_sessions()
    check_sums(report)
    assert not report.mismatches
    rejected = {table.table: table.rejected for table in report.tables}
    assert rejected == {
        "token_blacklist": 1,
        "impersonation_sessions": 1,
        "impersonation_audit": 0,
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    sessions = SessionStore(database)
    assert await sessions.size() == 3
    assert await sessions.contains(f"{2:032x}")
    longest = target.row("token_blacklist", f"{0:032x}", "jti")
    assert longest["expires_at"] == LATER + timedelta(seconds=60)
    session = await sessions.get_session("imp-1")
    assert session is not None
    assert (session.admin_email, session.actions_performed) == ("Admin@Example.com", 3)
    assert session.started_at == datetime.fromisoformat(SESSION["started_at"])
    first, second = await sessions.get_audit_log()
    assert (first.success, first.action_details) == (False, None)
    assert (second.success, second.action_details) == (True, {"n": 0.1})
    await database.close()
    again = await migrator.migrate_sessions()
    assert again.total_migrated == 0


def test_chosen_by_name(target: Target, folder: Path) -> None:
    report = target.migrate(folder, stores=("sessions",))
    assert {table.store for table in report.tables} == {"sessions"}
