"""Older connectors, migrated: encrypted settings to the byte, sync jobs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.migration import MemoryMigrator
from aragora_sql.stores.connectors import ConnectorStore
from tests.migration.conftest import Target, check_sums
from tests.migration.legacy.connectors import write_connectors
from tests.migration.moved import move
from tests.stores.connectors.test_connectors import older
from tests.stores.samples import KEYRING, fetch_value

AT = "2026-02-12T16:42:57.123456+00:00"
SECRET = "hunter2"  # noqa: S105


def connector(connector_id: str, config: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": connector_id,
        "connector_type": "jira",
        "name": "Café \U0001f9e0",
        "config_json": config if isinstance(config, str) else json.dumps(config),
        "created_at": AT,
        "updated_at": AT,
        **changes,
    }


def job(job_id: str, **changes: Any) -> dict[str, Any]:
    given = {"id": job_id, "connector_id": "full", "status": "completed", "started_at": AT}
    return {**given, **changes}


async def test_migrate_connectors(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / ".nomic"
    sealed = {"token": older("full", SECRET), "token_url": older("full", "https://t"), "n": 1e17}
    write_connectors(
        folder / "connectors.db",
        [
            connector("full", sealed, status="error", items_indexed=7, last_sync_at=AT),
            connector("clear", {"password": SECRET}),
            connector("damaged", "{"),
            connector("odd", {}, status="asleep"),
        ],
        [
            job("ended", completed_at=AT, items_synced=5, duration_seconds=0.1 + 0.2),
            job("lost", connector_id="gone"),
        ],
    )
    migrator = MemoryMigrator(folder, target.dsn, rejects=target.rejects, verify="all")
    report = await migrator.migrate_connectors()
    check_sums(report)
    assert not report.mismatches
    assert {table.table: (table.counts.migrated, table.rejected) for table in report.tables} == {
        "connectors": (2, 2),
        "sync_jobs": (1, 1),
    }
    said = json.dumps(report.to_dict())
    assert "connectors with secrets in the clear" in said
    assert SECRET not in said
    database = await PostgresDatabase.connect(target.dsn, 1, 2)
    await look(database, sealed)
    await database.close()
    assert (await migrator.migrate_connectors()).total_migrated == 0
    # And back again.
    file = tmp_path / "aragora.db"
    assert (await asyncio.to_thread(move, target.dsn, file)).exit_code == 0
    back = SQLiteDatabase(file)
    await look(back, sealed)
    await back.close()


@pytest.mark.parametrize("name", ["aws_access_key_id", "token_url", "my_credentials_file", "url"])
def test_secrets_by_the_words_of_the_older_program_are_counted_and_left_out(
    target: Target, tmp_path: Path, name: str
) -> None:
    config = {"nested": [{name: SECRET}], "host": "example.com"}
    write_connectors(
        tmp_path / "connectors.db",
        [connector("clear", config), connector("odd", config, status="asleep")],
        [],
    )
    report = target.migrate(tmp_path / "connectors.db")
    check_sums(report)
    said = json.dumps(report.to_dict())
    (rejected,) = target.rejected("connectors")
    is_secret = name != "url"
    assert ("connectors with secrets in the clear" in said) is is_secret
    assert (SECRET in json.dumps(rejected)) is not is_secret
    assert "example.com" in json.dumps(rejected)


async def look(database: Database, sealed: dict[str, Any]) -> None:
    """Look at what came of the rows."""
    text = await fetch_value(
        database, "SELECT cast(config AS TEXT) FROM connectors WHERE id = 'full'"
    )
    assert json.loads(text) == sealed
    connectors = ConnectorStore(database, KEYRING)
    full = await connectors.get_connector("full")
    assert full is not None
    assert full.config == {"token": SECRET, "token_url": "https://t", "n": 1e17}
    assert (full.name, full.status, full.items_indexed) == ("Café \U0001f9e0", "error", 7)
    assert full.last_sync_at == datetime(2026, 2, 12, 16, 42, 57, 123456, UTC)
    clear = await connectors.get_connector("clear")
    assert clear is not None
    assert clear.config == {"password": SECRET}
    (ended,) = await connectors.get_sync_history()
    assert (ended.id, ended.items_synced, ended.duration_seconds) == ("ended", 5, 0.1 + 0.2)
