"""Older knowledge, migrated: nodes of two files, what belongs to them, archive, clean-ups."""

from __future__ import annotations

import asyncio
import hashlib
import math
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.knowledge import KnowledgeMound
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.knowledge import write_mound, write_vectors
from tests.migration.moved import move
from tests.stores.samples import run

BERLIN = "Europe/Berlin"
AT, LATER = "2026-02-12T16:42:57.123456", "2026-02-12T17:00:00"


def node(key: str, content: str = "", **changes: Any) -> dict[str, Any]:
    text = content or f"content of {key}"
    return {
        "id": key,
        "workspace_id": "default",
        "node_type": "code_chunk",
        "content": text,
        "content_hash": hashlib.sha256(text.encode()).hexdigest()[:32],
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def link(key: str, first: str, last: str, **changes: Any) -> dict[str, Any]:
    row = {"id": key, "from_node_id": first, "to_node_id": last, "relationship_type": "supports"}
    return {**row, "created_at": AT, **changes}


def source(key: str, **changes: Any) -> dict[str, Any]:
    row = {"id": f"prov_{key}", "node_id": key, "source_type": "document", "source_id": ""}
    return {**row, "created_at": AT, **changes}


GRANTS = [
    {"grantee_type": "user", "grantee_id": "ann", "permissions": ["read"], "granted_at": AT},
    {"grantee_type": "role", "grantee_id": "editor"},
]
FACADE: dict[str, list[dict[str, Any]]] = {
    "knowledge_nodes": [
        node("kn_1", "Token buckets of Zoë", confidence=0.1 + 0.2, update_count=3),
        node("kn_2", metadata={"visibility": "private", "access_grants": GRANTS, "x": 1e17}),
        node("kn_3", update_count="update_count + 1", metadata={"visibility": "?"}),
        node("kn_bad", metadata="{"),
        node("kn_sure", confidence=1.5),
    ],
    "provenance": [
        source("kn_1", debate_id="d-1", transformations=[{"type": "summary"}]),
        source("kn_gone"),
    ],
    "relationships": [
        link("kr_1", "kn_1", "kn_2", strength=0.5),
        link("kr_2", "kn_1", "kn_2", strength=0.75, created_at=LATER),
        link("kr_3", "kn_1", "kn_gone"),
        link("kr_4", "kn_1", "kn_2", relationship_type="implies"),
    ],
    "node_topics": [{"node_id": "kn_1", "topic": "limits"}, {"node_id": "x", "topic": "t"}],
    "knowledge_archive": [
        {
            "id": "arch_o_1",
            "original_id": "kn_o",
            "content": "older words",
            "confidence": "medium",
            "importance": 0.25,
            "metadata": {},
            "archived_at": AT,
            "workspace_id": "default",
        }
    ],
    "prune_history": [
        {
            "id": "p1",
            "workspace_id": "default",
            "executed_at": AT,
            "action": "archive",
            "items_pruned": 1,
            "pruned_item_ids": ["kn_o"],
            "executed_by": "system",
        }
    ],
}
# The older class ingested one of the contents, too.
OLDER: dict[str, list[dict[str, Any]]] = {
    "knowledge_nodes": [
        node("kn_2", updated_at=LATER, tier="fast"),
        node("kn_same", "Token buckets of Zoë"),
        node("kn_4", workspace_id="w2"),
    ],
    "relationships": [link("kr_5", "kn_4", "kn_2", relationship_type="contradicts")],
    "knowledge_archive": [
        {
            "id": "arch_p",
            "original_id": "kn_p",
            "content": "p",
            "archived_at": AT,
            "archived_by": "x",
        }
    ],
}


def vector(key: str, *numbers: float, **changes: Any) -> dict[str, Any]:
    row = {
        "id": f"km_{key}",
        "source_type": "fact",
        "source_id": key,
        "content_hash": "0" * 64,
        "embedding": struct.pack(f"<{len(numbers)}f", *numbers),
        "embedding_model": "OpenAIEmbeddingProvider",
        "embedding_dim": len(numbers),
        "created_at": AT,
        "updated_at": AT,
    }
    return {**row, **changes}


VECTORS = [
    vector("kn_1", 3, 4),
    vector("kn_2", 9, 9, id="km_older", source_type="document"),
    vector("kn_2", 0, 0.1, updated_at=LATER),
    vector("kn_3", math.nan, 1),
    vector("kn_4", 1, 2, embedding_dim=3),
    vector("kn_4", 0, 0, id="km_zeros", tenant_id="w2"),
    vector("kn_bad", 1, 2),
    vector("evidence-7", 1, 2),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory: the older class wrote to the nested one."""
    folder = tmp_path / ".nomic"
    write_mound(folder / "knowledge" / "mound.db", FACADE)
    write_vectors(folder / "knowledge" / "mound_semantic.db", VECTORS)
    nested = folder / ".nomic" / "knowledge" / "mound.db"
    write_mound(nested, OLDER, with_archived_by=True)
    return folder


async def test_migrate_knowledge(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(
        folder, target.dsn, rejects=target.rejects, verify="all", source_timezone=BERLIN
    )
    report = await migrator.migrate_knowledge()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        # Damaged metadata, an impossible confidence, and a content that another node has.
        "knowledge_nodes": (4, 3),
        "node_provenance": (1, 1),
        "knowledge_relationships": (2, 2),
        "node_topics": (1, 1),
        # Without a node; not finite, of another length, all zeros.
        "knowledge_vectors": (2, 5),
        "access_grants": (2, 0),
        "knowledge_archive": (2, 0),
        "prune_history": (1, 0),
    }
    assert "held a formula" in str(report.to_dict())
    assert "not known, and became private" in str(report.to_dict())
    reasons = " ".join(row["reason"] for row in target.rejected("knowledge_vectors"))
    for reason in ("is not finite", "8 bytes, 3 numbers of 4 bytes", "not consist of zeros"):
        assert reason in reasons
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_knowledge()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_of_nodes_with_one_content_the_one_that_was_made_first_stays(
    target: Target, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Whatever their ids, their place and their file; of one time it is the earlier place."""
    nodes = [
        node("kn_b", "one", created_at="2026-02-12T16:00:00"),
        node("kn_a", "one", created_at="2026-02-12T16:00:01"),
        node("kn_d", "two", created_at="2026-02-12T15:00:00"),
        node("kn_c", "two", created_at="2026-02-12T15:30:00"),
    ]
    folder = tmp_path / ".nomic"
    rows = [nodes[place] for place in order]
    write_mound(folder / "knowledge" / "mound.db", {"knowledge_nodes": rows[:2]})
    same = [node(key, "three") for key in ("kn_z", "kn_y")]
    write_mound(folder / ".nomic" / "knowledge" / "mound.db", {"knowledge_nodes": rows[2:] + same})
    report = target.migrate(folder, source_timezone=BERLIN)
    check_sums(report)
    rejected = {row["row"]["id"] for row in target.rejected("knowledge_nodes")}
    assert rejected == {"kn_a", "kn_c", "kn_y"}


def test_tiers_that_are_not_known_are_counted(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "knowledge" / "mound.db"
    tiers = ["fast", "slow", "glacial", "medium", "Fast", "warm", "warm"]
    nodes = [node(f"kn_{number}", tier=tier) for number, tier in enumerate(tiers)]
    write_mound(path, {"knowledge_nodes": nodes})
    report = target.migrate(tmp_path, source_timezone=BERLIN)
    check_sums(report)
    (table,) = [one for one in report.tables if one.table == "knowledge_nodes"]
    assert table.counts.notes == {
        "unknown tier 'Fast' taken as slow": 1,
        "unknown tier 'warm' taken as slow": 2,
    }
    assert target.row("knowledge_nodes", "kn_5")["tier"] == "slow"


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    mound = KnowledgeMound(database)
    (first,) = await mound.query("zoe")
    assert (first.id, first.confidence, first.update_count) == ("kn_1", 0.1 + 0.2, 3)
    assert (first.node_type, first.topics, first.tier) == ("code_chunk", ["limits"], "slow")
    assert first.created_at == datetime(2026, 2, 12, 15, 42, 57, 123456, UTC)
    # Of two files the one that was updated last counts.
    second = await mound.get_node("kn_2")
    assert second is not None
    assert (second.tier, second.visibility, second.metadata) == ("fast", "workspace", {})
    assert {one.grantee_id for one in await mound.get_access_grants("kn_2")} == {"ann", "editor"}
    third = await mound.get_node("kn_3")
    assert third is not None
    assert (third.update_count, third.visibility) == (2, "private")
    provenance = await mound.get_provenance("kn_1")
    assert provenance is not None
    assert (provenance.debate_id, provenance.transformations) == ("d-1", [{"type": "summary"}])
    (supports,) = await mound.get_relationships("kn_1")
    assert (len(supports.id), supports.strength) == (19, 0.75)
    (pair,) = (await mound.find_contradictions("kn_1")).found
    assert (pair.node_id, pair.other_id) == ("kn_2", "kn_4")
    near = await mound.hybrid_search("", None, [0, 1])
    assert [(one.node.id, one.similarity) for one in near] == [("kn_2", 1.0), ("kn_1", 0.8)]
    (prune,) = await mound.get_prune_history("default")
    assert (prune.pruned_item_ids, prune.executed_by) == (["kn_o"], "system")
    # Undone again, so that both look at the same.
    async with database.transaction():
        assert await mound.restore_archived_node("kn_o", "default")
        restored = await mound.get_node("kn_o")
        assert restored is not None
        assert (restored.content, restored.confidence) == ("older words", 0.25)
        await run(database, "DELETE FROM knowledge_nodes WHERE id = 'kn_o'")
        await run(
            database,
            "INSERT INTO knowledge_archive (id, original_id, content, importance, workspace_id) "
            "VALUES ('arch_o_1', 'kn_o', 'older words', 0.25, 'default')",
        )
