"""The time limit of statements on PostgreSQL: one timer of a connection, whoever runs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aragora_sql.database import Statement
from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.database.time_limits import TimeLimit
from aragora_sql.errors import OutcomeUnknownError, StatementTimeoutError
from tests.proxy import CountingProxy

_ONE = Statement("one", "SELECT 1 AS one")
_SLEEP = Statement("sleep", "SELECT pg_sleep(60)")


@pytest.fixture
async def impatient(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    """A database of one connection whose statements may take half a second."""
    database = await PostgresDatabase.connect(postgres_dsn, 1, 1, statement_timeout=0.5)
    yield database
    await database.close()


async def test_many_statements_need_one_timer(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 1, statement_timeout=60)
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    original = loop.call_at

    def noted(when: float, *arguments: Any, **named: Any) -> asyncio.TimerHandle:
        timers.append(when)
        return original(when, *arguments, **named)

    async with database.connection() as connection:
        await connection.fetch_one(_ONE, ())
        monkeypatch.setattr(loop, "call_at", noted)
        for _ in range(50):
            assert await connection.fetch_one(_ONE, ()) == {"one": 1}
            assert await connection.fetch_all(_ONE, ()) == [{"one": 1}]
            assert await connection.execute(_ONE, ()) == 1
        monkeypatch.undo()
    await database.close()
    assert timers == []


@pytest.mark.parametrize("way", ["fetch_one", "fetch_all", "execute", "execute_many", "script"])
async def test_each_kind_of_statement_is_limited(impatient: PostgresDatabase, way: str) -> None:
    async with impatient.connection() as connection:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "fetch_one": lambda: connection.fetch_one(_SLEEP, ()),
            "fetch_all": lambda: connection.fetch_all(_SLEEP, ()),
            "execute": lambda: connection.execute(_SLEEP, ()),
            "execute_many": lambda: connection.execute_many(_SLEEP, [(), ()]),
            "script": lambda: connection.run_script("sleep", _SLEEP.sql),
        }
        for _ in range(2):
            with pytest.raises(StatementTimeoutError, match=r"^sleep: "):
                await calls[way]()
            assert await connection.fetch_value(_ONE, ()) == 1
        # A statement that has no limit is not stopped by the timer of those before it.
        await connection.run_script("long", "SELECT pg_sleep(0.7)", unlimited=True)
        assert await connection.fetch_value(_ONE, ()) == 1


async def test_a_statement_that_begins_late_has_its_whole_time(impatient: PostgresDatabase) -> None:
    """The timer of an earlier statement is due while it runs."""
    almost = Statement("almost", "SELECT pg_sleep(0.35)")
    async with impatient.connection() as connection:
        for _ in range(3):
            await connection.fetch_one(almost, ())


async def test_a_column_with_the_name_of_a_timestamp_may_hold_text(
    impatient: PostgresDatabase,
) -> None:
    statement = Statement(
        "texts",
        "SELECT 'today' AS created_at, 1 AS number",
        column_kinds={"created_at": "timestamp"},
    )
    async with impatient.connection() as connection:
        row = {"created_at": "today", "number": 1}
        assert await connection.fetch_one(statement, ()) == row
        assert await connection.fetch_all(statement, ()) == [row]


async def test_what_ends_a_transaction_is_limited(
    counted_postgres: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aragora_sql.database.postgres.RELEASE_TIMEOUT", 0.2)
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1, statement_timeout=2)
    transaction = database.transaction()
    connection = await transaction.__aenter__()
    await connection.fetch_one(_ONE, ())
    counted_postgres.stall()
    with pytest.raises(OutcomeUnknownError, match="no answer within the statement timeout"):
        await transaction.__aexit__(None, None, None)
    counted_postgres.resume()
    async with database.transaction() as connection:
        assert await connection.fetch_value(_ONE, ()) == 1
    await database.close()


async def test_the_driver_limits_what_is_called_through_it(impatient: PostgresDatabase) -> None:
    async with impatient.connection() as connection:
        assert isinstance(connection, PostgresConnection)
        with pytest.raises(TimeoutError):
            await connection.raw.fetch("SELECT pg_sleep(60)")
        assert await connection.fetch_value(_ONE, ()) == 1
    async with impatient.pool.acquire() as proxy:
        with pytest.raises(TimeoutError):
            await proxy.fetch("SELECT pg_sleep(60)")
    async with impatient.connection() as connection:
        assert await connection.fetch_value(_ONE, ()) == 1


async def test_who_is_cancelled_is_not_told_of_a_limit() -> None:
    limit = TimeLimit(60)

    async def wait() -> None:
        with limit:
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_and_a_cancellation_at_once_cancel() -> None:
    limit = TimeLimit(0)
    loop = asyncio.get_running_loop()

    async def wait() -> None:
        with limit:
            # Behind the limit's own timer, which is due at once.
            loop.call_later(0, task.cancel)
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_that_is_over_leaves_an_error_as_it_is() -> None:
    limit = TimeLimit(0)

    async def fail() -> None:
        with limit:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise LookupError("while it ended") from None

    task = asyncio.create_task(fail())
    with pytest.raises(LookupError):
        await task
    assert task.cancelling() == 0


async def test_a_limit_is_used_again() -> None:
    limit = TimeLimit(0)
    for _ in range(3):
        with pytest.raises(TimeoutError), limit:
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
