"""The types of the queries of the store scheduled_debates.

Made by ``aragora-sql stubs`` from
``sql/postgres/scheduled_debates/queries.sql`` and ``sql/sqlite/scheduled_debates/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, TypedDict

from aragora_sql.database import Connection

class SaveDebateParameters(TypedDict):
    """One set of parameters of save_debate."""

    id: str
    topic_hash: str
    topic_text: str
    platform: str
    category: str | None
    volume: int | None
    debate_id: str | None
    created_at: datetime
    consensus_reached: bool | None
    confidence: float | None
    rounds_used: int | None
    scheduler_run_id: str | None
    finalized_at: datetime | None

class ScheduledDebateRow(TypedDict):
    """A row of list_debates, list_platform_debates, list_category_debates, list_pending."""

    id: str
    topic_hash: str
    topic_text: str
    platform: str
    category: str | None
    volume: int
    debate_id: str | None
    created_at: datetime
    consensus_reached: bool | None
    confidence: float | None
    rounds_used: int
    scheduler_run_id: str | None
    finalized_at: datetime | None

class GetTotalsRow(TypedDict):
    """A row of get_totals."""

    total: int
    completed: int
    agreed: int
    avg_confidence: float | None
    avg_rounds: float | None

class CountPlatformsRow(TypedDict):
    """A row of count_platforms, count_categories."""

    name: str
    total: int
    agreed: int

class CountDaysRow(TypedDict):
    """A row of count_days."""

    name: str
    total: int

class ScheduledDebatesQueries(Protocol):
    """The queries of the store scheduled_debates."""

    async def save_debate(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        topic_hash: str,
        topic_text: str,
        platform: str,
        category: str | None,
        volume: int | None,
        debate_id: str | None,
        created_at: datetime,
        consensus_reached: bool | None,
        confidence: float | None,
        rounds_used: int | None,
        scheduler_run_id: str | None,
        finalized_at: datetime | None,
    ) -> int:
        """Store a debate that was scheduled, or change the one of its id, which was scheduled when
        it was.

        What is NULL stays as it is, and the outcome as long as it is that of the same debate.

        Operation !: the number of rows changed.
        """

    async def hold_topic(self, connection: Connection, /, *, topic_hash: str | None) -> str:
        """Let one caller look for a topic and store it at a time.

        Operation $: the first value of the first row, or None.
        """

    async def insert_new_debate(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        topic_hash: str,
        topic_text: str,
        platform: str,
        category: str | None,
        volume: int | None,
        debate_id: str | None,
        consensus_reached: bool | None,
        confidence: float | None,
        rounds_used: int | None,
        scheduler_run_id: str | None,
        finalized_at: datetime | None,
        within_seconds: float,
    ) -> int:
        """Store a debate that is scheduled now, unless its topic was debated within some seconds;
        in place of an

        attempt at the topic that failed, where the id is of one. The clock is the database's, as
        that of a
        caller may be wrong.

        Operation !: the number of rows changed.
        """

    async def is_duplicate(
        self,
        connection: Connection,
        /,
        *,
        topic_hash: str,
        within_seconds: float,
    ) -> bool:
        """Tell whether a topic was debated within some seconds; an attempt that failed does not
        count.

        Operation $: the first value of the first row, or None.
        """

    def list_debates(
        self,
        connection: Connection,
        /,
        *,
        since: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ScheduledDebateRow]:
        """List what was scheduled at a time or later, newest first, from a place on.

        Operation (none): every row.
        """

    def list_platform_debates(
        self,
        connection: Connection,
        /,
        *,
        platform: str,
        category: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ScheduledDebateRow]:
        """List what was scheduled of a platform, of one category or of all, newest first, from a
        place on.

        Operation (none): every row.
        """

    def list_category_debates(
        self,
        connection: Connection,
        /,
        *,
        category: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ScheduledDebateRow]:
        """List what was scheduled of a category, newest first, from a place on.

        Operation (none): every row.
        """

    def list_pending(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ScheduledDebateRow]:
        """List the debates whose outcome is not known, newest first, from a place on.

        Operation (none): every row.
        """

    async def finalize(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        consensus_reached: bool | None,
        confidence: float | None,
        rounds_used: int,
        finalized_at: datetime | None,
    ) -> int:
        """Keep the outcome of a debate, where it is not known.

        Operation !: the number of rows changed.
        """

    async def delete_old(
        self,
        connection: Connection,
        /,
        *,
        created_before: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of what was scheduled before a time.

        Operation !: the number of rows changed.
        """

    async def get_totals(self, connection: Connection, /) -> GetTotalsRow:
        """Count what was scheduled, and of the debates whose outcome is known those with a
        consensus, and the

        means. An attempt that failed has no outcome.

        Operation ^: the first row, or None.
        """

    def count_platforms(self, connection: Connection, /) -> AsyncIterator[CountPlatformsRow]:
        """Count what was scheduled of each platform, and how much of it came to a consensus.

        Operation (none): every row.
        """

    def count_categories(self, connection: Connection, /) -> AsyncIterator[CountPlatformsRow]:
        """Count what was scheduled of each category, and how much of it came to a consensus.

        Operation (none): every row.
        """

    def count_days(
        self,
        connection: Connection,
        /,
        *,
        since: datetime,
    ) -> AsyncIterator[CountDaysRow]:
        """Count what was scheduled on each day in UTC, from a time on.

        Operation (none): every row.
        """

    async def count_debates(self, connection: Connection, /) -> int:
        """Count what was scheduled.

        Operation $: the first value of the first row, or None.
        """
