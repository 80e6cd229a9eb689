"""What the conformance suite needs to know of the store of computer use."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from aragora_sql.stores.computer_use import ComputerUseStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_JSON,
    NOT_LISTS,
    NOT_OBJECTS,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
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
BAD_KEYS: list[Any] = ["", " ", *NOT_TEXTS[1:], *UNSTORABLE_TEXTS, *TOO_LONG]
BAD_STATUSES: list[Any] = ["", "RUNNING", "done", 5]
BAD_MOMENTS: list[Any] = ["tomorrow", "2026-01-01T00:00:00", datetime(2026, 1, 1), 5, []]
BAD_STEPS: list[Any] = [
    *NOT_LISTS,
    [5],
    [{"action": 5}],
    [{"success": "yes"}],
    *[[{"more": bad}] for bad in NOT_JSON],
]
BAD_AFTER: list[Any] = [5, "text", {}]


def a_task(task_id: Any = "t", **changes: Any) -> dict[str, Any]:
    """Return a task."""
    return {"task_id": task_id, "goal": "Book a flight", **changes}


def a_policy(policy_id: Any = "p", **changes: Any) -> dict[str, Any]:
    """Return a policy."""
    return {"policy_id": policy_id, "name": "Careful", **changes}


async def add(desk: ComputerUseStore) -> None:
    await desk.save_task(a_task(f"t{next(NUMBERS)}"))


async def count(desk: ComputerUseStore) -> int:
    return await desk.count_tasks()


async def fill(desk: ComputerUseStore) -> None:
    """Store some thousand rows in each table; what runs, and applies, is rare."""
    series = numbers(desk.database, 4000)
    if desk.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
        rare = "n % 100 = 0"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
        rare = "iif(n % 100 = 0, 1, 0)"
    status = "CASE WHEN n % 100 = 0 THEN 'running' ELSE 'failed' END"
    for statement in (
        "INSERT INTO computer_use_tasks (task_id, goal, status, user_id, tenant_id, created_at) "
        f"SELECT 't' || n, 'g', {status}, 'u' || (n % 500), 't' || (n % 500), {at} FROM {series}",
        "INSERT INTO computer_use_policies (policy_id, name, is_active, tenant_id, created_at) "
        f"SELECT 'p' || n, 'n', {rare}, 't' || (n % 500), {at} FROM {series}",
    ):
        await run(desk.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "h", "row_limit": 10}
HOT = [
    Hot("get_task", {"task_id": "t7", "tenant_id": None}),
    Hot("list_tasks", PAGE, True),
    Hot("list_tasks_in", {"status": "running", **PAGE}),
    Hot("list_user_tasks", {"user_id": "u7", "tenant_id": None, "status": None, **PAGE}),
    Hot("list_tenant_tasks", {"tenant_id": "t7", "status": None, **PAGE}),
    Hot("get_policy", {"policy_id": "p7", "tenant_id": None}),
    Hot("list_policies", PAGE, True),
    Hot("list_active_policies", PAGE, True),
    Hot("list_tenant_policies", {"tenant_id": "t7", "active_only": False, **PAGE}),
]


async def prepare(desk: ComputerUseStore) -> None:
    await desk.save_task(a_task())
    await desk.save_policy(a_policy())


ROUND_TRIPS = {
    "save_task": Call(1, lambda s, kept: s.save_task(a_task())),
    "get_task": Call(1, lambda s, kept: s.get_task("t")),
    "list_tasks": Call(1, lambda s, kept: s.list_tasks(status="pending")),
    "count_tasks": Call(1, lambda s, kept: s.count_tasks()),
    "update_task_status": Call(1, lambda s, kept: s.update_task_status("t", "running")),
    "delete_task": Call(1, lambda s, kept: s.delete_task("t")),
    "get_action_stats": Call(1, lambda s, kept: s.get_action_stats()),
    "save_policy": Call(1, lambda s, kept: s.save_policy(a_policy())),
    "get_policy": Call(1, lambda s, kept: s.get_policy("p")),
    "list_policies": Call(1, lambda s, kept: s.list_policies()),
    "delete_policy": Call(1, lambda s, kept: s.delete_policy("p")),
}

NOT_TASKS: list[Any] = [
    None,
    [],
    {},
    *[a_task(bad) for bad in BAD_KEYS],
    *[a_task(goal=bad) for bad in (None, "", " ", 5)],
    *[a_task(max_steps=bad) for bad in (0, -1, 2**31, 1.5, True)],
    *[a_task(dry_run=bad) for bad in NOT_BOOLEANS[1:]],
    *[a_task(status=bad) for bad in BAD_STATUSES],
    *[a_task(steps=bad) for bad in BAD_STEPS],
    *[a_task(result=bad) for bad in NOT_OBJECTS],
    *[a_task(error=bad) for bad in (5, "\x00")],
    *[a_task(**{name: bad}) for name in ("user_id", "tenant_id") for bad in BAD_KEYS],
    *[a_task(created_at=bad) for bad in BAD_MOMENTS],
    a_task(owner="ann"),
]
NOT_POLICIES: list[Any] = [
    None,
    [],
    {},
    *[a_policy(bad) for bad in BAD_KEYS],
    *[a_policy(name=bad) for bad in (None, "", 5)],
    *[a_policy(description=bad) for bad in (5, "\x00")],
    *[
        a_policy(**{name: bad})
        for name in ("allowed_actions", "blocked_domains")
        for bad in [*NOT_LISTS, [5], [""]]
    ],
    *[a_policy(is_active=bad) for bad in NOT_BOOLEANS[1:]],
    *[a_policy(tenant_id=bad) for bad in BAD_KEYS],
    a_policy(owner="ann"),
]
OF_TASKS = ("get_task", "update_task_status", "delete_task")
OF_POLICIES = ("get_policy", "delete_policy")
OF_TENANTS = (*OF_TASKS, *OF_POLICIES, "list_tasks", "count_tasks", "get_action_stats")
BAD_ARGUMENTS = [
    BadArgument("save_task", "task", NOT_TASKS),
    BadArgument("save_policy", "policy", NOT_POLICIES),
    *[bad for method in OF_TASKS for bad in texts_of(method, "task_id")],
    *[bad for method in OF_POLICIES for bad in texts_of(method, "policy_id")],
    *[bad for method in OF_TENANTS for bad in optional_texts_of(method, "tenant_id")],
    *optional_texts_of("list_policies", "tenant_id"),
    *optional_texts_of("list_tasks", "user_id"),
    BadArgument("list_tasks", "status", BAD_STATUSES),
    BadArgument("count_tasks", "status", BAD_STATUSES),
    BadArgument("update_task_status", "status", [None, *BAD_STATUSES]),
    BadArgument("update_task_status", "result", NOT_OBJECTS),
    BadArgument("update_task_status", "error", [5, "\x00"]),
    BadArgument("update_task_status", "steps", BAD_STEPS),
    BadArgument("list_policies", "active_only", NOT_BOOLEANS),
    *limits_of("list_tasks", "list_policies"),
    BadArgument("list_tasks", "after", BAD_AFTER),
    BadArgument("list_policies", "after", BAD_AFTER),
]
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    **{method: {"task_id": "t"} for method in OF_TASKS},
    **{method: {"policy_id": "p"} for method in OF_POLICIES},
    "update_task_status": {"task_id": "t", "status": "running"},
}

CASES = StoreCases(
    make=ComputerUseStore,
    add=add,
    count=count,
    foreign_table="computer_use_tasks (task_id TEXT PRIMARY KEY, screen TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"task": lambda s: s.save_task({})},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
