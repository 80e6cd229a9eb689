"""Older cycles, migrated."""

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
from aragora_sql.stores.cycles import CycleStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.cycles import write_cycles
from tests.migration.moved import move

AT = 1770914577.123456
DATA: dict[str, Any] = {
    "cycle_id": "c-1",
    "started_at": AT,
    "topics_debated": ["Café queues"],
    "agent_contributions": {"claude": {"proposals_made": 2, "proposals_accepted": 1}},
    "test_coverage": 0.30000000000000004,
    "lines_added": 10**20,
}


def row(cycle_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "cycle_id": cycle_id,
        "started_at": AT,
        "completed_at": AT + 1,
        "duration_seconds": 1.5,
        "success": 1,
        "topics_json": '["Caf\\u00e9 queues"]',
        "data_json": json.dumps(DATA),
        **changes,
    }


async def test_migrate_cycles(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_cycles(
        folder / "cycles.db",
        [
            row("c-1"),
            row("c-2", completed_at=None, success=None, topics_json=None, data_json="{}"),
            row("damaged", data_json="{"),
            row("nan", data_json='{"quality": NaN}'),
        ],
    )
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_cycles()
    check_sums(report)
    assert not report.mismatches
    table = report.table("cycles")
    assert (table.migrated, table.rejected) == (2, 2)
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_cycles()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the cycles."""
    cycles = CycleStore(database)
    first = await cycles.load_cycle("c-1")
    assert first is not None
    assert first.data == DATA
    assert first.started_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    assert first.completed_at == datetime(2026, 2, 12, 16, 42, 58, 123456, UTC)
    assert (first.success, first.topics) == (True, ["Café queues"])
    second = await cycles.load_cycle("c-2")
    assert second is not None
    assert (second.success, second.topics, second.completed_at) == (False, [], None)
    assert [one.cycle_id for one in await cycles.query_by_topic("CAFE")] == ["c-1"]
    (point,) = await cycles.get_agent_trajectory("claude")
    assert point["acceptance_rate"] == 0.5


def test_what_the_document_says_counts(target: Target, tmp_path: Path) -> None:
    said = {
        "started_at": AT + 5,
        "completed_at": AT + 9,
        "duration_seconds": 4,
        "success": True,
        "topics_debated": ["Cafés", "rate limits"],
    }
    rows = {
        "all": said,
        "nothing": {"other": 1},
        "null": {"completed_at": None, "duration_seconds": None, "topics_debated": None},
        "failed": {"success": False, "topics_debated": []},
    }
    write_cycles(
        tmp_path / "cycles.db",
        [row(name, data_json=json.dumps(data)) for name, data in rows.items()],
    )
    check_sums(target.migrate(tmp_path / "cycles.db"))
    moved = {name: target.row("cycles", name, "cycle_id") for name in rows}
    seconds = {
        name: (
            found["started_at"].timestamp(),
            found["completed_at"] and found["completed_at"].timestamp(),
            found["duration_seconds"],
        )
        for name, found in moved.items()
    }
    assert seconds == {
        "all": (AT + 5, AT + 9, 4.0),
        "nothing": (AT, AT + 1, 1.5),
        "null": (AT, None, None),
        "failed": (AT, AT + 1, 1.5),
    }
    assert {name: (one["success"], one["topics"]) for name, one in moved.items()} == {
        "all": (True, ["Cafés", "rate limits"]),
        "nothing": (True, ["Café queues"]),
        "null": (True, ["Café queues"]),
        "failed": (False, []),
    }
    assert {name: one["search_terms"] for name, one in moved.items()} == {
        "all": "cafes rate limits",
        "nothing": "cafe queues",
        "null": "cafe queues",
        "failed": "",
    }
    assert {name: one["data"] for name, one in moved.items()} == rows
