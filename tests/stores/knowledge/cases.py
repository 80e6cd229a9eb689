"""What the conformance suite needs to know of the store of knowledge."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.database.values import EncodedJSON
from aragora_sql.stores.knowledge import KnowledgeMound
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_JSON,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_OBJECTS,
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
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
ARCHIVED = itertools.count(10)
WORKSPACE = "w1"
BAD_WORKSPACES: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, "", "a b", "é", "x" * 65, "a\n"]
NOT_WORDS: list[Any] = [5, "", "other", b"fast"]
NOT_DEPTHS: list[Any] = [*NOT_COUNTS, 11]
BAD_CHANGES: list[Any] = [
    *NOT_OBJECTS,
    {"id": "other"},
    {"update_count": 1},
    *[{"content": bad} for bad in ("", " ", 5, "NUL \x00", "x" * 100_001)],
    *[{"confidence": bad} for bad in NOT_FRACTIONS],
    *[
        {score: bad}
        for score in ("surprise_score", "consolidation_score", "staleness_score")
        for bad in (*NOT_FRACTIONS, 1e305)
    ],
    *[{"tier": bad} for bad in NOT_WORDS],
    *[{"visibility": bad} for bad in NOT_WORDS],
    *[{"validation_status": bad} for bad in NOT_WORDS],
    *[{"node_type": bad} for bad in ("", 5, *TOO_LONG)],
    *[{"is_discoverable": bad} for bad in NOT_BOOLEANS[1:]],
    *[{"last_validated_at": bad} for bad in NOT_TIMESTAMPS],
    *[{"metadata": bad} for bad in (*NOT_OBJECTS, {"a": "x" * 10_000})],
    *[{"metadata": {"a": bad}} for bad in NOT_JSON],
]
GOOD = {"workspace_id": WORKSPACE, "content": "A fact"}
BAD_NODES: list[Any] = [
    None,
    {},
    {"workspace_id": WORKSPACE},
    {"content": "A fact"},
    *[bad for bad in BAD_CHANGES if not isinstance(bad, dict)],
    *[{**GOOD, **bad} for bad in BAD_CHANGES if isinstance(bad, dict) and "id" not in bad],
    *[{**GOOD, "workspace_id": bad} for bad in BAD_WORKSPACES],
    *[{**GOOD, "id": bad} for bad in ("", 5, *TOO_LONG)],
    *[{**GOOD, "topics": bad} for bad in (*NOT_LISTS, [5], [""], [str(n) for n in range(101)])],
    *[{**GOOD, "created_at": bad} for bad in NOT_TIMESTAMPS],
    *[{**GOOD, "vector": bad} for bad in NOT_VECTORS],
    {**GOOD, "source_id": "without a type"},
    {**GOOD, "source_type": ""},
    {**GOOD, "source_type": "debate", "transformations": "text"},
    {**GOOD, "source_type": "debate", "user_id": 5},
    {**GOOD, "unknown": 1},
]


async def add(mound: KnowledgeMound) -> None:
    await mound.save_node({**GOOD, "content": f"Fact number {next(NUMBERS)}"})


async def count(mound: KnowledgeMound) -> int:
    return await mound.count_nodes(WORKSPACE)


async def fill(mound: KnowledgeMound) -> None:
    """Store some thousand rows in each table."""
    series = numbers(mound.database, 4000)
    if mound.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        until = "now() + interval '1 day' * (CASE WHEN n % 500 = 0 THEN -1 ELSE 1 END)"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        until = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', iif(n % 500 = 0, '-1 day', '+1 day'))"
    for statement in (
        "INSERT INTO knowledge_nodes (id, workspace_id, node_type, content, content_hash, "
        "confidence, staleness_score, search_terms, created_at, updated_at) "
        "SELECT 'n' || n, 'w' || (n % 100), 'fact', 'c' || n, 'h' || n, (n % 101) / 101.0, "
        f"(n % 97) / 97.0, 'word' || n || ' common', {at}, {at} FROM {series}",
        "INSERT INTO node_provenance (id, node_id, source_type, source_id, created_at) "
        f"SELECT 'prov_n' || n, 'n' || n, 'debate', 'd' || (n % 500), {at} FROM {series}",
        "INSERT INTO knowledge_relationships (id, from_node_id, to_node_id, relationship_type) "
        "SELECT 'k' || n, 'n' || n, 'n' || (n * 7 % 4000 + 1), "
        f"CASE WHEN n % 50 = 0 THEN 'contradicts' ELSE 'supports' END FROM {series}",
        f"INSERT INTO node_topics (node_id, topic) SELECT 'n' || n, 't' || (n % 100) FROM {series}",
        "INSERT INTO knowledge_vectors (node_id, dims, vector) "
        f"SELECT 'n' || n, 2 + n % 500, '[1.0]' FROM {series}",
        "INSERT INTO access_grants (id, item_id, grantee_type, grantee_id, granted_by, expires_at) "
        "SELECT 'g' || n, 'n' || n, 'user', 'u' || (n % 500), 'u' || (n % 400), "
        f"{until} FROM {series}",
        "INSERT INTO knowledge_archive (id, original_id, workspace_id, content, archived_at) "
        f"SELECT 'a' || n, 'o' || (n % 1000), 'w1', 'c', {at} FROM {series}",
        "INSERT INTO prune_history (id, workspace_id, executed_at, action) "
        f"SELECT 'p' || n, 'w' || (n % 100), {at}, 'flag' FROM {series}",
    ):
        await run(mound.database, statement)


OF_W7: dict[str, Any] = {"workspace_id": "w7", "row_limit": 10}
WALK: dict[str, Any] = {"workspace_id": None, "most": 1000}
GRANTS: dict[str, Any] = {"workspace_id": None, "after_id": "", "row_limit": 10}
ACTOR: dict[str, Any] = {
    "actor_id": "u7",
    "actor_roles": ["r"],
    "actor_workspace_id": "w7",
    "actor_org_id": None,
}
FILTERS: dict[str, Any] = {"node_types": None, "min_confidence": 0.0, "tier": None}
HOT = [
    Hot("get_nodes", {"node_ids": ["n7", "n8"], "workspace_id": None}),
    Hot("find_by_content_hash", {"content_hash": "h7", "workspace_id": "w7"}),
    Hot("list_content_hashes", {"after_hash": "", **OF_W7}, True),
    Hot(
        "query_nodes",
        {
            "node_types": None,
            "min_confidence": 0.0,
            "tier": None,
            "validation_status": None,
            "topics": None,
            "after_confidence": 0.5,
            "after_id": "n",
            **OF_W7,
        },
    ),
    Hot(
        "list_recent_nodes",
        {"node_type": None, "tier": None, "after_timestamp": day(2), "after_id": "n", **OF_W7},
    ),
    Hot(
        "search_nodes",
        {
            "expression": "(word7|word8)",
            "terms": ["word7", "word8"],
            "workspace_id": None,
            "guarded": True,
            "most": 1000,
            "row_limit": 10,
            "row_offset": 0,
            **FILTERS,
            **ACTOR,
        },
    ),
    Hot("list_node_vectors", {"node_ids": ["n7", "n8"]}),
    Hot("count_nodes", {"workspace_id": "w7"}),
    Hot("list_provenance", {"node_ids": ["n7"], "workspace_id": None}),
    Hot(
        "query_by_provenance",
        {
            "source_type": "debate",
            "source_id": "d7",
            "node_type": None,
            "workspace_id": None,
            "row_limit": 10,
        },
    ),
    Hot("list_links", {"node_ids": ["n7"], "types": None, "workspace_id": None, "row_limit": 10}),
    Hot(
        "list_relationships",
        {"after_type": "contradicts", "after_id": "", "last_type": "contradicts", "row_limit": 10},
        True,
    ),
    Hot(
        "walk_neighbors",
        {
            "node_id": "n7",
            "depth": 3,
            "types": None,
            "outgoing": True,
            "incoming": True,
            "row_limit": 100,
            **WALK,
        },
    ),
    Hot(
        "find_path",
        {
            "from_node_id": "n7",
            "to_node_id": "n350",
            "max_depth": 4,
            "types": None,
            "directed": False,
            **WALK,
        },
    ),
    Hot("find_contradictions", {"node_id": "n7", "depth": 2, "row_limit": 10, **WALK}),
    Hot("list_grants", {"item_id": "n7", **GRANTS}),
    Hot("list_grants_to", {"grantee_id": "u7", "grantee_type": None, **GRANTS}),
    Hot("list_grants_by", {"granted_by": "u7", **GRANTS}),
    Hot("delete_expired_grants", {"row_limit": 10}),
    Hot("take_archived", {"original_id": "o7", "workspace_id": "w1", "unowned": True}),
    Hot("keep_link", {"original_id": "o7", "link": EncodedJSON("{}")}),
    Hot(
        "list_prunable",
        {"min_staleness": 0.9, "made_before": day(9), "unflagged": False, **OF_W7},
    ),
    Hot(
        "list_prunes",
        {"since": day(-1), "after_timestamp": day(2), "after_id": "", **OF_W7},
    ),
]


async def prepare(mound: KnowledgeMound) -> None:
    for number in (*range(6), *range(10, 20)):
        await mound.save_node(
            {"id": f"p{number}", "workspace_id": WORKSPACE, "content": f"prepared word {number}"}
        )
    await mound.save_relationship("p0", "p1", "supports")


ROUND_TRIPS = {
    "save_node": Call(3, lambda s, kept: add(s)),
    "save_node again": Call(4, lambda s, kept: s.save_node({**GOOD, "id": "p0"})),
    "save_node with all": Call(
        6,
        lambda s, kept: s.save_node(
            {
                **GOOD,
                "content": f"x{next(NUMBERS)}",
                "topics": ["a", "b"],
                "vector": [1],
                "source_type": "debate",
            }
        ),
    ),
    "get_node": Call(1, lambda s, kept: s.get_node("p0")),
    "update_node": Call(1, lambda s, kept: s.update_node("p0", {"confidence": 1})),
    "delete_node": Call(1, lambda s, kept: s.delete_node("p5")),
    "query_nodes": Call(1, lambda s, kept: s.query_nodes(WORKSPACE)),
    "list_nodes": Call(1, lambda s, kept: s.list_nodes(WORKSPACE)),
    "list_nodes by id": Call(2, lambda s, kept: s.list_nodes(WORKSPACE, order_by="id")),
    "query": Call(1, lambda s, kept: s.query("word")),
    "query_with_visibility": Call(
        1, lambda s, kept: s.query_with_visibility("word", None, "u", "w1")
    ),
    "hybrid_search": Call(2, lambda s, kept: s.hybrid_search("word", WORKSPACE, [1])),
    "get_stats": Call(2, lambda s, kept: s.get_stats(WORKSPACE)),
    "save_relationship": Call(1, lambda s, kept: s.save_relationship("p0", "p2", "cites")),
    "get_relationships_batch": Call(1, lambda s, kept: s.get_relationships_batch(["p0", "p1"])),
    "get_neighbors": Call(1, lambda s, kept: s.get_neighbors("p0", 3)),
    "find_path": Call(1, lambda s, kept: s.find_path("p0", "p1")),
    "find_contradictions": Call(1, lambda s, kept: s.find_contradictions("p0")),
    "save_access_grant": Call(1, lambda s, kept: s.save_access_grant("p0", "user", "u")),
    "cleanup_expired": Call(1, lambda s, kept: s.cleanup_expired()),
    "archive_node": Call(9, lambda s, kept: s.archive_node(f"p{next(ARCHIVED)}")),
    "prune_nodes": Call(5, lambda s, kept: s.prune_nodes(WORKSPACE, "flag")),
    "refresh_staleness": Call(3, lambda s, kept: s.refresh_staleness(WORKSPACE)),
}

WITH_WORKSPACE = (
    "get_node",
    "get_nodes",
    "update_node",
    "update_visibility",
    "delete_node",
    "query",
    "query_with_visibility",
    "hybrid_search",
    "get_provenance",
    "query_by_provenance",
    "save_relationship",
    "get_relationships",
    "get_relationships_batch",
    "list_relationships",
    "delete_relationship",
    "get_neighbors",
    "find_path",
    "find_contradictions",
    "save_access_grant",
    "get_access_grants",
    "get_grants_for_grantee",
    "get_grants_by_grantor",
    "delete_access_grant",
    "archive_node",
)
OF_WORKSPACE = (
    "clear_workspace",
    "find_by_content_hash",
    "get_nodes_by_content_hash",
    "query_nodes",
    "get_recent_nodes",
    "get_nodes_for_workspace",
    "list_nodes",
    "count_nodes",
    "get_stats",
    "restore_archived_node",
    "refresh_staleness",
    "adjust_tiers",
    "prune_nodes",
    "save_prune_history",
    "get_prune_history",
)
WALKS = ("get_neighbors", "find_path", "find_contradictions")
PAGES = (
    "query_nodes",
    "list_nodes",
    "list_relationships",
    "get_access_grants",
    "get_prune_history",
)
BAD_ARGUMENTS = [
    *[BadArgument(method, "workspace_id", BAD_WORKSPACES) for method in WITH_WORKSPACE],
    *[BadArgument(method, "workspace_id", [None, *BAD_WORKSPACES]) for method in OF_WORKSPACE],
    BadArgument("save_node", "node_data", BAD_NODES),
    BadArgument("update_node", "updates", [None, *BAD_CHANGES]),
    BadArgument("update_visibility", "level", [None, *NOT_WORDS]),
    BadArgument("update_visibility", "set_by", [5, "", *TOO_LONG]),
    *[
        bad
        for method in (
            *("get_node", "update_node", "update_visibility", "delete_node", "get_provenance"),
            *("get_relationships", "get_neighbors", "find_contradictions", "archive_node"),
        )
        for bad in texts_of(method, "node_id")
    ],
    *lists_of("get_nodes", "node_ids"),
    *lists_of("get_relationships_batch", "node_ids"),
    *texts_of("find_by_content_hash", "content_hash"),
    *texts_of("get_nodes_by_content_hash", "after"),
    *lists_of("query_nodes", "node_types", "topics"),
    BadArgument("query_nodes", "min_confidence", NOT_FRACTIONS),
    BadArgument("query_nodes", "tier", NOT_WORDS),
    BadArgument("query_nodes", "validation_status", NOT_WORDS),
    BadArgument("list_nodes", "tier", NOT_WORDS),
    BadArgument("list_nodes", "order_by", [None, *NOT_WORDS]),
    BadArgument("list_nodes", "order_dir", [None, *NOT_WORDS, "desc"]),
    *optional_texts_of("list_nodes", "node_type"),
    *texts_of("query", "query"),
    *[
        bad
        for method in ("query_with_visibility", "hybrid_search")
        for bad in (
            *texts_of(method, "query"),
            BadArgument(method, "filters", [*NOT_OBJECTS, {"other": 1}, {"tier": "other"}]),
            BadArgument(method, "actor_id", [None, "", 5]),
            BadArgument(method, "actor_workspace_id", [None, *BAD_WORKSPACES]),
            BadArgument(method, "actor_org_id", ["", 5]),
            *lists_of(method, "actor_roles"),
        )
    ],
    BadArgument("hybrid_search", "vector", NOT_VECTORS),
    BadArgument("hybrid_search", "vector_weight", NOT_FRACTIONS),
    *[BadArgument(one, "offset", NOT_COUNTS) for one in ("query", "query_with_visibility")],
    *texts_of("query_by_provenance", "source_type", "source_id"),
    *optional_texts_of("query_by_provenance", "node_type"),
    *keys_of("save_relationship", "from_node_id", "to_node_id"),
    BadArgument("save_relationship", "relationship_type", [None, *NOT_WORDS]),
    BadArgument("save_relationship", "strength", NOT_MEASURES),
    *documents_of("save_relationship", "metadata"),
    *[
        BadArgument(method, "types", [*NOT_LISTS, ["other"], [5]])
        for method in ("get_relationships", "get_relationships_batch", "get_neighbors", "find_path")
    ],
    BadArgument("list_relationships", "relationship_type", NOT_WORDS),
    *texts_of("delete_relationship", "relationship_id"),
    *texts_of("find_path", "from_node_id", "to_node_id"),
    *[BadArgument(one, "depth", NOT_DEPTHS) for one in ("get_neighbors", "find_contradictions")],
    BadArgument("find_path", "max_depth", [0, *NOT_DEPTHS]),
    BadArgument("find_path", "directed", NOT_BOOLEANS),
    BadArgument("get_neighbors", "direction", [None, *NOT_WORDS]),
    *[BadArgument(method, "most", [0, *NOT_COUNTS]) for method in WALKS],
    *keys_of("save_access_grant", "item_id", "grantee_id"),
    BadArgument("save_access_grant", "grantee_type", [None, *NOT_WORDS]),
    BadArgument("save_access_grant", "permissions", [None, *NOT_LISTS, [], [""], [5]]),
    BadArgument("save_access_grant", "expires_at", NOT_TIMESTAMPS),
    *texts_of("get_access_grants", "item_id"),
    *texts_of("get_grants_for_grantee", "grantee_id"),
    BadArgument("get_grants_for_grantee", "grantee_type", NOT_WORDS),
    *texts_of("get_grants_by_grantor", "shared_by"),
    *texts_of("delete_access_grant", "item_id", "grantee_id"),
    BadArgument("delete_access_grant", "grantee_type", NOT_WORDS),
    *optional_texts_of("archive_node", "archived_by", "reason"),
    *texts_of("restore_archived_node", "original_id"),
    BadArgument("restore_archived_node", "unowned", NOT_BOOLEANS),
    *[
        BadArgument(method, "action", [None, *NOT_WORDS])
        for method in ("prune_nodes", "save_prune_history")
    ],
    BadArgument("prune_nodes", "min_staleness", NOT_FRACTIONS),
    BadArgument("prune_nodes", "min_age_days", [*NOT_MEASURES, 1e9]),
    *lists_of("save_prune_history", "pruned_item_ids"),
    BadArgument("save_prune_history", "executed_at", NOT_TIMESTAMPS),
    BadArgument("get_prune_history", "since", NOT_TIMESTAMPS),
    *limits_of(
        *("get_nodes_by_content_hash", "query_nodes", "get_recent_nodes", "list_nodes", "query"),
        *("get_nodes_for_workspace", "query_with_visibility", "query_by_provenance"),
        "hybrid_search",
        *("get_relationships", "get_relationships_batch", "list_relationships", "get_neighbors"),
        *("find_contradictions", "get_access_grants", "get_grants_for_grantee"),
        *("get_grants_by_grantor", "prune_nodes", "get_prune_history"),
    ),
    *[BadArgument(method, "after", [5, "text", {}]) for method in PAGES],
]

_NODE = {"node_id": "n"}
_AS_ACTOR = {
    "query": "word",
    "workspace_id": None,
    "actor_id": "u",
    "actor_workspace_id": WORKSPACE,
}
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    **{method: {"workspace_id": WORKSPACE} for method in OF_WORKSPACE},
    **dict.fromkeys(
        (
            *("get_node", "delete_node", "get_provenance", "get_relationships", "archive_node"),
            *("get_neighbors", "find_contradictions"),
        ),
        _NODE,
    ),
    "save_node": {"node_data": GOOD},
    "get_nodes": {"node_ids": ["n"]},
    "get_relationships_batch": {"node_ids": ["n"]},
    "update_node": {"node_id": "n", "updates": {}},
    "update_visibility": {"node_id": "n", "level": "public"},
    "find_by_content_hash": {"content_hash": "h", "workspace_id": WORKSPACE},
    "query": {"query": "word"},
    "query_with_visibility": _AS_ACTOR,
    "hybrid_search": _AS_ACTOR,
    "query_by_provenance": {"source_type": "debate", "source_id": "d"},
    "save_relationship": {
        "from_node_id": "a",
        "to_node_id": "b",
        "relationship_type": "supports",
    },
    "delete_relationship": {"relationship_id": "r"},
    "find_path": {"from_node_id": "a", "to_node_id": "b"},
    "save_access_grant": {"item_id": "n", "grantee_type": "user", "grantee_id": "u"},
    "get_access_grants": {"item_id": "n"},
    "get_grants_for_grantee": {"grantee_id": "u"},
    "get_grants_by_grantor": {"shared_by": "u"},
    "delete_access_grant": {"item_id": "n", "grantee_id": "u"},
    "restore_archived_node": {"original_id": "n", "workspace_id": WORKSPACE},
    "save_prune_history": {"workspace_id": WORKSPACE, "action": "flag", "pruned_item_ids": []},
}

CASES = StoreCases(
    make=KnowledgeMound,
    add=add,
    count=count,
    foreign_table="knowledge_nodes (id TEXT PRIMARY KEY, body TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"node_data": lambda s: s.save_node([])},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
