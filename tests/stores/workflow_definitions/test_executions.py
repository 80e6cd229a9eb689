"""Templates and executions on each engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import TemplateNotFoundError
from aragora_sql.stores.workflow_definitions import WorkflowStore
from tests.conftest import OpenDatabase
from tests.stores.samples import day
from tests.stores.workflow_definitions.cases import a_workflow, an_execution


async def test_save_template_get_template_and_list_templates(
    workflows: WorkflowStore,
) -> None:
    for number in range(4):
        await workflows.save_template(
            a_workflow(f"g{number}", category="sme" if number % 2 else "code", tags=[f"t{number}"])
        )
    await workflows.increment_template_usage("g0")
    before = await workflows.get_template("g0")
    await workflows.save_template(a_workflow("g0", name="New", category="code", tags=["t0", "x"]))
    after = await workflows.get_template("g0")
    assert before is not None
    assert after is not None
    assert (after.usage_count, after.created_at) == (1, before.created_at)
    assert (after.name, after.tags, after.definition["name"]) == ("New", ["t0", "x"], "New")

    async def listed(**chosen: Any) -> list[str]:
        return [one.id for one in await workflows.list_templates(**chosen)]

    assert await listed() == ["g0", "g3", "g2", "g1"]
    assert await listed(category="code") == ["g0", "g2"]
    assert await listed(tags=["t1", "x"]) == ["g0", "g1"]
    assert await listed(category="sme", tags=["t1"], limit=1) == ["g1"]
    first = await workflows.list_templates(limit=2)
    assert await listed(after=first[-1]) == ["g2", "g1"]
    assert await workflows.get_template("x") is None


async def test_increment_template_usage_counts_each_use(
    workflows: WorkflowStore, open_database: OpenDatabase
) -> None:
    await workflows.save_template(a_workflow("g"))
    stores = [workflows, WorkflowStore(await open_database())]
    counts = await asyncio.gather(
        *(stores[number % 2].increment_template_usage("g") for number in range(10))
    )
    assert sorted(counts) == list(range(1, 11))
    with pytest.raises(TemplateNotFoundError):
        await workflows.increment_template_usage("x")


async def test_save_execution_and_get_execution(workflows: WorkflowStore) -> None:
    # Of a workflow that no table keeps.
    assert await workflows.save_execution(
        {"id": "e", "workflow_id": "generated", "inputs": {"n": 1e17}}
    )
    waiting = await workflows.get_execution("e")
    assert waiting is not None
    assert (waiting.status, waiting.started_at) == ("pending", None)
    step = {"step_id": "s1", "status": "waiting", "output": {"x": 0.1}}
    await workflows.save_execution(
        an_execution("e", started_at=day(1), inputs={"other": 1}, steps=[step])
    )
    running = await workflows.get_execution("e")
    assert running is not None
    assert (running.workflow_id, running.inputs, running.steps) == (
        "generated",
        {"n": 1e17},
        [step],
    )
    assert running.listed_at == running.started_at == day(1)
    end = {"status": "failed", "error": "no", "completed_at": day(2), "duration_ms": 0.1 + 0.2}
    assert await workflows.save_execution(
        an_execution("e", **end, started_at=day(5), outputs={"a": []})
    )
    ended = await workflows.get_execution("e")
    assert ended is not None
    assert {name: ended[name] for name in end} == end
    assert (ended.started_at, ended.outputs) == (day(1), {"a": []})
    # The end is written once.
    for status in ("running", "completed", "failed"):
        assert not await workflows.save_execution(an_execution("e", status=status))
    assert await workflows.get_execution("e") == ended
    assert await workflows.get_execution("e", "acme") is None
    assert await workflows.save_execution(an_execution("e"), "acme")


async def test_save_execution_keeps_what_is_not_given(workflows: WorkflowStore) -> None:
    step = {"step_id": "s1", "status": "running"}
    await workflows.save_execution(
        an_execution("e", outputs={"a": 1}, steps=[step], error="a retry", duration_ms=5.0)
    )
    await workflows.save_execution({"id": "e"})
    found = await workflows.get_execution("e")
    assert found is not None
    assert (found.status, found.outputs, found.steps, found.error, found.duration_ms) == (
        *("running", {"a": 1}, [step]),
        *("a retry", 5.0),
    )
    # What is given takes its place, also where it is empty.
    await workflows.save_execution({"id": "e", "outputs": {}, "steps": [], "error": None})
    cleared = await workflows.get_execution("e")
    assert cleared is not None
    assert (cleared.status, cleared.outputs, cleared.steps, cleared.error) == (
        *("running", {}, []),
        None,
    )
    await workflows.save_execution({"id": "e", "status": "completed", "completed_at": day(2)})
    ended = await workflows.get_execution("e")
    assert ended is not None
    assert (ended.status, ended.completed_at, ended.duration_ms) == ("completed", day(2), 5.0)
    # What it is of may be known later, but does not change.
    for workflow_id in (None, "f", "g"):
        await workflows.save_execution({"id": "n", "workflow_id": workflow_id})
    later = await workflows.get_execution("n")
    assert later is not None
    assert (later.status, later.workflow_id) == ("pending", "f")


async def test_save_execution_ends_once_among_many(
    workflows: WorkflowStore, open_database: OpenDatabase
) -> None:
    await workflows.save_execution(an_execution())
    stores = [workflows, WorkflowStore(await open_database())]
    done = await asyncio.gather(
        *(
            stores[number % 2].save_execution(
                an_execution(status="completed", outputs={"by": number})
            )
            for number in range(6)
        )
    )
    assert sorted(done) == [False] * 5 + [True]
    found = await workflows.get_execution("e")
    assert found is not None
    assert found.outputs == {"by": done.index(True)}


async def test_list_executions_by_workflow_and_status(workflows: WorkflowStore) -> None:
    for number in range(6):
        await workflows.save_execution(
            an_execution(
                f"e{number}",
                workflow_id=f"f{number % 2}",
                status="terminated" if number < 3 else "running",
                started_at=day(10 - number),
            )
        )

    async def listed(**chosen: Any) -> tuple[list[str], int]:
        found, total = await workflows.list_executions(**chosen)
        return [one.id for one in found], total

    assert await listed() == (["e0", "e1", "e2", "e3", "e4", "e5"], 6)
    assert await listed(workflow_id="f0", limit=2) == (["e0", "e2"], 3)
    assert await listed(workflow_id="f1", status="running") == (["e3", "e5"], 2)
    assert await listed(status="terminated") == (["e0", "e1", "e2"], 3)
    assert await listed(tenant_id="acme") == ([], 0)
    page, _ = await workflows.list_executions(limit=4)
    assert (await listed(after=page[-1]))[0] == ["e4", "e5"]
