"""Notifications: settings, channels and preferences, inboxes and digests."""

from aragora_sql.stores.notifications.configs import EmailConfig, TelegramConfig
from aragora_sql.stores.notifications.records import (
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
from aragora_sql.stores.notifications.store import NotificationStore

__all__ = [
    "CHANNEL_EVENTS",
    "CHANNEL_TYPES",
    "PREFERENCE_CHANNELS",
    "ChannelSubscription",
    "Digest",
    "EmailConfig",
    "EmailRecipient",
    "Notification",
    "NotificationPreference",
    "NotificationStore",
    "PendingDigest",
    "SentNotification",
    "TelegramConfig",
]
