"""The types of the queries of the store elo.

Made by ``aragora-sql stubs`` from
``sql/postgres/elo/queries.sql`` and ``sql/sqlite/elo/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

BucketKeyWord = Literal[
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
]

KindWord = Literal[
    "match",
    "verification",
    "redteam",
    "voting",
    "learning",
]

class AgentRatingRow(TypedDict):
    """A row of register_agent, list_ratings, rank_agents, rank_calibration, page_ratings."""

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

class RegisterAgentParameters(TypedDict):
    """One set of parameters of register_agent."""

    agent_name: str
    model: str | None
    elo: float
    updated_at: datetime

class ListDomainRatingsRow(TypedDict):
    """A row of list_domain_ratings."""

    domain: str
    elo: float

class LockRatingsRow(TypedDict):
    """A row of lock_ratings, lock_free_ratings, take_ratings."""

    agent_name: str
    elo: float
    votes_correct: int
    votes_total: int

class LookAtRatingsRow(TypedDict):
    """A row of look_at_ratings."""

    agent_name: str
    elo: float
    is_any_recorded: bool

class DomainRatingRow(TypedDict):
    """A row of rank_domain."""

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
    domain: str
    domain_elo: float
    domain_debates_count: int
    domain_last_match_at: datetime | None

class PageDomainRatingsRow(TypedDict):
    """A row of page_domain_ratings."""

    agent_name: str
    domain: str
    elo: float
    initial_elo: float
    debates_count: int

class ListRecordedRow(TypedDict):
    """A row of list_recorded."""

    debate_id: str
    elo_changes: Any

class InsertMatchParameters(TypedDict):
    """One set of parameters of insert_match."""

    debate_id: str
    winner: str | None
    participants: Any
    scores: Any
    elo_changes: Any
    multipliers: Any
    domain: str | None
    confidence_weight: float | None
    k_factor: float | None
    created_at: datetime

class SetRatingsParameters(TypedDict):
    """One set of parameters of set_ratings."""

    agent_name: str
    elo_before: float
    elo: float
    wins: int
    losses: int
    draws: int
    debates: int
    played_at: datetime | None

class InsertHistoryParameters(TypedDict):
    """One set of parameters of insert_history."""

    agent_name: str
    kind: KindWord
    reference: str | None
    domain: str | None
    elo: float
    change: float | None
    domain_change: float | None
    created_at: datetime

class PlayInDomainParameters(TypedDict):
    """One set of parameters of play_in_domain."""

    agent_name: str
    domain: str
    elo: float | None
    change: float
    played_at: datetime | None

class AdjustDomainParameters(TypedDict):
    """One set of parameters of adjust_domain."""

    agent_name: str
    domain: str
    elo: float | None
    change: float
    updated_at: datetime

class MatchRow(TypedDict):
    """A row of get_match, list_matches, list_recent_matches."""

    number: int
    debate_id: str
    winner: str | None
    participants: Any
    scores: Any
    elo_changes: Any
    multipliers: Any
    domain: str | None
    confidence_weight: float | None
    k_factor: float | None
    created_at: datetime

class GetHeadToHeadRow(TypedDict):
    """A row of get_head_to_head."""

    matches: int
    a_wins: int
    b_wins: int
    draws: int

class ListEloHistoryRow(TypedDict):
    """A row of list_elo_history."""

    created_at: datetime
    elo: float

class ListRatingsAfterRow(TypedDict):
    """A row of list_ratings_after, list_elo_before."""

    agent_name: str
    elo: float

class ListDomainChangesRow(TypedDict):
    """A row of list_domain_changes."""

    agent_name: str
    domain_change: float

class AdjustmentRow(TypedDict):
    """A row of list_adjustments."""

    number: int
    reference: str
    domain: str | None
    elo: float
    change: float
    created_at: datetime

class RatingEventRow(TypedDict):
    """A row of explain_rating."""

    number: int | None
    kind: KindWord | None
    reference: str | None
    domain: str | None
    change: float
    elo: float | None
    winner: str | None
    scores: Any
    created_at: datetime | None

class GetStatsRow(TypedDict):
    """A row of get_stats."""

    total_agents: int
    avg_elo: float | None
    max_elo: float | None
    min_elo: float | None
    total_matches: int

class AddCritiqueParameters(TypedDict):
    """One set of parameters of add_critique."""

    agent_name: str
    accepted: int
    elo: float
    updated_at: datetime

class AddCalibrationParameters(TypedDict):
    """One set of parameters of add_calibration."""

    agent_name: str
    correct: int
    brier: float
    elo: float
    updated_at: datetime

class OpenTournamentParameters(TypedDict):
    """One set of parameters of open_tournament."""

    tournament_id: str
    created_at: datetime

class LockTournamentRow(TypedDict):
    """A row of lock_tournament."""

    actual_winner: str | None
    resolved_at: datetime | None

class UpsertPredictionParameters(TypedDict):
    """One set of parameters of upsert_prediction."""

    tournament_id: str
    predictor_agent: str
    predicted_winner: str
    confidence: float
    created_at: datetime

class PredictionRow(TypedDict):
    """A row of list_predictions, list_predictions_by_agent."""

    tournament_id: str
    predictor_agent: str
    predicted_winner: str
    confidence: float
    brier_score: float | None
    created_at: datetime

class SetBrierScoresParameters(TypedDict):
    """One set of parameters of set_brier_scores."""

    tournament_id: str
    predictor_agent: str
    brier_score: float | None

class AddDomainCalibrationParameters(TypedDict):
    """One set of parameters of add_domain_calibration."""

    agent_name: str
    domain: str
    correct: int
    brier: float
    updated_at: datetime

class AddBucketParameters(TypedDict):
    """One set of parameters of add_bucket."""

    agent_name: str
    domain: str
    bucket_key: BucketKeyWord
    correct: int
    brier: float

class ListDomainCalibrationRow(TypedDict):
    """A row of list_domain_calibration."""

    domain: str
    total_predictions: int
    total_correct: int
    brier_sum: float

class ListBucketsRow(TypedDict):
    """A row of list_buckets."""

    bucket_key: BucketKeyWord
    predictions: int
    correct: int
    brier_sum: float

class AddRelationshipsParameters(TypedDict):
    """One set of parameters of add_relationships."""

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

class RelationshipRow(TypedDict):
    """A row of get_relationship, list_relationships."""

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

class PageHistoryRow(TypedDict):
    """A row of page_history."""

    number: int
    agent_name: str
    kind: KindWord
    reference: str | None
    domain: str | None
    elo: float
    change: float | None
    domain_change: float | None

class RepairMatchParameters(TypedDict):
    """One set of parameters of repair_match."""

    debate_id: str
    elo_changes: Any

class RepairHistoryParameters(TypedDict):
    """One set of parameters of repair_history."""

    number: int
    elo: float
    change: float | None

class RepairRatingParameters(TypedDict):
    """One set of parameters of repair_rating."""

    agent_name: str
    elo: float
    wins: int
    losses: int
    draws: int
    debates_count: int
    updated_at: datetime

class RepairDomainRatingParameters(TypedDict):
    """One set of parameters of repair_domain_rating."""

    agent_name: str
    domain: str
    elo: float
    debates_count: int
    updated_at: datetime

class EloQueries(Protocol):
    """The queries of the store elo."""

    async def register_agent(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        model: str | None,
        elo: float,
        updated_at: datetime,
    ) -> AgentRatingRow:
        """Make an agent known with its first rating; one that is known keeps all but the model.

        Operation ^: the first row, or None.
        """

    def list_ratings(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
    ) -> AsyncIterator[AgentRatingRow]:
        """List the ratings of some agents.

        Operation (none): every row.
        """

    def list_domain_ratings(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
    ) -> AsyncIterator[ListDomainRatingsRow]:
        """List the ratings of an agent by domain.

        Operation (none): every row.
        """

    def lock_ratings(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
    ) -> AsyncIterator[LockRatingsRow]:
        """Take the ratings of some agents, so that nobody else changes them meanwhile.

        Operation (none): every row.
        """

    def look_at_ratings(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
        debate_ids: Sequence[str],
    ) -> AsyncIterator[LookAtRatingsRow]:
        """Read the ratings of some agents, and tell whether any of some debates is recorded.

        Operation (none): every row.
        """

    def lock_free_ratings(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
    ) -> AsyncIterator[LockRatingsRow]:
        """Take the ratings of those of some agents that nobody else has taken.

        Operation (none): every row.
        """

    def take_ratings(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
        elo: float,
        updated_at: datetime,
    ) -> AsyncIterator[LockRatingsRow]:
        """Take the ratings of some agents, in the order of their names, and make those that are
        missing.

        Operation (none): every row.
        """

    def rank_agents(
        self,
        connection: Connection,
        /,
        *,
        min_games: int,
        row_limit: int,
    ) -> AsyncIterator[AgentRatingRow]:
        """List the agents with the highest ratings over all domains that have played often enough,
        best first.

        Operation (none): every row.
        """

    def rank_domain(
        self,
        connection: Connection,
        /,
        *,
        domain: str,
        min_games: int,
        row_limit: int,
    ) -> AsyncIterator[DomainRatingRow]:
        """List the agents with the highest ratings of a domain that have played in it often
        enough, best first.

        Operation (none): every row.
        """

    def rank_calibration(
        self,
        connection: Connection,
        /,
        *,
        min_predictions: int,
        row_limit: int,
    ) -> AsyncIterator[AgentRatingRow]:
        """List the agents that predict best: those with the lowest mean Brier score.

        Operation (none): every row.
        """

    def page_ratings(
        self,
        connection: Connection,
        /,
        *,
        after_agent: str,
        row_limit: int,
    ) -> AsyncIterator[AgentRatingRow]:
        """List all ratings by the names of agents, page by page.

        Operation (none): every row.
        """

    def page_domain_ratings(
        self,
        connection: Connection,
        /,
        *,
        after_agent: str,
        after_domain: str,
        row_limit: int,
    ) -> AsyncIterator[PageDomainRatingsRow]:
        """List the ratings of domains whose beginning is known, by agent and domain, page by page.

        Operation (none): every row.
        """

    def list_recorded(
        self,
        connection: Connection,
        /,
        *,
        debate_ids: Sequence[str],
    ) -> AsyncIterator[ListRecordedRow]:
        """List the changes of those matches that are recorded already.

        Operation (none): every row.
        """

    async def insert_match(
        self,
        connection: Connection,
        parameters: Sequence[InsertMatchParameters],
        /,
    ) -> int:
        """Store matches; one that is recorded already is left out.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def set_ratings(
        self,
        connection: Connection,
        parameters: Sequence[SetRatingsParameters],
        /,
    ) -> int:
        """Store the ratings after matches where they are as they were before, and count the
        matches.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def record_played(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
        debate_ids: Sequence[str],
        matches: Any,
        ratings: Any,
        events: Any,
        pairs: Any,
        in_domains: Any,
    ) -> int:
        """Store matches that are not recorded yet with all that they change, where their agents
        are free and have the ratings that the changes were computed from.

        Returns the number of ratings that were changed: of all agents, or 0 when nothing was
        stored.

        Operation !: the number of rows changed.
        """

    async def set_elo(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        elo: float,
        updated_at: datetime,
    ) -> int:
        """Store a rating that something else than a match has changed.

        Operation !: the number of rows changed.
        """

    async def insert_history(
        self,
        connection: Connection,
        parameters: Sequence[InsertHistoryParameters],
        /,
    ) -> int:
        """Store events, in their order.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_domain_elo(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        domain: str,
    ) -> float | None:
        """Return the rating of an agent in a domain.

        Operation $: the first value of the first row, or None.
        """

    async def play_in_domain(
        self,
        connection: Connection,
        parameters: Sequence[PlayInDomainParameters],
        /,
    ) -> int:
        """Change ratings of a domain by a match each; a new one starts from the rating that is
        given.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def adjust_domain(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        domain: str,
        elo: float | None,
        change: float,
        updated_at: datetime,
    ) -> int:
        """Change a rating of a domain without a match; a new one starts from the rating that is
        given.

        Operation !: the number of rows changed.
        """

    async def get_match(self, connection: Connection, /, *, debate_id: str) -> MatchRow | None:
        """Return a match.

        Operation ^: the first row, or None.
        """

    def list_matches(
        self,
        connection: Connection,
        /,
        *,
        debate_ids: Sequence[str],
    ) -> AsyncIterator[MatchRow]:
        """List some matches.

        Operation (none): every row.
        """

    def list_recent_matches(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[MatchRow]:
        """List the newest matches.

        Operation (none): every row.
        """

    async def count_matches(self, connection: Connection, /) -> int:
        """Count all matches.

        Operation $: the first value of the first row, or None.
        """

    async def count_ratings(self, connection: Connection, /) -> int:
        """Count all agents.

        Operation $: the first value of the first row, or None.
        """

    async def get_head_to_head(
        self,
        connection: Connection,
        /,
        *,
        agent_a: str,
        agent_b: str,
    ) -> GetHeadToHeadRow:
        """Count the matches of two agents, and those that each of them won.

        Operation ^: the first row, or None.
        """

    def list_elo_history(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        row_limit: int,
    ) -> AsyncIterator[ListEloHistoryRow]:
        """List the events that changed an agent's rating over all domains, the newest first.

        Operation (none): every row.
        """

    def list_ratings_after(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
        events: int,
    ) -> AsyncIterator[ListRatingsAfterRow]:
        """List the ratings over all domains after the newest events of some agents, the oldest
        first.

        Operation (none): every row.
        """

    def list_domain_changes(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
        domain: str,
        events: int,
    ) -> AsyncIterator[ListDomainChangesRow]:
        """List the newest changes of some agents' ratings in a domain, the oldest first.

        Operation (none): every row.
        """

    def list_adjustments(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        kind: KindWord,
    ) -> AsyncIterator[AdjustmentRow]:
        """List the events of one kind that are no matches, the oldest first.

        Operation (none): every row.
        """

    def explain_rating(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        after_number: int,
        row_limit: int,
    ) -> AsyncIterator[RatingEventRow]:
        """List what made an agent's rating over all domains, with the matches, the oldest first,
        page by page.

        Operation (none): every row.
        """

    async def get_stats(self, connection: Connection, /) -> GetStatsRow:
        """Count agents and matches; ratings are NULL where there is no agent.

        Operation ^: the first row, or None.
        """

    async def add_critique(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        accepted: int,
        elo: float,
        updated_at: datetime,
    ) -> int:
        """Count a critique of an agent; a new one starts with the rating that is given.

        Operation !: the number of rows changed.
        """

    async def add_vote(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        correct: int,
        updated_at: datetime,
    ) -> int:
        """Count a vote of an agent.

        Operation !: the number of rows changed.
        """

    async def add_calibration(
        self,
        connection: Connection,
        parameters: Sequence[AddCalibrationParameters],
        /,
    ) -> int:
        """Count predictions whose outcome is known, one for each; a new agent starts with the
        rating given.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def open_tournament(
        self,
        connection: Connection,
        /,
        *,
        tournament_id: str,
        created_at: datetime,
    ) -> int:
        """Make a tournament known; one that is known stays as it is.

        Operation !: the number of rows changed.
        """

    async def lock_tournament(
        self,
        connection: Connection,
        /,
        *,
        tournament_id: str,
    ) -> LockTournamentRow | None:
        """Take a tournament, so that nobody else predicts or resolves it meanwhile.

        Operation ^: the first row, or None.
        """

    async def resolve_tournament(
        self,
        connection: Connection,
        /,
        *,
        tournament_id: str,
        actual_winner: str | None,
        resolved_at: datetime | None,
    ) -> int:
        """Store who won a tournament.

        Operation !: the number of rows changed.
        """

    async def upsert_prediction(
        self,
        connection: Connection,
        /,
        *,
        tournament_id: str,
        predictor_agent: str,
        predicted_winner: str,
        confidence: float,
        created_at: datetime,
    ) -> int:
        """Store a prediction, in place of an earlier one by the same agent.

        Operation !: the number of rows changed.
        """

    def list_predictions(
        self,
        connection: Connection,
        /,
        *,
        tournament_id: str,
    ) -> AsyncIterator[PredictionRow]:
        """List the predictions of a tournament.

        Operation (none): every row.
        """

    def list_predictions_by_agent(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        row_limit: int,
    ) -> AsyncIterator[PredictionRow]:
        """List the predictions of an agent, the newest first.

        Operation (none): every row.
        """

    async def set_brier_scores(
        self,
        connection: Connection,
        parameters: Sequence[SetBrierScoresParameters],
        /,
    ) -> int:
        """Store how far predictions were off.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def add_domain_calibration(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        domain: str,
        correct: int,
        brier: float,
        updated_at: datetime,
    ) -> int:
        """Count a prediction in a domain.

        Operation !: the number of rows changed.
        """

    async def add_bucket(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        domain: str,
        bucket_key: BucketKeyWord,
        correct: int,
        brier: float,
    ) -> int:
        """Count a prediction among those of its confidence.

        Operation !: the number of rows changed.
        """

    def list_domain_calibration(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        domain: str | None,
    ) -> AsyncIterator[ListDomainCalibrationRow]:
        """List how well an agent predicts, in one domain or in each.

        Operation (none): every row.
        """

    def list_buckets(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        domain: str | None,
    ) -> AsyncIterator[ListBucketsRow]:
        """List how often an agent's predictions come true by their confidence, in one domain or in
        each.

        Operation (none): every row.
        """

    async def add_relationships(
        self,
        connection: Connection,
        parameters: Sequence[AddRelationshipsParameters],
        /,
    ) -> int:
        """Add to what agents are to each other; the first name is the lower one by code point.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_relationship(
        self,
        connection: Connection,
        /,
        *,
        agent_a: str,
        agent_b: str,
    ) -> RelationshipRow | None:
        """Return what two agents are to each other; the first name is the lower one by code point.

        Operation ^: the first row, or None.
        """

    def list_relationships(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        row_limit: int,
    ) -> AsyncIterator[RelationshipRow]:
        """List what an agent is to others, those with most debates first.

        Operation (none): every row.
        """

    async def lock_all_ratings(self, connection: Connection, /) -> None:
        """Keep out whoever changes ratings until the transaction ends, so that they can be
        compared.

        Operation #: nothing: a script.
        """

    def page_history(
        self,
        connection: Connection,
        /,
        *,
        after_number: int,
        row_limit: int,
    ) -> AsyncIterator[PageHistoryRow]:
        """List all events in their order, page by page.

        Operation (none): every row.
        """

    async def first_event_of_match(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        debate_id: str,
    ) -> int | None:
        """Return the number of the event by which a match changed an agent's rating.

        Operation $: the first value of the first row, or None.
        """

    def list_elo_before(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
        before_number: int,
    ) -> AsyncIterator[ListRatingsAfterRow]:
        """List the ratings of some agents over all domains before an event; of those that had one.

        Operation (none): every row.
        """

    async def repair_match(
        self,
        connection: Connection,
        parameters: Sequence[RepairMatchParameters],
        /,
    ) -> int:
        """Replace the changes of matches by those that a replay gave.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def repair_history(
        self,
        connection: Connection,
        parameters: Sequence[RepairHistoryParameters],
        /,
    ) -> int:
        """Replace the ratings and changes of events by those that a replay gave.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def repair_rating(
        self,
        connection: Connection,
        parameters: Sequence[RepairRatingParameters],
        /,
    ) -> int:
        """Replace ratings over all domains and their counts of matches by those that a replay
        gave.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def repair_domain_rating(
        self,
        connection: Connection,
        parameters: Sequence[RepairDomainRatingParameters],
        /,
    ) -> int:
        """Replace ratings of domains by those that a replay gave.

        Operation *!: the number of rows changed, for many sets of parameters.
        """
