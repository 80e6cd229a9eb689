"""The types of the queries of the store notifications.

Made by ``aragora-sql stubs`` from
``sql/postgres/notifications/queries.sql`` and ``sql/sqlite/notifications/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

ChannelWord = Literal[
    "inbox",
    "digest",
    "email",
    "telegram",
    "slack",
    "teams",
    "webhook",
]

ChannelTypeWord = Literal[
    "slack",
    "teams",
    "email",
    "webhook",
]

class GetEmailConfigRow(TypedDict):
    """A row of get_email_config, get_telegram_config."""

    org_id: str
    config: Any
    created_at: datetime
    updated_at: datetime

class SaveEmailConfigParameters(TypedDict):
    """One set of parameters of save_email_config."""

    org_id: str
    config: Any
    created_at: datetime
    updated_at: datetime

class ListEmailSecretsRow(TypedDict):
    """A row of list_email_secrets, lock_email_secrets, list_telegram_secrets,
    lock_telegram_secrets."""

    org_id: str
    config: Any

class SetEmailSecretsParameters(TypedDict):
    """One set of parameters of set_email_secrets."""

    org_id: str
    config: Any

class SaveTelegramConfigParameters(TypedDict):
    """One set of parameters of save_telegram_config."""

    org_id: str
    config: Any
    created_at: datetime
    updated_at: datetime

class SetTelegramSecretsParameters(TypedDict):
    """One set of parameters of set_telegram_secrets."""

    org_id: str
    config: Any

class AddRecipientParameters(TypedDict):
    """One set of parameters of add_recipient."""

    org_id: str
    email: str
    email_key: str
    name: str | None
    preferences: Any
    created_at: datetime

class EmailRecipientRow(TypedDict):
    """A row of list_recipients."""

    org_id: str
    email: str
    name: str | None
    preferences: Any
    created_at: datetime
    id: int

class SaveChannelRow(TypedDict):
    """A row of save_channel."""

    id: str
    created_by: str | None
    created_at: datetime

class SaveChannelParameters(TypedDict):
    """One set of parameters of save_channel."""

    id: str
    org_id: str
    channel_type: ChannelTypeWord
    channel_id: str
    workspace_id: str | None
    channel_name: str | None
    event_types: Any
    config: Any
    is_active: bool
    created_by: str | None
    created_at: datetime
    updated_at: datetime

class GetChannelRow(TypedDict):
    """A row of get_channel, list_channels, list_channels_for_event."""

    id: str
    org_id: str
    channel_type: ChannelTypeWord
    channel_id: str
    workspace_id: str | None
    channel_name: str | None
    event_types: Any
    config: Any
    is_active: bool
    created_by: str | None
    created_at: datetime
    updated_at: datetime

class ListChannelSecretsRow(TypedDict):
    """A row of list_channel_secrets, lock_channel_secrets."""

    id: str
    org_id: str
    channel_type: ChannelTypeWord
    channel_id: str
    config: Any

class SetChannelSecretsParameters(TypedDict):
    """One set of parameters of set_channel_secrets."""

    id: str
    config: Any

class SetPreferenceParameters(TypedDict):
    """One set of parameters of set_preference."""

    org_id: str
    user_id: str
    channel: ChannelWord
    event_type: str
    enabled: bool
    updated_at: datetime

class NotificationPreferenceRow(TypedDict):
    """A row of list_preferences."""

    org_id: str
    user_id: str
    channel: ChannelWord
    event_type: str
    enabled: bool
    updated_at: datetime

class HoldDedupKeyParameters(TypedDict):
    """One set of parameters of hold_dedup_key."""

    org_id: str
    user_id: str
    dedup_key: str
    window_seconds: float

class NotificationRow(TypedDict):
    """A row of list_notifications, list_unread, fill_digests."""

    id: int
    org_id: str
    user_id: str
    event_type: str
    title: str
    message: str
    data: Any
    dedup_key: str | None
    created_at: datetime
    read_at: datetime | None
    digested_at: datetime | None

class PendingDigestRow(TypedDict):
    """A row of list_pending_digests."""

    user_id: str
    total: int
    oldest_at: datetime
    newest_at: datetime
    event_types: Any
    last_digest_at: datetime | None

class ClaimDigestsRow(TypedDict):
    """A row of claim_digests."""

    user_id: str
    last_digest_at: datetime | None

class NotificationsQueries(Protocol):
    """The queries of the store notifications."""

    async def get_email_config(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
    ) -> GetEmailConfigRow | None:
        """Return an organization's settings of e-mail.

        Operation ^: the first row, or None.
        """

    async def save_email_config(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        config: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> datetime:
        """Store an organization's settings of e-mail and return when they were made; that stays.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def delete_email_config(self, connection: Connection, /, *, org_id: str) -> int:
        """Delete an organization's settings of e-mail.

        Operation !: the number of rows changed.
        """

    def list_email_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_org: str,
        row_limit: int,
    ) -> AsyncIterator[ListEmailSecretsRow]:
        """List settings of e-mail by organization, from a place on.

        Operation (none): every row.
        """

    def lock_email_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_org: str,
        row_limit: int,
    ) -> AsyncIterator[ListEmailSecretsRow]:
        """Take a page of settings of e-mail for encrypting their secrets again.

        Operation (none): every row.
        """

    async def set_email_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetEmailSecretsParameters],
        /,
    ) -> int:
        """Replace settings of e-mail by the same ones, their secrets encrypted again.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_telegram_config(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
    ) -> GetEmailConfigRow | None:
        """Return an organization's settings of Telegram.

        Operation ^: the first row, or None.
        """

    async def save_telegram_config(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        config: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> datetime:
        """Store an organization's settings of Telegram and return when they were made; that stays.

        Operation <!: the first value that RETURNING gave, or None.
        """

    async def delete_telegram_config(self, connection: Connection, /, *, org_id: str) -> int:
        """Delete an organization's settings of Telegram.

        Operation !: the number of rows changed.
        """

    def list_telegram_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_org: str,
        row_limit: int,
    ) -> AsyncIterator[ListEmailSecretsRow]:
        """List settings of Telegram by organization, from a place on.

        Operation (none): every row.
        """

    def lock_telegram_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_org: str,
        row_limit: int,
    ) -> AsyncIterator[ListEmailSecretsRow]:
        """Take a page of settings of Telegram for encrypting their secrets again.

        Operation (none): every row.
        """

    async def set_telegram_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetTelegramSecretsParameters],
        /,
    ) -> int:
        """Replace settings of Telegram by the same ones, their secrets encrypted again.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def count_secrets(self, connection: Connection, /) -> int:
        """Count all settings that may hold secrets.

        Operation $: the first value of the first row, or None.
        """

    async def add_recipient(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        email: str,
        email_key: str,
        name: str | None,
        preferences: Any,
        created_at: datetime,
    ) -> int:
        """Store a recipient, or the name and the preferences of one that is there.

        Operation !: the number of rows changed.
        """

    def list_recipients(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_email: str,
        row_limit: int,
    ) -> AsyncIterator[EmailRecipientRow]:
        """List the recipients of an organization by address, from a place on.

        Operation (none): every row.
        """

    async def remove_recipient(self, connection: Connection, /, *, org_id: str, email: str) -> int:
        """Delete a recipient.

        Operation !: the number of rows changed.
        """

    async def clear_recipients(self, connection: Connection, /, *, org_id: str) -> int:
        """Delete all recipients of an organization.

        Operation !: the number of rows changed.
        """

    async def save_channel(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        org_id: str,
        channel_type: ChannelTypeWord,
        channel_id: str,
        workspace_id: str | None,
        channel_name: str | None,
        event_types: Any,
        config: Any,
        is_active: bool,
        created_by: str | None,
        created_at: datetime,
        updated_at: datetime,
    ) -> SaveChannelRow:
        """Store a channel and return what of one that is there stays: its identifier, and who made
        it when.

        Operation ^: the first row, or None.
        """

    async def get_channel(self, connection: Connection, /, *, id: str) -> GetChannelRow | None:
        """Return a channel.

        Operation ^: the first row, or None.
        """

    def list_channels(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        active_only: bool,
        after_type: str,
        after_channel: str,
        row_limit: int,
    ) -> AsyncIterator[GetChannelRow]:
        """List the channels of an organization by type and channel, from a place on.

        Operation (none): every row.
        """

    def list_channels_for_event(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        event_type: str,
    ) -> AsyncIterator[GetChannelRow]:
        """List the channels in use that an event of an organization goes to.

        Operation (none): every row.
        """

    async def set_channel_active(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        is_active: bool,
        updated_at: datetime,
    ) -> int:
        """Take a channel into use, or out of it.

        Operation !: the number of rows changed.
        """

    async def delete_channel(self, connection: Connection, /, *, id: str) -> int:
        """Delete a channel.

        Operation !: the number of rows changed.
        """

    def list_channel_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListChannelSecretsRow]:
        """List settings of channels, from a place on.

        Operation (none): every row.
        """

    def lock_channel_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListChannelSecretsRow]:
        """Take a page of settings of channels for encrypting their secrets again.

        Operation (none): every row.
        """

    async def set_channel_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetChannelSecretsParameters],
        /,
    ) -> int:
        """Replace settings of channels by the same ones, their secrets encrypted again.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def set_preference(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        channel: ChannelWord,
        event_type: str,
        enabled: bool,
        updated_at: datetime,
    ) -> int:
        """Store whether a user wants to be told of an event over a channel.

        Operation !: the number of rows changed.
        """

    def list_preferences(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
    ) -> AsyncIterator[NotificationPreferenceRow]:
        """List the preferences of a user by channel and event.

        Operation (none): every row.
        """

    async def get_preference(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        channel: ChannelWord,
        event_type: str,
    ) -> bool | None:
        """Tell whether a user wants to be told of an event over a channel; NULL when nothing is
        said.

        Operation $: the first value of the first row, or None.
        """

    async def delete_preferences(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
    ) -> int:
        """Delete the preferences of a user.

        Operation !: the number of rows changed.
        """

    async def hold_dedup_key(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        dedup_key: str,
        window_seconds: float,
    ) -> int:
        """Begin the window of a key, unless one is open.

        Operation !: the number of rows changed.
        """

    async def insert_notification(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        event_type: str,
        title: str,
        message: str,
        data: Any,
        dedup_key: str | None,
        created_at: datetime,
    ) -> int | None:
        """Store a notification and return its number, unless its user does not want such ones.

        Operation <!: the first value that RETURNING gave, or None.
        """

    def list_notifications(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[NotificationRow]:
        """List the inbox of a user, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_unread(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        after_id: int,
        row_limit: int,
    ) -> AsyncIterator[NotificationRow]:
        """List what a user has not read, the newest first, from a place on.

        Operation (none): every row.
        """

    async def count_unread(self, connection: Connection, /, *, org_id: str, user_id: str) -> int:
        """Count what a user has not read.

        Operation $: the first value of the first row, or None.
        """

    async def mark_read(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        ids: Sequence[int],
        read_at: datetime | None,
    ) -> int:
        """Mark notifications of a user as read, which were not.

        Operation !: the number of rows changed.
        """

    async def mark_all_read(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        up_to: int,
        read_at: datetime | None,
    ) -> int:
        """Mark all notifications of a user up to a number as read, which were not.

        Operation !: the number of rows changed.
        """

    async def delete_notification(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        id: int,
    ) -> int:
        """Delete a notification of a user.

        Operation !: the number of rows changed.
        """

    def list_pending_digests(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_user: str,
        row_limit: int,
    ) -> AsyncIterator[PendingDigestRow]:
        """List what the next digest of each user of an organization would tell, by user, from a
        place on.

        Operation (none): every row.
        """

    def claim_digests(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        digest_id: str | None,
        lease_seconds: float,
        interval_seconds: float,
        row_limit: int,
    ) -> AsyncIterator[ClaimDigestsRow]:
        """Take the leases to send digests to users of an organization who have something to be
        told, unless another one has them or the last digest is too recent.

        Operation (none): every row.
        """

    def fill_digests(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        digest_id: str | None,
        most: int,
    ) -> AsyncIterator[NotificationRow]:
        """Put what users are to be told, the oldest first and so many of each at most, into their
        digests that were begun, and return it.

        Operation (none): every row.
        """

    async def end_digest(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        user_id: str,
        digest_id: str,
        last_digest_at: datetime | None,
    ) -> int:
        """End a digest that was begun, if nobody else has begun one since; without a time it was
        not sent.

        Operation !: the number of rows changed.
        """

    async def end_empty_digests(
        self,
        connection: Connection,
        /,
        *,
        digest_id: str,
        user_ids: Sequence[str],
    ) -> int:
        """End digests in which nothing is to be told any more.

        Operation !: the number of rows changed.
        """

    async def mark_digested(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        digest_id: str,
        digested_at: datetime | None,
    ) -> int:
        """Mark what a digest told a user.

        Operation !: the number of rows changed.
        """

    async def delete_read(
        self,
        connection: Connection,
        /,
        *,
        older_than: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the notifications that were read before a time.

        Operation !: the number of rows changed.
        """

    async def delete_old(
        self,
        connection: Connection,
        /,
        *,
        older_than: datetime,
        row_limit: int,
    ) -> int:
        """Delete some of the notifications that are older than a time, read or not.

        Operation !: the number of rows changed.
        """

    async def delete_dedup_keys(self, connection: Connection, /, *, row_limit: int) -> int:
        """Delete some of the keys whose window is over.

        Operation !: the number of rows changed.
        """
