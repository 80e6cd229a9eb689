"""Calls of every store join transactions: all of it is there, or nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from aragora_sql.database import Database
from aragora_sql.stores import STORES, StoreEntry
from tests.conftest import OpenDatabase
from tests.stores.conformance import CASES, cases, each_store, initialized, some_stores
from tests.stores.samples import row_counts


class ApplicationError(Exception):
    """What goes wrong in the application, not in the database."""


@each_store
async def test_a_unit_is_committed_whole_or_not_at_all(
    entry: StoreEntry, database: Database
) -> None:
    given, store = cases(entry), await initialized(entry, database)
    with suppress(ApplicationError):
        async with database.transaction():
            await given.add(store)
            assert await given.count(store) == 1
            raise ApplicationError
    assert await row_counts(database) == {}
    async with database.transaction():
        await given.add(store)
        await given.add(store)
    assert await given.count(store) == 2


@some_stores
async def test_a_nested_unit_is_rolled_back_alone(entry: StoreEntry, database: Database) -> None:
    given, store = cases(entry), await initialized(entry, database)
    async with database.transaction():
        await given.add(store)
        with suppress(ApplicationError):
            async with database.transaction():
                await given.add(store)
                raise ApplicationError
    assert await given.count(store) == 1


@some_stores
async def test_nobody_else_sees_half_a_unit(entry: StoreEntry, database: Database) -> None:
    given, store = cases(entry), await initialized(entry, database)
    written, seen = asyncio.Event(), asyncio.Event()

    async def look() -> int:
        await written.wait()
        try:
            return await given.count(store)
        finally:
            seen.set()

    looking = asyncio.create_task(look())
    async with database.transaction():
        await given.add(store)
        written.set()
        await seen.wait()
    assert await looking == 0
    assert await given.count(store) == 1


@some_stores
async def test_a_cancelled_unit_is_rolled_back(entry: StoreEntry, database: Database) -> None:
    given, store = cases(entry), await initialized(entry, database)
    written = asyncio.Event()

    async def work() -> None:
        async with database.transaction():
            await given.add(store)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await row_counts(database) == {}
    await given.add(store)
    assert await given.count(store) == 1


@each_store
async def test_a_cancelled_call_is_done_or_leaves_nothing(
    entry: StoreEntry, database: Database
) -> None:
    """Cancelled after each number of turns of the event loop, from none to all that it takes."""
    given, store = cases(entry), await initialized(entry, database)
    finished, turns, stored = False, 0, 0
    while not finished:
        task = asyncio.ensure_future(given.add(store))
        for _ in range(turns):
            await asyncio.sleep(0)
        finished = task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        count = await given.count(store)
        assert count in {stored, stored + 1}, turns
        stored = count
        turns += 1 + turns // 4
    assert stored > 0
    assert turns > 3
    assert database.metrics().in_use == 0


@each_store
async def test_instances_that_write_at_once_lose_nothing(
    entry: StoreEntry, open_database: OpenDatabase
) -> None:
    given = cases(entry)
    stores = [await initialized(entry, await open_database()) for _ in range(2)]
    await asyncio.gather(*(given.add(stores[number % 2]) for number in range(40)))
    assert [await given.count(store) for store in stores] == [40, 40]


async def test_all_stores_together_are_one_unit(database: Database) -> None:
    stores = {entry.name: await initialized(entry, database) for entry in STORES}
    with suppress(ApplicationError):
        async with database.transaction():
            for name, store in stores.items():
                await CASES[name].add(store)
            raise ApplicationError
    assert await row_counts(database) == {}
    async with database.transaction():
        for name, store in stores.items():
            await CASES[name].add(store)
    assert {name: await CASES[name].count(store) for name, store in stores.items()} == (
        dict.fromkeys(stores, 1)
    )
