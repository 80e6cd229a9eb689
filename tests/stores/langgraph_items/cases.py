"""What the conformance suite needs to know of LangGraph's long-term memory."""

from __future__ import annotations

import itertools
import math
from typing import Any

from aragora_sql.database.values import dump_json
from aragora_sql.stores.langgraph_items import LangGraphStore
from aragora_sql.stores.paging import FIRST_TIMESTAMP
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_JSON,
    NOT_OBJECTS,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
)
from tests.stores.samples import numbers, run

ROWS = 20_000
NUMBERS = itertools.count()
EVERYWHERE = {"namespace_start": "", "namespace_end": "\U0010ffff"}
BELOW = {"namespace_start": "users.7.", "namespace_end": "users.7/"}
NO_CONDITION = {"conditions": dump_json([]), "alive_at": None, "row_limit": 10}
CONDITION = {
    "conditions": dump_json([{"member": "n", "operator": "$gte", "operand": [1]}]),
    "alive_at": FIRST_TIMESTAMP,
    "row_limit": 10,
}

HOT = [
    Hot(
        "get_items",
        {"places": dump_json([{"namespace": "users.7.", "key": "7"}]), "alive_at": None},
    ),
    Hot("list_items", {**NO_CONDITION, "row_offset": 0}, True),
    Hot("list_items", {**CONDITION, "row_offset": 0}, True),
    Hot("list_items_below", {**BELOW, **NO_CONDITION, "row_offset": 0}),
    Hot("list_items_below", {**BELOW, **CONDITION, "row_offset": 0}),
    Hot(
        "list_vectors",
        {
            "namespace_end": "users.7/",
            "after_namespace": "users.7.",
            "after_key": "",
            **NO_CONDITION,
        },
        True,
    ),
    Hot(
        "list_namespaces",
        {
            **EVERYWHERE,
            "labels": dump_json([{"place": 0, "label": "users"}]),
            "max_depth": None,
            "skip_depth": None,
            "alive_at": None,
            "row_limit": 10,
            "row_offset": 0,
        },
    ),
    Hot("delete_expired", {"expired_at": FIRST_TIMESTAMP, "row_limit": 10}),
]


async def add(store: LangGraphStore) -> None:
    await store.aput(("a",), f"key {next(NUMBERS)}", {"n": 1})


async def count(store: LangGraphStore) -> int:
    return len(await store.asearch((), limit=1000))


async def fill(store: LangGraphStore) -> None:
    """Store twenty thousand items in two hundred namespaces."""
    database = store.database
    postgres = database.dialect == "postgres"
    vectors = "'\\x0000803f'::bytea" if postgres else "x'0000803f'"
    if postgres:
        stored_at = "timestamptz '2026-01-01' + n * interval '1 second'"
        expires_at = "timestamptz '2026-02-01' + n * interval '1 second'"
    else:
        second = "strftime('%Y-%m-%dT%H:%M:%f000Z', '{}', n || ' seconds')"
        stored_at, expires_at = second.format("2026-01-01"), second.format("2026-02-01")
    value = "'{\"n\": 1}'"
    await run(
        database,
        "INSERT INTO langgraph_items (namespace, key, value, created_at, updated_at, "
        "expires_at, ttl_minutes, vector_dims, vectors) "
        f"SELECT 'users.' || (n % 200) || '.', CAST(n AS TEXT), {value}, {stored_at}, "
        f"{stored_at}, {expires_at}, 1, 1, {vectors} FROM {numbers(database, ROWS)}",
    )


async def prepare(store: LangGraphStore) -> None:
    await store.aput(("a",), "k", {"n": 1})
    await store.aput(("a",), "expires", {"n": 2}, ttl=10)


ROUND_TRIPS = {
    "aget": Call(1, lambda s, kept: s.aget(("a",), "k")),
    "aget of one that expires": Call(2, lambda s, kept: s.aget(("a",), "expires")),
    "aget without refresh": Call(1, lambda s, kept: s.aget(("a",), "expires", refresh_ttl=False)),
    "aput": Call(1, lambda s, kept: s.aput(("a",), "k", {"n": 3})),
    "adelete": Call(1, lambda s, kept: s.adelete(("b",), "k")),
    "asearch": Call(1, lambda s, kept: s.asearch(("a",), limit=1, filter={"n": 1})),
    "alist_namespaces": Call(1, lambda s, kept: s.alist_namespaces()),
    "asweep_ttl": Call(1, lambda s, kept: s.asweep_ttl()),
}

NOT_NAMESPACES: list[Any] = [
    (),
    [],
    "users",
    None,
    5,
    ("",),
    ("users", ""),
    ("users.42",),
    ("users", 42),
    ("users", None),
    ("a\x00b",),
    ("\ud800",),
    ("x" * 1000,),
    tuple("x" for _ in range(501)),
    {"users": 1},
]
NOT_TO_WRITE: list[Any] = [*NOT_NAMESPACES, ("langgraph",), ("langgraph", "x")]
# An empty one is all namespaces.
NOT_PREFIXES = NOT_NAMESPACES[2:]
NOT_KEYS: list[Any] = [None, "", " ", b"bytes", ["text"], *UNSTORABLE_TEXTS, *TOO_LONG]
NOT_MINUTES: list[Any] = [0, -1, math.nan, math.inf, True, "1", 10**400, 1e300]
NOT_FILTERS: list[Any] = [
    *NOT_OBJECTS,
    {5: 1},
    {"a": {}},
    {"a": {"b": 1}},
    {"a": {"$gt": 1, "b": 1}},
    {"a": {"$in": [1]}},
    {"a": {"$gt": None}},
    {"a": {"$lt": True}},
    {"a": {"$gte": [1]}},
    {"a": 2**63},
    {"a": {"$ne": [{"b": -(2**63) - 1}]}},
    *({"a": value} for value in NOT_JSON if not isinstance(value, dict)),
]
NOT_INDEXES: list[Any] = [True, "text", 5, {"a": 1}, [5], [None], [""]]
NOT_QUERIES = NOT_TEXTS[1:] + UNSTORABLE_TEXTS

PLACE = {"namespace": ("a",), "key": "k"}

BAD_ARGUMENTS = [
    BadArgument("aput", "namespace", NOT_TO_WRITE),
    BadArgument("aput", "key", NOT_KEYS),
    BadArgument("aput", "value", [*NOT_OBJECTS, None, *({"a": bad} for bad in NOT_JSON)]),
    BadArgument("aput", "index", NOT_INDEXES),
    BadArgument("aput", "ttl", NOT_MINUTES),
    BadArgument("aget", "namespace", NOT_NAMESPACES),
    BadArgument("aget", "key", NOT_KEYS),
    BadArgument("aget", "refresh_ttl", NOT_BOOLEANS[1:]),
    BadArgument("adelete", "namespace", NOT_NAMESPACES),
    BadArgument("adelete", "key", NOT_KEYS),
    BadArgument("alist_namespaces", "prefix", NOT_PREFIXES[:1] + NOT_PREFIXES[2:]),
    BadArgument("alist_namespaces", "suffix", NOT_PREFIXES[:1] + NOT_PREFIXES[2:]),
    BadArgument("alist_namespaces", "max_depth", [0, *NOT_COUNTS[:-1]]),
    BadArgument("alist_namespaces", "limit", NOT_COUNTS),
    BadArgument("alist_namespaces", "offset", NOT_COUNTS),
    BadArgument("abatch", "ops", ["abc", b"abc", {"a": 1}, None, 5, [None], ["get"], [("a",)]]),
]

CASES = StoreCases(
    make=LangGraphStore,
    add=add,
    count=count,
    foreign_table="langgraph_items (id TEXT PRIMARY KEY, data TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"namespace": lambda s: s.aput((), "k", {})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments={
        "aput": {**PLACE, "value": {}},
        "aget": PLACE,
        "adelete": PLACE,
    },
)
