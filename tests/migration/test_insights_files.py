"""Older insights, migrated from both of their files."""

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
from aragora_sql.stores.insights import InsightStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.insights import write_analytics_schema, write_insights
from tests.migration.moved import move

LOCAL = "2026-02-12T17:42:57.123456"  # in Berlin
IN_UTC = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
WHOLE = "2026-02-12 16:42:57"


def insight(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": key,
        "type": "decision",
        "title": "Café au lait",
        "description": "A bucket",
        "confidence": 0.8,
        "debate_id": "d-1",
        "agents_involved": '["claude"]',
        "evidence": "[]",
        "metadata": '{"field": "gateway", "n": 1.0}',
        "created_at": LOCAL,
        **changes,
    }


def performance(**changes: Any) -> dict[str, Any]:
    return {"agent_name": "claude", "debate_id": "d-1", "created_at": WHOLE, **changes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".nomic"
    write_insights(
        folder / ".nomic" / "aragora_insights.db",
        {
            "insights": [
                insight("i-1", confidence=0.0),
                insight("i-2", type="other", description=None, confidence=None, metadata=None),
                insight("both", title="older"),
                insight("damaged", metadata="{"),
            ],
            "debate_summaries": [
                {
                    "debate_id": "d-1",
                    "task": "Queues",
                    "consensus_reached": 1,
                    "duration_seconds": 1.5,
                    "total_insights": 2,
                    "key_takeaway": None,
                    "agent_performances": '[{"agent": "claude", "score": 0.1}]',
                    "created_at": WHOLE,
                }
            ],
            # The debate was stored again.
            "agent_performance_history": [
                performance(proposals_made=1),
                performance(proposals_made=2, created_at="2026-02-12 16:42:58"),
                performance(debate_id="gone"),
            ],
            "pattern_clusters": [
                {
                    "category": "security",
                    "pattern_text": "No limits",
                    "occurrence_count": 3,
                    "avg_severity": 0.5,
                    "debate_ids": '["d-1", "d-1"]',
                    "first_seen": LOCAL,
                    "last_seen": LOCAL,
                }
            ],
            "insight_usage": [
                {"insight_id": "i-1", "debate_id": "d-2", "was_successful": 1, "created_at": LOCAL}
            ],
            "wisdom_submissions": [{"loop_id": "l", "text": "Here", "created_at": WHOLE}],
        },
    )
    write_insights(
        folder / ".nomic" / "analytics.db",
        {
            "insights": [insight("both", title="newer", created_at="2026-02-12T17:42:58")],
            "pattern_clusters": [
                {
                    "category": "security",
                    "pattern_text": "No limits",
                    "occurrence_count": 1,
                    "avg_severity": 0.9,
                    "first_seen": "2026-02-12T17:42:58",
                    "last_seen": "2026-02-12T17:42:59",
                }
            ],
            "wisdom_submissions": [
                {"loop_id": "l", "text": "There", "used": 1, "created_at": WHOLE},
                {"loop_id": "l", "text": "Everywhere", "submitter_id": "ann", "created_at": WHOLE},
            ],
        },
    )
    write_analytics_schema(folder / "analytics.db")
    return folder


async def test_migrate_insights(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(
        folder,
        target.dsn,
        source_timezone="Europe/Berlin",
        rejects=target.rejects,
        verify="all",
    )
    report = await migrator.migrate_insights()
    check_sums(report)
    assert not report.mismatches
    assert {t.table: (t.migrated, t.rejected, t.counts.merged) for t in report.tables} == {
        "insights": (3, 1, 1),
        "debate_summaries": (1, 0, 0),
        "agent_performance_history": (1, 1, 1),
        "pattern_clusters": (1, 0, 1),
        "wisdom_submissions": (3, 0, 0),
        "insight_usage": (1, 0, 0),
    }
    # An agent of a debate that is gone, and tables of another program, are named.
    (orphan,) = target.rejected("agent_performance_history")
    assert orphan["column"] == "debate_id"
    assert ("pattern_clusters", 1) in {(left.table, left.rows) for left in report.left_behind}
    assert report.table("insights").counts.notes[
        "insights of an unknown type, which become patterns"
    ]
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    assert (await migrator.migrate_insights()).total_migrated == 0
    await database.close()
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the insights."""
    insights = InsightStore(database)
    first = await insights.get_insight("i-1")
    assert first is not None
    assert (first.confidence, first.created_at) == (0.0, IN_UTC)
    assert first.metadata == {"field": "gateway", "n": 1.0}
    second = await insights.get_insight("i-2")
    assert second is not None
    assert (second.type, second.description, second.confidence) == ("pattern", "", 0.5)
    both = await insights.get_insight("both")
    assert both is not None
    assert both.title == "newer"
    assert [one.id for one in await insights.search("cafe gateway bucket")] == ["i-1"]
    stats = await insights.get_agent_stats("claude")
    assert (stats.debate_count, stats.total_proposals) == (1, 2)
    (pattern,) = await insights.get_common_patterns()
    assert pattern.occurrences == 4
    assert pattern.avg_severity == pytest.approx(0.6)
    assert pattern.last_seen == datetime(2026, 2, 12, 16, 42, 59, tzinfo=UTC)
    waiting = await insights.get_relevant_wisdom("l", 9)
    assert {(one.text, one.submitter_id) for one in waiting} == {
        ("Here", "anonymous"),
        ("Everywhere", "ann"),
    }
    assert (await insights.get_insight_usage_stats("i-1"))["success_rate"] == 1.0
    assert (await insights.get_stats())["total_debates"] == 1
