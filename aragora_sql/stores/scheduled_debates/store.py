"""Topics that were debated by a schedule.

Its queries: ``sql/postgres/scheduled_debates/queries.sql`` and
``sql/sqlite/scheduled_debates/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import utc_now
from aragora_sql.errors import AlreadyTakenError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LastRow, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.scheduled_debates.records import (
    GroupTotals,
    ScheduledDebate,
    ScheduledDebateAnalytics,
    debate_parameters,
    hash_topic,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.scheduled_debates import (
        CountPlatformsRow,
        ScheduledDebatesQueries,
    )

__all__ = ["ScheduledDebateStore"]

BATCH = 500
HOURS_PER_DAY = 24.0
SECONDS_PER_HOUR = 3600.0
DAYS_COUNTED = 7


class ScheduledDebateStore(Store):
    """Keeps which topics were debated, so that none is debated twice within some hours.

    When a scheduler runs is for the job queue: a schedule of
    :meth:`~aragora_sql.JobQueueStore.set_schedule` enqueues each run once, and
    :meth:`claim_topic` lets one of any number of runs have a topic.

    Lists return pages, newest first: ``limit=``, and ``after=`` the last record of the page before.
    Bad arguments are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument.
    """

    name = "scheduled_debates"
    _queries: ScheduledDebatesQueries

    @staticmethod
    def hash_topic(text: str) -> str:
        """Return by what a topic is known again: see :func:`hash_topic` of the records."""
        return hash_topic(text)

    async def record_scheduled_debate(self, record: Mapping[str, Any] | ScheduledDebate) -> str:
        """Store a topic that was debated, or change the row of its ``id``; return the id.

        ``record`` has the members of
        :class:`~aragora_sql.stores.scheduled_debates.ScheduledDebate`, of which ``topic_text`` and
        ``platform`` are needed; ``created_at`` may be seconds since 1970. Without ``debate_id`` the
        attempt failed.

        A row that is there keeps its ``created_at``, and what is not given; of the outcome and
        its ``finalized_at`` only as long as ``debate_id`` is the same.
        """
        row = debate_parameters(record, utc_now())
        async with self._database.connection() as connection:
            await self._queries.save_debate(connection, **row)
        return str(row["id"])

    async def claim_topic(
        self, record: Mapping[str, Any] | ScheduledDebate, hours: float = 24.0
    ) -> str | None:
        """Store a topic that is to be debated; return its id, or None when it was within ``hours``.

        Of any number of processes that claim a topic at once one gets it, whatever their clocks
        say: it is claimed at the time of the database, and the record's ``created_at`` does not
        count. The record needs a ``debate_id``; when the debate fails to begin,
        :meth:`record_scheduled_debate` of the same ``id`` without one gives the topic back, which
        then can be claimed with that ``id``, too. An ``id`` of anything else that was scheduled is
        an :class:`~aragora_sql.errors.AlreadyTakenError`.
        """
        row: Any = debate_parameters(record, utc_now())
        if row["debate_id"] is None:
            raise InvalidInputError("record.debate_id", "must be given for what is to be debated")
        del row["created_at"]
        chosen: Any = {"topic_hash": row["topic_hash"], "within_seconds": _seconds(hours)}
        async with self._database.transaction() as connection:
            await self._queries.hold_topic(connection, topic_hash=row["topic_hash"])
            stored = await self._queries.insert_new_debate(connection, **{**row, **chosen})
            if not stored and not await self._queries.is_duplicate(connection, **chosen):
                raise AlreadyTakenError(
                    "record.id",
                    f"{row['id']!r} is the id of another topic or debate that was scheduled: "
                    "leave it out, so that a new one is drawn",
                )
        return str(row["id"]) if stored else None

    async def is_duplicate(self, topic_text: str, hours: float = 24.0) -> bool:
        """Tell whether a topic was debated within ``hours``; failed attempts do not count."""
        digest = hash_topic(topic_text)
        seconds = _seconds(hours)
        async with self._database.read() as connection:
            return await self._queries.is_duplicate(
                connection, topic_hash=digest, within_seconds=seconds
            )

    async def get_recent_topics(
        self, hours: float = 24.0, limit: int = 100, *, after: LastRow | None = None
    ) -> list[ScheduledDebate]:
        """Return a page of what was scheduled within ``hours``."""
        page = newest_page(limit, after)
        since = _since(hours, utc_now())
        async with self._database.read() as connection:
            rows = self._queries.list_debates(connection, since=since, **page)
            return [record_of(ScheduledDebate, **row) async for row in rows]

    async def get_history(
        self,
        limit: int = 50,
        *,
        platform: str | None = None,
        category: str | None = None,
        after: LastRow | None = None,
    ) -> list[ScheduledDebate]:
        """Return a page of what was scheduled, of one platform and category or of all."""
        place = valid.optional_text(platform, "platform")
        field = valid.optional_text(category, "category")
        page = newest_page(limit, after)
        async with self._database.read() as connection:
            if place is not None:
                rows = self._queries.list_platform_debates(
                    connection, platform=place, category=field, **page
                )
            elif field is not None:
                rows = self._queries.list_category_debates(connection, category=field, **page)
            else:
                rows = self._queries.list_debates(connection, since=FIRST_TIMESTAMP, **page)
            return [record_of(ScheduledDebate, **row) async for row in rows]

    async def get_pending_outcomes(
        self, limit: int = 100, *, after: LastRow | None = None
    ) -> list[ScheduledDebate]:
        """Return a page of the debates whose outcome is not known."""
        page = newest_page(limit, after)
        async with self._database.read() as connection:
            rows = self._queries.list_pending(connection, **page)
            return [record_of(ScheduledDebate, **row) async for row in rows]

    async def count_total(self) -> int:
        """Return how much was scheduled."""
        async with self._database.read() as connection:
            return await self._queries.count_debates(connection)

    async def finalize_debate_outcome(
        self, debate_id: str, consensus_reached: bool, confidence: float, rounds_used: int
    ) -> bool:
        """Keep the outcome of a debate; False when none of this id waits for one."""
        row: Any = {
            "debate_id": valid.text(debate_id, "debate_id"),
            "consensus_reached": valid.boolean(consensus_reached, "consensus_reached"),
            "confidence": valid.fraction(confidence, "confidence"),
            "rounds_used": valid.integer(rounds_used, "rounds_used"),
        }
        async with self._database.connection() as connection:
            return bool(await self._queries.finalize(connection, finalized_at=utc_now(), **row))

    async def cleanup_old(self, days: float = 30.0) -> int:
        """Delete what was scheduled more than so many days ago, in small transactions; count it."""
        before = age_limit(days, utc_now(), "days")

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_old(
                    connection, created_before=before, row_limit=BATCH
                )

        return await in_batches(batch)

    async def get_analytics(self) -> ScheduledDebateAnalytics:
        """Return counts of all that was scheduled; a debate that is pending is not completed."""
        since = utc_now() - timedelta(days=DAYS_COUNTED)
        async with self._database.read() as connection:
            totals = await self._queries.get_totals(connection)
            platforms = [row async for row in self._queries.count_platforms(connection)]
            categories = [row async for row in self._queries.count_categories(connection)]
            days = [row async for row in self._queries.count_days(connection, since=since)]
        assert totals is not None  # noqa: S101 - an aggregate without GROUP BY is one row
        completed = totals["completed"]
        return {
            "total": totals["total"],
            "completed_debates": completed,
            "consensus_rate": totals["agreed"] / completed if completed else None,
            "avg_confidence": totals["avg_confidence"],
            "avg_rounds": totals["avg_rounds"],
            "by_platform": _groups(platforms),
            "by_category": _groups(categories),
            "daily_counts": {row["name"]: row["total"] for row in days},
        }


def _groups(rows: Iterable[CountPlatformsRow]) -> dict[str, GroupTotals]:
    return {row["name"]: {"total": row["total"], "consensus_count": row["agreed"]} for row in rows}


def _since(hours: Any, now: datetime) -> datetime:
    return age_limit(valid.number(hours, "hours") / HOURS_PER_DAY, now, "hours")


def _seconds(hours: Any) -> float:
    """Check hours as :func:`_since` does, for what the database counts from its own time."""
    _since(hours, utc_now())
    return float(hours) * SECONDS_PER_HOUR
