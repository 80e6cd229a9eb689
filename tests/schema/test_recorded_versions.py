"""A database of each recorded version is after its upgrade what a new one is."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.queries.files import packaged_sql_dir, read_sql
from aragora_sql.schema import (
    VERSIONS,
    initialize_store,
    latest_version,
    store_names,
    verify_schema,
)
from aragora_sql.schema.files import schema_text
from aragora_sql.schema.records import record_paths
from tests.schema.conftest import run, value

ROOT = packaged_sql_dir()


@pytest.mark.parametrize(
    "store", [s for s in store_names("postgres", ROOT) if latest_version(s, "postgres", ROOT) > 1]
)
async def test_an_upgraded_store_is_as_verify_wants_it(database: Database, store: str) -> None:
    first = record_paths(store, database.dialect, ROOT)[1]
    await run(database, schema_text(VERSIONS, database.dialect, ROOT))
    await run(database, read_sql(first))
    recorded = f"SELECT version FROM _schema_versions WHERE module = '{store}'"
    assert await value(database, recorded) == 1
    latest = await initialize_store(database, store)
    assert latest == latest_version(store, database.dialect, ROOT)
    assert await verify_schema(database, [store]) == []
