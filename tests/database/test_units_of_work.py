"""Units of work: what is kept, what is undone, and who takes part."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import DatabaseError, DatabaseUseError, DuplicateKeyError
from tests.conftest import OpenDatabase
from tests.database.cancelling import cancel_at
from tests.database.items import Items
from tests.database.waiting import until


class StopError(Exception):
    """Raised by the tests inside a block."""


# Kept or undone


async def test_a_transaction_is_kept_when_its_block_ends(items: Items) -> None:
    async with items.database.transaction():
        await items.add("a")
        await items.add("b")
    assert await items.ids() == ["a", "b"]


async def test_an_exception_undoes_all_and_arrives_as_it_is(items: Items) -> None:
    error = StopError("stop")
    with pytest.raises(StopError) as caught:  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            await items.add("a")
            raise error
    assert caught.value is error
    assert await items.ids() == []


async def test_an_error_of_the_database_undoes_all(items: Items) -> None:
    with pytest.raises(DuplicateKeyError):
        async with items.database.transaction():
            await items.add_each(["a", "b", "a"])
    assert await items.ids() == []


async def test_a_cancellation_undoes_all(items: Items) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with items.database.transaction():
            await items.add("a")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await until(inside.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await items.ids() == []
    await items.add("a")


async def test_a_cancelled_statement_undoes_all(items: Items) -> None:
    async def work() -> None:
        async with items.database.transaction():
            await items.add("a")
            async with asyncio.timeout(0.05):
                await items.dawdle(writing=True)

    with pytest.raises(TimeoutError):
        await work()
    assert await items.ids() == []
    assert items.database.metrics().in_use == 0


async def test_without_a_transaction_each_statement_is_kept_by_itself(items: Items) -> None:
    with pytest.raises(DuplicateKeyError):
        await items.add_each(["a", "b", "a", "c"])
    assert await items.ids() == ["a", "b"]


async def test_others_see_nothing_before_the_end(
    items: Items, open_database: OpenDatabase, items_tree: Path
) -> None:
    others = Items.on(await open_database(), items_tree)
    async with items.database.transaction():
        await items.add("a")
        assert await items.ids() == ["a"]
        assert await others.ids() == []
    assert await others.ids() == ["a"]


async def test_another_task_sees_nothing_before_the_end(items: Items) -> None:
    inside, looked = asyncio.Event(), asyncio.Event()

    async def look() -> list[str]:
        await until(inside.is_set)
        try:
            return await items.ids()
        finally:
            looked.set()

    outside = asyncio.create_task(look())
    async with items.database.transaction():
        await items.add("a")
        inside.set()
        await until(looked.is_set)
    assert await outside == []


async def test_stores_share_a_transaction(items: Items, items_tree: Path) -> None:
    others = Items.on(items.database, items_tree)
    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            await items.add("a")
            await others.add("b", parent="a")
            raise StopError
    assert await items.ids() == []


async def test_databases_over_one_pool_share_a_transaction(
    postgres_database: PostgresDatabase, items_tree: Path
) -> None:
    items = await Items.create(postgres_database, items_tree)
    others = Items.on(PostgresDatabase(postgres_database.pool), items_tree)
    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            await items.add("a")
            await others.add("b", parent="a")
            raise StopError
    assert await items.ids() == []


async def test_another_database_does_not_take_part(
    items: Items, items_tree: Path, tmp_path: Path
) -> None:
    elsewhere = await Items.create(SQLiteDatabase(tmp_path / "other.db"), items_tree)
    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            await items.add("a")
            await elsewhere.add("b")
            raise StopError
    assert (await items.ids(), await elsewhere.ids()) == ([], ["b"])
    await elsewhere.database.close()


# Nested


async def test_a_nested_transaction_can_fail_alone(items: Items) -> None:
    async with items.database.transaction():
        await items.add("a")
        with pytest.raises(DuplicateKeyError):
            async with items.database.transaction():
                await items.add_each(["b", "a"])
        await items.add("c")
    assert await items.ids() == ["a", "c"]


async def test_a_nested_transaction_is_undone_with_the_outer_one(items: Items) -> None:
    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            async with items.database.transaction():
                await items.add("a")
            raise StopError
    assert await items.ids() == []


async def test_transactions_nest_deeply(items: Items) -> None:
    async def descend(depth: int) -> None:
        async with items.database.transaction():
            await items.add(f"{depth}")
            if depth < 6:
                await descend(depth + 1)
            if depth == 4:
                raise StopError

    async with items.database.transaction():
        with pytest.raises(StopError):
            await descend(2)
        await descend(5)
    assert await items.ids() == ["5", "6"]


async def test_a_transaction_in_a_plain_unit_is_a_transaction(items: Items) -> None:
    async with items.database.connection():
        await items.add("kept")
        with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
            async with items.database.transaction():
                await items.add("a")
                raise StopError
        async with items.database.transaction():
            await items.add("b")
        await items.add("c")
    assert await items.ids() == ["b", "c", "kept"]


async def test_a_cancelled_nested_transaction_can_be_caught(items: Items) -> None:
    async with items.database.transaction():
        await items.add("a")
        with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what is tested
            async with asyncio.timeout(None) as limit, items.database.transaction():
                await items.add("b")
                limit.reschedule(0)
                await asyncio.Event().wait()
        await items.add("c")
    assert await items.ids() == ["a", "c"]


# A failed statement


async def test_after_a_caught_error_nothing_is_kept_and_the_block_says_so(items: Items) -> None:
    with pytest.raises(DatabaseError, match="nothing of it is kept"):  # noqa: PT012
        async with items.database.transaction():
            await items.add("a")
            with pytest.raises(DuplicateKeyError):
                await items.add("a")
    assert await items.ids() == []


async def test_after_a_caught_error_statements_are_refused(items: Items) -> None:
    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            with pytest.raises(DuplicateKeyError):
                await items.add_each(["a", "a"])
            for call in (items.add("b"), items.ids()):
                with pytest.raises(DatabaseError, match="nothing of it is kept"):
                    await call
            with pytest.raises(DatabaseError, match="nothing of it is kept"):
                async with items.database.transaction():
                    pass
            raise StopError
    assert await items.ids() == []


async def test_after_a_statement_that_was_given_up_nothing_is_kept(items: Items) -> None:
    with pytest.raises(DatabaseError, match="nothing of it is kept"):  # noqa: PT012
        async with items.database.transaction():
            await items.add("a")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await items.dawdle(writing=True)
            with pytest.raises(DatabaseError):
                await items.add("b")
    assert await items.ids() == []


async def test_a_statement_given_up_in_a_nested_transaction_leaves_no_half(items: Items) -> None:
    """SQLite ends the whole transaction then, PostgreSQL only the nested one."""
    kept = True
    try:
        async with items.database.transaction():
            await items.add("a")
            with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what is tested
                async with asyncio.timeout(None) as limit, items.database.transaction():
                    await items.add("b")
                    limit.reschedule(asyncio.get_running_loop().time() + 0.05)
                    await items.dawdle(writing=True)
            await items.add("c")
    except DatabaseError:
        kept = False
    assert await items.ids() == (["a", "c"] if kept else [])
    assert kept or items.database.dialect == "sqlite"


# Who takes part


async def test_tasks_that_are_started_inside_take_part(items: Items) -> None:
    async with items.database.transaction():
        await asyncio.gather(*(items.add(f"{number}") for number in range(10)))
    assert len(await items.ids()) == 10

    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            await asyncio.gather(*(items.grow(f"{number}") for number in range(10)))
            assert await items.size("7") == 1
            raise StopError
    assert await items.size("7") == 0


async def test_nested_transactions_of_many_tasks_take_turns(items: Items) -> None:
    async def add_twice(number: int) -> None:
        async with items.database.transaction():
            await items.add(f"{number} first")
            await asyncio.sleep(0)
            await items.add(f"{number} second", parent=f"{number} first")
            if number % 2:
                raise StopError

    async with items.database.transaction():
        results = await asyncio.gather(*map(add_twice, range(6)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), StopError] * 3
    kept = [f"{number} {which}" for number in (0, 2, 4) for which in ("first", "second")]
    assert await items.ids() == kept


async def test_the_connection_of_an_outer_block_is_refused_inside_a_nested_transaction(
    items: Items,
) -> None:
    """It would wait for the end of the block that waits for it."""
    queries, database = items.queries, items.database
    async with database.transaction() as outer:
        async with database.transaction() as inner:
            with pytest.raises(DatabaseUseError, match=r"use the connection .* as inner"):
                await queries.add(outer, id="never", size=0, parent=None)
            async with database.transaction() as innermost:
                for connection in (outer, inner):
                    with pytest.raises(DatabaseUseError, match="outer block"):
                        await queries.get_size(connection, id="a")
                    with pytest.raises(DatabaseUseError, match="outer block"):
                        await connection.run_script("test", "SELECT 1")
                await queries.add(innermost, id="a", size=0, parent=None)
            # Nor by a task that is started here.
            refused = await asyncio.gather(queries.get_size(outer, id="a"), return_exceptions=True)
            assert [type(error) for error in refused] == [DatabaseUseError]
            await queries.add(inner, id="b", size=0, parent=None)
        # Nothing of it has failed, and it serves again.
        await queries.add(outer, id="c", size=0, parent=None)
    assert await items.ids() == ["a", "b", "c"]


async def test_the_connection_of_a_block_without_a_transaction_is_refused_inside_one(
    items: Items,
) -> None:
    async with items.database.connection() as outer:
        with pytest.raises(DatabaseUseError, match="outer block"):  # noqa: PT012 - as above
            async with items.database.transaction():
                await items.add("undone")
                await items.queries.add(outer, id="never", size=0, parent=None)
        assert await items.queries.get_size(outer, id="undone") is None
        await items.queries.add(outer, id="a", size=0, parent=None)
    assert await items.ids() == ["a"]


async def test_other_tasks_wait_for_a_nested_transaction_with_the_outer_connection(
    items: Items,
) -> None:
    async with items.database.transaction() as outer:
        started = asyncio.Event()

        async def add() -> None:
            started.set()
            await items.queries.add(outer, id="later", size=0, parent=None)

        begin = asyncio.Event()

        async def add_when_told() -> None:
            await begin.wait()
            await add()

        task = asyncio.create_task(add_when_told())
        async with items.database.transaction():
            begin.set()
            await started.wait()
            await items.add("first")
            assert not task.done()
        await task
    assert await items.ids() == ["first", "later"]


async def test_a_cancelled_task_that_waits_its_turn_harms_nobody(items: Items) -> None:
    async with items.database.transaction():
        waiting = asyncio.create_task(items.add("never"))
        async with items.database.transaction():
            await items.add("a")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await items.add("b")
    assert await items.ids() == ["a", "b"]


async def test_a_task_that_still_works_when_the_block_fails_cannot_write_any_more(
    items: Items,
) -> None:
    first_done, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with items.database.connection() as connection:
            await items.queries.add(connection, id="first", size=0, parent=None)
            first_done.set()
            await until(go_on.is_set)
            await items.queries.add(connection, id="second", size=0, parent=None)

    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            task = asyncio.create_task(work())
            await until(first_done.is_set)
            raise StopError
    async with items.database.transaction():
        await items.add("of another transaction")
        go_on.set()
        with pytest.raises(DatabaseError, match="is over"):
            await task
    assert await items.ids() == ["of another transaction"]


async def test_a_task_that_still_works_when_a_nested_block_fails_cannot_write_any_more(
    items: Items,
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with items.database.connection() as connection:
            started.set()
            await until(go_on.is_set)
            await items.queries.add(connection, id="late", size=0, parent=None)

    async with items.database.transaction():
        with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
            async with items.database.transaction():
                task = asyncio.create_task(work())
                await until(started.is_set)
                raise StopError
        go_on.set()
        with pytest.raises(DatabaseError, match="is over"):
            await task
        await items.add("outer")
    assert await items.ids() == ["outer"]


async def test_a_statement_in_progress_is_waited_for_at_the_end(items: Items) -> None:
    rows = [{"id": f"{number:03}", "size": 0} for number in range(500)]
    started = asyncio.Event()

    async def work() -> None:
        async with items.database.connection() as connection:
            started.set()
            await items.queries.add_many(connection, rows)

    async with items.database.transaction():
        task = asyncio.create_task(work())
        await until(started.is_set)
    assert len(await items.ids()) == 500
    await task


async def test_a_block_that_is_cancelled_while_a_task_still_works_is_undone(items: Items) -> None:
    await items.add("a")
    started = asyncio.Event()

    async def dawdle() -> None:
        started.set()
        await items.dawdle(writing=True)

    async def work() -> None:
        async with items.database.transaction():
            await items.grow("a")
            tasks.append(asyncio.create_task(dawdle()))
            await until(started.is_set)

    tasks = [asyncio.create_task(work())]
    await until(started.is_set)
    # The block cannot end while the statement goes on.
    done, _ = await asyncio.wait(tasks, timeout=0.05)
    assert not done
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert tasks[0].cancelled()
    assert await items.size("a") == 0
    await items.grow("a")
    assert items.database.metrics().in_use == 0


async def test_a_task_of_a_nested_block_that_is_over_takes_part_in_the_outer_one(
    items: Items,
) -> None:
    go_on = asyncio.Event()

    async def work() -> None:
        await until(go_on.is_set)
        await items.add("late")

    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            async with items.database.transaction():
                task = asyncio.create_task(work())
            go_on.set()
            await task
            assert await items.ids() == ["late"]
            raise StopError
    assert await items.ids() == []


async def test_a_task_that_outlives_the_block_works_by_itself(items: Items) -> None:
    go_on = asyncio.Event()

    async def work() -> None:
        await until(go_on.is_set)
        await items.add("late")

    with pytest.raises(StopError):  # noqa: PT012 - the block is what is tested
        async with items.database.transaction():
            task = asyncio.create_task(work())
            raise StopError
    go_on.set()
    await task
    assert await items.ids() == ["late"]


async def test_a_block_can_be_entered_and_left_in_two_tasks(items: Items) -> None:
    """As a fixture does whose set-up and tear-down are run by different tasks."""
    block = items.database.transaction()
    connection = await asyncio.create_task(block.__aenter__())
    await items.queries.add(connection, id="a", size=0, parent=None)
    await block.__aexit__(None, None, None)
    assert await items.ids() == ["a"]


async def test_a_block_that_was_not_entered_cannot_be_left(database: Database) -> None:
    with pytest.raises(RuntimeError, match="without having been entered"):
        await database.transaction().__aexit__(None, None, None)


async def test_many_writers_lose_nothing(items: Items) -> None:
    await items.add("a")

    async def grow(number: int) -> None:
        async with items.database.transaction():
            await items.grow("a")
            if number % 4 == 0:
                raise StopError

    results = await asyncio.gather(*map(grow, range(100)), return_exceptions=True)
    assert sum(isinstance(result, StopError) for result in results) == 25
    assert await items.size("a") == 75


# Cancelled anywhere


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
async def test_a_cancellation_anywhere_leaves_all_or_nothing(
    items: Items, late: bool, complaints: list[str]
) -> None:
    async def work() -> None:
        async with items.database.transaction():
            await items.add("a")
            async with items.database.transaction():
                await items.add("b")
            with pytest.raises(DuplicateKeyError):
                async with items.database.transaction():
                    await items.add("a")
            await items.ids()
            await items.add("c")

    place, reached = 1, True
    while reached:
        reached = await cancel_at(work(), place, late=late)
        async with asyncio.timeout(10):
            assert await items.ids() in ([], ["a", "b", "c"]), f"at place {place}"
            await items.clear()
        assert items.database.metrics().in_use == 0
        place += 1
    assert place > 10
    assert complaints == []
