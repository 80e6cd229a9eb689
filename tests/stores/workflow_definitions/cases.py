"""What the conformance suite needs to know of the store of definitions of workflows."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from aragora_sql.stores.workflow_definitions import WorkflowStore
from tests.stores.cases import (
    NO_TEXTS,
    NOT_BOOLEANS,
    NOT_JSON,
    NOT_LISTS,
    NOT_MEASURES,
    NOT_OBJECTS,
    NOT_TEXTS,
    TOO_LONG,
    UNSTORABLE_TEXTS,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    limits_of,
    lists_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

NUMBERS = itertools.count(1)
BAD_KEYS: list[Any] = [*NOT_TEXTS[1:], *UNSTORABLE_TEXTS, " ", *TOO_LONG]
BAD_CATEGORIES: list[Any] = ["", "GENERAL", "sales", 5]
BAD_MOMENTS: list[Any] = ["tomorrow", "2026-01-01T00:00:00", datetime(2026, 1, 1), 5, []]
BAD_AFTER: list[Any] = [5, "text", {}]


def a_workflow(workflow_id: Any = "f", **changes: Any) -> dict[str, Any]:
    """Return a definition."""
    return {"id": workflow_id, "name": "Review", "steps": [{"id": "s1"}], **changes}


def an_execution(execution_id: Any = "e", **changes: Any) -> dict[str, Any]:
    """Return an execution."""
    return {"id": execution_id, "workflow_id": "f", "status": "running", **changes}


async def add(workflows: WorkflowStore) -> None:
    await workflows.save_workflow(a_workflow(f"f{next(NUMBERS)}"))


async def count(workflows: WorkflowStore) -> int:
    return (await workflows.list_workflows())[1]


async def fill(workflows: WorkflowStore) -> None:
    """Store some thousand rows in each table."""
    series = numbers(workflows.database, 4000)
    if workflows.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    status = "CASE WHEN n % 100 = 0 THEN 'running' ELSE 'failed' END"
    category = "CASE WHEN n % 200 = 0 THEN 'legal' ELSE 'code' END"
    for statement in (
        "INSERT INTO workflows (tenant_id, id, name, definition, updated_at) "
        f"SELECT 't' || (n % 200), 'f' || n, 'n', '{{}}', {at} FROM {series}",
        "INSERT INTO workflow_versions (tenant_id, workflow_id, version, definition, created_at) "
        f"SELECT 't' || (n % 200), 'f' || n, '1.0.0', '{{}}', {at} FROM {series}",
        "INSERT INTO workflow_templates (id, name, category, definition, usage_count, updated_at) "
        f"SELECT 'g' || n, 'n', {category}, '{{}}', n % 50, {at} FROM {series}",
        "INSERT INTO workflow_executions (tenant_id, id, workflow_id, status, listed_at) "
        f"SELECT 't' || (n % 5), 'e' || n, 'f' || (n % 200), {status}, {at} FROM {series}",
    ):
        await run(workflows.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "h", "row_limit": 10}
CHOSEN: dict[str, Any] = {"tenant_id": "t7", "category": None, "tags": None, "terms": []}
ONE = {"tenant_id": "t7", "id": "f7"}
HOT = [
    Hot("get_workflow", ONE),
    Hot("delete_workflow", ONE),
    Hot("list_workflows", {**CHOSEN, **PAGE}, True),
    Hot("count_workflows", CHOSEN),
    Hot("get_version", {"tenant_id": "t7", "workflow_id": "f7", "version": "1.0.0"}),
    Hot(
        "list_versions",
        {
            "tenant_id": "t7",
            "workflow_id": "f7",
            "after_timestamp": day(2),
            "after_version": "",
            "row_limit": 10,
        },
    ),
    Hot("get_template", {"id": "g7"}),
    Hot("list_templates", {"tags": None, "after_count": 9, **PAGE}, True),
    Hot(
        "list_category_templates",
        {"category": "legal", "tags": None, "after_count": 9, **PAGE},
        True,
    ),
    Hot("get_execution", {"tenant_id": "t2", "id": "e7"}),
    Hot("list_executions", {"tenant_id": "t2", **PAGE}, True),
    Hot(
        "list_workflow_executions",
        {"tenant_id": "t2", "workflow_id": "f7", "status": None, **PAGE},
        True,
    ),
    Hot("list_executions_in", {"tenant_id": "t2", "status": "running", **PAGE}, True),
    Hot("count_executions", {"tenant_id": "t2", "workflow_id": None, "status": None}),
]


async def prepare(workflows: WorkflowStore) -> None:
    await workflows.save_workflow(a_workflow())
    await workflows.save_version(a_workflow())
    await workflows.save_template(a_workflow("g"))
    await workflows.save_execution(an_execution())


ROUND_TRIPS = {
    "save_workflow": Call(1, lambda s, kept: s.save_workflow(a_workflow())),
    "get_workflow": Call(1, lambda s, kept: s.get_workflow("f")),
    "delete_workflow": Call(1, lambda s, kept: s.delete_workflow("f")),
    "list_workflows": Call(2, lambda s, kept: s.list_workflows(tags=["a"], search="review")),
    "save_version": Call(
        3, lambda s, kept: s.save_version(a_workflow(version=f"1.{next(NUMBERS)}"))
    ),
    "get_versions": Call(1, lambda s, kept: s.get_versions("f")),
    "get_version": Call(1, lambda s, kept: s.get_version("f", "1.0.0")),
    "save_template": Call(1, lambda s, kept: s.save_template(a_workflow("g"))),
    "get_template": Call(1, lambda s, kept: s.get_template("g")),
    "list_templates": Call(1, lambda s, kept: s.list_templates()),
    "increment_template_usage": Call(1, lambda s, kept: s.increment_template_usage("g")),
    "save_execution": Call(1, lambda s, kept: s.save_execution(an_execution())),
    "get_execution": Call(1, lambda s, kept: s.get_execution("e")),
    "list_executions": Call(2, lambda s, kept: s.list_executions("f")),
}

NOT_DEFINITIONS: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"id": "f"},
    *[a_workflow(bad) for bad in [None, "", *BAD_KEYS]],
    *[a_workflow(name=bad) for bad in (None, "", 5)],
    *[a_workflow(description=bad) for bad in (None, 5, "\x00")],
    *[a_workflow(category=bad) for bad in BAD_CATEGORIES],
    *[a_workflow(tags=bad) for bad in [*NOT_LISTS, [""], [5]]],
    *[a_workflow(steps=bad) for bad in NOT_JSON],
]
NOT_WORKFLOWS: list[Any] = [
    *NOT_DEFINITIONS,
    *[a_workflow(version=bad) for bad in (None, "", 5)],
    *[a_workflow(created_by=bad) for bad in [*NO_TEXTS, *BAD_KEYS]],
    *[a_workflow(tenant_id=bad) for bad in ("", 5)],
]
NOT_EXECUTIONS: list[Any] = [
    None,
    [],
    {},
    *[an_execution(bad) for bad in [None, "", *BAD_KEYS]],
    an_execution(owner="ann"),
    *[an_execution(workflow_id=bad) for bad in ("", 5)],
    *[an_execution(status=bad) for bad in (None, "", "RUNNING", "cancelled")],
    *[an_execution(inputs=bad) for bad in NOT_OBJECTS],
    *[an_execution(outputs=bad) for bad in NOT_OBJECTS],
    *[an_execution(steps=bad) for bad in (*NOT_LISTS, [5], [{"status": "done"}], [{1: 2}])],
    an_execution(error=5),
    *[an_execution(started_at=bad) for bad in BAD_MOMENTS],
    *[an_execution(completed_at=bad) for bad in BAD_MOMENTS],
    *[an_execution(duration_ms=bad) for bad in NOT_MEASURES],
]
OF_ONE = {
    "get_workflow": "workflow_id",
    "delete_workflow": "workflow_id",
    "get_versions": "workflow_id",
    "get_version": "workflow_id",
    "get_execution": "execution_id",
}
BAD_ARGUMENTS = [
    BadArgument("save_workflow", "workflow", NOT_WORKFLOWS),
    *[
        BadArgument("save_workflow", "workflow", [a_workflow(**{name: bad}) for bad in values])
        for name, values in {
            "is_template": NOT_BOOLEANS,
            "is_enabled": NOT_BOOLEANS,
            "created_at": BAD_MOMENTS,
        }.items()
    ],
    BadArgument("save_workflow", "tenant_id", ["", *BAD_KEYS]),
    BadArgument("save_workflow", "expected_revision", [0, -1, 1.5, "1", True]),
    BadArgument("save_version", "workflow", NOT_WORKFLOWS),
    BadArgument("save_template", "template", NOT_DEFINITIONS),
    BadArgument("save_execution", "execution", NOT_EXECUTIONS),
    *[bad for method, name in OF_ONE.items() for bad in texts_of(method, name, "tenant_id")],
    *texts_of("get_version", "version"),
    *texts_of("get_template", "template_id"),
    *texts_of("increment_template_usage", "template_id"),
    *texts_of("list_workflows", "tenant_id"),
    *texts_of("list_executions", "tenant_id"),
    *optional_texts_of("list_workflows", "search"),
    *optional_texts_of("list_executions", "workflow_id"),
    BadArgument("list_workflows", "category", BAD_CATEGORIES),
    BadArgument("list_templates", "category", BAD_CATEGORIES),
    *lists_of("list_workflows", "tags"),
    *lists_of("list_templates", "tags"),
    BadArgument("list_executions", "status", ["", "done", 5]),
    *limits_of("list_workflows", "get_versions", "list_templates", "list_executions"),
    *[
        BadArgument(method, "after", BAD_AFTER)
        for method in ("list_workflows", "get_versions", "list_templates", "list_executions")
    ],
]
GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save_workflow": {"workflow": a_workflow()},
    **{method: {name: "f"} for method, name in OF_ONE.items()},
    "get_version": {"workflow_id": "f", "version": "1.0.0"},
}

CASES = StoreCases(
    make=WorkflowStore,
    add=add,
    count=count,
    foreign_table="workflow_executions (id TEXT PRIMARY KEY, steps TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={
        "workflow": lambda s: s.save_workflow({}),
        "status": lambda s: s.list_executions(status="x"),
    },
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
