"""What the conformance suite needs to know of the store of notifications."""

from __future__ import annotations

import itertools
import math
from typing import Any

from aragora_sql.stores.notifications import (
    ChannelSubscription,
    Digest,
    EmailConfig,
    EmailRecipient,
    NotificationStore,
    TelegramConfig,
)
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_JSON,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_OBJECTS,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    texts_of,
)
from tests.stores.samples import KEYRING, day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [*NOT_TEXTS, *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
BAD_TEXTS: list[Any] = [*NOT_TEXTS, *UNSTORABLE_TEXTS]
BAD_IDS: list[Any] = [0, -1, 2**63, 1.0, True, "1"]
BAD_SECONDS: list[Any] = [*NOT_MEASURES, None, 1e12]
PASSWORD = "smtp-password-that-nobody-may-see"  # noqa: S105


def email_config(org_id: str = "acme", **changes: Any) -> EmailConfig:
    return EmailConfig(
        **{"org_id": org_id, "smtp_host": "mail.example.com", "from_email": "a@b.c", **changes}
    )


def channel(org_id: str = "acme", **changes: Any) -> ChannelSubscription:
    given: dict[str, Any] = {
        "org_id": org_id,
        "channel_type": "slack",
        "channel_id": "C1",
        "event_types": ["receipt"],
        **changes,
    }
    return ChannelSubscription(**given)


async def add(notifications: NotificationStore) -> None:
    await notifications.send("counted", "u", "receipt", f"number {next(NUMBERS)}")


async def count(notifications: NotificationStore) -> int:
    return await notifications.count_unread("counted", "u")


async def fill(notifications: NotificationStore) -> None:
    """Store some thousand rows in each table."""
    postgres = notifications.database.dialect == "postgres"
    series = numbers(notifications.database, 4000)
    cast, at = ("::jsonb", "::timestamptz") if postgres else ("", "")
    yes = "TRUE" if postgres else "1"
    if postgres:
        then = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        then = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    for statement in (
        f"INSERT INTO notification_email_configs (org_id) SELECT 'org ' || n FROM {series}",
        f"INSERT INTO notification_telegram_configs (org_id) SELECT 'org ' || n FROM {series}",
        "INSERT INTO notification_email_recipients (org_id, email, email_key) "
        f"SELECT 'org ' || (n % 100), 'e' || n, 'e' || n FROM {series}",
        "INSERT INTO channel_subscriptions (id, org_id, channel_type, channel_id, event_types) "
        f"SELECT 's' || n, 'org ' || (n % 100), 'slack', 'c' || n, '[\"receipt\"]'{cast} "
        f"FROM {series}",
        "INSERT INTO notification_preferences (org_id, user_id, channel, event_type, enabled) "
        f"SELECT 'org ' || (n % 100), 'user ' || n, 'inbox', '*', {yes} FROM {series}",
        "INSERT INTO notifications (org_id, user_id, event_type, title, created_at, read_at, "
        "digest_id, digested_at) "
        f"SELECT 'org ' || (n % 20), 'user ' || (n % 500), 'receipt', 't', {then}, "
        f"CASE WHEN n % 3 > 0 THEN {then} END, CASE WHEN n % 5 = 0 THEN 'd' || (n % 50) END, "
        f"CASE WHEN n % 10 = 0 THEN {then} END FROM {series}",
        "INSERT INTO notification_dedup_keys (org_id, user_id, dedup_key, holds_until) "
        f"SELECT 'org ' || (n % 100), 'user ' || n, 'k', '2999-01-01T00:00:00.000000Z'{at} "
        f"FROM {series}",
        "INSERT INTO notification_digests (org_id, user_id, digest_id, lease_until) "
        f"SELECT 'org ' || (n % 20), 'user ' || n, 'd' || (n % 50), {then} FROM {series}",
    ):
        await run(notifications.database, statement)


INBOX = {"org_id": "org 1", "user_id": "user 1"}
NEW: dict[str, Any] = {
    **INBOX,
    "event_type": "receipt",
    "title": "t",
    "message": "",
    "data": {},
    "dedup_key": None,
    "created_at": day(0),
}
HOT = [
    Hot("get_email_config", {"org_id": "org 1"}),
    Hot("get_telegram_config", {"org_id": "org 1"}),
    Hot("list_recipients", {"org_id": "org 1", "after_email": "", "row_limit": 10}, True),
    Hot("get_channel", {"id": "s1"}),
    Hot(
        "list_channels",
        {
            "org_id": "org 1",
            "active_only": False,
            "after_type": "",
            "after_channel": "",
            "row_limit": 10,
        },
    ),
    Hot("list_channels_for_event", {"org_id": "org 1", "event_type": "receipt"}),
    Hot("list_preferences", INBOX),
    Hot("get_preference", {**INBOX, "channel": "inbox", "event_type": "receipt"}),
    Hot("list_notifications", {**INBOX, "after_id": 2000, "row_limit": 10}, True),
    Hot("list_unread", {**INBOX, "after_id": 2000, "row_limit": 10}, True),
    Hot("count_unread", INBOX),
    Hot("mark_read", {**INBOX, "ids": [1, 2, 3], "read_at": day(0)}),
    Hot("mark_all_read", {**INBOX, "up_to": 2000, "read_at": day(0)}),
    Hot("list_pending_digests", {"org_id": "org 1", "after_user": "", "row_limit": 10}),
    Hot("end_digest", {**INBOX, "digest_id": "d1", "last_digest_at": day(0)}),
    Hot("mark_digested", {"user_id": "user 1", "digest_id": "d1", "digested_at": day(0)}),
    Hot("end_empty_digests", {"digest_id": "d1", "user_ids": ["user 1"]}),
    Hot("delete_read", {"older_than": day(0.01), "row_limit": 10}),
    Hot("delete_old", {"older_than": day(0.01), "row_limit": 10}),
    Hot("delete_dedup_keys", {"row_limit": 10}),
]


async def prepare(notifications: NotificationStore) -> Digest:
    await notifications.save_email_config(email_config())
    await notifications.save_telegram_config(TelegramConfig(org_id="acme"))
    await notifications.add_recipient(EmailRecipient(org_id="acme", email="ann@example.com"))
    await notifications.save_channel(channel(id="s"))
    await notifications.send("acme", "u", "receipt", "first")
    (digest,) = await notifications.claim_digests("acme")
    for number in range(3):
        await notifications.send("acme", f"u{number}", "receipt", "second", dedup_key="k")
    return digest


async def claim_then_release(notifications: NotificationStore) -> None:
    for digest in await notifications.claim_digests("acme"):
        await notifications.release_digest(digest)


ROUND_TRIPS = {
    "save_email_config": Call(1, lambda s, kept: s.save_email_config(email_config())),
    "get_email_config": Call(1, lambda s, kept: s.get_email_config("acme")),
    "delete_email_config": Call(1, lambda s, kept: s.delete_email_config("acme")),
    "save_telegram_config": Call(
        1, lambda s, kept: s.save_telegram_config(TelegramConfig(org_id="acme"))
    ),
    "get_telegram_config": Call(1, lambda s, kept: s.get_telegram_config("acme")),
    "delete_telegram_config": Call(1, lambda s, kept: s.delete_telegram_config("acme")),
    "add_recipient": Call(
        1, lambda s, kept: s.add_recipient(EmailRecipient(org_id="acme", email="b@example.com"))
    ),
    "get_recipients": Call(1, lambda s, kept: s.get_recipients("acme")),
    "remove_recipient": Call(1, lambda s, kept: s.remove_recipient("acme", "ann@example.com")),
    "clear_recipients": Call(1, lambda s, kept: s.clear_recipients("acme")),
    "save_channel": Call(1, lambda s, kept: s.save_channel(channel())),
    "get_channel": Call(1, lambda s, kept: s.get_channel("s")),
    "list_channels": Call(1, lambda s, kept: s.list_channels("acme")),
    "get_channels_for_event": Call(1, lambda s, kept: s.get_channels_for_event("acme", "receipt")),
    "set_channel_active": Call(1, lambda s, kept: s.set_channel_active("s", True)),
    "delete_channel": Call(1, lambda s, kept: s.delete_channel("s")),
    "set_preference": Call(1, lambda s, kept: s.set_preference("acme", "u", "email", False)),
    "get_preferences": Call(1, lambda s, kept: s.get_preferences("acme", "u")),
    "is_wanted": Call(1, lambda s, kept: s.is_wanted("acme", "u", "email", "receipt")),
    "clear_preferences": Call(1, lambda s, kept: s.clear_preferences("acme", "u")),
    "send": Call(1, lambda s, kept: s.send("acme", "u", "receipt", "title")),
    # Its window is open: BEGIN, a look at the key, COMMIT.
    "send of a key": Call(
        3, lambda s, kept: s.send("acme", "u0", "receipt", "title", dedup_key="k"), at_most=True
    ),
    "list_notifications": Call(1, lambda s, kept: s.list_notifications("acme", "u")),
    "count_unread": Call(1, lambda s, kept: s.count_unread("acme", "u")),
    "mark_read": Call(1, lambda s, kept: s.mark_read("acme", "u", [1])),
    "mark_all_read": Call(1, lambda s, kept: s.mark_all_read("acme", "u")),
    "delete_notification": Call(1, lambda s, kept: s.delete_notification("acme", "u", 1)),
    "get_pending_digests": Call(1, lambda s, kept: s.get_pending_digests("acme")),
    # BEGIN, leases, contents, COMMIT; and one for each of three that are released.
    "claim_digests": Call(7, lambda s, kept: claim_then_release(s), at_most=True),
    "finish_digest": Call(4, lambda s, kept: s.finish_digest(kept), at_most=True),
    "release_digest": Call(1, lambda s, kept: s.release_digest(kept)),
    "check_secrets": Call(3, lambda s, kept: s.check_secrets()),
}


class Saving:
    """Calls of the store whose one argument is a record."""

    def __init__(self, notifications: NotificationStore) -> None:
        self._store = notifications

    async def save_email_config(self, **fields: Any) -> None:
        await self._store.save_email_config(email_config(**fields))

    async def save_telegram_config(self, **fields: Any) -> None:
        await self._store.save_telegram_config(TelegramConfig(**{"org_id": "acme", **fields}))

    async def add_recipient(self, **fields: Any) -> None:
        given = {"org_id": "acme", "email": "ann@example.com", **fields}
        await self._store.add_recipient(EmailRecipient(**given))

    async def save_channel(self, **fields: Any) -> None:
        await self._store.save_channel(channel(**fields))


NOT_DOCUMENTS: list[Any] = [*NOT_OBJECTS, *({"a": {"b": bad}} for bad in NOT_JSON)]
OF_SETTINGS: dict[str, dict[str, list[Any]]] = {
    "save_email_config": {
        "org_id": BAD_KEYS,
        "provider": [*NOT_TEXTS, "", "mailgun"],
        "smtp_port": [0, 65536, *NOT_COUNTS],
        "use_tls": NOT_BOOLEANS,
        "from_email": BAD_TEXTS,
        "smtp_password": BAD_TEXTS,
        "digest_frequency": [*BAD_TEXTS, *BLANK_TEXTS],
        "min_consensus_confidence": NOT_FRACTIONS,
        "max_emails_per_hour": NOT_COUNTS,
        "extra": [*NOT_OBJECTS, {"org_id": "x"}, {"smtp_host": "x"}],
        "created_at": NOT_TIMESTAMPS,
    },
    "save_telegram_config": {
        "org_id": BAD_KEYS,
        "bot_token": BAD_TEXTS,
        "chat_id": BAD_TEXTS,
        "notify_on_error": NOT_BOOLEANS,
        "min_consensus_confidence": NOT_FRACTIONS,
        "max_messages_per_minute": NOT_COUNTS,
        "created_at": NOT_TIMESTAMPS,
    },
    "add_recipient": {
        "org_id": BAD_KEYS,
        "email": [*BAD_KEYS, "no address", "a b@c.d"],
        "name": BAD_TEXTS[1:],
        "preferences": NOT_DOCUMENTS,
        "created_at": NOT_TIMESTAMPS,
    },
    "save_channel": {
        "org_id": BAD_KEYS,
        "channel_type": [*NOT_TEXTS, "", "irc"],
        "channel_id": BAD_KEYS,
        "event_types": [*NOT_LISTS, None, ["receipt", "unknown"], [5]],
        "workspace_id": BAD_TEXTS[1:],
        "channel_name": BAD_TEXTS[1:],
        "config": [*NOT_OBJECTS, None],
        "is_active": NOT_BOOLEANS,
        "created_by": BAD_TEXTS[1:],
        "id": BAD_KEYS[1:],
        "created_at": NOT_TIMESTAMPS,
    },
}
OF_INBOX = (
    *("get_preferences", "clear_preferences", "set_preference", "is_wanted", "send"),
    *("list_notifications", "count_unread", "mark_read", "mark_all_read", "delete_notification"),
)
OF_ORGANIZATION = (
    *("get_email_config", "get_telegram_config", "delete_email_config", "delete_telegram_config"),
    *("get_recipients", "remove_recipient", "clear_recipients", "list_channels"),
    *("get_channels_for_event", "get_pending_digests", "claim_digests"),
)
BAD_ARGUMENTS = [
    *(
        BadArgument(
            method, name, values, "saving", named=r"(settings\.)?" + name if "_" in name else ""
        )
        for method, arguments in OF_SETTINGS.items()
        for name, values in arguments.items()
    ),
    BadArgument("save_email_config", "config", [None, "text", TelegramConfig(org_id="a")]),
    BadArgument("save_telegram_config", "config", [None, "text", email_config()]),
    BadArgument("add_recipient", "recipient", [None, "text", {"email": "a"}]),
    BadArgument("save_channel", "channel", [None, "text", {"id": "a"}]),
    BadArgument("finish_digest", "digest", [None, "text", {"digest_id": "a"}]),
    BadArgument("release_digest", "digest", [None, "text", {"digest_id": "a"}]),
    *(case for method in OF_ORGANIZATION for case in keys_of(method, "org_id")),
    *(case for method in OF_INBOX for case in keys_of(method, "org_id", "user_id")),
    *(case for m in ("get_channel", "delete_channel") for case in keys_of(m, "id")),
    *keys_of("set_channel_active", "id"),
    *(
        BadArgument(method, "decrypt", NOT_BOOLEANS)
        for method in ("get_email_config", "get_telegram_config", "get_channel")
    ),
    BadArgument("list_channels", "decrypt", NOT_BOOLEANS),
    BadArgument("get_channels_for_event", "decrypt", NOT_BOOLEANS),
    BadArgument("list_channels", "active_only", NOT_BOOLEANS),
    *limits_of("get_recipients", "list_channels", "list_notifications", "get_pending_digests"),
    *limits_of("claim_digests", "check_secrets"),
    *(
        BadArgument(method, "after", [5, "text", {}])
        for method in (
            *("get_recipients", "list_channels", "list_notifications", "get_pending_digests"),
        )
    ),
    *keys_of("remove_recipient", "email"),
    BadArgument("get_channels_for_event", "event_type", [*NOT_TEXTS, "", "unknown"]),
    BadArgument("set_channel_active", "is_active", NOT_BOOLEANS),
    BadArgument("set_preference", "channel", [*NOT_TEXTS, "", "fax"]),
    BadArgument("set_preference", "enabled", NOT_BOOLEANS),
    *keys_of("set_preference", "event_type"),
    BadArgument("is_wanted", "channel", [*NOT_TEXTS, "", "fax"]),
    *keys_of("is_wanted", "event_type"),
    *keys_of("send", "event_type"),
    BadArgument("send", "title", [*BAD_TEXTS, *BLANK_TEXTS]),
    *texts_of("send", "message"),
    *documents_of("send", "data"),
    BadArgument("send", "dedup_key", BAD_KEYS[1:]),
    BadArgument("send", "window_seconds", [*BAD_SECONDS, 0, math.nan]),
    BadArgument("list_notifications", "unread_only", NOT_BOOLEANS),
    BadArgument("mark_read", "ids", [*NOT_LISTS, None, *([bad] for bad in BAD_IDS)]),
    BadArgument("mark_all_read", "up_to", BAD_IDS),
    BadArgument("delete_notification", "id", [*BAD_IDS, None]),
    BadArgument("claim_digests", "interval_seconds", BAD_SECONDS),
    BadArgument("claim_digests", "lease_seconds", [*BAD_SECONDS, 0]),
    BadArgument("claim_digests", "most", [0, *NOT_COUNTS]),
    BadArgument("cleanup", "read_days", [*NOT_MEASURES, None, 1e12]),
    BadArgument("cleanup", "all_days", [*NOT_MEASURES, None, 1e12]),
    BadArgument("rotate_keys", "batch_size", [0, *NOT_COUNTS]),
    BadArgument("rotate_keys", "dry_run", NOT_BOOLEANS),
]
OWN = {"org_id": "acme", "user_id": "u"}

CASES = StoreCases(
    make=lambda database: NotificationStore(database, KEYRING),
    add=add,
    count=count,
    foreign_table="notifications (id TEXT PRIMARY KEY, stars TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"user_id": lambda s: s.count_unread("acme", "")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments={
        **{method: {"org_id": "acme"} for method in OF_ORGANIZATION},
        **dict.fromkeys(OF_INBOX, OWN),
        "remove_recipient": {"org_id": "acme", "email": "ann@example.com"},
        "get_channels_for_event": {"org_id": "acme", "event_type": "receipt"},
        "get_channel": {"id": "s"},
        "delete_channel": {"id": "s"},
        "set_channel_active": {"id": "s", "is_active": True},
        "set_preference": {**OWN, "channel": "inbox", "enabled": True},
        "is_wanted": {**OWN, "channel": "inbox", "event_type": "receipt"},
        "send": {**OWN, "event_type": "receipt", "title": "title"},
        "mark_read": {**OWN, "ids": [1]},
        "delete_notification": {**OWN, "id": 1},
    },
    helpers={"saving": Saving},
)
