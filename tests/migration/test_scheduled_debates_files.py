"""Older scheduled debates, migrated from both places where they stand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.scheduled_debates import ScheduledDebateStore, hash_topic
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.scheduled_debates import write_scheduled_debates
from tests.migration.moved import move

AT = 1770914577.123456


def row(row_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": row_id,
        "topic_hash": hash_topic(f"Café {row_id}"),
        "topic_text": f"Café {row_id}",
        "platform": "reddit",
        "created_at": AT,
        **changes,
    }


async def test_migrate_scheduled_debates(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    full = {"debate_id": "d", "consensus_reached": 1, "confidence": 0.1 + 0.2, "rounds_used": 3}
    write_scheduled_debates(
        folder / "scheduled_debates.db",
        [
            row("full", **full, category="tech", volume=2**40, scheduler_run_id="r"),
            row("failed", debate_id=""),
            row("twice", debate_id="older"),
            row("impossible", confidence=1.5),
        ],
    )
    # Where a relative directory was applied twice.
    write_scheduled_debates(
        folder / ".nomic" / "scheduled_debates.db",
        [row("pending", debate_id="p"), row("twice", debate_id="newer", created_at=AT + 1)],
    )
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_scheduled_debates()
    check_sums(report)
    assert not report.mismatches
    (table,) = report.tables
    assert (table.counts.migrated, table.counts.merged, table.rejected) == (4, 1, 1)
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_scheduled_debates()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    debates = ScheduledDebateStore(database)
    found = {one.id: one for one in await debates.get_history()}
    full = found["full"]
    assert (full.consensus_reached, full.confidence, full.rounds_used) == (True, 0.1 + 0.2, 3)
    assert (full.category, full.volume, full.scheduler_run_id) == ("tech", 2**40, "r")
    assert full.created_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    assert found["failed"].debate_id is None
    assert found["twice"].debate_id == "newer"
    pending = {one.id for one in await debates.get_pending_outcomes()}
    assert pending == {"pending", "twice"}
    assert await debates.is_duplicate("CAFÉ full", hours=1e6)
    assert not await debates.is_duplicate("Café failed", hours=1e6)
