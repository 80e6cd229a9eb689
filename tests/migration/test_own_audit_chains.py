"""Chains of this package's own files, moved to PostgreSQL and back: they go on where they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.audit import AuditStore, SigningKeys, entries
from tests.migration.conftest import Target, check_sums
from tests.stores.audit.cases import ENTRY
from tests.stores.audit.test_anchors import FIRST

DETAILS = {"z": 0.30000000000000004, "big": 1152921504606846976, "huge": 1e17, "é": [None]}


async def test_a_chain_goes_on_after_each_move(
    target: Target, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(entries, "utc_now", lambda: FIRST)
    path = tmp_path / "aragora.db"
    file = SQLiteDatabase(path)
    audit = AuditStore(file, SigningKeys(b"k"))
    await audit.initialize()
    await audit.append_many([{**ENTRY, "details": DETAILS}] * 10)
    anchor = await audit.create_daily_anchor(FIRST.date())
    await audit.log_event("plan.changed", "plan", new_value=DETAILS, timestamp=FIRST)
    migrator = MemoryMigrator(path, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_audit()
    check_sums(report)
    assert (report.exit_code, report.mismatches) == (0, 0)

    # The file goes on for a while; what came meanwhile comes with the next run.
    await audit.append_many([ENTRY] * 5)
    await file.close()
    again = await migrator.migrate_audit()
    assert again.total_migrated == 5
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    moved = AuditStore(database, SigningKeys(b"k"))
    verified = await moved.verify_integrity()
    assert (verified.errors, verified.entries_checked) == ([], 15)
    assert await moved.get_anchor(FIRST.date()) == anchor
    assert (await moved.append(**ENTRY)).sequence_number == 16
    assert (await moved.get_log())[0].new_value == DETAILS
    await database.close()

    back = tmp_path / "back.db"
    reverse = MemoryMigrator(back, target.dsn, rejects=target.rejects, reverse=True)
    returned = await reverse.migrate_audit()
    assert returned.success
    file = SQLiteDatabase(back)
    audit = AuditStore(file, SigningKeys(b"k"))
    assert (await audit.append(**ENTRY)).sequence_number == 17
    verified = await audit.verify_integrity()
    assert (verified.errors, verified.entries_checked) == ([], 17)
    await file.close()
