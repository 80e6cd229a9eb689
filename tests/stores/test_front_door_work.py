"""What an application imports for findings and integrations."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from aragora_sql import (
    IntegrationConfig,
    PostgresFindingWorkflowStore,
    PostgresIntegrationStore,
    SQLiteFindingWorkflowStore,
    SQLiteIntegrationStore,
    close_databases,
    get_finding_workflow_store,
    get_integration_store,
    get_postgres_finding_workflow_store,
    get_postgres_integration_store,
    get_postgres_pool,
    get_sqlite_finding_workflow_store,
    get_sqlite_integration_store,
)
from aragora_sql.errors import SchemaMismatchError
from tests.conftest import OpenDatabase
from tests.stores.samples import KEY, run


@pytest.fixture(autouse=True)
async def closed_at_the_end() -> AsyncIterator[None]:
    yield
    await close_databases()


@pytest.fixture
def environment(location: str | Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An environment that names the engine of the test; returns the prefix of its classes."""
    monkeypatch.setenv("ARAGORA_ENCRYPTION_KEY", KEY.hex())
    if isinstance(location, Path):
        monkeypatch.setenv("ARAGORA_DATA_DIR", str(location.parent))
        return "SQLite"
    monkeypatch.setenv("DATABASE_URL", location)
    monkeypatch.setenv("ARAGORA_DB_POOL_SIZE", "4")
    return "Postgres"


async def test_the_environment_chooses_the_engine(
    environment: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "aragora_sql"):
        findings = await get_finding_workflow_store()
        integrations = await get_integration_store()
    assert type(findings).__name__ == f"{environment}FindingWorkflowStore"
    assert type(integrations).__name__ == f"{environment}IntegrationStore"
    assert f"Using {environment}FindingWorkflowStore" in caplog.messages
    config = IntegrationConfig(integration_type="slack", settings={"bot_token": "t"})
    with suppress(ZeroDivisionError):
        async with findings.database.transaction():
            await findings.create("f1")
            await integrations.save(config)
            raise ZeroDivisionError
    assert await findings.list_all() == []
    assert await integrations.list_all() == []
    await integrations.save(config)
    assert (await integrations.list_all())[0].settings == {"bot_token": "t"}


async def test_stores_by_hand(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAGORA_DATA_DIR", str(tmp_path / "data"))
    pool = await get_postgres_pool(postgres_dsn, max_size=3)
    assert isinstance(
        await get_postgres_finding_workflow_store(postgres_dsn), PostgresFindingWorkflowStore
    )
    assert isinstance(await get_postgres_integration_store(postgres_dsn), PostgresIntegrationStore)
    assert isinstance(await get_sqlite_finding_workflow_store(), SQLiteFindingWorkflowStore)
    assert (tmp_path / "data" / "aragora.db").is_file()
    other = await get_sqlite_integration_store(tmp_path / "other.db")
    assert isinstance(other, SQLiteIntegrationStore)
    for store in (PostgresFindingWorkflowStore(pool), SQLiteFindingWorkflowStore(":memory:")):
        await store.initialize()
        await store.create("f1")
        assert await store.get_finding("f1") is not None


@pytest.mark.parametrize(
    "table",
    [
        "finding_workflows (finding_id TEXT PRIMARY KEY, current_state TEXT, data_json TEXT)",
        "integrations (id TEXT PRIMARY KEY, name TEXT, credentials TEXT)",
    ],
)
async def test_tables_of_an_older_system_are_not_taken_for_ours(
    open_database: OpenDatabase, table: str
) -> None:
    database = await open_database()
    names = ("finding_links", "finding_history", "finding_workflows", "integrations")
    for name in names:
        await run(database, f"DROP TABLE {name}")
    await run(database, "DELETE FROM _schema_versions")
    await run(database, f"CREATE TABLE {table}")
    kind = (
        (SQLiteIntegrationStore, PostgresIntegrationStore)
        if table.startswith("integrations")
        else (SQLiteFindingWorkflowStore, PostgresFindingWorkflowStore)
    )[database.dialect == "postgres"]
    with pytest.raises(SchemaMismatchError, match=f"a table '{table.split()[0]}' of another"):
        await kind(database).initialize()  # type: ignore[arg-type]
