"""Older definitions of workflows, migrated: workflows, versions, templates, executions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import IntegrityError
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.workflow_definitions import WorkflowStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.workflow_definitions import write_workflows
from tests.migration.moved import move
from tests.stores.samples import run

AT = "2026-02-12T16:42:57.123456+00:00"
LATER = "2026-02-12T17:42:57+00:00"


def definition(workflow_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": workflow_id,
        "name": "Café \U0001f9e0",
        "steps": [{"id": "s", "x": 0.30000000000000004, "n": 10**30}],
        "tenant_id": "default",
        **changes,
    }


def workflow(workflow_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": workflow_id,
        "name": "Café \U0001f9e0",
        "definition": definition(workflow_id),
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def version(workflow_id: str, name: str, **changes: Any) -> dict[str, Any]:
    given = {"workflow_id": workflow_id, "version": name, "definition": definition(workflow_id)}
    return {**given, "created_at": AT, **changes}


TABLES: dict[str, Any] = {
    "workflows": [
        workflow(
            "full",
            tenant_id="acme",
            description="Finds risks",
            category="legal",
            version="1.0.2",
            tags=["a", "b"],
            is_template=1,
            is_enabled=0,
            created_by="ann",
            definition=definition("full", tenant_id="acme"),
            # As the caller gave it.
            created_at="2026-02-12T17:42:57.123456+01:00",
        ),
        workflow("plain", category="sales"),
        workflow("damaged", definition="{"),
    ],
    "workflow_versions": [
        version("full", "1.0.1", definition=definition("full", tenant_id="acme"), created_by="ann"),
        # Kept at each save.
        version("plain", "1.0.0", definition=definition("plain", steps=[])),
        version("plain", "1.0.0", created_at=LATER),
        # Its workflow was deleted.
        version("gone", "1.0.0"),
    ],
    "workflow_templates": [{**workflow("g", tags=["x"]), "usage_count": 7}],
    "workflow_executions": [
        {
            "id": "exec_0123456789ab",
            "workflow_id": "generated",
            "tenant_id": "acme",
            "status": "terminated",
            "inputs": {"big": 1e17},
            "steps": [{"step_id": "s", "status": "completed"}],
            "started_at": AT,
            "completed_at": LATER,
            "duration_ms": 0.1 + 0.2,
        },
        {"id": "waiting", "workflow_id": "full", "outputs": ""},
        {"id": "strange", "workflow_id": "full", "status": "lost"},
    ],
}


async def test_migrate_workflow_definitions(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_workflows(folder / "workflows.db", TABLES)
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_workflow_definitions()
    check_sums(report)
    assert not report.mismatches
    assert {
        table.table: (table.counts.migrated, table.counts.merged, table.rejected)
        for table in report.tables
    } == {
        "workflows": (2, 0, 1),
        "workflow_versions": (2, 1, 1),
        "workflow_templates": (1, 0, 0),
        "workflow_executions": (2, 0, 1),
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_workflow_definitions()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    workflows = WorkflowStore(database)
    full = await workflows.get_workflow("full", "acme")
    assert full is not None
    assert full.definition == definition("full", tenant_id="acme")
    assert (full.category, full.version, full.tags) == ("legal", "1.0.2", ["a", "b"])
    assert (full.is_template, full.is_enabled, full.created_by) == (True, False, "ann")
    assert full.created_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    plain = await workflows.get_workflow("plain")
    assert plain is not None
    assert (plain.category, plain.created_by, plain.revision) == ("general", None, 1)
    assert [one.id for one in (await workflows.list_workflows(search="cafe"))[0]] == ["plain"]
    (kept,) = await workflows.get_versions("plain")
    assert (kept.version, kept.step_count, kept.is_current) == ("1.0.0", 1, True)
    assert await workflows.get_version("full", "1.0.1", "acme") is not None
    template = await workflows.get_template("g")
    assert template is not None
    assert (template.usage_count, template.tags) == (7, ["x"])
    ended = await workflows.get_execution("exec_0123456789ab", "acme")
    assert ended is not None
    assert (ended.status, ended.inputs, ended.duration_ms) == (
        "terminated",
        {"big": 1e17},
        0.1 + 0.2,
    )
    assert not await workflows.save_execution({"id": ended.id, "status": "running"}, "acme")
    waiting = await workflows.get_execution("waiting")
    assert waiting is not None
    assert (waiting.status, waiting.outputs, waiting.started_at) == ("pending", {}, None)
    with pytest.raises(IntegrityError, match="refused"):
        await run(database, "UPDATE workflow_versions SET version = '9'")
