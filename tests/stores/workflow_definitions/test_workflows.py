"""Workflows and their versions on each engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import (
    AlreadyTakenError,
    IntegrityError,
    InvalidInputError,
    VersionConflictError,
    WorkflowNotFoundError,
)
from aragora_sql.stores.workflow_definitions import WorkflowStore
from tests.conftest import OpenDatabase
from tests.database.waiting import outside
from tests.stores.jobs.test_locks import until_both_wait
from tests.stores.samples import day, fetch_value, run
from tests.stores.workflow_definitions.cases import a_workflow

FULL: dict[str, Any] = {
    "id": "f",
    "name": "Prüfung of contracts",
    "description": "Finds risky clauses",
    "version": "1.2.0",
    "category": "legal",
    "tags": ["risk", "contract"],
    "steps": [{"id": "s1", "config": {"temperature": 0.1 + 0.2, "seed": 10**30}}, {"id": "s2"}],
    "transitions": [],
    "is_template": True,
    "is_enabled": False,
    "created_by": "ann",
    "created_at": "2026-01-02T00:00:00+01:00",
    "icon": "\U0001f9e0",
}


async def test_save_workflow_then_get_workflow(workflows: WorkflowStore) -> None:
    assert await workflows.save_workflow(FULL) == 1
    stored = await workflows.get_workflow("f")
    assert stored is not None
    assert stored.definition == FULL
    assert (stored.tenant_id, stored.category, stored.version) == ("default", "legal", "1.2.0")
    assert (stored.tags, stored.is_template, stored.is_enabled) == (FULL["tags"], True, False)
    assert (stored.created_by, stored.created_at) == ("ann", day(1 - 1 / 24))
    # Who made it, and when, stays.
    assert await workflows.save_workflow(a_workflow(created_by="bob", created_at=None)) == 2
    after = await workflows.get_workflow("f")
    assert after is not None
    assert (after.created_by, after.created_at, after.name) == ("ann", stored.created_at, "Review")
    assert after.updated_at > stored.updated_at
    assert (after.description, after.category, after.version) == ("", "general", "1.0.0")
    assert await workflows.get_workflow("x") is None


async def test_save_workflow_with_a_revision_that_is_over(
    workflows: WorkflowStore, open_database: OpenDatabase
) -> None:
    with pytest.raises(VersionConflictError, match="is gone"):
        await workflows.save_workflow(a_workflow(), expected_revision=1)
    assert await workflows.save_workflow(a_workflow()) == 1
    others = [workflows, WorkflowStore(await open_database())]
    done = await asyncio.gather(
        *(others[n % 2].save_workflow(a_workflow(step=n), expected_revision=1) for n in range(6)),
        return_exceptions=True,
    )
    # Of all that change what they read one is first.
    assert [one for one in done if not isinstance(one, VersionConflictError)] == [2]
    with pytest.raises(VersionConflictError) as caught:
        await workflows.save_workflow(a_workflow(), expected_revision=1)
    assert (caught.value.expected, caught.value.found) == (1, 2)
    saved = await asyncio.gather(*(others[n % 2].save_workflow(a_workflow()) for n in range(6)))
    assert sorted(saved) == [3, 4, 5, 6, 7, 8]


async def test_save_workflow_with_a_revision_does_not_bring_a_deleted_one_back(
    workflows: WorkflowStore, open_database: OpenDatabase
) -> None:
    other = WorkflowStore(await open_database())
    for again in (False, True):
        await workflows.save_workflow(a_workflow())
        async with other.database.transaction():
            await other.delete_workflow("f")
            if again:
                await other.save_workflow(a_workflow(name="Another"))
                await other.save_workflow(a_workflow(name="Another"))
            saving = outside(workflows.save_workflow(a_workflow(step=1), expected_revision=1))
            await until_both_wait(workflows.database, [saving])
        with pytest.raises(VersionConflictError) as caught:
            await saving
        assert (caught.value.expected, caught.value.found) == (1, 2 if again else None)
        found = await workflows.get_workflow("f")
        assert (None if found is None else found.name) == ("Another" if again else None)


async def test_delete_workflow_and_all_else_keep_tenants_apart(workflows: WorkflowStore) -> None:
    await workflows.save_workflow(a_workflow(name="Mine"), "acme")
    await workflows.save_workflow(a_workflow(name="Theirs", tenant_id="other"))
    await workflows.save_version(a_workflow(), "acme")
    for tenant, name in (("acme", "Mine"), ("other", "Theirs")):
        found = await workflows.get_workflow("f", tenant)
        assert found is not None
        assert found.name == name
    assert await workflows.get_workflow("f") is None
    assert await workflows.get_version("f", "1.0.0", "other") is None
    assert await workflows.get_versions("f", "other") == []
    assert not await workflows.delete_workflow("f")
    assert await workflows.delete_workflow("f", "other")
    assert len(await workflows.get_versions("f", "acme")) == 1
    with pytest.raises(InvalidInputError, match="tenant_id"):
        await workflows.save_workflow(a_workflow(tenant_id="other"), "acme")


async def test_list_workflows_by_category_tags_and_words(
    workflows: WorkflowStore,
) -> None:
    for number in range(6):
        await workflows.save_workflow(
            a_workflow(
                f"f{number}",
                name=f"Flow {number}",
                description="Prüft Verträge" if number % 2 else "Checks bills",
                category="finance" if number < 3 else "code",
                tags=[f"t{number}", "all"],
            )
        )

    async def listed(**chosen: Any) -> tuple[list[str], int]:
        found, total = await workflows.list_workflows(**chosen)
        return [one.id for one in found], total

    assert await listed() == (["f5", "f4", "f3", "f2", "f1", "f0"], 6)
    assert await listed(category="finance", search="VERTRAGE prüft") == (["f1"], 1)
    # Tags are looked at before the page is cut, and total knows of them.
    assert await listed(tags=["t0", "t4"], limit=1) == (["f4"], 2)
    assert await listed(tags=["all"], search="bills", limit=2) == (["f4", "f2"], 3)
    assert await listed(tags=["none"]) == ([], 0)
    assert await listed(search="bill") == ([], 0)
    assert await listed(search="%") == ([], 0)
    assert await listed(tenant_id="acme") == ([], 0)
    page, _ = await workflows.list_workflows(limit=4)
    assert (await listed(after=page[-1]))[0] == ["f1", "f0"]


async def test_save_version_get_versions_and_get_version(
    workflows: WorkflowStore,
) -> None:
    with pytest.raises(WorkflowNotFoundError):
        await workflows.save_version(FULL)
    async with workflows.database.transaction():
        await workflows.save_workflow(FULL)
        assert await workflows.save_version(FULL)
    newer = {**FULL, "version": "1.2.1", "steps": "none", "created_by": ""}
    assert await workflows.save_version(newer)
    summaries = await workflows.get_versions("f")
    assert [(s.version, s.created_by, s.step_count, s.is_current) for s in summaries] == [
        ("1.2.1", None, 0, False),
        ("1.2.0", "ann", 2, True),
    ]
    assert await workflows.get_versions("f", limit=1, after=summaries[0]) == summaries[1:]
    found = await workflows.get_version("f", "1.2.0")
    assert found is not None
    assert found.definition == FULL
    # What is kept is kept: the same once more, and nothing else under its name.
    assert not await workflows.save_version(FULL)
    with pytest.raises(AlreadyTakenError, match=r"workflow\.version"):
        await workflows.save_version({**FULL, "steps": []})
    numbers: dict[str, Any] = {"id": "f", "name": "N", "version": "3"}
    given = [1, [True], {"b": 1e22, "a": -0.0}]
    assert await workflows.save_version({**numbers, "x": given})
    assert not await workflows.save_version({"x": [1, [True], {"a": 0.0, "b": 1e22}], **numbers})
    for other in ([True, *given[1:]], [1.0, *given[1:]], [1, [1], given[2]]):
        with pytest.raises(AlreadyTakenError, match=r"workflow\.version"):
            await workflows.save_version({**numbers, "x": other})
    assert await workflows.get_version("f", "2") is None


async def test_versions_are_refused_to_change(workflows: WorkflowStore) -> None:
    await workflows.save_workflow(FULL)
    await workflows.save_version(FULL)
    for statement in (
        "UPDATE workflow_versions SET definition = '{}'",
        "UPDATE workflow_versions SET version = '9'",
        "DELETE FROM workflow_versions",
    ):
        with pytest.raises(IntegrityError, match="refused"):
            await run(workflows.database, statement)
    # Who is erased goes.
    await run(workflows.database, "UPDATE workflow_versions SET created_by = NULL")
    assert await workflows.delete_workflow("f")
    assert await fetch_value(workflows.database, "SELECT count(*) FROM workflow_versions") == 0
