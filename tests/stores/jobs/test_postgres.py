"""What only PostgreSQL has: round trips, LISTEN and what stands in its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from aragora_sql import PostgresJobQueueStore
from aragora_sql.database.listening import ListeningWatch
from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.stores.jobs.outcomes import JobOutcome
from aragora_sql.stores.jobs.store import JobQueueStore
from tests.proxy import CountingProxy
from tests.stores.samples import fetch, run


def watch_of(store: JobQueueStore) -> ListeningWatch:
    watch = store._watch
    assert isinstance(watch, ListeningWatch)
    return watch


@pytest.fixture
async def store(postgres_database: PostgresDatabase) -> AsyncIterator[JobQueueStore]:
    queue = PostgresJobQueueStore(postgres_database)
    await queue.initialize()
    yield queue
    await queue.close()


@pytest.fixture
async def counted(counted_postgres: CountingProxy) -> AsyncIterator[tuple[CountingProxy, Any]]:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    queue = JobQueueStore(database)
    await queue.initialize()
    yield counted_postgres, queue
    await queue.close()
    await database.close()


async def test_batches_take_one_round_trip(
    counted: tuple[CountingProxy, JobQueueStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not counted is what moves the start of claims, once for a thousand jobs."""
    monkeypatch.setattr("aragora_sql.stores.jobs.store.MOVE_EVERY", 10_000)
    proxy, queue = counted
    for count, types in ((200, ["a"]), (200, ["a", "b"]), (200, None)):
        for warm in (True, False):
            proxy.reset()
            await queue.enqueue_many([{"job_type": "a", "payload": {"x": 1}}] * (count + 50))
            assert warm or proxy.round_trips == 1
            # It looked for due jobs just now.
            await queue._promote()
            proxy.reset()
            claimed = await queue.claim("w", count, types)
            assert len(claimed) == count
            assert warm or proxy.round_trips == 1
            proxy.reset()
            assert await queue.complete_many(claimed[:100]) == []
            assert warm or proxy.round_trips == 1
            proxy.reset()
            await queue.finish_many([JobOutcome.retry(job, "x") for job in claimed[100:150]])
            assert warm or proxy.round_trips == 1
            proxy.reset()
            assert len(await queue.extend_many(claimed[150:])) == 50
            assert warm or proxy.round_trips == 1
            proxy.reset()
            await queue.release(claimed[150:])
            assert warm or proxy.round_trips == 1


async def test_single_calls_take_one_round_trip(
    counted: tuple[CountingProxy, JobQueueStore],
) -> None:
    proxy, queue = counted
    for warm in (True, False):
        await queue._promote()
        proxy.reset()
        await queue.enqueue("a", {"x": 1})
        (job,) = await queue.claim("w", 1, ["a"])
        await queue.complete(job, {"x": 2})
        assert warm or proxy.round_trips == 3


async def test_waiting_is_told_within_milliseconds(store: JobQueueStore) -> None:
    assert not await store.wait_for_jobs(["a"], 0)
    assert watch_of(store).tells_topics
    delays = []
    for _ in range(20):
        waiting = asyncio.create_task(store.wait_for_jobs(["a"], 20))
        await asyncio.sleep(0.02)
        started = time.perf_counter()
        await store.enqueue("a")
        assert await waiting
        delays.append(time.perf_counter() - started)
        await store.claim("w", 9)
    # Looking without being told would take a quarter of a second and more.
    assert sorted(delays)[10] < 0.1


async def test_jobs_of_other_types_wake_nobody(store: JobQueueStore) -> None:
    watch = watch_of(store)
    mark = await watch.mark()
    await store.enqueue_many([{"job_type": t, "payload": {}} for t in "xyx"])
    assert await watch.changed(mark, 20, ["y"])
    assert not await watch.changed(mark, 0.05, ["a", "b"])


async def test_a_transaction_tells_when_it_is_committed(store: JobQueueStore) -> None:
    watch = watch_of(store)
    mark = await watch.mark()
    async with store.database.transaction():
        await store.enqueue("a")
        assert not await watch.changed(mark, 0.05, ["a"])
    assert await watch.changed(mark, 20, ["a"])


async def test_telling_can_be_switched_off(store: JobQueueStore) -> None:
    quiet = JobQueueStore(store.database, notify=False)
    watch = watch_of(store)
    mark = await watch.mark()
    await quiet.enqueue("a")
    await quiet.enqueue_many([{"job_type": "a"}])
    assert not await watch.changed(mark, 0.1, ["a"])
    # Whoever waits looks now and then.
    waiting = asyncio.create_task(store.wait_for_jobs(["b"], 20))
    await asyncio.sleep(0.05)
    await quiet.enqueue("b")
    assert await waiting


async def test_a_cut_connection_is_replaced(store: JobQueueStore) -> None:
    assert not await store.wait_for_jobs(["a"], 0)
    watch = watch_of(store)
    first = watch._connection
    waiting = asyncio.create_task(store.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.05)
    first.terminate()
    await asyncio.sleep(0.2)
    await store.enqueue("a")
    assert await waiting
    await store.claim("w", 9)
    assert not await store.wait_for_jobs(["a"], 0)
    assert watch.tells_topics
    assert watch._connection is not first


async def test_close_ends_the_looking_behind_a_known_transaction_pooler(postgres_dsn: str) -> None:
    separator = "&" if "?" in postgres_dsn else "?"
    database = await PostgresDatabase.connect(f"{postgres_dsn}{separator}pgbouncer=true", 1, 4)
    queue = JobQueueStore(database)
    await queue.initialize()
    waiting = asyncio.create_task(queue.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.05)
    assert not watch_of(queue).tells_topics
    await queue.enqueue("a")
    assert await waiting
    await database.close()


async def test_messages_that_do_not_arrive_are_found_out(
    store: JobQueueStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("aragora_sql.database.listening.PROBE_SECONDS", 0.1)
    watch = watch_of(store)

    async def lost(channel: str, message: str) -> None:
        """Like a pooler that gives the listening session to somebody else."""

    monkeypatch.setattr(watch, "_notify", lost)
    waiting = asyncio.create_task(store.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.3)
    assert "do not arrive" in caplog.text
    await store.enqueue("a")
    assert await waiting
    assert not watch.tells_topics


async def test_on_a_pool_of_the_application(postgres_dsn: str) -> None:
    pool = await asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1)
    queue = PostgresJobQueueStore(pool)
    await queue.initialize()
    waiting = asyncio.create_task(queue.wait_for_jobs(["a"], 20))
    await asyncio.sleep(0.1)
    assert watch_of(queue).tells_topics
    await queue.enqueue("a", {"x": [1, {"y": None}]})
    assert await waiting
    (job,) = await queue.claim("w")
    assert job.payload == {"x": [1, {"y": None}]}
    await queue.complete(job, {"r": 1})
    # The listening connection takes no place of the pool: it closes at once.
    await queue.close()
    async with asyncio.timeout(10):
        await pool.close()


async def test_closing_the_database_closes_what_listens(postgres_dsn: str) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 1, 2)
    queue = JobQueueStore(database)
    await queue.initialize()
    assert not await queue.wait_for_jobs(timeout=0)
    connection = watch_of(queue)._connection
    started = time.monotonic()
    await database.close()
    assert time.monotonic() - started < 5
    assert connection.is_closed()


@pytest.mark.parametrize("durable", [False, True])
async def test_only_claims_that_are_not_durable_commit_without_waiting_for_the_disk(
    postgres_dsn: str, durable: bool
) -> None:
    # The server of the tests never waits.
    database = await PostgresDatabase.connect(f"{postgres_dsn}&synchronous_commit=local", 1, 1)
    queue = JobQueueStore(database) if durable else JobQueueStore(database, durable_claims=False)
    await queue.initialize()
    # What the setting is when a statement has written, and so when it commits.
    await run(
        database,
        """
        CREATE TABLE commits (job_type text, status text, setting text);
        CREATE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO commits
            VALUES (new.job_type, new.status, current_setting('synchronous_commit'));
            RETURN NULL;
        END $$;
        CREATE TRIGGER note AFTER INSERT OR UPDATE ON job_queue
        FOR EACH ROW EXECUTE FUNCTION note_commit();
        """,
    )
    for job_type, types in (("a", ["a"]), ("b", ["b", "c"])):
        await queue.enqueue(job_type)
        (job,) = await queue.claim("w", 1, types)
        await queue.complete(job)
    await queue.enqueue("t")
    async with database.transaction():
        await queue.complete((await queue.claim("w", 1, ["t"]))[0])
    await queue.enqueue("raw")
    async with database.connection() as connection:
        assert isinstance(connection, PostgresConnection)
        async with connection.raw.transaction():
            await queue.complete((await queue.claim("w", 1, ["raw"]))[0])
    rows = await fetch(database, "SELECT job_type, status, setting FROM commits")
    hurried = {(row["job_type"], row["status"]) for row in rows if row["setting"] == "off"}
    assert hurried == (set() if durable else {("a", "processing"), ("b", "processing")})
    assert len(rows) == 12
    await queue.close()
    await database.close()
