"""What the conformance suite needs to know of the store of the unified inbox."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from aragora_sql.stores.unified_inbox import UnifiedInboxStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_LISTS,
    NOT_OBJECTS,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [None, "", " ", *NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *TOO_LONG]
BAD_WORDS: list[Any] = ["", "GMAIL", "other", 5]
BAD_MOMENTS: list[Any] = ["tomorrow", "2026-01-01T00:00:00", datetime(2026, 1, 1), 5, []]
NOT_DELTAS: list[Any] = [2**31, -(2**31), 1.0, True, "1", None]


def an_account(account_id: Any = "a", **changes: Any) -> dict[str, Any]:
    """Return an account."""
    given = {"account_id": account_id, "provider": "gmail", "email_address": "ann@example.com"}
    return {**given, **changes}


def a_message(external_id: Any = "x", **changes: Any) -> dict[str, Any]:
    """Return a message."""
    return {"account_id": "a", "provider": "gmail", "external_id": external_id, **changes}


def a_triage(message_id: Any = "m", **changes: Any) -> dict[str, Any]:
    """Return advice."""
    return {"message_id": message_id, "recommended_action": "archive", **changes}


async def add(inbox: UnifiedInboxStore) -> None:
    await inbox.save_account("t", an_account(f"a{next(NUMBERS)}"))


async def count(inbox: UnifiedInboxStore) -> int:
    return len(await inbox.list_accounts("t"))


async def fill(inbox: UnifiedInboxStore) -> None:
    """Store some thousand rows in each table; what is unread is rare."""
    series = numbers(inbox.database, 4000)
    unread = "n % 100 > 0" if inbox.database.dialect == "postgres" else "iif(n % 100 > 0, 1, 0)"
    for statement in (
        "INSERT INTO unified_inbox_accounts (tenant_id, account_id, provider, email_address, "
        "email_key, display_name) SELECT 't' || (n % 100), 'a' || n, 'gmail', 'e', 'e', 'd' "
        f"FROM {series}",
        "INSERT INTO unified_inbox_messages (tenant_id, message_id, account_id, provider, "
        "external_id, is_read, priority_score, search_terms) SELECT 't' || (n % 100), 'm' || n, "
        f"'a' || n, 'gmail', 'x' || n, {unread}, n % 7, 'word' || n || ' common' FROM {series}",
        "INSERT INTO unified_inbox_messages (tenant_id, message_id, account_id, provider, "
        "external_id, is_read, priority_score) SELECT 't7', 'n' || n, 'a7', 'gmail', 'y' || n, "
        f"{unread}, n % 7 FROM {series}",
        "INSERT INTO unified_inbox_triage_results (tenant_id, message_id, recommended_action) "
        f"SELECT 't' || (n % 100), 'm' || n, 'defer' FROM {series}",
    ):
        await run(inbox.database, statement)


ACCOUNT = {"tenant_id": "t7", "account_id": "a7"}
MESSAGE = {"tenant_id": "t7", "message_id": "m7"}
PAGE: dict[str, Any] = {
    "tenant_id": "t7",
    "account_id": None,
    "priority_tier": None,
    "after_score": 5.0,
    "after_timestamp": day(2),
    "after_id": "h",
    "row_limit": 10,
}
COUNTED: dict[str, Any] = {
    "tenant_id": "t7",
    "account_id": None,
    "priority_tier": None,
    "unread_only": True,
}
HOT = [
    Hot("get_account", ACCOUNT),
    Hot(
        "list_accounts",
        {"tenant_id": "t7", "after_timestamp": day(2), "after_id": "", "row_limit": 10},
    ),
    Hot("delete_account", ACCOUNT),
    Hot("hold_account_of", MESSAGE),
    Hot("recount_messages", ACCOUNT),
    Hot("get_message", MESSAGE),
    Hot("delete_message", MESSAGE),
    Hot("set_read", {**MESSAGE, "is_read": True, "updated_at": day(1)}),
    Hot("list_messages", PAGE, True),
    Hot("list_unread_messages", PAGE, True),
    Hot("list_account_messages", {**PAGE, "account_id": "a7", "unread_only": False}, True),
    Hot("find_messages", {**PAGE, "expression": "(word7&common)", "unread_only": False}),
    Hot("count_found_messages", {**COUNTED, "expression": "word7"}),
    Hot("get_triage_result", MESSAGE),
]


async def prepare(inbox: UnifiedInboxStore) -> None:
    await inbox.save_account("t", an_account())
    await inbox.save_message("t", a_message(message_id="m", is_read=True))
    await inbox.save_triage_result("t", a_triage())


ROUND_TRIPS = {
    "save_account": Call(1, lambda s, kept: s.save_account("t", an_account())),
    "get_account": Call(1, lambda s, kept: s.get_account("t", "a")),
    "list_accounts": Call(1, lambda s, kept: s.list_accounts("t")),
    "delete_account": Call(1, lambda s, kept: s.delete_account("t", "a")),
    "update_account_fields": Call(
        4, lambda s, kept: s.update_account_fields("t", "a", {"status": "error"})
    ),
    "increment_account_counts": Call(1, lambda s, kept: s.increment_account_counts("t", "a", 1)),
    "recount_messages": Call(5, lambda s, kept: s.recount_messages("t", "a")),
    "save_message": Call(4, lambda s, kept: s.save_message("t", a_message(f"x{next(NUMBERS)}"))),
    "save_message again": Call(6, lambda s, kept: s.save_message("t", a_message(is_read=True))),
    "get_message": Call(1, lambda s, kept: s.get_message("t", "m")),
    "delete_message": Call(4, lambda s, kept: s.delete_message("t", "m")),
    "update_message_flags": Call(5, lambda s, kept: s.update_message_flags("t", "m", True)),
    "update_message_triage": Call(1, lambda s, kept: s.update_message_triage("t", "m", "flag")),
    "list_messages": Call(2, lambda s, kept: s.list_messages("t", search="word")),
    "save_triage_result": Call(1, lambda s, kept: s.save_triage_result("t", a_triage())),
    "get_triage_result": Call(1, lambda s, kept: s.get_triage_result("t", "m")),
}

WITH_A_SECRET = {"metadata": {"access_token": "hunter2"}}
NOT_ACCOUNTS: list[Any] = [
    None,
    5,
    "text",
    {},
    *[an_account(bad) for bad in BAD_KEYS],
    *[an_account(provider=bad) for bad in [None, *BAD_WORDS]],
    *[an_account(email_address=bad) for bad in (None, "", 5)],
    an_account(display_name=5),
    *[an_account(status=bad) for bad in BAD_WORDS],
    *[an_account(last_sync=bad) for bad in BAD_MOMENTS],
    *[an_account(total_messages=bad) for bad in NOT_COUNTS[:-1]],
    *[an_account(metadata=bad) for bad in NOT_OBJECTS],
    an_account(**WITH_A_SECRET),
    an_account(tenant_id="other"),
    an_account(owner="ann"),
]
NOT_MESSAGES: list[Any] = [
    None,
    [],
    {},
    *[a_message(bad) for bad in BAD_KEYS],
    *[a_message(account_id=bad) for bad in BAD_KEYS],
    *[a_message(message_id=bad) for bad in BAD_KEYS[1:]],
    *[a_message(provider=bad) for bad in BAD_WORDS],
    *[
        a_message(**{name: bad})
        for name in ("subject", "sender_email", "sender_name", "snippet", "thread_id")
        for bad in (5, "\x00")
    ],
    *[a_message(body_preview=bad) for bad in (5, "x" * 501)],
    *[
        a_message(**{name: bad})
        for name in ("recipients", "cc", "labels", "priority_reasons")
        for bad in [*NOT_LISTS, [5]]
    ],
    *[
        a_message(**{name: bad})
        for name in ("is_read", "is_starred", "has_attachments")
        for bad in NOT_BOOLEANS[1:]
    ],
    *[a_message(priority_score=bad) for bad in (float("nan"), float("inf"), 1e301, "1", True)],
    *[a_message(priority_tier=bad) for bad in BAD_WORDS],
    *[a_message(triage_action=bad) for bad in BAD_WORDS],
    *[a_message(received_at=bad) for bad in BAD_MOMENTS],
    a_message(tenant_id="other"),
    a_message(colour="red"),
]
NOT_TRIAGES: list[Any] = [
    None,
    {},
    *[a_triage(bad) for bad in BAD_KEYS],
    *[a_triage(recommended_action=bad) for bad in [None, *BAD_WORDS]],
    *[a_triage(confidence=bad) for bad in NOT_FRACTIONS],
    *[a_triage(rationale=bad) for bad in (5, "\x00")],
    *[a_triage(schedule_for=bad) for bad in BAD_MOMENTS],
    *[a_triage(agents=bad) for bad in [*NOT_LISTS, [5]]],
]
OF_ACCOUNTS = (
    "get_account",
    "delete_account",
    "update_account_fields",
    "increment_account_counts",
    "recount_messages",
)
OF_MESSAGES = (
    "get_message",
    "delete_message",
    "update_message_flags",
    "update_message_triage",
    "get_triage_result",
)
BAD_ARGUMENTS = [
    *[
        BadArgument(method, "tenant_id", BAD_KEYS)
        for method in ("save_account", "save_message", "save_triage_result")
    ],
    BadArgument("save_account", "account", NOT_ACCOUNTS),
    BadArgument("save_message", "message", NOT_MESSAGES),
    BadArgument("save_triage_result", "triage", NOT_TRIAGES),
    *[bad for method in OF_ACCOUNTS for bad in texts_of(method, "tenant_id", "account_id")],
    *[bad for method in OF_MESSAGES for bad in texts_of(method, "tenant_id", "message_id")],
    BadArgument(
        "update_account_fields",
        "updates",
        [
            None,
            5,
            [],
            {"account_id": "b"},
            {"1 = 1; --": 1},
            {"status": "odd"},
            {"provider": None},
            {"total_messages": -1},
            {"last_sync": "yesterday"},
            WITH_A_SECRET,
        ],
    ),
    *[
        BadArgument("increment_account_counts", name, NOT_DELTAS)
        for name in ("total_delta", "unread_delta", "sync_error_delta")
    ],
    BadArgument("update_message_flags", "is_read", NOT_BOOLEANS[1:]),
    BadArgument("update_message_flags", "is_starred", NOT_BOOLEANS[1:]),
    BadArgument("update_message_triage", "action", BAD_WORDS),
    *optional_texts_of("update_message_triage", "rationale"),
    *texts_of("list_accounts", "tenant_id"),
    *texts_of("list_messages", "tenant_id"),
    *optional_texts_of("list_messages", "account_id", "search"),
    BadArgument("list_messages", "priority_tier", BAD_WORDS),
    BadArgument("list_messages", "unread_only", NOT_BOOLEANS),
    *limits_of("list_accounts", "list_messages"),
    BadArgument("list_accounts", "after", [5, "text", {}]),
    BadArgument("list_messages", "after", [5, "text", {}]),
]
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save_account": {"tenant_id": "t", "account": an_account()},
    "save_message": {"tenant_id": "t", "message": a_message()},
    "save_triage_result": {"tenant_id": "t", "triage": a_triage()},
    **{method: {"tenant_id": "t", "account_id": "a"} for method in OF_ACCOUNTS},
    **{method: {"tenant_id": "t", "message_id": "m"} for method in OF_MESSAGES},
    "update_account_fields": {"tenant_id": "t", "account_id": "a", "updates": {}},
    "update_message_triage": {"tenant_id": "t", "message_id": "m", "action": "flag"},
    "list_accounts": {"tenant_id": "t"},
    "list_messages": {"tenant_id": "t"},
}

CASES = StoreCases(
    make=UnifiedInboxStore,
    add=add,
    count=count,
    foreign_table="unified_inbox_messages (message_id TEXT PRIMARY KEY, body TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"message": lambda s: s.save_message("t", {})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
