"""Connections that break under workers and waiting stores: PostgreSQL behind a proxy."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from random import Random

import asyncpg
import pytest

from aragora_sql.database import listening
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.embedded import EmbeddedServer, find_binaries
from aragora_sql.errors import ConnectionLostError
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import CHANNEL, JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from tests.database.waiting import until
from tests.proxy import CountingProxy
from tests.stores.samples import fetch_value, run

pytestmark = pytest.mark.usefixtures("clean_environment")


class CuttingProxy(CountingProxy):
    """Cuts a connection when a request or a reply of it holds ``text``, so many times."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.request: bytes | None = None
        self.reply: bytes | None = None
        self.cuts = 0

    async def _pass_requests(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        await self._pass(client, server, "request")

    async def _pass_replies(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        await self._pass(server, client, "reply")

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, kind: str
    ) -> None:
        while data := await source.read(65536):
            searched = self.request if kind == "request" else self.reply
            if self.cuts and searched is not None and searched in data:
                self.cuts -= 1
                # The pump ends, and with it the connection.
                return
            target.write(data)
            await target.drain()


@asynccontextmanager
async def behind(proxy: CountingProxy) -> AsyncIterator[JobQueueStore]:
    database = await PostgresDatabase.connect(proxy.dsn, 1, 8)
    store = JobQueueStore(database)
    await store.initialize()
    yield store
    await store.close()
    await database.close()


@pytest.fixture
async def cutting(postgres_dsn: str) -> AsyncIterator[CuttingProxy]:
    async with CuttingProxy(postgres_dsn) as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("request", b'LISTEN "' + CHANNEL.encode()),
        # The reply to LISTEN, and the message to ourselves.
        ("reply", b"LISTEN\x00"),
        ("reply", CHANNEL.encode() + b"\x00probe:"),
        ("request", b"probe:"),
    ],
)
async def test_a_worker_outlives_a_cut_while_it_begins_to_listen(
    cutting: CuttingProxy, kind: str, text: bytes
) -> None:
    async def handle(job: Job) -> None:
        pass

    async with behind(cutting) as store:
        setattr(cutting, kind, text)
        cutting.cuts = 3
        worker = JobWorker(store, {"a": handle}, look_seconds=30)
        running = asyncio.create_task(worker.run())
        await until(lambda: not cutting.cuts or running.done())
        assert not running.done()
        await store.enqueue("a")
        await until(lambda: worker.stats.completed == 1 or running.done())
        worker.stop()
        assert (await running).completed == 1


async def test_a_store_that_waits_gets_one_of_our_errors(cutting: CuttingProxy) -> None:
    async with behind(cutting) as store:
        cutting.request, cutting.cuts = b'LISTEN "', 1
        with pytest.raises(ConnectionLostError):
            await store.wait_for_jobs(["a"], 10)
        await store.enqueue("a")
        assert await store.wait_for_jobs(["a"], 10)


async def test_waiting_ends_within_its_limit_when_the_server_falls_silent(
    counted_postgres: CountingProxy,
) -> None:
    async with behind(counted_postgres) as store:
        waiting = asyncio.create_task(store.wait_for_jobs(["a"], 3.0))
        await until(lambda: counted_postgres.connections >= 2)
        counted_postgres.stall()
        started = time.monotonic()
        with suppress(ConnectionLostError):
            assert not await waiting
        # Cancelling a statement may take two seconds more.
        assert time.monotonic() - started < 8
        await store.close()
        assert time.monotonic() - started < 12
        counted_postgres.resume()


async def test_a_worker_outlives_a_database_that_lets_nobody_in(
    queue: JobQueueStore, postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As during a restore, or before a database is renamed."""
    done: list[str] = []

    async def handle(job: Job) -> None:
        done.append(job.id)

    parsed = PostgresDSN.parse(postgres_dsn)
    outside = await PostgresDatabase.connect(replace(parsed, database="postgres"), 1, 1)
    allow = f'ALTER DATABASE "{parsed.database}" ALLOW_CONNECTIONS '
    worker = JobWorker(queue, {"a": handle}, look_seconds=0.1, lease_seconds=1)
    running = asyncio.create_task(worker.run(handle_signals=False))
    try:
        await queue.enqueue("a")
        await until(lambda: done)
        await run(outside, f"{allow} false")
        await run(
            outside,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{parsed.database}'",
        )
        refused = "not currently accepting connections"
        await until(lambda: caplog.text.count(refused) > 2 or running.done())
    finally:
        await run(outside, f"{allow} true")
        await outside.close()
    assert not running.done()
    second = await queue.enqueue("a")
    await until(lambda: second.id in done or running.done())
    worker.stop()
    assert (await running).completed == 2


async def cut_at_random(proxy: CountingProxy, random: Random, seconds: float) -> int:
    cuts = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(random.uniform(0.02, 0.4))
        await proxy.drop()
        cuts += 1
    return cuts


async def six_workers_under_cuts(proxy: CountingProxy, seconds: float) -> None:
    runs: dict[str, int] = {}

    async def quick(job: Job) -> None:
        runs[job.id] = runs.get(job.id, 0) + 1
        await asyncio.sleep(0.005)

    def plain(job: Job) -> None:
        runs[job.id] = runs.get(job.id, 0) + 1

    databases = [await PostgresDatabase.connect(proxy.dsn, 1, 4) for _ in range(7)]
    stores = [JobQueueStore(database) for database in databases]
    await stores[0].initialize()
    workers = [
        JobWorker(
            store,
            {"a": quick, "b": plain},
            concurrency=4,
            batch_size=8,
            lease_seconds=2.0,
            recovery_seconds=0.5,
            look_seconds=0.2,
        )
        for store in stores[1:]
    ]
    running = [asyncio.create_task(worker.run(handle_signals=False)) for worker in workers]
    cutting = asyncio.create_task(cut_at_random(proxy, Random(6), seconds))  # noqa: S311
    enqueued = 0
    while not cutting.done():
        try:
            await stores[0].enqueue_many(
                [{"job_type": "ab"[n % 2], "max_attempts": 1000} for n in range(20)]
            )
            enqueued += 20
        except ConnectionLostError:
            # Whether these are there is unknown.
            enqueued = -1
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in running)
        if enqueued < 0:
            enqueued = 0
    assert await cutting > 5
    async with asyncio.timeout(120):
        while True:
            stats = await stores[0].get_stats()
            if stats["completed"] == stats["total"]:
                break
            assert not any(task.done() for task in running)
            await asyncio.sleep(0.1)
    assert stats["total"] >= 20
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)
    for store in stores:
        await store.close()
    for database in databases:
        await database.close()


async def test_six_workers_under_random_cuts_are_alive_and_every_job_is_done(
    counted_postgres: CountingProxy,
) -> None:
    logging.getLogger("aragora_sql").setLevel(logging.ERROR)
    try:
        await six_workers_under_cuts(counted_postgres, 6.0)
    finally:
        logging.getLogger("aragora_sql").setLevel(logging.NOTSET)


@pytest.mark.slow
async def test_six_workers_under_two_minutes_of_random_cuts(
    counted_postgres: CountingProxy,
) -> None:
    logging.getLogger("aragora_sql").setLevel(logging.ERROR)
    try:
        await six_workers_under_cuts(counted_postgres, 120.0)
    finally:
        logging.getLogger("aragora_sql").setLevel(logging.NOTSET)


@pytest.fixture
async def queue(postgres_database: PostgresDatabase) -> AsyncIterator[JobQueueStore]:
    store = JobQueueStore(postgres_database)
    await store.initialize()
    yield store
    await store.close()


async def test_a_flood_of_messages_is_not_kept(queue: JobQueueStore) -> None:
    jobs = queue
    waiting = asyncio.create_task(jobs.wait_for_jobs(["mine"], 30))
    watch = jobs._watch
    assert isinstance(watch, listening.ListeningWatch)
    await until(lambda: watch.tells_topics)
    # Anybody may send: made up types, and long texts.
    await run(
        jobs.database,
        f"SELECT pg_notify('{CHANNEL}', 'type ' || n) FROM generate_series(1, 30000) AS g (n)",
    )
    await run(
        jobs.database,
        f"SELECT pg_notify('{CHANNEL}', repeat('x', 7000) || n) "
        "FROM generate_series(1, 200) AS g (n)",
    )
    await until(lambda: watch._floor > 0)
    assert len(watch._latest) <= listening.MOST_TOPICS
    assert all(len(message) <= listening.LONGEST_TOPIC for message in watch._latest)
    await jobs.enqueue("mine")
    assert await waiting


async def test_a_full_queue_of_messages_does_not_stop_enqueueing(
    queue: JobQueueStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = queue
    # The function that tells how full it is, as it answers for a full one: filling eight gigabytes
    # takes too long for a test.
    async with jobs.database.connection() as connection:
        await connection.run_script(
            "full",
            "CREATE SCHEMA full_queue;"
            "CREATE FUNCTION full_queue.pg_notification_queue_usage() RETURNS double precision "
            "LANGUAGE sql AS 'SELECT 0.95::double precision';"
            "CREATE FUNCTION full_queue.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION USING ERRCODE = '54000', "
            "MESSAGE = 'too many notifications in the NOTIFY queue'; END$$;",
        )
    name = await fetch_value(jobs.database, "SELECT current_database()")
    await run(
        jobs.database,
        f"ALTER DATABASE {name} SET search_path = full_queue, pg_catalog, public",
    )
    async with fresh(jobs) as store:
        monkeypatch.setattr(store, "_next_queue_look", 0.0)
        given = await store.enqueue("a")
        monkeypatch.setattr(store, "_next_queue_look", 0.0)
        await store.enqueue_many([{"job_type": "a", "payload": {}}] * 3)
        await store.enqueue_many([{"job_type": "a", "priority": 2}] * 3)
        async with store.database.transaction():
            await store.enqueue("a")
        await store.update(given.id, priority=7)
        await store.cancel(given.id)
        await store.retry(given.id)
        assert (await store.get_stats())["pending"] == 8
    assert caplog.text.count("queue of NOTIFY messages is 95 % full") == 1


async def test_a_listener_in_a_transaction_fills_the_queue_and_enqueueing_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = find_binaries()[0]
    if binaries.version < 17:
        pytest.skip("before PostgreSQL 17 the queue has no limit below 8 GB")
    with EmbeddedServer(binaries, settings={"max_notify_queue_pages": "64"}) as server:
        listener = await asyncpg.connect(server.dsn())
        filler = await asyncpg.connect(server.dsn())
        await listener.execute("LISTEN filling")
        await listener.execute("BEGIN; SELECT 1")

        async def fill() -> None:
            while True:
                await filler.execute("SELECT pg_notify('filling', repeat('x', 7000) || random())")

        with pytest.raises(asyncpg.ProgramLimitExceededError, match="NOTIFY queue"):
            await fill()
        database = await PostgresDatabase.connect(server.dsn(), 1, 2)
        store = JobQueueStore(database)
        await store.initialize()
        for _ in range(2):
            monkeypatch.setattr(store, "_next_queue_look", 0.0)
            await store.enqueue("a")
            await store.enqueue_many([{"job_type": "a", "payload": {}}] * 3)
        # Also when the session that held it up is gone, and nobody has cleaned the queue yet.
        await listener.close()
        await store.enqueue("a")
        assert (await store.get_stats())["pending"] == 9
        await filler.close()
        await database.close()
    assert caplog.text.count("of NOTIFY messages is") == 1


@asynccontextmanager
async def fresh(jobs: JobQueueStore) -> AsyncIterator[JobQueueStore]:
    """The same queue through new connections."""
    assert isinstance(jobs.database, PostgresDatabase)
    options = jobs.database.pool._connect_kwargs  # type: ignore[attr-defined]
    dsn = jobs.database.pool._connect_args[0]  # type: ignore[attr-defined]
    assert options
    database = await PostgresDatabase.connect(dsn, 1, 3)
    store = JobQueueStore(database)
    yield store
    await store.close()
    await database.close()


@asynccontextmanager
async def on_tcp(dsn: str) -> AsyncIterator[PostgresDSN]:
    """Give a DSN with a host name, which each new connection resolves, to what a socket serves."""
    parsed = PostgresDSN.parse(dsn)
    path = f"{parsed.option('host')}/.s.PGSQL.{parsed.option('port')}"

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
        finally:
            target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, target = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, target), pump(source, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield replace(parsed, hosts=f"localhost:{port}", options=())


async def test_plain_handlers_leave_the_loop_its_threads(
    counted_postgres: CountingProxy,
) -> None:
    """Resolving a host name takes one of asyncio's threads, also while every place is taken."""
    may_end = threading.Event()
    running = 0
    most = 0
    lock = threading.Lock()

    def handle(job: Job) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert may_end.wait(60)
        with lock:
            running -= 1

    async with on_tcp(counted_postgres.dsn) as dsn:
        database = await PostgresDatabase.connect(dsn, 1, 5)
        store = JobQueueStore(database)
        await store.initialize()
        # More than asyncio's own threads: CPUs and four, at most 32.
        concurrency = 40
        await store.enqueue_many([{"job_type": "a", "payload": {}}] * concurrency)
        worker = JobWorker(store, {"a": handle}, concurrency=concurrency, lease_seconds=1.5)
        working = asyncio.create_task(worker.run(handle_signals=False))
        try:
            await until(lambda: most == concurrency)
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(10):
                assert await loop.getaddrinfo("localhost", 5432)
            await counted_postgres.drop()
            # For longer than a lease, nobody else gets one of them.
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                # The first of them may find its connection cut.
                with suppress(ConnectionLostError):
                    assert await store.claim("another", 10) == []
                    await store.recover_stale_jobs()
                await asyncio.sleep(0.1)
        finally:
            may_end.set()
            worker.stop()
        stats = await working
        assert (stats.completed, stats.lost) == (concurrency, 0)
        await store.close()
        await database.close()
