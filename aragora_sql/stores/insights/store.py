"""Insights of debates, patterns, how agents did, and the wisdom of an audience.

Its queries: ``sql/postgres/insights/queries.sql`` and ``sql/sqlite/insights/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.counts import counts
from aragora_sql.stores.insights.records import (
    INSIGHT_TYPES,
    AgentInsightStats,
    Insight,
    InsightPattern,
    InsightStatistics,
    InsightType,
    UsageStatistics,
    Wisdom,
    debate_rows,
    wisdom_parameters,
)
from aragora_sql.stores.paging import LastRow, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.insights import InsightsQueries

__all__ = ["InsightStore"]

# What a use of an insight does to its confidence.
SUCCESS, FAILURE = 0.05, -0.03


class InsightStore(Store):
    """Keeps what was learned in debates, and what an audience said.

    Searches find what has all of some words, without regard to case and accents (at most 16 words).
    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "insights"
    _queries: InsightsQueries

    async def store_debate_insights(self, insights: Any) -> int:
        """Store what was learned in a debate, all or nothing; return how many insights it were.

        ``insights`` is a dictionary, or an object with attributes: ``debate_id``, ``task``,
        ``consensus_reached``, ``duration_seconds``, ``key_takeaway``; ``insights``, each with
        ``id``, ``type``, ``title``, and perhaps ``description``, ``confidence`` (0 to 1),
        ``agents_involved``, ``evidence``, ``metadata``, ``created_at``; ``agent_performances``,
        each with ``agent_name`` and counts. An insight of the type ``pattern`` counts a pattern by
        its title and ``metadata`` (``category``, ``avg_severity``): the mean severity of n and one
        more is (mean * n + severity) / (n + 1).

        Storing a debate again replaces what it stored: insights and performances that it has no
        longer are deleted. What was counted stays: patterns, none twice, and uses of insights. So
        does when an insight was made, and its ``confidence`` with what uses made of it, unless they
        are given again; a new one without has 0.5.
        """
        rows = debate_rows(insights)
        debate = rows.summary["debate_id"]
        async with self._database.transaction() as connection:
            await self._queries.upsert_summary(connection, **rows.summary)
            await self._queries.delete_other_insights(
                connection, debate_id=debate, kept_ids=[one["id"] for one in rows.insights]
            )
            await self._queries.delete_other_performances(
                connection,
                debate_id=debate,
                kept_names=[one["agent_name"] for one in rows.performances],
            )
            if rows.insights:
                await self._queries.upsert_insights(connection, rows.insights)
            if rows.performances:
                await self._queries.upsert_performances(connection, rows.performances)
            if rows.patterns:
                await self._queries.merge_patterns(connection, rows.patterns)
        return len(rows.insights)

    async def get_insight(self, insight_id: str) -> Insight | None:
        """Return an insight; None when there is none."""
        key = valid.text(insight_id, "insight_id")
        async with self._database.read() as connection:
            row = await self._queries.get_insight(connection, insight_id=key)
        return None if row is None else record_of(Insight, **row)

    async def search(
        self,
        query: str = "",
        insight_type: InsightType | None = None,
        agent: str | None = None,
        limit: int = 20,
        *,
        after: LastRow | None = None,
    ) -> list[Insight]:
        """Return a page of insights that a search finds, newest first; by a blank query, all.

        Searched are title, description, and texts in the metadata. ``after`` is the last row of the
        page before.
        """
        text = valid.text(query, "query")
        kind = valid.optional(
            insight_type, "insight_type", lambda v, a: valid.choice(v, a, INSIGHT_TYPES)
        )
        of = valid.optional_text(agent, "agent")
        page = newest_page(limit, after)
        terms = search_terms(text)[:MOST_SEARCH_TERMS]
        if text.strip() and not terms:
            return []
        async with self._database.read() as connection:
            if terms:
                rows: Any = self._queries.find_insights(
                    connection, expression=all_terms(terms), type=kind, agent=of, **page
                )
            elif kind is not None:
                rows = self._queries.list_insights_of_type(connection, type=kind, agent=of, **page)
            else:
                rows = self._queries.list_insights(connection, agent=of, **page)
            return [record_of(Insight, **row) async for row in rows]

    async def get_recent_insights(self, limit: int = 20) -> list[Insight]:
        """Return the newest insights."""
        return await self.search(limit=limit)

    async def get_relevant_insights(
        self, domain: str | None = None, min_confidence: float = 0.7, limit: int = 5
    ) -> list[Insight]:
        """Return the insights about something, or all, that are surest, of those the newest first.

        ``min_confidence`` is from 0 to 1.
        """
        text = valid.optional_text(domain, "domain") or ""
        least = valid.fraction(min_confidence, "min_confidence")
        row_limit = valid.limit(limit)
        terms = search_terms(text)[:MOST_SEARCH_TERMS]
        if text.strip() and not terms:
            return []
        async with self._database.read() as connection:
            if terms:
                rows: Any = self._queries.find_surest_insights(
                    connection,
                    expression=all_terms(terms),
                    min_confidence=least,
                    row_limit=row_limit,
                )
            else:
                rows = self._queries.list_surest_insights(
                    connection, min_confidence=least, row_limit=row_limit
                )
            return [record_of(Insight, **row) async for row in rows]

    async def get_common_patterns(
        self, min_occurrences: int = 2, category: str | None = None, limit: int = 10
    ) -> list[InsightPattern]:
        """Return patterns that were seen so often, those that were seen most often first."""
        least = valid.integer(min_occurrences, "min_occurrences")
        of = valid.optional_text(category, "category")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_patterns(
                connection, min_occurrences=least, category=of, row_limit=row_limit
            )
            return [record_of(InsightPattern, **row) async for row in rows]

    async def get_agent_stats(self, agent: str) -> AgentInsightStats:
        """Return how an agent did in all debates; zeros when it was in none."""
        name = valid.text(agent, "agent")
        async with self._database.read() as connection:
            row = await self._queries.get_agent_statistics(connection, agent=name)
        if row is None:
            return AgentInsightStats(name, 0, 0, 0, 0.0, 0, 0.0, 0.0)
        return record_of(AgentInsightStats, **row)

    async def get_all_agent_rankings(self) -> list[AgentInsightStats]:
        """Return how all agents did, those that contribute most first."""
        async with self._database.read() as connection:
            rows = self._queries.rank_agents(connection)
            return [record_of(AgentInsightStats, **row) async for row in rows]

    async def get_stats(self) -> InsightStatistics:
        """Return counts of all that is stored."""
        async with self._database.read() as connection:
            row = await self._queries.get_statistics(connection)
            by_type = [
                (one["type"], one["total"])
                async for one in self._queries.count_insights_by_type(connection)
            ]
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        total, debates = row["total_insights"], row["total_debates"]
        return {
            "total_insights": total,
            "total_debates": debates,
            "consensus_debates": row["consensus_debates"],
            "unique_agents": row["unique_agents"],
            "avg_insights_per_debate": total / debates if debates else 0.0,
            "insights_by_type": counts(by_type),
        }

    # Wisdom of an audience

    async def add_wisdom_submission(self, loop_id: str, data: Mapping[str, Any]) -> int:
        """Store what somebody of the audience of a loop said, and return its number.

        ``data`` has ``text`` (up to 280 characters), and may have ``submitter_id`` (else
        ``anonymous``) and ``context_tags``.
        """
        row = wisdom_parameters(loop_id, data)
        async with self._database.connection() as connection:
            return await self._queries.add_wisdom(connection, **row)

    async def get_relevant_wisdom(self, loop_id: str, limit: int = 3) -> list[Wisdom]:
        """Return what was said and nobody has taken, newest first."""
        key = valid.text(loop_id, "loop_id")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_wisdom(connection, loop_id=key, row_limit=row_limit)
            return [record_of(Wisdom, **row) async for row in rows]

    async def take_wisdom(self, loop_id: str, limit: int = 3) -> list[Wisdom]:
        """Take the newest of what was said and nobody has taken, and return it, newest first.

        It is one statement: what is taken by two at once, one of them gets.
        """
        key = valid.text(loop_id, "loop_id")
        row_limit = valid.limit(limit)
        async with self._database.connection() as connection:
            rows = self._queries.take_wisdom(connection, loop_id=key, row_limit=row_limit)
            taken = [record_of(Wisdom, **row) async for row in rows]
        return sorted(taken, key=lambda one: (one.created_at, one.id), reverse=True)

    async def mark_wisdom_used(self, submission_id: int) -> bool:
        """Say that something was taken; False when it is not known."""
        number = valid.integer(submission_id, "submission_id", most=2**63 - 1)
        async with self._database.connection() as connection:
            return bool(await self._queries.mark_wisdom_used(connection, wisdom_id=number))

    # Uses of insights

    async def record_insight_usage(
        self, insight_id: str, debate_id: str, was_successful: bool = True
    ) -> float | None:
        """Store that a debate used an insight; return its confidence now, None for no insight.

        Success raises the confidence by 0.05, failure lowers it by 0.03, within 0.1 and 0.99; so
        does each further call of the same debate, whose last word on success is kept.
        """
        insight = valid.key(insight_id, "insight_id")
        debate = valid.key(debate_id, "debate_id")
        succeeded = valid.boolean(was_successful, "was_successful")
        async with self._database.transaction() as connection:
            await self._queries.upsert_usage(
                connection, insight_id=insight, debate_id=debate, was_successful=succeeded
            )
            return await self._queries.adjust_confidence(
                connection, insight_id=insight, change=SUCCESS if succeeded else FAILURE
            )

    async def get_insight_usage_stats(self, insight_id: str) -> UsageStatistics:
        """Return how often an insight was used, and with what success."""
        key = valid.text(insight_id, "insight_id")
        async with self._database.read() as connection:
            row = await self._queries.get_usage_statistics(connection, insight_id=key)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        total, successful = row["total_uses"], row["successful_uses"]
        return {
            "insight_id": key,
            "total_uses": total,
            "successful_uses": successful,
            "success_rate": successful / total if total else 0.0,
        }
