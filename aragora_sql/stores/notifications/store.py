"""The store of notifications: settings, channels and preferences, inboxes and digests.

Its queries: ``sql/postgres/notifications/queries.sql`` and
``sql/sqlite/notifications/queries.sql``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.errors import EncryptionError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.integrations.secrets import (
    keep_sealed,
    open_secrets,
    reseal_secrets,
    seal_secrets,
)
from aragora_sql.stores.notifications.configs import (
    EmailConfig,
    SettingsOwner,
    TelegramConfig,
    config_of,
    sealed,
)
from aragora_sql.stores.notifications.records import (
    ALL_EVENTS,
    CHANNEL_EVENTS,
    CHANNEL_TYPES,
    PREFERENCE_CHANNELS,
    ChannelSubscription,
    Digest,
    EmailRecipient,
    Notification,
    NotificationPreference,
    PendingDigest,
    SentNotification,
)
from aragora_sql.stores.paging import LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.rotation import (
    Change,
    RotatesKeys,
    Rotation,
    RotationFailure,
)
from aragora_sql.stores.users.emails import email_key

if TYPE_CHECKING:
    from aragora_sql.queries.typed.notifications import GetChannelRow, NotificationsQueries

__all__ = ["NotificationStore"]

DONE_AT_ONCE = 1000
LARGEST_ID = 2**63 - 1
LONGEST_WINDOW, LONGEST_LEASE = 366 * 86400.0, 86400.0
# The kinds of settings with secrets, in the order in which keys are rotated.
_KINDS = ("email", "telegram", "channel")

log = logging.getLogger(__name__)


class _NotStoredError(Exception):
    """Undoes the transaction in which a notification was to be stored."""


class NotificationStore(RotatesKeys):
    """Keeps what organizations and users are told, and how.

    ``keyring`` holds the keys of secrets in settings (default: those of the environment, see
    :mod:`aragora_sql.encryption`). Without a key everything but secrets works: to store one is
    :class:`~aragora_sql.errors.EncryptionKeyMissingError`, and so is to read one, unless
    ``decrypt=False``.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "notifications"
    _queries: NotificationsQueries

    def __init__(self, database: Database, keyring: Keyring | None = None) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring

    # Settings

    async def save_email_config(self, config: EmailConfig) -> None:
        """Store an organization's settings of e-mail; when they were first saved stays.

        Raises :class:`~aragora_sql.errors.EncryptionKeyMissingError` when there is a secret to
        encrypt and no key. A sealed secret stays what it is.
        """
        if not isinstance(config, EmailConfig):
            raise InvalidInputError(
                "config", f"must be an EmailConfig, not {type(config).__name__}"
            )
        org_id, document = sealed(config, self._keyring)
        now = utc_now()
        created = valid.timestamp_or_now(config.created_at, "created_at")
        async with self._database.connection() as connection:
            await self._queries.save_email_config(
                connection, org_id=org_id, config=document, created_at=created, updated_at=now
            )

    async def get_email_config(self, org_id: str, *, decrypt: bool = True) -> EmailConfig | None:
        """Return an organization's settings of e-mail, or None.

        With ``decrypt=False`` secrets are sealed, and no key is needed. Otherwise a secret that no
        key fits is :class:`~aragora_sql.errors.DecryptionError`.
        """
        key = valid.key(org_id, "org_id")
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_email_config(connection, org_id=key)
        return None if row is None else config_of(EmailConfig, row, self._keyring, decrypt=decrypt)

    async def delete_email_config(self, org_id: str) -> bool:
        """Delete an organization's settings of e-mail; False when there are none."""
        key = valid.key(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_email_config(connection, org_id=key))

    async def save_telegram_config(self, config: TelegramConfig) -> None:
        """Store an organization's settings of Telegram; see :meth:`save_email_config`."""
        if not isinstance(config, TelegramConfig):
            raise InvalidInputError(
                "config", f"must be a TelegramConfig, not {type(config).__name__}"
            )
        org_id, document = sealed(config, self._keyring)
        now = utc_now()
        created = valid.timestamp_or_now(config.created_at, "created_at")
        async with self._database.connection() as connection:
            await self._queries.save_telegram_config(
                connection, org_id=org_id, config=document, created_at=created, updated_at=now
            )

    async def get_telegram_config(
        self, org_id: str, *, decrypt: bool = True
    ) -> TelegramConfig | None:
        """Return an organization's settings of Telegram; see :meth:`get_email_config`."""
        key = valid.key(org_id, "org_id")
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_telegram_config(connection, org_id=key)
        if row is None:
            return None
        return config_of(TelegramConfig, row, self._keyring, decrypt=decrypt)

    async def delete_telegram_config(self, org_id: str) -> bool:
        """Delete an organization's settings of Telegram; False when there are none."""
        key = valid.key(org_id, "org_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_telegram_config(connection, org_id=key))

    # Recipients

    async def add_recipient(self, recipient: EmailRecipient) -> None:
        """Store somebody whom an organization sends e-mail to.

        Of an address that is there, exactly as it is spelled, name and preferences are replaced.
        """
        if not isinstance(recipient, EmailRecipient):
            raise InvalidInputError(
                "recipient", f"must be an EmailRecipient, not {type(recipient).__name__}"
            )
        row: dict[str, Any] = {
            "org_id": valid.key(recipient.org_id, "org_id"),
            "email": valid.key(recipient.email, "email"),
            "email_key": email_key(recipient.email),
            "name": valid.optional_text(recipient.name, "name"),
            "preferences": valid.document(recipient.preferences, "preferences"),
            "created_at": valid.timestamp_or_now(recipient.created_at, "created_at"),
        }
        async with self._database.connection() as connection:
            await self._queries.add_recipient(connection, **row)

    async def get_recipients(
        self, org_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[EmailRecipient]:
        """Return an organization's recipients by address.

        ``after`` is the last one of the page before.
        """
        key = valid.key(org_id, "org_id")
        row_limit = valid.limit(limit)
        (after_email,) = key_of(after, {"email": valid.text}, ("",))
        async with self._database.read() as connection:
            rows = self._queries.list_recipients(
                connection, org_id=key, after_email=after_email, row_limit=row_limit
            )
            return [record_of(EmailRecipient, **row) async for row in rows]

    async def remove_recipient(self, org_id: str, email: str) -> bool:
        """Delete a recipient, whose address is spelled as given; False when there is none."""
        key = valid.key(org_id, "org_id")
        address = valid.key(email, "email")
        async with self._database.connection() as connection:
            return bool(await self._queries.remove_recipient(connection, org_id=key, email=address))

    async def clear_recipients(self, org_id: str) -> int:
        """Delete all recipients of an organization and return how many there were."""
        key = valid.key(org_id, "org_id")
        async with self._database.connection() as connection:
            return await self._queries.clear_recipients(connection, org_id=key)

    # Channels

    async def save_channel(self, channel: ChannelSubscription) -> ChannelSubscription:
        """Store a channel that events of an organization go to, and return it as it is then.

        Of a channel that is there (organization, type and channel) everything is replaced but its
        identifier, and who made it when. Secrets in ``config`` are encrypted.
        """
        if not isinstance(channel, ChannelSubscription):
            raise InvalidInputError(
                "channel", f"must be a ChannelSubscription, not {type(channel).__name__}"
            )
        owner = SettingsOwner(
            valid.key(channel.org_id, "org_id"),
            valid.choice(channel.channel_type, "channel_type", CHANNEL_TYPES),
            valid.key(channel.channel_id, "channel_id"),
        )
        events = [
            valid.choice(one, f"event_types[{number}]", CHANNEL_EVENTS)
            for number, one in enumerate(valid.items(channel.event_types, "event_types"))
        ]
        if not isinstance(channel.config, dict):
            raise InvalidInputError(
                "config", f"must be a dictionary, not {type(channel.config).__name__}"
            )
        given = valid.optional(channel.id, "id", valid.key)
        now = utc_now()
        row: dict[str, Any] = {
            "id": prefixed_id("", 32) if given is None else given,
            "org_id": owner.org_id,
            "channel_type": owner.kind,
            "channel_id": owner.channel_id,
            "workspace_id": valid.optional_text(channel.workspace_id, "workspace_id"),
            "channel_name": valid.optional_text(channel.channel_name, "channel_name"),
            "event_types": valid.array(list(dict.fromkeys(events)), "event_types"),
            "config": valid.document(seal_secrets(channel.config, self._keyring, owner), "config"),
            "is_active": valid.boolean(channel.is_active, "is_active"),
            "created_by": valid.optional_text(channel.created_by, "created_by"),
            "created_at": valid.timestamp_or_now(channel.created_at, "created_at"),
            "updated_at": now,
        }
        async with self._database.connection() as connection:
            kept = await self._queries.save_channel(connection, **row)
        return replace(
            channel,
            **kept,
            event_types=list(dict.fromkeys(events)),
            updated_at=now,
            problem=None,
        )

    async def get_channel(self, id: str, *, decrypt: bool = True) -> ChannelSubscription | None:  # noqa: A002
        """Return a channel, or None; of ``decrypt`` see :meth:`get_email_config`."""
        key = valid.key(id, "id")
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            row = await self._queries.get_channel(connection, id=key)
        return None if row is None else self._channel(row, decrypt=decrypt)

    async def list_channels(
        self,
        org_id: str,
        limit: int = 1000,
        *,
        active_only: bool = False,
        after: LastRow | None = None,
        decrypt: bool = True,
    ) -> list[ChannelSubscription]:
        """Return an organization's channels by type and channel.

        ``after`` is the last one of the page before. One whose secrets no key fits is in the list
        with them sealed, and ``problem`` says why.
        """
        key = valid.key(org_id, "org_id")
        row_limit = valid.limit(limit)
        active = valid.boolean(active_only, "active_only")
        after_type, after_channel = key_of(
            after, {"channel_type": valid.text, "channel_id": valid.text}, ("", "")
        )
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            rows = self._queries.list_channels(
                connection,
                org_id=key,
                active_only=active,
                after_type=after_type,
                after_channel=after_channel,
                row_limit=row_limit,
            )
            return [self._listed(row, decrypt=decrypt) async for row in rows]

    async def get_channels_for_event(
        self, org_id: str, event_type: str, *, decrypt: bool = True
    ) -> list[ChannelSubscription]:
        """Return the channels in use that an event of an organization goes to."""
        key = valid.key(org_id, "org_id")
        event = valid.choice(event_type, "event_type", CHANNEL_EVENTS)
        valid.boolean(decrypt, "decrypt")
        async with self._database.read() as connection:
            rows = self._queries.list_channels_for_event(connection, org_id=key, event_type=event)
            return [self._listed(row, decrypt=decrypt) async for row in rows]

    async def set_channel_active(self, id: str, is_active: bool) -> bool:  # noqa: A002
        """Take a channel into use, or out of it; False when there is none."""
        key = valid.key(id, "id")
        active = valid.boolean(is_active, "is_active")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.set_channel_active(
                    connection, id=key, is_active=active, updated_at=utc_now()
                )
            )

    async def delete_channel(self, id: str) -> bool:  # noqa: A002
        """Delete a channel; False when there is none."""
        key = valid.key(id, "id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_channel(connection, id=key))

    def _channel(self, row: GetChannelRow, *, decrypt: bool) -> ChannelSubscription:
        owner = SettingsOwner(row["org_id"], row["channel_type"], row["channel_id"])
        config = row["config"]
        opened = open_secrets(config, self._keyring, owner) if decrypt else None
        fields: dict[str, Any] = {**row, "config": opened or keep_sealed(config, owner)}
        return record_of(ChannelSubscription, **fields, problem=None)

    def _listed(self, row: GetChannelRow, *, decrypt: bool) -> ChannelSubscription:
        if decrypt:
            try:
                return self._channel(row, decrypt=True)
            except EncryptionError as error:
                log.warning("%s", error)
                return replace(self._channel(row, decrypt=False), problem=str(error))
        return self._channel(row, decrypt=False)

    # Preferences

    async def set_preference(
        self,
        org_id: str,
        user_id: str,
        channel: str,
        enabled: bool,
        event_type: str = ALL_EVENTS,
    ) -> None:
        """Store whether a user wants to be told of an event over a channel.

        ``event_type`` ``*`` is all events that have no preference of their own. Channels are
        ``inbox``, ``digest``, ``email``, ``telegram``, ``slack``, ``teams`` and ``webhook``.
        """
        row: dict[str, Any] = {
            **_inbox(org_id, user_id),
            "channel": valid.choice(channel, "channel", PREFERENCE_CHANNELS),
            "enabled": valid.boolean(enabled, "enabled"),
            "event_type": valid.key(event_type, "event_type"),
        }
        now = utc_now()

        async def write() -> None:
            async with self._database.connection() as connection:
                await self._queries.set_preference(connection, **row, updated_at=now)

        await self._repeat(write)

    async def get_preferences(self, org_id: str, user_id: str) -> list[NotificationPreference]:
        """Return what a user said, by channel and event."""
        async with self._database.read() as connection:
            rows = self._queries.list_preferences(connection, **_inbox(org_id, user_id))
            return [record_of(NotificationPreference, **row) async for row in rows]

    async def is_wanted(self, org_id: str, user_id: str, channel: str, event_type: str) -> bool:
        """Tell whether a user wants to be told of an event over a channel; True if nothing is said.

        What is said of the event itself counts, and else what is said of all.
        """
        row: dict[str, Any] = {
            **_inbox(org_id, user_id),
            "channel": valid.choice(channel, "channel", PREFERENCE_CHANNELS),
            "event_type": valid.key(event_type, "event_type"),
        }
        async with self._database.read() as connection:
            said = await self._queries.get_preference(connection, **row)
        return said is None or said

    async def clear_preferences(self, org_id: str, user_id: str) -> int:
        """Forget what a user said, and return how much it was."""
        async with self._database.connection() as connection:
            return await self._queries.delete_preferences(connection, **_inbox(org_id, user_id))

    # Inboxes

    async def send(
        self,
        org_id: str,
        user_id: str,
        event_type: str,
        title: str,
        message: str = "",
        data: Mapping[str, Any] | None = None,
        *,
        dedup_key: str | None = None,
        window_seconds: float = 3600.0,
    ) -> SentNotification:
        """Put a notification into a user's inbox, unless the user does not want such ones there.

        With ``dedup_key`` one of this key is stored for this user within ``window_seconds`` (up to
        366 days) from the first one on, by the clock of the database, however many calls there are
        at once. What became of it is in the result. Whether a digest tells it is decided now, by
        the preference of the channel ``digest``.
        """
        row: dict[str, Any] = {
            **_inbox(org_id, user_id),
            "event_type": valid.key(event_type, "event_type"),
            "title": valid.identifier(title, "title"),
            "message": valid.text(message, "message"),
            "data": valid.document(data, "data"),
            "dedup_key": valid.optional(dedup_key, "dedup_key", valid.key),
            "created_at": utc_now(),
        }
        window = valid.number(window_seconds, "window_seconds", 0.001, LONGEST_WINDOW)
        if row["dedup_key"] is None:
            async with self._database.connection() as connection:
                number = await self._queries.insert_notification(connection, **row)
            return SentNotification(outcome="muted" if number is None else "stored", id=number)
        try:
            async with self._database.transaction() as connection:
                held = await self._queries.hold_dedup_key(
                    connection,
                    org_id=row["org_id"],
                    user_id=row["user_id"],
                    dedup_key=row["dedup_key"],
                    window_seconds=window,
                )
                if not held:
                    return SentNotification(outcome="duplicate")
                number = await self._queries.insert_notification(connection, **row)
                if number is None:
                    # The window is not begun by what is not stored.
                    raise _NotStoredError
        except _NotStoredError:
            return SentNotification(outcome="muted")
        return SentNotification(outcome="stored", id=number)

    async def list_notifications(
        self,
        org_id: str,
        user_id: str,
        limit: int = 50,
        *,
        unread_only: bool = False,
        after: LastRow | None = None,
    ) -> list[Notification]:
        """Return a user's inbox, the newest first; ``after`` is the last one of the page before."""
        (after_id,) = key_of(after, {"id": _number}, (LARGEST_ID,))
        place: dict[str, Any] = {
            **_inbox(org_id, user_id),
            "after_id": after_id,
            "row_limit": valid.limit(limit),
        }
        unread = valid.boolean(unread_only, "unread_only")
        async with self._database.read() as connection:
            if unread:
                rows = self._queries.list_unread(connection, **place)
            else:
                rows = self._queries.list_notifications(connection, **place)
            return [record_of(Notification, **row) async for row in rows]

    async def count_unread(self, org_id: str, user_id: str) -> int:
        """Return how many notifications a user has not read.

        They are counted by an index of what is not read, so no counter goes wrong.
        """
        async with self._database.read() as connection:
            return await self._queries.count_unread(connection, **_inbox(org_id, user_id))

    async def mark_read(self, org_id: str, user_id: str, ids: Iterable[int]) -> int:
        """Mark notifications of a user as read, and return how many were not read before."""
        inbox = _inbox(org_id, user_id)
        listed = valid.items(ids, "ids")
        numbers = sorted({_number(one, f"ids[{place}]") for place, one in enumerate(listed)})
        async with self._database.connection() as connection:
            return await self._queries.mark_read(
                connection, **inbox, ids=numbers, read_at=utc_now()
            )

    async def mark_all_read(self, org_id: str, user_id: str, up_to: int | None = None) -> int:
        """Mark a user's notifications as read, and return how many were not read before.

        ``up_to`` is the number of the newest one that the user has seen: what has come since stays
        unread.
        """
        inbox = _inbox(org_id, user_id)
        last = LARGEST_ID if up_to is None else _number(up_to, "up_to")
        async with self._database.connection() as connection:
            return await self._queries.mark_all_read(
                connection, **inbox, up_to=last, read_at=utc_now()
            )

    async def delete_notification(self, org_id: str, user_id: str, id: int) -> bool:  # noqa: A002
        """Delete a notification of a user; False when there is none."""
        inbox = _inbox(org_id, user_id)
        number = _number(id, "id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_notification(connection, **inbox, id=number))

    # Digests

    async def get_pending_digests(
        self, org_id: str, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[PendingDigest]:
        """Return what the next digest of each user of an organization would tell, by user.

        That is what was not read, and not told by a digest. ``after`` is the last one of the page
        before.
        """
        key = valid.key(org_id, "org_id")
        row_limit = valid.limit(limit)
        (after_user,) = key_of(after, {"user_id": valid.text}, ("",))
        async with self._database.read() as connection:
            rows = self._queries.list_pending_digests(
                connection, org_id=key, after_user=after_user, row_limit=row_limit
            )
            return [record_of(PendingDigest, **row) async for row in rows]

    async def claim_digests(
        self,
        org_id: str,
        limit: int = 100,
        *,
        interval_seconds: float = 0.0,
        lease_seconds: float = 300.0,
        most: int = 500,
    ) -> list[Digest]:
        """Return digests that the caller is to send now, of ``limit`` users at most.

        No user's is returned whose last digest was sent less than ``interval_seconds`` ago, or
        which another caller has: each holds its digests for ``lease_seconds`` (up to a day), by the
        clock of the database. Call :meth:`finish_digest` when one was sent, and
        :meth:`release_digest` when it can't be: of what is neither, the next caller gets a new
        digest when the lease is over. ``most`` notifications, the oldest ones, are in a digest;
        what is left comes with the next.
        """
        key = valid.key(org_id, "org_id")
        row_limit = valid.limit(limit)
        interval = valid.number(interval_seconds, "interval_seconds", 0.0, LONGEST_WINDOW)
        lease = valid.number(lease_seconds, "lease_seconds", 0.001, LONGEST_LEASE)
        size = valid.integer(most, "most", least=1)
        digest_id = prefixed_id("", 32)
        async with self._database.transaction() as connection:
            claimed = self._queries.claim_digests(
                connection,
                org_id=key,
                digest_id=digest_id,
                lease_seconds=lease,
                interval_seconds=interval,
                row_limit=row_limit,
            )
            last = {row["user_id"]: row["last_digest_at"] async for row in claimed}
            if not last:
                return []
            filled = self._queries.fill_digests(
                connection, org_id=key, digest_id=digest_id, most=size
            )
            found: dict[str, list[Notification]] = {}
            async for row in filled:
                found.setdefault(row["user_id"], []).append(record_of(Notification, **row))
            empty = sorted(last.keys() - found.keys())
            if empty:
                # Read, or told by another one, between the two statements.
                await self._queries.end_empty_digests(
                    connection, digest_id=digest_id, user_ids=empty
                )
        return [
            Digest(
                digest_id=digest_id,
                org_id=key,
                user_id=user_id,
                notifications=sorted(found[user_id], key=lambda one: one.id),
                last_digest_at=last[user_id],
            )
            for user_id in sorted(found)
        ]

    async def finish_digest(self, digest: Digest) -> bool:
        """Mark what a digest told, now that it was sent.

        False, and nothing is marked, when its lease was over and another one has it since.
        """
        place = _digest(digest)
        now = utc_now()
        async with self._database.transaction() as connection:
            if not await self._queries.end_digest(connection, **place, last_digest_at=now):
                return False
            await self._queries.mark_digested(
                connection,
                user_id=place["user_id"],
                digest_id=place["digest_id"],
                digested_at=now,
            )
        return True

    async def release_digest(self, digest: Digest) -> bool:
        """Give back a digest that can't be sent; the next caller gets what it was to tell.

        False when its lease was over and another one has it since.
        """
        place = _digest(digest)
        async with self._database.connection() as connection:
            return bool(await self._queries.end_digest(connection, **place, last_digest_at=None))

    # Clean-up

    async def cleanup(self, read_days: float = 90, all_days: float = 365) -> dict[str, int]:
        """Delete what was read so many days ago, and what is older than so many, read or not.

        Also deletes keys whose window is over. Returns how many, as ``read``, ``old`` and ``keys``.
        It is done in batches, each a transaction.
        """
        now = utc_now()
        read_before = age_limit(read_days, now, "read_days")
        before = age_limit(all_days, now, "all_days")

        async def read(connection: Connection) -> int:
            return await self._queries.delete_read(
                connection, older_than=read_before, row_limit=DONE_AT_ONCE
            )

        async def old(connection: Connection) -> int:
            return await self._queries.delete_old(
                connection, older_than=before, row_limit=DONE_AT_ONCE
            )

        async def keys(connection: Connection) -> int:
            return await self._queries.delete_dedup_keys(connection, row_limit=DONE_AT_ONCE)

        return {
            "read": await self._in_batches(read),
            "old": await self._in_batches(old),
            "keys": await self._in_batches(keys),
        }

    async def _in_batches(self, work: Callable[[Connection], Awaitable[int]]) -> int:
        async def batch() -> int:
            async with self._database.connection() as connection:
                return await work(connection)

        return await in_batches(batch)

    # Keys

    async def check_secrets(self, limit: int = 100) -> tuple[int, list[RotationFailure]]:
        """Try the keys on the secrets of at most ``limit`` settings of each kind; change nothing.

        Returns how many were looked at, and those whose secrets no key fits.
        """
        row_limit = valid.limit(limit)
        checked, failed = 0, []
        for kind in _KINDS:
            async with self._database.read() as connection:
                rows = await self._page(connection, kind, "", row_limit, locked=False)
            checked += len(rows)
            for row in rows:
                owner = _owner(kind, row)
                try:
                    open_secrets(row["config"], self._keyring, owner)
                except EncryptionError as error:
                    failed.append(_failure(owner, error))
        return checked, failed

    def _rotation(self) -> Rotation[tuple[int, dict[str, Any]], tuple[int, str], tuple[str, Any]]:
        return Rotation(
            count=self._queries.count_secrets,
            page=self._page_of_secrets,
            first=(0, ""),
            place_of=_place_of,
            reseal=self._resealed,
            failure=_failure_of,
            store=self._set,
        )

    async def _page_of_secrets(
        self, connection: Connection, place: tuple[int, str], size: int, locked: bool
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return a page of settings of one kind, each with the number of the kind."""
        first, after = place
        for number in range(first, len(_KINDS)):
            rows = await self._page(connection, _KINDS[number], after, size, locked=locked)
            if rows:
                return [(number, row) for row in rows]
            after = ""
        return []

    async def _page(
        self, connection: Connection, kind: str, after: str, size: int, *, locked: bool
    ) -> list[dict[str, Any]]:
        found: Any
        if kind == "email":
            email = self._queries.lock_email_secrets if locked else self._queries.list_email_secrets
            found = email(connection, after_org=after, row_limit=size)
        elif kind == "telegram":
            telegram = (
                self._queries.lock_telegram_secrets
                if locked
                else self._queries.list_telegram_secrets
            )
            found = telegram(connection, after_org=after, row_limit=size)
        else:
            channel = (
                self._queries.lock_channel_secrets if locked else self._queries.list_channel_secrets
            )
            found = channel(connection, after_id=after, row_limit=size)
        return [row async for row in found]

    async def _set(self, connection: Connection, changes: list[tuple[str, Any]]) -> None:
        """Store changes of settings, which are all of one kind."""
        kind, rows = changes[0][0], [row for _, row in changes]
        if kind == "email":
            await self._queries.set_email_secrets(connection, rows)
        elif kind == "telegram":
            await self._queries.set_telegram_secrets(connection, rows)
        else:
            await self._queries.set_channel_secrets(connection, rows)

    def _resealed(self, numbered: tuple[int, dict[str, Any]]) -> Change[tuple[str, Any]]:
        number, row = numbered
        kind = _KINDS[number]
        config, old, clear = reseal_secrets(row["config"], self._keyring, _owner(kind, row))
        if not (old or clear):
            return Change(None)
        key = _key_of(kind)
        values = {key: row[key], "config": valid.document(config, "config")}
        return Change((kind, values), old, clear)


def _key_of(kind: str) -> str:
    return "id" if kind == "channel" else "org_id"


def _place_of(numbered: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    number, row = numbered
    return number, row[_key_of(_KINDS[number])]


def _owner(kind: str, row: Mapping[str, Any]) -> SettingsOwner:
    if kind == "channel":
        return SettingsOwner(row["org_id"], row["channel_type"], row["channel_id"])
    return SettingsOwner(row["org_id"], kind)


def _failure_of(numbered: tuple[int, dict[str, Any]], error: EncryptionError) -> RotationFailure:
    number, row = numbered
    return _failure(_owner(_KINDS[number], row), error)


def _failure(owner: SettingsOwner, error: EncryptionError) -> RotationFailure:
    return RotationFailure(user_id=owner.org_id, integration_type=owner.kind, problem=str(error))


def _inbox(org_id: Any, user_id: Any) -> dict[str, str]:
    return {"org_id": valid.key(org_id, "org_id"), "user_id": valid.key(user_id, "user_id")}


def _digest(digest: Any) -> dict[str, str]:
    if not isinstance(digest, Digest):
        raise InvalidInputError("digest", f"must be a Digest, not {type(digest).__name__}")
    return {
        **_inbox(digest.org_id, digest.user_id),
        "digest_id": valid.key(digest.digest_id, "digest_id"),
    }


def _number(value: Any, argument: str) -> int:
    return valid.integer(value, argument, least=1, most=LARGEST_ID)
