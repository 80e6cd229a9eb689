"""What the conformance suite needs to know of the audit store."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.values import EncodedJSON
from aragora_sql.stores.audit import AuditStore, SigningKeys
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Batch,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    optional_texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count()
KEYS = SigningKeys(b"a key of the tests")
ENTRY: dict[str, Any] = {
    "event_type": "finding_created",
    "actor": "alice",
    "resource_type": "finding",
    "resource_id": "f1",
    "action": "create",
}
# None is no bad value where an argument may be left out.
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
NOT_DAYS: list[Any] = [*NOT_TEXTS[1:], "2026-02-30", "20260212", "2026-W07-4", "", day(0)]
NOT_NUMBERS: list[Any] = [0, -1, 2**63, 1.0, True, "1"]
NOT_NAMES: list[Any] = ["text", b"bytes", 5, [""], ["a", None], ["a", "\x00"]]
BAD_PLACES: list[Any] = [5, "text", {}, {"timestamp": day(0)}, {"timestamp": "x", "id": 1}]


def make(database: Database) -> AuditStore:
    return AuditStore(database, SigningKeys())


def signed(database: Database) -> AuditStore:
    return AuditStore(database, KEYS)


async def add(audit: AuditStore) -> None:
    await audit.append(**{**ENTRY, "resource_id": f"f{next(NUMBERS)}"})


async def fill(audit: AuditStore) -> None:
    """Store some thousand rows in each table."""
    postgres = audit.database.dialect == "postgres"
    series = numbers(audit.database, 4000)
    if postgres:
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    padded = "lpad(n::text, 64, '0')" if postgres else "printf('%064d', n)"
    before = "lpad((n - 1)::text, 64, '0')" if postgres else "printf('%064d', n - 1)"
    for statement in (
        "INSERT INTO audit_log (timestamp, user_id, org_id, action, resource_type, resource_id) "
        f"SELECT {at}, 'user ' || (n % 50), 'org ' || (n % 9), 'action ' || (n % 20), 'plan', "
        f"'r' || (n % 500) FROM {series}",
        "INSERT INTO audit_chains (chain, last_hash, created_at) "
        f"SELECT 'chain ' || n, {padded}, {at} FROM {series}",
        "INSERT INTO immutable_audit_entries (id, chain, sequence_number, timestamp, "
        "previous_hash, entry_hash, event_type, actor, resource_type, resource_id, action) "
        f"SELECT 'e' || n, 'chain 1', n, {at}, {before}, {padded}, 'type ' || (n % 9), "
        f"'actor ' || (n % 50), 'plan', 'r' || (n % 500), 'create' FROM {series}",
        "INSERT INTO immutable_daily_anchors (chain, date, first_sequence, last_sequence, "
        "entry_count, merkle_root, chain_hash, created_at) "
        f"SELECT 'chain ' || n, '2026-01-01', 1, 1, 1, {padded}, {padded}, {at} FROM {series}",
    ):
        await run(audit.database, statement)


SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
EVENTS = {"since": SINCE, "after_timestamp": day(2), "after_id": 2000, "row_limit": 10}
PREFIXES = {"prefixes": None}
ENTRIES = {
    "since": SINCE,
    "chain": "chain 1",
    "event_types": None,
    "resource_types": None,
    "workspace_id": None,
    "after_timestamp": day(2),
    "after_sequence": 2000,
    "row_limit": 10,
}
PLAIN = {"user_id": None, "org_id": None, "action": None, "resource_type": None}
HOT = [
    Hot("list_events", {"resource_type": None, **EVENTS}, True),
    Hot(
        "list_events_of_user",
        {**PLAIN, **PREFIXES, **EVENTS, "user_id": "user 1", "resource_id": None},
        True,
    ),
    Hot(
        "list_events_of_org",
        {"org_id": "org 1", "action": None, "resource_type": None, **PREFIXES, **EVENTS},
        True,
    ),
    Hot("list_events_of_action", {"action": "action 1", "resource_type": None, **EVENTS}, True),
    Hot(
        "list_events_of_resource",
        {
            "resource_type": "plan",
            "resource_id": "r1",
            "org_id": None,
            "action": None,
            **PREFIXES,
            **EVENTS,
        },
    ),
    Hot(
        "list_events_of_prefixes",
        {
            "prefixes": EncodedJSON('[["action 1", "action 2"]]'),
            "resource_type": None,
            **EVENTS,
        },
    ),
    Hot("delete_events", {"older_than": day(0), "row_limit": 10}),
    Hot("get_chain", {"chain": "chain 1"}),
    Hot("lock_chain", {"chain": "chain 1"}),
    Hot("get_entry", {"entry_id": "e1"}),
    Hot("get_entry_by_sequence", {"chain": "chain 1", "sequence_number": 7}),
    Hot("get_last_entry", {"chain": "chain 1"}, True),
    Hot(
        "page_entries",
        {
            "chain": "chain 1",
            "first_sequence": 100,
            "last_sequence": 4000,
            "row_limit": 10,
        },
    ),
    Hot(
        "page_hashed",
        {
            "chain": "chain 1",
            "first_sequence": 100,
            "last_sequence": 4000,
            "row_limit": 10,
        },
    ),
    Hot(
        "page_hashes",
        {"chain": "chain 1", "after_sequence": 100, "last_sequence": 4000, "row_limit": 10},
        True,
    ),
    Hot("get_range", {"chain": "chain 1", "since": day(1), "day_end": day(1.1)}),
    Hot(
        "page_time",
        {
            "chain": "chain 1",
            "until": UNTIL,
            "after_timestamp": day(1),
            "after_sequence": 1,
            "row_limit": 10,
        },
        True,
    ),
    Hot("list_entries", ENTRIES, True),
    Hot("list_entries_of_actors", {**ENTRIES, "actors": ["actor 1"], "resource_ids": None}),
    Hot("list_entries_of_resources", {**ENTRIES, "resource_ids": ["r1"]}),
    Hot("get_anchor", {"chain": "chain 1", "anchor_date": "2026-01-01"}),
    Hot(
        "list_anchors",
        {"chain": "chain 1", "first_date": "2026-01-01", "after_date": "", "row_limit": 10},
    ),
]


async def prepare(audit: AuditStore) -> str:
    await audit.log_event("login.ok", "user", "u", user_id="u")
    return (await audit.append(**ENTRY)).id


ROUND_TRIPS = {
    "log_event": Call(1, lambda s, kept: s.log_event("login.ok", "user", "u")),
    "get_log": Call(1, lambda s, kept: s.get_log()),
    "get_log of a prefix": Call(1, lambda s, kept: s.get_log(action="login.*")),
    "get_log_count": Call(1, lambda s, kept: s.get_log_count()),
    "get_security_events": Call(1, lambda s, kept: s.get_security_events()),
    # The end of the chain is that which the same object has appended last.
    "append": Call(1, lambda s, kept: add(s)),
    "append_many": Call(1, lambda s, kept: s.append_many([ENTRY] * 1000)),
    "get_entry": Call(1, lambda s, kept: s.get_entry(kept)),
    "get_last_entry": Call(1, lambda s, kept: s.get_last_entry()),
    "query": Call(1, lambda s, kept: s.query(actors=["alice"])),
    "get_statistics": Call(2, lambda s, kept: s.get_statistics()),
    "list_chains": Call(1, lambda s, kept: s.list_chains()),
}

BAD_ARGUMENTS = [
    *keys_of("log_event", "action", "resource_type"),
    *(BadArgument("log_event", name, BAD_KEYS) for name in ("resource_id", "user_id", "org_id")),
    *documents_of("log_event", "old_value", "new_value", "metadata"),
    *optional_texts_of("log_event", "ip_address", "user_agent"),
    BadArgument("log_event", "timestamp", NOT_TIMESTAMPS),
    *(
        BadArgument(method, name, BAD_KEYS)
        for method in ("get_log", "get_log_count")
        for name in ("org_id", "user_id", "action", "resource_type")
    ),
    BadArgument("get_log", "resource_id", [*BAD_KEYS, "without a type"]),
    BadArgument("get_log", "since", NOT_TIMESTAMPS),
    BadArgument("get_log", "until", NOT_TIMESTAMPS),
    BadArgument("get_log", "after", BAD_PLACES),
    *limits_of("get_log", "get_recent_activity", "get_security_events"),
    BadArgument("get_log_count", "since", NOT_TIMESTAMPS),
    BadArgument("get_recent_activity", "hours", [*NOT_MEASURES, None, 1e12]),
    BadArgument("get_security_events", "user_id", BAD_KEYS),
    BadArgument("get_security_events", "after", BAD_PLACES),
    BadArgument("cleanup_old_entries", "days", [*NOT_MEASURES, None, 1e12]),
    *keys_of("append", *ENTRY, "chain"),
    BadArgument("append", "actor_type", [*NOT_TEXTS, "robot", "", "User"]),
    *documents_of("append", "details"),
    *optional_texts_of("append", "correlation_id", "workspace_id", "ip_address", "user_agent"),
    BadArgument("append_many", "entries", [None, 5, "text", {"a": 1}, [ENTRY] * 10_001]),
    *keys_of("append_many", "chain"),
    *keys_of("get_entry", "entry_id"),
    BadArgument("get_by_sequence", "sequence_number", [*NOT_NUMBERS, None]),
    *keys_of("get_last_entry", "chain"),
    BadArgument("get_entries_range", "start_sequence", [*NOT_NUMBERS, None]),
    BadArgument("get_entries_range", "end_sequence", [*NOT_NUMBERS, None]),
    *limits_of("get_entries_range", "query", "list_anchors"),
    *(
        BadArgument("query", name, NOT_NAMES)
        for name in ("event_types", "actors", "resource_types", "resource_ids")
    ),
    *optional_texts_of("query", "workspace_id"),
    BadArgument("query", "start_time", NOT_TIMESTAMPS),
    BadArgument("query", "end_time", NOT_TIMESTAMPS),
    BadArgument("query", "after", [5, "text", {}, {"timestamp": day(0), "sequence_number": 0}]),
    BadArgument("count", "event_types", NOT_NAMES),
    BadArgument("count", "start_time", NOT_TIMESTAMPS),
    BadArgument("get_statistics", "end_time", NOT_TIMESTAMPS),
    BadArgument("verify_integrity", "start_sequence", NOT_NUMBERS),
    BadArgument("verify_integrity", "end_sequence", NOT_NUMBERS),
    *keys_of("verify_integrity", "chain"),
    BadArgument("create_daily_anchor", "date", [*NOT_DAYS, "9999-12-31", "2999-01-01"]),
    *keys_of("create_daily_anchor", "chain"),
    BadArgument("get_anchor", "date", [*NOT_DAYS, None]),
    BadArgument("list_anchors", "first_date", NOT_DAYS),
    BadArgument("list_anchors", "after", [5, "text", {}]),
    BadArgument("verify_anchor", "date", [*NOT_DAYS, None, "2026-01-01"]),
    BadArgument("prove", "entry_id", [*NOT_TEXTS, *BLANK_TEXTS, "unknown"]),
    BadArgument("export_range", "start_time", NOT_TIMESTAMPS),
    BadArgument("export_range", "end_time", NOT_TIMESTAMPS),
    BadArgument("export_range", "format", [*NOT_TEXTS, "xml", "JSON"]),
]

CASES = StoreCases(
    make=make,
    add=add,
    count=lambda audit: audit.count(),
    foreign_table="audit_log (id TEXT PRIMARY KEY, stars TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    free_calls={"append_many of nothing": lambda s: s.append_many([])},
    refused={
        "actor": lambda s: s.append(**{**ENTRY, "actor": ""}),
        "limit": lambda s: s.get_log(limit=-1),
    },
    bad_arguments=BAD_ARGUMENTS,
    batches=[Batch("append_many", "entries", ENTRY, "details")],
    good_arguments={
        "log_event": {"action": "login.ok", "resource_type": "user"},
        "append": ENTRY,
        "append_many": {"entries": [ENTRY]},
        "get_entries_range": {"start_sequence": 1, "end_sequence": 10},
        "export_range": {"start_time": SINCE, "end_time": UNTIL},
    },
)
