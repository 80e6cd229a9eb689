"""The types of the queries of the store cycles.

Made by ``aragora-sql stubs`` from
``sql/postgres/cycles/queries.sql`` and ``sql/sqlite/cycles/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class SaveCycleParameters(TypedDict):
    """One set of parameters of save_cycle."""

    cycle_id: str
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: float | None
    success: bool
    topics: Any
    data: Any
    search_terms: str

class CycleRow(TypedDict):
    """A row of get_cycle, list_cycles, list_successful_cycles, find_cycles."""

    cycle_id: str
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: float | None
    success: bool
    topics: Any
    data: Any

class CyclesQueries(Protocol):
    """The queries of the store cycles."""

    async def save_cycle(
        self,
        connection: Connection,
        /,
        *,
        cycle_id: str,
        started_at: datetime,
        completed_at: datetime | None,
        duration_seconds: float | None,
        success: bool,
        topics: Any,
        data: Any,
        search_terms: str,
    ) -> int:
        """Store a cycle, or replace it.

        Operation !: the number of rows changed.
        """

    async def get_cycle(self, connection: Connection, /, *, cycle_id: str) -> CycleRow | None:
        """Return a cycle.

        Operation ^: the first row, or None.
        """

    def list_cycles(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[CycleRow]:
        """List cycles, newest first, from a place on.

        Operation (none): every row.
        """

    def list_successful_cycles(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[CycleRow]:
        """List cycles that succeeded, newest first, from a place on.

        Operation (none): every row.
        """

    def find_cycles(
        self,
        connection: Connection,
        /,
        *,
        expression: str,
        row_limit: int,
    ) -> AsyncIterator[CycleRow]:
        """List the cycles in whose topics words are, newest first.

        Operation (none): every row.
        """

    async def count_cycles(self, connection: Connection, /) -> int:
        """Count all cycles.

        Operation $: the first value of the first row, or None.
        """

    async def trim_cycles(
        self,
        connection: Connection,
        /,
        *,
        keep_count: int,
        row_limit: int,
    ) -> int:
        """Delete some of the cycles that are more than so many, the oldest first.

        Operation !: the number of rows changed.
        """
