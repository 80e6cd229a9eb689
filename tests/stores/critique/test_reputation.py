"""Reputation, calibration and vote weights of agents."""

from __future__ import annotations

from typing import Any

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.critique.records import AgentReputation
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import critique, day, row_counts, run


def reputation(**changes: Any) -> AgentReputation:
    fields: dict[str, Any] = {
        "agent_name": "claude",
        "proposals_made": 0,
        "proposals_accepted": 0,
        "critiques_given": 0,
        "critiques_valuable": 0,
        "total_predictions": 0,
        "total_prediction_error": 0.0,
        "calibration_score": 0.5,
        "updated_at": day(0),
    }
    return AgentReputation(**(fields | changes))


async def get(critiques: CritiqueStore, agent: str) -> AgentReputation:
    found = await critiques.get_reputation(agent)
    assert found is not None
    return found


async def calibration(critiques: CritiqueStore, agent: str) -> tuple[int, float, float]:
    found = await get(critiques, agent)
    return found.total_predictions, found.total_prediction_error, found.calibration_score


# Formulas


def test_score_and_weight_of_a_known_agent() -> None:
    agent = reputation(
        proposals_made=10,
        proposals_accepted=7,
        critiques_given=20,
        critiques_valuable=10,
        calibration_score=0.8,
    )
    assert agent.proposal_acceptance_rate == 0.7
    assert agent.critique_value == 0.5
    assert agent.score == agent.reputation_score == pytest.approx(0.62)
    assert agent.vote_weight == pytest.approx(1.18)
    assert agent.debates_participated == 10


def test_weights_of_the_new_the_perfect_and_the_worst_agent() -> None:
    counters = {"proposals_made": 5, "critiques_given": 5}
    perfect = reputation(
        **counters, proposals_accepted=5, critiques_valuable=5, calibration_score=1.0
    )
    worst = reputation(**counters, calibration_score=0.0)
    assert reputation().vote_weight == 1.0
    assert perfect.vote_weight == pytest.approx(1.6)
    assert worst.vote_weight == pytest.approx(0.4)


def test_an_agent_without_proposals_or_critiques_is_in_the_middle() -> None:
    assert reputation().score == 0.5
    assert reputation(critiques_given=4, critiques_valuable=4).score == 0.5
    assert reputation(proposals_made=4, proposals_accepted=4).score == pytest.approx(0.8)
    assert reputation().proposal_acceptance_rate == 0.0
    assert reputation().critique_value == 0.5


# Counters


async def test_each_flag_adds_one(critiques: CritiqueStore) -> None:
    await critiques.update_reputation("claude", proposal_made=True)
    await critiques.update_reputation("claude", proposal_made=True, proposal_accepted=True)
    await critiques.update_reputation("claude", critique_given=True)
    await critiques.update_reputation("claude", critique_given=True, critique_valuable=True)
    await critiques.update_reputation("claude", critique_given=True)
    agent = await get(critiques, "claude")
    assert agent.to_dict() == {
        "agent_name": "claude",
        "proposals_made": 2,
        "proposals_accepted": 1,
        "critiques_given": 3,
        "critiques_valuable": 1,
        "total_predictions": 0,
        "total_prediction_error": 0.0,
        "calibration_score": 0.5,
        "updated_at": agent.updated_at.isoformat(),
    }


async def test_update_reputation_without_flags_makes_the_agent_known(
    critiques: CritiqueStore,
) -> None:
    await critiques.update_reputation("claude")
    assert (await get(critiques, "claude")).proposals_made == 0


async def test_get_reputation_of_an_unknown_agent_is_none(critiques: CritiqueStore) -> None:
    assert await critiques.get_reputation("unknown") is None
    assert await critiques.get_reputations(["unknown"]) == {}
    assert await critiques.get_reputations([]) == {}
    assert await critiques.get_all_reputations() == []


async def test_update_reputations_applies_all_or_none_and_get_reputations_reads_them(
    critiques: CritiqueStore,
) -> None:
    await critiques.update_reputations([])
    await critiques.update_reputations(
        {"agent_name": name, "proposal_made": True} for name in ("b", "a", "b", "c", "b")
    )
    found = await critiques.get_reputations(["a", "b", "unknown"])
    assert {name: agent.proposals_made for name, agent in found.items()} == {"a": 1, "b": 3}
    with pytest.raises(InvalidInputError, match=r"^updates\[1\]\.critique_given"):
        await critiques.update_reputations(
            [{"agent_name": "a", "proposal_made": True}, {"agent_name": "b", "critique_given": 1}]
        )
    assert (await get(critiques, "a")).proposals_made == 1


# Weights


async def test_get_vote_weight_and_get_vote_weights_batch_give_weights_by_name(
    critiques: CritiqueStore,
) -> None:
    await run(
        critiques.database,
        "INSERT INTO agent_reputation (agent_name, proposals_made, proposals_accepted, "
        "critiques_given, critiques_valuable, calibration_score) VALUES "
        "('known', 10, 7, 20, 10, 0.8), ('perfect', 1, 1, 1, 1, 1.0), ('worst', 1, 0, 1, 0, 0.0)",
    )
    weights = await critiques.get_vote_weights_batch(["worst", "known", "unknown", "perfect"])
    assert list(weights) == ["worst", "known", "unknown", "perfect"]
    assert list(weights.values()) == pytest.approx([0.4, 1.18, 1.0, 1.6])
    assert await critiques.get_vote_weight("known") == weights["known"]
    assert await critiques.get_vote_weight("unknown") == 1.0
    assert await critiques.get_vote_weights_batch([]) == {}


async def test_weights_of_an_iterator_of_names_are_all_there(critiques: CritiqueStore) -> None:
    names: Any = iter(["a", "b"])
    assert await critiques.get_vote_weights_batch(names) == {"a": 1.0, "b": 1.0}


async def test_a_weight_follows_an_update_at_once(critiques: CritiqueStore) -> None:
    assert await critiques.get_vote_weight("claude") == 1.0
    await critiques.update_reputation("claude", proposal_made=True, proposal_accepted=True)
    assert await critiques.get_vote_weight("claude") == pytest.approx(0.5 + 0.6 + 0.2)


async def test_get_all_reputations_ranks_agents_by_score(critiques: CritiqueStore) -> None:
    counters = {
        "half": (2, 1, 0, 0),
        "busy": (100, 50, 0, 0),
        "new": (0, 0, 0, 0),
        "best": (1, 1, 1, 1),
        "worst": (9, 0, 9, 0),
        "good": (1, 1, 0, 0),
        "also new": (0, 0, 4, 4),
    }
    rows = ", ".join(f"('{name}', {', '.join(map(str, row))})" for name, row in counters.items())
    await run(
        critiques.database,
        "INSERT INTO agent_reputation (agent_name, proposals_made, proposals_accepted, "
        f"critiques_given, critiques_valuable) VALUES {rows}",
    )
    ranked = await critiques.get_all_reputations()
    assert [agent.agent_name for agent in ranked] == [
        "best",
        "good",
        "busy",
        "half",
        "also new",
        "new",
        "worst",
    ]
    scores = [agent.score for agent in ranked]
    assert scores == sorted(scores, reverse=True)
    assert await critiques.get_all_reputations(limit=3) == ranked[:3]
    assert await critiques.get_all_reputations(limit=0) == []


async def test_equal_agents_come_by_name_in_byte_order(critiques: CritiqueStore) -> None:
    names = ["b", "B", "a", "é", "A", "z", "_"]
    await critiques.update_reputations({"agent_name": name} for name in names)
    ranked = await critiques.get_all_reputations()
    assert [agent.agent_name for agent in ranked] == sorted(names)


# Predictions


async def predicted(critiques: CritiqueStore, expected: float, agent: str = "claude") -> int:
    return await critiques.store_critique(**critique(agent, expected_usefulness=expected))


async def test_an_outcome_is_recorded_with_its_error(critiques: CritiqueStore) -> None:
    number = await predicted(critiques, 0.75)
    assert await critiques.update_prediction_outcome(number, 0.25) == 0.5
    stored = await critiques.get_critique(number)
    assert stored is not None
    assert (stored.actual_usefulness, stored.prediction_error) == (0.25, 0.5)
    assert stored.led_to_improvement is False
    assert await calibration(critiques, "claude") == (1, 0.5, 0.5)


async def test_calibration_is_one_minus_the_mean_error(critiques: CritiqueStore) -> None:
    for expected, actual in ((0.5, 0.5), (0.25, 0.5), (1.0, 0.5)):
        await critiques.update_prediction_outcome(await predicted(critiques, expected), actual)
    assert await calibration(critiques, "claude") == (3, 0.75, 0.75)


async def test_an_outcome_counts_once(critiques: CritiqueStore) -> None:
    number = await predicted(critiques, 0.75)
    for _ in range(3):
        assert await critiques.update_prediction_outcome(number, 0.25) == 0.5
    assert await calibration(critiques, "claude") == (1, 0.5, 0.5)


async def test_update_prediction_outcome_again_replaces_the_first(critiques: CritiqueStore) -> None:
    number = await predicted(critiques, 0.75)
    await critiques.update_prediction_outcome(await predicted(critiques, 0.5), 0.25)
    await critiques.update_prediction_outcome(number, 0.25)
    assert await critiques.update_prediction_outcome(number, 0.75) == 0.0
    assert await calibration(critiques, "claude") == (2, 0.25, 0.875)


async def test_an_outcome_moves_to_another_agent(critiques: CritiqueStore) -> None:
    number = await predicted(critiques, 0.75)
    await critiques.update_prediction_outcome(number, 0.25)
    await critiques.update_prediction_outcome(number, 0.5, agent_name="gpt4")
    assert await calibration(critiques, "claude") == (0, 0.0, 0.5)
    assert await calibration(critiques, "gpt4") == (1, 0.25, 0.75)
    await critiques.update_prediction_outcome(number, 0.5)
    assert await calibration(critiques, "claude") == (1, 0.25, 0.75)
    assert await calibration(critiques, "gpt4") == (0, 0.0, 0.5)


async def test_many_inexact_errors_leave_nothing_behind(critiques: CritiqueStore) -> None:
    numbers = [await predicted(critiques, 0.1 * n) for n in range(10)]
    for number in numbers:
        await critiques.update_prediction_outcome(number, 0.3)
    for number in numbers:
        await critiques.update_prediction_outcome(number, 0.3, agent_name="gpt4")
    predictions, error, score = await calibration(critiques, "claude")
    assert (predictions, score) == (0, 0.5)
    assert error == pytest.approx(0.0, abs=1e-12)
    assert (await get(critiques, "gpt4")).total_predictions == 10


async def test_whether_a_critique_helped_is_kept_until_told_otherwise(
    critiques: CritiqueStore,
) -> None:
    number = await predicted(critiques, 0.5)
    for told, expected in ((None, False), (True, True), (None, True), (False, False)):
        await critiques.update_prediction_outcome(number, 0.5, led_to_improvement=told)
        stored = await critiques.get_critique(number)
        assert stored is not None
        assert stored.led_to_improvement is expected


async def test_an_outcome_of_an_unknown_critique_changes_nothing(critiques: CritiqueStore) -> None:
    assert await critiques.update_prediction_outcome(12345, 0.5, "claude") == 0.0
    assert await row_counts(critiques.database) == {}


async def test_calibration_and_counters_do_not_disturb_each_other(critiques: CritiqueStore) -> None:
    await critiques.update_reputation("claude", proposal_made=True)
    await critiques.update_prediction_outcome(await predicted(critiques, 1.0), 0.0)
    await critiques.update_reputation("claude", proposal_made=True)
    agent = await get(critiques, "claude")
    assert (agent.proposals_made, agent.total_predictions, agent.calibration_score) == (2, 1, 0.0)
