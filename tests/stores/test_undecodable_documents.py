"""One stored document that Python can't decode: the error names its row and column."""

from __future__ import annotations

import pytest

from aragora_sql import (
    ConsensusMemory,
    Database,
    FindingWorkflowStore,
    IntegrationConfig,
    IntegrationStore,
    PostgresDatabase,
)
from aragora_sql.database import Statement
from aragora_sql.errors import UnreadableValueError
from tests.stores.samples import fetch_value, run

DIGITS = "[" + "9" * 5000 + "]"
NAMED = "{} {!r}, column {}: a stored value is not a JSON document that Python can hold"


async def test_a_list_of_debates_names_the_row(database: Database) -> None:
    store = ConsensusMemory(database)
    await store.initialize()
    stored = [
        await store.store_consensus(f"topic {n}", "c", "strong", 0.5, ["a"], ["a"])
        for n in range(3)
    ]
    bad, good = stored[1].id, stored[0].id
    await run(database, f"UPDATE consensus SET key_claims = '{DIGITS}' WHERE id = '{bad}'")
    for read in (store.get_recent, lambda: store.get_consensus(bad)):
        with pytest.raises(UnreadableValueError) as caught:
            await read()
        assert NAMED.format("row of id", bad, "key_claims") in str(caught.value)
        assert "9" * 20 not in str(caught.value)
    # The connection is as good as before, within a transaction as well.
    async with database.transaction():
        with pytest.raises(UnreadableValueError, match=bad):
            async with database.transaction():
                await store.get_recent()
        assert (await store.get_consensus(good)) is not None
    await run(database, f"UPDATE consensus SET key_claims = '[]' WHERE id = '{bad}'")
    assert len(await store.get_recent()) == 3


async def test_what_a_function_does_is_done_once(postgres_database: PostgresDatabase) -> None:
    await run(postgres_database, "CREATE TABLE seen (id integer)")
    await run(
        postgres_database,
        "CREATE FUNCTION read_document() RETURNS jsonb LANGUAGE sql AS "
        f"$$INSERT INTO seen VALUES (1); SELECT '{DIGITS}'::jsonb$$",
    )
    reading = Statement("test.read", "SELECT 7 AS id, read_document() AS document")
    async with postgres_database.connection() as connection:
        with pytest.raises(UnreadableValueError, match=r"row of id 7, column document"):
            await connection.fetch_all(reading, ())
    assert await fetch_value(postgres_database, "SELECT count(*) FROM seen") == 1
    async with postgres_database.transaction():
        with pytest.raises(UnreadableValueError, match=r"row of id 7, column document"):
            async with postgres_database.transaction() as connection:
                await connection.fetch_one(reading, ())
    assert await fetch_value(postgres_database, "SELECT count(*) FROM seen") == 1


async def test_findings_name_the_row(database: Database) -> None:
    store = FindingWorkflowStore(database)
    await store.initialize()
    await store.create("f-1")
    document = f'{{"n": {DIGITS}}}'
    await run(database, f"UPDATE finding_workflows SET extra = '{document}'")
    with pytest.raises(UnreadableValueError, match=r"workflow\..*'f-1'.*column extra: "):
        await store.get("f-1")


async def test_integrations_name_the_row(database: Database) -> None:
    store = IntegrationStore(database)
    await store.initialize()
    await store.save(IntegrationConfig(integration_type="slack", user_id="u-1"))
    document = f'{{"n": {DIGITS}}}'
    await run(database, f"UPDATE integrations SET settings = '{document}'")
    with pytest.raises(UnreadableValueError, match=r"integrations\..*'u-1'.*column settings: "):
        await store.list_for_user("u-1")
