"""What the conformance suite needs to know of the continuum memory."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.database.values import dump_json
from aragora_sql.stores.continuum import ContinuumMemory
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_TEXTS,
    NOT_TIMESTAMPS,
    NOT_VECTORS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
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

NUMBERS = itertools.count()
NOW = day(400)
KEYS = ["key 1", "key 2"]
TIERS = dump_json([{"tier": "fast", "decay": 24.0}, {"tier": "slow", "decay": 0.14}])
MOVES = dump_json([{"id": "key 1", "to_tier": "fast", "reason": "direct", "promoted": False}])
NOT_TIERS: list[Any] = ["quick", "", "FAST", None, 5, [], "\x00"]
SAME = {"tenant_id": None, "min_importance": 0.0, "retrieved_at": NOW, "row_limit": 10}

HOT = [
    Hot("lock_entries", {"entry_ids": KEYS}),
    Hot("get_entries", {"entry_ids": KEYS, "tenant_id": None}),
    Hot(
        "list_tier",
        {"tier": "fast", "min_importance": 0.0, "tenant_id": None, "row_limit": 10},
        True,
    ),
    Hot("rank_entries", {"tiers": TIERS, "terms": [], "least_score": 0.1, "reach": 16, **SAME}),
    Hot(
        "rank_entries",
        {"tiers": TIERS, "terms": [], "least_score": 0.1, "reach": 16, **SAME, "tenant_id": "t 1"},
    ),
    Hot(
        "rank_matches",
        {
            "expression": "(word17|word18)",
            "tiers": TIERS,
            "terms": ["word17", "word18"],
            "most": 2000,
            **SAME,
        },
    ),
    Hot("apply_moves", {"moves": MOVES, "moved_at": NOW}),
    Hot(
        "lock_candidates",
        {
            "tier": "slow",
            "above": 0.3,
            "below": 2.0,
            "moved_before": NOW,
            "promoted_before": NOW,
            "row_limit": 10,
        },
        True,
    ),
    Hot("delete_entries", {"entry_ids": KEYS}),
    Hot("mark_prewarmed", {"entry_ids": KEYS, "prewarmed_at": NOW}),
    Hot("list_moves", {"entry_id": "key 1", "row_limit": 10}, True),
    Hot("list_archived", {"entry_id": "key 1", "tenant_id": None, "row_limit": 10}),
    Hot("list_referring", {"node_id": "node 1", "tenant_id": None}),
    Hot("invalidate_references", {"node_id": "node 1", "tenant_id": None}),
]


async def add(memory: ContinuumMemory) -> None:
    await memory.add(f"m{next(NUMBERS)}", "Use a token bucket")


async def fill(memory: ContinuumMemory) -> None:
    """Store some thousand rows in each table."""
    made = numbers(memory.database, 30_000)
    stamp = "2026-01-01T00:00:00.000000Z"
    await run(
        memory.database,
        "INSERT INTO continuum_memory (id, tenant_id, tier, content, content_terms, importance, "
        "surprise_score, update_count, red_line, expires_at, created_at, updated_at) SELECT "
        "'key ' || n, 't ' || (n % 50), "
        "CASE n % 4 WHEN 0 THEN 'fast' WHEN 1 THEN 'medium' WHEN 2 THEN 'slow' ELSE 'glacial' END, "
        "'text', 'text word' || (n % 997), (n % 101) / 100.0, (n % 51) / 100.0, n % 20, "
        f"{'n % 1000 = 0' if memory.database.dialect == 'postgres' else '(n % 1000) = 0'}, NULL, "
        f"'{stamp}', '{stamp}' FROM {made}",
    )
    await run(
        memory.database,
        "INSERT INTO continuum_references (memory_id, node_id) "
        f"SELECT 'key ' || n, 'node ' || (n % 500) FROM {numbers(memory.database, 3000)}",
    )
    await run(
        memory.database,
        "INSERT INTO tier_transitions (memory_id, from_tier, to_tier, created_at) "
        f"SELECT 'key ' || n, 'slow', 'fast', '{stamp}' FROM {numbers(memory.database, 3000)}",
    )
    await run(
        memory.database,
        "INSERT INTO continuum_memory_archive (id, tier, content, importance, surprise_score, "
        "consolidation_score, update_count, success_count, failure_count, red_line, "
        "red_line_reason, metadata, cross_references, created_at, updated_at, archived_at) "
        "SELECT 'key ' || n, 'slow', 'x', 0.5, 0.0, 0.0, 1, 0, 0, "
        f"{'FALSE' if memory.database.dialect == 'postgres' else '0'}, '', '{{}}', '[]', "
        f"'{stamp}', '{stamp}', '{stamp}' FROM {numbers(memory.database, 3000)}",
    )


async def prepare(memory: ContinuumMemory) -> str:
    """Return the id of an entry."""
    await memory.add("kept", "Use a token bucket", vector=[1.0, 0.0], cross_references=["n"])
    return "kept"


ROUND_TRIPS = {
    "get": Call(1, lambda s, kept: s.get(kept)),
    "get_many": Call(1, lambda s, kept: s.get_many([kept] * 100)),
    "get_by_tier": Call(1, lambda s, kept: s.get_by_tier("slow")),
    "count": Call(1, lambda s, kept: s.count()),
    "retrieve": Call(1, lambda s, kept: s.retrieve()),
    "retrieve of a query": Call(2, lambda s, kept: s.retrieve("token bucket")),
    "retrieve of a tenant": Call(4, lambda s, kept: s.retrieve(tenant_id="t1"), at_most=True),
    "hybrid_search": Call(3, lambda s, kept: s.hybrid_search("token", vector=[1, 2])),
    "get_timeline_entries": Call(3, lambda s, kept: s.get_timeline_entries(kept)),
    "get_glacial_insights": Call(2, lambda s, kept: s.get_glacial_insights("token")),
    "get_stats": Call(2, lambda s, kept: s.get_stats()),
    "get_archive_stats": Call(1, lambda s, kept: s.get_archive_stats()),
    "get_transitions": Call(1, lambda s, kept: s.get_transitions(kept)),
    "get_red_line_memories": Call(1, lambda s, kept: s.get_red_line_memories()),
    "get_referring": Call(1, lambda s, kept: s.get_referring("n")),
    "export_snapshot": Call(1, lambda s, kept: s.export_snapshot()),
    "invalidate_reference": Call(1, lambda s, kept: s.invalidate_reference("unknown")),
    "add": Call(6, lambda s, kept: add(s), at_most=True),
    "add_many": Call(
        6,
        lambda s, kept: s.add_many({"memory_id": f"many {n}", "content": "x"} for n in range(500)),
        at_most=True,
    ),
    "update_outcome": Call(3, lambda s, kept: s.update_outcome(kept, True), at_most=True),
    "update": Call(4, lambda s, kept: s.update(kept, importance=0.5), at_most=True),
    "promote_entry": Call(5, lambda s, kept: s.promote_entry(kept, "fast"), at_most=True),
}

BAD_ARGUMENTS = [
    *keys_of("add", "memory_id"),
    *texts_of("add", "content"),
    BadArgument("add", "tier", NOT_TIERS),
    BadArgument("add", "importance", [*NOT_FRACTIONS, None, 1.5]),
    *documents_of("add", "metadata"),
    BadArgument("add", "tenant_id", [5, *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]),
    BadArgument("add", "expires_at", NOT_TIMESTAMPS),
    BadArgument(
        "add", "cross_references", [*NOT_LISTS, *(["n", x] for x in [*NOT_TEXTS, *BLANK_TEXTS])]
    ),
    BadArgument("add", "vector", NOT_VECTORS),
    *keys_of("store", "key"),
    BadArgument("add_many", "entries", [None, *NOT_LISTS, ["text"], [None]]),
    *texts_of("get", "memory_id"),
    *optional_texts_of("get", "tenant_id"),
    *lists_of("get_many", "ids"),
    BadArgument("get_by_tier", "tier", NOT_TIERS),
    BadArgument("get_by_tier", "min_importance", [*NOT_FRACTIONS, None]),
    BadArgument("count", "tier", [*NOT_TIERS[:3], 5]),
    *optional_texts_of("count", "tenant_id"),
    *texts_of("update", "memory_id"),
    *optional_texts_of("update", "content", "tenant_id"),
    BadArgument("update", "importance", NOT_FRACTIONS),
    BadArgument("update", "surprise_score", NOT_FRACTIONS),
    BadArgument("update", "consolidation_score", NOT_FRACTIONS),
    *documents_of("update", "metadata"),
    BadArgument("update", "expires_at", NOT_TIMESTAMPS),
    BadArgument("update_entry", "entry", [None, {}, "text"]),
    *optional_texts_of("retrieve", "query", "tenant_id"),
    BadArgument("retrieve", "tiers", [*NOT_LISTS, ["quick"], [None]]),
    BadArgument("retrieve", "tier", [*NOT_TIERS[:3], 5]),
    BadArgument("retrieve", "min_importance", [*NOT_FRACTIONS, None]),
    BadArgument("retrieve", "include_glacial", NOT_BOOLEANS),
    BadArgument("retrieve", "enforce_tenant_isolation", NOT_BOOLEANS),
    *limits_of("retrieve", "hybrid_search", "get_by_tier", "get_glacial_insights"),
    *limits_of("get_cross_session_patterns", "prewarm_for_query", "get_transitions"),
    *limits_of("get_archived", "query_km_for_similar"),
    *texts_of("hybrid_search", "query"),
    BadArgument("hybrid_search", "vector", [None, *NOT_VECTORS]),
    BadArgument("hybrid_search", "vector_weight", NOT_FRACTIONS),
    BadArgument("hybrid_search", "tiers", [*NOT_LISTS, ["quick"]]),
    *texts_of("get_timeline_entries", "anchor_id"),
    BadArgument("get_timeline_entries", "before", NOT_COUNTS),
    BadArgument("get_timeline_entries", "after", NOT_COUNTS),
    *optional_texts_of("get_glacial_insights", "topic"),
    *optional_texts_of("get_cross_session_patterns", "domain"),
    BadArgument("get_cross_session_patterns", "include_slow", NOT_BOOLEANS),
    *texts_of("prewarm_for_query", "query"),
    *optional_texts_of("prewarm_for_query", "workspace_id"),
    *texts_of("update_outcome", "memory_id"),
    BadArgument("update_outcome", "success", NOT_BOOLEANS),
    BadArgument("update_outcome", "agent_prediction_error", NOT_FRACTIONS),
    *texts_of("promote", "memory_id"),
    *texts_of("demote", "memory_id"),
    *texts_of("promote_entry", "memory_id"),
    BadArgument("promote_entry", "tier", NOT_TIERS),
    BadArgument("demote_entry", "tier", NOT_TIERS),
    *texts_of("mark_red_line", "memory_id"),
    *names_of("mark_red_line", "reason"),
    BadArgument("mark_red_line", "promote_to_glacial", NOT_BOOLEANS),
    *texts_of("unmark_red_line", "memory_id"),
    *texts_of("delete", "memory_id", "reason"),
    BadArgument("delete", "archive", NOT_BOOLEANS),
    BadArgument("delete", "force", NOT_BOOLEANS),
    BadArgument("cleanup_expired_memories", "tier", [*NOT_TIERS[:3], 5]),
    BadArgument("cleanup_expired_memories", "archive", NOT_BOOLEANS),
    BadArgument("cleanup_expired_memories", "max_age_hours", [*NOT_MEASURES, 1e7]),
    BadArgument("enforce_tier_limits", "tier", [*NOT_TIERS[:3], 5]),
    BadArgument("enforce_tier_limits", "archive", NOT_BOOLEANS),
    BadArgument("export_for_tier", "tier", NOT_TIERS),
    BadArgument("export_snapshot", "tiers", [*NOT_LISTS, ["quick"]]),
    BadArgument("export_snapshot", "include_metadata", NOT_BOOLEANS),
    BadArgument("export_snapshot", "max_entries_per_tier", [-1, 1.5, True, "1"]),
    BadArgument("restore_snapshot", "merge_mode", ["add", "", None]),
    BadArgument("restore_snapshot", "restore_hyperparams", NOT_BOOLEANS),
    *texts_of("invalidate_reference", "node_id"),
    *texts_of("get_referring", "node_id"),
    *texts_of("query_km_for_similar", "content"),
    BadArgument("query_km_for_similar", "min_similarity", [*NOT_FRACTIONS, None]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "add": {"memory_id": "m", "content": "x"},
    "store": {"content": "x"},
    "get": {"memory_id": "m"},
    "get_by_tier": {"tier": "slow"},
    "update": {"memory_id": "m", "content": "x"},
    "hybrid_search": {"query": "x", "vector": [1.0]},
    "get_timeline_entries": {"anchor_id": "m"},
    "prewarm_for_query": {"query": "x"},
    "update_outcome": {"memory_id": "m", "success": True},
    "promote_entry": {"memory_id": "m", "tier": "slow"},
    "demote_entry": {"memory_id": "m", "tier": "slow"},
    "mark_red_line": {"memory_id": "m", "reason": "law"},
    "delete": {"memory_id": "m"},
    "get_transitions": {"memory_id": "m"},
    "get_archived": {"memory_id": "m"},
    "restore_snapshot": {"snapshot": {"version": 4, "entries": []}},
    "query_km_for_similar": {"content": "x"},
}

CASES = StoreCases(
    make=ContinuumMemory,
    add=add,
    count=lambda memory: memory.count(),
    foreign_table="continuum_memory (id TEXT PRIMARY KEY, text TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    free_calls={
        "add_many of nothing": lambda s: s.add_many([]),
        "retrieve of no row": lambda s: s.retrieve("token", limit=0),
        "get_many of nothing": lambda s: s.get_many([]),
    },
    refused={"importance": lambda s: s.add("m", "x", importance=2)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
