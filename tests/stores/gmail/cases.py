"""What the conformance suite needs to know of the store of Gmail."""

from __future__ import annotations

import itertools
import math
from typing import Any

from aragora_sql.stores.gmail import GmailState, GmailSyncJob, GmailTokenStore, RefreshedTokens
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
    optional_texts_of,
)
from tests.stores.samples import KEYRING, day, days_ago, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [*NOT_TEXTS, *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
BAD_TEXTS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS]
BAD_VERSIONS: list[Any] = [0, -1, 1.0, True, "1", 2**31]
BAD_SECONDS: list[Any] = [*NOT_MEASURES, None, 1e9]


def state(user_id: str = "u", **changes: Any) -> GmailState:
    """A mailbox whose access token has expired."""
    fields: dict[str, Any] = {
        "email_address": "ann@example.com",
        "access_token": "access-0",
        "refresh_token": "refresh-0",
        "token_expiry": days_ago(1),
        **changes,
    }
    return GmailState(user_id=user_id, **fields)


async def answer(mailbox: GmailState) -> RefreshedTokens:
    """A provider whose tokens have expired when they come."""
    return RefreshedTokens(access_token=f"{mailbox.access_token}+", token_expiry=days_ago(1))


async def add(gmail: GmailTokenStore) -> None:
    # Without tokens, so that no key is needed.
    await gmail.save(GmailState(user_id=f"u{next(NUMBERS)}"))


async def counted(gmail: GmailTokenStore) -> int:
    return len(await gmail.list_all())


async def fill(gmail: GmailTokenStore) -> None:
    """Store some thousand rows in each table."""
    series = numbers(gmail.database, 4000)
    for statement in (
        "INSERT INTO gmail_tokens (user_id, org_id, access_token, refresh_token, refresh_holder, "
        "refresh_until) "
        "SELECT 'user ' || n, 'org ' || (n % 100), 'a', 'r', "
        "CASE WHEN n % 50 = 0 THEN 'h' END, "
        f"CASE WHEN n % 50 = 0 THEN {at(gmail)} END FROM {series}",
        "INSERT INTO gmail_sync_jobs (user_id, status) "
        f"SELECT 'user ' || n, 'completed' FROM {series}",
    ):
        await run(gmail.database, statement)


def at(gmail: GmailTokenStore) -> str:
    text = "'2026-01-01T00:00:00.000000Z'"
    return f"{text}::timestamptz" if gmail.database.dialect == "postgres" else text


TOKENS: dict[str, Any] = {
    "user_id": "user 1",
    "org_id": None,
    "email_address": None,
    "access_token": "a",
    "refresh_token": "r",
    "token_expiry": None,
    "history_id": None,
    "last_sync": None,
    "indexed_count": 0,
    "total_count": 0,
    "connected_at": None,
    "updated_at": day(0),
}
HOT = [
    Hot("get_tokens", {"user_id": "user 1"}),
    Hot("change_tokens", {**TOKENS, "expected_version": 1}),
    Hot("get_version", {"user_id": "user 1"}),
    Hot("delete_tokens", {"user_id": "user 1"}),
    Hot("list_tokens", {"after_user": "user 2", "row_limit": 10}, True),
    Hot("list_tokens_of_org", {"org_id": "org 1", "after_user": "", "row_limit": 10}, True),
    Hot(
        "take_refresh",
        {
            "user_id": "user 1",
            "holder": "h",
            "lease_seconds": 60.0,
            "known_version": 1,
        },
    ),
    Hot("get_refresh", {"user_id": "user 1", "known_version": None, "margin_seconds": 60.0}),
    Hot(
        "finish_refresh",
        {
            "user_id": "user 1",
            "holder": "h",
            "access_token": "a",
            "refresh_token": None,
            "token_expiry": None,
            "updated_at": day(0),
        },
    ),
    Hot("end_refresh", {"user_id": "user 1", "holder": "h"}),
    Hot("get_sync_job", {"user_id": "user 1"}),
    Hot("list_secrets", {"after_user": "user 2", "row_limit": 10}, True),
    Hot("lock_secrets", {"after_user": "user 2", "row_limit": 10}, True),
]


async def prepare(gmail: GmailTokenStore) -> GmailState:
    kept = await gmail.save(state("kept", org_id="o"))
    await gmail.save(state("good", token_expiry=days_ago(-1)))
    await gmail.save_sync_job(GmailSyncJob(user_id="kept", status="running"))
    return kept


async def read_then_save(gmail: GmailTokenStore) -> None:
    kept = await gmail.get("kept")
    assert kept is not None
    await gmail.save(kept)


ROUND_TRIPS = {
    "get": Call(1, lambda s, kept: s.get("kept")),
    "save": Call(1, lambda s, kept: s.save(state())),
    "save of what was read": Call(2, lambda s, kept: read_then_save(s)),
    "delete": Call(1, lambda s, kept: s.delete("u")),
    "list_all": Call(1, lambda s, kept: s.list_all()),
    "list_all of an organization": Call(1, lambda s, kept: s.list_all(org_id="o")),
    "record_sync": Call(1, lambda s, kept: s.record_sync("kept", "h", indexed=1)),
    "refresh": Call(3, lambda s, kept: s.refresh("kept", answer)),
    "refresh of what is good": Call(1, lambda s, kept: s.refresh("good", answer)),
    "get_sync_job": Call(1, lambda s, kept: s.get_sync_job("kept")),
    "save_sync_job": Call(
        1, lambda s, kept: s.save_sync_job(GmailSyncJob(user_id="kept", status="completed"))
    ),
    "delete_sync_job": Call(1, lambda s, kept: s.delete_sync_job("kept")),
    "check_secrets": Call(1, lambda s, kept: s.check_secrets()),
}


class Saving:
    """Calls of the store whose one argument is a record."""

    def __init__(self, gmail: GmailTokenStore) -> None:
        self._gmail = gmail

    async def save(self, **fields: Any) -> None:
        await self._gmail.save(state(**fields))

    async def save_sync_job(self, **fields: Any) -> None:
        await self._gmail.save_sync_job(
            GmailSyncJob(**{"user_id": "u", "status": "running", **fields})
        )


OF_STATE: dict[str, list[Any]] = {
    "user_id": BAD_KEYS,
    "org_id": BAD_KEYS[1:],
    "email_address": BAD_TEXTS,
    "access_token": BAD_TEXTS,
    "refresh_token": BAD_TEXTS,
    "token_expiry": NOT_TIMESTAMPS,
    "history_id": BAD_TEXTS,
    "last_sync": NOT_TIMESTAMPS,
    "indexed_count": NOT_COUNTS,
    "total_count": NOT_COUNTS,
    "connected_at": NOT_TIMESTAMPS,
    "created_at": NOT_TIMESTAMPS,
    "token_version": BAD_VERSIONS,
}
OF_JOB: dict[str, list[Any]] = {
    "user_id": BAD_KEYS,
    "status": [*NOT_TEXTS, "", "pending"],
    "progress": NOT_COUNTS,
    "messages_synced": NOT_COUNTS,
    "started_at": NOT_TIMESTAMPS,
    "completed_at": NOT_TIMESTAMPS,
    "failed_at": NOT_TIMESTAMPS,
    "error": BAD_TEXTS,
}
BAD_ARGUMENTS = [
    *(BadArgument("save", name, values, "saving") for name, values in OF_STATE.items()),
    *(BadArgument("save_sync_job", name, values, "saving") for name, values in OF_JOB.items()),
    BadArgument("save", "state", [None, "text", {"user_id": "u"}]),
    BadArgument("save_sync_job", "job", [None, "text", {"user_id": "u"}]),
    *keys_of("get", "user_id"),
    BadArgument("get", "decrypt", NOT_BOOLEANS),
    *keys_of("delete", "user_id"),
    *limits_of("list_all", "check_secrets"),
    BadArgument("list_all", "org_id", BAD_KEYS[1:]),
    BadArgument("list_all", "after", [5, "text", {}]),
    BadArgument("list_all", "decrypt", NOT_BOOLEANS),
    *keys_of("record_sync", "user_id"),
    *optional_texts_of("record_sync", "history_id"),
    BadArgument("record_sync", "indexed", NOT_COUNTS),
    BadArgument("record_sync", "total_count", NOT_COUNTS[:-1]),
    *keys_of("refresh", "user_id"),
    BadArgument("refresh", "refresher", [None, "text", 5]),
    BadArgument("refresh", "known_version", BAD_VERSIONS),
    BadArgument("refresh", "margin_seconds", BAD_SECONDS),
    BadArgument("refresh", "lease_seconds", [*BAD_SECONDS, 0, math.nan]),
    *keys_of("get_sync_job", "user_id"),
    *keys_of("delete_sync_job", "user_id"),
    BadArgument("rotate_keys", "batch_size", [0, *NOT_COUNTS]),
    BadArgument("rotate_keys", "dry_run", NOT_BOOLEANS),
]

CASES = StoreCases(
    make=lambda database: GmailTokenStore(database, KEYRING),
    add=add,
    count=counted,
    foreign_table="gmail_tokens (user_id TEXT PRIMARY KEY, stars TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"user_id": lambda s: s.get("")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments={
        "get": {"user_id": "u"},
        "delete": {"user_id": "u"},
        "record_sync": {"user_id": "u"},
        "refresh": {"user_id": "u", "refresher": answer},
        "get_sync_job": {"user_id": "u"},
        "delete_sync_job": {"user_id": "u"},
    },
    helpers={"saving": Saving},
)
