"""What the conformance suite needs to know of the store of compliance policies."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.compliance import PolicyStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_JSON,
    NOT_TEXTS,
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
BAD_AFTER: list[Any] = [5, "text", {}]
BAD_USERS: list[Any] = ["", " ", 5, "x" * 1001, "NUL \x00"]


def a_policy(policy_id: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": policy_id,
        "name": "Keep logs",
        "framework_id": "soc2",
        "vertical_id": "law",
        **changes,
    }


def a_violation(violation_id: Any, **changes: Any) -> dict[str, Any]:
    return {"id": violation_id, "rule_id": "r1", **changes}


async def add(policies: PolicyStore) -> None:
    await policies.create_policy(a_policy(f"p{next(NUMBERS)}"))


async def count(policies: PolicyStore) -> int:
    return len(await policies.list_policies(limit=1000))


async def fill(policies: PolicyStore) -> None:
    """Store some thousand rows in each table."""
    series = numbers(policies.database, 4000)
    if policies.database.dialect == "postgres":
        at = "'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute'"
    else:
        at = "strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' minutes') || '.000000Z'"
    for statement in (
        "INSERT INTO compliance_policies (id, name, framework_id, vertical_id, workspace_id, "
        "created_at) SELECT 'p' || n, 'n', 'f' || (n % 500), 'v' || (n % 500), "
        f"'w' || (n % 500), {at} FROM {series}",
        "INSERT INTO compliance_violations (id, policy_id, rule_id, framework_id, workspace_id, "
        "detected_at) SELECT 'v' || n, 'p' || (1 + n % 500), 'r', 'f' || (n % 500), "
        f"'w' || (n % 500), {at} FROM {series}",
        "INSERT INTO compliance_policy_audit (id, policy_id, action, changed_at) "
        f"SELECT 'a' || n, 'p' || (n % 500), 'update', {at} FROM {series}",
    ):
        await run(policies.database, statement)


PAGE = {"after_timestamp": day(2), "after_id": "q", "row_limit": 10}
OF_POLICIES: dict[str, Any] = {"vertical_id": None, "framework_id": None, "enabled_only": False}
OF_VIOLATIONS: dict[str, Any] = {
    "vertical_id": None,
    "framework_id": None,
    "status": None,
    "severity": None,
}
HOT = [
    Hot("get_policy", {"id": "p7", "workspace_id": None}),
    Hot("list_policies", {**OF_POLICIES, **PAGE}, True),
    Hot("list_workspace_policies", {"workspace_id": "w7", **OF_POLICIES, **PAGE}),
    Hot(
        "list_changes",
        {
            "policy_id": "p7",
            "workspace_id": None,
            "after_timestamp": day(2),
            "after_number": 9,
            "row_limit": 10,
        },
    ),
    Hot("get_violation", {"id": "v7", "workspace_id": None}),
    Hot("list_violations", {**OF_VIOLATIONS, **PAGE}, True),
    Hot("list_workspace_violations", {"workspace_id": "w7", **OF_VIOLATIONS, **PAGE}),
    Hot(
        "list_policy_violations",
        {"policy_id": "p7", "workspace_id": None, **OF_VIOLATIONS, **PAGE},
    ),
    Hot("delete_policy", {"id": "p7"}),
]


async def prepare(policies: PolicyStore) -> None:
    await policies.create_policy(a_policy("p0"))
    await policies.create_violation(a_violation("v0", policy_id="p0"))


async def add_and_delete(policies: PolicyStore) -> None:
    await policies.create_policy(a_policy("short"))
    await policies.delete_policy("short")


ROUND_TRIPS = {
    # Begin, the policy, the change, commit.
    "create_policy": Call(4, lambda s, kept: add(s)),
    "get_policy": Call(1, lambda s, kept: s.get_policy("p0")),
    "list_policies": Call(1, lambda s, kept: s.list_policies()),
    "list_policies of a workspace": Call(1, lambda s, kept: s.list_policies("w")),
    # The same with a look at what is there.
    "update_policy": Call(5, lambda s, kept: s.update_policy("p0", {"name": "n"})),
    "toggle_policy": Call(5, lambda s, kept: s.toggle_policy("p0", False)),
    "create_policy and delete_policy": Call(9, lambda s, kept: add_and_delete(s)),
    "list_policy_audit": Call(1, lambda s, kept: s.list_policy_audit("p0")),
    "create_violation": Call(
        1, lambda s, kept: s.create_violation(a_violation(f"v{next(NUMBERS)}"))
    ),
    "get_violation": Call(1, lambda s, kept: s.get_violation("v0")),
    "list_violations": Call(1, lambda s, kept: s.list_violations()),
    "list_violations of a policy": Call(1, lambda s, kept: s.list_violations(policy_id="p0")),
    "update_violation_status": Call(1, lambda s, kept: s.update_violation_status("v0", "resolved")),
    "count_violations": Call(1, lambda s, kept: s.count_violations()),
    "delete_violation": Call(1, lambda s, kept: s.delete_violation("v0")),
}

BAD_RULES: list[Any] = ["text", {}, ["r"], [{}], [{"rule_id": ""}]]
BAD_METADATA: list[Any] = [[], "text", {"a": NOT_JSON[0]}]
BAD_POLICIES: list[Any] = [
    None,
    5,
    [],
    {},
    *[a_policy(bad) for bad in (5, "", " ", "x" * 1001)],
    *[
        a_policy("p", **{name: bad})
        for name in ("name", "framework_id", "vertical_id", "workspace_id")
        for bad in (None, "", 5)
    ],
    *[a_policy("p", level=bad) for bad in ("", "strict", 5)],
    *[a_policy("p", enabled=bad) for bad in NOT_BOOLEANS[1:]],
    *[a_policy("p", rules=bad) for bad in BAD_RULES],
    a_policy("p", rules=[{"rule_id": "r", "severity": "grave"}]),
    *[a_policy("p", rules=[{"rule_id": "r", "other": bad}]) for bad in NOT_JSON],
    *[a_policy("p", metadata=bad) for bad in BAD_METADATA],
    *[a_policy("p", created_by=bad) for bad in BAD_USERS],
    a_policy("p", colour="red"),
]
BAD_VIOLATIONS: list[Any] = [
    None,
    [],
    {},
    *[a_violation(bad) for bad in (5, "", "x" * 1001)],
    *[a_violation("v", rule_id=bad) for bad in (None, "", 5)],
    *[a_violation("v", severity=bad) for bad in (None, "grave", 5)],
    *[a_violation("v", status=bad) for bad in (None, "closed", 5)],
    *[a_violation("v", detected_at=bad) for bad in ("now", "2026-01-01T00:00:00", 5)],
    *[
        a_violation("v", **{name: 5})
        for name in ("policy_id", "rule_name", "framework_id", "source")
    ],
    *[a_violation("v", workspace_id=bad) for bad in (None, "", 5)],
    a_violation("v", metadata={"a": NOT_JSON[0]}),
    a_violation("v", colour="red"),
]
BAD_UPDATES: list[Any] = [
    None,
    5,
    {"id": "other"},
    {"workspace_id": "other"},
    *[{"name": bad} for bad in (None, "", 5)],
    {"description": None},
    {"level": "strict"},
    {"enabled": 1},
    {"rules": [{}]},
    {"metadata": []},
]

BAD_ARGUMENTS = [
    BadArgument("create_policy", "policy", BAD_POLICIES),
    *[
        BadArgument(method, "workspace_id", [5, b"bytes", ["w"]])
        for method in (
            *("get_policy", "update_policy", "toggle_policy", "delete_policy"),
            *("list_policy_audit", "get_violation", "update_violation_status", "delete_violation"),
        )
    ],
    *texts_of("get_policy", "policy_id"),
    *optional_texts_of("list_policies", "workspace_id", "vertical_id", "framework_id"),
    BadArgument("list_policies", "enabled_only", NOT_BOOLEANS),
    *texts_of("update_policy", "policy_id"),
    BadArgument("update_policy", "updates", BAD_UPDATES),
    BadArgument("update_policy", "changed_by", BAD_USERS),
    BadArgument("toggle_policy", "enabled", NOT_BOOLEANS),
    *texts_of("delete_policy", "policy_id"),
    BadArgument("delete_policy", "deleted_by", BAD_USERS),
    *texts_of("list_policy_audit", "policy_id"),
    BadArgument("create_violation", "violation", BAD_VIOLATIONS),
    *texts_of("get_violation", "violation_id"),
    *optional_texts_of("list_violations", "workspace_id", "vertical_id", "policy_id"),
    BadArgument("list_violations", "status", ["", "closed", 5]),
    BadArgument("list_violations", "severity", ["", "grave", 5]),
    *texts_of("update_violation_status", "violation_id"),
    BadArgument("update_violation_status", "status", [*NOT_TEXTS, "", "closed"]),
    BadArgument("update_violation_status", "resolved_by", BAD_USERS),
    *optional_texts_of("update_violation_status", "resolution_notes"),
    *texts_of("delete_violation", "violation_id"),
    *optional_texts_of("count_violations", "workspace_id"),
    BadArgument("count_violations", "severity", ["", "grave", 5]),
    *limits_of("list_policies", "list_policy_audit", "list_violations"),
    *[
        BadArgument(method, "after", BAD_AFTER)
        for method in ("list_policies", "list_policy_audit", "list_violations")
    ],
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "update_policy": {"policy_id": "p", "updates": {}},
    "toggle_policy": {"policy_id": "p", "enabled": True},
    "delete_policy": {"policy_id": "p"},
    "list_policy_audit": {"policy_id": "p"},
    "get_policy": {"policy_id": "p"},
    **{name: {"violation_id": "v"} for name in ("get_violation", "delete_violation")},
    "update_violation_status": {"violation_id": "v", "status": "open"},
}

CASES = StoreCases(
    make=PolicyStore,
    add=add,
    count=count,
    foreign_table="compliance_policies (id TEXT PRIMARY KEY, rules_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"policy.name": lambda s: s.create_policy(a_policy("p", name=""))},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
)
