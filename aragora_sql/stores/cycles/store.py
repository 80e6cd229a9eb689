"""Cycles of self-improvement.

Its queries: ``sql/postgres/cycles/queries.sql`` and ``sql/sqlite/cycles/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.cycles.records import (
    Cycle,
    PatternStatistics,
    TrajectoryPoint,
    cycle_parameters,
    entries_of,
    trajectory_point,
)
from aragora_sql.stores.documents import number_in
from aragora_sql.stores.paging import LastRow, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS, all_terms
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.cycles import CyclesQueries

__all__ = ["CycleStore"]

BATCH = 500
# Cycles that statistics of patterns look at, and examples that they give of each kind.
OF_PATTERNS = 100
MOST_EXAMPLES = 3


class CycleStore(Store):
    """Keeps the records of cycles of self-improvement; everything is newest first.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "cycles"
    _queries: CyclesQueries

    async def save_cycle(self, record: Mapping[str, Any] | Any) -> None:
        """Store a cycle, or replace the one of its id: a dictionary, or what has ``to_dict()``.

        It has ``cycle_id`` and ``started_at`` (aware, ISO-8601 text, or seconds since 1970), and
        may have ``completed_at``, ``duration_seconds``, ``success``, ``topics_debated`` (texts),
        ``agent_contributions`` (an object for each agent), ``pattern_reinforcements`` and
        ``surprise_events`` (lists of objects), and anything else: it is kept whole.
        """
        to_dict = getattr(record, "to_dict", None)
        row = cycle_parameters(record if to_dict is None else to_dict())
        async with self._database.connection() as connection:
            await self._queries.save_cycle(connection, **row)

    async def load_cycle(self, cycle_id: str) -> Cycle | None:
        """Return a cycle; None when there is none."""
        key = valid.text(cycle_id, "cycle_id")
        async with self._database.read() as connection:
            row = await self._queries.get_cycle(connection, cycle_id=key)
        return None if row is None else record_of(Cycle, **row)

    async def get_recent_cycles(self, n: int = 10, *, after: LastRow | None = None) -> list[Cycle]:
        """Return a page of the cycles; ``after`` is the last one of the page before."""
        page = newest_page(n, after, "cycle_id", "started_at", argument="n")
        async with self._database.read() as connection:
            rows = self._queries.list_cycles(connection, **page)
            return [record_of(Cycle, **row) async for row in rows]

    async def get_successful_cycles(
        self, n: int = 10, *, after: LastRow | None = None
    ) -> list[Cycle]:
        """Return a page of those that succeeded; ``after`` is the last one of the page before."""
        page = newest_page(n, after, "cycle_id", "started_at", argument="n")
        async with self._database.read() as connection:
            rows = self._queries.list_successful_cycles(connection, **page)
            return [record_of(Cycle, **row) async for row in rows]

    async def query_by_topic(self, topic: str, limit: int = 10) -> list[Cycle]:
        """Return the cycles in whose topics all the words are, without regard to case and accents.

        At most 16 words count.
        """
        terms = search_terms(valid.text(topic, "topic"))[:MOST_SEARCH_TERMS]
        row_limit = valid.limit(limit)
        if not terms:
            return []
        async with self._database.read() as connection:
            rows = self._queries.find_cycles(
                connection, expression=all_terms(terms), row_limit=row_limit
            )
            return [record_of(Cycle, **row) async for row in rows]

    async def get_agent_trajectory(self, agent: str, n: int = 20) -> list[TrajectoryPoint]:
        """Return what an agent did in those of the last ``n`` cycles that it took part in."""
        name = valid.text(agent, "agent")
        points = (trajectory_point(cycle, name) for cycle in await self.get_recent_cycles(n))
        return [point for point in points if point is not None]

    async def get_pattern_statistics(self) -> dict[str, PatternStatistics]:
        """Return how each kind of patterns went in the last 100 cycles."""
        found: dict[str, PatternStatistics] = {}
        for cycle in await self.get_recent_cycles(OF_PATTERNS):
            for entry in entries_of(cycle, "pattern_reinforcements"):
                one = found.setdefault(
                    str(entry.get("pattern_type", "unknown")),
                    {
                        "success_count": 0,
                        "failure_count": 0,
                        "success_rate": 0.0,
                        "avg_confidence": 0.0,
                        "total_confidence": 0.0,
                        "examples": [],
                    },
                )
                one["success_count" if entry.get("success") else "failure_count"] += 1
                one["total_confidence"] += number_in(entry, "confidence")
                if len(one["examples"]) < MOST_EXAMPLES:
                    one["examples"].append(str(entry.get("description", "")))
        for one in found.values():
            total = one["success_count"] + one["failure_count"]
            one["success_rate"] = one["success_count"] / total
            one["avg_confidence"] = one["total_confidence"] / total
        return found

    async def get_surprise_summary(self, n: int = 50) -> dict[str, list[dict[str, Any]]]:
        """Return the surprises of the last ``n`` cycles by phase, each with its cycle's id."""
        found: dict[str, list[dict[str, Any]]] = {}
        for cycle in await self.get_recent_cycles(n):
            for entry in entries_of(cycle, "surprise_events"):
                phase = str(entry.get("phase", "unknown"))
                found.setdefault(phase, []).append({**entry, "cycle_id": cycle.cycle_id})
        return found

    async def cleanup_old_cycles(self, keep_count: int = 100) -> int:
        """Delete all but so many of the newest cycles, in small transactions; return how many."""
        kept = valid.integer(keep_count, "keep_count")

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.trim_cycles(connection, keep_count=kept, row_limit=BATCH)

        return await in_batches(batch)

    async def get_cycle_count(self) -> int:
        """Return the number of cycles."""
        async with self._database.read() as connection:
            return await self._queries.count_cycles(connection)
