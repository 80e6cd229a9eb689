"""What the conformance suite needs to know of the store of activities in shared inboxes."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.inbox_activities import InboxActivityStore
from tests.stores.cases import (
    NOT_JSON,
    NOT_TIMESTAMPS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)


def an_activity(activity_id: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": activity_id,
        "inbox_id": "i",
        "org_id": "o",
        "actor_id": "ann",
        "action": "assigned",
        **changes,
    }


async def add(activities: InboxActivityStore) -> None:
    await activities.log_activity(an_activity(f"a{next(NUMBERS)}"))


async def count(activities: InboxActivityStore) -> int:
    return await activities.count_activities()


async def fill(activities: InboxActivityStore) -> None:
    series = numbers(activities.database, 4000)
    if activities.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    await run(
        activities.database,
        "INSERT INTO inbox_activities (id, inbox_id, org_id, actor_id, action, target_id, "
        "created_at) SELECT 'a' || n, 'i' || (n % 500), 'o' || (n % 500), 'u' || (n % 500), "
        f"'assigned', 'm' || (n % 500), {at} FROM {series}",
    )


PAGE = {"since": None, "after_timestamp": day(2), "after_id": "b", "row_limit": 10}
HOT = [
    Hot("get_activity", {"id": "a7", "org_id": None}),
    Hot("list_inbox_activities", {"inbox_id": "i7", "org_id": None, "action": None, **PAGE}),
    Hot("list_target_activities", {"target_id": "m7", "org_id": None, **PAGE}),
    Hot("list_org_activities", {"org_id": "o7", **PAGE}),
    Hot("list_actor_activities", {"actor_id": "u7", "org_id": None, **PAGE}),
    Hot("delete_old_activities", {"age_seconds": 1e9, "row_limit": 10}),
]


async def prepare(activities: InboxActivityStore) -> None:
    await activities.log_activity(an_activity("a0"))


ROUND_TRIPS = {
    # The clean-up is not due again.
    "log_activity": Call(1, lambda s, kept: add(s)),
    "get_activity": Call(1, lambda s, kept: s.get_activity("a0")),
    "get_activities": Call(1, lambda s, kept: s.get_activities("i")),
    "get_message_history": Call(1, lambda s, kept: s.get_message_history("m")),
    "get_org_activities": Call(1, lambda s, kept: s.get_org_activities("o")),
    "get_actor_activities": Call(1, lambda s, kept: s.get_actor_activities("ann")),
    "count_activities": Call(1, lambda s, kept: s.count_activities()),
    "cleanup_expired": Call(1, lambda s, kept: s.cleanup_expired()),
}

BAD_ACTIVITIES: list[Any] = [
    None,
    5,
    [],
    {},
    *[
        an_activity("a", **{name: bad})
        for name in ("inbox_id", "org_id", "actor_id")
        for bad in (None, "", " ", 5, "x" * 1001)
    ],
    *[an_activity("a", **{name: bad}) for name in ("id", "target_id") for bad in ("", 5)],
    *[an_activity("a", action=bad) for bad in (None, "", "danced", 5)],
    *[an_activity("a", metadata=bad) for bad in ([], "text", *({"a": one} for one in NOT_JSON))],
    *[an_activity("a", created_at=bad) for bad in ("now", "2026-01-01T00:00:00", 5)],
    an_activity("a", colour="red"),
]
LISTS = {
    "get_activities": {"inbox_id": "i"},
    "get_message_history": {"message_id": "m"},
    "get_org_activities": {"org_id": "o"},
    "get_actor_activities": {"actor_id": "ann"},
}
BAD_ARGUMENTS = [
    BadArgument("log_activity", "activity", BAD_ACTIVITIES),
    *texts_of("get_activity", "activity_id"),
    *[bad for method, given in LISTS.items() for bad in texts_of(method, *given)],
    *[BadArgument(method, "since", NOT_TIMESTAMPS) for method in LISTS],
    *[BadArgument(method, "after", [5, "text", {}]) for method in LISTS],
    *limits_of(*LISTS),
    BadArgument("get_activities", "action", ["", "danced", 5]),
    *optional_texts_of("count_activities", "inbox_id", "org_id"),
    BadArgument("count_activities", "action", ["", "danced", 5]),
]

CASES = StoreCases(
    make=InboxActivityStore,
    add=add,
    count=count,
    foreign_table="inbox_activities (id TEXT PRIMARY KEY, metadata_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"activity.action": lambda s: s.log_activity(an_activity("a", action="danced"))},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=LISTS,
)
