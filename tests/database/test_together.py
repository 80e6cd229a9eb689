"""Statements that are sent together."""

from __future__ import annotations

from typing import Any

import pytest

from aragora_sql.database import Database, Statement
from aragora_sql.database.together import Together
from aragora_sql.errors import DuplicateKeyError
from tests.stores.samples import fetch, fetch_value, run

MARKS = {"postgres": ("$1",), "sqlite": (":number",)}


def insert(database: Database, name: str) -> Statement:
    (mark,) = MARKS[database.dialect]
    sql = f"INSERT INTO numbers (number) VALUES ({mark})"
    return Statement(name, f"{sql} RETURNING 1" if database.dialect == "postgres" else sql)


def rows(database: Database, *numbers: int) -> list[Any]:
    if database.dialect == "postgres":
        return [[number] for number in numbers]
    return [{"number": number} for number in numbers]


async def test_statements_run_in_their_order_and_each_is_counted(database: Database) -> None:
    await run(database, "CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    async with database.transaction() as connection:
        together = Together(connection)
        assert await together.execute_many(insert(database, "one"), rows(database, 1, 2)) == 0
        await together.execute_many(insert(database, "two"), rows(database, 3))
        assert await together.run() == [2, 1]
        assert await together.run() == []
    assert await fetch_value(database, "SELECT count(*) FROM numbers") == 3


async def test_the_statement_that_fails_is_named_and_ends_the_transaction(
    database: Database,
) -> None:
    await run(database, "CREATE TABLE numbers (number INTEGER PRIMARY KEY)")

    async def store() -> None:
        async with database.transaction() as connection:
            together = Together(connection)
            for name, number in (("first", 1), ("second", 1), ("third", 2)):
                await together.execute_many(insert(database, name), rows(database, number))
            await together.run()

    with pytest.raises(DuplicateKeyError, match="second"):
        await store()
    assert await fetch_value(database, "SELECT count(*) FROM numbers") == 0


async def test_run_whole_keeps_all_of_it_or_nothing(database: Database) -> None:
    await run(database, "CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    (mark,) = MARKS[database.dialect]
    returning = " RETURNING 1" if database.dialect == "postgres" else ""
    delete = Statement("delete", f"DELETE FROM numbers WHERE number = {mark}{returning}")

    async def write(numbers: list[int], gone: list[int]) -> bool:
        async with database.connection() as connection:
            together = Together(connection)
            await together.execute_many(insert(database, "insert"), rows(database, *numbers))
            await together.execute_many(delete, rows(database, *gone))
            return await together.run_whole()

    async def numbers() -> list[int]:
        return [row["number"] for row in await fetch(database, "SELECT number FROM numbers")]

    assert await write([1, 2], [1])
    assert await numbers() == [2]
    # there is no 9
    assert not await write([3, 4], [4, 9])
    assert await numbers() == [2]
    with pytest.raises(DuplicateKeyError, match="insert"):
        await write([5, 2], [])
    assert await numbers() == [2]
    async with database.transaction():
        assert not await write([6], [9])
        assert await write([7], [2])
    assert await numbers() == [7]


async def test_run_each_runs_within_a_transaction_and_without(database: Database) -> None:
    await run(database, "CREATE TABLE numbers (number INTEGER PRIMARY KEY)")

    async def write(first: list[int], second: list[int]) -> list[int]:
        async with database.connection() as connection:
            together = Together(connection)
            await together.execute_many(insert(database, "first"), rows(database, *first))
            await together.execute_many(insert(database, "second"), rows(database, *second))
            return await together.run_each()

    assert await write([1, 2], [3]) == [2, 1]
    async with database.transaction():
        assert await write([4], [5, 6]) == [1, 2]
    with pytest.raises(DuplicateKeyError, match="second"):
        await write([7], [8, 1])
    # What was before the statement that failed may be there; nothing of that statement is.
    found = {row["number"] for row in await fetch(database, "SELECT number FROM numbers")}
    assert found - {7} == {1, 2, 3, 4, 5, 6}
