"""Older tasks and policies of computer use, migrated."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.computer_use import ComputerUseStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.computer_use import write_computer_use
from tests.migration.moved import move

AT = "2026-02-12T16:42:57.123456+00:00"


def task(task_id: str, **changes: Any) -> dict[str, Any]:
    return {"task_id": task_id, "goal": "Café", "created_at": AT, "updated_at": AT, **changes}


async def test_migrate_computer_use(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    write_computer_use(
        folder / "aragora_computer_use.db",
        [
            task(
                "full",
                max_steps=3,
                dry_run=1,
                status="cancelled",
                steps_json='[{"action": "click", "success": true}]',
                result_json='{"n": 1e17}',
                user_id="ann",
                tenant_id="acme",
                cancelled_at=AT,
            ),
            task("plain", result_json="", tenant_id=""),
            task("damaged", steps_json="{"),
            task("odd", status="asleep"),
        ],
        [
            {
                "policy_id": "p",
                "name": "Careful",
                "allowed_actions_json": '["click"]',
                "is_active": 0,
                "created_at": AT,
                "updated_at": AT,
            }
        ],
    )
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_computer_use()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "computer_use_tasks": (2, 2),
        "computer_use_policies": (1, 0),
    }
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_computer_use()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    desk = ComputerUseStore(database)
    full = await desk.get_task("full", tenant_id="acme")
    assert full is not None
    assert (full.max_steps, full.dry_run, full.result) == (3, True, {"n": 1e17})
    assert full.cancelled_at == datetime.fromisoformat(AT)
    plain = await desk.get_task("plain")
    assert plain is not None
    assert (plain.status, plain.result, plain.tenant_id) == ("pending", None, None)
    assert (await desk.get_action_stats("acme"))["click"]["success"] == 1
    policy = await desk.get_policy("p")
    assert policy is not None
    assert (policy.allowed_actions, policy.is_active) == (["click"], False)
