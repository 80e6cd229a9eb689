"""Outcomes move scores, scores move entries between tiers."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.continuum import ContinuumMemory, ContinuumParameters
from aragora_sql.stores.continuum.hooks import Outcome
from aragora_sql.stores.continuum.tiers import TIERS
from tests.conftest import OpenDatabase
from tests.stores.continuum.conftest import Clock


async def outcomes(continuum: ContinuumMemory, name: str, *results: bool) -> None:
    for success in results:
        await continuum.update_outcome(name, success)


async def test_update_outcome_of_three_successes_and_a_failure(
    continuum: ContinuumMemory, clock: Clock
) -> None:
    await continuum.add("m", "x", tenant_id="t1")
    clock.pass_hours(1)
    entry = None
    surprises, consolidations = [], []
    for success in (True, True, True, False):
        surprises.append(await continuum.update_outcome("m", success))
        entry = await continuum.get("m")
        assert entry is not None
        assert entry.surprise_score == surprises[-1]
        consolidations.append(entry.consolidation_score)
    assert entry is not None
    assert surprises == pytest.approx([0.045, 0.0315, 0.02205, 0.105435], abs=1e-12)
    assert consolidations == pytest.approx([0.150515, 0.238561, 0.301030, 0.349485], abs=1e-6)
    assert (entry.update_count, entry.success_count, entry.failure_count) == (5, 3, 1)
    assert entry.success_rate == 0.75
    assert entry.updated_at == clock.now
    assert await continuum.update_outcome("unknown", True) == 0.0


async def test_update_outcome_with_an_error_of_the_agent(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x")
    first = await continuum.update_outcome("m", True, 0.5)
    assert first == pytest.approx(0.3 * (0.3 * 0.5 + 0.2 * 0.5))


async def test_update_outcome_consolidates_at_the_99th(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x")
    scores = []
    for _ in range(99):
        await continuum.update_outcome("m", True)
        entry = await continuum.get("m")
        assert entry is not None
        scores.append(entry.consolidation_score)
    assert scores[-1] == 1.0 > scores[-2]
    await continuum.update_outcome("m", True)
    assert (await continuum.get_glacial_tier_stats()).count == 0
    (entry,) = await continuum.get_many(["m"])
    assert entry.consolidation_score == 1.0


async def test_update_outcome_of_many_tasks_loses_none(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x")
    await asyncio.gather(*(continuum.update_outcome("m", n % 3 > 0) for n in range(30)))
    (entry,) = await continuum.get_many(["m"])
    assert (entry.update_count, entry.success_count, entry.failure_count) == (31, 20, 10)


async def test_register_post_outcome_hook(continuum: ContinuumMemory) -> None:
    seen: list[Outcome] = []

    async def later(outcome: Outcome) -> None:
        seen.append(outcome)

    continuum.register_post_outcome_hook(seen.append)
    continuum.register_post_outcome_hook(later)
    await continuum.add("m", "x", "fast")
    surprise = await continuum.update_outcome("m", True)
    await continuum.update_outcome("unknown", True)
    expected = Outcome(
        "m", success=True, surprise_score=surprise, tier="fast", total_observations=1
    )
    assert seen == [expected, expected]

    def broken(outcome: Outcome) -> None:
        raise LookupError(outcome.id)

    continuum.register_post_outcome_hook(broken)
    with pytest.raises(LookupError, match="m"):
        await continuum.update_outcome("m", False)
    (entry,) = await continuum.get_many(["m"])
    assert entry.failure_count == 1
    with pytest.raises(InvalidInputError, match="hook"):
        continuum.register_post_outcome_hook("no function")  # type: ignore[arg-type]


async def test_create_pattern_feedback_hook_and_get_pattern_feedback(
    continuum: ContinuumMemory,
) -> None:
    assert continuum.get_pattern_feedback() == {}
    assert continuum.create_pattern_feedback_hook() is continuum.create_pattern_feedback_hook()
    await continuum.add("settled", "x", "slow")
    await continuum.add("quick", "x", "fast")
    for name in ("settled", "quick"):
        await outcomes(continuum, name, *[True] * 9)
    assert continuum.get_pattern_feedback() == {}
    for name in ("settled", "quick"):
        await outcomes(continuum, name, False)
    feedback = continuum.get_pattern_feedback()
    assert {name: one.total_observations for name, one in feedback.items()} == {"settled": 10}


def test_get_learning_rate() -> None:
    rate = ContinuumMemory.get_learning_rate
    nobody: Any = None
    assert rate(nobody, "fast", 0) == 0.3
    assert rate(nobody, "glacial", 2) == pytest.approx(0.01 * 0.9999**2)
    with pytest.raises(InvalidInputError, match="update_count"):
        rate(nobody, "fast", -1)


async def test_promote_is_reached_by_outcomes(continuum: ContinuumMemory, clock: Clock) -> None:
    events: list[tuple[str, Any]] = []
    continuum._emit = lambda name, data: events.append((name, data))
    await continuum.add("m", "x", "slow")
    await outcomes(continuum, "m", *[True] * 20)
    assert await continuum.promote("m") is None
    for _ in range(5):
        await continuum.update_outcome("m", False, 1.0)
    assert await continuum.promote("m") == "medium"
    (entry,) = await continuum.get_many(["m"])
    assert entry.surprise_score / 0.5 > 0.7
    assert (entry.last_promotion_at, entry.last_move_at) == (clock.now, clock.now)
    (move,) = await continuum.get_transitions("m")
    assert (move.from_tier, move.to_tier, move.reason) == ("slow", "medium", "high_surprise")
    # the second one waits for the cooldown
    clock.pass_hours(23.9)
    assert await continuum.promote("m") is None
    clock.pass_hours(0.1)
    assert await continuum.promote("m") == "fast"
    clock.pass_hours(48)
    assert await continuum.promote("m") is None
    assert await continuum.promote("unknown") is None
    assert [(name, data["to_tier"]) for name, data in events] == [
        ("memory_tier_promotion", "medium"),
        ("memory_tier_promotion", "fast"),
    ]


async def test_demote_needs_ten_updates(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x", "medium")
    await outcomes(continuum, "m", *[True] * 8)
    assert await continuum.demote("m") is None
    await outcomes(continuum, "m", True)
    assert await continuum.demote("m") == "slow"
    assert await continuum.demote("m") == "glacial"
    assert await continuum.demote("m") is None
    assert await continuum.demote("unknown") is None
    assert [move.reason for move in await continuum.get_transitions("m")] == ["high_stability"] * 2


async def test_promote_entry_and_demote_entry_to_any_tier(
    continuum: ContinuumMemory,
) -> None:
    await continuum.add("m", "x", "glacial", tenant_id="t1")
    assert await continuum.promote_entry("m", "fast", "t1")
    assert await continuum.promote_entry("m", "fast")
    assert not await continuum.promote_entry("unknown", "fast")
    assert await continuum.demote_entry("m", "slow")
    moves = await continuum.get_transitions("m")
    assert [(move.from_tier, move.to_tier, move.reason) for move in moves] == [
        ("fast", "slow", "direct"),
        ("glacial", "fast", "direct"),
    ]


async def test_promote_entry_notes_each_move_once(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x", "slow")
    await asyncio.gather(*(continuum.promote_entry("m", "fast") for _ in range(8)))
    assert len(await continuum.get_transitions("m")) == 1


async def test_demote_entry_of_no_entry(continuum: ContinuumMemory) -> None:
    assert not await continuum.demote_entry("unknown", "slow")


async def test_get_transitions_newest_first(continuum: ContinuumMemory) -> None:
    await continuum.add("m", "x", "glacial")
    for tier in ("slow", "medium", "fast"):
        await continuum.promote_entry("m", tier)
    assert [move.to_tier for move in await continuum.get_transitions("m", 2)] == ["fast", "medium"]


async def seeded(continuum: ContinuumMemory, clock: Clock, entries: int) -> None:
    """Entries of each tier, with surprise scores from 0 to 1 and enough updates, or too few."""
    await continuum.restore_snapshot(
        {
            "version": 4,
            "entries": [
                {
                    "id": f"m{n}",
                    "tier": TIERS[n % 4],
                    "content": "x",
                    "surprise_score": n // 4 % 10 / 10,
                    "update_count": (20, 20, 9)[n % 3],
                    "red_line": n % 7 == 0,
                }
                for n in range(entries)
            ],
        }
    )
    clock.pass_hours(1)


def expected_tier(tier: str, surprise: float) -> str:
    """Where an entry goes by the rules of the docs; the largest surprise of outcomes is 0.5."""
    share = min(1, surprise / 0.5)
    promoted = {"glacial": 0.5, "slow": 0.6, "medium": 0.7}
    demoted = {"fast": 0.2, "medium": 0.3, "slow": 0.4}
    place = TIERS.index(tier)
    if share > promoted.get(tier, 1):
        return TIERS[place + 1]
    return TIERS[place - 1] if 1 - share > demoted.get(tier, 1) else tier


async def test_consolidate_moves_each_by_one_tier(continuum: ContinuumMemory, clock: Clock) -> None:
    await seeded(continuum, clock, 400)
    before = {one.id: one for one in await continuum.get_many(f"m{n}" for n in range(400))}
    wanted = {
        name: one.tier
        if one.red_line or one.update_count < 10
        else expected_tier(one.tier, one.surprise_score)
        for name, one in before.items()
    }
    ups = sum(TIERS.index(wanted[name]) > TIERS.index(one.tier) for name, one in before.items())
    moved = sum(wanted[name] != one.tier for name, one in before.items())
    assert await continuum.consolidate() == {"promotions": ups, "demotions": moved - ups}
    after = {one.id: one for one in await continuum.get_many(list(before))}
    assert {name: one.tier for name, one in after.items()} == wanted
    for name, one in after.items():
        promoted = TIERS.index(wanted[name]) > TIERS.index(before[name].tier)
        assert one.last_promotion_at == (clock.now if promoted else None)
        moves = await continuum.get_transitions(name)
        assert len(moves) == (one.tier != before[name].tier)
    # the pause, then the next step, without what was promoted a moment ago
    assert await continuum.consolidate() == {"promotions": 0, "demotions": 0}
    clock.pass_hours(1)
    again = await continuum.consolidate()
    assert again["demotions"] > 0
    assert again["promotions"] == 0


async def test_consolidate_of_two_instances_moves_nothing_twice(
    open_database: OpenDatabase, database: Database, clock: Clock
) -> None:
    first = ContinuumMemory(database)
    await first.initialize()
    await seeded(first, clock, 4200)
    second = ContinuumMemory(await open_database())
    counted = Counter[str]()
    for done in await asyncio.gather(first.consolidate(), second.consolidate()):
        counted.update(done)
    moves = (await first.get_stats()).transitions
    assert sum(counted.values()) == sum(move["count"] for move in moves) > 1500
    assert await second.consolidate() == {"promotions": 0, "demotions": 0}
    for move in moves:
        assert abs(TIERS.index(move["from"]) - TIERS.index(move["to"])) == 1


async def test_consolidate_by_the_parameters_of_the_store(
    database: Database, continuum: ContinuumMemory, clock: Clock
) -> None:
    await continuum.restore_snapshot(
        {
            "version": 4,
            "entries": [
                {"id": "m", "tier": "slow", "content": "x", "surprise_score": 0.4}
                | {"update_count": 20}
            ],
        }
    )
    wide = ContinuumMemory(
        database, parameters=ContinuumParameters(success_weight=0.7, agent_weight=0.3)
    )
    assert await wide.promote("m") is None
    assert await continuum.promote("m") == "medium"


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"success_weight": 0.9, "agent_weight": 0.2}, "success_weight"),
        ({"success_weight": 0.0, "agent_weight": 0.0}, "success_weight"),
        ({"agent_weight": float("nan")}, "agent_weight"),
        ({"consolidation_threshold": 1}, "consolidation_threshold"),
        ({"promotion_cooldown_hours": -1}, "promotion_cooldown_hours"),
        ({"retention_multiplier": float("inf")}, "retention_multiplier"),
        ({"max_entries_per_tier": {"fast": 1}}, "max_entries_per_tier['glacial']"),
        ({"max_entries_per_tier": {"quick": 1}}, "max_entries_per_tier"),
    ],
)
def test_parameters_that_are_refused(given: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ContinuumParameters(**given)
    assert caught.value.argument == argument
