"""The older continuum memory: its files, shapes and values."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.continuum import ContinuumMemory
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy import SOURCE_ZONE

COMMON = """
id TEXT PRIMARY KEY, tier TEXT NOT NULL DEFAULT 'slow', content TEXT NOT NULL,
importance REAL DEFAULT 0.5, surprise_score REAL DEFAULT 0.0,
consolidation_score REAL DEFAULT 0.0, update_count INTEGER DEFAULT 0,
success_count INTEGER DEFAULT 0, failure_count INTEGER DEFAULT 0, semantic_centroid BLOB,
last_promotion_at TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP,
updated_at TEXT DEFAULT CURRENT_TIMESTAMP, metadata TEXT DEFAULT '{}'
"""
EXPIRY = ", expires_at TEXT"
RED_LINE = ", red_line INTEGER DEFAULT 0, red_line_reason TEXT DEFAULT ''"
FURTHER = """
CREATE TABLE tier_transitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL, from_tier TEXT NOT NULL,
    to_tier TEXT NOT NULL, reason TEXT, surprise_score REAL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (memory_id) REFERENCES continuum_memory (id)
);
CREATE TABLE meta_learning_state (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hyperparams TEXT NOT NULL, learning_efficiency REAL,
    pattern_retention_rate REAL, forgetting_rate REAL, cycles_evaluated INTEGER DEFAULT 0,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
"""
ARCHIVE = """
CREATE TABLE continuum_memory_archive (
    id TEXT PRIMARY KEY, tier TEXT NOT NULL, content TEXT NOT NULL, importance REAL,
    surprise_score REAL, consolidation_score REAL, update_count INTEGER, success_count INTEGER,
    failure_count INTEGER, semantic_centroid BLOB, created_at TEXT, updated_at TEXT,
    archived_at TEXT DEFAULT CURRENT_TIMESTAMP, archive_reason TEXT, metadata TEXT
);
"""
SEARCH = "CREATE VIRTUAL TABLE memory_fts USING fts5(memory_id, content);"


def make(path: Path, version: int, *rows: dict[str, Any]) -> None:
    """Make a file of a version of the older program; a row is of the table of its key ``into``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = COMMON + (EXPIRY if version > 1 else "") + (RED_LINE if version > 2 else "")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"CREATE TABLE continuum_memory ({columns});{FURTHER}{SEARCH}")
        if version > 1:
            connection.executescript(ARCHIVE)
        for row in rows:
            values = {name: value for name, value in row.items() if name != "into"}
            table = row.get("into", "continuum_memory")
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})",
                values,
            )


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
    make(
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
    make(
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
    make(data / "continuum.db", 1, entry("again"), entry("first"))
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
