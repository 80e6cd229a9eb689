"""Transactions with an idempotency key: committed once, however often they are run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.database.keys import LONGEST_KEY, Key
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    AlreadyCommittedError,
    CommitOutcomeUnknownError,
    DatabaseUseError,
    InvalidInputError,
)
from aragora_sql.schema import initialize_store, verify_schema
from tests.conftest import OpenDatabase
from tests.database.items import Items
from tests.database.waiting import outside
from tests.proxy import CountingProxy
from tests.stores.samples import run


@pytest.fixture
async def keyed(items: Items) -> Items:
    """The items, in a database where stores were initialized."""
    await initialize_store(items.database, "sharing")
    return items


async def kept_keys(database: Database) -> list[str]:
    rows = await _fetch(database, "SELECT idempotency_key FROM _transaction_keys ORDER BY 1")
    return [str(row["idempotency_key"]) for row in rows]


async def _fetch(database: Database, sql: str) -> list[dict[str, object]]:
    from aragora_sql.database import Statement

    async with database.read() as connection:
        return await connection.fetch_all(
            Statement("look", sql), () if database.dialect == "postgres" else {}
        )


async def test_a_key_that_was_committed_is_not_begun_again(keyed: Items) -> None:
    database = keyed.database
    before = datetime.now(UTC)
    async with database.transaction(key="order 17"):
        await keyed.add("a")
    with pytest.raises(AlreadyCommittedError, match="'order 17' was committed already") as caught:
        async with database.transaction(key="order 17"):
            pytest.fail("the block was entered")
    assert caught.value.key == "order 17"
    assert caught.value.taken_at is not None
    assert abs(caught.value.taken_at - before) < timedelta(minutes=1)
    # Another key is another matter, and so is none; the connection is as good as before.
    async with database.transaction(key="order 18"):
        await keyed.add("b")
    await keyed.add("c")
    assert await keyed.ids() == ["a", "b", "c"]
    assert await kept_keys(database) == ["order 17", "order 18"]


async def test_what_was_rolled_back_leaves_no_key(keyed: Items) -> None:
    database = keyed.database

    async def fail() -> None:
        async with database.transaction(key="k"):
            await keyed.add("a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await kept_keys(database) == []
    async with database.transaction(key="k"):
        await keyed.add("a")
    assert await keyed.ids() == ["a"]


@pytest.mark.parametrize("is_kept", [True, False])
async def test_the_second_of_two_at_once_waits_for_the_first(
    keyed: Items, open_database: OpenDatabase, is_kept: bool
) -> None:
    database, other = keyed.database, await open_database()
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.transaction(key="k"):
            await keyed.add("first")
            has_begun.set()
            await may_end.wait()
            if not is_kept:
                raise ZeroDivisionError

    async def second() -> str:
        try:
            async with other.transaction(key="k") as connection:
                await keyed.queries.add(connection, id="second", size=0, parent=None)
        except AlreadyCommittedError:
            return "already"
        return "done"

    one = outside(first())
    await has_begun.wait()
    two = outside(second())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not two.done()
    may_end.set()
    if is_kept:
        await one
    else:
        with pytest.raises(ZeroDivisionError):
            await one
    assert await two == ("already" if is_kept else "done")
    assert await keyed.ids() == (["first"] if is_kept else ["second"])


async def test_many_at_once_are_done_once(keyed: Items, open_database: OpenDatabase) -> None:
    databases = [keyed.database, *[await open_database() for _ in range(3)]]

    async def once(database: Database) -> bool:
        try:
            async with database.transaction(key="k") as connection:
                await keyed.queries.add(connection, id="a", size=0, parent=None)
        except AlreadyCommittedError:
            return False
        return True

    done = await asyncio.gather(*(once(databases[number % 4]) for number in range(20)))
    assert sum(done) == 1


async def test_a_key_belongs_to_the_outermost_transaction(keyed: Items) -> None:
    database = keyed.database
    async with database.transaction():
        await keyed.add("a")
        with pytest.raises(DatabaseUseError, match=r"'k'\) is inside another transaction"):
            async with database.transaction(key="k"):
                pytest.fail("the block was entered")
    # Nothing is wrong with a connection that is held without one, nor with a nested transaction.
    async with database.connection():
        async with database.transaction(key="k"), database.transaction():
            await keyed.add("b")
        await keyed.add("c")
        with pytest.raises(AlreadyCommittedError):
            async with database.transaction(key="k"):
                pytest.fail("the block was entered")
        await keyed.add("d")
    assert await kept_keys(database) == ["k"]
    ids = await keyed.ids()
    assert ids[-3:] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "must not be empty"),
        (" \n", "must not be empty"),
        ("k" * (LONGEST_KEY + 1), "at most 200 characters, not 201"),
        ("a\x00b", "NUL"),
        ("\ud800", "surrogate"),
        (17, "must be text, not int"),
        (b"k", "must be text, not bytes"),
    ],
)
async def test_bad_keys(database: Database, key: object, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as caught:
        database.transaction(key=key)  # type: ignore[arg-type]
    assert caught.value.argument == "key"

    async def never() -> None:
        pytest.fail("it was called")

    with pytest.raises(InvalidInputError, match=problem):
        await database.retrying(never, key=key)  # type: ignore[arg-type]


async def test_the_longest_key(keyed: Items) -> None:
    key = "🔑" * LONGEST_KEY
    async with keyed.database.transaction(key=key):
        await keyed.add("a")
    with pytest.raises(AlreadyCommittedError):
        async with keyed.database.transaction(key=key):
            pytest.fail("the block was entered")


async def test_a_key_is_of_no_tenant(database: Database) -> None:
    with pytest.raises(InvalidInputError, match="keys are of no tenant"):
        database.transaction(key="k", tenant="t")


async def test_expired_keys_are_forgotten_by_the_clock_of_the_database(
    keyed: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = keyed.database
    for key in ("old 1", "old 2", "young"):
        async with database.transaction(key=key):
            pass
    await run(
        database,
        "UPDATE _transaction_keys SET expires_at = '2020-01-01T00:00:00.000000Z' "
        "WHERE idempotency_key LIKE 'old%'",
    )
    # One that has expired is as good as new, whether it was deleted or not.
    monkeypatch.setattr(Key, "_next_sweep", float("inf"))
    async with database.transaction(key="old 1"):
        await keyed.add("a")
    assert await kept_keys(database) == ["old 1", "old 2", "young"]
    monkeypatch.setattr(Key, "_next_sweep", 0.0)
    async with database.transaction(key="another"):
        pass
    assert await kept_keys(database) == ["another", "old 1", "young"]
    with pytest.raises(AlreadyCommittedError):
        async with database.transaction(key="old 1"):
            pytest.fail("the block was entered")


async def test_a_database_of_an_earlier_release_gets_the_table(database: Database) -> None:
    await initialize_store(database, "sharing")
    await run(database, "DROP TABLE _transaction_keys")
    missing = await verify_schema(database)
    assert any("_transaction_keys" in str(one) for one in missing)
    await initialize_store(database, "sharing")
    async with database.transaction(key="k"):
        pass
    assert await kept_keys(database) == ["k"]
    assert not any("_transaction_keys" in str(one) for one in await verify_schema(database))


# What the keys are for


async def test_a_retry_finds_out_what_became_of_a_commit_without_an_answer(
    counted_postgres: CountingProxy, postgres_dsn: str, items_tree: Path
) -> None:
    """A caller that runs it again by itself."""
    direct = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    await initialize_store(direct, "sharing")
    watching = await Items.create(direct, items_tree)
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    items = Items.on(database, items_tree)

    async def work(before_commit: Callable[[], None]) -> None:
        async with database.transaction(key="k"):
            await items.add("a")
            before_commit()

    task = asyncio.create_task(work(lambda: counted_postgres.stall(replies_only=True)))
    async with asyncio.timeout(20):
        while await watching.ids() != ["a"]:
            pass
    await counted_postgres.drop()
    counted_postgres.resume()
    with pytest.raises(CommitOutcomeUnknownError):
        await task
    with pytest.raises(AlreadyCommittedError):
        await work(lambda: None)
    assert await watching.ids() == ["a"]
    # The other way: the commit never arrived.
    await watching.clear()
    await run(direct, "DELETE FROM _transaction_keys")
    is_held_back = asyncio.Event()

    def hold_back() -> None:
        counted_postgres.stall()
        is_held_back.set()

    task = asyncio.create_task(work(hold_back))
    await is_held_back.wait()
    # Nothing but the event loop is between the end of the block and the commit.
    for _ in range(100):
        await asyncio.sleep(0)
    await counted_postgres.drop()
    counted_postgres.resume()
    with pytest.raises(CommitOutcomeUnknownError):
        await task
    await work(lambda: None)
    assert await watching.ids() == ["a"]
    await database.close()
    await direct.close()
