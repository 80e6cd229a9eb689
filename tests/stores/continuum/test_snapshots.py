"""Snapshots: everything comes back, and nothing is left out silently."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError, TenantMismatchError
from aragora_sql.stores.continuum import ContinuumMemory, ContinuumParameters, RestoreCounts
from tests.stores.continuum.conftest import Clock


async def filled(continuum: ContinuumMemory, clock: Clock) -> None:
    await continuum.add("a", "token bucket", "fast", 0.9, {"k": [1, None]}, "t1", vector=[3, 4])
    await continuum.add("b", "leaky bucket", "slow", 0.2, cross_references=["n"])
    await continuum.add("c", "x", "slow", 0.8, expires_at=clock.now.replace(year=2030))
    await continuum.mark_red_line("b", "law", promote_to_glacial=False)
    for success in (True, False):
        await continuum.update_outcome("a", success)
    await continuum.promote_entry("c", "medium")


async def test_export_snapshot_then_restore_snapshot(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    await filled(continuum, clock)
    before = await continuum.get_many(["a", "b", "c"])
    snapshot = await continuum.export_snapshot()
    assert snapshot["tier_counts"] == {"fast": 1, "medium": 1, "slow": 1, "glacial": 0}
    assert snapshot["omitted"] == {"fast": 0, "medium": 0, "slow": 0, "glacial": 0}
    assert (snapshot["version"], snapshot["total_entries"]) == (4, 3)
    for name in ("a", "b", "c"):
        await continuum.delete(name, archive=False, force=True)
    clock.pass_hours(5)
    counts = await continuum.restore_snapshot(json.loads(json.dumps(snapshot)))
    assert counts == RestoreCounts(restored=3, updated=0, skipped=0, protected=0)
    assert await continuum.get_many(["a", "b", "c"]) == before
    again = await continuum.export_snapshot()
    assert again["entries"] == snapshot["entries"]
    assert [one["vector"] for one in again["entries"] if one["id"] == "a"] == [[0.6, 0.8]]
    (found,) = await continuum.retrieve("token")
    assert found.id == "a"


async def test_export_snapshot_says_what_it_omits(continuum: ContinuumMemory) -> None:
    await continuum.add_many(
        {"memory_id": f"m{n}", "content": "x", "importance": n / 2000, "metadata": {"n": n}}
        for n in range(1200)
    )
    whole = await continuum.export_snapshot()
    assert len(whole["entries"]) == 1200
    part = await continuum.export_snapshot(["slow"], False, 2)
    assert [one["id"] for one in part["entries"]] == ["m1199", "m1198"]
    assert (part["omitted"], part["total_entries"]) == ({"slow": 1198}, 2)
    assert "metadata" not in part["entries"][0]
    none = await continuum.export_snapshot(max_entries_per_tier=0)
    assert (none["entries"], none["omitted"]["slow"]) == ([], 1200)


async def test_export_for_tier_gives_all(continuum: ContinuumMemory) -> None:
    await continuum.add_many({"memory_id": f"m{n}", "content": "x"} for n in range(1100))
    await continuum.add("best", "y", importance=0.9, tenant_id="t1")
    await continuum.update_outcome("best", True)
    exported = await continuum.export_for_tier("slow")
    assert len(exported) == 1101
    assert exported[0] == {
        "id": "best",
        "content": "y",
        "importance": 0.9,
        "surprise_score": pytest.approx(0.045),
        "consolidation_score": pytest.approx(0.150515, abs=1e-6),
        "success_rate": 1.0,
        "update_count": 2,
    }
    assert [one["id"] for one in await continuum.export_for_tier("slow", "t1")] == ["best"]


def document(**changes: Any) -> dict[str, Any]:
    entry = {"id": "m", "tier": "slow", "content": "x", **changes}
    return {"version": 4, "entries": [entry]}


async def test_restore_snapshot_in_each_mode(continuum: ContinuumMemory, clock: Clock) -> None:
    await continuum.add("m", "stored", "fast", 0.5, {"of": "stored"}, cross_references=["a"])
    await continuum.update_outcome("m", True)
    stored = await continuum.get("m")
    assert stored is not None
    older = {
        "content": "given",
        "importance": 0.75,
        "update_count": 9,
        "cross_references": ["b"],
        "metadata": {"of": "given"},
        "updated_at": clock.now.replace(year=2020).isoformat(),
        "created_at": clock.now.replace(year=2020).isoformat(),
    }
    counts = await continuum.restore_snapshot(document(**older), "keep")
    assert counts == RestoreCounts(restored=0, updated=0, skipped=1, protected=0)
    assert await continuum.get("m") == stored
    counts = await continuum.restore_snapshot(document(**older), "merge")
    assert counts == RestoreCounts(restored=0, updated=1, skipped=0, protected=0)
    (entry,) = await continuum.get_many(["m"])
    assert (entry.content, entry.tier, entry.metadata) == ("stored", "fast", {"of": "stored"})
    assert (entry.importance, entry.update_count) == (0.75, 9)
    assert (entry.surprise_score, entry.success_count) == (stored.surprise_score, 1)
    assert entry.cross_references == ["a", "b"]
    assert (entry.created_at.year, entry.updated_at) == (2020, stored.updated_at)
    await continuum.restore_snapshot(document(**older), "replace")
    (entry,) = await continuum.get_many(["m"])
    assert (entry.content, entry.tier, entry.success_count) == ("given", "slow", 0)
    assert entry.cross_references == ["b"]
    assert [move.reason for move in await continuum.get_transitions("m")] == ["restored"]


async def test_restore_snapshot_leaves_red_lines_alone(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "never")
    await continuum.mark_red_line("m", "law")
    before = await continuum.get("m")
    for mode in ("replace", "merge"):
        counts = await continuum.restore_snapshot(document(), mode)
        assert counts == RestoreCounts(restored=0, updated=0, skipped=1, protected=1)
    assert await continuum.get("m") == before


async def test_restore_snapshot_of_the_older_system(continuum: ContinuumMemory) -> None:
    entry = {
        "id": "m",
        "tier": "glacial",
        "content": "x",
        "importance": 0.7,
        "metadata": {"tenant_id": "t1"},
        "updated_at": "2026-02-12T16:42:57.123456",
    }
    snapshot = {"version": 3, "entries": [entry]}
    with pytest.raises(InvalidInputError, match=r"snapshot.entries\[0\].updated_at"):
        await continuum.restore_snapshot(snapshot)
    berlin = ZoneInfo("Europe/Berlin")
    await continuum.restore_snapshot(snapshot, tenant_id="t1", source_timezone=berlin)
    (restored,) = await continuum.get_many(["m"])
    assert restored.updated_at.isoformat() == "2026-02-12T15:42:57.123456+00:00"
    assert (restored.tenant_id, restored.update_count) == ("t1", 1)


async def test_restore_snapshot_with_hyperparameters(
    database: Database, continuum: ContinuumMemory
) -> None:
    parameters = ContinuumParameters(promotion_cooldown_hours=1.5)
    snapshot = await ContinuumMemory(database, parameters=parameters).export_snapshot()
    await continuum.restore_snapshot(json.loads(json.dumps(snapshot)))
    assert continuum.parameters == ContinuumParameters()
    await continuum.restore_snapshot(json.loads(json.dumps(snapshot)), restore_hyperparams=True)
    assert continuum.parameters == parameters
    with pytest.raises(InvalidInputError, match="restore_hyperparams"):
        await continuum.restore_snapshot({"version": 3, "entries": []}, restore_hyperparams=True)


@pytest.mark.parametrize(
    ("snapshot", "argument"),
    [
        (None, "snapshot"),
        ({"entries": []}, "snapshot.version"),
        ({"version": 5, "entries": []}, "snapshot.version"),
        ({"version": True, "entries": []}, "snapshot.version"),
        ({"version": 4}, "snapshot.entries"),
        ({"version": 4, "entries": {}}, "snapshot.entries"),
        ({"version": 4, "entries": [5]}, "snapshot.entries[0]"),
        ({"version": 4, "entries": [{"tier": "slow", "content": "x"}]}, "snapshot.entries[0].id"),
        (document(id=""), "snapshot.entries[0].id"),
        (document(tier="quick"), "snapshot.entries[0].tier"),
        (document(importance=1.5), "snapshot.entries[0].importance"),
        (document(surprise_score=float("nan")), "snapshot.entries[0].surprise_score"),
        (document(update_count=-1), "snapshot.entries[0].update_count"),
        (document(metadata=[]), "snapshot.entries[0].metadata"),
        (document(metadata={"a": float("inf")}), "snapshot.entries[0].metadata['a']"),
        (document(updated_at="yesterday"), "snapshot.entries[0].updated_at"),
        (document(created_at="2026-01-01T00:00:00"), "snapshot.entries[0].created_at"),
        (document(vector=[0.0]), "snapshot.entries[0].vector"),
        (document(cross_references="n"), "snapshot.entries[0].cross_references"),
        (document(red_line=1), "snapshot.entries[0].red_line"),
    ],
)
async def test_restore_snapshot_refuses(
    continuum: ContinuumMemory, snapshot: Any, argument: str
) -> None:
    good = {"id": "good", "tier": "slow", "content": "x"}
    if isinstance(snapshot, dict) and isinstance(snapshot.get("entries"), list):
        snapshot = {**snapshot, "entries": [*snapshot["entries"], good]}
    with pytest.raises(InvalidInputError) as caught:
        await continuum.restore_snapshot(snapshot)
    assert caught.value.argument == argument
    assert await continuum.count() == 0


async def test_restore_snapshot_of_another_tenant(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x", tenant_id="t1")
    before = await continuum.get("m")
    with pytest.raises(TenantMismatchError):
        await continuum.restore_snapshot(document(tenant_id="t2"))
    with pytest.raises(TenantMismatchError):
        await continuum.restore_snapshot(document(tenant_id="t1"), tenant_id="t2")
    assert await continuum.get("m") == before
    entries = [{"id": "m", "tier": "slow", "content": "x"}] * 2
    with pytest.raises(InvalidInputError, match="twice"):
        await continuum.restore_snapshot({"version": 4, "entries": entries})
