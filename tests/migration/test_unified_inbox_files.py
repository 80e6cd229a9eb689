"""The older unified inbox, migrated: accounts, messages, advice."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.unified_inbox import UnifiedInboxStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.unified_inbox import write_inbox
from tests.migration.moved import move

AT = "2026-02-12T16:42:57.123456+00:00"


def account(account_id: str = "a", **changes: Any) -> dict[str, Any]:
    given = {"tenant_id": "t", "account_id": account_id, "provider": "gmail", "status": "connected"}
    return {**given, "email_address": "ann@example.com", "display_name": "Ann", **changes}


def message(message_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "tenant_id": "t",
        "message_id": message_id,
        "account_id": "a",
        "provider": "gmail",
        "external_id": f"x-{message_id}",
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def triage(message_id: str, **changes: Any) -> dict[str, Any]:
    given = {"tenant_id": "t", "message_id": message_id, "recommended_action": "schedule"}
    return {**given, "agents_json": '["claude"]', "created_at": AT, **changes}


TABLES: dict[str, Any] = {
    "accounts": [
        account(
            connected_at=AT,
            total_messages=9,
            unread_count=9,
            metadata_json=json.dumps({"refresh_token": "hunter2"}),
        ),
        account("odd", provider="imap"),
    ],
    "messages": [
        message(
            "full",
            subject="Café \U0001f9e0",
            sender_email="bob@example.com",
            recipients_json='["ann@example.com"]',
            cc_json="[]",
            labels_json='["INBOX"]',
            # As the provider's client gave them.
            received_at="2026-02-12T17:42:57+01:00",
            is_read=1,
            priority_score=0.1 + 0.2,
            priority_tier="critical",
            priority_reasons_json='["Known"]',
            triage_action="archive",
        ),
        message("plain", received_at="2026-02-12T17:42:57", triage_action=""),
        message("bare"),
        message("orphan", account_id="gone"),
        message("damaged", labels_json="{"),
    ],
    "triage_results": [
        triage("full", confidence=0.75, schedule_for="2026-02-13T09:00:00+00:00"),
        triage("plain", agents_json=None),
        triage("gone"),
    ],
}


async def test_migrate_unified_inbox(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    # Where a relative directory was applied twice.
    write_inbox(folder / ".nomic" / "unified_inbox.db", TABLES)
    migrator = MemoryMigrator(
        folder,
        target.dsn,
        rejects=target.rejects,
        verify="all",
        source_timezone="Europe/Berlin",
    )
    report = await migrator.migrate_unified_inbox()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "unified_inbox_accounts": (1, 1),
        "unified_inbox_messages": (3, 2),
        "unified_inbox_triage_results": (2, 1),
    }
    said = json.dumps(report.to_dict())
    assert "with secrets in their metadata" in said
    assert "hunter2" not in said
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_unified_inbox()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    found = await UnifiedInboxStore(back).recount_messages("t", "a")
    assert found is not None
    assert (found.total_messages, found.unread_count) == (3, 2)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    inbox = UnifiedInboxStore(database)
    (account,) = await inbox.list_accounts("t")
    assert (account.connected_at, account.last_sync) == (datetime.fromisoformat(AT), None)
    full = await inbox.get_message("t", "full")
    assert full is not None
    assert (full.subject, full.recipients, full.labels) == (
        "Café \U0001f9e0",
        ["ann@example.com"],
        ["INBOX"],
    )
    assert (full.is_read, full.priority_score, full.priority_tier) == (True, 0.1 + 0.2, "critical")
    assert full.priority_reasons == ["Known"]
    received = datetime(2026, 2, 12, 16, 42, 57, tzinfo=UTC)
    assert full.received_at == received
    plain = await inbox.get_message("t", "plain")
    assert plain is not None
    assert (plain.received_at, plain.triage_action, plain.labels) == (received, None, [])
    assert (plain.priority_tier, plain.priority_score) == ("medium", 0.0)
    bare = await inbox.get_message("t", "bare")
    assert bare is not None
    assert bare.received_at == bare.created_at
    found, total = await inbox.list_messages("t", search="cafe bob")
    assert ([one.message_id for one in found], total) == (["full"], 1)
    # The provider's id tells it again.
    advice = await inbox.get_triage_result("t", "full")
    assert advice is not None
    assert (advice.confidence, advice.agents) == (0.75, ["claude"])
    assert advice.schedule_for == datetime(2026, 2, 13, 9, tzinfo=UTC)
