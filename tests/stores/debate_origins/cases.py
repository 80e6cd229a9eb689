"""What the conformance suite needs to know of the store of origins of debates."""

from __future__ import annotations

import itertools
import math
from typing import Any

from aragora_sql.stores.debate_origins import DebateOriginStore
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
BAD_TTLS: list[Any] = [0, -1, 1e11, math.nan, math.inf, True, "1"]


async def add(origins: DebateOriginStore) -> None:
    await origins.register_debate_origin(f"d{next(NUMBERS)}", "slack", "c", "u")


async def count(origins: DebateOriginStore) -> int:
    return len(await origins.list_pending(limit=1000))


async def fill(origins: DebateOriginStore) -> None:
    """Store some thousand origins, of which few are over and few wait for their result."""
    series = numbers(origins.database, 4000)
    if origins.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        until = "now() + interval '1 day' * (CASE WHEN n % 500 = 0 THEN -1 ELSE 1 END)"
        sent = "n % 50 <> 0"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        until = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', iif(n % 500 = 0, '-1 day', '+1 day'))"
        sent = "n % 50 <> 0"
    await run(
        origins.database,
        "INSERT INTO debate_origins (origin_id, platform, channel_id, user_id, thread_id, "
        "message_id, result_sent, created_at, expires_at) SELECT 'd' || n, 'slack', "
        f"'c' || (n % 100), 'u', 't' || (n % 700), 'm' || n, {sent}, {at}, {until} FROM {series}",
    )


KEY = {"origin_type": "debate", "origin_id": "d7"}
PLACE = {"after_timestamp": day(2), "after_type": "e", "after_id": "e", "row_limit": 10}
HOT = [
    Hot("get_origin", KEY),
    Hot("get_channel_origin", {"platform": "slack", "channel_id": "c7"}, True),
    Hot("get_thread_origin", {"platform": "slack", "channel_id": "c7", "thread_id": "t7"}, True),
    Hot("get_message_origin", {"platform": "slack", "message_id": "m7"}),
    Hot("list_pending", {"origin_type": None, "platform": None, **PLACE}, True),
    Hot("claim_result", KEY),
    Hot("set_result_sent", {**KEY, "result_sent": True}),
    Hot("delete_expired_origins", {"row_limit": 10}),
]


async def prepare(origins: DebateOriginStore) -> None:
    await origins.register_debate_origin("d0", "slack", "c", "u")


ROUND_TRIPS = {
    # The clean-up is not due again.
    "register_debate_origin": Call(1, lambda s, kept: add(s)),
    "register_origin": Call(1, lambda s, kept: s.register_origin("g", "gauntlet", "web", "c", "u")),
    "register_email_origin": Call(1, lambda s, kept: s.register_email_origin("d", "m", "a@b.c")),
    "get_origin": Call(1, lambda s, kept: s.get_origin("g", "gauntlet")),
    "get_debate_origin": Call(1, lambda s, kept: s.get_debate_origin("d0")),
    "get_origin_by_channel": Call(1, lambda s, kept: s.get_origin_by_channel("slack", "c")),
    "get_origin_by_channel and thread": Call(
        1, lambda s, kept: s.get_origin_by_channel("slack", "c", "t")
    ),
    "get_origin_by_message": Call(1, lambda s, kept: s.get_origin_by_message("slack", "m")),
    "get_origin_by_reply": Call(1, lambda s, kept: s.get_origin_by_reply("m")),
    "list_pending": Call(1, lambda s, kept: s.list_pending()),
    "claim_result": Call(1, lambda s, kept: s.claim_result("d0")),
    "release_result": Call(1, lambda s, kept: s.release_result("d0")),
    "mark_result_sent": Call(1, lambda s, kept: s.mark_result_sent("d0")),
    "cleanup_expired": Call(1, lambda s, kept: s.cleanup_expired()),
}

BY_ID = ("get_origin", "claim_result", "release_result", "mark_result_sent")
BAD_ARGUMENTS = [
    *keys_of("register_origin", "origin_id", "origin_type", "platform", "channel_id", "user_id"),
    *[
        BadArgument("register_origin", name, BAD_KEYS)
        for name in ("thread_id", "message_id", "debate_id")
    ],
    *optional_texts_of("register_origin", "session_id"),
    *documents_of("register_origin", "metadata"),
    BadArgument("register_origin", "ttl_seconds", BAD_TTLS),
    *keys_of("register_debate_origin", "debate_id", "platform", "channel_id", "user_id"),
    *keys_of("register_email_origin", "debate_id", "message_id", "recipient_email"),
    *texts_of("register_email_origin", "recipient_name"),
    *documents_of("register_email_origin", "metadata"),
    *[bad for method in BY_ID for bad in texts_of(method, "origin_id", "origin_type")],
    *texts_of("get_debate_origin", "debate_id"),
    *texts_of("get_origin_by_channel", "platform", "channel_id"),
    *optional_texts_of("get_origin_by_channel", "thread_id"),
    *texts_of("get_origin_by_message", "platform", "message_id"),
    *texts_of("get_origin_by_reply", "in_reply_to"),
    *optional_texts_of("list_pending", "origin_type", "platform"),
    *limits_of("list_pending"),
    BadArgument("list_pending", "after", [5, "text", {}]),
]

CHANNEL = {"platform": "slack", "channel_id": "c"}
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "register_origin": {"origin_id": "o", "origin_type": "debate", "user_id": "u", **CHANNEL},
    "register_debate_origin": {"debate_id": "d", "user_id": "u", **CHANNEL},
    "register_email_origin": {"debate_id": "d", "message_id": "m", "recipient_email": "a@b.c"},
    **{name: {"origin_id": "o"} for name in BY_ID},
    "get_origin_by_channel": CHANNEL,
    "get_origin_by_message": {"platform": "slack", "message_id": "m"},
}

CASES = StoreCases(
    make=DebateOriginStore,
    add=add,
    count=count,
    foreign_table="debate_origins (debate_id TEXT PRIMARY KEY, metadata_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"platform": lambda s: s.register_debate_origin("d", "", "c", "u")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
