"""The types of the queries of the store debate_origins.

Made by ``aragora-sql stubs`` from
``sql/postgres/debate_origins/queries.sql`` and ``sql/sqlite/debate_origins/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class DebateOriginRow(TypedDict):
    """A row of save_origin, get_origin, get_channel_origin, get_thread_origin, get_message_origin,
    list_pending."""

    origin_type: str
    origin_id: str
    debate_id: str | None
    platform: str
    channel_id: str
    user_id: str
    thread_id: str | None
    message_id: str | None
    session_id: str | None
    metadata: Any
    result_sent: bool
    result_sent_at: datetime | None
    created_at: datetime
    expires_at: datetime

class SaveOriginParameters(TypedDict):
    """One set of parameters of save_origin."""

    origin_type: str
    origin_id: str
    debate_id: str | None
    platform: str
    channel_id: str
    user_id: str
    thread_id: str | None
    message_id: str | None
    session_id: str | None
    metadata: Any
    ttl_seconds: float

class DebateOriginsQueries(Protocol):
    """The queries of the store debate_origins."""

    async def save_origin(
        self,
        connection: Connection,
        /,
        *,
        origin_type: str,
        origin_id: str,
        debate_id: str | None,
        platform: str,
        channel_id: str,
        user_id: str,
        thread_id: str | None,
        message_id: str | None,
        session_id: str | None,
        metadata: Any,
        ttl_seconds: float,
    ) -> DebateOriginRow:
        """Store where something came from, or replace it; whether its result was sent stays,
        unless what is

        replaced is over. What came from the channel before is older than this, by a microsecond
        at least.

        Operation ^: the first row, or None.
        """

    async def get_origin(
        self,
        connection: Connection,
        /,
        *,
        origin_type: str,
        origin_id: str,
    ) -> DebateOriginRow | None:
        """Return where something came from, unless that is over.

        Operation ^: the first row, or None.
        """

    async def get_channel_origin(
        self,
        connection: Connection,
        /,
        *,
        platform: str,
        channel_id: str,
    ) -> DebateOriginRow | None:
        """Return what came from a channel last, unless that is over.

        Operation ^: the first row, or None.
        """

    async def get_thread_origin(
        self,
        connection: Connection,
        /,
        *,
        platform: str,
        channel_id: str,
        thread_id: str,
    ) -> DebateOriginRow | None:
        """Return what came from a thread of a channel last, unless that is over.

        Operation ^: the first row, or None.
        """

    async def get_message_origin(
        self,
        connection: Connection,
        /,
        *,
        platform: str,
        message_id: str,
    ) -> DebateOriginRow | None:
        """Return what came with a message last, unless that is over.

        Operation ^: the first row, or None.
        """

    def list_pending(
        self,
        connection: Connection,
        /,
        *,
        origin_type: str | None,
        platform: str | None,
        after_timestamp: datetime,
        after_type: str,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DebateOriginRow]:
        """List what waits for its result, newest first, from a place on, of one type and platform
        or of all.

        Operation (none): every row.
        """

    async def claim_result(
        self,
        connection: Connection,
        /,
        *,
        origin_type: str,
        origin_id: str,
    ) -> int:
        """Take the right to send a result, unless somebody did or it is over.

        Operation !: the number of rows changed.
        """

    async def set_result_sent(
        self,
        connection: Connection,
        /,
        *,
        origin_type: str,
        origin_id: str,
        result_sent: bool,
    ) -> int:
        """Say whether a result was sent, unless it is over.

        Operation !: the number of rows changed.
        """

    async def delete_expired_origins(self, connection: Connection, /, *, row_limit: int) -> int:
        """Delete some of what is over.

        Operation !: the number of rows changed.
        """
