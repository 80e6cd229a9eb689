"""Compliance policies, their changes, and violations, on each engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from aragora_sql.errors import (
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    MissingParentError,
)
from aragora_sql.stores.compliance import PolicyStore
from tests.conftest import OpenDatabase
from tests.stores.cases import NO_TEXTS
from tests.stores.compliance.cases import a_policy, a_violation
from tests.stores.samples import day, run

FULL = a_policy(
    "p",
    description="For a year",
    workspace_id="w",
    level="mandatory",
    enabled=False,
    rules=[{"rule_id": "r1", "severity": "high", "custom_threshold": 0.1 + 0.2, "metadata": {}}],
    created_by="ann",
    metadata={"large": 1e17, "a": 1},
)


async def test_create_policy_then_get_policy(policies: PolicyStore) -> None:
    made = await policies.create_policy(FULL)
    assert await policies.get_policy("p") == made
    plain = made.to_dict()
    assert {name: plain[name] for name in FULL} == FULL
    assert made.created_at == made.updated_at
    little = await policies.create_policy(
        {"name": "n", "framework_id": "gdpr", "vertical_id": "law"}
    )
    assert (little.workspace_id, little.level, little.enabled) == ("default", "recommended", True)
    assert (little.description, little.rules, little.metadata) == ("", [], {})
    with pytest.raises(DuplicateKeyError):
        await policies.create_policy(made)
    assert await policies.get_policy("x") is None


async def test_changes_are_logged_for_list_policy_audit(policies: PolicyStore) -> None:
    made = await policies.create_policy(FULL)
    changed = await policies.update_policy(
        "p", {"name": "new", "rules": [], "metadata": {"a": 2, "b": None}}, "bob"
    )
    assert changed is not None
    assert (changed.name, changed.level, changed.rules) == ("new", "mandatory", [])
    assert changed.metadata == {"large": 1e17, "a": 2, "b": None}
    assert (changed.created_at, changed.updated_at >= made.updated_at) == (made.created_at, True)
    assert await policies.toggle_policy("p", True)
    toggled = await policies.get_policy("p")
    assert toggled is not None
    assert toggled.enabled
    assert await policies.delete_policy("p", "eve")
    assert not await policies.delete_policy("p")
    assert not await policies.toggle_policy("p", True)
    assert await policies.update_policy("p", {}) is None
    log = await policies.list_policy_audit("p")
    # Several of them may be of one time.
    assert [one.action for one in log] == ["delete", *["update"] * (len(log) - 2), "create"]
    order = [one.number for one in log]
    assert order == sorted(order, reverse=True)
    assert await policies.list_policy_audit("p", 2, after=log[1]) == log[2:]
    by_action: dict[tuple[str, str | None], Any] = {(o.action, o.changed_by): o for o in log}
    assert set(by_action) == {
        ("create", "ann"),
        ("update", "bob"),
        ("update", None),
        ("delete", "eve"),
    }
    create, update = by_action["create", "ann"], by_action["update", "bob"]
    assert (create.old_value, create.new_value) == (None, made.to_dict())
    assert (update.old_value, update.new_value) == (made.to_dict(), changed.to_dict())
    delete = by_action["delete", "eve"]
    assert (delete.old_value, delete.new_value) == (toggled.to_dict(), None)
    for change in (
        "UPDATE compliance_policy_audit SET changed_by = NULL",
        "DELETE FROM compliance_policy_audit",
    ):
        with pytest.raises(IntegrityError, match="refused"):
            await run(policies.database, change)
    if policies.database.dialect == "sqlite":
        with pytest.raises(IntegrityError, match=r"REPLACE of .* is refused"):
            await run(
                policies.database,
                "REPLACE INTO compliance_policy_audit SELECT * FROM compliance_policy_audit",
            )


async def test_update_policy_and_toggle_policy_of_several_at_once(
    open_database: OpenDatabase,
) -> None:
    stores = [PolicyStore(await open_database()) for _ in range(3)]
    await stores[0].initialize()
    await stores[0].create_policy(FULL)
    await asyncio.gather(
        *(
            store.update_policy("p", {"metadata": {f"{number} {turn}": 1}})
            for number, store in enumerate(stores)
            for turn in range(3)
        ),
        stores[0].toggle_policy("p", True),
    )
    policy = await stores[0].get_policy("p")
    assert policy is not None
    # No change undoes another one.
    assert len(policy.metadata) == 2 + 9
    assert policy.enabled
    assert len(await stores[0].list_policy_audit("p")) == 11


async def test_list_policies_and_delete_policy(policies: PolicyStore) -> None:
    for number in range(5):
        await policies.create_policy(
            a_policy(
                f"p{number}",
                workspace_id="w" if number % 2 else "default",
                framework_id="gdpr" if number < 2 else "soc2",
                vertical_id="law" if number < 4 else "health",
                enabled=number != 3,
            )
        )

    async def ids(*arguments: Any, **options: Any) -> set[str]:
        return {one.id[1:] for one in await policies.list_policies(*arguments, **options)}

    assert await ids() == set("01234")
    assert await ids("w") == {"1", "3"}
    assert await ids("w", enabled_only=True) == {"1"}
    assert await ids(vertical_id="law", framework_id="soc2") == {"2", "3"}
    assert await ids("w", "law", "gdpr") == {"1"}
    listed = await policies.list_policies()
    order = [(one.created_at, one.id) for one in listed]
    assert order == sorted(order, reverse=True)
    assert await policies.list_policies(limit=2, after=listed[1]) == listed[2:4]
    await policies.create_violation(a_violation("v", policy_id="p1"))
    assert await policies.delete_policy("p1")
    violation = await policies.get_violation("v")
    assert violation is not None
    assert violation.policy_id is None


async def test_create_violation_then_get_violation(policies: PolicyStore) -> None:
    await policies.create_policy(FULL)
    full = a_violation(
        "v",
        policy_id="p",
        rule_name="Retention",
        framework_id="soc2",
        vertical_id="law",
        workspace_id="w",
        severity="critical",
        status="investigating",
        description="Logs of a week",
        source="monitor",
        detected_at=day(3),
        metadata={"n": 10**30},
    )
    made = await policies.create_violation(full)
    assert await policies.get_violation("v") == made
    assert {name: made[name] for name in full} == full
    little = await policies.create_violation({"rule_id": "r", "policy_id": ""})
    assert little.id.startswith("viol_")
    assert (little.policy_id, little.severity, little.status) == (None, "medium", "open")
    with pytest.raises(MissingParentError):
        await policies.create_violation(a_violation("w", policy_id="x"))
    with pytest.raises(DuplicateKeyError):
        await policies.create_violation(made)
    assert await policies.get_violation("x") is None


async def test_update_violation_status_keeps_who_settled_it(policies: PolicyStore) -> None:
    await policies.create_violation(a_violation("v"))
    looked_at = await policies.update_violation_status("v", "investigating", "ann", "on it")
    assert looked_at is not None
    assert (looked_at.status, looked_at.resolved_by, looked_at.resolved_at) == (
        "investigating",
        None,
        None,
    )
    settled = await policies.update_violation_status("v", "resolved", "ann", "done")
    assert settled is not None
    assert settled.resolved_at is not None
    again = await policies.update_violation_status("v", "open", "bob", "not yet")
    assert again is not None
    assert (again.status, again.resolved_by, again.resolution_notes) == ("open", "ann", "done")
    assert again.resolved_at == settled.resolved_at
    false = await policies.update_violation_status("v", "false_positive", "bob")
    assert false is not None
    assert (false.resolved_by, false.resolution_notes) == ("bob", None)
    assert await policies.update_violation_status("x", "open") is None


async def test_with_workspace_id_no_method_reaches_what_is_others(policies: PolicyStore) -> None:
    made = await policies.create_policy(FULL)
    broken = await policies.create_violation(a_violation("v", policy_id="p", workspace_id="w"))
    other: Any = {"workspace_id": "other"}
    assert await policies.get_policy("p", **other) is None
    assert await policies.update_policy("p", {"name": "taken"}, "eve", **other) is None
    assert not await policies.toggle_policy("p", True, "eve", **other)
    assert not await policies.delete_policy("p", "eve", **other)
    assert await policies.list_policy_audit("p", **other) == []
    assert await policies.get_violation("v", **other) is None
    assert await policies.update_violation_status("v", "resolved", "eve", **other) is None
    assert not await policies.delete_violation("v", **other)
    assert await policies.get_policy("p") == made
    assert await policies.get_violation("v") == broken
    assert [one.action for one in await policies.list_policy_audit("p")] == ["create"]
    # Its own it reaches, and the log of what is gone.
    own: Any = {"workspace_id": "w"}
    assert await policies.get_policy("p", **own) == made
    assert await policies.get_violation("v", **own) == broken
    assert await policies.toggle_policy("p", True, **own)
    assert await policies.update_violation_status("v", "investigating", **own) is not None
    assert await policies.delete_policy("p", **own)
    assert [one.action for one in await policies.list_policy_audit("p", **own)] == [
        *("delete", "update", "create"),
    ]
    assert await policies.list_policy_audit("p", **other) == []
    assert await policies.delete_violation("v", **own)


async def test_update_violation_status_again_keeps_who_settled_it(policies: PolicyStore) -> None:
    settled = await policies.create_violation(
        a_violation(
            "v",
            status="resolved",
            resolved_at=day(1),
            resolved_by="ann",
            resolution_notes="done",
        )
    )
    assert await policies.update_violation_status("v", "resolved") == settled
    assert await policies.update_violation_status("v", "resolved", "ann") == settled
    noted = await policies.update_violation_status("v", "resolved", resolution_notes="see 5")
    assert noted is not None
    assert (noted.resolved_by, noted.resolution_notes) == ("ann", "see 5")
    assert noted.resolved_at == day(1)
    # Somebody else, or another way, is another settlement.
    other = await policies.update_violation_status("v", "resolved", "bob")
    assert other is not None
    assert other.resolved_at is not None
    assert other.resolved_at > day(1)
    assert (other.resolved_by, other.resolution_notes) == ("bob", None)
    false = await policies.update_violation_status("v", "false_positive")
    assert false is not None
    assert (false.resolved_by, false.resolution_notes) == (None, None)
    assert await policies.update_violation_status("v", "false_positive", "eve") == replace(
        false, resolved_by="eve"
    )


async def test_create_violation_that_is_settled_already(policies: PolicyStore) -> None:
    settlement = {"resolved_at": day(2), "resolved_by": "ann", "resolution_notes": "done"}
    made = await policies.create_violation(a_violation("v", status="resolved", **settlement))
    assert {name: made[name] for name in settlement} == settlement
    # As it was read.
    assert await policies.delete_violation("v")
    assert await policies.create_violation(made) == made
    now = await policies.create_violation(a_violation("w", status="false_positive"))
    assert now.resolved_at is not None
    assert (now.resolved_by, now.resolution_notes) == (None, None)
    waiting = await policies.create_violation(a_violation("x"))
    assert waiting.resolved_at is None


async def test_create_violation_takes_nothing_for_no_text(policies: PolicyStore) -> None:
    texts = ("rule_name", "framework_id", "vertical_id", "description", "source")
    for name in (*texts, "resolved_by", "resolution_notes"):
        for bad in NO_TEXTS:
            with pytest.raises(InvalidInputError) as caught:
                await policies.create_violation(a_violation("v", **{name: bad}))
            assert caught.value.argument == f"violation.{name}"
    made = await policies.create_violation(a_violation("v", **dict.fromkeys(texts)))
    assert [made[name] for name in texts] == [""] * 5


async def test_list_violations_count_violations_and_delete_violation(policies: PolicyStore) -> None:
    await policies.create_policy(FULL)
    severities = ["critical", "high", "medium", "low", "info"]
    for number, severity in enumerate(severities):
        await policies.create_violation(
            a_violation(
                f"v{number}",
                policy_id="p" if number < 3 else None,
                workspace_id="w" if number % 2 else "default",
                framework_id="gdpr" if number else "",
                vertical_id="law",
                severity=severity,
                status="resolved" if number == 1 else "open",
                detected_at=day(number // 2),
            )
        )

    async def ids(**options: Any) -> str:
        return "".join(one.id[1:] for one in await policies.list_violations(**options))

    assert await ids() == "43210"
    assert await ids(workspace_id="w") == "31"
    assert await ids(workspace_id="w", status="open") == "3"
    assert await ids(policy_id="p") == "210"
    assert await ids(policy_id="p", workspace_id="default", severity="medium") == "2"
    assert await ids(framework_id="gdpr", vertical_id="law", status="open") == "432"
    assert await ids(severity="info") == "4"
    (first,) = await policies.list_violations(limit=1)
    assert await ids(after=first) == "3210"
    counts = {"critical": 1, "high": 1, "medium": 1, "low": 1, "total": 5}
    assert await policies.count_violations() == counts
    assert (await policies.count_violations("w", "open"))["total"] == 1
    assert (await policies.count_violations(severity="info"))["total"] == 1
    assert await policies.delete_violation("v0")
    assert not await policies.delete_violation("v0")
    assert (await policies.count_violations())["critical"] == 0
