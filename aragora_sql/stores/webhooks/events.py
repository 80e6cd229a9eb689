"""Events that come in by webhooks of others: each is handled once.

Their queries: ``sql/postgres/webhooks/queries.sql`` and ``sql/sqlite/webhooks/queries.sql``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aragora_sql.database import Database
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.jobs.records import MOST_SECONDS

if TYPE_CHECKING:
    from aragora_sql.queries.typed.webhooks import WebhooksQueries

__all__ = ["WebhookEvents"]

DEFAULT_PROVIDER = "stripe"
DEFAULT_TTL_SECONDS = 86_400.0
DEFAULT_LEASE_SECONDS = 300.0
DONE_AT_ONCE = 1000


class WebhookEvents(Store):
    """Knows which events were handled. ``WebhookStore.events`` is one.

    An event is told by its provider and the id that the provider gave it. What was handled is
    known for ``ttl_seconds``: longer than a provider goes on sending an event again.

    >>> if await webhooks.events.claim(event_id):
    ...     await handle(event)
    ...     await webhooks.events.mark_processed(event_id)

    In one transaction with the work, a claim and the work take effect together or not at all.
    """

    name = "webhooks"
    _queries: WebhooksQueries

    def __init__(self, database: Database, *, ttl_seconds: float = DEFAULT_TTL_SECONDS) -> None:
        super().__init__(database)
        self._ttl_seconds = valid.number(ttl_seconds, "ttl_seconds", 0.0, MOST_SECONDS)

    async def claim(
        self,
        event_id: str,
        provider: str = DEFAULT_PROVIDER,
        *,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
    ) -> bool:
        """Take an event to handle it; False when it was handled, or somebody is handling it.

        Of any number of calls at once one is told True. Who does not call :meth:`mark_processed`
        within ``lease_seconds`` loses the event to the next call: choose more than handling takes.
        """
        source, event = _key(provider, event_id)
        seconds = valid.number(lease_seconds, "lease_seconds", 0.001, MOST_SECONDS)
        async with self._database.connection() as connection:
            taken = await self._queries.claim_event(
                connection,
                provider=source,
                event_id=event,
                lease_seconds=seconds,
                ttl_seconds=self._ttl_seconds,
            )
        return taken > 0

    async def release(self, event_id: str, provider: str = DEFAULT_PROVIDER) -> bool:
        """Give an event back that could not be handled; False when there is nothing to give back.

        Whoever gets it next may claim it at once. What was handled stays so.
        """
        source, event = _key(provider, event_id)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.release_event(connection, provider=source, event_id=event)
            )

    async def is_processed(self, event_id: str, provider: str = DEFAULT_PROVIDER) -> bool:
        """Tell whether an event was handled within the time that is remembered."""
        source, event = _key(provider, event_id)
        async with self._database.read() as connection:
            return await self._queries.is_event_processed(
                connection, provider=source, event_id=event, ttl_seconds=self._ttl_seconds
            )

    async def mark_processed(
        self, event_id: str, result: str = "success", provider: str = DEFAULT_PROVIDER
    ) -> None:
        """Note that an event was handled, now, and what came of it; whether it was claimed or not.

        One that is noted again is remembered from now on.
        """
        source, event = _key(provider, event_id)
        checked = valid.identifier(result, "result")
        async with self._database.connection() as connection:
            await self._queries.mark_event(
                connection, provider=source, event_id=event, result=checked
            )

    async def cleanup_expired(self) -> int:
        """Delete events that are not remembered any longer, in batches; return how many."""

        async def handled() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_events(
                    connection, ttl_seconds=self._ttl_seconds, row_limit=DONE_AT_ONCE
                )

        async def claimed() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_claims(
                    connection, ttl_seconds=self._ttl_seconds, row_limit=DONE_AT_ONCE
                )

        return await in_batches(handled) + await in_batches(claimed)

    async def size(self) -> int:
        """Return how many events are stored."""
        async with self._database.read() as connection:
            return await self._queries.count_events(connection)


def _key(provider: object, event_id: object) -> tuple[str, str]:
    return valid.key(provider, "provider"), valid.key(event_id, "event_id")
