"""What the store of notifications returns and takes, beside settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.stores.integrations.secrets import hide_secrets, without_sealed
from aragora_sql.stores.records import Record

__all__ = [
    "ALL_EVENTS",
    "CHANNEL_EVENTS",
    "CHANNEL_TYPES",
    "PREFERENCE_CHANNELS",
    "ChannelEvent",
    "ChannelSubscription",
    "ChannelType",
    "Digest",
    "EmailRecipient",
    "Notification",
    "NotificationPreference",
    "PendingDigest",
    "PreferenceChannel",
    "SentNotification",
]

ChannelType = Literal["slack", "teams", "email", "webhook"]
ChannelEvent = Literal["receipt", "budget_alert", "debate_complete", "consensus_reached"]
PreferenceChannel = Literal["inbox", "digest", "email", "telegram", "slack", "teams", "webhook"]

CHANNEL_TYPES: tuple[ChannelType, ...] = get_args(ChannelType)
CHANNEL_EVENTS: tuple[ChannelEvent, ...] = get_args(ChannelEvent)
PREFERENCE_CHANNELS: tuple[PreferenceChannel, ...] = get_args(PreferenceChannel)
# Of a preference: all events that have none of their own.
ALL_EVENTS = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailRecipient(Record):
    """Somebody whom an organization sends e-mail to; the address is kept as it is given."""

    org_id: str
    email: str
    name: str | None = None
    preferences: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ChannelSubscription(Record):
    """A channel that events of an organization go to.

    ``id`` is made where none is given. ``config`` holds secrets as they are, or a
    :class:`~aragora_sql.stores.integrations.secrets.SealedSecret` where one was not decrypted;
    ``problem`` says in a list why one could not be. ``updated_at`` belongs to the store.
    """

    org_id: str
    channel_type: ChannelType
    channel_id: str
    event_types: list[ChannelEvent]
    workspace_id: str | None = None
    channel_name: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    is_active: bool = True
    created_by: str | None = None
    id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    problem: str | None = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"ChannelSubscription({shown})"

    def to_dict(self, include_secrets: bool = False) -> dict[str, Any]:
        """Return it in a form that JSON can hold; secrets are eight bullets unless asked for.

        A secret that was not decrypted is shown so in any case.
        """
        # super() does not find its class in a dataclass with slots.
        shown = without_sealed if include_secrets else hide_secrets
        return {**Record.to_dict(self), "config": shown(self.config)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationPreference(Record):
    """Whether a user wants to be told of an event (``*``: of all others) over a channel."""

    org_id: str
    user_id: str
    channel: PreferenceChannel
    event_type: str
    enabled: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification(Record):
    """A notification in a user's inbox; ``id`` grows with time within an inbox.

    ``digested_at`` is when a digest with it was sent.
    """

    id: int
    org_id: str
    user_id: str
    event_type: str
    title: str
    message: str
    data: dict[str, Any]
    dedup_key: str | None
    created_at: datetime
    read_at: datetime | None
    digested_at: datetime | None

    @property
    def is_read(self) -> bool:
        """Whether it was read."""
        return self.read_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNotification(Record):
    """What became of a notification.

    ``outcome`` is ``stored``, ``duplicate`` (one of its key is stored, and the window is open) or
    ``muted`` (its user does not want such ones in the inbox); ``id`` is None unless it was stored.
    """

    outcome: Literal["stored", "duplicate", "muted"]
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDigest(Record):
    """What the next digest of a user would tell.

    ``total`` notifications, as many of each event as ``event_types`` says, the oldest sent at
    ``oldest_at``. ``last_digest_at`` is when the last digest was sent.
    """

    user_id: str
    total: int
    oldest_at: datetime
    newest_at: datetime
    event_types: dict[str, int]
    last_digest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(Record):
    """A digest that is to be sent: ``notifications``, the oldest first, of one user.

    Nobody else sends one to this user until the lease of the call that gave it is over.
    """

    digest_id: str
    org_id: str
    user_id: str
    notifications: list[Notification]
    last_digest_at: datetime | None
