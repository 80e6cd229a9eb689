"""The older continuum memory: its files, shapes and values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.continuum import ContinuumMemory
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import SOURCE_ZONE
from tests.migration.legacy.continuum import write_continuum


def entry(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "content": f"Content of {name}",
        "update_count": 1,
        "created_at": "2026-02-12T16:42:57.123456",
        "updated_at": "2026-02-12T16:42:57",
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory of an installation: the server's file, the handlers', an older one."""
    data = tmp_path / "data"
    outcome = {"tenant_id": "t1", "debate_id": "d-1", "cross_references": ["n1", "n2"]}
    moved = {"into": "tier_transitions", "from_tier": "slow", "to_tier": "medium"}
    write_continuum(
        data / "continuum_memory.db",
        3,
        entry("both", content="newer", updated_at="2026-03-01T00:00:00"),
        entry("tenant", metadata=json.dumps(outcome), tier="fast", importance=1.5),
        entry("red", red_line=1, red_line_reason="law", tier="glacial", importance=1.0),
        entry("odd", tier="lukewarm", importance=None, surprise_score=None, metadata=None),
        entry("sql", created_at="2026-02-12 22:42:57", updated_at="2026-02-12 22:42:58"),
        entry("promoted", last_promotion_at="2026-02-13T00:00:00.000001", update_count=12),
        entry("broken", metadata="not json"),
        {**moved, "memory_id": "promoted", "reason": "high_surprise", "surprise_score": 0.9}
        | {"created_at": "2026-02-13 06:00:00"},
        {**moved, "memory_id": "deleted", "created_at": "2026-02-13 05:00:00"},
        {"into": "memory_fts", "memory_id": "both", "content": "newer"},
        {
            "into": "continuum_memory_archive",
            "id": "again",
            "tier": "fast",
            "content": "first",
            "created_at": "2026-01-01T00:00:00",
            "updated_at": "2026-01-01T00:00:00",
            "archived_at": "2026-01-02 00:00:00",
            "archive_reason": "expired",
            "metadata": "{}",
        },
    )
    write_continuum(
        data / "memory.db",
        2,
        entry("both", content="older"),
        entry("second", expires_at="2027-01-01T00:00:00"),
        {
            "into": "continuum_memory_archive",
            "id": "again",
            "tier": "slow",
            "content": "second",
            "importance": 0.25,
            "created_at": "2026-01-01T00:00:00",
            "updated_at": "2026-01-03T00:00:00",
            "archived_at": "2026-01-04 00:00:00",
        },
        {**moved, "memory_id": "second", "created_at": "2026-02-13 07:00:00"},
    )
    write_continuum(data / "continuum.db", 1, entry("again"), entry("first"))
    return data


def test_continuum_files_of_all_shapes(target: Target, folder: Path) -> None:
    report = target.migrate(folder, stores=("continuum",), verify="all")
    check_sums(report)
    assert report.table("continuum_memory").rejected == 1
    [rejected] = target.rejected("continuum_memory")
    assert (rejected["key"], rejected["column"]) == ({"id": "broken"}, "metadata")
    assert target.counts(
        "continuum_memory", "tier_transitions", "continuum_memory_archive", "continuum_references"
    ) == {
        "continuum_memory": 9,
        "tier_transitions": 3,
        "continuum_memory_archive": 2,
        "continuum_references": 2,
    }
    row = target.row("continuum_memory", "both")
    assert (row["content"], row["content_terms"]) == ("newer", "newer")
    row = target.row("continuum_memory", "tenant")
    assert (row["tenant_id"], row["tier"], row["importance"]) == ("t1", "fast", 1.0)
    assert row["metadata"]["debate_id"] == "d-1"
    row = target.row("continuum_memory", "red")
    assert (row["red_line"], row["red_line_reason"]) == (True, "law")
    row = target.row("continuum_memory", "odd")
    assert (row["tier"], row["importance"], row["surprise_score"]) == ("slow", 0.5, 0.0)
    assert (row["metadata"], row["red_line"], row["tenant_id"]) == ({}, False, None)
    row = target.row("continuum_memory", "sql")
    assert row["created_at"] == datetime(2026, 2, 12, 22, 42, 57, tzinfo=UTC)
    # the zone of the fixtures is six hours behind UTC in February
    row = target.row("continuum_memory", "promoted")
    assert row["created_at"] == datetime(2026, 2, 12, 22, 42, 57, 123456, tzinfo=UTC)
    assert row["last_promotion_at"] == datetime(2026, 2, 13, 6, 0, 0, 1, tzinfo=UTC)
    assert row["update_count"] == 12
    row = target.row("continuum_memory", "second")
    assert row["expires_at"] == datetime(2027, 1, 1, 6, tzinfo=UTC)
    assert target.query(
        "SELECT memory_id, reason, surprise_score FROM tier_transitions ORDER BY id"
    ) == [("deleted", "", 0.0), ("promoted", "high_surprise", 0.9), ("second", "", 0.0)]
    assert target.query(
        "SELECT content, archive_reason, importance FROM continuum_memory_archive "
        "ORDER BY archive_id"
    ) == [("first", "expired", 0.5), ("second", "", 0.25)]
    said = json.dumps(report.to_dict())
    assert "unknown tier 'lukewarm' taken as slow" in said
    assert "importances above 1 taken as 1" in said


def test_continuum_is_migrated_once(target: Target, folder: Path) -> None:
    first = target.migrate(folder, stores=("continuum",))
    again = target.migrate(folder, stores=("continuum",))
    check_sums(again)
    assert again.total_migrated == 0
    assert again.table("continuum_memory").already_there == first.table("continuum_memory").migrated


async def test_migrate_continuum_then_recall(target: Target, folder: Path) -> None:
    migrator = MemoryMigrator(
        sqlite_path=folder,
        postgres_dsn=target.dsn,
        source_timezone=SOURCE_ZONE,
        rejects=target.rejects,
    )
    report = await migrator.migrate_continuum()
    assert report.table("continuum_memory").migrated == 9
    database = await PostgresDatabase.connect(target.dsn)
    try:
        memory = ContinuumMemory(database)
        await memory.initialize()
        (found,) = await memory.retrieve("newer")
        assert found.id == "both"
        (mine,) = await memory.retrieve(tenant_id="t1")
        assert (mine.id, mine.cross_references) == ("tenant", ["n1", "n2"])
        assert [one.id for one in await memory.get_referring("n2")] == ["tenant"]
        assert [one.content for one in await memory.get_archived("again")] == ["second", "first"]
    finally:
        await database.close()
