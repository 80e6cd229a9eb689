"""Older activities in shared inboxes, migrated."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.inbox_activities import InboxActivityStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.inbox_activities import write_inbox_activities
from tests.migration.moved import move
from tests.stores.inbox_activities.cases import an_activity

AT = 1770914577.123456
IN_UTC = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)


async def test_migrate_inbox_activities(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_inbox_activities(
        folder / "inbox_activities.db",
        [
            an_activity("full", target_id="m", metadata_json='{"n": 1e17}', created_at=AT),
            an_activity("plain", target_id="", created_at=AT),
            an_activity("strange", action="danced", created_at=AT),
            an_activity("damaged", metadata_json="{", created_at=AT),
        ],
    )
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_inbox_activities()
    check_sums(report)
    assert not report.mismatches
    (table,) = report.tables
    assert (table.counts.migrated, table.rejected) == (2, 2)
    assert {line["row"]["id"] for line in target.rejected("inbox_activities")} == {
        "strange",
        "damaged",
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_inbox_activities()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    activities = InboxActivityStore(database)
    full = await activities.get_activity("full")
    assert full is not None
    assert (full.metadata, full.created_at) == ({"n": 1e17}, IN_UTC)
    plain = await activities.get_activity("plain")
    assert plain is not None
    assert (plain.target_id, plain.metadata) == (None, {})
    assert [one.id for one in await activities.get_message_history("m")] == ["full"]
