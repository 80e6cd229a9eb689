"""Entries of the continuum memory: stored, changed, protected, deleted, counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError, RedLineError, TenantMismatchError
from aragora_sql.stores.continuum import (
    ContinuumEntry,
    ContinuumMemory,
    ContinuumParameters,
    Deletion,
    TierStats,
)
from tests.stores.continuum.conftest import Clock
from tests.stores.samples import day


async def test_add_then_get(continuum: ContinuumMemory, clock: Clock) -> None:
    metadata = {"tags": ["a"], "n": 2**60, "ü": [0.1]}
    added = await continuum.add(
        "m1",
        "Café: use a token bucket",
        "fast",
        0.75,
        metadata,
        "t1",
        expires_at=day(200),
        cross_references=["n2", "n1", "n2"],
        vector=[3, 4],
    )
    assert added == await continuum.get("m1") == await continuum.get("m1", "t1")
    assert added == await continuum.get_entry("m1")
    assert added.to_dict() == {
        "id": "m1",
        "tenant_id": "t1",
        "tier": "fast",
        "content": "Café: use a token bucket",
        "importance": 0.75,
        "surprise_score": 0.0,
        "consolidation_score": 0.0,
        "update_count": 1,
        "success_count": 0,
        "failure_count": 0,
        "red_line": False,
        "red_line_reason": "",
        "cross_references": ["n1", "n2"],
        "metadata": metadata,
        "last_promotion_at": None,
        "last_move_at": None,
        "last_prewarmed_at": None,
        "expires_at": day(200).isoformat(),
        "created_at": clock.now.isoformat(),
        "updated_at": clock.now.isoformat(),
    }
    assert ContinuumEntry.from_dict(added.to_dict()) == added
    assert (added.success_rate, added.stability_score, added.tags) == (0.5, 1.0, ["a"])
    assert (added.knowledge_mound_id, added.has_enough_updates) == ("cm_m1", False)
    assert await continuum.get("m1", "t2") is None
    assert await continuum.get("unknown") is None


async def test_add_again_keeps_what_was_learnt(continuum: ContinuumMemory, clock: Clock) -> None:
    first = await continuum.add("m", "old", "slow", cross_references=["n"], vector=[1.0])
    await continuum.update_outcome("m", True)
    learnt = await continuum.get("m")
    assert learnt is not None
    clock.pass_hours(1)
    again = await continuum.add("m", "new", "fast", 0.9, {"k": 1})
    assert again == replace(
        learnt,
        content="new",
        tier="fast",
        importance=0.9,
        metadata={"k": 1},
        last_move_at=clock.now,
        updated_at=clock.now,
    )
    assert again.created_at == first.created_at
    (move,) = await continuum.get_transitions("m")
    assert (move.from_tier, move.to_tier, move.reason) == ("slow", "fast", "stored")
    assert move.surprise_score == learnt.surprise_score
    snapshot = await continuum.export_snapshot()
    assert snapshot["entries"][0]["vector"] == [1.0]


async def test_store_is_add(continuum: ContinuumMemory) -> None:
    stored = await continuum.store("k", "text", "glacial", 0.25, {"a": None})
    assert stored == await continuum.get("k")
    assert (stored.tier, stored.importance, stored.metadata) == ("glacial", 0.25, {"a": None})


async def test_add_many_is_all_or_none(continuum: ContinuumMemory) -> None:
    await continuum.add("other", "x", tenant_id="t1")
    await continuum.add("red", "x")
    await continuum.mark_red_line("red", "law")
    good: Any = {"memory_id": "a", "content": "x"}
    for bad, error, argument in (
        ({"memory_id": "a", "content": "y"}, InvalidInputError, "entries[1].memory_id"),
        ({"memory_id": "other", "content": "y"}, TenantMismatchError, "entries[1].tenant_id"),
        ({"memory_id": "red", "content": "y"}, RedLineError, "entries[1].memory_id"),
        ({"memory_id": "b", "text": "y"}, InvalidInputError, "entries[1]"),
    ):
        with pytest.raises(error) as caught:
            await continuum.add_many([good, bad])  # type: ignore[list-item]
        assert caught.value.argument == argument
        assert await continuum.get("a") is None
    added = await continuum.add_many([{"memory_id": f"m{n}", "content": "x"} for n in (3, 1, 2)])
    assert [one.id for one in added] == ["m3", "m1", "m2"]


async def test_get_many_in_the_order_of_ids(continuum: ContinuumMemory) -> None:
    await continuum.add_many(
        {"memory_id": f"m{n}", "content": "x", "tenant_id": f"t{n % 2}"} for n in range(300)
    )
    wanted = [f"m{n}" for n in reversed(range(300))]
    assert [one.id for one in await continuum.get_many([*wanted, "m1", "unknown"])] == wanted
    assert [one.id for one in await continuum.get_many(["m1", "m2"], "t1")] == ["m1"]
    assert await continuum.get_many([]) == []


async def test_get_by_tier_and_count(continuum: ContinuumMemory) -> None:
    for n in range(4):
        await continuum.add(f"m{n}", "x", "fast", n / 4, tenant_id=f"t{n % 2}")
    await continuum.add("slow", "x", "slow")
    assert [one.id for one in await continuum.get_by_tier("fast", 2)] == ["m3", "m2"]
    assert [one.id for one in await continuum.get_by_tier("fast", 9, 0.25, "t1")] == ["m3", "m1"]
    assert (await continuum.count(), await continuum.count("fast")) == (5, 4)
    assert await continuum.count(tenant_id="t1") == 2


async def test_update_changes_what_is_given(continuum: ContinuumMemory, clock: Clock) -> None:
    first = await continuum.add("m", "token bucket", metadata={"a": 1}, tenant_id="t1")
    clock.pass_hours(1)
    assert await continuum.update("m", importance=0.0, surprise_score=0.0, tenant_id="t1")
    assert await continuum.get("m") == replace(first, importance=0.0, updated_at=clock.now)
    assert await continuum.update("m", "leaky pail", metadata={}, consolidation_score=1.0)
    assert [one.id for one in await continuum.retrieve("pail")] == ["m"]
    assert await continuum.retrieve("token") == []
    assert not await continuum.update("m")
    assert not await continuum.update("unknown", "text")
    before = await continuum.get("m")
    with pytest.raises(TenantMismatchError, match="does not belong to this tenant"):
        await continuum.update("m", "text", tenant_id="t2")
    assert await continuum.get("m") == before


async def test_update_entry_stores_a_changed_record(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    entry = await continuum.add("m", "old", metadata={"a": 1})
    changed = replace(
        entry,
        content="new",
        importance=0.25,
        surprise_score=0.5,
        consolidation_score=0.75,
        update_count=7,
        success_count=4,
        failure_count=2,
        metadata={},
    )
    clock.pass_hours(1)
    assert await continuum.update_entry(changed)
    assert await continuum.get("m") == replace(changed, updated_at=clock.now)
    assert not await continuum.update_entry(replace(entry, id="unknown"))


async def test_get_entry_of_any_tenant(continuum: ContinuumMemory) -> None:
    added = await continuum.add("m", "x", tenant_id="t1")
    assert await continuum.get_entry("m") == added
    assert await continuum.get_entry("unknown") is None


async def test_get_archived_newest_first(continuum: ContinuumMemory, clock: Clock) -> None:
    for content in ("old", "new"):
        await continuum.add("m", content, tenant_id="t1")
        await continuum.delete("m")
        clock.pass_hours(1)
    assert [one.content for one in await continuum.get_archived("m")] == ["new", "old"]
    assert [one.content for one in await continuum.get_archived("m", 1, "t1")] == ["new"]
    assert await continuum.get_archived("unknown") == []


async def test_mark_red_line_protects(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "never delete users", "fast", 0.25)
    assert await continuum.mark_red_line("m", "safety")
    entry = await continuum.get("m")
    assert entry is not None
    assert (entry.red_line, entry.red_line_reason) == (True, "safety")
    assert (entry.tier, entry.importance) == ("glacial", 1.0)
    assert [move.reason for move in await continuum.get_transitions("m")] == ["red_line"]
    for change in (
        continuum.add("m", "other"),
        continuum.update("m", importance=0.0),
        continuum.update_entry(replace(entry, content="other")),
        continuum.promote_entry("m", "fast"),
        continuum.demote_entry("m", "slow"),
    ):
        with pytest.raises(RedLineError, match="safety"):
            await change
    assert (await continuum.promote("m"), await continuum.demote("m")) == (None, None)
    assert await continuum.get("m") == entry
    (found,) = await continuum.retrieve("users")
    assert found.red_line
    assert not await continuum.mark_red_line("unknown", "safety")


async def test_unmark_red_line_takes_the_protection_away(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x", "fast", tenant_id="t1")
    await continuum.mark_red_line("m", "safety", promote_to_glacial=False)
    with pytest.raises(TenantMismatchError):
        await continuum.unmark_red_line("m", "t2")
    assert await continuum.unmark_red_line("m")
    assert not await continuum.unmark_red_line("m")
    assert not await continuum.unmark_red_line("unknown")
    entry = await continuum.get("m")
    assert entry is not None
    assert (entry.red_line, entry.red_line_reason, entry.tier) == (False, "", "fast")
    assert await continuum.get_transitions("m") == []


async def test_get_red_line_memories_oldest_first(continuum: ContinuumMemory, clock: Clock) -> None:
    for n in (3, 1, 2):
        await continuum.add(f"m{n}", "x", tenant_id=f"t{n % 2}")
        await continuum.mark_red_line(f"m{n}", "safety")
        clock.pass_hours(1)
    await continuum.add("plain", "x")
    assert [one.id for one in await continuum.get_red_line_memories()] == ["m3", "m1", "m2"]
    assert [one.id for one in await continuum.get_red_line_memories("t1")] == ["m3", "m1"]


async def test_delete_archives_the_same_id_again_and_again(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    for number in (1, 2):
        await continuum.add("m", f"content {number}", "fast", cross_references=["n"], vector=[1])
        await continuum.promote_entry("m", "medium")
        assert await continuum.delete("m", reason=f"why {number}") == Deletion(
            "m", deleted=True, archived=True, blocked=False
        )
        assert await continuum.get("m") is None
        clock.pass_hours(1)
    second, first = await continuum.get_archived("m")
    assert [one.content for one in (first, second)] == ["content 1", "content 2"]
    assert [one.archive_reason for one in (first, second)] == ["why 1", "why 2"]
    assert first.cross_references == ["n"]
    assert first.tier == "medium"
    assert first.archived_at < second.archived_at
    assert len(await continuum.get_transitions("m")) == 2
    assert await continuum.get_archived("m", tenant_id="t1") == []


async def test_delete_of_what_is_protected_or_of_others(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x", tenant_id="t1")
    await continuum.add("untagged", "x")
    for name in ("m", "untagged"):
        with pytest.raises(TenantMismatchError):
            await continuum.delete(name, tenant_id="t2")
    await continuum.mark_red_line("m", "safety")
    blocked = await continuum.delete("m")
    assert (blocked.deleted, blocked.blocked, blocked.reason) == (False, True, "safety")
    assert (await continuum.delete("m", archive=False, force=True)).deleted
    assert await continuum.get_archived("m") == []
    assert not (await continuum.delete("m")).deleted


async def test_cleanup_expired_memories_by_tier(continuum: ContinuumMemory, clock: Clock) -> None:
    for tier in ("fast", "medium", "slow", "glacial"):
        await continuum.add(tier, "x", tier)
    await continuum.add("red", "x", "fast")
    await continuum.mark_red_line("red", "safety", promote_to_glacial=False)
    clock.pass_hours(49)
    await continuum.add("young", "x", "fast")
    await continuum.add("own time", "x", "glacial", expires_at=clock.now)
    done = await continuum.cleanup_expired_memories()
    assert {tier: (one.archived, one.deleted, one.cutoff_hours) for tier, one in done.items()} == {
        "fast": (1, 1, 2.0),
        "medium": (1, 1, 48.0),
        "slow": (0, 0, 336.0),
        "glacial": (1, 1, 1440.0),
    }
    left = await continuum.get_many(["fast", "medium", "slow", "glacial", "red", "young"])
    assert [one.id for one in left] == ["slow", "glacial", "red", "young"]
    assert [one.archive_reason for one in await continuum.get_archived("fast")] == ["expired"]


async def test_cleanup_expired_memories_of_a_tenant_and_an_age(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    await continuum.add_many(
        {"memory_id": f"m{n}", "content": "x", "tenant_id": f"t{n % 2}"} for n in range(2100)
    )
    clock.pass_hours(1)
    done = await continuum.cleanup_expired_memories(
        "slow", archive=False, max_age_hours=0, tenant_id="t1"
    )
    assert {tier: (one.archived, one.deleted) for tier, one in done.items()} == {"slow": (0, 1050)}
    assert await continuum.count(tenant_id="t1") == 0
    assert await continuum.count() == 1050
    assert (await continuum.get_archive_stats()).total_archived == 0


async def test_enforce_tier_limits_drops_the_least_important(
    database: Database, clock: Clock
) -> None:
    limits = {"fast": 2, "medium": 0, "slow": 10, "glacial": 10}
    continuum = ContinuumMemory(
        database, parameters=ContinuumParameters(max_entries_per_tier=limits)
    )
    await continuum.add("red", "x", "fast")
    await continuum.mark_red_line("red", "safety", promote_to_glacial=False)
    for name, importance in (("a", 0.5), ("b", 0.25), ("c", 0.25), ("d", 0.75)):
        clock.pass_hours(1)
        await continuum.add(name, "x", "fast", importance)
    await continuum.add("m", "x", "medium")
    removed = await continuum.enforce_tier_limits()
    assert removed == {"fast": 3, "medium": 1, "slow": 0, "glacial": 0}
    assert {one.id for one in await continuum.get_by_tier("fast")} == {"red", "d"}
    assert [one.archive_reason for one in await continuum.get_archived("b")] == ["tier_limit"]
    assert await continuum.enforce_tier_limits("fast") == {"fast": 0}
    # another store on the same database has limits of its own
    assert await ContinuumMemory(database).get_memory_pressure() == 2 / 1000
    assert await continuum.get_memory_pressure() == 1.0


async def test_get_memory_pressure_of_the_fullest_tier(continuum: ContinuumMemory) -> None:
    assert await continuum.get_memory_pressure() == 0.0
    await continuum.add_many(
        {"memory_id": f"m{n}", "content": "x", "tier": "fast"} for n in range(250)
    )
    await continuum.add("s", "x", "slow")
    assert await continuum.get_memory_pressure() == 0.25


async def test_get_stats_and_get_tier_metrics(continuum: ContinuumMemory) -> None:
    assert (await continuum.get_stats()).total_memories == 0
    await continuum.add("a", "x", "fast", 0.25)
    await continuum.add("b", "x", "fast", 0.75, tenant_id="t1")
    await continuum.promote_entry("a", "medium")
    await continuum.demote_entry("a", "fast")
    await continuum.demote_entry("b", "glacial")
    stats = await continuum.get_stats()
    nothing = TierStats(0, 0.0, 0.0, 0.0, 0)
    assert stats.by_tier == {
        "fast": TierStats(1, 0.25, 0.0, 0.0, 0),
        "medium": nothing,
        "slow": nothing,
        "glacial": TierStats(1, 0.75, 0.0, 0.0, 0),
    }
    assert stats.total_memories == 2
    assert stats.transitions == [
        {"from": "fast", "to": "glacial", "count": 1},
        {"from": "fast", "to": "medium", "count": 1},
        {"from": "medium", "to": "fast", "count": 1},
    ]
    assert stats.parameters["max_entries_per_tier"]["glacial"] == 50_000
    assert (await continuum.get_stats("t1")).total_memories == 1
    assert await continuum.get_tier_metrics() == {
        "promotions": {"medium->fast": 1},
        "demotions": {"fast->glacial": 1, "fast->medium": 1},
        "total_promotions": 1,
        "total_demotions": 2,
    }


async def test_get_glacial_tier_stats(continuum: ContinuumMemory) -> None:
    await continuum.add("a", "x", "glacial", 0.25)
    await continuum.add("b", "x", "glacial", 0.75)
    await continuum.mark_red_line("b", "safety")
    assert await continuum.get_glacial_tier_stats() == TierStats(2, 0.625, 0.0, 0.0, 1)


async def test_get_archive_stats(continuum: ContinuumMemory, clock: Clock) -> None:
    empty = await continuum.get_archive_stats()
    assert (empty.total_archived, empty.oldest_archived, empty.newest_archived) == (0, None, None)
    begin = clock.now
    for number, tier in enumerate(("fast", "slow", "slow")):
        await continuum.add("m", "x", tier)  # type: ignore[arg-type]
        await continuum.delete("m", reason=f"r{number % 2}")
        clock.pass_hours(1)
    stats = await continuum.get_archive_stats()
    assert [(one.tier, one.reason, one.count) for one in stats.by_tier_reason] == [
        ("fast", "r0", 1),
        ("slow", "r0", 1),
        ("slow", "r1", 1),
    ]
    assert (stats.total_archived, stats.oldest_archived) == (3, begin)
    assert stats.newest_archived == begin + timedelta(hours=2)


async def test_references_are_found_and_invalidated(continuum: ContinuumMemory) -> None:
    await continuum.add("a", "x", cross_references=["n_1", "n%1"], tenant_id="t1")
    await continuum.add("b", "x", cross_references=["n_1"], tenant_id="t2")
    await continuum.add("c", "x", cross_references=["nx1"])
    assert [one.id for one in await continuum.get_referring("n_1")] == ["a", "b"]
    assert [one.id for one in await continuum.get_referring("n_1", "t2")] == ["b"]
    assert await continuum.invalidate_reference("n_1", "t1") == 1
    assert await continuum.invalidate_reference("n_1") == 1
    assert await continuum.invalidate_reference("n_1") == 0
    (a, c) = await continuum.get_many(["a", "c"])
    assert (a.cross_references, c.cross_references) == (["n%1"], ["nx1"])


async def test_get_referring_of_no_reference(continuum: ContinuumMemory) -> None:
    assert await continuum.get_referring("unknown") == []


async def test_invalidate_reference_of_no_reference(continuum: ContinuumMemory) -> None:
    assert await continuum.invalidate_reference("unknown") == 0


class Knowledge:
    """A knowledge store that keeps what it gets."""

    def __init__(self) -> None:
        self.stored: list[str] = []

    async def store_memory(self, entry: ContinuumEntry) -> None:
        self.stored.append(entry.id)

    async def search_similar(
        self, content: str, limit: int, min_similarity: float
    ) -> list[dict[str, Any]]:
        return [{"content": content, "limit": limit, "min_similarity": min_similarity}]


async def test_set_km_adapter_and_query_km_for_similar(continuum: ContinuumMemory) -> None:
    assert await continuum.query_km_for_similar("x") == []
    knowledge = Knowledge()
    continuum.set_km_adapter(knowledge)
    await continuum.add("important", "x", importance=0.7)
    await continuum.add("other", "x", importance=0.69)
    assert knowledge.stored == ["important"]
    assert await continuum.query_km_for_similar("x", 3, 0.5) == [
        {"content": "x", "limit": 3, "min_similarity": 0.5}
    ]
    continuum.set_km_adapter(None)
    await continuum.add("important too", "x", importance=1.0)
    assert knowledge.stored == ["important"]
