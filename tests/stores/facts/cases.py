"""What the conformance suite needs to know of the store of facts."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.facts import FactStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_LISTS,
    NOT_OBJECTS,
    NOT_TIMESTAMPS,
    TOO_LONG,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    lists_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
WORKSPACE = "w1"
NOT_WORDS: list[Any] = [5, "", "other", b"bytes"]
BAD_FILTERS: list[Any] = [
    *NOT_OBJECTS,
    {"limit": 5},
    {"workspace_id": 5},
    {"include_superseded": 1},
    {"validation_status": "verified"},
    *[{name: bad} for name in ("topics", "source_documents") for bad in (*NOT_LISTS, [5])],
    *[{"min_confidence": bad} for bad in NOT_FRACTIONS],
    *[{name: bad} for name in ("created_after", "created_before") for bad in NOT_TIMESTAMPS],
]


async def add(facts: FactStore) -> None:
    await facts.add_fact(f"Fact number {next(NUMBERS)}", WORKSPACE)


async def count(facts: FactStore) -> int:
    return (await facts.get_statistics(WORKSPACE))["total_facts"]


async def fill(facts: FactStore) -> None:
    """Store some thousand rows in each table."""
    series = numbers(facts.database, 4000)
    if facts.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    for statement in (
        "INSERT INTO facts (id, workspace_id, statement, statement_hash, statement_terms, "
        "confidence, superseded_by, created_at) SELECT 'f' || n, 'w' || (n % 100), 's', 'h' || n, "
        "'word' || n || ' common', (n % 101) / 101.0, "
        f"CASE WHEN n % 20 = 0 THEN 'f' || (n - 1) END, {at} FROM {series}",
        "INSERT INTO fact_relations (id, source_fact_id, target_fact_id, relation_type) "
        "SELECT 'r' || n, 'f' || n, 'f' || (n * 7 % 4000 + 1), "
        f"CASE WHEN n % 50 = 0 THEN 'contradicts' ELSE 'supports' END FROM {series}",
    ):
        await run(facts.database, statement)


FILTERS: dict[str, Any] = {
    "min_confidence": 0.0,
    "validation_status": None,
    "include_superseded": False,
    "created_after": day(-1),
    "created_before": day(99),
    "topics": [],
    "source_documents": [],
    "row_limit": 10,
}
PAGE: dict[str, Any] = {
    "after_confidence": 0.5,
    "after_timestamp": day(2),
    "after_id": "f",
    **FILTERS,
}
HOT = [
    Hot("get_fact", {"fact_id": "f7", "workspace_id": None}),
    Hot("find_fact", {"workspace_id": "w7", "statement_hash": "h7"}),
    Hot("list_facts", PAGE, True),
    Hot("list_workspace_facts", {"workspace_id": "w7", **PAGE}),
    Hot(
        "search_facts",
        {
            "expression": "(word7|word8)",
            "terms": ["word7", "word8"],
            "workspace_id": None,
            "most": 1000,
            "row_offset": 0,
            **FILTERS,
        },
    ),
    Hot("list_contradictions", {"fact_id": "f50", "workspace_id": None, "row_limit": 10}),
    Hot("is_superseded", {"fact_id": "f7", "newer_id": "f19"}),
    Hot(
        "list_relations",
        {
            "fact_id": "f7",
            "relation_type": None,
            "as_source": True,
            "as_target": True,
            "workspace_id": None,
            "row_limit": 10,
        },
    ),
]


async def prepare(facts: FactStore) -> list[str]:
    stored = [await facts.add_fact(f"prepared {number}", WORKSPACE) for number in range(40)]
    return [fact.id for fact in stored]


ROUND_TRIPS = {
    "add_fact": Call(1, lambda s, kept: add(s)),
    "add_fact again": Call(2, lambda s, kept: s.add_fact("prepared 0", WORKSPACE)),
    "get_fact": Call(1, lambda s, kept: s.get_fact(kept[0])),
    "update_fact": Call(1, lambda s, kept: s.update_fact(kept[0], confidence=1)),
    "update_fact superseded": Call(
        6, lambda s, kept: s.update_fact(kept[1], superseded_by=kept[2])
    ),
    "delete_fact": Call(5, lambda s, kept: s.delete_fact(kept[3])),
    "query_facts": Call(1, lambda s, kept: s.query_facts("prepared")),
    "list_facts": Call(1, lambda s, kept: s.list_facts()),
    "list_facts of a workspace": Call(1, lambda s, kept: s.list_facts({"workspace_id": WORKSPACE})),
    "get_contradictions": Call(1, lambda s, kept: s.get_contradictions(kept[0])),
    "add_relation": Call(1, lambda s, kept: s.add_relation(kept[4], kept[5], "supports")),
    "add_relation supersedes": Call(
        5, lambda s, kept: s.add_relation(kept[6], kept[7], "supersedes")
    ),
    "get_relations": Call(1, lambda s, kept: s.get_relations(kept[4])),
    "get_statistics": Call(2, lambda s, kept: s.get_statistics()),
}

BY_ID = ("get_fact", "update_fact", "delete_fact", "get_contradictions", "get_relations")
BAD_ARGUMENTS = [
    *names_of("add_fact", "statement"),
    *keys_of("add_fact", "workspace_id"),
    *lists_of("add_fact", "evidence_ids", "source_documents", "topics"),
    BadArgument("add_fact", "confidence", NOT_FRACTIONS),
    BadArgument("add_fact", "validation_status", [None, *NOT_WORDS, "verified"]),
    BadArgument("add_fact", "deduplicate", NOT_BOOLEANS),
    *documents_of("add_fact", "metadata"),
    *[bad for method in BY_ID for bad in texts_of(method, "fact_id")],
    *[
        bad
        for method in (*BY_ID, "add_relation", "get_statistics")
        for bad in optional_texts_of(method, "workspace_id")
    ],
    BadArgument("update_fact", "confidence", NOT_FRACTIONS),
    BadArgument("update_fact", "validation_status", NOT_WORDS),
    *[
        BadArgument("update_fact", name, [5, "", *TOO_LONG])
        for name in ("consensus_proof_id", "superseded_by")
    ],
    *lists_of("update_fact", "evidence_ids", "topics"),
    *documents_of("update_fact", "metadata"),
    *texts_of("query_facts", "query"),
    BadArgument("query_facts", "offset", NOT_COUNTS),
    *[BadArgument(one, "filters", BAD_FILTERS) for one in ("query_facts", "list_facts")],
    BadArgument("list_facts", "after", [5, "text", {}]),
    *keys_of("add_relation", "source_fact_id", "target_fact_id"),
    BadArgument("add_relation", "relation_type", [None, *NOT_WORDS, "cites"]),
    BadArgument("add_relation", "confidence", NOT_FRACTIONS),
    *optional_texts_of("add_relation", "created_by"),
    *documents_of("add_relation", "metadata"),
    BadArgument("get_relations", "relation_type", NOT_WORDS),
    *[BadArgument("get_relations", name, NOT_BOOLEANS) for name in ("as_source", "as_target")],
    *limits_of("query_facts", "list_facts", "get_contradictions", "get_relations"),
]
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "add_fact": {"statement": "A fact", "workspace_id": WORKSPACE},
    "query_facts": {"query": "word"},
    "add_relation": {"source_fact_id": "a", "target_fact_id": "b", "relation_type": "supports"},
    **{method: {"fact_id": "f"} for method in BY_ID},
}

CASES = StoreCases(
    make=FactStore,
    add=add,
    count=count,
    foreign_table="facts (id TEXT PRIMARY KEY, body TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"statement": lambda s: s.add_fact("", WORKSPACE)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
