"""PostgreSQL: pools, round trips, poolers, and connections that break."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from aragora_sql.database import postgres, postgres_pool
from aragora_sql.database.postgres import (
    Pool,
    PostgresConnection,
    PostgresDatabase,
    close_postgres_pool,
    get_postgres_pool,
)
from aragora_sql.database.values import dump_json
from aragora_sql.errors import (
    ConfigurationError,
    ConflictError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseUnavailableError,
    PoolTimeoutError,
    StatementTimeoutError,
)
from aragora_sql.settings import PostgresDSN
from tests.database.items import Items
from tests.database.waiting import until
from tests.proxy import CountingProxy

pytestmark = pytest.mark.usefixtures("no_pool_is_left")


@pytest.fixture
async def no_pool_is_left() -> AsyncIterator[None]:
    yield
    await close_postgres_pool()


@pytest.fixture
async def items(postgres_database: PostgresDatabase, items_tree: Path) -> Items:
    return await Items.create(postgres_database, items_tree)


@pytest.fixture
async def proxied(
    items: Items, counted_postgres: CountingProxy, items_tree: Path
) -> AsyncIterator[Items]:
    """The items through the proxy, on one connection that knows all their statements."""
    await items.add("a", size=7)
    database = await PostgresDatabase.connect(
        counted_postgres.dsn, 1, 1, acquire_timeout=2, statement_timeout=20
    )
    through = Items.on(database, items_tree)
    await through.size("a")
    await through.grow("a")
    await through.add("warm")
    await through.ids()
    counted_postgres.reset()
    yield through
    counted_postgres.resume()
    database.pool.terminate()


# Round trips


async def test_a_statement_is_one_round_trip(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    assert await proxied.size("a") == 8
    assert counted_postgres.round_trips == 1
    await proxied.grow("a")
    assert counted_postgres.round_trips == 2


async def test_health_is_one_round_trip(proxied: Items, counted_postgres: CountingProxy) -> None:
    assert (await proxied.database.health()).ok
    counted_postgres.reset()
    health = await proxied.database.health()
    assert (health.ok, health.role, counted_postgres.round_trips) == (True, "primary", 1)


async def test_a_unit_of_work_takes_its_connection_once(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    async with proxied.database.connection():
        for _ in range(3):
            await proxied.size("a")
            await proxied.grow("a")
    assert counted_postgres.round_trips == 6


async def test_a_transaction_costs_two_more(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    async with proxied.database.transaction():
        await proxied.grow("a")
    assert counted_postgres.round_trips == 3
    counted_postgres.reset()
    async with proxied.database.transaction():
        await proxied.grow("a")
        async with proxied.database.transaction():
            await proxied.grow("a")
    assert counted_postgres.round_trips == 6


async def test_a_batch_is_one_round_trip(proxied: Items, counted_postgres: CountingProxy) -> None:
    async with proxied.database.connection() as connection:
        rows = [{"id": f"{number}", "size": number} for number in range(1000)]
        await proxied.queries.add_many(connection, rows[:2])
        counted_postgres.reset()
        await proxied.queries.add_many(connection, rows[2:])
    assert counted_postgres.round_trips == 1


async def test_a_connection_that_is_taken_by_hand_is_reset(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    assert isinstance(proxied.database, PostgresDatabase)
    async with proxied.database.pool.acquire() as connection:
        await connection.execute("SET work_mem = '7MB'")
    assert counted_postgres.round_trips == 2
    async with proxied.database.connection() as unit:
        assert isinstance(unit, PostgresConnection)
        assert await unit.raw.fetchval("SHOW work_mem") != "7MB"
        await unit.raw.execute("SET work_mem = '8MB'")
    async with proxied.database.pool.acquire() as connection:
        assert await connection.fetchval("SHOW work_mem") not in ("7MB", "8MB")


async def test_a_transaction_that_is_left_open_by_hand_does_not_reach_the_next_user(
    proxied: Items,
) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    async with proxied.database.connection() as unit:
        assert isinstance(unit, PostgresConnection)
        await unit.raw.execute("BEGIN; UPDATE items SET size = 100 WHERE id = 'a'")
    assert await proxied.size("a") == 8


async def _tasks_of(work: Callable[[], Awaitable[object]]) -> int:
    """Return how many tasks were made meanwhile."""
    loop = asyncio.get_running_loop()
    made = 0

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        return asyncio.Task(coroutine, loop=loop, **options)

    loop.set_task_factory(factory)
    try:
        await work()
    finally:
        loop.set_task_factory(None)
    return made


async def test_a_connection_is_given_back_without_a_task_unless_it_has_to_be_reset(
    items: Items,
) -> None:
    await items.add("a", size=7)

    async def changed_by_hand() -> None:
        async with items.database.connection() as unit:
            assert isinstance(unit, PostgresConnection)
            await unit.raw.execute("SET work_mem = '8MB'")

    async def in_a_transaction() -> None:
        async with items.database.transaction():
            await items.grow("a")

    assert await _tasks_of(lambda: items.size("a")) == 0
    assert await _tasks_of(in_a_transaction) == 0
    assert await _tasks_of(changed_by_hand) > 0
    # A connection that is to be renewed is closed.
    assert isinstance(items.database, PostgresDatabase)

    async def in_an_expired_connection() -> None:
        assert isinstance(items.database, PostgresDatabase)
        async with items.database.connection():
            await items.database.pool.expire_connections()

    assert await _tasks_of(in_an_expired_connection) > 0
    assert await items.size("a") == 8


async def test_a_cancelled_task_gives_its_connection_back(items: Items) -> None:
    assert isinstance(items.database, PostgresDatabase)
    pool = items.database.pool
    await items.add("a", size=7)

    async def cancelled() -> None:
        async with items.database.connection():
            await items.size("a")
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancelled())
    assert pool.get_idle_size() == pool.get_size()
    assert await items.size("a") == 7


# Pools


async def test_the_pool_of_a_dsn_is_opened_once(postgres_dsn: str) -> None:
    pools = await asyncio.gather(*(get_postgres_pool(postgres_dsn, 1, 2) for _ in range(10)))
    assert len(set(map(id, pools))) == 1
    assert await get_postgres_pool(postgres_dsn) is pools[0]
    assert (pools[0].get_min_size(), pools[0].get_max_size()) == (1, 2)


async def test_the_pool_is_that_of_the_environment(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    monkeypatch.setenv("ARAGORA_POSTGRES_POOL_MIN", "1")
    monkeypatch.setenv("ARAGORA_DB_POOL_SIZE", "3")
    pool = await get_postgres_pool()
    assert pool is await get_postgres_pool(postgres_dsn)
    assert (pool.get_min_size(), pool.get_max_size()) == (1, 3)


async def test_another_dsn_is_another_pool(postgres_dsn: str) -> None:
    one = await get_postgres_pool(postgres_dsn, 1, 1)
    other = await get_postgres_pool(f"{postgres_dsn}&application_name=other", 1, 1)
    assert one is not other
    assert await other.fetchval("SHOW application_name") == "other"


async def test_sizes_that_come_too_late_are_reported(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await get_postgres_pool(postgres_dsn, 1, 2)
    assert await get_postgres_pool(postgres_dsn, 1, 2) is pool
    assert caplog.messages == []
    assert await get_postgres_pool(postgres_dsn, 1, 5) is pool
    assert "is open already with 1 to 2 connections" in caplog.text


async def test_a_closed_pool_is_opened_anew(postgres_dsn: str) -> None:
    first = await get_postgres_pool(postgres_dsn, 1, 1)
    await close_postgres_pool()
    await close_postgres_pool()
    assert first.is_closing()
    second = await get_postgres_pool(postgres_dsn, 1, 1)
    await second.close()
    third = await get_postgres_pool(postgres_dsn, 1, 1)
    assert await third.fetchval("SELECT 1") == 1


async def test_a_pool_that_could_not_be_opened_is_tried_again(
    postgres_dsn: str, tmp_path: Path
) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            await get_postgres_pool(f"postgresql:///x?host={tmp_path}", 1, 1)
    assert await (await get_postgres_pool(postgres_dsn, 1, 1)).fetchval("SELECT 1") == 1


def test_each_event_loop_has_a_pool_of_its_own(postgres_dsn: str) -> None:
    async def use() -> int:
        pool = await get_postgres_pool(postgres_dsn, 1, 1)
        assert await pool.fetchval("SELECT 1") == 1
        await close_postgres_pool()
        return id(asyncio.get_running_loop())

    threads = [threading.Thread(target=lambda: asyncio.run(use())) for _ in range(3)]
    asyncio.run(use())
    asyncio.run(use())
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def test_no_more_connections_than_the_pool_allows(
    postgres_dsn: str, items: Items, items_tree: Path
) -> None:
    database = await PostgresDatabase.connect(postgres_dsn, 0, 3)
    small = Items.on(database, items_tree)
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with database.transaction():
            await small.add(f"{number}")
            most = max(most, database.metrics().size)

    await asyncio.gather(*map(work, range(30)))
    assert len(await items.ids()) == 30
    assert most == database.metrics().size == 3
    await database.close()


@pytest.mark.parametrize("max_size", [0, -1])
async def test_sizes_are_checked_before_anything_is_opened(
    postgres_dsn: str, max_size: int
) -> None:
    with pytest.raises(ConfigurationError):
        await get_postgres_pool(postgres_dsn, max_size=max_size)


async def test_neither_a_database_nor_a_pool_shows_its_password(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    dsn = PostgresDSN.parse(postgres_dsn)
    dsn = replace(dsn, password=dsn.password or "s3cr3t")
    pool = await get_postgres_pool(dsn.uri(), 1, 1)
    await get_postgres_pool(dsn.uri(), 1, 9)
    database = PostgresDatabase(pool)
    assert str(dsn) in caplog.text
    for shown in (repr(pool), repr(database), str(database), caplog.text):
        assert str(dsn.password) not in shown


# Pools of the application

DOCUMENT = {"a": [1, 2.5, None, True, {"b": "é"}], "large": 1e17}


@pytest.fixture
async def plain_pool(postgres_dsn: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=2) as pool:
        yield pool


async def _use_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=lambda text: [json.loads(text)]
    )


@pytest.fixture
async def json_pool(postgres_dsn: str) -> AsyncIterator[Pool]:
    """A pool whose own codec can be told: it wraps what it reads in a list."""
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=2, init=_use_json) as pool:
        yield pool


async def _stored_and_found(items: Items, document: Any) -> Any:
    async with items.database.connection() as connection:
        await items.queries.add_document(connection, id="document", data=document)
        return (await items.queries.get_item(connection, id="document"))["data"]


@pytest.mark.parametrize("encoded", [False, True])
async def test_documents_work_on_a_pool_without_a_codec(
    plain_pool: Pool, items_tree: Path, encoded: bool
) -> None:
    items = await Items.create(PostgresDatabase(plain_pool), items_tree)
    document = dump_json(DOCUMENT) if encoded else DOCUMENT
    assert await _stored_and_found(items, document) == DOCUMENT
    # The application goes on as it did.
    assert await plain_pool.fetchval("SELECT '[1]'::jsonb") == "[1]"


@pytest.mark.parametrize("encoded", [False, True])
async def test_documents_work_on_a_pool_with_its_own_codec(
    json_pool: Pool, items_tree: Path, encoded: bool
) -> None:
    items = await Items.create(PostgresDatabase(json_pool), items_tree)
    document = dump_json(DOCUMENT) if encoded else DOCUMENT
    assert await _stored_and_found(items, document) == [DOCUMENT]
    assert await json_pool.fetchval("SELECT jsonb_typeof(data) FROM items") == "object"
    assert await json_pool.fetchval("SELECT '[1]'::jsonb") == [[1]]


async def test_a_pool_of_the_application_is_never_closed(
    plain_pool: Pool, items_tree: Path
) -> None:
    database = PostgresDatabase(plain_pool)
    await Items.create(database, items_tree)
    await database.close()
    await close_postgres_pool()
    assert await plain_pool.fetchval("SELECT 1") == 1
    with pytest.raises(DatabaseClosedError):
        await Items.on(database, items_tree).ids()


async def test_a_pool_that_the_application_closes_is_reported(
    plain_pool: Pool, items_tree: Path
) -> None:
    items = await Items.create(PostgresDatabase(plain_pool), items_tree)
    await plain_pool.close()
    with pytest.raises(DatabaseClosedError, match="the pool is not open"):
        await items.ids()


async def test_a_pool_of_the_application_is_reset_as_before(
    plain_pool: Pool, items_tree: Path
) -> None:
    items = await Items.create(PostgresDatabase(plain_pool), items_tree)
    async with items.database.connection() as connection:
        assert isinstance(connection, PostgresConnection)
        await connection.raw.execute("SET work_mem = '7MB'")
    assert await plain_pool.fetchval("SHOW work_mem") != "7MB"


async def test_the_time_limit_counts_while_the_application_sets_connections_up(
    postgres_dsn: str, items: Items, items_tree: Path
) -> None:
    """asyncpg counts a connection as idle while its ``setup`` runs."""
    is_set_up = asyncio.Event()

    async def set_up(_: Any) -> None:
        await is_set_up.wait()

    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1, setup=set_up) as pool:
        small = Items.on(PostgresDatabase(pool, acquire_timeout=0.2), items_tree)
        first = small.database.read()
        entering = asyncio.create_task(first.__aenter__())
        await asyncio.sleep(0)
        second = asyncio.create_task(small.ids())
        await asyncio.sleep(0)
        is_set_up.set()
        await entering
        with pytest.raises(PoolTimeoutError, match="all 1 are in use"):
            await second
        await first.__aexit__(None, None, None)


# Transaction poolers


@pytest.mark.parametrize(
    ("option", "named"), [("pgbouncer=true", False), ("sslmode=disable", True)]
)
async def test_behind_a_transaction_pooler_no_statement_gets_a_name(
    postgres_dsn: str, items_tree: Path, option: str, named: bool
) -> None:
    separator = "&" if "?" in postgres_dsn else "?"
    database = await PostgresDatabase.connect(f"{postgres_dsn}{separator}{option}", 1, 1)
    items = await Items.create(database, items_tree)
    async with database.transaction():
        for number in range(3):
            await items.add(f"{number}")
            await items.size(f"{number}")
            await items.ids()
    async with database.connection() as connection:
        await items.queries.add_many(connection, [{"id": f"m{n}", "size": n} for n in range(50)])
        assert await _stored_and_found(items, DOCUMENT) == DOCUMENT
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.05):
                await items.dawdle()
        assert isinstance(connection, PostgresConnection)
        names = await connection.raw.fetch("SELECT name FROM pg_prepared_statements")
    assert bool(names) is named
    assert len(await items.ids()) == 54
    await database.close()


# What breaks


async def test_a_connection_that_breaks_in_a_statement(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    task = asyncio.create_task(proxied.dawdle())
    await until(lambda: counted_postgres.round_trips >= 2)
    await counted_postgres.drop()
    with pytest.raises(ConnectionLostError, match=r"items\.dawdle") as caught:
        await task
    assert caught.value.__cause__ is not None
    assert await proxied.size("a") == 8


async def test_a_connection_that_breaks_in_a_transaction(
    proxied: Items, counted_postgres: CountingProxy, items: Items
) -> None:
    with pytest.raises(ConnectionLostError):  # noqa: PT012 - the block is what is tested
        async with proxied.database.transaction():
            await proxied.grow("a")
            await counted_postgres.drop()
            await proxied.grow("a")
    assert await proxied.size("a") == await items.size("a") == 8


async def test_a_connection_that_breaks_before_an_exception_does_not_hide_it(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    with pytest.raises(ZeroDivisionError) as caught:  # noqa: PT012 - the block is what is tested
        async with proxied.database.transaction():
            await proxied.grow("a")
            await counted_postgres.drop()
            raise ZeroDivisionError
    assert "the rollback failed too" in caught.value.__notes__[0]
    assert await proxied.size("a") == 8


async def test_a_connection_that_breaks_at_the_commit(
    proxied: Items, counted_postgres: CountingProxy, items: Items
) -> None:
    async def work() -> None:
        async with proxied.database.transaction():
            await proxied.grow("a")
            counted_postgres.stall(replies_only=True)
            counted_postgres.reset()

    task = asyncio.create_task(work())
    await until(lambda: counted_postgres.round_trips == 1)
    async with asyncio.timeout(20):
        while await items.size("a") != 9:
            pass
    await counted_postgres.drop()
    counted_postgres.resume()
    with pytest.raises(ConnectionLostError, match="COMMIT"):
        await task
    assert await proxied.size("a") == 9


async def test_a_connection_that_breaks_while_it_lies_idle_is_not_noticed(
    proxied: Items, counted_postgres: CountingProxy
) -> None:
    await counted_postgres.drop()
    await until(lambda: proxied.database.metrics().size == 0)
    assert await proxied.size("a") == 8


async def test_a_session_that_the_administrator_ends(items: Items, postgres_dsn: str) -> None:
    await items.add("a")
    task = asyncio.create_task(items.dawdle())
    with psycopg.connect(postgres_dsn, autocommit=True) as administrator:
        ended: list[Any] = []
        async with asyncio.timeout(20):
            while not ended:
                await asyncio.sleep(0.01)
                ended = administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND wait_event = 'PgSleep'"
                ).fetchall()
    with pytest.raises(ConnectionLostError):
        await task
    assert await items.size("a") == 0


async def test_a_server_that_is_gone_and_comes_back(
    proxied: Items, postgres_dsn: str, items: Items
) -> None:
    proxy = CountingProxy(postgres_dsn)
    async with proxy:
        dsn = proxy.dsn
        database = await PostgresDatabase.connect(dsn, 1, 1)
        through = Items(database, items.queries)
        assert await through.size("a") == 8
    await until(lambda: database.metrics().size == 0)
    with pytest.raises(DatabaseUnavailableError, match="cannot connect"):
        await through.size("a")
    health = await database.health()
    assert (health.ok, health.latency_ms) == (False, None)
    assert "cannot connect" in str(health.error)
    await database.close()


async def test_a_server_that_does_not_answer_a_new_connection(
    counted_postgres: CountingProxy, items_tree: Path, items: Items
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 0, 2, acquire_timeout=0.2)
    counted_postgres.stall()
    with pytest.raises(DatabaseUnavailableError, match="no answer within"):
        await Items.on(database, items_tree).ids()
    counted_postgres.resume()
    assert await Items.on(database, items_tree).ids() == []
    await database.close()


async def test_the_time_limit_of_the_dsn_for_connecting(counted_postgres: CountingProxy) -> None:
    counted_postgres.stall()
    with pytest.raises(DatabaseUnavailableError):
        await PostgresDatabase.connect(f"{counted_postgres.dsn}&connect_timeout=1", 1, 1)
    counted_postgres.resume()


async def test_a_server_that_does_not_answer_a_statement(
    proxied: Items,
    counted_postgres: CountingProxy,
    items_tree: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "RELEASE_TIMEOUT", 0.2)
    # Long enough to connect on a machine that is busy with other work.
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1, statement_timeout=2)
    items = Items.on(database, items_tree)
    await items.size("a")
    counted_postgres.stall()
    with pytest.raises(StatementTimeoutError):
        await items.size("a")
    counted_postgres.resume()
    assert await items.size("a") == 8
    await database.close()


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(
    proxied: Items, counted_postgres: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "CLOSE_TIMEOUT", 0.2)
    task = asyncio.create_task(proxied.dawdle())
    await until(lambda: counted_postgres.round_trips >= 2)
    counted_postgres.stall()
    async with asyncio.timeout(20):
        await proxied.database.close()
        with pytest.raises(ConnectionLostError):
            await task


async def test_a_cancelled_statement_does_not_go_on_at_the_server(
    items: Items, postgres_dsn: str
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await items.dawdle()
    with psycopg.connect(postgres_dsn, autocommit=True) as watcher:
        still_working = watcher.execute(
            "SELECT query FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        assert still_working.fetchall() == []


async def test_transactions_that_wait_for_each_other(items: Items) -> None:
    await items.add_each(["a", "b"])
    first_step = asyncio.Barrier(2)

    async def grow_both(one: str, other: str) -> None:
        async with items.database.transaction():
            await items.grow(one)
            await first_step.wait()
            await items.grow(other)

    results = await asyncio.gather(grow_both("a", "b"), grow_both("b", "a"), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["ConflictError", "NoneType"]
    assert any(isinstance(result, ConflictError) for result in results)
    assert (await items.size("a"), await items.size("b")) == (1, 1)


async def test_only_a_pool_that_was_not_closed_is_missed(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(*, closing: bool) -> None:
        pool = await get_postgres_pool(postgres_dsn, 1, 1)
        if closing:
            await close_postgres_pool()
        else:
            pool.terminate()

    for closing in (True, False):
        await asyncio.to_thread(asyncio.run, use(closing=closing))
        await get_postgres_pool(postgres_dsn, 1, 1)
        assert ("without close_databases()" in caplog.text) is not closing
