"""What is computed of rows after they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from aragora_sql.stores.elo.formulas import learning_category, slope
from aragora_sql.stores.elo.records import (
    AgentRating,
    CalibrationBucket,
    LearningEfficiency,
    RatingEvent,
    floats,
)

__all__ = ["bucket", "efficiency", "event_of", "rate"]

MEANINGFUL_GAMES = 6
MEANINGFUL_EVENTS, LEAST_EVENTS = 5, 3


def event_of(row: Mapping[str, Any]) -> RatingEvent:
    """Make an event of its row; scores become floats."""
    scores = row["scores"]
    return RatingEvent(**{**row, "scores": None if scores is None else floats(scores)})


def bucket(key: str, predictions: int, correct: int, brier: float) -> CalibrationBucket:
    """Return the predictions of a range of confidence; ``brier`` is the sum of their scores."""
    start, end = (float(bound) for bound in key.split("-"))
    return CalibrationBucket(
        bucket_key=key,
        bucket_start=start,
        bucket_end=end,
        predictions=predictions,
        correct=correct,
        accuracy=rate(correct, predictions),
        expected_accuracy=(start + end) / 2,
        brier_score=rate(brier, predictions, 1.0),
    )


def efficiency(
    rating: AgentRating, domain: str | None, values: Sequence[float]
) -> LearningEfficiency:
    """Return how ratings develop: ``values`` are those after events, the oldest first."""
    games = rating.games_played
    improvement = rating.win_rate - 0.5 if games >= MEANINGFUL_GAMES else 0.0
    gain = consistency = 0.0
    category = "insufficient_data"
    if len(values) >= LEAST_EVENTS:
        gain = slope(values)
        rises = sum(later > earlier for earlier, later in pairwise(values))
        consistency = rises / (len(values) - 1)
        category = learning_category(gain, consistency)
    return LearningEfficiency(
        agent_name=rating.agent_name,
        domain=domain,
        events=len(values),
        elo_gain_rate=gain,
        consistency_score=consistency,
        win_rate_improvement=improvement,
        learning_category=category,
        has_meaningful_data=len(values) >= MEANINGFUL_EVENTS,
    )


def rate(part: float, whole: float, otherwise: float = 0.0) -> float:
    """Return a part of a whole, and ``otherwise`` of nothing."""
    return part / whole if whole else otherwise
