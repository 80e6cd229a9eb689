"""The types of the queries of the store inbox_activities.

Made by ``aragora-sql stubs`` from
``sql/postgres/inbox_activities/queries.sql`` and ``sql/sqlite/inbox_activities/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

ActionWord = Literal[
    "assigned",
    "reassigned",
    "status_changed",
    "note_added",
    "sla_breached",
    "sla_warning",
    "member_added",
    "member_removed",
    "member_role_changed",
    "message_received",
    "message_sent",
    "tag_added",
    "tag_removed",
    "priority_changed",
    "merged",
    "split",
]

class InboxActivityRow(TypedDict):
    """A row of insert_activity, get_activity, list_inbox_activities, list_target_activities,
    list_org_activities, list_actor_activities."""

    id: str
    inbox_id: str
    org_id: str
    actor_id: str
    action: ActionWord
    target_id: str | None
    metadata: Any
    created_at: datetime

class InsertActivityParameters(TypedDict):
    """One set of parameters of insert_activity."""

    id: str
    inbox_id: str
    org_id: str
    actor_id: str
    action: ActionWord
    target_id: str | None
    metadata: Any
    created_at: datetime | None

class InboxActivitiesQueries(Protocol):
    """The queries of the store inbox_activities."""

    async def insert_activity(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        inbox_id: str,
        org_id: str,
        actor_id: str,
        action: ActionWord,
        target_id: str | None,
        metadata: Any,
        created_at: datetime | None,
    ) -> InboxActivityRow:
        """Store an activity.

        Operation ^: the first row, or None.
        """

    async def get_activity(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str | None,
    ) -> InboxActivityRow | None:
        """Return an activity, of one organization or of any.

        Operation ^: the first row, or None.
        """

    def list_inbox_activities(
        self,
        connection: Connection,
        /,
        *,
        inbox_id: str,
        org_id: str | None,
        action: ActionWord | None,
        since: datetime | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxActivityRow]:
        """List what happened in an inbox, newest first, from a place on, perhaps of one
        organization, one

        action, or since a time.

        Operation (none): every row.
        """

    def list_target_activities(
        self,
        connection: Connection,
        /,
        *,
        target_id: str,
        org_id: str | None,
        since: datetime | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxActivityRow]:
        """List what was done to a message or member, newest first, from a place on, perhaps of one

        organization, or since a time.

        Operation (none): every row.
        """

    def list_org_activities(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        since: datetime | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxActivityRow]:
        """List what happened in the inboxes of an organization, newest first, from a place on,
        perhaps since a

        time.

        Operation (none): every row.
        """

    def list_actor_activities(
        self,
        connection: Connection,
        /,
        *,
        actor_id: str,
        org_id: str | None,
        since: datetime | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[InboxActivityRow]:
        """List what a user did, newest first, from a place on, perhaps in one organization, or
        since a time.

        Operation (none): every row.
        """

    async def count_activities(
        self,
        connection: Connection,
        /,
        *,
        inbox_id: str | None,
        org_id: str | None,
        action: ActionWord | None,
    ) -> int:
        """Count activities, perhaps of one inbox, organization or action.

        Operation $: the first value of the first row, or None.
        """

    async def delete_old_activities(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete some of the activities that are so many seconds old, or older.

        Operation !: the number of rows changed.
        """
