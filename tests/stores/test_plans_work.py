"""Hot queries of the workflow and integrations stores find their rows through an index."""

from __future__ import annotations

from aragora_sql.database import Database
from aragora_sql.queries import load_queries
from aragora_sql.stores.integrations.store import IntegrationStore
from aragora_sql.stores.workflow.store import FindingWorkflowStore
from tests.stores.samples import day, run
from tests.stores.test_plans import KEYS, NOW, Explaining, Hot, postgres_problems, sqlite_problems

PAGE = {"after_timestamp": day(300), "after_id": "f", "row_limit": 10}
KEY = {"user_id": "u17", "integration_type": "slack"}
PLACE = {"after_user": "u5", "after_type": "slack", "row_limit": 10}

HOT = [
    Hot("workflow", "get_finding", {"finding_id": "f1"}),
    Hot("workflow", "lock_findings", {"finding_ids": KEYS}),
    Hot("workflow", "delete_finding", {"finding_id": "f1"}),
    Hot("workflow", "list_findings", PAGE, True),
    Hot("workflow", "list_assigned", {"assigned_to": "user 1", **PAGE}, True),
    Hot("workflow", "list_in_state", {"current_state": "triaging", **PAGE}, True),
    Hot("workflow", "list_duplicates", {"parent_finding_id": "f7", **PAGE}, True),
    Hot(
        "workflow",
        "list_overdue",
        {"at_time": NOW, "after_timestamp": day(1), "after_id": "", "row_limit": 10},
        True,
    ),
    Hot("workflow", "list_events", {"finding_ids": KEYS}),
    Hot(
        "workflow",
        "list_history",
        {"finding_id": "f1", "event_type": None, "after_position": 0, "row_limit": 10},
        True,
    ),
    Hot("workflow", "delete_link", {"finding_id": "f1", "linked_id": "x"}),
    Hot("workflow", "delete_links", {"finding_id": "f1"}),
    Hot("integrations", "get_integration", {**KEY, "errors_after": NOW}),
    Hot("integrations", "delete_integration", KEY),
    Hot(
        "integrations",
        "list_for_user",
        {"user_id": "u17", "after_type": "", "row_limit": 10, "errors_after": NOW},
        True,
    ),
    Hot(
        "integrations",
        "list_for_workspace",
        {"workspace_id": "w1", **PLACE, "errors_after": NOW},
        True,
    ),
    Hot("integrations", "list_integrations", {**PLACE, "errors_after": NOW}, True),
    Hot("integrations", "lock_integrations", PLACE, True),
    Hot("integrations", "add_messages", {**KEY, "messages": 1, "at_time": NOW}),
    Hot("integrations", "add_error", {**KEY, "error": "e", "at_time": NOW, "errors_after": NOW}),
    Hot("integrations", "clear_errors", KEY),
    Hot("integrations", "get_mapping", {"user_id": "u17", "platform": "slack", "email": "e1"}),
    Hot(
        "integrations",
        "find_mapping",
        {"user_id": "u17", "platform": "slack", "platform_user_id": "p1"},
    ),
    Hot("integrations", "delete_mapping", {"user_id": "u17", "platform": "slack", "email": "e1"}),
    Hot(
        "integrations",
        "list_mappings",
        {"user_id": "u17", "after_platform": "", "after_email": "", "row_limit": 10},
        True,
    ),
    Hot(
        "integrations",
        "list_platform_mappings",
        {"user_id": "u17", "platform": "slack", "after_email": "", "row_limit": 10},
        True,
    ),
]


def numbers(database: Database, count: int) -> str:
    if database.dialect == "postgres":
        return f"generate_series(1, {count}) AS g (n)"
    return (
        f"(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) "
        "SELECT n FROM g) AS g"
    )


async def fill(database: Database) -> None:
    """Store ten thousand findings, most of them done and overdue, and as many integrations."""
    postgres = database.dialect == "postgres"
    timestamp = (
        "TIMESTAMPTZ '2026-01-01 00:00:00+00' + n * interval '1 hour'"
        if postgres
        else "strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', '+' || n || ' hours')"
    )
    findings, few = numbers(database, 10_000), numbers(database, 3000)
    await run(
        database,
        "INSERT INTO finding_workflows (finding_id, current_state, assigned_to, due_date, "
        "parent_finding_id, created_at) SELECT 'f' || n, CASE WHEN n % 50 = 0 THEN 'triaging' "
        f"ELSE 'resolved' END, 'user ' || (n % 100), {timestamp}, "
        f"CASE WHEN n % 10 = 0 THEN 'f7' END, {timestamp} FROM {findings}",
    )
    await run(
        database,
        "INSERT INTO finding_history (finding_id, position, event_id, event_type) "
        f"SELECT 'f' || n, 1, 'e', 'comment' FROM {findings}",
    )
    await run(
        database,
        "INSERT INTO finding_links (finding_id, linked_id, position) "
        f"SELECT 'f' || n, 'x', 1 FROM {findings}",
    )
    await run(
        database,
        "INSERT INTO integrations (user_id, integration_type, workspace_id) "
        f"SELECT 'u' || n, 'slack', 'w' || (n % 100) FROM {findings}",
    )
    await run(
        database,
        "INSERT INTO user_id_mappings (user_id, platform, email, platform_user_id) SELECT "
        f"'u' || (n % 30), CASE n % 2 WHEN 0 THEN 'slack' ELSE 'teams' END, 'e' || n, 'p' || n "
        f"FROM {few}",
    )
    await run(database, "ANALYZE")


async def test_hot_queries_use_an_index(
    findings: FindingWorkflowStore, integrations: IntegrationStore
) -> None:
    database = findings.database
    await fill(database)
    find_problems = sqlite_problems if database.dialect == "sqlite" else postgres_problems
    problems: dict[str, list[str]] = {}
    async with database.transaction() as connection:
        if database.dialect == "postgres":
            await connection.run_script("set", "SET LOCAL plan_cache_mode = force_generic_plan")
        for hot in HOT:
            explaining = Explaining(connection, database.dialect)
            queries = load_queries(hot.store, database.dialect)
            call = getattr(queries, hot.query)(explaining, **hot.arguments)
            if hasattr(call, "__aiter__"):
                assert [row async for row in call] == []
            else:
                await call
            assert len(explaining.plans) == (1 if database.dialect == "sqlite" else 2)
            for plan in explaining.plans:
                found = [*find_problems(hot, explaining.sql, plan)]
                if found:
                    problems[str(hot)] = found
    assert problems == {}
