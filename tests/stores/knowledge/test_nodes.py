"""Nodes of the store of knowledge on each engine: saving, lists, search, upkeep."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import Any

import pytest

from aragora_sql.errors import AlreadyTakenError, NodeNotFoundError, TenantMismatchError
from aragora_sql.stores.knowledge import KnowledgeMound
from tests.conftest import OpenDatabase
from tests.stores.locking import is_locked, started
from tests.stores.samples import day, days_ago, fetch_value, run

COUNT_OF_LINKS = "SELECT count(*) FROM knowledge_relationships"


async def save(mound: KnowledgeMound, key: str, **changes: Any) -> str:
    return await mound.save_node(
        {"id": key, "workspace_id": "w1", "content": f"content of {key}", **changes}
    )


def ids(nodes: Any) -> list[str]:
    return [node.id for node in nodes]


async def test_save_node_then_get_node_and_get_nodes(mound: KnowledgeMound) -> None:
    metadata = {"x": 0.1 + 0.2, "large": 2**60, "deep": [{"é": None}]}
    key = await mound.save_node(
        {
            "workspace_id": "w1",
            "content": "Token buckets limit BURSTS",
            "node_type": "claim",
            "confidence": 0.1 + 0.2,
            "tier": "glacial",
            "surprise_score": 0.25,
            "topics": ["b", "a", "b"],
            "metadata": metadata,
            "visibility": "organization",
            "created_at": day(1),
        }
    )
    assert key.startswith("kn_")
    assert len(key) == 19
    node = await mound.get_node(key)
    assert node is not None
    assert node.content_hash == hashlib.sha256(node.content.encode()).hexdigest()[:32]
    assert (node.confidence, node.tier, node.surprise_score) == (0.1 + 0.2, "glacial", 0.25)
    assert (node.topics, node.metadata, node.visibility) == (["a", "b"], metadata, "organization")
    assert (node.created_at, node.update_count) == (day(1), 1)
    assert node.updated_at > node.created_at
    assert await mound.get_node(key, workspace_id="w1") == node
    assert await mound.get_node(key, workspace_id="w2") is None
    assert await mound.get_nodes([key, "nobody"]) == [node]


async def test_find_by_content_hash_and_get_nodes_by_content_hash(mound: KnowledgeMound) -> None:
    key = await save(mound, "a")
    (node,) = await mound.get_nodes([key])
    assert await mound.find_by_content_hash(node.content_hash, "w1") == key
    assert await mound.find_by_content_hash(node.content_hash, "w2") is None
    assert await mound.get_nodes_by_content_hash("w1") == {node.content_hash: [key]}


async def test_save_node_and_count_nodes_have_a_content_once(mound: KnowledgeMound) -> None:
    await save(mound, "a", topics=["t1"], content="same")
    # Another id with the content: the node that has it is counted.
    assert await save(mound, "b", topics=["t2"], content="same", confidence=0.9) == "a"
    node = await mound.get_node("a")
    assert node is not None
    assert (node.update_count, node.topics, node.confidence) == (2, ["t1", "t2"], 0.5)
    assert await mound.get_node("b") is None
    # The same id: content, confidence, metadata and topics are replaced.
    assert await save(mound, "a", content="new", confidence=0.75, topics=["t3"]) == "a"
    node = await mound.get_node("a")
    assert node is not None
    assert (node.content, node.update_count, node.topics) == ("new", 3, ["t3"])
    assert await mound.query("same") == []
    # What the id had is free; what another node has is that node's.
    assert await save(mound, "c", content="same") == "c"
    assert await save(mound, "a", content="same") == "c"
    assert await mound.save_node({"workspace_id": "w2", "content": "same"}) != "c"
    with pytest.raises(TenantMismatchError, match="workspace_id"):
        await save(mound, "a", workspace_id="w2", content="other")
    assert await mound.count_nodes("w1") == 2


async def test_save_node_at_once_keeps_a_content_once(open_database: OpenDatabase) -> None:
    mounds = [KnowledgeMound(await open_database()) for _ in range(3)]
    await mounds[0].initialize()
    keys = await asyncio.gather(
        *(save(mounds[n % 3], f"n{n}", content="same", topics=["t"]) for n in range(12))
    )
    assert len(set(keys)) == 1
    node = await mounds[0].get_node(keys[0])
    assert node is not None
    assert (node.update_count, await mounds[0].count_nodes("w1")) == (12, 1)


async def test_save_node_of_two_nodes_to_one_content_at_once(open_database: OpenDatabase) -> None:
    mounds = [KnowledgeMound(await open_database()) for _ in range(3)]
    await mounds[0].initialize()
    for key in ("a", "b", "c"):
        await save(mounds[0], key)
    for number in range(20):
        keys = await asyncio.gather(
            *(save(m, k, content=f"both {number}") for m, k in zip(mounds, "abc", strict=True))
        )
        # Who is first replaces its content; the others are counted there.
        assert len({*keys}) == 1
    assert await mounds[0].count_nodes("w1") == 3
    nodes = await mounds[0].query_nodes("w1")
    assert sum(node.update_count for node in nodes) == 3 + 20 * 3
    with pytest.raises(TenantMismatchError):
        await save(mounds[0], "a", workspace_id="w2", content="other")


async def test_get_provenance_and_query_by_provenance_of_saved_nodes(mound: KnowledgeMound) -> None:
    done = [{"type": "summary", "agent_id": "claude"}]
    source = {"source_type": "debate", "source_id": "d1", "user_id": "ann", "transformations": done}
    await save(mound, "a", **source)
    await save(mound, "a", source_type="document", source_id="x")
    found = await mound.get_provenance("a")
    assert found is not None
    assert (found.id, found.source_type, found.source_id) == ("prov_a", "debate", "d1")
    assert (found.user_id, found.transformations) == ("ann", done)
    assert await mound.get_provenance("a", workspace_id="w2") is None
    child = {"parent_provenance_id": "prov_a", "transformation_type": "merge"}
    await save(mound, "b", **{**source, **child}, node_type="claim")
    with pytest.raises(NodeNotFoundError, match="parent_provenance_id"):
        await save(mound, "c", **{**source, "parent_provenance_id": "prov_x"})
    assert await mound.get_node("c") is None
    assert await mound.query_by_provenance("debate", "d1") == ["b", "a"]
    assert await mound.query_by_provenance("debate", "d1", "claim", "w1", 1) == ["b"]
    assert await mound.query_by_provenance("debate", "d1", workspace_id="w2") == []
    await mound.delete_node("a")
    assert (await mound.get_provenance("b") or found).parent_provenance_id is None


async def test_update_node_and_update_visibility(mound: KnowledgeMound) -> None:
    await save(mound, "a")
    await save(mound, "b")
    changes = {
        "content": "all new words",
        "confidence": 1,
        "validation_status": "verified",
        "last_validated_at": day(3),
        "revalidation_requested": True,
        "metadata": {"a": 1},
        "tier": None,
    }
    assert await mound.update_node("a", changes)
    node = await mound.get_node("a")
    assert node is not None
    assert (node.confidence, node.validation_status, node.tier) == (1.0, "verified", "slow")
    assert (node.last_validated_at, node.revalidation_requested) == (day(3), True)
    assert (node.update_count, node.metadata) == (1, {"a": 1})
    assert ids(await mound.query("words")) == ["a"]
    assert not await mound.update_node("a", changes, workspace_id="w2")
    assert not await mound.update_node("nobody", {})
    with pytest.raises(AlreadyTakenError, match=r"updates\.content"):
        await mound.update_node("a", {"content": "content of b"})
    assert await mound.update_visibility("a", "public", "ann")
    node = await mound.get_node("a")
    assert node is not None
    assert (node.visibility, node.visibility_set_by) == ("public", "ann")
    assert not await mound.update_visibility("a", "private", workspace_id="w2")


async def test_delete_node_and_clear_workspace(mound: KnowledgeMound) -> None:
    for key in ("a", "b", "c"):
        await save(mound, key, topics=["t"], source_type="user")
    await save(mound, "d", workspace_id="w2")
    await mound.save_relationship("a", "b", "supports")
    await mound.save_access_grant("a", "user", "ann")
    assert not await mound.delete_node("a", workspace_id="w2")
    assert await mound.delete_node("a")
    assert not await mound.delete_node("a")
    for table in ("node_topics", "node_provenance"):
        assert await fetch_value(mound.database, f"SELECT count(*) FROM {table}") == 2
    for table in ("knowledge_relationships", "access_grants"):
        assert await fetch_value(mound.database, f"SELECT count(*) FROM {table}") == 0
    assert await mound.clear_workspace("w1") == 2
    assert await mound.clear_workspace("w1") == 0
    assert await mound.count_nodes("w2") == 1


async def test_query_nodes_and_get_nodes_for_workspace_in_pages(mound: KnowledgeMound) -> None:
    for number in range(6):
        await save(
            mound,
            f"n{number}",
            confidence=(number // 2) / 4,
            node_type="fact" if number % 2 else "claim",
            tier="fast" if number == 5 else "slow",
            validation_status="contested" if number == 4 else "unverified",
            topics=[f"t{number % 3}", "all"],
        )
    order = ["n5", "n4", "n3", "n2", "n1", "n0"]
    assert ids(await mound.query_nodes("w1")) == order
    assert ids(await mound.get_nodes_for_workspace("w1")) == order
    seen: list[Any] = []
    while page := await mound.query_nodes("w1", limit=2, after=seen[-1] if seen else None):
        seen += page
    assert ids(seen) == order
    assert ids(await mound.query_nodes("w1", ["fact"])) == ["n5", "n3", "n1"]
    assert ids(await mound.query_nodes("w1", min_confidence=0.5, tier="slow")) == ["n4"]
    assert ids(await mound.query_nodes("w1", validation_status="contested")) == ["n4"]
    assert ids(await mound.query_nodes("w1", topics=["t1", "t2"])) == ["n5", "n4", "n2", "n1"]
    assert await mound.query_nodes("w2") == []


async def test_list_nodes_and_get_recent_nodes_in_each_order(mound: KnowledgeMound) -> None:
    for number, key in enumerate(("b", "a", "d", "c")):
        await save(
            mound, key, confidence=(number * 7 % 4) / 4, created_at=day(-number), tier="fast"
        )
        await mound.update_node(key, {"staleness_score": (number * 3 % 4) / 4})
    orders: dict[Any, list[str]] = {
        "updated_at": ["c", "d", "a", "b"],
        "created_at": ["b", "a", "d", "c"],
        "confidence": ["a", "d", "c", "b"],
        "staleness_score": ["a", "d", "c", "b"],
        "id": ["d", "c", "b", "a"],
    }
    for order, keys in orders.items():
        for direction, wanted in (("DESC", keys), ("ASC", keys[::-1])):
            seen: list[Any] = []
            while page := await mound.list_nodes(
                "w1", 3, order_by=order, order_dir=direction, after=seen[-1] if seen else None
            ):
                seen += page
            assert ids(seen) == wanted, (order, direction)
    assert ids(await mound.get_recent_nodes("w1", 2)) == ["c", "d"]
    assert await mound.list_nodes("w1", node_type="claim") == []
    assert ids(await mound.list_nodes("w1", tier="fast", order_by="id", limit=1)) == ["d"]


async def test_query_ranks_by_words_then_by_confidence(mound: KnowledgeMound) -> None:
    await save(mound, "both", content="A token bucket of Zoë", confidence=0.1)
    await save(mound, "sure", content="leaky BUCKET", confidence=0.9)
    await save(mound, "other", content="bucket", workspace_id="w2", tier="fast")
    found = await mound.query("Bucket, TOKEN!")
    assert [(one.id, one.matched) for one in found] == [("both", 2), ("sure", 1), ("other", 1)]
    assert ids(await mound.query("bucket", workspace_id="w1", limit=1, offset=1)) == ["both"]
    assert ids(await mound.query("bucket", {"tier": "fast", "min_confidence": 0.2})) == ["other"]
    assert ids(await mound.query("zoe", {"node_types": ["fact"]})) == ["both"]
    for nothing in ("", "...", "buck", 'NEAR("token")x'):
        assert ids(await mound.query(nothing)) in ([], ["both"])


async def test_get_stats_of_a_workspace(mound: KnowledgeMound) -> None:
    for number, kind in enumerate(("fact", "fact", "claim")):
        await save(mound, f"n{number}", node_type=kind, confidence=number / 3)
    await mound.update_node("n0", {"staleness_score": 0.51, "tier": "fast"})
    await mound.save_relationship("n0", "n1", "supports")
    assert await mound.get_stats("w1") == {
        "total_nodes": 3,
        "nodes_by_type": {"claim": 1, "fact": 2},
        "nodes_by_tier": {"fast": 1, "slow": 2},
        "nodes_by_validation": {"unverified": 3},
        "total_relationships": 1,
        "relationships_by_type": {"supports": 1},
        "average_confidence": 0.333,
        "stale_nodes_count": 1,
    }
    empty = await mound.get_stats("w2")
    assert (empty["total_nodes"], empty["average_confidence"]) == (0, 0.0)


async def test_archive_node_then_restore_archived_node(mound: KnowledgeMound) -> None:
    for key in ("a", "b", "c"):
        await save(mound, key, topics=["t"], source_type="debate", source_id="d")
    await mound.update_node(
        "a", {"tier": "fast", "last_validated_at": day(2), "metadata": {"x": 1}}
    )
    link = await mound.save_relationship("a", "b", "supports", strength=0.5, metadata={"y": 2})
    await mound.save_relationship("c", "a", "cites")
    before, source = await mound.get_node("a"), await mound.get_provenance("a")
    assert not await mound.archive_node("a", workspace_id="w2")
    assert await mound.archive_node("a", archived_by="ann", reason="old")
    assert not await mound.archive_node("a")
    assert await mound.get_relationships("b") == []
    await mound.delete_node("c")
    assert not await mound.restore_archived_node("a", "w2")
    assert await mound.restore_archived_node("a", "w1")
    assert await mound.get_node("a") == before
    assert await mound.get_provenance("a") == source
    (restored,) = await mound.get_relationships("a")
    assert (restored.id, restored.strength, restored.metadata) == (link, 0.5, {"y": 2})
    assert not await mound.restore_archived_node("a", "w1")
    # What took its place stays, and so does the archive.
    await mound.archive_node("a")
    await save(mound, "new", content="content of a")
    with pytest.raises(AlreadyTakenError, match="original_id"):
        await mound.restore_archived_node("a", "w1")
    await mound.delete_node("new")
    assert sum(await asyncio.gather(*(restore(mound) for _ in range(3)))) == 1


async def restore(mound: KnowledgeMound) -> bool:
    return await mound.restore_archived_node("a", "w1")


async def test_restore_archived_node_brings_links_of_two_that_were_archived(
    mound: KnowledgeMound,
) -> None:
    for key in "abc":
        await save(mound, key, created_at=days_ago(40), staleness_score=1)
    for first, last in (("a", "b"), ("b", "a"), ("c", "a"), ("a", "a")):
        await mound.save_relationship(first, last, "cites", strength=0.1 + 0.2, metadata={"é": 1})
    before = await mound.list_relationships()
    for order in ("abc", "cba", "bac"):
        for key in order:
            assert await mound.archive_node(key)
        for key in "abc":
            assert await mound.restore_archived_node(key, "w1")
        assert await mound.list_relationships() == before
    # Also where each is restored while the others are.
    for key in "bac":
        assert await mound.archive_node(key)
    await asyncio.gather(*(mound.restore_archived_node(key, "w1") for key in "abc"))
    assert await mound.list_relationships() == before
    # And where all were archived together, and a row of the archive keeps little.
    assert (await mound.prune_nodes("w1")).items_pruned == 3
    await run(
        mound.database, "UPDATE knowledge_archive SET document = '{}' WHERE original_id = 'b'"
    )
    for key in "acb":
        assert await mound.restore_archived_node(key, "w1")
    assert await mound.list_relationships() == before


async def test_restore_archived_node_holds_what_it_is_linked_to_in_one_order(
    mound: KnowledgeMound, open_database: OpenDatabase
) -> None:
    for key in "ab":
        await save(mound, key, created_at=days_ago(40), staleness_score=1)
    await mound.save_relationship("b", "a", "supports")
    assert (await mound.prune_nodes("w1")).items_pruned == 2
    other = await open_database()
    async with other.transaction():
        await run(other, "UPDATE knowledge_archive SET reason = 'held' WHERE original_id = 'a'")
        restoring = await started(mound.database, mound.restore_archived_node("b", "w1"))
        if mound.database.dialect == "postgres":
            assert not restoring.done()
            assert not await is_locked(mound.database, "knowledge_archive", "original_id", "b")
    assert await restoring
    assert await mound.restore_archived_node("a", "w1")
    (link,) = await mound.get_relationships("a")
    assert (link.from_node_id, link.to_node_id) == ("b", "a")


async def test_restore_archived_node_of_many_at_once_while_others_are_archived(
    mound: KnowledgeMound, open_database: OpenDatabase
) -> None:
    mounds = [mound, KnowledgeMound(await open_database())]
    keys = "abcdefgh"
    for key in keys:
        await save(mound, key, created_at=days_ago(40), staleness_score=1)
    for first, second in itertools.combinations(keys, 2):
        await mound.save_relationship(second, first, "supports")
    total = len(keys) * (len(keys) - 1) // 2
    for turn in range(3):
        assert (await mound.prune_nodes("w1")).items_pruned == len(keys)
        order = keys if turn % 2 else keys[::-1]
        await asyncio.gather(
            *(mounds[n % 2].restore_archived_node(key, "w1") for n, key in enumerate(order)),
            mounds[0].archive_node(keys[turn]),
        )
        for key in keys:
            await mound.restore_archived_node(key, "w1")
        assert await fetch_value(mound.database, COUNT_OF_LINKS) == total
        assert await fetch_value(mound.database, "SELECT count(*) FROM knowledge_archive") == 0


async def test_save_relationship_and_save_access_grant_of_a_node_that_is_deleted_meanwhile(
    mound: KnowledgeMound, open_database: OpenDatabase
) -> None:
    for key in "abc":
        await save(mound, key)
    other = await open_database()
    async with other.transaction():
        assert await KnowledgeMound(other).delete_node("b")
        linking = await started(mound.database, mound.save_relationship("a", "b", "supports"))
    with pytest.raises(NodeNotFoundError, match="'b'"):
        await linking
    async with other.transaction():
        assert await KnowledgeMound(other).delete_node("c")
        granting = await started(mound.database, mound.save_access_grant("c", "user", "ann"))
    with pytest.raises(NodeNotFoundError, match="'c'"):
        await granting


async def test_restore_archived_node_whose_source_is_gone_or_older(mound: KnowledgeMound) -> None:
    await save(mound, "a", source_type="user")
    await save(mound, "b", source_type="user", parent_provenance_id="prov_a")
    await mound.archive_node("b")
    await mound.delete_node("a")
    assert await mound.restore_archived_node("b", "w1")
    source = await mound.get_provenance("b")
    assert source is not None
    assert source.parent_provenance_id is None
    await run(
        mound.database,
        "INSERT INTO knowledge_archive (id, original_id, content, confidence, importance) "
        "VALUES ('arch_o_1', 'o', 'older', 'medium', 0.25)",
    )
    assert not await mound.restore_archived_node("o", "w1")
    assert await mound.restore_archived_node("o", "w1", unowned=True)
    older = await mound.get_node("o")
    assert older is not None
    assert (older.content, older.confidence, older.workspace_id) == ("older", 0.25, "w1")


async def test_refresh_staleness_and_adjust_tiers(mound: KnowledgeMound) -> None:
    for number in range(8):
        await save(mound, f"n{number}", created_at=days_ago(20 - number), tier="medium")
    for number in (1, 2, 3):
        await mound.save_relationship(f"n{number}", "n0", "contradicts")
    await save(mound, "young")
    await mound.save_relationship("young", "n0", "supports")
    await mound.save_relationship("young", "n0", "supersedes")
    # Older nodes do not count, and a node was updated just now.
    assert await mound.refresh_staleness("w1") == 1
    scores = {node.id: node.staleness_score for node in await mound.query_nodes("w1")}
    assert scores["n0"] == pytest.approx(0.3 + 0.2 / 5 + 0.08, abs=1e-3)
    assert scores["n1"] == pytest.approx(0, abs=1e-3)
    at = "2026-01-01T00:00:00.000000Z"
    await run(mound.database, f"UPDATE knowledge_nodes SET updated_at = '{at}'")
    await run(mound.database, "UPDATE knowledge_nodes SET tier = 'fast' WHERE id = 'n0'")
    assert await mound.refresh_staleness("w1") == 9
    node = await mound.get_node("n0")
    assert node is not None
    assert node.staleness_score == pytest.approx(0.4 + 0.3 + 0.2 / 5 + 0.08)
    assert node.revalidation_requested
    await run(
        mound.database,
        "UPDATE knowledge_nodes SET surprise_score = 0.75, update_count = 6 WHERE id < 'n3'",
    )
    await run(mound.database, "UPDATE knowledge_nodes SET consolidation_score = 0.6")
    # n0 is fast already; n1 and n2 surprise; the others are settled.
    assert await mound.adjust_tiers("w1") == 8
    tiers = (await mound.get_stats("w1"))["nodes_by_tier"]
    assert tiers == {"fast": 3, "slow": 5, "glacial": 1}


async def test_prune_nodes_writes_get_prune_history(mound: KnowledgeMound) -> None:
    for number in range(6):
        await save(mound, f"n{number}", created_at=days_ago(40), topics=["t"])
        await mound.update_node(f"n{number}", {"staleness_score": 0.9 + number / 100})
    await save(mound, "young")
    await mound.update_node("young", {"staleness_score": 1})
    await mound.update_node("n5", {"tier": "glacial"})
    flagged = await mound.prune_nodes("w1", "flag", limit=2, policy_id="p", executed_by="ann")
    assert flagged.pruned_item_ids == ["n4", "n3"]
    assert (await mound.prune_nodes("w1", "flag", limit=1)).pruned_item_ids == ["n2"]
    demoted = await mound.prune_nodes("w1", "demote", limit=1)
    assert demoted.pruned_item_ids == ["n4"]
    assert ids(await mound.list_nodes("w1", tier="glacial", order_by="id")) == ["n5", "n4"]
    assert (await mound.prune_nodes("w1", min_staleness=0.925)).pruned_item_ids == ["n3"]
    assert await mound.restore_archived_node("n3", "w1")
    assert (await mound.prune_nodes("w1", "delete", min_age_days=41)).items_pruned == 0
    assert (await mound.prune_nodes("w1", "delete")).items_pruned == 4
    assert await mound.count_nodes("w1") == 3
    history = await mound.get_prune_history("w1")
    assert len(history) == 6
    assert history[-1] == flagged
    assert await mound.get_prune_history("w1", 1, after=history[0]) == [history[1]]
    assert await mound.get_prune_history("w2") == []


async def test_prune_nodes_at_once_records_what_each_did(open_database: OpenDatabase) -> None:
    mounds = [KnowledgeMound(await open_database()) for _ in range(3)]
    await mounds[0].initialize()
    for action in ("delete", "archive", "demote", "flag"):
        for number in range(12):
            await save(
                mounds[0], f"n{number}", staleness_score=1, created_at=days_ago(40), tier="slow"
            )
        records = await asyncio.gather(*(m.prune_nodes("w1", action) for m in mounds))
        pruned = [key for record in records for key in record.pruned_item_ids]
        assert sorted(pruned) == sorted(f"n{number}" for number in range(12)), action
        assert sum(record.items_pruned for record in records) == 12
        assert await mounds[0].clear_workspace("w1") == (12 if action in {"demote", "flag"} else 0)
    archived = "SELECT count(*) FROM knowledge_archive"
    assert await fetch_value(mounds[0].database, archived) == 12
    # Each call demotes once more what is still as outdated.
    await save(mounds[0], "n", staleness_score=1, created_at=days_ago(40), tier="fast")
    for tier in ("medium", "slow", "glacial", "glacial"):
        await mounds[0].prune_nodes("w1", "demote")
        assert ids(await mounds[0].list_nodes("w1", tier=tier)) == ["n"]


async def test_save_prune_history_of_an_application(mound: KnowledgeMound) -> None:
    saved = await mound.save_prune_history("w1", "delete", ["a"], reason="r", executed_at=day(1))
    assert (saved.items_pruned, saved.executed_at) == (1, day(1))
    await mound.save_prune_history("w1", "delete", [], executed_at=day(0))
    assert await mound.get_prune_history("w1", since=day(1)) == [saved]
