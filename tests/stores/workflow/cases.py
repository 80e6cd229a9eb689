"""What the conformance suite needs to know of the workflow store."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.workflow import FindingWorkflowStore
from tests.stores.cases import (
    NOT_LISTS,
    NOT_TIMESTAMPS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    keys_of,
    limits_of,
    names_of,
    optional_texts_of,
)
from tests.stores.samples import day, numbers, run

KEYS = ["key 1", "key 2", "key 3"]
NOW = day(400)
PAGE = {"after_timestamp": day(300), "after_id": "f", "row_limit": 10}
IDS = [f"f{number}" for number in range(500)]
NUMBERS = itertools.count()

HOT = [
    Hot("get_finding", {"finding_id": "f1"}),
    Hot("lock_findings", {"finding_ids": KEYS}),
    Hot("delete_finding", {"finding_id": "f1"}),
    Hot("list_findings", PAGE, True),
    Hot("list_assigned", {"assigned_to": "user 1", **PAGE}, True),
    Hot("list_in_state", {"current_state": "triaging", **PAGE}, True),
    Hot("list_duplicates", {"parent_finding_id": "f7", **PAGE}, True),
    Hot(
        "list_overdue",
        {"at_time": NOW, "after_timestamp": day(1), "after_id": "", "row_limit": 10},
        True,
    ),
    Hot("list_events", {"finding_ids": KEYS}),
    Hot(
        "list_history",
        {"finding_id": "f1", "event_type": None, "after_position": 0, "row_limit": 10},
        True,
    ),
    Hot("delete_link", {"finding_id": "f1", "linked_id": "x"}),
    Hot("delete_links", {"finding_id": "f1"}),
]


async def add(findings: FindingWorkflowStore) -> None:
    await findings.create(f"f{next(NUMBERS)}")


async def count(findings: FindingWorkflowStore) -> int:
    return len(await findings.list_all(history=False))


def timestamp(dialect: str) -> str:
    """Return an expression of an hour for each ``n``."""
    if dialect == "postgres":
        return "TIMESTAMPTZ '2026-01-01 00:00:00+00' + n * interval '1 hour'"
    return "strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', '+' || n || ' hours')"


async def fill(findings: FindingWorkflowStore) -> None:
    """Store ten thousand findings, most of them done and overdue."""
    database = findings.database
    hour, ten_thousand = timestamp(database.dialect), numbers(database, 10_000)
    await run(
        database,
        "INSERT INTO finding_workflows (finding_id, current_state, assigned_to, due_date, "
        "parent_finding_id, created_at) SELECT 'f' || n, CASE WHEN n % 50 = 0 THEN 'triaging' "
        f"ELSE 'resolved' END, 'user ' || (n % 100), {hour}, "
        f"CASE WHEN n % 10 = 0 THEN 'f7' END, {hour} FROM {ten_thousand}",
    )
    await run(
        database,
        "INSERT INTO finding_history (finding_id, position, event_id, event_type) "
        f"SELECT 'f' || n, 1, 'e', 'comment' FROM {ten_thousand}",
    )
    await run(
        database,
        "INSERT INTO finding_links (finding_id, linked_id, position) "
        f"SELECT 'f' || n, 'x', 1 FROM {ten_thousand}",
    )


async def prepare(findings: FindingWorkflowStore) -> None:
    """Store findings that are overdue."""
    async with findings.database.transaction():
        for finding_id in IDS:
            await findings.create(finding_id, due_date="2026-01-01T00:00:00Z")


ROUND_TRIPS = {
    "get_finding": Call(1, lambda s, kept: s.get_finding("f1")),
    "get": Call(2, lambda s, kept: s.get("f1")),
    "list_overdue": Call(2, lambda s, kept: s.list_overdue()),
    "list_all without history": Call(1, lambda s, kept: s.list_all(history=False)),
    "get_history": Call(1, lambda s, kept: s.get_history("f1")),
    "get_statistics": Call(1, lambda s, kept: s.get_statistics()),
    "add_comment": Call(5, lambda s, kept: s.add_comment("f1", "text")),
    "bulk_assign": Call(5, lambda s, kept: s.bulk_assign(IDS, f"user {next(NUMBERS)}")),
    "delete": Call(1, lambda s, kept: s.delete("f2")),
}

EVENT_METHODS: dict[str, dict[str, Any]] = {
    "transition": {"state": "triaging"},
    "assign": {"assigned_to": "ben"},
    "unassign": {},
    "add_comment": {"comment": "text"},
    "set_priority": {"priority": 1},
    "set_due_date": {"due_date": None},
    "link": {"linked_id": "f2"},
    "unlink": {"linked_id": "f2"},
    "mark_duplicate": {"parent_finding_id": "f2"},
    "change_severity": {"severity": "high"},
}

BAD_ARGUMENTS = [
    *[case for name in EVENT_METHODS for case in keys_of(name, "finding_id")],
    *[case for name in EVENT_METHODS for case in optional_texts_of(name, "user_id", "user_name")],
    *[
        BadArgument(name, "expected_version", [-1, 0, 1.0, "1", True, 2**63])
        for name in EVENT_METHODS
    ],
    *[case._replace(named="data.finding_id") for case in keys_of("create", "finding_id")],
    *keys_of("assign", "assigned_to"),
    *names_of("add_comment", "comment"),
    BadArgument("transition", "state", ["done", "", "OPEN", None, 5]),
    BadArgument("set_priority", "priority", [0, 6, -1, 1.0, "1", None, True]),
    BadArgument("set_due_date", "due_date", NOT_TIMESTAMPS),
    *limits_of("list_all", "list_by_assignee", "list_by_state", "list_duplicates", "list_overdue"),
    *limits_of("get_history", "get_comments", "get_state_changes"),
    BadArgument("bulk_assign", "finding_ids", [*NOT_LISTS, ["f1", ""], ["f1", None]]),
    BadArgument("bulk_set_priority", "priority", [0, 6, -1, 1.0, "1", None, True]),
    BadArgument("bulk_transition", "state", ["done", "", None]),
    BadArgument("save", "data", [None, 5, "text", []]),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    **{name: {"finding_id": "f1", **arguments} for name, arguments in EVENT_METHODS.items()},
    "list_by_assignee": {"user_id": "ann"},
    "list_by_state": {"state": "open"},
    "list_duplicates": {"parent_finding_id": "f1"},
    "get_history": {"finding_id": "f1"},
    "get_comments": {"finding_id": "f1"},
    "get_state_changes": {"finding_id": "f1"},
    "bulk_assign": {"finding_ids": ["f1"], "assigned_to": "ben"},
    "bulk_set_priority": {"finding_ids": ["f1"], "priority": 1},
    "bulk_transition": {"finding_ids": ["f1"], "state": "triaging"},
}

CASES = StoreCases(
    make=FindingWorkflowStore,
    add=add,
    count=count,
    foreign_table="finding_workflows (finding_id TEXT PRIMARY KEY, current_state TEXT, "
    "data_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    free_calls={"bulk_assign of nothing": lambda s: s.bulk_assign([], "ben")},
    refused={"priority": lambda s: s.set_priority("f1", 9)},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
