"""Divided databases are dumped and restored, moved into, retained and upgraded like others."""

from __future__ import annotations

import asyncio
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aragora_sql.cli import main
from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import DuplicateKeyError
from aragora_sql.partitions import divide_table, read_state
from aragora_sql.schema import (
    apply_schema,
    inspect_schema,
    plan_repair,
    repair_schema,
    verify_schema,
)
from aragora_sql.stores.audit import AuditStore
from tests.conftest import PostgresServer, Servers, require_program
from tests.partitions.conftest import BY_NAME, rows_of, run, value
from tests.partitions.test_dividing import AUDIT, EVENT, divided

CHAIN = BY_NAME["immutable_audit_entries"]


async def test_a_dump_restores_partitions_and_keys(
    filled: Database, location: str, servers: Servers, engine: str
) -> None:
    dump = require_program("pg_dump", "postgresql-client")
    restore = require_program("psql", "postgresql-client")
    version = await asyncio.to_thread(
        subprocess.run, [dump, "--version"], capture_output=True, text=True, check=True
    )
    if int(version.stdout.split()[2].partition(".")[0]) < int(engine.rpartition("-")[2]):
        pytest.skip("pg_dump is older than the server")
    await divided(filled, AUDIT, CHAIN)
    before = await rows_of(filled, CHAIN)
    server: PostgresServer = servers[engine]
    name = server.create_database()
    try:
        text = await asyncio.to_thread(
            subprocess.run, [dump, location], capture_output=True, check=True
        )
        await asyncio.to_thread(
            subprocess.run,
            [restore, "-v", "ON_ERROR_STOP=1", "-q", server.dsn(name)],
            input=text.stdout,
            capture_output=True,
            check=True,
        )
        restored = await PostgresDatabase.connect(server.dsn(name), 1, 2)
        try:
            assert await rows_of(restored, CHAIN) == before
            assert await verify_schema(restored) == []
            assert await read_state(restored, AUDIT) is not None
            with pytest.raises(DuplicateKeyError):
                await run(
                    restored,
                    EVENT.replace("(timestamp,", "(id, timestamp,").replace("(now()", "(1, now()"),
                )
        finally:
            await restored.close()
    finally:
        server.drop_database(name)


async def test_older_data_is_moved_into_partitions(
    postgres_database: PostgresDatabase, postgres_dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "aragora.db"
    source = SQLiteDatabase(path)
    await apply_schema(source, ["audit"])
    store = AuditStore(source)
    for number in range(50):
        await store.log_event(
            action="login.ok",
            resource_type="user",
            timestamp=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=7 * number),
        )
    await store.append_many(
        [
            {
                "event_type": "t",
                "actor": "a",
                "resource_type": "r",
                "resource_id": str(number),
                "action": "do",
            }
            for number in range(20)
        ]
    )
    await source.close()
    await divide_table(postgres_database, AUDIT, "month", first=datetime(2025, 1, 1, tzinfo=UTC))
    await divide_table(postgres_database, CHAIN, "month", first=datetime(2025, 1, 1, tzinfo=UTC))
    arguments = ["migrate", "--sqlite-path", str(path), "--dsn", postgres_dsn]
    assert await asyncio.to_thread(main, arguments) == 0
    for table, rows in (("audit_log", 50), ("immutable_audit_entries", 20)):
        for name in (table, f"{table}_keys"):
            assert await value(postgres_database, f"SELECT count(*) FROM {name}") == rows
    target = AuditStore(postgres_database)
    assert (await target.verify_integrity()).is_valid
    # Again: all of it is there already.
    assert await asyncio.to_thread(main, arguments) == 0
    assert await value(postgres_database, "SELECT count(*) FROM audit_log") == 50


async def test_retention_deletes_over_partitions(filled: Database) -> None:
    await divided(filled, AUDIT)
    deleted = await AuditStore(filled).cleanup_old_entries(100)
    assert deleted > 200
    assert await value(filled, "SELECT count(*) FROM audit_log") == await value(
        filled, "SELECT count(*) FROM audit_log_keys"
    )


async def test_an_index_that_is_missing_is_repaired(filled: Database) -> None:
    await divided(filled, AUDIT)
    await run(filled, "DROP INDEX idx_audit_log_user")
    plan = plan_repair(await inspect_schema(filled), filled.dialect)
    await repair_schema(filled, plan)
    assert await verify_schema(filled) == []


async def test_doctor_finds_nothing_new(
    filled: Database, location: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def lints() -> set[str]:
        arguments = ["doctor", "--dsn", location, "--json"]
        await asyncio.to_thread(main, arguments)
        return {
            re.sub(r"\d+ tables", "n tables", line)
            for line in capsys.readouterr().out.replace("}, {", "},\n{").splitlines()
            if "advisors" in line or "bloat" in line
        }

    before = await lints()
    assert before
    await divided(filled)
    assert await lints() == before
