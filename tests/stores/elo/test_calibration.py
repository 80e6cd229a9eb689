"""Predictions and how well they come true, on each engine."""

from __future__ import annotations

import asyncio

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.elo import EloSystem
from tests.stores.samples import row_counts, run


async def predict(elo: EloSystem, agent: str, count: int, confidence: float, hits: int) -> None:
    for number in range(count):
        await elo.record_domain_prediction(agent, "law", confidence, number < hits)


async def test_record_winner_prediction_replaces_the_one_before(elo: EloSystem) -> None:
    await elo.record_winner_prediction("t", "a", "x", 0.5)
    await elo.record_winner_prediction("t", "a", "y", 0.75)
    (found,) = await elo.get_agent_calibration_history("a")
    assert (found.tournament_id, found.predicted_winner, found.confidence) == ("t", "y", 0.75)
    assert found.brier_score is None


async def test_get_agent_calibration_history_has_the_newest_first(elo: EloSystem) -> None:
    for number in range(4):
        await elo.record_winner_prediction(f"t{number}", "a", "x", 0.5)
    await elo.record_winner_prediction("t1", "b", "x", 0.5)
    found = await elo.get_agent_calibration_history("a", limit=3)
    assert [one.tournament_id for one in found] == ["t3", "t2", "t1"]


async def test_resolve_tournament_calibration_counts_once(elo: EloSystem) -> None:
    await elo.record_winner_prediction("t", "a", "x", 0.75)
    await elo.record_winner_prediction("t", "b", "y", 0.5)
    found = await asyncio.gather(*(elo.resolve_tournament_calibration("t", "x") for _ in range(10)))
    assert all(one == {"a": 0.0625, "b": 0.25} for one in found)
    a, b = (await elo.get_ratings(["a", "b"])).values()
    assert (a.calibration_correct, a.calibration_total, a.calibration_brier_sum) == (1, 1, 0.0625)
    assert (b.calibration_correct, b.calibration_total, b.calibration_brier_sum) == (0, 1, 0.25)
    assert (a.calibration_accuracy, a.calibration_brier_score) == (1.0, 0.0625)
    assert a.elo == 1500.0
    assert [one.brier_score for one in await elo.get_agent_calibration_history("a")] == [0.0625]


async def test_a_resolved_tournament_takes_no_other_winner_and_no_more_predictions(
    elo: EloSystem,
) -> None:
    await elo.record_winner_prediction("t", "a", "x", 0.75)
    await elo.resolve_tournament_calibration("t", "x")
    before = await row_counts(elo.database)
    with pytest.raises(InvalidInputError, match="was won by 'x'") as caught:
        await elo.resolve_tournament_calibration("t", "y")
    assert caught.value.argument == "actual_winner"
    with pytest.raises(InvalidInputError, match="resolved already"):
        await elo.record_winner_prediction("t", "b", "x", 0.75)
    assert await row_counts(elo.database) == before
    assert await elo.resolve_tournament_calibration("unknown", "x") == {}
    assert await row_counts(elo.database) == before


async def test_a_tournament_of_the_older_system_is_not_counted_again(elo: EloSystem) -> None:
    await run(
        elo.database,
        "INSERT INTO elo_calibration_predictions "
        "(tournament_id, predictor_agent, predicted_winner, confidence) "
        "VALUES ('t', 'a', 'x', 0.5)",
    )
    before = await row_counts(elo.database)
    with pytest.raises(InvalidInputError, match="older system"):
        await elo.resolve_tournament_calibration("t", "x")
    with pytest.raises(InvalidInputError, match="older system"):
        await elo.record_winner_prediction("t", "b", "x", 0.75)
    assert await row_counts(elo.database) == before


async def test_get_calibration_leaderboard_from_ten_predictions(elo: EloSystem) -> None:
    await predict(elo, "good", 10, 0.9, 9)
    await predict(elo, "fair", 12, 0.5, 6)
    await predict(elo, "few", 9, 1.0, 9)
    board = await elo.get_calibration_leaderboard()
    assert [one.agent_name for one in board] == ["good", "fair"]
    assert await elo.get_calibration_leaderboard(limit=1) == board[:1]
    assert board[0].calibration_score == pytest.approx((1 - 0.09) * 0.5)
    assert board[1].calibration_score == pytest.approx(0.75 * 0.525)


async def test_record_domain_prediction_and_get_domain_calibration(elo: EloSystem) -> None:
    await elo.record_domain_prediction("a", "law", 0.75, True)
    await elo.record_domain_prediction("a", "law", 0.5, False)
    await elo.record_domain_prediction("a", "art", 1.0, True)
    found = await elo.get_domain_calibration("a")
    assert (found.total, found.correct, found.accuracy) == (3, 2, 2 / 3)
    assert found.brier_score == pytest.approx(0.3125 / 3)
    assert found.domains["law"] == {
        "predictions": 2,
        "correct": 1,
        "accuracy": 0.5,
        "brier_score": 0.15625,
    }
    assert list(found.domains) == ["art", "law"]
    of_law = await elo.get_domain_calibration("a", "law")
    assert (of_law.total, of_law.correct, list(of_law.domains)) == (2, 1, ["law"])
    nobody = await elo.get_domain_calibration("b")
    assert (nobody.total, nobody.accuracy, nobody.brier_score) == (0, 0.0, 1.0)
    assert (await elo.get_rating("a")).calibration_total == 3


async def test_record_domain_prediction_at_once_counts_each(elo: EloSystem) -> None:
    await asyncio.gather(
        *(elo.record_domain_prediction("a", f"d{n % 2}", 0.5, n % 2 == 0) for n in range(20))
    )
    found = await elo.get_domain_calibration("a")
    assert (found.total, found.correct) == (20, 10)
    assert (await elo.get_rating("a")).calibration_brier_sum == 5.0


async def test_get_calibration_by_bucket_over_domains(elo: EloSystem) -> None:
    for domain, confidence, correct in [
        ("law", 0.75, True),
        ("art", 0.7, False),
        ("law", 0.05, False),
        ("law", 1.0, True),
        ("law", 0.95, True),
    ]:
        await elo.record_domain_prediction("a", domain, confidence, correct)
    found = await elo.get_calibration_by_bucket("a")
    assert [one.bucket_key for one in found] == ["0.0-0.1", "0.7-0.8", "0.9-1.0"]
    middle = found[1]
    assert (middle.bucket_start, middle.bucket_end, middle.expected_accuracy) == (0.7, 0.8, 0.75)
    assert (middle.predictions, middle.correct, middle.accuracy) == (2, 1, 0.5)
    assert middle.brier_score == pytest.approx((0.0625 + 0.49) / 2)
    assert found[2].predictions == 2
    (of_art,) = await elo.get_calibration_by_bucket("a", "art")
    assert (of_art.predictions, of_art.correct) == (1, 0)


async def test_get_expected_calibration_error(elo: EloSystem) -> None:
    assert await elo.get_expected_calibration_error("a") == 1.0
    await predict(elo, "a", 4, 0.75, 3)
    assert await elo.get_expected_calibration_error("a") == pytest.approx(0.0)
    await predict(elo, "a", 4, 0.95, 0)
    # half of the predictions are off by 0.95
    assert await elo.get_expected_calibration_error("a") == pytest.approx(0.475)


async def test_get_best_domains_from_five_predictions(elo: EloSystem) -> None:
    for _ in range(5):
        await elo.record_domain_prediction("a", "law", 1.0, True)
        await elo.record_domain_prediction("a", "art", 0.5, True)
    for _ in range(4):
        await elo.record_domain_prediction("a", "few", 1.0, True)
    assert await elo.get_best_domains("a") == [("law", 0.5), ("art", 0.375)]
    assert await elo.get_best_domains("a", limit=1) == [("law", 0.5)]
