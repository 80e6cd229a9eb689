"""What the conformance suite needs to know of the store of insights."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.insights import InsightStore
from tests.stores.cases import (
    BLANK_TEXTS,
    NO_TEXTS,
    NOT_BOOLEANS,
    NOT_FRACTIONS,
    NOT_JSON,
    NOT_MEASURES,
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
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG]
INSIGHT = {"id": "i", "type": "decision", "title": "Use a token bucket"}
PATTERN = {"id": "p", "type": "pattern", "title": "No limits"}
AGENT = {"agent_name": "claude"}


def learned(debate_id: str, /, **changes: Any) -> dict[str, Any]:
    """What ``store_debate_insights`` takes."""
    return {"debate_id": debate_id, "task": "Rate limiting", **changes}


BAD_INSIGHTS: list[Any] = [
    None,
    {},
    *[learned("d", debate_id=bad) for bad in (None, *BAD_KEYS)],
    *[learned("d", task=bad) for bad in NOT_TEXTS],
    *[learned("d", consensus_reached=bad) for bad in NOT_BOOLEANS],
    *[learned("d", duration_seconds=bad) for bad in NOT_MEASURES],
    *[learned("d", key_takeaway=bad) for bad in NO_TEXTS],
    learned("d", insights="text"),
    *[learned("d", insights=[{**INSIGHT, "metadata": bad}]) for bad in NO_TEXTS],
    *[learned("d", insights=[{**INSIGHT, "id": bad}]) for bad in BAD_KEYS],
    *[learned("d", insights=[{**INSIGHT, "type": bad}]) for bad in ("other", None)],
    *[learned("d", insights=[{**INSIGHT, "title": bad}]) for bad in ("", 5)],
    learned("d", insights=[{**PATTERN, "title": TOO_LONG[0]}]),
    *[learned("d", insights=[{**INSIGHT, "confidence": bad}]) for bad in NOT_FRACTIONS],
    *[learned("d", insights=[{**INSIGHT, "evidence": bad}]) for bad in ("text", [5])],
    *[learned("d", insights=[{**INSIGHT, "metadata": {"a": bad}}]) for bad in NOT_JSON],
    learned("d", insights=[{**PATTERN, "metadata": {"category": 5}}]),
    learned("d", insights=[{**PATTERN, "metadata": {"avg_severity": "high"}}]),
    learned("d", insights=[{**INSIGHT, "created_at": "2026-01-01T00:00:00"}]),
    learned("d", agent_performances=[{}]),
    learned("d", agent_performances=[{**AGENT, "proposals_made": -1}]),
    learned("d", agent_performances=[{**AGENT, "vote_aligned": 1}]),
    learned("d", agent_performances=[{**AGENT, "contribution_score": 2}]),
]
BAD_WISDOM: list[Any] = [
    None,
    {},
    {"text": " "},
    {"text": "x" * 281},
    {"text": "said", "submitter_id": ""},
    {"text": "said", "context_tags": "tag"},
]


async def add(insights: InsightStore) -> None:
    number = next(NUMBERS)
    await insights.store_debate_insights(
        learned(f"d{number}", insights=[{**INSIGHT, "id": f"i{number}"}])
    )


async def count(insights: InsightStore) -> int:
    return (await insights.get_stats())["total_debates"]


async def fill(insights: InsightStore) -> None:
    """Store some thousand rows in each table."""
    series = numbers(insights.database, 4000)
    if insights.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        no = "false"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        no = "0"
    for statement in (
        "INSERT INTO debate_summaries (debate_id, task, created_at) "
        f"SELECT 'd' || n, 't', {at} FROM {series}",
        "INSERT INTO insights (id, type, title, debate_id, confidence, created_at, search_terms) "
        "SELECT 'i' || n, CASE WHEN n % 50 = 0 THEN 'dissent' ELSE 'pattern' END, 't', 'd' || n, "
        f"(n % 1000) / 1000.0, {at}, 'word' || n || ' common' FROM {series}",
        "INSERT INTO agent_performance_history (agent_name, debate_id, created_at) "
        f"SELECT 'agent ' || (n % 200), 'd' || n, {at} FROM {series}",
        "INSERT INTO pattern_clusters (category, pattern_text, occurrence_count, first_seen, "
        f"last_seen) SELECT 'c' || (n % 20), 'p' || n, n % 100 + 1, {at}, {at} FROM {series}",
        "INSERT INTO wisdom_submissions (loop_id, text, used, created_at) "
        f"SELECT 'l' || (n % 100), 'said', {no}, {at} FROM {series}",
        "INSERT INTO insight_usage (insight_id, debate_id, created_at) "
        f"SELECT 'i' || (n % 500), 'd' || n, {at} FROM {series}",
    ):
        await run(insights.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "e", "row_limit": 10}
HOT = [
    Hot("get_insight", {"insight_id": "i7"}),
    Hot("delete_other_insights", {"debate_id": "d7", "kept_ids": ["i7"]}),
    Hot("delete_other_performances", {"debate_id": "d7", "kept_names": ["agent 7"]}),
    Hot("list_insights", {"agent": None, **PAGE}, True),
    Hot("list_insights_of_type", {"type": "dissent", "agent": None, **PAGE}),
    Hot("find_insights", {"expression": "(word7&common)", "type": None, "agent": None, **PAGE}),
    Hot("list_surest_insights", {"min_confidence": 0.7, "row_limit": 5}, True),
    Hot(
        "find_surest_insights",
        {"expression": "(word7&common)", "min_confidence": 0.1, "row_limit": 5},
    ),
    Hot("list_patterns", {"min_occurrences": 2, "category": None, "row_limit": 10}, True),
    Hot("get_agent_statistics", {"agent": "agent 7"}),
    Hot("list_wisdom", {"loop_id": "l7", "row_limit": 3}),
    Hot("take_wisdom", {"loop_id": "l7", "row_limit": 3}),
    Hot("adjust_confidence", {"insight_id": "i7", "change": 0.05}),
    Hot("get_usage_statistics", {"insight_id": "i7"}),
]


async def prepare(insights: InsightStore) -> int:
    await insights.store_debate_insights(learned("d0", insights=[INSIGHT]))
    return await insights.add_wisdom_submission("l", {"text": "Mind the bursts"})


ROUND_TRIPS = {
    "store_debate_insights": Call(
        8,
        lambda s, kept: s.store_debate_insights(
            learned("d1", insights=[INSIGHT, PATTERN], agent_performances=[AGENT])
        ),
        at_most=True,
    ),
    "get_insight": Call(1, lambda s, kept: s.get_insight("i")),
    "search": Call(1, lambda s, kept: s.search("bucket")),
    "search of a type": Call(1, lambda s, kept: s.search(insight_type="decision")),
    "get_recent_insights": Call(1, lambda s, kept: s.get_recent_insights()),
    "get_relevant_insights": Call(1, lambda s, kept: s.get_relevant_insights()),
    "get_relevant_insights of a domain": Call(1, lambda s, kept: s.get_relevant_insights("bucket")),
    "get_common_patterns": Call(1, lambda s, kept: s.get_common_patterns()),
    "get_agent_stats": Call(1, lambda s, kept: s.get_agent_stats("claude")),
    "get_all_agent_rankings": Call(1, lambda s, kept: s.get_all_agent_rankings()),
    "get_stats": Call(2, lambda s, kept: s.get_stats()),
    "add_wisdom_submission": Call(
        1, lambda s, kept: s.add_wisdom_submission("l", {"text": "Mind the bursts"})
    ),
    "get_relevant_wisdom": Call(1, lambda s, kept: s.get_relevant_wisdom("l")),
    "take_wisdom": Call(1, lambda s, kept: s.take_wisdom("l")),
    "mark_wisdom_used": Call(1, lambda s, kept: s.mark_wisdom_used(kept)),
    "record_insight_usage": Call(4, lambda s, kept: s.record_insight_usage("i", "d9")),
    "get_insight_usage_stats": Call(1, lambda s, kept: s.get_insight_usage_stats("i")),
}

BAD_ARGUMENTS = [
    BadArgument("store_debate_insights", "insights", BAD_INSIGHTS),
    *texts_of("get_insight", "insight_id"),
    *texts_of("search", "query"),
    BadArgument("search", "insight_type", ["other", "", 5]),
    *optional_texts_of("search", "agent"),
    BadArgument("search", "after", [5, "text", {}]),
    *optional_texts_of("get_relevant_insights", "domain"),
    BadArgument("get_relevant_insights", "min_confidence", NOT_FRACTIONS),
    BadArgument("get_common_patterns", "min_occurrences", [-1, 1.5, "2", True]),
    *optional_texts_of("get_common_patterns", "category"),
    *texts_of("get_agent_stats", "agent"),
    *keys_of("add_wisdom_submission", "loop_id"),
    BadArgument("add_wisdom_submission", "data", BAD_WISDOM),
    *texts_of("get_relevant_wisdom", "loop_id"),
    *texts_of("take_wisdom", "loop_id"),
    BadArgument("mark_wisdom_used", "submission_id", [-1, 2**63, "1", True, 1.0, None]),
    *keys_of("record_insight_usage", "insight_id", "debate_id"),
    BadArgument("record_insight_usage", "was_successful", NOT_BOOLEANS),
    *texts_of("get_insight_usage_stats", "insight_id"),
    *limits_of(
        "search",
        "get_recent_insights",
        "get_relevant_insights",
        "get_common_patterns",
        "get_relevant_wisdom",
        "take_wisdom",
    ),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "add_wisdom_submission": {"loop_id": "l", "data": {"text": "said"}},
    **{name: {"loop_id": "l"} for name in ("get_relevant_wisdom", "take_wisdom")},
    "record_insight_usage": {"insight_id": "i", "debate_id": "d"},
}

CASES = StoreCases(
    make=InsightStore,
    add=add,
    count=count,
    foreign_table="insights (id TEXT PRIMARY KEY, insight TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"insights.task": lambda s: s.store_debate_insights({"debate_id": "d"})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
