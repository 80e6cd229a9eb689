"""Changes of ratings outside matches, on each engine."""

from __future__ import annotations

import asyncio

import pytest

from aragora_sql.stores.elo import EloSystem
from tests.stores.samples import fetch, row_counts


async def play(elo: EloSystem, winner: str, loser: str, count: int, domain: str = "law") -> None:
    await elo.record_matches(
        [{"winner": winner, "loser": loser, "domain": domain} for _ in range(count)]
    )


async def test_update_from_verification_changes_both_ratings(elo: EloSystem) -> None:
    assert await elo.update_from_verification("a", "law", 3, 1) == 16.0
    assert await elo.update_from_verification("a", "law", 0, 1, k_factor=8) == -4.0
    assert (await elo.get_rating("a")).elo == 1512.0
    assert await elo.get_domain_ratings("a") == {"law": 1512.0}
    assert await elo.update_from_verification("b", "law", 0) == 0.0
    assert (await row_counts(elo.database))["elo_ratings"] == 1


async def test_update_from_verification_stops_at_100(elo: EloSystem) -> None:
    await elo.update_from_verification("a", "art", 0, 3)
    assert await elo.update_from_verification("a", "law", 0, 1000) == 100 - 1476
    assert (await elo.get_rating("a")).elo == 100.0
    assert await elo.get_domain_ratings("a") == {"art": 1476.0, "law": 100.0}
    assert (await elo.recompute_ratings()).differences == []


async def test_get_verification_impact_is_that_of_verifications_alone(elo: EloSystem) -> None:
    await elo.update_from_verification("a", "law", 2)
    await play(elo, "a", "b", 3)
    await elo.update_from_verification("a", "art", 0, 1)
    found = await elo.get_verification_impact("a")
    assert (found.verification_events, found.total_impact) == (2, 8.0)
    assert [(one.reference, one.domain, one.change) for one in found.history] == [
        ("2v0d", "law", 16.0),
        ("0v1d", "art", -8.0),
    ]
    assert (await elo.get_verification_impact("b")).history == []


@pytest.mark.parametrize(
    ("robustness", "successful", "critical", "expected"),
    [
        (0.8, 5, 3, 32 * 0.3 * 0.8),
        (1.0, 0, 0, 9.6),
        (0.79, 5, 3, 0.0),
        (0.5, 5, 3, 0.0),
        (0.49, 5, 3, -14.0),
        (0.0, 10, 100, -30.0),
        (0.1, 0, 0, 0.0),
    ],
)
async def test_record_redteam_result(
    elo: EloSystem, robustness: float, successful: int, critical: int, expected: float
) -> None:
    change = await elo.record_redteam_result("a", robustness, successful, 10, critical)
    assert change == pytest.approx(expected)
    assert (await elo.get_rating("a")).elo == 1500 + change


async def test_get_vulnerability_summary(elo: EloSystem) -> None:
    await elo.record_redteam_result("a", 0.9, 0, 0, session_id="s1")
    await elo.record_redteam_result("a", 0.6, 0, 1)
    found = await elo.get_vulnerability_summary("a")
    assert (found.redteam_sessions, found.total_elo_impact) == (2, 32 * 0.3 * 0.9)
    assert found.last_session is not None
    assert (await elo.get_vulnerability_summary("b")).last_session is None


async def test_update_voting_accuracy_from_five_votes_on(elo: EloSystem) -> None:
    hits = [True, True, True, False, True, False]
    changes = [await elo.update_voting_accuracy("a", hit, "law") for hit in hits]
    assert changes[:4] == [0.0] * 4
    assert changes[4:] == pytest.approx([4 * 2 * 0.3, -1.0])
    assert await elo.update_voting_accuracy("a", True, "law", apply_elo_bonus=False) == 0.0
    rating = await elo.get_rating("a")
    assert rating.elo == 1500.0
    # votes are no predictions
    assert (rating.calibration_total, rating.calibration_brier_score) == (0, 1.0)
    assert await elo.get_domain_ratings("a") == {"law": pytest.approx(1501.4)}
    assert await elo.get_elo_history("a") == []
    assert (await elo.recompute_ratings()).differences == []


async def test_update_voting_accuracy_at_once_counts_each(elo: EloSystem) -> None:
    await asyncio.gather(*(elo.update_voting_accuracy("a", n % 2 == 0) for n in range(20)))
    found = await elo.get_voting_accuracy("a")
    assert (found.total_votes, found.correct_votes, found.accuracy) == (20, 10, 0.5)
    assert (await elo.recompute_ratings()).differences == []


async def test_get_voting_accuracy_and_get_voting_accuracy_batch(elo: EloSystem) -> None:
    for n in range(5):
        await elo.update_voting_accuracy("a", n < 4, debate_id=f"d{n}")
    found = await elo.get_voting_accuracy_batch(["a", "b"])
    assert found["a"] == await elo.get_voting_accuracy("a")
    assert (found["a"].accuracy, found["a"].has_meaningful_data) == (0.8, True)
    assert (found["b"].total_votes, found["b"].has_meaningful_data) == (0, False)


async def test_get_learning_efficiency_of_who_rises_and_who_falls(elo: EloSystem) -> None:
    await play(elo, "a", "b", 8)
    rising, falling = (
        await elo.get_learning_efficiency("a"),
        await elo.get_learning_efficiency("b"),
    )
    assert rising.learning_category == "rapid"
    assert rising.elo_gain_rate == pytest.approx(-falling.elo_gain_rate)
    assert (rising.consistency_score, falling.consistency_score) == (1.0, 0.0)
    assert falling.learning_category == "declining"
    assert (rising.win_rate_improvement, falling.win_rate_improvement) == (0.5, -0.5)
    assert (rising.events, rising.has_meaningful_data) == (8, True)
    assert (await elo.get_learning_efficiency("a", window_debates=4)).events == 4
    few = await elo.get_learning_efficiency("a", window_debates=2)
    assert (few.learning_category, few.has_meaningful_data) == ("insufficient_data", False)


async def test_get_learning_efficiency_batch_of_a_domain(elo: EloSystem) -> None:
    await play(elo, "a", "b", 4, "law")
    await play(elo, "b", "a", 4, "art")
    await elo.update_voting_accuracy("a", True, "law", debate_id="d")
    found = await elo.get_learning_efficiency_batch(["a", "b", "c"], "law")
    assert list(found) == ["a", "b", "c"]
    assert (found["a"].events, found["a"].learning_category) == (4, "rapid")
    assert found["b"].learning_category == "declining"
    assert found["c"].learning_category == "insufficient_data"
    assert found["a"] == await elo.get_learning_efficiency("a", "law")
    assert (await elo.get_learning_efficiency("a", "art")).learning_category == "declining"
    assert await elo.get_learning_efficiency_batch([]) == {}


async def test_apply_learning_bonus_changes_the_domain_alone(elo: EloSystem) -> None:
    await play(elo, "a", "b", 5)
    before = await elo.get_rating("a")
    assert await elo.apply_learning_bonus("a", "art", "d") == 1.5
    assert await elo.apply_learning_bonus("b", "art") == 0.0
    assert await elo.apply_learning_bonus("nobody") == 0.0
    assert (await elo.get_rating("a")).elo == before.elo
    assert (await elo.get_domain_ratings("a"))["art"] == 1501.5
    events = await fetch(
        elo.database,
        "SELECT kind, reference, elo, change, domain_change FROM elo_history WHERE kind <> 'match'",
    )
    assert events == [
        {
            "kind": "learning",
            "reference": "d",
            "elo": before.elo,
            "change": None,
            "domain_change": 1.5,
        }
    ]
    assert (await elo.recompute_ratings()).differences == []
