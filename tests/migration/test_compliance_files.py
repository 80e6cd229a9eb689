"""Older compliance policies, migrated."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.compliance import PolicyStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.compliance import write_policy_store
from tests.migration.moved import move

AT = "2026-02-12T16:42:57.123456"
IN_UTC = datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)


def policy(policy_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": policy_id,
        "name": "Keep logs",
        "framework_id": "soc2",
        "vertical_id": "law",
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def violation(violation_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": violation_id,
        "rule_id": "r1",
        "framework_id": "",
        "vertical_id": "",
        "detected_at": AT,
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory; the file is in the nested one of a relative path."""
    folder = tmp_path / ".nomic"
    write_policy_store(
        folder / ".nomic" / "compliance" / "policy_store.db",
        {
            "policies": [
                policy(
                    "full",
                    level="mandatory",
                    enabled=0,
                    rules_json='[{"rule_id": "r1", "custom_threshold": 0.30000000000000004}]',
                    updated_at="2026-02-12T18:00:00+01:00",
                    created_by="ann",
                    metadata_json='{"n": 1e17}',
                ),
                policy("strange", level="strict", created_by="", workspace_id=""),
                policy("damaged", rules_json="{"),
            ],
            "violations": [
                violation(
                    "settled",
                    policy_id="full",
                    severity="info",
                    status="resolved",
                    resolved_at="2026-02-12T18:00:00+00:00",
                    resolved_by="ann",
                ),
                violation("none", policy_id=""),
                violation("orphan", policy_id="gone"),
                violation("closed", status="closed"),
            ],
            "policy_audit": [
                {
                    "id": "audit_1",
                    "policy_id": "gone",
                    "action": "delete",
                    "changed_by": "ann",
                    "changed_at": "2026-02-12 16:42:57",
                    "old_value": '{"id": "gone"}',
                }
            ],
        },
    )
    return folder


async def test_migrate_compliance(target: Target, folder: Path, tmp_path: Path) -> None:
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_compliance()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "compliance_policies": (2, 1),
        "compliance_violations": (2, 2),
        "compliance_policy_audit": (1, 0),
    }
    assert {line["row"]["id"] for line in target.rejected("compliance_violations")} == {
        "orphan",
        "closed",
    }
    assert "a level that is not known" in str(report.to_dict())
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database)
    await database.close()
    assert (await migrator.migrate_compliance()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back)
    await back.close()


async def look(database: Database) -> None:
    """Look at what came of the rows."""
    policies = PolicyStore(database)
    full = await policies.get_policy("full")
    assert full is not None
    assert full.rules == [{"rule_id": "r1", "custom_threshold": 0.1 + 0.2}]
    assert (full.level, full.enabled, full.metadata) == ("mandatory", False, {"n": 1e17})
    assert (full.created_at, full.updated_at) == (IN_UTC, datetime(2026, 2, 12, 17, tzinfo=UTC))
    strange = await policies.get_policy("strange")
    assert strange is not None
    assert (strange.level, strange.workspace_id, strange.created_by) == (
        "recommended",
        "default",
        None,
    )
    settled = await policies.get_violation("settled")
    assert settled is not None
    assert (settled.policy_id, settled.severity, settled.resolved_by) == ("full", "info", "ann")
    assert settled.resolved_at == datetime(2026, 2, 12, 18, tzinfo=UTC)
    none = await policies.get_violation("none")
    assert none is not None
    assert (none.policy_id, none.detected_at) == (None, IN_UTC)
    (change,) = await policies.list_policy_audit("gone")
    assert change.changed_at == datetime(2026, 2, 12, 16, 42, 57, tzinfo=UTC)
    assert (change.old_value, change.new_value) == ({"id": "gone"}, None)
