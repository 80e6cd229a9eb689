"""Where debates and other requests came from.

Its queries: ``sql/postgres/debate_origins/queries.sql`` and
``sql/sqlite/debate_origins/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import CleanupTurns, in_batches
from aragora_sql.stores.debate_origins.records import DebateOrigin, checked_ttl, ttl_from_env
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.debate_origins import DebateOriginsQueries

__all__ = ["DebateOriginStore"]

BATCH = 1000
DEBATE = "debate"
EMAIL_REPLY = "email_reply"


class DebateOriginStore(Store):
    """Keeps where debates and other requests came from, each for a while.

    ``ttl_seconds`` (above 0) is for how long, by the clock of the database; None: what
    ``DEBATE_ORIGIN_TTL`` says, or a day. What is over is not found any more, and is deleted by
    :meth:`cleanup_expired`, which registering calls every five minutes at most.

    An origin has an id among those of its type, so that nothing else takes the place of a debate's.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "debate_origins"
    _queries: DebateOriginsQueries

    def __init__(self, database: Database, *, ttl_seconds: float | None = None) -> None:
        super().__init__(database)
        self._ttl = ttl_from_env() if ttl_seconds is None else checked_ttl(ttl_seconds)
        self._cleanup_turns = CleanupTurns()

    async def register_origin(
        self,
        origin_id: str,
        origin_type: str,
        platform: str,
        channel_id: str,
        user_id: str,
        thread_id: str | None = None,
        message_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ttl_seconds: float | None = None,
        *,
        debate_id: str | None = None,
        session_id: str | None = None,
    ) -> DebateOrigin:
        """Store where something came from, and return it; one of the same id is replaced.

        Whether its result was sent stays then, unless the replaced one is over. ``ttl_seconds`` is
        None for that of the store.
        """
        row: dict[str, Any] = {
            "origin_id": valid.key(origin_id, "origin_id"),
            "origin_type": valid.key(origin_type, "origin_type"),
            "debate_id": valid.optional(debate_id, "debate_id", valid.key),
            "platform": valid.key(platform, "platform"),
            "channel_id": valid.key(channel_id, "channel_id"),
            "user_id": valid.key(user_id, "user_id"),
            "thread_id": valid.optional(thread_id, "thread_id", valid.key),
            "message_id": valid.optional(message_id, "message_id", valid.key),
            "session_id": valid.optional_text(session_id, "session_id"),
            "metadata": valid.document(metadata, "metadata"),
            "ttl_seconds": self._ttl if ttl_seconds is None else checked_ttl(ttl_seconds),
        }
        async with self._database.connection() as connection:
            saved = await self._queries.save_origin(connection, **row)
        assert saved is not None  # noqa: S101 - it returns what it wrote
        if self._cleanup_turns.take(self._database):
            await self.cleanup_expired()
        return record_of(DebateOrigin, **saved)

    async def register_debate_origin(
        self,
        debate_id: str,
        platform: str,
        channel_id: str,
        user_id: str,
        thread_id: str | None = None,
        message_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        session_id: str | None = None,
    ) -> DebateOrigin:
        """Store where a debate came from; see :meth:`register_origin`."""
        key = valid.key(debate_id, "debate_id")
        return await self.register_origin(
            key,
            DEBATE,
            platform,
            channel_id,
            user_id,
            thread_id,
            message_id,
            metadata,
            debate_id=key,
            session_id=session_id,
        )

    async def register_email_origin(
        self,
        debate_id: str,
        message_id: str,
        recipient_email: str,
        recipient_name: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> DebateOrigin:
        """Store that a message about a debate was sent by e-mail, to which a reply may come.

        The name of who got it goes to ``metadata``.
        """
        debate = valid.key(debate_id, "debate_id")
        message = valid.key(message_id, "message_id")
        address = valid.key(recipient_email, "recipient_email")
        named = valid.text(recipient_name, "recipient_name")
        valid.document(metadata, "metadata")
        return await self.register_origin(
            message,
            EMAIL_REPLY,
            "email",
            address,
            address,
            message_id=message,
            metadata={**(metadata or {}), **({"recipient_name": named} if named else {})},
            debate_id=debate,
        )

    async def get_origin(self, origin_id: str, origin_type: str = DEBATE) -> DebateOrigin | None:
        """Return where something came from; None when that is not known, or over."""
        key = valid.text(origin_id, "origin_id")
        kind = valid.text(origin_type, "origin_type")
        async with self._database.read() as connection:
            row = await self._queries.get_origin(connection, origin_type=kind, origin_id=key)
        return None if row is None else record_of(DebateOrigin, **row)

    async def get_debate_origin(self, debate_id: str) -> DebateOrigin | None:
        """Return where a debate came from; None when that is not known, or over."""
        return await self.get_origin(valid.text(debate_id, "debate_id"))

    async def get_origin_by_channel(
        self, platform: str, channel_id: str, thread_id: str | None = None
    ) -> DebateOrigin | None:
        """Return what came from a channel last, or from one of its threads; None for nothing."""
        of = valid.text(platform, "platform")
        channel = valid.text(channel_id, "channel_id")
        thread = valid.optional_text(thread_id, "thread_id")
        async with self._database.read() as connection:
            if thread is None:
                row = await self._queries.get_channel_origin(
                    connection, platform=of, channel_id=channel
                )
                return None if row is None else record_of(DebateOrigin, **row)
            row = await self._queries.get_thread_origin(
                connection, platform=of, channel_id=channel, thread_id=thread
            )
        return None if row is None else record_of(DebateOrigin, **row)

    async def get_origin_by_message(self, platform: str, message_id: str) -> DebateOrigin | None:
        """Return what came with a message last; None for nothing."""
        of = valid.text(platform, "platform")
        message = valid.text(message_id, "message_id")
        async with self._database.read() as connection:
            row = await self._queries.get_message_origin(
                connection, platform=of, message_id=message
            )
        return None if row is None else record_of(DebateOrigin, **row)

    async def get_origin_by_reply(self, in_reply_to: str) -> DebateOrigin | None:
        """Return what a reply by e-mail is about, by the id of the message that it replies to."""
        return await self.get_origin(valid.text(in_reply_to, "in_reply_to"), EMAIL_REPLY)

    async def list_pending(
        self,
        origin_type: str | None = None,
        platform: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[DebateOrigin]:
        """Return a page of what waits for its result, newest first.

        ``after`` is the last row of the page before.
        """
        kind = valid.optional_text(origin_type, "origin_type")
        of = valid.optional_text(platform, "platform")
        row_limit = valid.limit(limit)
        timestamp, last_type, last_id = key_of(
            after,
            {
                "created_at": valid.timestamp_or_text,
                "origin_type": valid.text,
                "origin_id": valid.text,
            },
            (LAST_TIMESTAMP, "", ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_pending(
                connection,
                origin_type=kind,
                platform=of,
                after_timestamp=timestamp,
                after_type=last_type,
                after_id=last_id,
                row_limit=row_limit,
            )
            return [record_of(DebateOrigin, **row) async for row in rows]

    async def claim_result(self, origin_id: str, origin_type: str = DEBATE) -> bool:
        """Take the right to send a result; False when it was sent or claimed, or is over.

        It is one statement: of any number of processes that ask at once, one gets it. Who can't
        send it calls :meth:`release_result`.
        """
        key = valid.text(origin_id, "origin_id")
        kind = valid.text(origin_type, "origin_type")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.claim_result(connection, origin_type=kind, origin_id=key)
            )

    async def release_result(self, origin_id: str, origin_type: str = DEBATE) -> bool:
        """Let somebody else send a result that could not be sent.

        False for an origin that is not known, or over.
        """
        return await self._set_sent(origin_id, origin_type, is_sent=False)

    async def mark_result_sent(self, origin_id: str, origin_type: str = DEBATE) -> bool:
        """Say that a result was sent, whoever did; False for an origin not known, or over."""
        return await self._set_sent(origin_id, origin_type, is_sent=True)

    async def _set_sent(self, origin_id: str, origin_type: str, *, is_sent: bool) -> bool:
        key = valid.text(origin_id, "origin_id")
        kind = valid.text(origin_type, "origin_type")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_result_sent(
                    connection, origin_type=kind, origin_id=key, result_sent=is_sent
                )
            )

    async def cleanup_expired(self) -> int:
        """Delete what is over, in small transactions, and return how many there were."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_origins(connection, row_limit=BATCH)

        return await in_batches(batch)
