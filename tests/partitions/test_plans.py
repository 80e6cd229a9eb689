"""Hot queries of divided tables read the partitions that they need, and no others.

The plan is the one that the server makes for whatever the arguments are: partitions are left out
when it begins, or are never reached because the newest ones gave enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from aragora_sql.database import Database
from aragora_sql.partitions import read_state
from aragora_sql.partitions.bounds import bound_of
from aragora_sql.queries import load_queries
from tests.partitions.conftest import BY_NAME, run
from tests.partitions.test_archive import NOW, by_months
from tests.stores.plans import Explaining, nodes

LAST = datetime(9999, 1, 1, tzinfo=UTC)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
RECENT = NOW - timedelta(days=40)
OF_EVENTS = {"after_timestamp": LAST, "after_id": 2**62, "resource_type": None, "row_limit": 5}
FILTERS = {"org_id": None, "action": None, "prefixes": None, "resource_id": None}
OF_ENTRIES = {
    "chain": "main",
    "event_types": None,
    "resource_types": None,
    "workspace_id": None,
    "after_timestamp": LAST,
    "after_sequence": 2**62,
    "row_limit": 5,
}
SUMMER = NOW - timedelta(days=200)


class Case(NamedTuple):
    """A query of a divided table, and the oldest and newest time whose partition it may read."""

    table: str
    query: str
    arguments: Mapping[str, Any]
    oldest: datetime
    newest: datetime = LAST


def uuid6_of(moment: datetime) -> str:
    return bound_of(moment, BY_NAME["langgraph_checkpoints"])


OF_HISTORY = {"status": None, "job_type": None, "row_limit": 5, "documents": False}

CASES = [
    Case("audit_log", "audit.list_events", {"since": RECENT, **OF_EVENTS}, RECENT),
    Case("audit_log", "audit.list_events", {"since": FIRST, **OF_EVENTS}, RECENT),
    Case(
        "audit_log",
        "audit.list_events_of_user",
        {"user_id": "u1", "since": FIRST, **FILTERS, **OF_EVENTS},
        RECENT,
    ),
    Case(
        "audit_log",
        "audit.list_events_of_action",
        {"action": "login.ok", "since": FIRST, **OF_EVENTS},
        RECENT,
    ),
    Case(
        "audit_log",
        "audit.count_events",
        {"user_id": "u1", "since": SUMMER, "until": SUMMER, "resource_type": None, **FILTERS},
        SUMMER,
        SUMMER,
    ),
    Case(
        "immutable_audit_entries",
        "audit.count_entries",
        {"chain": "main", "since": SUMMER, "until": SUMMER, "event_types": None},
        SUMMER,
        SUMMER,
    ),
    Case(
        "immutable_audit_entries",
        "audit.get_range",
        {"chain": "main", "since": SUMMER, "day_end": SUMMER + timedelta(microseconds=1)},
        SUMMER,
        SUMMER + timedelta(microseconds=1),
    ),
    Case("immutable_audit_entries", "audit.list_entries", {"since": FIRST, **OF_ENTRIES}, RECENT),
    Case(
        "immutable_audit_entries",
        "audit.list_entries_of_actors",
        {"actors": ["a1"], "since": RECENT, "resource_ids": None, **OF_ENTRIES},
        RECENT,
    ),
    Case(
        "workflow_checkpoints",
        "checkpoints.get_latest_workflow_checkpoint",
        {"workflow_id": "w1"},
        RECENT,
    ),
    Case(
        "workflow_checkpoints",
        "checkpoints.list_workflow_checkpoints",
        {
            "workflow_id": "w1",
            "before_stored_at": LAST,
            "before_sequence": 2**62,
            "row_limit": 3,
        },
        RECENT,
    ),
    Case(
        "job_history",
        "jobs.list_history",
        {"before_time": LAST, "before_id": "", **OF_HISTORY},
        RECENT,
    ),
    Case(
        "job_history",
        "jobs.list_history",
        {"before_time": SUMMER, "before_id": "", **OF_HISTORY},
        SUMMER - timedelta(days=40),
        SUMMER,
    ),
    Case(
        "langgraph_checkpoints",
        "langgraph.get_checkpoint",
        {"thread_id": "t1", "checkpoint_ns": "", "checkpoint_id": uuid6_of(SUMMER)},
        SUMMER,
        SUMMER,
    ),
    Case(
        "langgraph_checkpoints",
        "langgraph.get_checkpoint",
        {"thread_id": "t1", "checkpoint_ns": "", "checkpoint_id": None},
        RECENT,
    ),
]


def read_partitions_of(plan: Mapping[str, Any], table: str) -> Iterator[str]:
    """Yield the partitions of a table that were read when a plan was carried out."""
    for node in nodes(plan):
        name = node.get("Relation Name", "")
        if name.startswith(table) and node["Actual Loops"]:
            yield name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.query)
async def test_a_hot_query_reads_the_partitions_that_it_needs(filled: Database, case: Case) -> None:
    table = BY_NAME[case.table]
    await by_months(filled, table)
    await run(filled, f"ANALYZE {table.name}")
    store, _, name = case.query.partition(".")
    partitions = (await read_state(filled, table)).partitions
    assert len(partitions) >= 16
    needed = {
        one.name
        for one in partitions
        if (one.upper is None or one.upper > case.oldest)
        and (one.lower is None or one.lower <= case.newest)
    }
    async with filled.transaction() as connection:
        await connection.run_script("set", "SET LOCAL plan_cache_mode = force_generic_plan")
        explaining = Explaining(connection, "postgres")
        call = getattr(load_queries(store, "postgres"), name)(explaining, **case.arguments)
        if hasattr(call, "__aiter__"):
            assert [row async for row in call] == []
        else:
            await call
    assert len(explaining.plans) == 2
    for rows in explaining.plans:
        ((explained,),) = rows[0].values()
        read = set(read_partitions_of(explained["Plan"], table.name))
        assert read
        assert read <= needed, (sorted(read - needed), len(partitions))
