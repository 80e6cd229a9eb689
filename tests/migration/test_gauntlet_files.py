"""Older gauntlets, migrated: runs, results, what was in flight."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.gauntlet import GauntletStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.gauntlet import write_gauntlet_results, write_gauntlet_runs
from tests.migration.moved import move

SAVED_AT = 1770900000.123456
# Local times of the source.
BERLIN = "Europe/Berlin"
RUNS: dict[str, Any] = {
    "full": {
        "run_id": "full",
        "template_id": "security",
        "status": "completed",
        "config_data": {"n": 1e17},
        "result_data": {"verdict": "pass", "x": 0.30000000000000004},
        "started_at": "2026-02-12T16:42:57.123456+00:00",
        "completed_at": "2026-02-12T18:00:00+01:00",
        "triggered_by": "ann",
        "workspace_id": "w",
        "tags": ["nightly"],
        "created_at": "2026-02-12T16:42:00+00:00",
        "updated_at": "2026-02-12T17:00:00+00:00",
        "channel": "#ops",
    },
    # It ended at once.
    "failed": {
        "run_id": "failed",
        "template_id": "security",
        "status": "failed",
        "started_at": None,
        "completed_at": "2026-02-12T17:00:00+00:00",
        "created_at": "2026-02-12T16:42:00+00:00",
    },
    # Saved by a version that kept little in the document.
    "bare": {"run_id": "bare"},
    "unknown": {"run_id": "unknown", "template_id": "t", "status": "paused"},
    "damaged": "{",
}


def result(gauntlet_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "gauntlet_id": gauntlet_id,
        "input_hash": "h",
        "input_summary": "Café \U0001f9e0",
        "result_json": {"findings": [{"n": 0.1}], "large": [1e17, -0.0, 10**30]},
        "verdict": "needs_review",
        "confidence": 0.1 + 0.2,
        "robustness_score": 1.0,
        "critical_count": 1,
        "total_findings": 3,
        "agents_used": ["claude", "gpt-4o"],
        "duration_seconds": 12.5,
        "created_at": "2026-02-12 16:42:57",
        **changes,
    }


RESULTS = [
    result("full", org_id="acme", template_used="security"),
    {"gauntlet_id": "plain", "input_hash": "", "result_json": {}, "verdict": "pass"},
    result("strange", verdict="excellent", agents_used="", org_id=""),
    result("damaged", result_json="{"),
    result("impossible", confidence=1.5),
]
INFLIGHT: list[dict[str, Any]] = [
    {
        "gauntlet_id": "flight",
        "status": "running",
        "input_type": "spec",
        "agents": ["claude"],
        "config_json": {"input_content": "all of it"},
        "current_phase": "attack",
        "progress_percent": 12.5,
        "created_at": "2026-02-12T16:42:57.123456",
        "updated_at": "2026-02-12T16:43:00",
    },
    {
        "gauntlet_id": "lost",
        "status": "lost",
        "created_at": "2026-02-12T16:42:57",
        "updated_at": "2026-02-12T16:43:00",
    },
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory; runs are in the nested one of a relative path."""
    folder = tmp_path / ".nomic"
    write_gauntlet_runs(folder / ".nomic" / "gauntlet_runs.db", RUNS, SAVED_AT)
    write_gauntlet_results(folder / "aragora_gauntlet.db", RESULTS, INFLIGHT)
    return folder


async def test_migrate_gauntlet(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(
        folder, target.dsn, rejects=target.rejects, verify="all", source_timezone=BERLIN
    )
    report = await migrator.migrate_gauntlet()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "gauntlet_runs": (3, 2),
        "gauntlet_results": (3, 2),
        "gauntlet_inflight": (1, 1),
    }
    assert "a verdict that is not known" in str(report.to_dict())
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_gauntlet()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    gauntlets = GauntletStore(database)
    full = await gauntlets.get("full")
    assert full is not None
    assert full == RUNS["full"] | {"completed_at": "2026-02-12T17:00:00+00:00", "org_id": None}
    failed = await gauntlets.get("failed")
    assert failed is not None
    assert (failed["started_at"], failed["completed_at"]) == (None, "2026-02-12T17:00:00+00:00")
    bare = await gauntlets.get("bare")
    assert bare is not None
    assert (bare["template_id"], bare["status"], bare["tags"]) == ("t", "pending", [])
    assert bare["created_at"] == datetime.fromtimestamp(SAVED_AT, UTC).isoformat()
    # What is there has the hash of what is there: get() verifies it.
    found = await gauntlets.results.get("full")
    assert found is not None
    assert found.result == RESULTS[0]["result_json"]
    assert (found.confidence, found.agents_used) == (0.1 + 0.2, ["claude", "gpt-4o"])
    assert found.created_at == datetime(2026, 2, 12, 16, 42, 57, tzinfo=UTC)
    plain = await gauntlets.results.get("plain")
    assert plain is not None
    assert (plain.confidence, plain.total_findings, plain.agents_used) == (0.5, 0, [])
    strange = await gauntlets.results.get("strange")
    assert strange is not None
    assert (strange.verdict, strange.agents_used, strange.org_id) == ("unknown", [], None)
    flight = await gauntlets.results.get_inflight("flight")
    assert flight is not None
    assert (flight.config, flight.progress_percent) == ({"input_content": "all of it"}, 12.5)
    assert flight.created_at == datetime(2026, 2, 12, 15, 42, 57, 123456, UTC)
