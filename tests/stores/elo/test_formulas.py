"""Formulas with the numbers of hand."""

from __future__ import annotations

import math

import pytest

from aragora_sql.stores.elo import formulas


def test_expected_score() -> None:
    assert formulas.expected_score(1600, 1500) == pytest.approx(0.640065, abs=5e-7)
    assert formulas.expected_score(1500, 1500) == 0.5
    assert formulas.expected_score(-1e300, 1e300) < 1e-299
    assert formulas.expected_score(1e300, -1e300) == 1.0


@pytest.mark.parametrize(
    ("ratings", "scores", "expected"),
    [
        ([1500, 1500], [1, 0], [16, -16]),
        ([1600, 1500], [1, 0], [11.517920, -11.517920]),
        ([1500, 1500, 1500], [1, 0.5, 0.5], [10.666667, -5.333333, -5.333333]),
        ([1500, 1500], [0, 0], [0, 0]),
        ([1500, 1500], [1e300, 1e300], [0, 0]),
    ],
)
def test_rating_changes(ratings: list[float], scores: list[float], expected: list[float]) -> None:
    names = "abc"[: len(ratings)]
    by_name = dict(zip(names, ratings, strict=True)), dict(zip(names, scores, strict=True))
    changes = formulas.rating_changes(*by_name, names, 32.0, 1.0)
    assert list(changes.values()) == pytest.approx(expected, abs=5e-7)
    assert all(math.copysign(1, change) == 1 for change in changes.values() if change == 0)


def test_multipliers_and_weight_scale_changes() -> None:
    ratings, scores = {"a": 1500.0, "b": 1500.0}, {"a": 1.0, "b": 0.0}
    changes = formulas.rating_changes(ratings, scores, "ab", 32.0, 0.5, {"a": 1.25, "b": 1.4})
    assert changes == pytest.approx({"a": 10.0, "b": -11.2})
    steps = [0, 0.099, 0.1, 0.199, 0.2, 0.299, 0.3, 1]
    assert [formulas.calibration_multiplier(error) for error in steps] == [
        *(1.0, 1.0, 1.1, 1.1),
        *(1.25, 1.25, 1.4, 1.4),
    ]


def test_a_tie_at_the_top_is_a_draw() -> None:
    assert formulas.strict_winner({"a": 1, "b": 1, "c": 0}) is None
    assert formulas.strict_winner({"a": 0, "b": 2, "c": 1}) == "b"


def test_buckets() -> None:
    given = [0.0, 0.05, 0.1, 0.3, 0.59, 0.7, 0.75, 0.99, 1.0]
    keys = [formulas.bucket_of(confidence) for confidence in given]
    firsts = [0.0, 0.0, 0.1, 0.3, 0.5, 0.7, 0.7, 0.9, 0.9]
    assert [float(key[:3]) for key in keys] == firsts
    assert set(keys) <= set(formulas.BUCKETS)


def test_slope_rises_with_values() -> None:
    assert formulas.slope([1500, 1510, 1520]) == pytest.approx(10)
    assert formulas.slope([1520, 1510, 1500]) == pytest.approx(-10)
    assert formulas.slope([1.0, 3.0, 2.0, 5.0]) == pytest.approx(1.1)


def test_learning_categories() -> None:
    category = formulas.learning_category
    assert [category(6, 0.7), category(6, 0.6), category(2.1, 0.5), category(-1, 1)] == [
        *("rapid", "steady"),
        *("slow", "declining"),
    ]


def test_standard_error_at_the_observed_score() -> None:
    assert formulas.standard_error(0, 0, 0) is None
    # 99 games and one more that is half won: a score of one half has the error 347.4 / sqrt(n)
    error = formulas.standard_error(49, 1, 99)
    assert error == pytest.approx(800 / math.log(10) / math.sqrt(100))
    assert error == pytest.approx(34.744, abs=1e-3)
    # the numerical derivative of 400 * log10(p / (1 - p)) times the error of the score
    wins, games = 60, 80
    p, n = (wins + 0.5) / (games + 1), games + 1

    def points(score: float) -> float:
        return 400 * math.log10(score / (1 - score))

    by_hand = (points(p + 1e-6) - points(p - 1e-6)) / 2e-6 * math.sqrt(p * (1 - p) / n)
    assert formulas.standard_error(wins, 0, games) == pytest.approx(by_hand, rel=1e-6)
    lucky, tried = formulas.standard_error(3, 0, 3), formulas.standard_error(300, 0, 300)
    assert lucky is not None
    assert tried is not None
    assert math.isfinite(lucky)
