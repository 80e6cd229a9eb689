"""The types of the queries of the store insights.

Made by ``aragora-sql stubs`` from
``sql/postgres/insights/queries.sql`` and ``sql/sqlite/insights/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

TypeWord = Literal[
    "consensus",
    "dissent",
    "pattern",
    "convergence",
    "agent_perf",
    "failure_mode",
    "decision",
]

class UpsertSummaryParameters(TypedDict):
    """One set of parameters of upsert_summary."""

    debate_id: str
    task: str
    consensus_reached: bool
    duration_seconds: float
    total_insights: int
    key_takeaway: str
    agent_performances: Any
    created_at: datetime

class UpsertInsightsParameters(TypedDict):
    """One set of parameters of upsert_insights."""

    id: str
    type: TypeWord
    title: str
    description: str
    confidence: float | None
    debate_id: str
    agents_involved: Any
    evidence: Any
    metadata: Any
    created_at: datetime | None
    stored_at: datetime
    search_terms: str

class UpsertPerformancesParameters(TypedDict):
    """One set of parameters of upsert_performances."""

    agent_name: str
    debate_id: str
    proposals_made: int
    critiques_given: int
    critiques_received: int
    proposal_accepted: bool
    vote_aligned: bool
    avg_critique_severity: float
    contribution_score: float
    created_at: datetime

class MergePatternsParameters(TypedDict):
    """One set of parameters of merge_patterns."""

    category: str
    pattern_text: str
    occurrence_count: int
    avg_severity: float
    debate_id: str
    seen_at: datetime

class InsightRow(TypedDict):
    """A row of get_insight, list_insights, list_insights_of_type, find_insights,
    list_surest_insights, find_surest_insights."""

    id: str
    type: TypeWord
    title: str
    description: str
    confidence: float
    debate_id: str
    agents_involved: Any
    evidence: Any
    metadata: Any
    created_at: datetime

class InsightPatternRow(TypedDict):
    """A row of list_patterns."""

    category: str
    pattern: str
    occurrences: int
    avg_severity: float
    last_seen: datetime

class AgentInsightStatsRow(TypedDict):
    """A row of get_agent_statistics, rank_agents."""

    agent: str
    debate_count: int
    total_proposals: int
    proposals_accepted: int
    acceptance_rate: float
    total_critiques: int
    avg_contribution: float
    avg_severity_received: float

class GetStatisticsRow(TypedDict):
    """A row of get_statistics."""

    total_debates: int
    consensus_debates: int
    total_insights: int
    unique_agents: int

class CountInsightsByTypeRow(TypedDict):
    """A row of count_insights_by_type."""

    type: TypeWord
    total: int

class AddWisdomParameters(TypedDict):
    """One set of parameters of add_wisdom."""

    loop_id: str
    text: str
    submitter_id: str
    context_tags: Any

class WisdomRow(TypedDict):
    """A row of list_wisdom, take_wisdom."""

    id: int
    loop_id: str
    text: str
    submitter_id: str
    context_tags: Any
    used: bool
    created_at: datetime

class UpsertUsageParameters(TypedDict):
    """One set of parameters of upsert_usage."""

    insight_id: str
    debate_id: str
    was_successful: bool

class GetUsageStatisticsRow(TypedDict):
    """A row of get_usage_statistics."""

    total_uses: int
    successful_uses: int

class InsightsQueries(Protocol):
    """The queries of the store insights."""

    async def upsert_summary(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        task: str,
        consensus_reached: bool,
        duration_seconds: float,
        total_insights: int,
        key_takeaway: str,
        agent_performances: Any,
        created_at: datetime,
    ) -> int:
        """Store what a debate came to, or replace it; when it was first stored stays.

        Operation !: the number of rows changed.
        """

    async def upsert_insights(
        self,
        connection: Connection,
        parameters: Sequence[UpsertInsightsParameters],
        /,
    ) -> int:
        """Store insights, or replace them; how sure they are, and when they were made, stays
        unless it is given.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_other_insights(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        kept_ids: Sequence[str],
    ) -> int:
        """Delete the insights of a debate but for some. Those are held with them: other debates
        may have had

        them, or may take them.

        Operation !: the number of rows changed.
        """

    async def upsert_performances(
        self,
        connection: Connection,
        parameters: Sequence[UpsertPerformancesParameters],
        /,
    ) -> int:
        """Store how agents did in a debate, or replace it; when it was first stored stays.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_other_performances(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        kept_names: Sequence[str],
    ) -> int:
        """Delete what is kept of agents in a debate but for some.

        Operation !: the number of rows changed.
        """

    async def merge_patterns(
        self,
        connection: Connection,
        parameters: Sequence[MergePatternsParameters],
        /,
    ) -> int:
        """Count patterns that a debate shows, unless they were counted of it already.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_insight(self, connection: Connection, /, *, insight_id: str) -> InsightRow | None:
        """Return an insight.

        Operation ^: the first row, or None.
        """

    def list_insights(
        self,
        connection: Connection,
        /,
        *,
        agent: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InsightRow]:
        """List insights, newest first, from a place on, of one agent or of all.

        Operation (none): every row.
        """

    def list_insights_of_type(
        self,
        connection: Connection,
        /,
        *,
        type: TypeWord,
        agent: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InsightRow]:
        """List insights of a type, newest first, from a place on, of one agent or of all.

        Operation (none): every row.
        """

    def find_insights(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        type: TypeWord | None,
        agent: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InsightRow]:
        """List the insights that a search finds, newest first, from a place on, of one type and
        agent or of

        all.

        Operation (none): every row.
        """

    def list_surest_insights(
        self,
        connection: Connection,
        /,
        *,
        min_confidence: float,
        row_limit: int,
    ) -> AsyncIterator[InsightRow]:
        """List the insights that are surest, of those the newest first.

        Operation (none): every row.
        """

    def find_surest_insights(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        min_confidence: float,
        row_limit: int,
    ) -> AsyncIterator[InsightRow]:
        """List those insights that a search finds which are surest, of those the newest first.

        Operation (none): every row.
        """

    def list_patterns(
        self,
        connection: Connection,
        /,
        *,
        min_occurrences: int,
        category: str | None,
        row_limit: int,
    ) -> AsyncIterator[InsightPatternRow]:
        """List patterns that were seen so often, most often first, of one category or of all.

        Operation (none): every row.
        """

    async def get_agent_statistics(
        self,
        connection: Connection,
        /,
        *,
        agent: str,
    ) -> AgentInsightStatsRow | None:
        """Add up how an agent did.

        Operation ^: the first row, or None.
        """

    def rank_agents(self, connection: Connection, /) -> AsyncIterator[AgentInsightStatsRow]:
        """Add up how all agents did, those that contribute most first.

        Operation (none): every row.
        """

    async def get_statistics(self, connection: Connection, /) -> GetStatisticsRow:
        """Count insights, debates, those with a consensus, and agents.

        Operation ^: the first row, or None.
        """

    def count_insights_by_type(
        self,
        connection: Connection,
        /,
    ) -> AsyncIterator[CountInsightsByTypeRow]:
        """Count the insights of each type.

        Operation (none): every row.
        """

    async def add_wisdom(
        self,
        connection: Connection,
        /,
        *,
        loop_id: str,
        text: str,
        submitter_id: str,
        context_tags: Any,
    ) -> int:
        """Store what somebody of an audience said, and return its number.

        Operation $: the first value of the first row, or None.
        """

    def list_wisdom(
        self,
        connection: Connection,
        /,
        *,
        loop_id: str,
        row_limit: int,
    ) -> AsyncIterator[WisdomRow]:
        """List what an audience told a loop and nobody has taken, newest first.

        Operation (none): every row.
        """

    def take_wisdom(
        self,
        connection: Connection,
        /,
        *,
        loop_id: str,
        row_limit: int,
    ) -> AsyncIterator[WisdomRow]:
        """Take the newest of what an audience told a loop and nobody has taken; in no order.

        Operation (none): every row.
        """

    async def mark_wisdom_used(self, connection: Connection, /, *, wisdom_id: int) -> int:
        """Say that something an audience said was taken.

        Operation !: the number of rows changed.
        """

    async def upsert_usage(
        self,
        connection: Connection,
        /,
        *,
        insight_id: str,
        debate_id: str,
        was_successful: bool,
    ) -> int:
        """Store that a debate used an insight, or change how it went.

        Operation !: the number of rows changed.
        """

    async def adjust_confidence(
        self,
        connection: Connection,
        /,
        *,
        insight_id: str,
        change: float,
    ) -> float | None:
        """Raise or lower the confidence of an insight within 0.1 and 0.99, and return it.

        Operation $: the first value of the first row, or None.
        """

    async def get_usage_statistics(
        self,
        connection: Connection,
        /,
        *,
        insight_id: str,
    ) -> GetUsageStatisticsRow:
        """Count the uses of an insight, and those that went well.

        Operation ^: the first row, or None.
        """
