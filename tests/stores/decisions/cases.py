"""What the conformance suite needs to know of the store of results of decisions."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from aragora_sql.stores.decisions import DecisionStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_JSON,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, "", " ", *TOO_LONG]
BAD_STATUSES: list[Any] = [None, "", 5, "x" * 1001]
BAD_TIMES: list[Any] = [
    "tomorrow",
    "2026-01-01T00:00:00",
    datetime(2026, 1, 1),
    True,
    -1.0,
    1e12,
    [],
]
BAD_RESULTS: list[Any] = ["text", 5, []]
BAD_DATA: list[Any] = [
    None,
    5,
    "text",
    [],
    {"request_id": "another"},
    *[{name: 1} for name in ("version", "expires_at", "extra", "matched")],
    *[{"status": bad} for bad in BAD_STATUSES],
    *[{"result": bad} for bad in BAD_RESULTS],
    *[{"result": {"a": bad}} for bad in NOT_JSON],
    *[{"other": bad} for bad in NOT_JSON],
    {5: "a key that is not text"},
    {"error": 5},
    {"error": "NUL \x00"},
    *[{name: bad} for name in ("created_at", "completed_at") for bad in BAD_TIMES],
    {"org_id": ""},
    {"debate_id": 5},
]


async def add(decisions: DecisionStore) -> None:
    await decisions.save(f"r{next(NUMBERS)}", {"status": "completed"})


async def count(decisions: DecisionStore) -> int:
    return await decisions.count()


async def fill(decisions: DecisionStore) -> None:
    """Store some thousand rows in each table, also in those of other stores that are read."""
    series = numbers(decisions.database, 4000)
    if decisions.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        until = "now() + interval '1 day' * (CASE WHEN n % 500 = 0 THEN -1 ELSE 1 END)"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        until = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', iif(n % 500 = 0, '-1 day', '+1 day'))"
    for statement in (
        "INSERT INTO decision_results (request_id, debate_id, org_id, status, created_at, "
        "expires_at, search_terms) SELECT 'r' || n, 'd' || (n % 500), 'org ' || (n % 500), "
        f"'s' || (n % 100), {at}, {until}, 'word' || n || ' common' FROM {series}",
        "INSERT INTO decision_versions (request_id, version, status, result, extra) "
        f"SELECT 'r' || n, 2, 's', '{{}}', '{{}}' FROM {series}",
        f"INSERT INTO debates (id, task, created_at) SELECT 'd' || n, 't', {at} FROM {series}",
        "INSERT INTO critiques (debate_id, agent, fingerprint, created_at) "
        f"SELECT 'd' || n, 'a', 'f' || n, {at} FROM {series}",
        "INSERT INTO consensus (id, topic, topic_hash, conclusion, debate_id, created_at) "
        f"SELECT 'c' || n, 't', 'h', 'c', 'd' || n, {at} FROM {series}",
        "INSERT INTO debate_checkpoints (checkpoint_id, debate_id, task, current_round, "
        "total_rounds, phase, status, size_bytes, content_checksum, created_at) "
        f"SELECT 'p' || n, 'd' || n, 't', 1, 2, 'p', 'complete', 2, '{'0' * 64}', {at} "
        f"FROM {series}",
    ):
        await run(decisions.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "s", "row_limit": 10}
HOT = [
    Hot("get_result", {"request_id": "r7", "org_id": None}),
    Hot("get_status", {"request_id": "r7", "org_id": None}),
    Hot("list_statuses", PAGE, True),
    Hot("list_org_statuses", {"org_id": "org 7", "workspace_id": None, **PAGE}),
    Hot("list_statuses_in", {"status": "s7", "org_id": None, **PAGE}),
    Hot("list_debate_results", {"debate_id": "d7", "org_id": None, **PAGE}),
    Hot(
        "search_results",
        {
            "expression": "(word7|word8)",
            "terms": ["word7", "word8"],
            "org_id": None,
            "workspace_id": None,
            "most": 1000,
            "row_limit": 10,
        },
    ),
    Hot("count_org_results", {"org_id": "org 7"}),
    Hot("delete_expired_results", {"row_limit": 10}),
    Hot("list_versions", {"request_id": "r7", "org_id": None, "after_version": 9, "row_limit": 10}),
    Hot(
        "get_dossier",
        {
            "debate_id": "d7",
            "org_id": None,
            "after_timestamp": day(-1),
            "after_kind": "",
            "after_id": "",
            "row_limit": 10,
        },
    ),
]


async def prepare(decisions: DecisionStore) -> None:
    await decisions.save("r0", {"result": {"answer": "word"}, "debate_id": "d"})


ROUND_TRIPS = {
    # The clean-up is not due again. Of a new request it is looked whether there are too many.
    "save": Call(5, lambda s, kept: add(s)),
    "save again": Call(4, lambda s, kept: s.save("r0", {})),
    "get": Call(1, lambda s, kept: s.get("r0")),
    "get_status": Call(1, lambda s, kept: s.get_status("r0")),
    "list_recent": Call(1, lambda s, kept: s.list_recent()),
    "list_recent of a workspace": Call(
        1, lambda s, kept: s.list_recent(org_id="o", workspace_id="w")
    ),
    "list_by_status": Call(1, lambda s, kept: s.list_by_status("unknown")),
    "list_by_debate": Call(1, lambda s, kept: s.list_by_debate("d")),
    "search": Call(1, lambda s, kept: s.search("word")),
    "list_versions": Call(1, lambda s, kept: s.list_versions("r0")),
    "get_dossier": Call(1, lambda s, kept: s.get_dossier("d")),
    "count": Call(1, lambda s, kept: s.count()),
    "count of an organization": Call(1, lambda s, kept: s.count(org_id="o")),
    "get_metrics": Call(1, lambda s, kept: s.get_metrics()),
    "delete": Call(1, lambda s, kept: s.delete("r0")),
    "cleanup_expired": Call(2, lambda s, kept: s.cleanup_expired()),
}

OF_ONE_ORGANIZATION = (
    "get",
    "get_status",
    "list_recent",
    "list_by_status",
    "list_by_debate",
    "search",
    "list_versions",
    "get_dossier",
    "count",
)
BAD_ARGUMENTS = [
    *keys_of("save", "request_id"),
    BadArgument("save", "data", BAD_DATA),
    *[BadArgument("save", name, BAD_KEYS) for name in ("debate_id", "org_id", "workspace_id")],
    *texts_of("get", "request_id"),
    *texts_of("get_status", "request_id"),
    *[bad for method in OF_ONE_ORGANIZATION for bad in optional_texts_of(method, "org_id")],
    BadArgument("list_recent", "workspace_id", ["without an organization"], named="org_id"),
    *texts_of("list_by_status", "status"),
    *texts_of("list_by_debate", "debate_id"),
    *texts_of("search", "text"),
    BadArgument("search", "every_word", NOT_BOOLEANS),
    *texts_of("list_versions", "request_id"),
    *texts_of("get_dossier", "debate_id"),
    *texts_of("delete", "request_id"),
    *limits_of(
        "list_recent", "list_by_status", "list_by_debate", "search", "list_versions", "get_dossier"
    ),
    *[
        BadArgument(method, "after", [5, "text", {}])
        for method in ("list_recent", "list_by_debate", "list_versions", "get_dossier")
    ],
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save": {"request_id": "r", "data": {}},
    **{name: {"request_id": "r"} for name in ("get", "get_status", "list_versions")},
    **{name: {"debate_id": "d"} for name in ("list_by_debate", "get_dossier")},
    "list_by_status": {"status": "s"},
    "search": {"text": "word"},
}

CASES = StoreCases(
    make=DecisionStore,
    add=add,
    count=count,
    foreign_table="decision_results (request_id TEXT PRIMARY KEY, result_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"data": lambda s: s.save("r", [])},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
