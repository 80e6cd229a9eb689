"""Running units of work again: what may be, what may not, how often and after which pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aragora_sql.database import Database, Retries
from aragora_sql.database.groups import Groups
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import (
    AlreadyCommittedError,
    CommitOutcomeUnknownError,
    ConflictError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseUnavailableError,
    DatabaseUseError,
    DuplicateKeyError,
    InvalidInputError,
    LockTimeoutError,
    OutcomeUnknownError,
    ReadOnlyDatabaseError,
    StatementTimeoutError,
    VersionConflictError,
)
from aragora_sql.schema import initialize_store
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.database.items import SCHEMA, Items
from tests.database.replication import execute
from tests.database.waiting import outside
from tests.proxy import CountingProxy

QUICK = Retries(attempts=20, seconds=20.0, first_pause=0.001, longest_pause=0.05)


def failing(error: Exception, times: int) -> tuple[Callable[[], Awaitable[int]], list[int]]:
    """A function that fails so many times, and the list of its calls."""
    calls: list[int] = []

    async def function() -> int:
        calls.append(len(calls))
        if len(calls) <= times:
            raise error
        return len(calls)

    return function, calls


@pytest.fixture
def quick(database: Database) -> Database:
    """The database of the test, with short pauses."""
    database.retries = QUICK
    return database


# What is run again


async def test_what_had_no_effect_is_run_again(quick: Database) -> None:
    function, calls = failing(ConflictError("deadlock"), 3)
    assert await quick.retrying(function) == 4
    assert len(calls) == 4


@pytest.mark.parametrize(
    "error",
    [ConnectionLostError("gone"), DatabaseUnavailableError("down"), ReadOnlyDatabaseError("no")],
    ids=lambda error: type(error).__name__,
)
async def test_a_server_that_is_replaced(quick: Database, error: DatabaseError) -> None:
    function, calls = failing(error, 2)
    if quick.dialect == "postgres":
        assert await quick.retrying(function) == 3
        return
    with pytest.raises(type(error)) as caught:
        await quick.retrying(function)
    assert "no other server takes the place of a file" in caught.value.__notes__[0]
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (CommitOutcomeUnknownError("?"), "may have taken effect"),
        (OutcomeUnknownError("?"), "may have taken effect"),
        (VersionConflictError("it", 1, 2), "read it again, and decide again"),
        (DatabaseClosedError("closed"), "was closed"),
        (DuplicateKeyError("twice"), "it would fail again"),
        (StatementTimeoutError("slow"), "as long as it may"),
        (LockTimeoutError("held"), "as long as it may"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_is_not_run_again_says_so(
    quick: Database, error: DatabaseError, why: str
) -> None:
    error = copy(error)
    function, calls = failing(error, 1)
    with pytest.raises(type(error)) as caught:
        await quick.retrying(function)
    (note,) = caught.value.__notes__
    assert note.startswith("retrying() did not run it again: ")
    assert why in note
    assert len(calls) == 1


async def test_other_errors_are_not_touched(quick: Database) -> None:
    error = ZeroDivisionError()
    function, calls = failing(error, 1)
    with pytest.raises(ZeroDivisionError) as caught:
        await quick.retrying(function)
    assert not hasattr(caught.value, "__notes__")
    assert len(calls) == 1


async def test_what_may_be_done_twice_is_run_again_after_an_unknown_outcome(
    quick: Database,
) -> None:
    function, _ = failing(CommitOutcomeUnknownError("?"), 2)
    assert await quick.retrying(function, idempotent=True) == 3
    function, _ = failing(CommitOutcomeUnknownError("?"), 1)
    with pytest.raises(InvalidInputError, match="not idempotent=True"):
        await quick.retrying(function, key="k", idempotent=True)


async def test_each_attempt_is_a_transaction_of_its_own(items: Items) -> None:
    items.database.retries = QUICK
    attempts = 0

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        await items.add(f"{attempts}")
        if attempts < 3:
            raise ConflictError("deadlock")

    await items.database.retrying(work)
    assert await items.ids() == ["3"]


async def test_never_inside_an_open_unit_of_work(quick: Database) -> None:
    function, calls = failing(ConflictError("deadlock"), 0)
    for unit in (quick.transaction(), quick.connection(), quick.read()):
        async with unit:
            with pytest.raises(DatabaseUseError, match="inside an open unit of work"):
                await quick.retrying(function)
    assert calls == []


# How often


async def test_attempts_and_seconds_are_limited(database: Database) -> None:
    function, calls = failing(ConflictError("deadlock"), 99)
    few = Retries(attempts=3, first_pause=0.001, longest_pause=0.001)
    with pytest.raises(ConflictError) as caught:
        await database.retrying(function, retries=few)
    assert len(calls) == 3
    assert caught.value.__notes__ == ["retrying() did not run it again: that was attempt 3 of 3"]
    function, calls = failing(ConflictError("deadlock"), 99)
    with pytest.raises(ConflictError) as caught:
        await database.retrying(function, retries=Retries(seconds=0.0))
    assert len(calls) == 1
    assert "its 0 s are over after attempt 1" in caught.value.__notes__[0]


def test_pauses_are_random_below_a_limit_that_doubles() -> None:
    retries = Retries(first_pause=0.1, longest_pause=1.5)
    for failures, limit in ((1, 0.1), (2, 0.2), (4, 0.8), (5, 1.5), (1000, 1.5)):
        pauses = [retries.pause(failures) for _ in range(400)]
        assert 0 <= min(pauses) < 0.1 * limit
        assert 0.9 * limit < max(pauses) <= limit


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": True},
        {"attempts": 1.5},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"first_pause": "1"},
        {"longest_pause": float("inf")},
    ],
    ids=str,
)
def test_limits_that_can_not_be(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Retries(**options)
    assert caught.value.argument == next(iter(options))


async def test_cancelling_ends_it(database: Database) -> None:
    function, calls = failing(ConflictError("deadlock"), 99)
    slow = Retries(first_pause=1000.0, longest_pause=1000.0, seconds=1e6)
    task = asyncio.create_task(database.retrying(function, retries=slow))
    async with asyncio.timeout(20):
        while not calls:  # noqa: ASYNC110 - until the first attempt has failed
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(calls) == 1


# With a key


async def test_somebody_else_has_done_it(items: Items) -> None:
    await initialize_store(items.database, "sharing")
    assert await items.database.retrying(lambda: _add(items, "a"), key="k") == "a"
    with pytest.raises(AlreadyCommittedError):
        await items.database.retrying(lambda: _add(items, "b"), key="k")
    assert await items.ids() == ["a"]


async def _add(items: Items, name: str) -> str:
    await items.add(name)
    return name


@asynccontextmanager
async def behind(proxy: CountingProxy, dsn: str, tree: Path) -> AsyncIterator[tuple[Items, Items]]:
    """The items through a proxy, and past it."""
    direct = await PostgresDatabase.connect(dsn, 1, 1)
    await initialize_store(direct, "sharing")
    watching = await Items.create(direct, tree)
    database = await PostgresDatabase.connect(proxy.dsn, 1, 1)
    database.retries = QUICK
    yield Items.on(database, tree), watching
    await database.close()
    await direct.close()


async def test_the_result_of_the_attempt_that_was_kept_is_returned(
    counted_postgres: CountingProxy, postgres_dsn: str, items_tree: Path
) -> None:
    async with behind(counted_postgres, postgres_dsn, items_tree) as (items, watching):
        attempts = 0

        async def work() -> str:
            nonlocal attempts
            attempts += 1
            await items.add(f"attempt {attempts}")
            if attempts == 1:
                counted_postgres.stall(replies_only=True)
            return f"attempt {attempts}"

        task = asyncio.create_task(items.database.retrying(work, key="k"))
        async with asyncio.timeout(20):
            while await watching.ids() != ["attempt 1"]:
                pass
        await counted_postgres.drop()
        counted_postgres.resume()
        # The second attempt has found out, and its block was not entered.
        assert await task == "attempt 1"
        assert attempts == 1
        assert await watching.ids() == ["attempt 1"]


async def test_without_a_key_an_unknown_outcome_is_the_callers_matter(
    counted_postgres: CountingProxy, postgres_dsn: str, items_tree: Path
) -> None:
    async with behind(counted_postgres, postgres_dsn, items_tree) as (items, watching):

        async def work() -> None:
            await items.add("a")
            counted_postgres.stall(replies_only=True)

        task = asyncio.create_task(items.database.retrying(work))
        async with asyncio.timeout(20):
            while await watching.ids() != ["a"]:
                pass
        await counted_postgres.drop()
        counted_postgres.resume()
        with pytest.raises(CommitOutcomeUnknownError) as caught:
            await task
        assert "retrying(key=…) finds out" in caught.value.__notes__[0]


async def test_a_connection_that_breaks_before_the_commit_is_run_again(
    counted_postgres: CountingProxy, postgres_dsn: str, items_tree: Path
) -> None:
    async with behind(counted_postgres, postgres_dsn, items_tree) as (items, watching):
        attempts = 0

        async def work() -> None:
            nonlocal attempts
            attempts += 1
            await items.add("a")
            if attempts == 1:
                await counted_postgres.drop()
                await items.add("b")

        await items.database.retrying(work)
        assert attempts == 2
        assert await watching.ids() == ["a"]


async def test_a_server_that_answers_nothing_is_away(counted_postgres: CountingProxy) -> None:
    """A BEGIN that has no answer had no effect, as behind a pooler that waits for a server."""
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1, statement_timeout=0.3)
    async with database.read():
        pass
    counted_postgres.stall()
    with pytest.raises(DatabaseUnavailableError, match="BEGIN: no answer"):
        async with database.transaction():
            pytest.fail("the block was entered")
    counted_postgres.resume()
    async with database.transaction():
        pass
    await database.close()


async def test_a_password_that_is_refused_is_not_tried_again(postgres_dsn: str) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 1)
    database.retries = QUICK
    execute(postgres_dsn, "DROP ROLE IF EXISTS nobody_here")
    refused = DatabaseUnavailableError("cannot connect")
    refused.__cause__ = psycopg.errors.InvalidAuthorizationSpecification()
    function, calls = failing(refused, 9)
    with pytest.raises(DatabaseUnavailableError) as caught:
        await database.retrying(function)
    assert "it would fail again" in caught.value.__notes__[0]
    assert len(calls) == 1
    await database.close()


async def test_deadlocks_are_run_again(postgres_dsn: str, items_tree: Path) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 2, 4)
    database.retries = QUICK
    items = await Items.create(database, items_tree)
    await items.add_each(["a", "b"])
    both = asyncio.Barrier(2)
    attempts = 0

    async def work(first: str, second: str) -> None:
        nonlocal attempts
        attempts += 1
        await items.grow(first)
        if attempts <= 2:
            await both.wait()
        await items.grow(second)

    await asyncio.gather(
        outside(database.retrying(lambda: work("a", "b"))),
        outside(database.retrying(lambda: work("b", "a"))),
    )
    assert attempts == 3
    assert (await items.size("a"), await items.size("b")) == (2, 2)
    await database.close()


async def test_a_closed_file_is_not_tried_again(sqlite_database: SQLiteDatabase) -> None:
    sqlite_database.retries = QUICK
    await sqlite_database.close()
    function, calls = failing(ConflictError("x"), 0)
    with pytest.raises(DatabaseClosedError) as caught:
        await sqlite_database.retrying(function)
    assert "was closed" in caught.value.__notes__[0]
    assert calls == []


# Group commit


async def test_a_group_that_may_have_been_kept_is_not_done_again() -> None:
    groups: list[list[str]] = []
    may_work = asyncio.Event()

    async def work(names: list[str]) -> list[str]:
        groups.append(names)
        await may_work.wait()
        if len(names) > 1:
            raise CommitOutcomeUnknownError("COMMIT: no answer")
        return names

    grouped: Groups[str, str] = Groups(work, 10)
    tasks = [asyncio.create_task(grouped.run(name)) for name in "abc"]
    await asyncio.sleep(0)
    may_work.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] == "a"
    assert [type(one) for one in results[1:]] == [CommitOutcomeUnknownError] * 2
    assert groups == [["a"], ["b", "c"]]


# A server that no longer waits for its standby


@pytest.fixture(scope="module")
def without_standby() -> Iterator[EmbeddedServer]:
    """A server whose commits wait for a standby that is not there, where a session asks for it."""
    with EmbeddedServer(settings={"synchronous_standby_names": "absent"}) as server:
        execute(server.dsn(), SCHEMA)
        yield server


async def test_a_key_that_is_on_one_server_alone_is_not_enough(
    without_standby: EmbeddedServer, items_tree: Path
) -> None:
    """What a failover could undo is not said to be committed: the retry waits for standbys too."""
    plain = await PostgresDatabase.connect(without_standby.dsn(), 1, 1)
    await initialize_store(plain, "sharing")
    await Items.on(plain, items_tree).clear()
    dsn = f"{without_standby.dsn()}&synchronous_commit=on"
    database = await PostgresDatabase.connect(dsn, 1, 1, statement_timeout=0.5)
    items = Items.on(database, items_tree)

    async def work() -> str:
        await items.add("a")
        return "stored"

    twice = Retries(attempts=3, first_pause=0.0, longest_pause=0.0)
    with pytest.raises(CommitOutcomeUnknownError, match="COMMIT: no answer"):
        await database.retrying(work, key="k", retries=twice)
    # By then it is there, and no attempt but the first was entered.
    assert await items.ids() == ["a"]
    # A session that waits for no standby is told what is true of this server.
    with pytest.raises(AlreadyCommittedError):
        async with plain.transaction(key="k"):
            pytest.fail("the block was entered")
    await database.close()
    await plain.close()


@pytest.mark.parametrize("options", [{}, {"unique_key": "k"}], ids=["plain", "unique"])
async def test_a_row_that_is_on_one_server_alone_is_not_enough(
    without_standby: EmbeddedServer, options: dict[str, Any]
) -> None:
    """The same of the writes that stores run again by themselves."""
    plain = await PostgresDatabase.connect(without_standby.dsn(), 1, 1)
    await initialize_store(plain, "jobs")
    dsn = f"{without_standby.dsn()}&synchronous_commit=on"
    database = await PostgresDatabase.connect(dsn, 1, 1, statement_timeout=0.5)
    database.retries = Retries(attempts=3, first_pause=0.0, longest_pause=0.0)
    before = sum(one.total for one in await JobQueueStore(plain).get_counts())
    with pytest.raises(CommitOutcomeUnknownError):
        await JobQueueStore(database).enqueue("t", **options)
    assert sum(one.total for one in await JobQueueStore(plain).get_counts()) == before + 1
    await database.close()
    await plain.close()


async def _cancel_waiting(dsn: str, function: str) -> None:
    """Cancel the commit that waits for a standby, as an operator would."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            if connection.execute(f"SELECT {function}(pid) {waiting}".encode()).fetchall():
                return
            await asyncio.sleep(0.01)
    raise AssertionError("no commit waits")


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
@pytest.mark.parametrize("by", ["transaction", "statement", "many"])
async def test_a_commit_that_the_server_stops_to_wait_with_has_an_unknown_outcome(
    without_standby: EmbeddedServer, items_tree: Path, function: str, by: str
) -> None:
    """The server sends a warning and success, or ends the session."""
    execute(without_standby.dsn(), "DELETE FROM items")
    dsn = f"{without_standby.dsn()}&synchronous_commit=on"
    database = await PostgresDatabase.connect(dsn, 1, 1)
    items = Items.on(database, items_tree)

    async def work() -> None:
        if by == "transaction":
            async with database.transaction():
                await items.add("a")
        elif by == "statement":
            await items.add("a")
        else:
            async with database.connection() as connection:
                await items.queries.add_many(connection, [{"id": "a", "size": 1}])

    task = asyncio.create_task(work())
    await _cancel_waiting(without_standby.dsn(), function)
    with pytest.raises(CommitOutcomeUnknownError) as caught:
        await task
    if function == "pg_cancel_backend":
        assert "no longer waits for its synchronous standby" in str(caught.value)
    # Said once, of that commit alone: what only reads goes on.
    assert await items.ids() == ["a"]
    assert await items.size("a") is not None
    await database.close()
