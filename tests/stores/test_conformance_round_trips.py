"""How often a call of each store waits for the server, once the connection knows its statements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.session_state import changes_postgres_session
from aragora_sql.errors import InvalidInputError
from aragora_sql.queries.files import packaged_sql_dir, read_queries
from aragora_sql.stores import STORES, StoreEntry
from tests.proxy import CountingProxy
from tests.stores.conformance import CASES, cases, each_store, exported, initialized


@pytest.fixture
async def counted(counted_postgres: CountingProxy) -> AsyncIterator[PostgresDatabase]:
    """A database of one connection behind the proxy that counts."""
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    yield database
    await database.close()


async def trips(proxy: CountingProxy, call: Callable[[], Awaitable[Any]]) -> int:
    """Return the number of round trips of a call that was made before."""
    await call()
    proxy.reset()
    await call()
    return proxy.round_trips


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        pytest.param(entry, name, id=f"{entry.name}-{name}")
        for entry in STORES
        if entry.name in CASES
        for name in CASES[entry.name].round_trips
    ],
)
async def test_round_trips(
    entry: StoreEntry, name: str, counted: PostgresDatabase, counted_postgres: CountingProxy
) -> None:
    given = cases(entry)
    store = await initialized(entry, counted)
    kept = await given.prepare(store)
    expected, call, at_most = given.round_trips[name]
    found = await trips(counted_postgres, lambda: call(store, kept))
    if at_most:
        assert 0 < found <= expected
    else:
        assert found == expected


@each_store
async def test_bad_input_never_reaches_the_server(
    entry: StoreEntry, counted: PostgresDatabase, counted_postgres: CountingProxy
) -> None:
    given = cases(entry)
    store = await initialized(entry, counted)
    await given.prepare(store)
    counted_postgres.reset()
    for argument, call in given.refused.items():
        with pytest.raises(InvalidInputError) as caught:
            await call(store)
        assert caught.value.argument.startswith(argument)
    for call in given.free_calls.values():
        await call(store)
    assert counted_postgres.round_trips == 0


@each_store
async def test_a_pool_of_the_application_costs_no_more_than_its_reset(
    entry: StoreEntry, counted: PostgresDatabase, counted_postgres: CountingProxy
) -> None:
    """asyncpg's pool resets a connection at its release, in a round trip of its own."""
    given = cases(entry)
    own = await initialized(entry, counted)
    async with asyncpg.create_pool(counted_postgres.dsn, min_size=1, max_size=1) as pool:
        pooled = exported(entry.postgres_class)(pool)
        for call in (given.count, given.add):
            # what is new takes another way in some stores
            await call(own)
            least = await trips(counted_postgres, partial(call, own))
            most = await trips(counted_postgres, partial(call, pooled))
            assert least < most <= 2 * least


@each_store
def test_no_query_makes_the_pool_reset_its_session(entry: StoreEntry) -> None:
    """That would be a round trip more for each unit of work."""
    path = packaged_sql_dir() / "postgres" / entry.name / "queries.sql"
    queries = read_queries(path, "postgres")
    assert [name for name, one in queries.items() if changes_postgres_session(one.sql)] == []
