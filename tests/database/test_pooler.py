"""Behind a real PgBouncer in transaction mode, with fewer server connections than clients."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointMetadata, empty_checkpoint

from aragora_sql.database.postgres import PostgresConnection, PostgresDatabase
from aragora_sql.errors import ConfigurationError, DatabaseError, DatabaseUnavailableError
from aragora_sql.migration import MigrationOptions, run_migration
from aragora_sql.migration.target import connect
from aragora_sql.settings import PostgresDSN
from aragora_sql.stores.checkpoints.store import CheckpointStore
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from aragora_sql.stores.jobs.records import Job
from aragora_sql.stores.jobs.store import JobQueueStore
from aragora_sql.stores.jobs.worker import JobWorker
from aragora_sql.stores.langgraph.saver import LangGraphSaver
from chaos.ports import free_port
from tests.conftest import require_program
from tests.database.items import Items
from tests.database.waiting import outside, until
from tests.migration.legacy import write_consensus
from tests.proxy import CountingProxy
from tests.stores.samples import workflow_checkpoint


@contextmanager
def pgbouncer(
    postgres_dsn: str, pool_mode: str = "transaction", pool_size: int = 2
) -> Iterator[str]:
    """Run PgBouncer on a port that says nothing, and give its DSN."""
    program = require_program("pgbouncer", "pgbouncer")
    upstream = PostgresDSN.parse(postgres_dsn)
    port = free_port()
    # PgBouncer refuses to run as root; the socket's folder opens to the server's own user only.
    host = upstream.option("host") or ""
    owner = Path(host).stat().st_uid if os.geteuid() == 0 and host.startswith("/") else None
    with tempfile.TemporaryDirectory(prefix="pgb-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"pooled = host={host} port={upstream.option('port') or 5432} "
            f"dbname={upstream.database} user={upstream.user}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = {pool_size}\n"
        )
        process = subprocess.Popen(
            [program, str(folder / "pgbouncer.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=owner,
        )
        dsn = f"postgresql://{upstream.user}@127.0.0.1:{port}/pooled"
        try:
            wait_until_it_answers(dsn, process)
            yield dsn
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def pooled_dsn(postgres_dsn: str) -> Iterator[str]:
    with pgbouncer(postgres_dsn) as dsn:
        yield f"{dsn}?pgbouncer=true"


def wait_until_it_answers(dsn: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert process.poll() is None, "pgbouncer has ended"
            assert time.monotonic() < deadline, "pgbouncer does not answer"
        else:
            return


async def test_stores_work_and_nothing_collides(pooled_dsn: str) -> None:
    database = await PostgresDatabase.connect(pooled_dsn, 1, 8)
    memory, critiques = ConsensusMemory(database), CritiqueStore(database)
    await memory.initialize()
    await critiques.initialize()

    async def debate(number: int) -> None:
        async with database.transaction():
            await critiques.store_debate(
                f"debate-{number}", "task", critiques=[{"agent": "a", "issues": ["x"]}]
            )
            record = await memory.store_consensus(
                f"Rate limiting {number}", "c", "strong", 0.5, ["a"], [], metadata={"n": number}
            )
        found = await memory.get_consensus(record.id)
        assert found is not None
        assert found.metadata == {"n": number}
        assert await memory.find_similar(f"rate limiting {number}")
        await critiques.update_reputation("a", proposal_made=True)

    await asyncio.gather(*(debate(number) for number in range(50)))
    assert await memory.count() == 50
    assert (await critiques.get_stats()).total_critiques == 50
    reputation = await critiques.get_reputation("a")
    assert reputation is not None
    assert reputation.proposals_made == 50
    await database.close()


async def test_checkpoints_work_and_nothing_collides(pooled_dsn: str) -> None:
    database = await PostgresDatabase.connect(pooled_dsn, 1, 8)
    store, saver = CheckpointStore(database), LangGraphSaver(database, page_size=2)
    await store.initialize()
    await saver.initialize()

    async def work(number: int) -> None:
        thread: RunnableConfig = {"configurable": {"thread_id": f"t{number}", "checkpoint_ns": ""}}
        config = thread
        for step in range(4):
            checkpoint = empty_checkpoint()
            checkpoint["channel_values"] = {"n": step}
            checkpoint["channel_versions"] = {"n": f"{step}"}
            metadata: CheckpointMetadata = {"source": "loop", "step": step}
            config = await saver.aput(config, checkpoint, metadata, {"n": f"{step}"})
            await saver.aput_writes(config, [("n", step)], "task")
            await store.save(workflow_checkpoint(f"w{number}", current_step=f"{step}"))
        found = [one.checkpoint["channel_values"] async for one in saver.alist(thread)]
        assert found == [{"n": step} for step in (3, 2, 1, 0)]
        await saver.aprune([f"t{number}"])
        assert len([one async for one in saver.alist(thread)]) == 1
        assert await store.prune(f"w{number}", 1) == 3
        latest = await store.load_latest(f"w{number}")
        assert latest is not None
        assert latest.current_step == "3"

    await asyncio.gather(*(work(number) for number in range(20)))
    assert (await store.get_stats()).workflow_checkpoints == 20
    await database.close()


async def test_workers_do_each_job_once(pooled_dsn: str) -> None:
    databases = [await PostgresDatabase.connect(pooled_dsn, 1, 3) for _ in range(4)]
    queues = [JobQueueStore(database) for database in databases]
    await queues[0].initialize()
    done: Counter[int] = Counter()

    async def handle(job: Job) -> dict[str, int]:
        done[job.payload["n"]] += 1
        await asyncio.sleep(0)
        return {"n": job.payload["n"]}

    workers = [JobWorker(queue, {"a": handle}, concurrency=5, batch_size=20) for queue in queues]
    running = [asyncio.create_task(one.run(handle_signals=False)) for one in workers]
    # Nobody tells them of these.
    for start in range(0, 2000, 250):
        await queues[0].enqueue_many(
            [{"job_type": "a", "payload": {"n": n}} for n in range(start, start + 250)]
        )
    await until(lambda: sum(one.stats.completed for one in workers) == 2000)
    for one in workers:
        one.stop()
    stats = await asyncio.gather(*running)
    assert done == Counter(range(2000))
    assert sum(one.failed + one.lost + one.recovered for one in stats) == 0
    (count,) = await queues[0].get_counts()
    assert (count.status, count.total) == ("completed", 2000)
    job = (await queues[0].list_jobs(limit=1))[0]
    assert job.result == job.payload
    async with databases[0].connection() as connection:
        assert isinstance(connection, PostgresConnection)
        # What claims set for themselves has not stayed with the server's connections.
        settings = await connection.raw.fetch(
            "SELECT setting = reset_val AS is_reset FROM pg_settings "
            "WHERE name = 'synchronous_commit'"
        )
        assert settings[0]["is_reset"]
    for queue, database in zip(queues, databases, strict=True):
        await queue.close()
        await database.close()


async def test_waiting_for_jobs_looks_where_nobody_can_listen(pooled_dsn: str) -> None:
    database = await PostgresDatabase.connect(pooled_dsn, 1, 4)
    queue = JobQueueStore(database)
    await queue.initialize()
    assert not await queue.wait_for_jobs(["a"], 0.01)
    assert not queue._watch.tells_topics
    waiting = asyncio.create_task(queue.wait_for_jobs(["a"], 20))
    await queue.enqueue("a")
    assert await waiting
    # None of the server's connections listens.
    async with database.connection() as connection:
        assert isinstance(connection, PostgresConnection)
        assert await connection.raw.fetch("SELECT pg_listening_channels()") == []
    await queue.close()
    await database.close()


# A pooler that the DSN does not tell of


@pytest.mark.parametrize("pool_size", [1, 2])
async def test_a_transaction_pooler_on_an_unknown_port_is_found_out(
    postgres_dsn: str, items_tree: Path, pool_size: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="aragora_sql")
    with pgbouncer(postgres_dsn, pool_size=pool_size) as dsn:
        # Several pools, as several processes have.
        databases = [await PostgresDatabase.connect(dsn, 1, 4) for _ in range(3)]
        assert not any(database.has_sessions for database in databases)
        assert "a transaction pooler is in front of the server" in caplog.text
        stores = [await Items.create(databases[0], items_tree)]
        stores += [Items.on(database, items_tree) for database in databases[1:]]

        async def work(items: Items, number: int) -> None:
            async with items.database.transaction():
                await items.add(f"{number}")
                await items.grow(f"{number}")
            assert await items.size(f"{number}") == 1

        await asyncio.gather(*(work(stores[n % 3], n) for n in range(60)))
        assert len(await stores[0].ids()) == 60
        async with databases[0].connection() as connection:
            assert isinstance(connection, PostgresConnection)
            assert await connection.raw.fetch("SELECT FROM pg_prepared_statements") == []
        # What LISTEN asks for would not arrive.
        watch = databases[0].watch("channel")
        await watch.mark()
        assert not watch.tells_topics
        for database in databases:
            await database.close()


async def test_a_pool_that_opens_its_first_connection_later_finds_out_then(
    postgres_dsn: str, items_tree: Path
) -> None:
    with pgbouncer(postgres_dsn) as dsn:
        database = await PostgresDatabase.connect(dsn, 0, 4)
        assert database.has_sessions
        items = await Items.create(database, items_tree)
        await asyncio.gather(*(items.add(f"{number}") for number in range(20)))
        assert not database.has_sessions
        await database.close()


async def test_a_session_pooler_keeps_its_prepared_statements(
    postgres_dsn: str, items_tree: Path
) -> None:
    with pgbouncer(postgres_dsn, "session", 8) as dsn:
        database = await PostgresDatabase.connect(dsn, 1, 4)
        assert database.has_sessions
        items = await Items.create(database, items_tree)
        await asyncio.gather(*(items.add(f"{number}") for number in range(20)))
        async with database.connection() as connection:
            assert isinstance(connection, PostgresConnection)
            assert await connection.raw.fetch("SELECT FROM pg_prepared_statements")
        watch = database.watch("channel")
        await watch.mark()
        assert watch.tells_topics
        await database.close()


async def test_a_session_pooler_that_serves_one_client_at_a_time(
    postgres_dsn: str, items_tree: Path
) -> None:
    with pgbouncer(postgres_dsn, "session", 1) as dsn:
        database = await PostgresDatabase.connect(dsn, 1, 1)
        assert database.has_sessions
        items = await Items.create(database, items_tree)
        await items.add("a")
        assert await items.ids() == ["a"]
        await database.close()


def test_a_migration_behind_a_pooler_that_serves_one_client_at_a_time(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """Its two drivers need a session each, so it ends at its own limit, with an error of ours."""
    write_consensus(tmp_path / "memory.db", rows=2)
    with pgbouncer(postgres_dsn, "session", 1) as dsn:
        parsed = PostgresDSN.parse(f"{dsn}?connect_timeout=3")
        connect(parsed).close()
        options = MigrationOptions(
            sqlite_path=tmp_path, dsn=parsed, source_timezone="UTC", rejects=tmp_path / "rejects"
        )
        with pytest.raises(DatabaseUnavailableError, match="no answer within the connect timeout"):
            run_migration(options)


@pytest.mark.parametrize("option", ["", "?pgbouncer=true"])
async def test_a_pooler_that_takes_transactions_apart_is_refused_at_once(
    postgres_dsn: str, option: str
) -> None:
    with (
        pgbouncer(postgres_dsn, "statement") as dsn,
        pytest.raises(ConfigurationError, match="pool_mode to transaction"),
    ):
        await PostgresDatabase.connect(dsn + option, 1, 4)


async def test_a_direct_connection_is_asked_once_for_each_pool(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 4)
    first = counted_postgres.round_trips
    units = [database.read() for _ in range(3)]
    counted_postgres.reset()
    for unit in units:
        await outside(unit.__aenter__())
    assert database.metrics().size == 3
    # JIT is switched off on the two new ones, and nothing else is asked.
    assert (first, counted_postgres.round_trips) == (3, 2)
    for unit in units:
        await unit.__aexit__(None, None, None)
    await database.close()


async def test_a_wrong_word_about_the_pooler_is_named_in_the_error(
    postgres_dsn: str, items_tree: Path
) -> None:
    with pgbouncer(postgres_dsn) as dsn:
        first = await PostgresDatabase.connect(f"{dsn}?pgbouncer=false", 1, 1)
        second = await PostgresDatabase.connect(f"{dsn}?pgbouncer=false", 1, 1)
        items = await Items.create(first, items_tree)
        assert await items.ids() == []
        # Now the server's process that knows the statement serves somebody else.
        async with second.transaction() as connection:
            await connection.run_script("test", "SELECT 1")
            with pytest.raises(DatabaseError, match=r"does not exist.*\?pgbouncer=true"):
                await outside(items.ids())
        await first.close()
        await second.close()


def test_a_migration_behind_a_pooler_is_refused_before_it_begins(postgres_dsn: str) -> None:
    with (
        pgbouncer(postgres_dsn) as dsn,
        pytest.raises(ConfigurationError, match="needs a session of its own"),
    ):
        connect(PostgresDSN.parse(dsn))
    with pgbouncer(postgres_dsn, "session", 8) as dsn:
        connect(PostgresDSN.parse(dsn)).close()
    connect(PostgresDSN.parse(postgres_dsn)).close()
