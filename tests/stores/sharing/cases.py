"""What the conformance suite needs to know of the store of links."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from aragora_sql.stores.sharing import SharingStore
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
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
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
LATER = datetime(2999, 1, 1, tzinfo=UTC)
TOKEN = "0123456789abcdef012345"  # noqa: S105 - not a real one
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
NOT_AT_LEAST_1: list[Any] = [0, *NOT_COUNTS[:-1]]


async def add(sharing: SharingStore) -> None:
    await sharing.save(f"d{next(NUMBERS)}")


async def count(sharing: SharingStore) -> int:
    return (await sharing.get_stats())["total"]


async def fill(sharing: SharingStore) -> None:
    """Store some thousand rows in each table."""
    series = numbers(sharing.database, 4000)
    if sharing.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        hashed = "lpad(to_hex(n), 64, '0')"
        # What is over is rare, as it is deleted.
        until = (
            "CASE WHEN n % 500 = 0 THEN now() - interval '1 day' ELSE now() + interval '1 day' END"
        )
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        hashed = "printf('%064x', n)"
        until = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', iif(n % 500 = 0, '-1 day', '+1 day'))"
    for statement in (
        "INSERT INTO share_links (debate_id, token_hash, owner_id, org_id, created_at, expires_at) "
        f"SELECT 'd' || n, {hashed}, 'user ' || (n % 500), 'org ' || (n % 500), {at}, {until} "
        f"FROM {series}",
        "INSERT INTO receipt_shares (token_hash, receipt_id, created_at, expires_at) "
        f"SELECT {hashed}, 'r' || (n % 500), {at}, {until} FROM {series}",
    ):
        await run(sharing.database, statement)


HASH = f"{7:064x}"
PAGE = {"after_timestamp": day(2), "after_id": "e", "row_limit": 10}
HOT = [
    Hot("get_link", {"debate_id": "d7", "include_expired": False}),
    Hot("get_link_by_token", {"token_hash": HASH}),
    Hot("get_password_hash", {"token_hash": HASH}),
    Hot("redeem_link", {"token_hash": HASH, "password_hash": None}),
    Hot("count_view", {"debate_id": "d7"}),
    Hot("list_links_of_owner", {"owner_id": "user 7", **PAGE}),
    Hot("list_links_of_org", {"org_id": "org 7", "visibility": "private", **PAGE}),
    Hot("delete_expired_links", {"row_limit": 10}),
    Hot("redeem_receipt_share", {"token_hash": HASH}),
    Hot("get_receipt_share", {"token_hash": HASH}),
    Hot("list_receipt_shares", {"receipt_id": "r7", **PAGE}),
    Hot("delete_shares_of_receipt", {"receipt_id": "r7"}),
    Hot("delete_expired_receipt_shares", {"row_limit": 10}),
]


async def prepare(sharing: SharingStore) -> str:
    await sharing.save("d0")
    await sharing.receipts.save(TOKEN, "r0", LATER)
    return await sharing.issue_token("d0")


ROUND_TRIPS = {
    # The clean-up is not due again.
    "save": Call(1, lambda s, kept: add(s)),
    "redeem": Call(1, lambda s, kept: s.redeem(kept)),
    "get": Call(1, lambda s, kept: s.get("d0")),
    "get_by_token": Call(1, lambda s, kept: s.get_by_token(kept)),
    "increment_view_count": Call(1, lambda s, kept: s.increment_view_count("d0")),
    "list_by_owner": Call(1, lambda s, kept: s.list_by_owner("u")),
    "list_by_org": Call(1, lambda s, kept: s.list_by_org("o", "team")),
    "get_stats": Call(1, lambda s, kept: s.get_stats()),
    "issue_token": Call(1, lambda s, kept: s.issue_token("d0")),
    "revoke_token": Call(1, lambda s, kept: s.revoke_token("d0")),
    "set_password": Call(1, lambda s, kept: s.set_password("d0", None)),
    "delete": Call(1, lambda s, kept: s.delete("d0")),
    "receipts.save": Call(1, lambda s, kept: s.receipts.save(TOKEN, "r", LATER)),
    "receipts.redeem": Call(1, lambda s, kept: s.receipts.redeem(TOKEN)),
    "receipts.get_by_token": Call(1, lambda s, kept: s.receipts.get_by_token(TOKEN)),
    "receipts.get_by_receipt": Call(1, lambda s, kept: s.receipts.get_by_receipt("r")),
    "receipts.delete": Call(1, lambda s, kept: s.receipts.delete(TOKEN)),
}

BAD_ARGUMENTS = [
    *keys_of("save", "debate_id"),
    BadArgument("save", "visibility", [*NOT_TEXTS, "", "secret", "PUBLIC"]),
    *[BadArgument("save", name, BAD_KEYS) for name in ("owner_id", "org_id")],
    BadArgument("save", "expires_at", NOT_TIMESTAMPS),
    *[BadArgument("save", name, NOT_BOOLEANS) for name in ("allow_comments", "allow_forking")],
    BadArgument("save", "max_uses", NOT_AT_LEAST_1),
    *keys_of("issue_token", "debate_id"),
    *texts_of("revoke_token", "debate_id"),
    *keys_of("set_password", "debate_id"),
    BadArgument(
        "set_password", "password", [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, "x" * 1025]
    ),
    *keys_of("redeem", "token"),
    BadArgument("redeem", "password", [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS]),
    *texts_of("get", "debate_id"),
    BadArgument("get", "include_expired", NOT_BOOLEANS),
    *keys_of("get_by_token", "token"),
    *texts_of("list_by_owner", "owner_id"),
    BadArgument("list_by_owner", "after", [5, "text", {}]),
    *texts_of("list_by_org", "org_id"),
    BadArgument("list_by_org", "visibility", [*NOT_TEXTS, "", "secret"]),
    *limits_of("list_by_owner", "list_by_org"),
    *texts_of("delete", "debate_id"),
    *texts_of("increment_view_count", "debate_id"),
    BadArgument("issue", "receipt_id", [*NOT_TEXTS, *UNSTORABLE_TEXTS, *TOO_LONG], "receipts"),
    BadArgument("issue", "expires_at", [*NOT_TIMESTAMPS, None], "receipts"),
    BadArgument("issue", "max_accesses", NOT_AT_LEAST_1, "receipts"),
    BadArgument("issue", "created_by", BAD_KEYS, "receipts"),
    BadArgument("get_by_receipt", "after", [5, "text", {}], "receipts"),
    *limits_of("get_by_receipt", of="receipts"),
    BadArgument("delete_by_hash", "token_hash", [*NOT_TEXTS, "a" * 63, "A" * 64], "receipts"),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save": {"debate_id": "d"},
    "issue_token": {"debate_id": "d"},
    "set_password": {"debate_id": "d", "password": None},
    "redeem": {"token": TOKEN},
    "get": {"debate_id": "d"},
    "list_by_owner": {"owner_id": "u"},
    "list_by_org": {"org_id": "o", "visibility": "team"},
    "issue": {"receipt_id": "r", "expires_at": LATER},
    "get_by_receipt": {"receipt_id": "r"},
}

CASES = StoreCases(
    make=SharingStore,
    add=add,
    count=count,
    foreign_table="share_links (token TEXT PRIMARY KEY, debate_id TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"visibility": lambda s: s.save("d", "secret")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
    helpers={"receipts": lambda s: s.receipts},
)
