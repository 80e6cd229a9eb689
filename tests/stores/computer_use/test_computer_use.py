"""Tasks at a graphical user interface, and policies for them, on each engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import TenantMismatchError
from aragora_sql.stores.computer_use import ComputerUseStore
from tests.conftest import OpenDatabase
from tests.stores.computer_use.cases import a_policy, a_task
from tests.stores.samples import day

STEPS = [
    {"action": "click", "success": True, "x": 0.1 + 0.2},
    {"action": "click", "success": False},
    {"action": "wait", "success": True},
]


async def test_save_task_then_get_task(desk: ComputerUseStore) -> None:
    given = a_task(
        max_steps=3,
        dry_run=True,
        status="running",
        steps=STEPS,
        result={},
        error="e",
        user_id="ann",
        tenant_id="acme",
        cancelled_at=None,
        created_at=day(1),
    )
    assert await desk.save_task(given) == "t"
    stored = await desk.get_task("t", tenant_id="acme")
    assert stored is not None
    # An empty result stays one.
    assert {name: stored[name] for name in given} == given
    # What it is, and whose, stays.
    again = a_task(goal="Other", max_steps=9, user_id="bob", status="failed", result={"n": 10**30})
    await desk.save_task(again)
    after = await desk.get_task("t")
    assert after is not None
    assert (after.goal, after.max_steps, after.user_id, after.tenant_id) == (
        "Book a flight",
        3,
        "ann",
        "acme",
    )
    assert (after.status, after.result, after.created_at) == ("failed", {"n": 10**30}, day(1))
    # One that has ended stays as it is.
    await desk.save_task(a_task(status="running", result=None))
    assert await desk.get_task("t") == after
    made = await desk.save_task({"goal": "Any"})
    assert made.startswith("task-")
    assert len(made) == 21
    with pytest.raises(TenantMismatchError):
        await desk.save_task(a_task(tenant_id="other"))
    assert await desk.get_task("t", tenant_id="other") is None


async def test_list_tasks_count_tasks_and_delete_task(desk: ComputerUseStore) -> None:
    for number in range(6):
        await desk.save_task(
            a_task(
                f"t{number}",
                status="failed" if number < 3 else "pending",
                tenant_id=f"o{number % 2}",
                user_id=f"u{number % 3}",
                created_at=day(number),
            )
        )

    async def listed(**chosen: Any) -> list[str]:
        return [one.task_id for one in await desk.list_tasks(**chosen)]

    assert await listed() == ["t5", "t4", "t3", "t2", "t1", "t0"]
    assert await listed(status="failed", limit=2) == ["t2", "t1"]
    assert await listed(tenant_id="o1") == ["t5", "t3", "t1"]
    assert await listed(tenant_id="o1", status="failed") == ["t1"]
    assert await listed(user_id="u0") == ["t3", "t0"]
    assert await listed(user_id="u0", tenant_id="o1", status="pending") == ["t3"]
    choices: list[dict[str, Any]] = [{}, {"status": "failed"}, {"tenant_id": "o0"}]
    for chosen in choices:
        every = await desk.list_tasks(**chosen)
        assert await desk.list_tasks(after=every[0], **chosen) == every[1:]
    assert await desk.count_tasks() == 6
    assert await desk.count_tasks("failed", "o0") == 2
    assert not await desk.delete_task("t0", tenant_id="o1")
    assert await desk.delete_task("t0", tenant_id="o0")
    assert not await desk.delete_task("t0")


async def test_update_task_status_and_get_action_stats(
    desk: ComputerUseStore, open_database: OpenDatabase
) -> None:
    await desk.save_task(a_task(tenant_id="acme"))
    assert await desk.update_task_status("t", "running", steps=STEPS, error="slow")
    assert not await desk.update_task_status("t", "running", tenant_id="other")
    nothing = {"total": 0, "success": 0, "failed": 0}
    assert (await desk.get_action_stats())["click"] == nothing
    stores = [desk, ComputerUseStore(await open_database())]
    done = await asyncio.gather(
        *(
            stores[number % 2].update_task_status("t", "cancelled", {"by": number})
            for number in range(6)
        )
    )
    # Of all ends one counts, and what is not given stays.
    assert sorted(done) == [False] * 5 + [True]
    task = await desk.get_task("t")
    assert task is not None
    assert (task.steps, task.error, task.result) == (STEPS, "slow", {"by": done.index(True)})
    assert task.cancelled_at == task.updated_at
    expected = {"click": {"total": 2, "success": 1, "failed": 1}}
    every = dict.fromkeys(("click", "type", "screenshot", "scroll", "key"), nothing)
    assert await desk.get_action_stats("acme") == every | expected
    assert await desk.get_action_stats("other") == every


async def test_save_policy_get_policy_list_policies_and_delete_policy(
    desk: ComputerUseStore,
) -> None:
    given = a_policy(
        description="No shops",
        allowed_actions=["click", "scroll"],
        blocked_domains=["shop.example.com"],
        is_active=True,
        tenant_id="acme",
        created_at=day(1),
    )
    assert await desk.save_policy(given) == "p"
    stored = await desk.get_policy("p", tenant_id="acme")
    assert stored is not None
    assert {name: stored[name] for name in given} == given
    await desk.save_policy(a_policy(name="New", is_active=False))
    after = await desk.get_policy("p")
    assert after is not None
    assert (after.name, after.is_active, after.tenant_id) == ("New", False, "acme")
    assert (after.created_at, after.allowed_actions) == (day(1), [])
    with pytest.raises(TenantMismatchError):
        await desk.save_policy(a_policy(tenant_id="other"))
    assert (await desk.save_policy({"name": "Any"})).startswith("policy-")
    for number in range(3):
        await desk.save_policy(a_policy(f"q{number}", tenant_id="acme", created_at=day(2 + number)))

    async def listed(*arguments: Any) -> list[str]:
        return [one.policy_id for one in await desk.list_policies(*arguments)][:4]

    assert (await listed())[1:] == ["q2", "q1", "q0"]
    assert await listed("acme") == ["q2", "q1", "q0"]
    assert await listed("acme", False) == ["q2", "q1", "q0", "p"]
    assert len(await listed(None, False)) == 4
    first = await desk.list_policies("acme", limit=1)
    assert [one.policy_id for one in await desk.list_policies("acme", after=first[0])] == [
        "q1",
        "q0",
    ]
    assert await desk.get_policy("p", tenant_id="other") is None
    assert not await desk.delete_policy("p", tenant_id="other")
    assert await desk.delete_policy("p", tenant_id="acme")
    assert not await desk.delete_policy("p")


async def test_save_task_and_save_policy_of_nobody_stay_nobodys(desk: ComputerUseStore) -> None:
    await desk.save_task(a_task())
    await desk.save_policy(a_policy())
    with pytest.raises(TenantMismatchError):
        await desk.save_task(a_task(tenant_id="acme", status="failed"))
    with pytest.raises(TenantMismatchError):
        await desk.save_policy(a_policy(tenant_id="acme", name="Taken"))
    task, policy = await desk.get_task("t"), await desk.get_policy("p")
    assert task is not None
    assert policy is not None
    assert (task.status, task.tenant_id) == ("pending", None)
    assert (policy.name, policy.tenant_id) == ("Careful", None)
