"""A database in another process or event loop than its own, and one that is made outside a loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import aragora_sql
from aragora_sql import (
    ConsensusMemory,
    CritiqueStore,
    JobQueueStore,
    PostgresConsensusMemory,
    PostgresJobQueueStore,
    SQLiteConsensusMemory,
    SQLiteCritiqueStore,
    SQLiteDatabase,
    SQLiteJobQueueStore,
    close_databases,
    get_postgres_consensus_memory,
    get_postgres_pool,
    get_sqlite_consensus_memory,
    get_sqlite_database,
)
from aragora_sql.database import Database
from aragora_sql.errors import DatabaseClosedError, DatabaseUseError, InvalidInputError

FORKS = """
import asyncio, os, sys
from contextlib import AsyncExitStack
from aragora_sql import close_databases, get_postgres_consensus_memory, get_sqlite_consensus_memory
from aragora_sql.errors import DatabaseUseError

where, inside = sys.argv[1], sys.argv[2] == "inside"


def get():
    is_dsn = where.startswith("postgresql://")
    return get_postgres_consensus_memory(where) if is_dsn else get_sqlite_consensus_memory(where)


async def child(memory):
    for call in (memory.count, memory.initialize, memory.database.close):
        try:
            await call()
        except DatabaseUseError as error:
            assert "connections do not survive fork()" in str(error), error
            assert f"process {os.getppid()}" in str(error), error
            assert f"this is process {os.getpid()}" in str(error), error
        else:
            raise AssertionError(call)
    assert "fork()" in (await memory.database.health()).error
    again = await get()
    await again.store_consensus("Of the child", "Yes", "weak", 0.5, [], [])
    await close_databases()


async def main():
    memory = await get()
    await memory.store_consensus("Of the parent", "Yes", "weak", 0.5, [], [])
    async with AsyncExitStack() as stack:
        if inside:
            await stack.enter_async_context(memory.database.read())
        process = os.fork()
        if process == 0:
            try:
                asyncio.run(child(memory))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        # The loop goes on meanwhile: the child does not disturb it.
        _, status = await asyncio.to_thread(os.waitpid, process, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        count = await memory.count()
    assert await memory.count() == 2
    await memory.store_consensus("Once more", "Yes", "weak", 0.5, [], [])
    assert await memory.count() == 3
    await close_databases()


asyncio.run(main())
"""

WORKERS = """
import asyncio, os, sys
from aragora_sql import SQLiteConsensusMemory, SQLiteCritiqueStore, close_databases

# As a server does that loads the application before it forks its workers.
memory, critiques = SQLiteConsensusMemory(sys.argv[1]), SQLiteCritiqueStore(sys.argv[1])


async def work(number):
    await memory.initialize()
    await critiques.initialize()
    async with memory.database.transaction():
        await memory.store_consensus(f"Of {number}", "Yes", "weak", 0.5, [], [])
        await critiques.store_debate(f"d{number}", "Task")
    await close_databases()


workers = []
for number in range(3):
    process = os.fork()
    if process == 0:
        try:
            asyncio.run(work(number))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    workers.append(process)
assert [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in workers] == [0, 0, 0]
print(asyncio.run(memory.count()))
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork()")


def run_program(program: str, *arguments: str) -> str:
    options = ["-W", "ignore::DeprecationWarning", "-c", program, *arguments]
    done = subprocess.run(
        [sys.executable, *options], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@needs_fork
@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_store_after_fork_is_refused_and_the_parent_goes_on(
    location: str | Path, where: str
) -> None:
    run_program(FORKS, str(location), where)


@needs_fork
def test_a_store_that_is_made_before_the_fork_and_used_behind_it(tmp_path: Path) -> None:
    assert run_program(WORKERS, str(tmp_path / "x.db")) == "3\n"


async def opened(location: str | Path) -> ConsensusMemory:
    if isinstance(location, Path):
        return await get_sqlite_consensus_memory(location)
    return await get_postgres_consensus_memory(location)


def test_a_store_from_a_loop_that_has_ended(location: str | Path) -> None:
    async def first() -> ConsensusMemory:
        memory = await opened(location)
        await memory.store_consensus("Topic", "Yes", "weak", 0.5, [], [])
        await close_databases()
        return memory if isinstance(location, str) else await opened(location)

    async def second(memory: ConsensusMemory) -> None:
        with pytest.raises(DatabaseUseError, match="another event loop, which has ended"):
            await memory.count()
        # The remedy of the message works.
        assert await (await opened(location)).count() == 1
        await close_databases()

    memory = asyncio.run(first())
    asyncio.run(second(memory))
    if isinstance(memory.database, SQLiteDatabase):
        # What a loop left open may be closed from another one.
        asyncio.run(memory.database.close())


def in_a_second_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it in the event loop of another thread, and pass on what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


async def test_a_store_from_a_loop_that_runs(location: str | Path) -> None:
    memory = await opened(location)
    assert await memory.count() == 0
    loop = asyncio.get_running_loop()

    async def elsewhere() -> None:
        with pytest.raises(DatabaseUseError, match=r"asyncio\.run_coroutine_threadsafe"):
            await memory.count()
        with pytest.raises(DatabaseUseError):
            async with memory.database.transaction():
                raise AssertionError
        health = await memory.database.health()
        assert not health.ok
        assert "another event loop" in (health.error or "")
        own = await opened(location)
        assert own.database is not memory.database
        await own.store_consensus("Topic", "Yes", "weak", 0.5, [], [])
        await close_databases()
        # The other remedy of the message.
        handed_over = asyncio.run_coroutine_threadsafe(memory.count(), loop)
        assert await asyncio.wrap_future(handed_over) == 1

    await asyncio.to_thread(in_a_second_loop, elsewhere)
    assert await memory.count() == 1
    await close_databases()


async def test_waiting_for_jobs_in_another_loop(location: str | Path) -> None:
    jobs: JobQueueStore
    if isinstance(location, Path):
        jobs = SQLiteJobQueueStore(location)
    else:
        jobs = PostgresJobQueueStore(await get_postgres_pool(location, max_size=3))
    await jobs.initialize()
    await jobs.wait_for_jobs(["a"], timeout=0.01)

    async def elsewhere() -> None:
        with pytest.raises(DatabaseUseError, match="another event loop"):
            await jobs.wait_for_jobs(["a"], timeout=0.01)

    await asyncio.to_thread(in_a_second_loop, elsewhere)
    await jobs.close()
    await close_databases()


def test_sqlite_stores_that_are_made_outside_a_loop(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    memory, critiques = SQLiteConsensusMemory(path), SQLiteCritiqueStore(str(path))
    assert memory.database is critiques.database

    async def work(memory: ConsensusMemory, critiques: CritiqueStore) -> Database:
        await memory.initialize()
        await critiques.initialize()
        with suppress(ZeroDivisionError):
            async with memory.database.transaction():
                await critiques.store_debate("d", "Task")
                await memory.store_consensus("Topic", "Yes", "weak", 0.5, [], [])
                raise ZeroDivisionError
        assert await memory.count() == await critiques.count_debates() == 0
        # What is made inside is the same database, and is closed with the others.
        inside = await get_sqlite_consensus_memory(path)
        assert inside.database is memory.database
        await close_databases()
        with pytest.raises(DatabaseClosedError):
            await memory.count()
        return memory.database

    first = asyncio.run(work(memory, critiques))
    # And again, after all that.
    again = SQLiteConsensusMemory(path)
    assert again.database is not first
    asyncio.run(work(again, SQLiteCritiqueStore(path)))


def test_a_loop_takes_the_unused_database_of_a_file(tmp_path: Path) -> None:
    made_outside = SQLiteConsensusMemory(tmp_path / "x.db")

    async def work() -> None:
        assert get_sqlite_database(tmp_path / "x.db") is made_outside.database
        await made_outside.initialize()
        assert await made_outside.count() == 0
        await close_databases()

    asyncio.run(work())
    in_memory = SQLiteDatabase(":memory:")
    assert asyncio.run(ConsensusMemory(in_memory).initialize()) is None


async def test_a_pool_that_another_loop_has_opened(postgres_dsn: str) -> None:
    pool = await get_postgres_pool(postgres_dsn, max_size=2)

    async def elsewhere() -> None:
        with pytest.raises(DatabaseUseError, match="another event loop"):
            await PostgresConsensusMemory(pool).initialize()

    await asyncio.to_thread(in_a_second_loop, elsewhere)
    await PostgresConsensusMemory(pool).initialize()
    await close_databases()


# What is no pool, path or database

DSN = "postgresql://user:s3cret@db.example.com/aragora"


async def test_what_is_given_as_a_pool(tmp_path: Path) -> None:
    waiting = get_postgres_pool(DSN)
    database = SQLiteDatabase(tmp_path / "x.db")
    for given, said in (
        (DSN, "a text was given: `await get_postgres_pool"),
        (aragora_sql.PostgresDSN.parse(DSN), "a text was given"),
        (waiting, "a coroutine was given: put `await` before"),
        (None, "a pool of asyncpg is needed, not NoneType"),
        (database, "a PostgreSQL pool is needed, not a SQLite database"),
    ):
        with pytest.raises(InvalidInputError, match=said) as caught:
            PostgresConsensusMemory(given)  # type: ignore[arg-type]
        assert "s3cret" not in str(caught.value)
    waiting.close()


async def test_what_is_given_as_a_path(postgres_dsn: str) -> None:
    pool = await get_postgres_pool(postgres_dsn, max_size=2)
    waiting = close_databases()
    for given, said in (
        (DSN, "a PostgreSQL DSN was given: a SQLite file is needed"),
        (waiting, "a coroutine was given"),
        (7, "a path is needed, not int"),
        (pool, "a path is needed, not Pool"),
        (aragora_sql.PostgresDatabase(pool), "not a PostgreSQL database"),
    ):
        with pytest.raises(InvalidInputError, match=said) as caught:
            SQLiteConsensusMemory(given)  # type: ignore[arg-type]
        assert "s3cret" not in str(caught.value)
    await waiting
    await close_databases()


@pytest.mark.parametrize("name", ["ConsensusMemory", "JobQueueStore", "LangGraphSaver"])
async def test_what_is_given_as_a_database(name: str, postgres_dsn: str) -> None:
    pool = await get_postgres_pool(postgres_dsn, max_size=2)
    for given, kind in ((DSN, "str"), (pool, "Pool"), (None, "NoneType")):
        with pytest.raises(
            InvalidInputError, match=f"database: {name} takes a Database, not {kind}; the classes"
        ) as caught:
            getattr(aragora_sql, name)(given)
        assert "s3cret" not in str(caught.value)
    await close_databases()
