"""Older results of decisions, migrated."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import IntegrityError
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.decisions import DecisionStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.decisions import write_decision_results
from tests.migration.moved import move
from tests.stores.samples import run

AT = 1770914577.123456
IN_UTC = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
LATER = datetime(2999, 1, 1, tzinfo=UTC)
RESULT: dict[str, Any] = {
    "debate_id": "d-1",
    "answer": "Café au lait \U0001f9e0",
    "confidence": 0.30000000000000004,
    "big": 10**20,
}


def row(request_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "status": "completed",
        "result_json": json.dumps(RESULT),
        "created_at": AT,
        "completed_at": "2026-02-12T17:42:58+01:00",
        "expires_at": LATER.timestamp(),
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    write_decision_results(
        folder / "decision_results.db",
        [
            row("full", error="none"),
            row("null", status="unknown", result_json="null", completed_at=None),
            row("empty", status="", result_json=None, completed_at=""),
            row("expired", expires_at=AT + 86400),
            row("twice", status="older"),
            row("damaged", result_json="{"),
            row("list", result_json="[1]"),
        ],
    )
    # As ARAGORA_DECISION_RESULTS_DB named it.
    write_decision_results(
        folder / "results of another name.db", [row("twice", status="newer", created_at=AT + 1)]
    )
    return folder


async def test_migrate_decisions(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_decisions()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: table.rejected for table in report.tables} == {
        "decision_results": 2,
        "decision_versions": 2,
    }
    assert {line["row"]["request_id"] for line in target.rejected("decision_results")} == {
        "damaged",
        "list",
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_decisions()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the results."""
    decisions = DecisionStore(database)
    full = await decisions.get("full")
    assert full is not None
    assert full.result == RESULT
    assert (full.debate_id, full.error, full.version) == ("d-1", "none", 1)
    assert (full.created_at, full.expires_at) == (IN_UTC, LATER)
    assert full.completed_at == datetime(2026, 2, 12, 16, 42, 58, tzinfo=UTC)
    for request_id in ("null", "empty"):
        found = await decisions.get(request_id)
        assert found is not None
        assert (found.status, found.result, found.completed_at) == ("unknown", {}, None)
    assert await decisions.get("expired") is None
    assert (await decisions.get_status("twice"))["status"] == "newer"
    assert {one.request_id for one in await decisions.list_by_debate("d-1")} == {"full", "twice"}
    assert {one.request_id for one in await decisions.search("cafe")} == {"full", "twice"}
    (version,) = await decisions.list_versions("full")
    assert (version.version, version.result, version.saved_at) == (1, RESULT, IN_UTC)
    with pytest.raises(IntegrityError, match="refused"):
        await run(database, "UPDATE decision_versions SET status = 'other'")
