"""What the ranking of agents returns and takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import number_in
from aragora_sql.stores.elo import formulas
from aragora_sql.stores.records import Record

__all__ = [
    "Adjustment",
    "AgentRating",
    "CalibrationBucket",
    "CalibrationSummary",
    "DomainRating",
    "EloStats",
    "HeadToHead",
    "InfluenceNetwork",
    "LearningEfficiency",
    "Match",
    "MatchEntry",
    "Prediction",
    "RatingDifference",
    "RatingEvent",
    "RatingExplanation",
    "RatingReplay",
    "Relationship",
    "RelationshipEntry",
    "RelationshipMetrics",
    "VerificationImpact",
    "VotingAccuracy",
    "VulnerabilitySummary",
]

# Predictions before a calibration counts, and those from which it counts in full.
LEAST_PREDICTIONS, ENOUGH_PREDICTIONS = 10, 50
LEAST_DEBATES = 3
MANY_DEBATES = 20.0
# 95 % of a normal distribution.
Z_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRating(Record):
    """How strong an agent is over all domains, and its counters. Ratings are in Elo points.

    ``votes_…`` are counted apart from predictions, which have Brier scores. ``last_match_at`` is
    None before the first match that this store recorded.
    """

    agent_name: str
    model: str | None
    elo: float
    initial_elo: float
    wins: int
    losses: int
    draws: int
    debates_count: int
    critiques_accepted: int
    critiques_total: int
    calibration_correct: int
    calibration_total: int
    calibration_brier_sum: float
    votes_correct: int
    votes_total: int
    last_match_at: datetime | None
    updated_at: datetime

    @property
    def elo_rating(self) -> float:
        """Another name of ``elo``."""
        return self.elo

    @property
    def total_debates(self) -> int:
        """Another name of ``debates_count``."""
        return self.debates_count

    @property
    def games_played(self) -> int:
        """Matches with a known end: won, lost and drawn."""
        return self.wins + self.losses + self.draws

    @property
    def win_rate(self) -> float:
        """The fraction of games that were won, 0 to 1; 0 before the first."""
        return self.wins / self.games_played if self.games_played else 0.0

    @property
    def critique_acceptance_rate(self) -> float:
        """The fraction of critiques that were accepted, 0 to 1; 0 before the first."""
        return self.critiques_accepted / self.critiques_total if self.critiques_total else 0.0

    @property
    def calibration_accuracy(self) -> float:
        """The fraction of predictions that came true, 0 to 1; 0 before the first."""
        return self.calibration_correct / self.calibration_total if self.calibration_total else 0.0

    @property
    def calibration_brier_score(self) -> float:
        """The mean Brier score, 0 to 1, the lower the better; 1 before the first prediction."""
        if not self.calibration_total:
            return 1.0
        return self.calibration_brier_sum / self.calibration_total

    @property
    def calibration_score(self) -> float:
        """``(1 - Brier score) * min(1, 0.5 + 0.5 * (n - 10) / 40)``; 0 below 10 predictions."""
        n = self.calibration_total
        if n < LEAST_PREDICTIONS:
            return 0.0
        span = ENOUGH_PREDICTIONS - LEAST_PREDICTIONS
        return (1.0 - self.calibration_brier_score) * min(
            1.0, 0.5 + 0.5 * (n - LEAST_PREDICTIONS) / span
        )

    @property
    def elo_standard_error(self) -> float | None:
        """The standard error of the rating in points; None before the first game.

        See :func:`aragora_sql.stores.elo.formulas.standard_error`.
        """
        return formulas.standard_error(self.wins, self.draws, self.games_played)

    def elo_interval(self, z: float = Z_95) -> tuple[float, float] | None:
        """Return the rating less and plus ``z`` standard errors (1.96: 95 %); None before a game.

        ``z`` is a number of at least 0.
        """
        width = valid.number(z, "z")
        error = self.elo_standard_error
        return None if error is None else (self.elo - width * error, self.elo + width * error)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRating(AgentRating):
    """An agent on the board of a domain."""

    domain: str
    domain_elo: float
    domain_debates_count: int
    domain_last_match_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Record):
    """A match. ``winner`` is None for a draw, ``multipliers`` when all are 1.

    ``confidence_weight`` and ``k_factor`` are None where the older system recorded the match.
    """

    number: int
    debate_id: str
    winner: str | None
    participants: list[str]
    scores: dict[str, float]
    elo_changes: dict[str, float]
    multipliers: dict[str, float] | None
    domain: str | None
    confidence_weight: float | None
    k_factor: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadToHead(Record):
    """The matches in which two agents took part; ``other_wins`` are those that a third one won."""

    agent_a: str
    agent_b: str
    matches: int
    a_wins: int
    b_wins: int
    draws: int
    other_wins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EloStats(Record):
    """Counts of the whole store; ratings are the initial one when there is no agent."""

    total_agents: int
    avg_elo: float
    max_elo: float
    min_elo: float
    total_matches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingEvent(Record):
    """What changed a rating over all domains: a match, a verification or a red team.

    ``reference`` is the debate or session. ``elo`` is the rating after it. ``winner`` and
    ``scores`` are those of a match.
    """

    number: int
    kind: str
    reference: str | None
    domain: str | None
    change: float
    elo: float
    winner: str | None
    scores: dict[str, float] | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingExplanation(Record):
    """A rating and what made it, the oldest event first."""

    agent_name: str
    initial_elo: float
    elo: float
    events: list[RatingEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingDifference(Record):
    """A stored number that a replay does not give.

    ``field`` is a column; ``domain`` is given for a rating of a domain, ``debate_id`` for the
    change of a match.
    """

    agent_name: str
    field: str
    stored: float
    replayed: float
    domain: str | None = None
    debate_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingReplay(Record):
    """What a replay of all matches found; ``is_repaired`` when it was stored."""

    matches: int
    events: int
    agents: int
    differences: list[RatingDifference]
    is_repaired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(Record):
    """Who an agent expects to win; ``brier_score`` is None until the tournament is resolved."""

    tournament_id: str
    predictor_agent: str
    predicted_winner: str
    confidence: float
    brier_score: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSummary(Record):
    """How well an agent predicts; ``domains`` holds the same of each domain.

    ``accuracy`` is 0 and ``brier_score`` 1 without predictions.
    """

    total: int
    correct: int
    accuracy: float
    brier_score: float
    domains: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBucket(Record):
    """Predictions whose confidence is in a range; ``expected_accuracy`` is its middle."""

    bucket_key: str
    bucket_start: float
    bucket_end: float
    predictions: int
    correct: int
    accuracy: float
    expected_accuracy: float
    brier_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship(Record):
    """What two agents have been to each other; ``agent_a`` is the lower name by code point."""

    agent_a: str
    agent_b: str
    debate_count: int
    agreement_count: int
    critique_count_a_to_b: int
    critique_count_b_to_a: int
    critique_accepted_a_to_b: int
    critique_accepted_b_to_a: int
    position_changes_a_after_b: int
    position_changes_b_after_a: int
    a_wins_over_b: int
    b_wins_over_a: int
    updated_at: datetime

    @property
    def agreement_rate(self) -> float:
        """The fraction of debates in which they agreed, 0 to 1; 0 without debates."""
        return self.agreement_count / self.debate_count if self.debate_count else 0.0

    @property
    def rivalry_score(self) -> float:
        """``(1 - agreement) * (1 - |difference of wins| / wins) * min(1, debates / 20)``.

        0 below 3 debates.
        """
        if self.debate_count < LEAST_DEBATES:
            return 0.0
        wins = self.a_wins_over_b + self.b_wins_over_a
        balance = 1.0 - abs(self.a_wins_over_b - self.b_wins_over_a) / max(wins, 1)
        return (1.0 - self.agreement_rate) * balance * min(1.0, self.debate_count / MANY_DEBATES)

    @property
    def alliance_score(self) -> float:
        """``0.6 * agreement + 0.4 * accepted critiques / critiques``; 0 below 3 debates."""
        if self.debate_count < LEAST_DEBATES:
            return 0.0
        return 0.6 * self.agreement_rate + 0.4 * self._accepted / max(self._given, 1)

    @property
    def influence_a_on_b(self) -> float:
        """How often the second agent changed its position after the first, for each debate."""
        if self.debate_count < LEAST_DEBATES:
            return 0.0
        return self.position_changes_b_after_a / self.debate_count

    @property
    def influence_b_on_a(self) -> float:
        """How often the first agent changed its position after the second, for each debate."""
        if self.debate_count < LEAST_DEBATES:
            return 0.0
        return self.position_changes_a_after_b / self.debate_count

    @property
    def _given(self) -> int:
        return self.critique_count_a_to_b + self.critique_count_b_to_a

    @property
    def _accepted(self) -> int:
        return self.critique_accepted_a_to_b + self.critique_accepted_b_to_a

    def metrics(self, agent_a: str, agent_b: str) -> RelationshipMetrics:
        """Return the metrics of the pair, in the order in which it is asked for.

        With ``g`` the agreement rate, ``v`` = fewer wins / more wins (one half without wins) and
        ``c`` = accepted / given critiques (one half without): rivalry is
        ``0.3 * min(1, debates / 20) + 0.4 * (1 - g) + 0.3 * v``; alliance is
        ``0.5 g + 0.3 c + 0.2 (1 - v)`` from 3 wins on, else ``0.5 g + 0.5 c``.
        """
        wins = (self.a_wins_over_b, self.b_wins_over_a)
        g = self.agreement_rate
        v = min(wins) / max(wins) if any(wins) else 0.5
        c = self._accepted / self._given if self._given else 0.5
        rivalry = 0.3 * min(1.0, self.debate_count / MANY_DEBATES) + 0.4 * (1.0 - g) + 0.3 * v
        alliance = 0.5 * g + 0.3 * c + 0.2 * (1.0 - v) if sum(wins) > 2 else 0.5 * g + 0.5 * c
        if not self.debate_count:
            rivalry = alliance = 0.0
            label = "no_history"
        elif rivalry > 0.6 and rivalry > alliance:
            label = "rival"
        elif alliance > 0.6 and alliance > rivalry:
            label = "ally"
        else:
            label = "acquaintance" if self.debate_count < LEAST_DEBATES else "neutral"
        ours, theirs = wins if agent_a == self.agent_a else wins[::-1]
        return RelationshipMetrics(
            agent_a=agent_a,
            agent_b=agent_b,
            rivalry_score=round(rivalry, 3),
            alliance_score=round(alliance, 3),
            relationship=label,
            debate_count=self.debate_count,
            agreement_rate=round(g, 3),
            head_to_head=f"{ours}-{theirs}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationshipMetrics(Record):
    """Scores of a pair, 0 to 1, rounded to 3 digits.

    ``relationship`` is ``rival``, ``ally``, ``neutral``, ``acquaintance`` (fewer than 3 debates),
    ``no_history`` or ``unknown``; ``head_to_head`` the wins of both in the order of the names.
    """

    agent_a: str
    agent_b: str
    rivalry_score: float
    alliance_score: float
    relationship: str
    debate_count: int
    agreement_rate: float
    head_to_head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceNetwork(Record):
    """Whom an agent influences and who influences it: changes of position for each debate.

    Both are by name, the strongest first.
    """

    agent_name: str
    influences: dict[str, float]
    influenced_by: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(Record):
    """A change of a rating without a match; ``elo`` is the rating over all domains after it."""

    number: int
    reference: str
    domain: str | None
    elo: float
    change: float
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationImpact(Record):
    """What verifications changed of an agent's rating; ``history`` has the oldest first."""

    agent_name: str
    verification_events: int
    total_impact: float
    history: list[Adjustment]


@dataclass(frozen=True, slots=True, kw_only=True)
class VulnerabilitySummary(Record):
    """What red teams changed of an agent's rating; ``last_session`` is None before the first."""

    agent_name: str
    redteam_sessions: int
    total_elo_impact: float
    last_session: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VotingAccuracy(Record):
    """How often an agent voted for the consensus; meaningful from 5 votes on."""

    total_votes: int
    correct_votes: int
    accuracy: float
    has_meaningful_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningEfficiency(Record):
    """How an agent's rating develops over its newest events.

    ``elo_gain_rate`` is the slope in points for each event, ``consistency_score`` the fraction of
    steps upwards, ``learning_category`` ``rapid``, ``steady``, ``slow``, ``declining``, or
    ``insufficient_data`` below 3 events; ``win_rate_improvement`` is the win rate less one half,
    from 6 games on (else 0). ``has_meaningful_data`` says that there are 5 events.
    """

    agent_name: str
    domain: str | None
    events: int
    elo_gain_rate: float
    consistency_score: float
    win_rate_improvement: float
    learning_category: str
    has_meaningful_data: bool


class MatchEntry(TypedDict):
    """A match of a batch: the arguments of ``record_match`` but the calibration tracker."""

    debate_id: NotRequired[str | None]
    participants: NotRequired[Iterable[str] | str | None]
    scores: NotRequired[Mapping[str, float] | None]
    domain: NotRequired[str | None]
    confidence_weight: NotRequired[float]
    winner: NotRequired[str | None]
    loser: NotRequired[str | None]
    draw: NotRequired[bool]
    task: NotRequired[str | None]
    created_at: NotRequired[datetime | None]


class RelationshipEntry(TypedDict):
    """A pair of a batch: the arguments of ``update_relationship``."""

    agent_a: str
    agent_b: str
    debate_increment: NotRequired[int]
    agreement_increment: NotRequired[int]
    critique_a_to_b: NotRequired[int]
    critique_b_to_a: NotRequired[int]
    critique_accepted_a_to_b: NotRequired[int]
    critique_accepted_b_to_a: NotRequired[int]
    position_change_a_after_b: NotRequired[int]
    position_change_b_after_a: NotRequired[int]
    a_win: NotRequired[int]
    b_win: NotRequired[int]


def floats(values: Mapping[str, Any]) -> dict[str, float]:
    """Return a stored document of numbers; JSON tells integers and floats apart.

    What is no number, or more than a float holds, is 0.0.
    """
    return {name: float(number_in(values, name)) for name in values}
