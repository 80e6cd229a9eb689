"""What happened in shared inboxes, for as long as it is kept.

Its queries: ``sql/postgres/inbox_activities/queries.sql`` and
``sql/sqlite/inbox_activities/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import CleanupTurns, days_of, in_batches
from aragora_sql.stores.inbox_activities.records import (
    ACTIONS,
    Action,
    InboxActivity,
    activity_parameters,
)
from aragora_sql.stores.paging import LastRow, newest_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.inbox_activities import InboxActivitiesQueries

__all__ = ["InboxActivityStore"]

RETENTION_DAYS = "ARAGORA_INBOX_ACTIVITY_RETENTION_DAYS"
DEFAULT_DAYS = 90.0
SECONDS_PER_DAY = 86_400.0
BATCH = 1000


class InboxActivityStore(Store):
    """Keeps what happened in shared inboxes.

    ``retention_days`` (above 0) is how long, by the clock of the database; None: what
    ``ARAGORA_INBOX_ACTIVITY_RETENTION_DAYS`` says, else 90. What is older is deleted by
    :meth:`cleanup_expired`, which :meth:`log_activity` calls every five minutes at most.

    With ``org_id`` a method sees the activities of that organization only. Lists return pages,
    newest first: ``limit=``, and ``after=`` the last row of the page before; with ``since=``, an
    aware time, not what is older.
    """

    name = "inbox_activities"
    _queries: InboxActivitiesQueries

    def __init__(self, database: Database, *, retention_days: float | None = None) -> None:
        super().__init__(database)
        self._retention_days = days_of(retention_days, RETENTION_DAYS, DEFAULT_DAYS)
        self._cleanup_turns = CleanupTurns()

    async def log_activity(self, activity: Mapping[str, Any] | InboxActivity) -> InboxActivity:
        """Store an activity, and return it.

        ``inbox_id``, ``org_id``, ``actor_id`` and ``action`` (such as ``assigned``) are needed;
        ``id`` is made, and ``created_at`` (aware, or ISO-8601 text) is now without them;
        ``target_id`` names a message or member. Raises
        :class:`~aragora_sql.errors.DuplicateKeyError` for an ``id`` that is there.
        """
        row = activity_parameters(activity)
        async with self._database.connection() as connection:
            made = await self._queries.insert_activity(connection, **row)
        if self._cleanup_turns.take(self._database):
            await self.cleanup_expired()
        return record_of(InboxActivity, **made)

    async def get_activity(
        self, activity_id: str, org_id: str | None = None
    ) -> InboxActivity | None:
        """Return an activity, or None."""
        key = valid.text(activity_id, "activity_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_activity(connection, id=key, org_id=organization)
        return None if row is None else record_of(InboxActivity, **row)

    async def get_activities(
        self,
        inbox_id: str,
        limit: int = 100,
        *,
        action: Action | None = None,
        org_id: str | None = None,
        since: datetime | None = None,
        after: LastRow | None = None,
    ) -> list[InboxActivity]:
        """Return a page of what happened in an inbox, of one action or of any."""
        inbox = valid.text(inbox_id, "inbox_id")
        word = _action(action)
        organization = valid.optional_text(org_id, "org_id")
        page = _page(limit, since, after)
        async with self._database.read() as connection:
            rows = self._queries.list_inbox_activities(
                connection, inbox_id=inbox, org_id=organization, action=word, **page
            )
            return [record_of(InboxActivity, **row) async for row in rows]

    async def get_message_history(
        self,
        message_id: str,
        limit: int = 100,
        *,
        org_id: str | None = None,
        since: datetime | None = None,
        after: LastRow | None = None,
    ) -> list[InboxActivity]:
        """Return a page of what was done to a message."""
        target = valid.text(message_id, "message_id")
        organization = valid.optional_text(org_id, "org_id")
        page = _page(limit, since, after)
        async with self._database.read() as connection:
            rows = self._queries.list_target_activities(
                connection, target_id=target, org_id=organization, **page
            )
            return [record_of(InboxActivity, **row) async for row in rows]

    async def get_org_activities(
        self,
        org_id: str,
        limit: int = 100,
        *,
        since: datetime | None = None,
        after: LastRow | None = None,
    ) -> list[InboxActivity]:
        """Return a page of what happened in the inboxes of an organization."""
        organization = valid.text(org_id, "org_id")
        page = _page(limit, since, after)
        async with self._database.read() as connection:
            rows = self._queries.list_org_activities(connection, org_id=organization, **page)
            return [record_of(InboxActivity, **row) async for row in rows]

    async def get_actor_activities(
        self,
        actor_id: str,
        limit: int = 100,
        *,
        org_id: str | None = None,
        since: datetime | None = None,
        after: LastRow | None = None,
    ) -> list[InboxActivity]:
        """Return a page of what a user did."""
        actor = valid.text(actor_id, "actor_id")
        organization = valid.optional_text(org_id, "org_id")
        page = _page(limit, since, after)
        async with self._database.read() as connection:
            rows = self._queries.list_actor_activities(
                connection, actor_id=actor, org_id=organization, **page
            )
            return [record_of(InboxActivity, **row) async for row in rows]

    async def count_activities(
        self,
        inbox_id: str | None = None,
        org_id: str | None = None,
        action: Action | None = None,
    ) -> int:
        """Return the number of activities, of one inbox, organization or action or of all."""
        inbox = valid.optional_text(inbox_id, "inbox_id")
        organization = valid.optional_text(org_id, "org_id")
        word = _action(action)
        async with self._database.read() as connection:
            return await self._queries.count_activities(
                connection, inbox_id=inbox, org_id=organization, action=word
            )

    async def cleanup_expired(self) -> int:
        """Delete what is too old, in small transactions, and return how many there were."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_old_activities(
                    connection,
                    age_seconds=self._retention_days * SECONDS_PER_DAY,
                    row_limit=BATCH,
                )

        return await in_batches(batch)


def _action(value: Any) -> Action | None:
    return valid.optional(value, "action", lambda v, a: valid.choice(v, a, ACTIONS))


def _page(limit: int, since: datetime | None, after: LastRow | None) -> dict[str, Any]:
    return {
        **newest_page(limit, after),
        "since": valid.optional(since, "since", valid.timestamp),
    }
