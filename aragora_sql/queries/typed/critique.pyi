"""The types of the queries of the store critique.

Made by ``aragora-sql stubs`` from
``sql/postgres/critique/queries.sql`` and ``sql/sqlite/critique/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class UpsertDebateParameters(TypedDict):
    """One set of parameters of upsert_debate."""

    id: str
    task: str
    final_answer: str | None
    consensus_reached: bool
    confidence: float | None
    rounds_used: int | None
    duration_seconds: float | None
    grounded_verdict: Any
    created_at: datetime

class InsertCritiqueParameters(TypedDict):
    """One set of parameters of insert_critique."""

    debate_id: str | None
    agent: str
    target_agent: str | None
    issues: Any
    suggestions: Any
    severity: float | None
    reasoning: str | None
    expected_usefulness: float
    created_at: datetime

class InsertCritiquesParameters(TypedDict):
    """One set of parameters of insert_critiques."""

    debate_id: str | None
    fingerprint: str | None
    agent: str
    target_agent: str | None
    issues: Any
    suggestions: Any
    severity: float | None
    reasoning: str | None
    expected_usefulness: float
    created_at: datetime

class DebateRow(TypedDict):
    """A row of get_debate, list_debates."""

    id: str
    task: str
    final_answer: str | None
    consensus_reached: bool
    confidence: float | None
    rounds_used: int | None
    duration_seconds: float | None
    grounded_verdict: Any
    created_at: datetime

class CritiqueRow(TypedDict):
    """A row of get_critique, list_recent_critiques."""

    id: int
    debate_id: str | None
    agent: str
    target_agent: str | None
    issues: Any
    suggestions: Any
    severity: float | None
    reasoning: str | None
    led_to_improvement: bool
    expected_usefulness: float
    actual_usefulness: float | None
    prediction_error: float | None
    created_at: datetime

class ListCritiquesRow(TypedDict):
    """A row of list_critiques."""

    id: int
    debate_id: str
    agent: str
    target_agent: str | None
    issues: Any
    suggestions: Any
    severity: float | None
    reasoning: str | None
    led_to_improvement: bool
    expected_usefulness: float
    actual_usefulness: float | None
    prediction_error: float | None
    created_at: datetime

class TrainingExampleRow(TypedDict):
    """A row of export_training."""

    id: int
    task: str
    issues: Any
    suggestions: Any
    successful_answer: str | None

class CritiqueStatsRow(TypedDict):
    """A row of get_stats."""

    total_debates: int
    consensus_debates: int
    total_critiques: int
    total_patterns: int
    avg_consensus_confidence: float
    patterns_by_type: Any

class RecordPatternSuccessParameters(TypedDict):
    """One set of parameters of record_pattern_success."""

    id: str
    issue_type: str
    issue_text: str
    suggestion_text: str | None
    severity: float
    example_task: str | None
    seen_at: datetime

class PatternRow(TypedDict):
    """A row of list_patterns."""

    id: str
    issue_type: str
    issue_text: str
    suggestion_text: str | None
    success_count: int
    failure_count: int
    avg_severity: float
    surprise_score: float
    base_rate: float
    example_task: str | None
    created_at: datetime
    updated_at: datetime

class RankedPatternRow(TypedDict):
    """A row of rank_patterns, rank_patterns_of_type."""

    id: str
    issue_type: str
    issue_text: str
    suggestion_text: str | None
    success_count: int
    failure_count: int
    avg_severity: float
    surprise_score: float
    base_rate: float
    example_task: str | None
    created_at: datetime
    updated_at: datetime
    decay_score: float

class SetEmbeddingParameters(TypedDict):
    """One set of parameters of set_embedding."""

    pattern_id: str
    embedding: bytes

class ListEmbeddingsRow(TypedDict):
    """A row of list_embeddings."""

    pattern_id: str
    embedding: bytes

class LockStalePatternsRow(TypedDict):
    """A row of lock_stale_patterns."""

    id: str

class ArchiveStatsRow(TypedDict):
    """A row of get_archive_stats."""

    total_archived: int
    archived_by_type: Any

class LockCritiqueRow(TypedDict):
    """A row of lock_critique."""

    agent: str
    expected_usefulness: float
    prediction_error: float | None
    outcome_agent: str | None

class EnsureAgentParameters(TypedDict):
    """One set of parameters of ensure_agent."""

    agent_name: str
    updated_at: datetime

class UpdateReputationParameters(TypedDict):
    """One set of parameters of update_reputation."""

    agent_name: str
    proposals_made: int
    proposals_accepted: int
    critiques_given: int
    critiques_valuable: int
    updated_at: datetime

class AgentReputationRow(TypedDict):
    """A row of list_reputations, rank_reputations."""

    agent_name: str
    proposals_made: int
    proposals_accepted: int
    critiques_given: int
    critiques_valuable: int
    total_predictions: int
    total_prediction_error: float
    calibration_score: float
    updated_at: datetime

class CritiqueQueries(Protocol):
    """The queries of the store critique."""

    async def upsert_debate(
        self,
        connection: Connection,
        parameters: Sequence[UpsertDebateParameters],
        /,
    ) -> int:
        """Store debates; one that is stored again keeps its creation time.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def insert_critique(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str | None,
        agent: str,
        target_agent: str | None,
        issues: Any,
        suggestions: Any,
        severity: float | None,
        reasoning: str | None,
        expected_usefulness: float,
        created_at: datetime,
    ) -> int:
        """Store one critique and return its number.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def insert_critiques(
        self,
        connection: Connection,
        parameters: Sequence[InsertCritiquesParameters],
        /,
    ) -> int:
        """Store critiques; one whose fingerprint its debate has already is left out.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_debate(self, connection: Connection, /, *, debate_id: str) -> DebateRow | None:
        """Return one debate.

        Operation ^: the first row, or None.
        """

    def list_debates(
        self,
        connection: Connection,
        /,
        *,
        debate_ids: Sequence[str],
    ) -> AsyncIterator[DebateRow]:
        """List some debates by id.

        Operation (none): every row.
        """

    async def delete_debate(self, connection: Connection, /, *, debate_id: str) -> int:
        """Delete a debate with its critiques.

        Operation !: the number of rows changed.
        """

    async def delete_debate_without_critiques(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
    ) -> int:
        """Delete a debate, unless it has critiques.

        Operation !: the number of rows changed.
        """

    async def get_critique(
        self,
        connection: Connection,
        /,
        *,
        critique_id: int,
    ) -> CritiqueRow | None:
        """Return one critique.

        Operation ^: the first row, or None.
        """

    def list_recent_critiques(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[CritiqueRow]:
        """List the newest critiques.

        Operation (none): every row.
        """

    def list_critiques(
        self,
        connection: Connection,
        /,
        *,
        debate_ids: Sequence[str],
    ) -> AsyncIterator[ListCritiquesRow]:
        """List the critiques of some debates, oldest first.

        Operation (none): every row.
        """

    def export_training(
        self,
        connection: Connection,
        /,
        *,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[TrainingExampleRow]:
        """List critiques of debates that reached consensus, one page after the other by number.

        Operation (none): every row.
        """

    async def count_debates(self, connection: Connection, /) -> int:
        """Count all debates.

        Operation $: the first value of the first row, or None.
        """

    async def count_critiques(self, connection: Connection, /) -> int:
        """Count all critiques.

        Operation $: the first value of the first row, or None.
        """

    async def count_patterns(self, connection: Connection, /) -> int:
        """Count all patterns.

        Operation $: the first value of the first row, or None.
        """

    async def get_stats(self, connection: Connection, /) -> CritiqueStatsRow:
        """Count everything; patterns by type come as a list of [type, count], largest first.

        Operation ^: the first row, or None.
        """

    async def record_pattern_success(
        self,
        connection: Connection,
        parameters: Sequence[RecordPatternSuccessParameters],
        /,
    ) -> int:
        """Count successes: a new pattern starts with one, a known one gets one more and a new mean
        severity.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def record_pattern_failure(
        self,
        connection: Connection,
        /,
        *,
        pattern_id: str,
        seen_at: datetime,
    ) -> int:
        """Count a failure of a known pattern.

        Operation !: the number of rows changed.
        """

    async def update_surprise(
        self,
        connection: Connection,
        /,
        *,
        pattern_ids: Sequence[str],
        outcome: float,
    ) -> int:
        """After the counters changed: how far the outcome (1 success, 0 failure) is from the
        category's rate.

        Operation !: the number of rows changed.
        """

    def list_patterns(
        self,
        connection: Connection,
        /,
        *,
        pattern_ids: Sequence[str],
    ) -> AsyncIterator[PatternRow]:
        """List some patterns by id.

        Operation (none): every row.
        """

    def rank_patterns(
        self,
        connection: Connection,
        /,
        *,
        min_success: int,
        half_life_days: float,
        at_time: datetime,
        row_limit: int,
    ) -> AsyncIterator[RankedPatternRow]:
        """List the patterns of all categories with the highest decay score.

        Operation (none): every row.
        """

    def rank_patterns_of_type(
        self,
        connection: Connection,
        /,
        *,
        issue_type: str,
        min_success: int,
        half_life_days: float,
        at_time: datetime,
        row_limit: int,
    ) -> AsyncIterator[RankedPatternRow]:
        """List the patterns of one category with the highest decay score.

        Operation (none): every row.
        """

    async def delete_pattern(self, connection: Connection, /, *, pattern_id: str) -> int:
        """Delete a pattern with its embedding.

        Operation !: the number of rows changed.
        """

    async def set_embedding(
        self,
        connection: Connection,
        parameters: Sequence[SetEmbeddingParameters],
        /,
    ) -> int:
        """Store embeddings of patterns, or replace them.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def list_embeddings(
        self,
        connection: Connection,
        /,
        *,
        pattern_ids: Sequence[str],
    ) -> AsyncIterator[ListEmbeddingsRow]:
        """List the embeddings of some patterns.

        Operation (none): every row.
        """

    def lock_stale_patterns(
        self,
        connection: Connection,
        /,
        *,
        cutoff: datetime,
        min_success_rate: float,
        row_limit: int,
    ) -> AsyncIterator[LockStalePatternsRow]:
        """Take patterns that are old and fail too often out of everybody's way; no counts count as
        half.

        Operation (none): every row.
        """

    async def archive_patterns(
        self,
        connection: Connection,
        /,
        *,
        pattern_ids: Sequence[str],
        archived_at: datetime,
    ) -> int:
        """Copy patterns to the archive.

        Operation !: the number of rows changed.
        """

    async def delete_patterns(
        self,
        connection: Connection,
        /,
        *,
        pattern_ids: Sequence[str],
    ) -> int:
        """Delete some patterns with their embeddings.

        Operation !: the number of rows changed.
        """

    async def get_archive_stats(self, connection: Connection, /) -> ArchiveStatsRow:
        """Count archived patterns; by type as a list of [type, count], largest first.

        Operation ^: the first row, or None.
        """

    async def lock_critique(
        self,
        connection: Connection,
        /,
        *,
        critique_id: int,
    ) -> LockCritiqueRow | None:
        """Take a critique for recording its outcome.

        Operation ^: the first row, or None.
        """

    async def set_outcome(
        self,
        connection: Connection,
        /,
        *,
        critique_id: int,
        actual_usefulness: float | None,
        prediction_error: float | None,
        outcome_agent: str | None,
        led_to_improvement: bool | None,
    ) -> int:
        """Record how useful a critique was; NULL leaves whether it led to an improvement as it is.

        Operation !: the number of rows changed.
        """

    async def ensure_agent(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        updated_at: datetime,
    ) -> int:
        """Create an agent's row with zero counters, unless there is one.

        Operation !: the number of rows changed.
        """

    async def adjust_calibration(
        self,
        connection: Connection,
        /,
        *,
        agent_name: str,
        predictions: int,
        error: float,
        updated_at: datetime,
    ) -> int:
        """Add to an agent's number and sum of prediction errors (both may be negative) and renew
        its score.

        Operation !: the number of rows changed.
        """

    async def update_reputation(
        self,
        connection: Connection,
        parameters: Sequence[UpdateReputationParameters],
        /,
    ) -> int:
        """Add to the counters of agents; an unknown agent starts at zero.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    def list_reputations(
        self,
        connection: Connection,
        /,
        *,
        agent_names: Sequence[str],
    ) -> AsyncIterator[AgentReputationRow]:
        """List the reputation of some agents.

        Operation (none): every row.
        """

    def rank_reputations(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[AgentReputationRow]:
        """List agents by reputation score, best first. The score is computed as
        AgentReputation.score is, in

        binary floating point, so that equal scores are equal on both engines and in the
        application.

        Operation (none): every row.
        """
