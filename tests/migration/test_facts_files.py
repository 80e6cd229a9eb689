"""Older facts, migrated, with their relations; what finds them is made anew."""

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
from aragora_sql.stores.facts import FactStore
from aragora_sql.stores.facts.records import statement_hash
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.facts import write_facts
from tests.migration.moved import move

AT, LATER = "2026-02-12T16:42:57.123456", "2026-02-12T17:00:00"


def fact(key: str, statement: str = "", **changes: Any) -> dict[str, Any]:
    text = statement or f"statement of {key}"
    return {
        "id": key,
        "statement": text,
        "statement_hash": statement_hash(text),
        "workspace_id": "default",
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def relation(key: str, source: str, target: str, **changes: Any) -> dict[str, Any]:
    row = {"id": key, "source_fact_id": source, "target_fact_id": target, "created_at": AT}
    return {**row, "relation_type": "supports", **changes}


FACTS = [
    fact(
        "f1",
        "Token buckets of Zoë",
        confidence=0.1 + 0.2,
        evidence_ids_json=["e2", "e1"],
        topics_json=["límits \U0001f9e0"],
        source_documents_json=["d"],
        metadata_json={"x": 1e17},
        validation_status="contested",
        superseded_by="gone",
    ),
    fact("f2", validation_status="sure", topics_json="", metadata_json="null"),
    # Two writers stored a statement at once.
    fact("f3", "token BUCKETS  of zoë"),
    fact("f4", topics_json="["),
    fact("f5", confidence=1.5),
]
RELATIONS = [
    relation("r1", "f2", "f1", confidence=0.75, metadata_json={"y": 1}, created_by="ann"),
    relation("r2", "f1", "f3"),
    relation("r3", "f1", "f2", relation_type="cites"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory; a second file has one of the facts, changed later."""
    folder = tmp_path / ".nomic"
    write_facts(folder / "knowledge.db", FACTS, RELATIONS)
    write_facts(
        folder / "knowledge" / "knowledge.db", [fact("f2", updated_at=LATER, confidence=0.9)], []
    )
    return folder


async def test_migrate_facts(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(
        folder, target.dsn, rejects=target.rejects, verify="all", source_timezone="Europe/Berlin"
    )
    report = await migrator.migrate_facts()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "facts": (2, 3),
        "fact_relations": (1, 2),
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_facts()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    facts = FactStore(database)
    first = await facts.get_fact("f1")
    assert first is not None
    assert (first.confidence, first.evidence_ids, first.superseded_by) == (
        0.1 + 0.2,
        ["e2", "e1"],
        "gone",
    )
    assert (first.topics, first.metadata) == (["límits \U0001f9e0"], {"x": 1e17})
    assert first.created_at == datetime(2026, 2, 12, 15, 42, 57, 123456, UTC)
    for words in ("zoe", "limits"):
        (found,) = await facts.query_facts(words, {"include_superseded": True})
        assert found.id == "f1"
    second = await facts.get_fact("f2")
    assert second is not None
    assert (second.confidence, second.validation_status) == (0.9, "unverified")
    assert (second.topics, second.metadata) == ([], {})
    (supports,) = await facts.get_relations("f1")
    assert (supports.id, supports.confidence, supports.metadata) == ("r1", 0.75, {"y": 1})
    assert await facts.add_fact("Statement of f2", "default") == second


def test_facts_that_supersede_each_other_in_a_circle(target: Target, tmp_path: Path) -> None:
    """The reference that closed it is cut, and a relation that would close one is rejected."""
    path = tmp_path / "knowledge.db"
    newer = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "e", "f": "g", "g": "", "h": "h2"}
    facts = [
        fact(key, superseded_by=other, updated_at=LATER if key in "bh" else AT)
        for key, other in newer.items()
    ]
    pairs = [
        ("r1", "f", "g"),
        ("r2", "g", "d"),
        ("r3", "d", "f"),
        ("r4", "h", "f"),
        ("r5", "g", "g"),
    ]
    relations = [
        *(relation(key, *pair, relation_type="supersedes") for key, *pair in pairs),
        relation("r6", "d", "f"),
    ]
    write_facts(path, facts, relations)
    report = target.migrate(path)
    check_sums(report)
    of_facts, of_relations = report.table("facts"), report.table("fact_relations")
    assert of_facts.rejected == 0
    # Of a, b and c the one that was changed last, and e, which superseded itself.
    note = "superseded_by closed a circle of facts that supersede each other: set to NULL"
    assert of_facts.counts.notes[note] == 2
    found = {key: target.row("facts", key)["superseded_by"] for key in newer}
    assert found == {**newer, "b": None, "e": None, "g": None}
    assert (of_relations.counts.migrated, of_relations.rejected) == (4, 2)
    kept = target.query("SELECT id FROM fact_relations ORDER BY id")
    assert kept == [("r1",), ("r2",), ("r4",), ("r6",)]
    for line in target.rejected("fact_relations"):
        assert line["column"] == "relation_type"
        assert line["row"]["relation_type"] == "supersedes, in a circle"
    # The way is the same the next time, and in a comparison of every value.
    again = target.migrate(path, verify="all")
    assert (again.total_migrated, again.mismatches) == (0, 0)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_facts_with_one_statement_the_one_that_was_made_first_stays(
    target: Target, tmp_path: Path, is_reversed: bool
) -> None:
    facts = [
        fact("f1", "one", created_at=LATER),
        fact("f2", "ONE", created_at=AT, validation_status="sure"),
        fact("f3", "two", created_at=AT),
        fact("f4", "TWO", created_at=LATER),
    ]
    path = tmp_path / "knowledge.db"
    write_facts(path, facts[::-1] if is_reversed else facts, [])
    report = target.migrate(path)
    check_sums(report)
    assert {row["row"]["id"] for row in target.rejected("facts")} == {"f1", "f4"}
    assert "unknown status 'sure' taken as unverified" in str(report.to_dict())
