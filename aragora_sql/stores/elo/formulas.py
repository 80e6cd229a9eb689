"""The formulas of ratings, calibration and relationships: plain functions of numbers.

Both engines store what is computed here, so a match has the same bits on each. A replay on another
machine agrees as far as its ``pow()`` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aragora_sql.queries.typed.elo import BucketKeyWord

__all__ = [
    "BUCKETS",
    "bucket_of",
    "calibration_multiplier",
    "expected_score",
    "learning_category",
    "rating_changes",
    "slope",
    "standard_error",
    "strict_winner",
]

LEAST_WEIGHT = 0.1
# 10 to more than this power is no float; the expected score is 0 or 1 long before.
_LARGEST_EXPONENT = 300.0
BUCKETS: tuple[BucketKeyWord, ...] = (
    "0.0-0.1",
    "0.1-0.2",
    "0.2-0.3",
    "0.3-0.4",
    "0.4-0.5",
    "0.5-0.6",
    "0.6-0.7",
    "0.7-0.8",
    "0.8-0.9",
    "0.9-1.0",
)


def expected_score(elo: float, other: float) -> float:
    """Return the score that an agent is expected to have against another, 0 to 1.

    ``1 / (1 + 10 ** ((other - elo) / 400))``
    """
    exponent = (other - elo) / 400.0
    return float(1.0 / (1.0 + 10.0 ** max(-_LARGEST_EXPONENT, min(_LARGEST_EXPONENT, exponent))))


def rating_changes(
    ratings: Mapping[str, float],
    scores: Mapping[str, float],
    participants: Sequence[str],
    k_factor: float,
    weight: float,
    multipliers: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the change of each participant's rating.

    Over all pairs, with the ratings before the match: the outcome of a pair is ``a``'s part of both
    scores (one half when both are 0), its change ``K * weight * (outcome - expected score)``, which
    ``a`` gains and the other loses, each times its multiplier (default 1).
    """
    changes = dict.fromkeys(participants, 0.0)
    factors = multipliers or {}
    for place, a in enumerate(participants):
        for b in participants[place + 1 :]:
            total = scores[a] + scores[b]
            outcome = scores[a] / total if total > 0 else 0.5
            change = k_factor * weight * (outcome - expected_score(ratings[a], ratings[b]))
            changes[a] += change * factors.get(a, 1.0)
            changes[b] -= change * factors.get(b, 1.0)
    # A change of -0.0 would come back from JSON as 0.0.
    return {name: change + 0.0 for name, change in changes.items()}


def strict_winner(scores: Mapping[str, float]) -> str | None:
    """Return who has the highest score alone; None is a draw, of all."""
    best = max(scores.values())
    leaders = [name for name, score in scores.items() if score == best]
    return leaders[0] if len(leaders) == 1 else None


def calibration_multiplier(error: float) -> float:
    """Return the factor of an agent's changes by its expected calibration error, 0 to 1."""
    if error < 0.1:
        return 1.0
    if error < 0.2:
        return 1.1
    return 1.25 if error < 0.3 else 1.4


def bucket_of(confidence: float) -> BucketKeyWord:
    """Return the range of a confidence, such as ``0.7-0.8``; 1.0 belongs to ``0.9-1.0``."""
    return BUCKETS[min(9, math.floor(confidence * 10))]


def slope(values: Sequence[float]) -> float:
    """Return the slope of the least-squares line through values, the oldest first."""
    count = len(values)
    middle = (count - 1) / 2
    mean = math.fsum(values) / count
    above = math.fsum((n - middle) * (value - mean) for n, value in enumerate(values))
    return above / math.fsum((n - middle) ** 2 for n in range(count))


def learning_category(gain: float, consistency: float) -> str:
    """Return ``rapid``, ``steady``, ``slow`` or ``declining``.

    ``gain`` is in points of rating for each event, ``consistency`` the fraction of steps upwards.
    """
    if gain > 5 and consistency > 0.6:
        return "rapid"
    if gain > 2 and consistency > 0.5:
        return "steady"
    return "slow" if gain > 0 else "declining"


def standard_error(wins: int, draws: int, games: int) -> float | None:
    """Return the standard error of a rating by its games, in points; None before the first game.

    The score ``p`` of ``n`` games has the standard error ``sqrt(p * (1 - p) / n)`` (an upper bound
    where there are draws). The difference of ratings that a score stands for is
    ``400 * log10(p / (1 - p))``, whose derivative is ``400 / (ln(10) * p * (1 - p))``, so by the
    delta method the error is ``400 / (ln(10) * sqrt(n * p * (1 - p)))``. ``p`` counts half a win
    and half a loss more than there were, or it would be infinite after wins alone.
    """
    if not games:
        return None
    counted = games + 1
    p = (wins + 0.5 * draws + 0.5) / counted
    return 400.0 / (math.log(10.0) * math.sqrt(counted * p * (1.0 - p)))
