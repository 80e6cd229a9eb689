"""A server that goes silent without closing its connections: a network that drops all packets."""

from __future__ import annotations

import asyncio

import pytest

from aragora_sql.database import listening, postgres_pool
from aragora_sql.database.limits import within
from aragora_sql.database.postgres import (
    PostgresDatabase,
    close_postgres_pool,
    get_postgres_pool,
)
from aragora_sql.errors import AragoraSQLError, DatabaseClosedError, DatabaseError
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.database.waiting import until
from tests.proxy import CountingProxy

# Far below the minute for which asyncpg waits on its own, far above what it takes here.
PATIENCE = 20


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_pool, "CLOSE_TIMEOUT", 0.3)
    monkeypatch.setattr(postgres_pool, "IDLE_CLOSE_TIMEOUT", 0.3)
    monkeypatch.setattr(listening, "CLOSE_SECONDS", 0.3)


async def test_closing_ends_although_a_listening_connection_gets_no_answer(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 2, 2)
    watches = [database.watch("one"), database.watch("two")]
    for watch in watches:
        await watch.mark()
    counted_postgres.stall()
    async with asyncio.timeout(PATIENCE):
        await database.close()
    assert all(not watch.tells_topics for watch in watches)
    counted_postgres.resume()


async def test_closing_the_pools_of_the_process_ends_too(counted_postgres: CountingProxy) -> None:
    pool = await get_postgres_pool(counted_postgres.dsn, 2, 2)
    watch = PostgresDatabase(pool).watch("channel")
    await watch.mark()
    counted_postgres.stall()
    async with asyncio.timeout(PATIENCE):
        await close_postgres_pool()
    assert pool.is_closing() or pool._closed  # type: ignore[attr-defined]
    counted_postgres.resume()


async def test_closing_ends_with_a_unit_of_work_at_work_and_a_watch_being_opened(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    counted_postgres.reset()

    async def work() -> None:
        async with database.connection() as connection:
            await connection.run_script("test", "SELECT pg_sleep(7200)")

    working = asyncio.create_task(work())
    await until(lambda: counted_postgres.round_trips == 1)
    counted_postgres.stall()
    opening = asyncio.create_task(database.watch("channel").mark())
    await until(lambda: counted_postgres.connections == 2)
    async with asyncio.timeout(PATIENCE):
        await database.close()
        with pytest.raises(AragoraSQLError):
            await working
    counted_postgres.resume()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(DatabaseError):
            await opening
    await until(lambda: counted_postgres.connections == 0)


@pytest.mark.parametrize("listens", [False, True])
async def test_waiting_for_jobs_ends_at_its_own_limit(
    counted_postgres: CountingProxy, listens: bool
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 2)
    queue = JobQueueStore(database)
    await queue.initialize()
    if listens:
        assert not await queue.wait_for_jobs(["a"], 0.01)
    counted_postgres.stall()
    async with asyncio.timeout(PATIENCE):
        assert not await queue.wait_for_jobs(["a"], 0.2)
    counted_postgres.resume()
    await queue.enqueue("a")
    async with asyncio.timeout(PATIENCE):
        assert await queue.wait_for_jobs(["a"], 10)
        await queue.close()
        await database.close()


async def test_health_ends_at_its_own_limit_with_every_connection_in_use(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    counted_postgres.stall()
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            health = await database.health(timeout=0.05)
            assert (health.ok, health.role) == (False, None)
        await database.close()
    counted_postgres.resume()
    with pytest.raises(DatabaseClosedError):
        await database.watch("channel").mark()


async def test_what_is_given_up_cleans_up_behind_and_is_not_complained_of(
    complaints: list[str],
) -> None:
    cleaned = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()
            raise ValueError("too late")

    with pytest.raises(TimeoutError):
        await within(0.01, stubborn())
    await asyncio.wait_for(cleaned.wait(), PATIENCE)
    await asyncio.sleep(0)
    assert complaints == []

    async def quick() -> int:
        return 1

    assert await within(PATIENCE, quick()) == 1
