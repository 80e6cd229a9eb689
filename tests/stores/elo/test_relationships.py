"""What agents are to each other, on each engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.elo import EloSystem, Relationship
from tests.stores.samples import day, row_counts


def pair(**counts: int) -> Relationship:
    names = Relationship.__dataclass_fields__.keys() - {"agent_a", "agent_b", "updated_at"}
    filled = dict.fromkeys(names, 0) | counts
    return Relationship(agent_a="a", agent_b="b", updated_at=day(0), **filled)


async def test_update_relationship_turns_values_into_the_order_of_names(elo: EloSystem) -> None:
    await elo.update_relationship(
        "b",
        "a",
        debate_increment=1,
        agreement_increment=1,
        critique_a_to_b=2,
        critique_b_to_a=3,
        critique_accepted_a_to_b=1,
        critique_accepted_b_to_a=4,
        position_change_a_after_b=5,
        position_change_b_after_a=6,
        a_win=7,
        b_win=8,
    )
    await elo.update_relationship("a", "b", critique_a_to_b=10, a_win=10)
    found = await elo.get_relationship_raw("b", "a")
    assert found is not None
    assert found.to_dict() | {"updated_at": ""} == {
        "agent_a": "a",
        "agent_b": "b",
        "debate_count": 1,
        "agreement_count": 1,
        "critique_count_a_to_b": 13,
        "critique_count_b_to_a": 2,
        "critique_accepted_a_to_b": 4,
        "critique_accepted_b_to_a": 1,
        "position_changes_a_after_b": 6,
        "position_changes_b_after_a": 5,
        "a_wins_over_b": 18,
        "b_wins_over_a": 7,
        "updated_at": "",
    }


async def test_names_are_ordered_by_code_point(elo: EloSystem) -> None:
    for a, b in [("b", "Z"), ("é", "z"), ("a-b", "a_b"), ("a b", "ab")]:
        await elo.update_relationship(a, b, debate_increment=1)
        found = await elo.get_relationship_raw(a, b)
        assert found is not None
        assert (found.agent_a, found.agent_b) == (min(a, b), max(a, b))
        (listed,) = await elo.get_all_relationships_for_agent(a)
        assert listed == found


async def test_update_relationships_batch_counts_all_of_it(elo: EloSystem) -> None:
    updates: list[Any] = [
        {"agent_a": "b", "agent_b": "a", "critique_a_to_b": 1},
        {"agent_a": "a", "agent_b": "c", "position_change_a_after_b": 2},
        {"agent_a": "a", "agent_b": "b", "debate_increment": 3},
    ]
    await asyncio.gather(
        *(elo.update_relationships_batch(updates[:: (-1) ** n]) for n in range(10))
    )
    ab, ac = await elo.get_all_relationships_for_agent("a")
    assert (ab.debate_count, ab.critique_count_b_to_a) == (30, 10)
    assert ac.position_changes_a_after_b == 20
    with pytest.raises(InvalidInputError, match="elo_bonus") as caught:
        await elo.update_relationships_batch([*updates, updates[0] | {"elo_bonus": 1}])
    assert caught.value.argument == "updates[3]"
    with pytest.raises(InvalidInputError):
        await elo.update_relationships_batch([{"agent_a": "a", "agent_b": ""}])
    assert await row_counts(elo.database) == {"elo_relationships": 2}


async def test_get_relationship_raw_of_strangers(elo: EloSystem) -> None:
    assert await elo.get_relationship_raw("a", "b") is None
    metrics = await elo.compute_relationship_metrics("a", "b")
    assert (metrics.relationship, metrics.head_to_head) == ("unknown", "0-0")


async def test_get_all_relationships_for_agent_has_the_busiest_first(elo: EloSystem) -> None:
    for other, debates in {"a": 2, "z": 5, "b": 2, "y": 1}.items():
        await elo.update_relationship("m", other, debate_increment=debates)
    await elo.update_relationship("a", "z", debate_increment=9)
    found = await elo.get_all_relationships_for_agent("m")
    others = [one.agent_b if one.agent_a == "m" else one.agent_a for one in found]
    assert others == ["z", "a", "b", "y"]
    assert await elo.get_all_relationships_for_agent("m", limit=2) == found[:2]


async def test_compute_relationship_metrics_in_the_order_that_is_asked_for(elo: EloSystem) -> None:
    await elo.update_relationship("b", "a", debate_increment=10, agreement_increment=2)
    await elo.update_relationship("b", "a", a_win=4, b_win=3, critique_a_to_b=4)
    await elo.update_relationship("b", "a", critique_accepted_a_to_b=1)
    found = await elo.compute_relationship_metrics("b", "a")
    assert found.to_dict() == {
        "agent_a": "b",
        "agent_b": "a",
        "rivalry_score": round(0.3 * 0.5 + 0.4 * 0.8 + 0.3 * 0.75, 3),
        "alliance_score": round(0.5 * 0.2 + 0.3 * 0.25 + 0.2 * 0.25, 3),
        "relationship": "rival",
        "debate_count": 10,
        "agreement_rate": 0.2,
        "head_to_head": "4-3",
    }
    assert (await elo.compute_relationship_metrics("a", "b")).head_to_head == "3-4"


def test_labels_of_pairs() -> None:
    def label(**counts: int) -> str:
        return pair(**counts).metrics("a", "b").relationship

    assert label() == "no_history"
    assert label(debate_count=2, agreement_count=1) == "acquaintance"
    assert label(debate_count=3, agreement_count=2) == "neutral"
    assert label(debate_count=3, agreement_count=3) == "ally"
    assert label(debate_count=20, a_wins_over_b=5, b_wins_over_a=5) == "rival"


def test_scores_of_a_relationship() -> None:
    assert pair(debate_count=2, agreement_count=2).alliance_score == 0.0
    found = pair(
        debate_count=10,
        agreement_count=4,
        a_wins_over_b=3,
        b_wins_over_a=1,
        critique_count_a_to_b=4,
        critique_accepted_a_to_b=2,
        position_changes_b_after_a=5,
        position_changes_a_after_b=1,
    )
    assert found.rivalry_score == pytest.approx(0.6 * 0.5 * 0.5)
    assert found.alliance_score == pytest.approx(0.6 * 0.4 + 0.4 * 0.5)
    assert (found.influence_a_on_b, found.influence_b_on_a) == (0.5, 0.1)


async def test_get_rivals_and_get_allies(elo: EloSystem) -> None:
    await elo.update_relationship("m", "ally", debate_increment=9, agreement_increment=9)
    await elo.update_relationship("m", "rival", debate_increment=20, a_win=9, b_win=9)
    rivals, allies = await elo.get_rivals("m"), await elo.get_allies("m")
    assert [one.agent_b for one in rivals] == ["rival"]
    assert [one.agent_b for one in allies] == ["ally"]
    assert (rivals[0].agent_a, rivals[0].relationship) == ("m", "rival")
    assert await elo.get_rivals("m", limit=0) == await elo.get_allies("nobody") == []


async def test_get_influence_network_has_both_directions_the_strongest_first(
    elo: EloSystem,
) -> None:
    for other, after_b, after_other in (("a", 1, 3), ("c", 2, 0), ("d", 0, 4), ("e", 4, 4)):
        await elo.update_relationship(
            "b",
            other,
            debate_increment=2 if other == "e" else 4,
            position_change_b_after_a=after_b,
            position_change_a_after_b=after_other,
        )
    found = await elo.get_influence_network("b")
    # fewer than 3 debates tell nothing
    assert list(found.influences.items()) == [("c", 0.5), ("a", 0.25)]
    assert list(found.influenced_by.items()) == [("d", 1.0), ("a", 0.75)]
    assert (await elo.get_influence_network("a")).influences == {"b": 0.75}
    assert (await elo.get_influence_network("b", limit=0)).influences == {}
    assert (await elo.get_influence_network("nobody")).to_dict() == {
        "agent_name": "nobody",
        "influences": {},
        "influenced_by": {},
    }
