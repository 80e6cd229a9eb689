"""The same fault is the same exception on both engines, and the next call works."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import (
    CheckViolationError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseTimeoutError,
    DuplicateKeyError,
    IntegrityError,
    InvalidInputError,
    LockTimeoutError,
    MissingParentError,
    NotNullViolationError,
    PoolTimeoutError,
    StatementTimeoutError,
)
from aragora_sql.settings import PostgresDSN
from tests.conftest import OpenDatabase
from tests.database.items import Items
from tests.database.waiting import until


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("a", 1, None), DuplicateKeyError),
        (("b", 1, "nobody"), MissingParentError),
        (("b", -1, None), CheckViolationError),
        (("b", None, None), NotNullViolationError),
    ],
)
@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_broken_rule_of_the_schema(
    items: Items,
    arguments: tuple[str, int | None, str | None],
    kind: type[IntegrityError],
    in_transaction: bool,
) -> None:
    await items.add("a")
    with pytest.raises(IntegrityError) as caught:  # noqa: PT012 - the block is what is tested
        if in_transaction:
            async with items.database.transaction():
                await items.add(*arguments)
        else:
            await items.add(*arguments)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("items.add: ")
    assert isinstance(caught.value.__cause__, asyncpg.PostgresError | sqlite3.Error)
    assert await items.ids() == ["a"]
    await items.add("b")


async def test_a_parent_that_is_still_needed_cannot_go(items: Items) -> None:
    await items.add("a")
    await items.add("b", parent="a")
    async with items.database.connection() as connection:
        with pytest.raises(MissingParentError):
            await connection.run_script("remove", "DELETE FROM items WHERE id = 'a'")
    assert await items.ids() == ["a", "b"]


@pytest.mark.parametrize("size", ["many", 2**70, object()])
async def test_a_value_of_the_wrong_type(items: Items, size: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await items.add("a", size)
    assert str(caught.value).startswith("items.add: ")
    assert await items.ids() == []


async def test_sql_that_the_engine_does_not_understand_names_the_query(items: Items) -> None:
    async with items.database.connection() as connection:
        with pytest.raises(DatabaseError, match=r"^broken: ") as caught:
            await connection.run_script("broken", "SELECT FROM WHERE")
    assert isinstance(caught.value.__cause__, asyncpg.PostgresError | sqlite3.Error)


@pytest.mark.parametrize("writing", [False, True])
async def test_a_statement_that_takes_too_long_is_stopped(
    items: Items, open_database: OpenDatabase, items_tree: Path, writing: bool
) -> None:
    await items.add("a")
    impatient = Items.on(await open_database(statement_timeout=0.2), items_tree)
    with pytest.raises(StatementTimeoutError, match=r"items\.dawdle"):
        await impatient.dawdle(writing=writing)
    assert await impatient.size("a") == 0
    await impatient.grow("a")
    assert impatient.database.metrics().in_use == 0


@pytest.fixture
async def impatient(
    location: str | Path, open_database: OpenDatabase, items_tree: Path
) -> AsyncIterator[Items]:
    """The items on a database that waits for a lock no longer than 0.2 seconds."""
    if isinstance(location, Path):
        yield Items.on(await open_database(busy_timeout=0.2), items_tree)
        return
    dsn = PostgresDSN.parse(location)
    dsn = replace(dsn, options=(*dsn.options, ("lock_timeout", "200")))
    database = await PostgresDatabase.connect(dsn, 1, 2)
    yield Items.on(database, items_tree)
    await database.close()


async def test_a_lock_that_another_connection_holds_is_not_waited_for_for_ever(
    items: Items, impatient: Items
) -> None:
    await items.add("a")
    async with items.database.transaction():
        await items.grow("a")
        with pytest.raises(LockTimeoutError) as caught:
            await impatient.grow("a")
        assert isinstance(caught.value, TimeoutError)
        with pytest.raises(LockTimeoutError):
            async with impatient.database.transaction():
                await impatient.grow("a")
        assert await impatient.size("a") == 0
    await impatient.grow("a")
    assert await items.size("a") == 2


async def test_a_full_database_object_is_not_waited_for_for_ever(
    items: Items, open_database: OpenDatabase, items_tree: Path
) -> None:
    sqlite = items.database.dialect == "sqlite"
    options = (
        {"readers": 1, "busy_timeout": 0.2}
        if sqlite
        else {
            "min_size": 0,
            "max_size": 1,
            "acquire_timeout": 0.2,
        }
    )
    small = Items.on(await open_database(**options), items_tree)
    held = small.database.read()
    await asyncio.create_task(held.__aenter__())
    with pytest.raises(PoolTimeoutError) as caught:
        await small.ids()
    assert isinstance(caught.value, DatabaseTimeoutError)
    await held.__aexit__(None, None, None)
    assert await small.ids() == []


async def test_who_waits_gets_the_connection_that_becomes_free(
    items: Items, open_database: OpenDatabase, items_tree: Path
) -> None:
    options = {"readers": 1} if items.database.dialect == "sqlite" else {"max_size": 1}
    small = Items.on(await open_database(**options), items_tree)
    held = small.database.read()
    await asyncio.create_task(held.__aenter__())
    waiting = [asyncio.create_task(small.ids()) for _ in range(5)]
    await until(lambda: small.database.metrics().waiting == 5)
    # One that gives up does not take the place of another.
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    assert small.database.metrics().waiting == 4
    await held.__aexit__(None, None, None)
    async with asyncio.timeout(20):
        assert await asyncio.gather(*waiting[1:]) == [[]] * 4
    assert small.database.metrics().waiting == 0


async def test_a_closed_database_says_so(items: Items) -> None:
    await items.database.close()
    await items.database.close()
    for call in (items.ids(), items.add("a")):
        with pytest.raises(DatabaseClosedError):
            await call
    with pytest.raises(DatabaseClosedError):
        async with items.database.transaction():
            pass


async def test_closing_waits_for_who_is_at_work(items: Items) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with items.database.transaction():
            await items.add("a")
            inside.set()
            await asyncio.sleep(0)
            await items.add("b")

    task = asyncio.create_task(work())
    await inside.wait()
    await items.database.close()
    await task


WRITE_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from tests.database.items import Items

async def main(place, tree):
    if place.startswith("postgresql:"):
        database = await PostgresDatabase.connect(place, 1, 2)
    else:
        database = SQLiteDatabase(place)
    items = Items.on(database, Path(tree))
    await items.add("kept")
    async with database.transaction():
        await items.add("lost")
        await items.grow("kept")
        print("inside", flush=True)
        sys.stdin.read()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def test_a_killed_process_leaves_what_it_committed_and_no_lock(
    items: Items, location: str | Path, items_tree: Path, pytestconfig: pytest.Config
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITE_AND_WAIT, str(location), str(items_tree)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=pytestconfig.rootpath,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"inside\n"
    process.kill()
    await process.wait()
    await items.grow("kept")
    assert (await items.ids(), await items.size("kept")) == (["kept"], 1)
