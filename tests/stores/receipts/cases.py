"""What the conformance suite needs to know of the store of receipts."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

from aragora_sql.stores.receipts import ReceiptSigningKeys, ReceiptStore
from tests.stores.cases import (
    NO_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_JSON,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
KEY = bytes(range(32))
KEYS = ReceiptSigningKeys(KEY)
BAD_AFTER: list[Any] = [5, "text", {}]
NOT_REASONS: list[Any] = [*NOT_TEXTS, "", "boredom"]


def a_receipt(receipt_id: Any, **changes: Any) -> dict[str, Any]:
    """Return a receipt of little."""
    return {"receipt_id": receipt_id, "verdict": "PASS", **changes}


def an_export(receipt_id: str, **changes: Any) -> dict[str, Any]:
    """Return a receipt as decisions are exported, with its checksum."""
    receipt: dict[str, Any] = {
        "receipt_id": receipt_id,
        "verdict": "APPROVED",
        "confidence": 0.1 + 0.2,
        "risk_level": "HIGH",
        "risk_score": 0.75,
        "findings": [{"title": "Caf\u00e9 token"}],
        "critical_count": 1,
        "timestamp": "2026-02-12T16:42:57.123456+00:00",
        "audit_trail_id": "trail",
        **changes,
    }
    names = ("verdict", "confidence", "critical_count", "timestamp", "audit_trail_id")
    hashed = {"receipt_id": receipt_id, "findings_count": 1, **{n: receipt[n] for n in names}}
    text = json.dumps(hashed, sort_keys=True)
    return {**receipt, "checksum": hashlib.sha256(text.encode()).hexdigest()[:16]}


async def add(receipts: ReceiptStore) -> None:
    await receipts.save(a_receipt(f"r{next(NUMBERS)}"))


async def add_and_delete(receipts: ReceiptStore) -> None:
    await receipts.save(a_receipt("short"))
    await receipts.delete("short", "admin_action", "ann")


async def count(receipts: ReceiptStore) -> int:
    return await receipts.count()


async def fill(receipts: ReceiptStore) -> None:
    """Store some thousand rows in each table; what is held or over is rare."""
    series = numbers(receipts.database, 4000)
    if receipts.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        until = "now() + interval '1 day' * (CASE WHEN n % 500 = 0 THEN -1 ELSE 1 END)"
        held = "n % 500 = 1"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        until = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', iif(n % 500 = 0, '-1 day', '+1 day'))"
        held = "iif(n % 500 = 1, 1, 0)"
    who = ", ".join(f"'{word} ' || (n % 500)" for word in ("org", "user", "asker", "maker"))
    for statement in (
        "INSERT INTO receipts (receipt_id, gauntlet_id, debate_id, org_id, user_id, requestor_id, "
        "created_by, shape, verdict, confidence, data, content_hash, dates_hash, created_at, "
        "expires_at, "
        "legal_hold, legal_hold_placed_at, search_terms) "
        f"SELECT 'r' || n, 'g' || n, 'd' || (n % 500), {who}, 'other', 'PASS', 0.5, '{{}}', "
        f"'{'0' * 64}', '{'0' * 64}', {at}, {until}, {held}, {at}, "
        f"'word' || n || ' common' FROM {series}",
        "INSERT INTO receipt_deletions (deletion_id, receipt_id, receipt_checksum, deleted_at, "
        "reason, operator) SELECT 'del' || n, 'r' || (n % 500), '', "
        f"{at}, 'admin_action', 'ann' FROM {series}",
    ):
        await run(receipts.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "s", "row_limit": 10}
NUMBERED = {"after_timestamp": day(2), "after_number": 9, "row_limit": 10}
LIMITS: dict[str, Any] = {
    "verdict": None,
    "risk_level": None,
    "date_from": None,
    "date_to": None,
    "signed_only": False,
}
HOT = [
    Hot("get_receipts", {"receipt_ids": ["r7"], "org_id": None}),
    Hot("find_by_gauntlet", {"gauntlet_id": "g7"}),
    Hot("list_receipts", {**LIMITS, **PAGE}, True),
    Hot("list_org_receipts", {"org_id": "org 7", **LIMITS, **PAGE}),
    Hot("list_debate_receipts", {"debate_id": "d7", "org_id": None, **LIMITS, **PAGE}),
    Hot(
        "search_receipts",
        {
            "expression": "(word7&common)",
            "verdict": None,
            "risk_level": None,
            "org_id": None,
            **PAGE,
        },
    ),
    Hot(
        "list_user_receipts",
        {"user_id": "user 7", "expression": "(word7|word8)", "org_id": None, **PAGE},
    ),
    Hot(
        "count_user_receipts", {"user_id": "user 7", "expression": "(word7|word8)", "org_id": None}
    ),
    Hot("is_held", {"receipt_id": "r1", "org_id": None}),
    Hot("list_held", {"matter_id": None, "org_id": None, **PAGE}),
    Hot(
        "lock_expired",
        {"made_before": day(9), "after_timestamp": day(0), "after_id": "", "row_limit": 10},
    ),
    Hot("list_receipt_deletions", {"receipt_id": "r7", "org_id": None, "row_limit": 10}),
    Hot(
        "list_deletions",
        {
            "reason": None,
            "operator": None,
            "org_id": None,
            "from_date": None,
            "to_date": None,
            **NUMBERED,
        },
        True,
    ),
]


async def prepare(receipts: ReceiptStore) -> str:
    await receipts.save(a_receipt("r0", gauntlet_id="g0", text="word"))
    await receipts.save(a_receipt("gone"))
    return str(await receipts.delete("gone", "admin_action", "ann"))


ROUND_TRIPS = {
    "save": Call(1, lambda s, kept: add(s)),
    "get": Call(1, lambda s, kept: s.get("r0")),
    "get_by_gauntlet": Call(2, lambda s, kept: s.get_by_gauntlet("g0")),
    "list": Call(1, lambda s, kept: s.list()),
    "list sorted": Call(1, lambda s, kept: s.list(sort_by="confidence")),
    "count": Call(1, lambda s, kept: s.count()),
    "search": Call(1, lambda s, kept: s.search("word")),
    "search_count": Call(1, lambda s, kept: s.search_count("word")),
    "get_by_user": Call(3, lambda s, kept: s.get_by_user("word")),
    "get_by_user without data": Call(2, lambda s, kept: s.get_by_user("word", include_data=False)),
    # Begin, the lock, the receipt, its signature, commit.
    "update_signature": Call(5, lambda s, kept: s.update_signature("r0", "x", "Ed25519", None)),
    "add_timestamp": Call(1, lambda s, kept: s.add_timestamp("r0", "token", "https://tsa")),
    "verify_signature": Call(1, lambda s, kept: s.verify_signature("r0")),
    "verify_batch": Call(1, lambda s, kept: s.verify_batch(["r0", "r1"])),
    "verify_integrity": Call(1, lambda s, kept: s.verify_integrity("r0")),
    "place_legal_hold": Call(1, lambda s, kept: s.place_legal_hold("r0", "suit", "ann")),
    "is_under_legal_hold": Call(1, lambda s, kept: s.is_under_legal_hold("r0")),
    "list_under_legal_hold": Call(1, lambda s, kept: s.list_under_legal_hold()),
    "remove_legal_hold": Call(1, lambda s, kept: s.remove_legal_hold("r0", "ann")),
    "cleanup_expired": Call(3, lambda s, kept: s.cleanup_expired()),
    "get_stats": Call(1, lambda s, kept: s.get_stats()),
    "get_retention_status": Call(1, lambda s, kept: s.get_retention_status()),
    # The receipt; begin, the lock, the proof, the deletion, commit.
    "delete": Call(6, lambda s, kept: add_and_delete(s)),
    "deletions.log_deletion": Call(
        1, lambda s, kept: s.deletions.log_deletion("r", "", "admin_action", "ann")
    ),
    "deletions.get_deletion": Call(1, lambda s, kept: s.deletions.get_deletion(kept)),
    "deletions.find_by_receipt_id": Call(1, lambda s, kept: s.deletions.find_by_receipt_id("r")),
    "deletions.list_deletions": Call(1, lambda s, kept: s.deletions.list_deletions()),
    "deletions.count_deletions": Call(1, lambda s, kept: s.deletions.count_deletions()),
}

BAD_RECEIPTS: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    *[a_receipt(bad) for bad in (5, " ", "x" * 1001)],
    *[a_receipt("r", verdict=bad) for bad in (None, "", 5)],
    *[a_receipt("r", confidence=bad) for bad in (-0.1, 1.1, "1", None, True)],
    *[a_receipt("r", risk_score=bad) for bad in (-1, "1", None)],
    *[a_receipt("r", timestamp=bad) for bad in ("2026-01-01T00:00:00", -1, "9999-12-30T00:00:00Z")],
    *[a_receipt("r", other=bad) for bad in NOT_JSON],
    *[a_receipt("r", checksum=bad) for bad in NO_TEXTS],
    *[a_receipt("r", **{name: 5}) for name in ("gauntlet_id", "user_id", "org_id", "checksum")],
]
SIGNED = {"signature": "x", "signature_metadata": {"algorithm": "Ed25519"}}
BAD_SIGNED: list[Any] = [
    5,
    {},
    {**SIGNED, "signature": ""},
    {**SIGNED, "signature_metadata": {}},
    {**SIGNED, "signature_metadata": {"algorithm": "Ed25519", "timestamp": "yesterday"}},
    {
        "signature": "x",
        "signature_metadata": {"algorithm": "HMAC-SHA256", "key_id": KEYS.current_id},
    },
]

BAD_ARGUMENTS = [
    BadArgument("save", "receipt", BAD_RECEIPTS),
    BadArgument("save", "signed_receipt", BAD_SIGNED),
    BadArgument("save", "org_id", ["", 5]),
    *texts_of("get", "receipt_id"),
    *texts_of("get_by_gauntlet", "gauntlet_id"),
    *optional_texts_of("list", "verdict", "risk_level", "debate_id", "org_id"),
    *[BadArgument("list", name, NOT_TIMESTAMPS) for name in ("date_from", "date_to")],
    BadArgument("list", "signed_only", NOT_BOOLEANS),
    BadArgument("list", "sort_by", [*NOT_TEXTS, "verdict"]),
    BadArgument("list", "order", [*NOT_TEXTS, "DESC"]),
    *[
        BadArgument(method, "after", BAD_AFTER)
        for method in ("list", "search", "get_by_user", "list_under_legal_hold")
    ],
    *limits_of("list", "search", "get_by_user", "list_under_legal_hold"),
    *optional_texts_of("count", "verdict", "org_id"),
    *[
        BadArgument(method, "org_id", [5, b"bytes", ["o"]])
        for method in (
            *("get_by_user", "update_signature", "add_timestamp", "verify_signature"),
            *("verify_batch", "verify_integrity", "place_legal_hold", "remove_legal_hold"),
            *("list_under_legal_hold", "is_under_legal_hold", "delete", "get_retention_status"),
        )
    ],
    *texts_of("search", "query"),
    *texts_of("search_count", "query"),
    *keys_of("get_by_user", "user_id"),
    BadArgument("get_by_user", "include_data", NOT_BOOLEANS),
    *names_of("update_signature", "signature"),
    *keys_of("update_signature", "algorithm"),
    *names_of("add_timestamp", "token", "tsa_url"),
    BadArgument("verify_batch", "receipt_ids", ["text", 5, ["r", 5]]),
    *names_of("place_legal_hold", "reason"),
    *keys_of("place_legal_hold", "placed_by"),
    BadArgument("place_legal_hold", "matter_id", ["", 5]),
    *keys_of("remove_legal_hold", "removed_by"),
    *keys_of("delete", "receipt_id", "operator"),
    BadArgument("delete", "reason", NOT_REASONS),
    *documents_of("delete", "metadata"),
    BadArgument("cleanup_expired", "retention_days", [*NOT_MEASURES, False, "", 1e6]),
    *keys_of("cleanup_expired", "operator"),
    BadArgument("log_deletion", "receipt_id", ["", None, 5], "deletions"),
    BadArgument("log_deletion", "receipt_checksum", NOT_TEXTS, "deletions"),
    BadArgument("log_deletion", "reason", NOT_REASONS, "deletions"),
    BadArgument("log_batch_deletion", "receipts", ["text", 5, [{}], ["r"]], "deletions"),
    *texts_of("get_deletion", "deletion_id", of="deletions"),
    BadArgument("list_deletions", "reason", ["boredom", 5], "deletions"),
    BadArgument("list_deletions", "after", BAD_AFTER, "deletions"),
    BadArgument("count_deletions", "from_date", NOT_TIMESTAMPS, "deletions"),
    BadArgument("list_deletions", "limit", NOT_COUNTS, "deletions"),
    BadArgument("find_by_receipt_id", "limit", NOT_COUNTS, "deletions"),
    *[
        BadArgument(method, "org_id", [5, b"bytes", ["o"]], "deletions")
        for method in ("get_deletion", "find_by_receipt_id")
    ],
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save": {"receipt": a_receipt("r")},
    **{name: {"query": "word"} for name in ("search", "search_count")},
    "get_by_user": {"user_id": "u"},
    **{
        name: {"receipt_id": "r"}
        for name in ("verify_signature", "verify_integrity", "is_under_legal_hold")
    },
    "verify_batch": {"receipt_ids": ["r"]},
    "update_signature": {
        "receipt_id": "r",
        "signature": "x",
        "algorithm": "Ed25519",
        "key_id": None,
    },
    "add_timestamp": {"receipt_id": "r", "token": "t", "tsa_url": "u"},
    "place_legal_hold": {"receipt_id": "r", "reason": "suit", "placed_by": "ann"},
    "remove_legal_hold": {"receipt_id": "r", "removed_by": "ann"},
    "delete": {"receipt_id": "r", "reason": "admin_action", "operator": "ann"},
    "log_deletion": {
        "receipt_id": "r",
        "receipt_checksum": "",
        "reason": "admin_action",
        "operator": "ann",
    },
    "log_batch_deletion": {"receipts": [], "reason": "admin_action", "operator": "ann"},
    "find_by_receipt_id": {"receipt_id": "r"},
    "get_deletion": {"deletion_id": "d"},
}

CASES = StoreCases(
    make=lambda database: ReceiptStore(database, signing_keys=KEYS),
    add=add,
    count=count,
    foreign_table="receipts (receipt_id TEXT PRIMARY KEY, data_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"receipt.verdict": lambda s: s.save(a_receipt("r", verdict=""))},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
    helpers={"deletions": lambda s: s.deletions},
)
