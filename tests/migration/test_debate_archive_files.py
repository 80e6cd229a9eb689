"""Older archives of debates, migrated: two that lived side by side become one."""

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
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.debate_archive import DebateArchive
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.debate_archive import write_debate_archive
from tests.migration.legacy.values import create, fill
from tests.migration.moved import move

ARTIFACT: dict[str, Any] = {
    "id": "d-1",
    "messages": [{"role": "proposer", "content": "Café \U0001f9e0", "n": 10**20}],
    "confidence": 0.30000000000000004,
}
CRITIQUE_DEBATES = """
    CREATE TABLE debates (
        id TEXT, task TEXT NOT NULL, final_answer TEXT, consensus_reached INTEGER, confidence REAL,
        rounds_used INTEGER, duration_seconds REAL, grounded_verdict TEXT,
        created_at TEXT DEFAULT CURRENT_TIMESTAMP
    );
"""


def row(debate_id: str, slug: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": debate_id,
        "slug": slug,
        "task": "Café queues",
        "agents": '["claude"]',
        "artifact_json": json.dumps(ARTIFACT),
        "created_at": "2026-02-12 16:42:57",
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The server's archive is in the nested folder, that of chat bots in both; and a copy."""
    folder = tmp_path / ".nomic"
    write_debate_archive(
        folder / ".nomic" / "debates.db",
        [
            row(
                "d-1",
                "queues-2026-02-12",
                consensus_reached=1,
                confidence=0.9,
                view_count=7,
                audio_path="a.mp3",
                audio_generated_at="2026-02-12T17:42:58.5",
                audio_duration_seconds=61,
                org_id="acme",
                is_public=1,
            ),
            row("both", "both-2026-02-12", task="older"),
            row("nulls", "nulls", consensus_reached=None, view_count=None, is_public=None),
            row("damaged", "damaged-2026-02-12", artifact_json="{"),
        ],
    )
    write_debate_archive(
        folder / ".nomic" / "aragora_debates.db",
        [
            row("both", "both-2026-02-12", task="newer", created_at="2026-02-12 16:42:58"),
            row("e-2", "queues-2026-02-12-2"),
            row("e-3", "queues-2026-02-12"),
        ],
    )
    write_debate_archive(folder / "aragora_debates.db", [row("f-1", "queues-2026-02-12-2")])
    write_debate_archive(
        folder / "core.db", [row("both", "both-2026-02-12", task="older")], is_consolidated=True
    )
    create(folder / "agora_memory.db", CRITIQUE_DEBATES)
    of_critiques = {"id": "d-1", "task": "Café queues", "rounds_used": 3}
    fill(
        folder / "agora_memory.db",
        {"debates": [{**of_critiques, "created_at": "2026-02-12 16:42:57"}]},
    )
    return folder


async def test_migrate_debate_archive(target: Target, folder: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "source_timezone": "Europe/Berlin",
        "rejects": target.rejects,
        "verify": "all",
    }
    migrator = MemoryMigrator(folder, target.dsn, **options)
    dry = await migrator.dry_run()
    report = await migrator.migrate_all()
    check_sums(report)
    assert not report.mismatches
    table = report.table("debate_archive")
    assert (table.migrated, table.rejected, table.counts.merged) == (6, 1, 2)
    assert dry.table("debate_archive").migrated == 6
    assert report.table("debates").migrated == 1
    # Two of three that share a slug got the next free number, and are named.
    [note] = [text for text in table.counts.notes if "slug" in text]
    assert table.counts.notes[note] == 2
    renamed = {
        line["row"]["id"]: line["reason"]
        for line in target.rejected("debate_archive", "merged")
        if line["column"] == "slug"
    }
    assert renamed == {
        name: f"its slug is another row's: queues-2026-02-12-{number} in the target"
        for name, number in (("e-2", 3), ("d-1", 4))
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    again = await migrator.migrate_all()
    assert (again.total_migrated, again.total_different) == (0, 0)
    verified = await MemoryMigrator(
        folder, target.dsn, **{**options, "verify": "only"}
    ).migrate_debate_archive()
    # All but the damaged one, which is missing.
    assert verified.mismatches == 1
    # Another archive has other debates under the same names.
    other = tmp_path / "other.db"
    write_debate_archive(other, [row("g-1", "queues-2026-02-12"), row("g-2", "new-2026-02-12")])
    last = await MemoryMigrator(other, target.dsn, **options).migrate_debate_archive()
    assert last.total_migrated == 2
    archive = DebateArchive(database)
    found = await archive.get_debates_batch(["g-1", "g-2"])
    assert [one and one.slug for one in found.values()] == [
        "queues-2026-02-12-5",
        "new-2026-02-12",
    ]
    await archive.delete_debate("g-1")
    await archive.delete_debate("g-2")
    await database.close()
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the debates."""
    archive = DebateArchive(database)
    first = await archive.get_by_id("d-1")
    assert first is not None
    assert (first.slug, first.artifact_json) == ("queues-2026-02-12-4", ARTIFACT)
    assert (first.consensus_reached, first.confidence, first.view_count) == (True, 0.9, 7)
    assert (first.org_id, first.is_public, first.critique_debate_id) == ("acme", True, "d-1")
    assert first.created_at == datetime(2026, 2, 12, 16, 42, 57, tzinfo=UTC)
    assert await archive.get_audio_info("d-1") == {
        "audio_path": "a.mp3",
        "audio_generated_at": datetime(2026, 2, 12, 16, 42, 58, 500000, UTC),
        "audio_duration_seconds": 61,
    }
    both = await archive.get_by_id("both")
    assert both is not None
    assert (both.task, both.critique_debate_id) == ("newer", None)
    nulls = await archive.get_by_id("nulls")
    assert nulls is not None
    assert (nulls.consensus_reached, nulls.view_count, nulls.is_public) == (False, 0, False)
    assert (await archive.search("cafe"))[1] == 5
    slugs = {one.id: one.slug for one in await archive.list_recent()}
    assert slugs == {
        "d-1": "queues-2026-02-12-4",
        "both": "both-2026-02-12",
        "nulls": "nulls",
        "e-2": "queues-2026-02-12-3",
        "e-3": "queues-2026-02-12",
        "f-1": "queues-2026-02-12-2",
    }
