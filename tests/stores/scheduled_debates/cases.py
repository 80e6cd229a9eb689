"""What the conformance suite needs to know of the store of scheduled debates."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from aragora_sql.stores.scheduled_debates import ScheduledDebateStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_MEASURES,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = ["", " ", *NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *TOO_LONG]
BAD_MOMENTS: list[Any] = ["tomorrow", "2026-01-01T00:00:00", datetime(2026, 1, 1), -1.0, 1e12, []]


def a_debate(topic: Any = "Rate limits", **changes: Any) -> dict[str, Any]:
    """Return what is recorded of a topic."""
    return {"topic_text": topic, "platform": "reddit", **changes}


async def add(debates: ScheduledDebateStore) -> None:
    await debates.record_scheduled_debate(a_debate(f"Topic {next(NUMBERS)}"))


async def count(debates: ScheduledDebateStore) -> int:
    return await debates.count_total()


async def fill(debates: ScheduledDebateStore) -> None:
    """Store some thousand rows; few debates wait for their outcome."""
    series = numbers(debates.database, 4000)
    if debates.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 hour'"
        reached = "CASE WHEN n % 100 > 0 THEN n % 2 = 0 END"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' hours') || '.000000Z'"
        reached = "CASE WHEN n % 100 > 0 THEN n % 2 END"
    await run(
        debates.database,
        "INSERT INTO scheduled_debates (id, topic_hash, topic_text, platform, category, debate_id, "
        f"created_at, consensus_reached) SELECT 's' || n, 'h' || n, 't', 'p' || (n % 500), "
        f"'c' || (n % 500), 'd' || n, {at}, {reached} FROM {series}",
    )


PAGE = {"after_timestamp": day(20), "after_id": "s", "row_limit": 10}
HOT = [
    Hot("is_duplicate", {"topic_hash": "h7", "within_seconds": 86_400.0}),
    Hot("list_debates", {"since": day(1), **PAGE}, True),
    Hot("list_platform_debates", {"platform": "p7", "category": None, **PAGE}),
    Hot("list_category_debates", {"category": "c7", **PAGE}),
    Hot("list_pending", PAGE, True),
    Hot("delete_old", {"created_before": day(2), "row_limit": 10}),
]


async def prepare(debates: ScheduledDebateStore) -> None:
    await debates.record_scheduled_debate(a_debate(id="s", debate_id="d"))


ROUND_TRIPS = {
    "record_scheduled_debate": Call(1, lambda s, kept: add(s)),
    "claim_topic": Call(
        4, lambda s, kept: s.claim_topic(a_debate(f"New {next(NUMBERS)}", debate_id="e"))
    ),
    "claim_topic of a topic that was": Call(
        5, lambda s, kept: s.claim_topic(a_debate(debate_id="e"))
    ),
    "is_duplicate": Call(1, lambda s, kept: s.is_duplicate("Rate limits")),
    "get_recent_topics": Call(1, lambda s, kept: s.get_recent_topics()),
    "get_history": Call(1, lambda s, kept: s.get_history(platform="reddit")),
    "get_pending_outcomes": Call(1, lambda s, kept: s.get_pending_outcomes()),
    "count_total": Call(1, lambda s, kept: s.count_total()),
    "finalize_debate_outcome": Call(
        1, lambda s, kept: s.finalize_debate_outcome("d", True, 0.5, 3)
    ),
    "cleanup_old": Call(1, lambda s, kept: s.cleanup_old()),
    "get_analytics": Call(4, lambda s, kept: s.get_analytics()),
}

NOT_RECORDS: list[Any] = [
    None,
    [],
    {},
    *[a_debate(bad) for bad in (None, "", " ", 5, "\x00")],
    *[a_debate(platform=bad) for bad in (None, "", 5)],
    *[a_debate(**{name: bad}) for name in ("id", "category", "debate_id") for bad in BAD_KEYS],
    *[a_debate(volume=bad) for bad in (-1, 2**63, 1.5, True)],
    *[a_debate(consensus_reached=bad) for bad in NOT_BOOLEANS[1:]],
    *[a_debate(confidence=bad) for bad in NOT_FRACTIONS],
    *[a_debate(rounds_used=bad) for bad in NOT_COUNTS[:-1]],
    *[a_debate(created_at=bad) for bad in BAD_MOMENTS],
    a_debate(topic_hash="0" * 16),
    a_debate(owner="ann"),
]
BAD_ARGUMENTS = [
    BadArgument("record_scheduled_debate", "record", NOT_RECORDS),
    BadArgument("claim_topic", "record", [*NOT_RECORDS, a_debate()]),
    *[
        BadArgument(method, "hours", [*NOT_MEASURES, 1e300])
        for method in ("claim_topic", "is_duplicate", "get_recent_topics")
    ],
    *names_of("is_duplicate", "topic_text"),
    *optional_texts_of("get_history", "platform", "category"),
    *texts_of("finalize_debate_outcome", "debate_id"),
    BadArgument("finalize_debate_outcome", "consensus_reached", NOT_BOOLEANS),
    BadArgument("finalize_debate_outcome", "confidence", NOT_FRACTIONS),
    BadArgument("finalize_debate_outcome", "rounds_used", NOT_COUNTS),
    BadArgument("cleanup_old", "days", [*NOT_MEASURES, 1e300]),
    *limits_of("get_recent_topics", "get_history", "get_pending_outcomes"),
    *[
        BadArgument(method, "after", [5, "text", {}])
        for method in ("get_recent_topics", "get_history", "get_pending_outcomes")
    ],
]
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "claim_topic": {"record": a_debate(debate_id="d")},
    "is_duplicate": {"topic_text": "t"},
    "finalize_debate_outcome": {
        "debate_id": "d",
        "consensus_reached": True,
        "confidence": 0.5,
        "rounds_used": 1,
    },
}

CASES = StoreCases(
    make=ScheduledDebateStore,
    add=add,
    count=count,
    foreign_table="scheduled_debates (id TEXT PRIMARY KEY, cron TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"record": lambda s: s.record_scheduled_debate({})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
