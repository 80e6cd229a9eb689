"""What the conformance suite needs to know of the store of cycles."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.cycles import CycleStore
from tests.stores.cases import (
    BLANK_TEXTS,
    NOT_COUNTS,
    NOT_JSON,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NOT_MOMENTS: list[Any] = [None, "2026-01-01T00:00:00", True, -1.0, 1e12, []]
NUMBERS = itertools.count(1)


def cycle(cycle_id: str, /, **changes: Any) -> dict[str, Any]:
    """What ``save_cycle`` takes."""
    return {"cycle_id": cycle_id, "started_at": day(0), **changes}


BAD_RECORDS: list[Any] = [
    None,
    5,
    {},
    *[cycle("c", cycle_id=bad) for bad in (*NOT_TEXTS, *UNSTORABLE_TEXTS, *BLANK_TEXTS, *TOO_LONG)],
    *[cycle("c", started_at=bad) for bad in NOT_MOMENTS],
    cycle("c", completed_at="tomorrow"),
    *[cycle("c", duration_seconds=bad) for bad in (-1, "1", True, float("nan"))],
    *[cycle("c", success=bad) for bad in (1, "yes")],
    *[cycle("c", topics_debated=bad) for bad in ("topic", [5])],
    *[cycle("c", agent_contributions=bad) for bad in ([5], "claude", {"claude": 5})],
    *[cycle("c", surprise_events=bad) for bad in ("phase", {"a": 1}, ["phase"])],
    *[cycle("c", pattern_reinforcements=bad) for bad in ("kind", [5])],
    *[cycle("c", other=bad) for bad in NOT_JSON],
]


async def add(cycles: CycleStore) -> None:
    await cycles.save_cycle(cycle(f"c{next(NUMBERS)}"))


async def count(cycles: CycleStore) -> int:
    return await cycles.get_cycle_count()


async def fill(cycles: CycleStore) -> None:
    """Store some thousand cycles."""
    series = numbers(cycles.database, 4000)
    if cycles.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    await run(
        cycles.database,
        "INSERT INTO cycles (cycle_id, started_at, success, data, search_terms) "
        f"SELECT 'c' || n, {at}, n % 50 = 0, '{{}}', 'word' || n || ' common' FROM {series}",
    )


PAGE = {"after_timestamp": day(2), "after_id": "e", "row_limit": 10}
HOT = [
    Hot("get_cycle", {"cycle_id": "c7"}),
    Hot("list_cycles", PAGE, True),
    Hot("list_successful_cycles", PAGE, True),
    Hot("find_cycles", {"expression": "(word7&common)", "row_limit": 10}),
]


async def prepare(cycles: CycleStore) -> None:
    await cycles.save_cycle(cycle("c0"))


ROUND_TRIPS = {
    "save_cycle": Call(1, lambda s, kept: add(s)),
    "load_cycle": Call(1, lambda s, kept: s.load_cycle("c0")),
    "get_recent_cycles": Call(1, lambda s, kept: s.get_recent_cycles()),
    "get_successful_cycles": Call(1, lambda s, kept: s.get_successful_cycles()),
    "query_by_topic": Call(1, lambda s, kept: s.query_by_topic("queues")),
    "get_agent_trajectory": Call(1, lambda s, kept: s.get_agent_trajectory("claude")),
    "get_pattern_statistics": Call(1, lambda s, kept: s.get_pattern_statistics()),
    "get_surprise_summary": Call(1, lambda s, kept: s.get_surprise_summary()),
    "cleanup_old_cycles": Call(1, lambda s, kept: s.cleanup_old_cycles()),
    "get_cycle_count": Call(1, lambda s, kept: s.get_cycle_count()),
}

BY_NUMBER = (
    "get_recent_cycles",
    "get_successful_cycles",
    "get_agent_trajectory",
    "get_surprise_summary",
)
BAD_ARGUMENTS = [
    BadArgument("save_cycle", "record", BAD_RECORDS),
    *texts_of("load_cycle", "cycle_id"),
    *[BadArgument(method, "n", NOT_COUNTS) for method in BY_NUMBER],
    *[BadArgument(method, "after", [5, "text", {}]) for method in BY_NUMBER[:2]],
    *texts_of("query_by_topic", "topic"),
    *limits_of("query_by_topic"),
    *texts_of("get_agent_trajectory", "agent"),
    BadArgument("cleanup_old_cycles", "keep_count", NOT_COUNTS),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "query_by_topic": {"topic": "queues"},
    "get_agent_trajectory": {"agent": "claude"},
}

CASES = StoreCases(
    make=CycleStore,
    add=add,
    count=count,
    foreign_table="cycles (cycle_id TEXT PRIMARY KEY, data_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"record.started_at": lambda s: s.save_cycle({"cycle_id": "c"})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
