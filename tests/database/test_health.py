"""Health and metrics, as an operator's endpoints show them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase, create_pool
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.errors import AragoraSQLError
from tests.conftest import OpenDatabase
from tests.database.items import Items
from tests.database.waiting import outside, until
from tests.proxy import CountingProxy


async def test_a_database_that_answers_is_healthy(database: Database) -> None:
    health = await database.health()
    assert health.ok
    assert health.error is None
    assert health.latency_ms is not None
    assert health.latency_ms > 0
    assert health.to_dict() == {
        "status": "healthy",
        "database": "connected",
        "dialect": database.dialect,
        "latency_ms": health.latency_ms,
        "error": None,
        "role": "primary",
        "read_only": False,
        "lag_seconds": None,
    }


async def test_a_closed_database_is_not_healthy(database: Database) -> None:
    await database.close()
    health = await database.health()
    assert health.to_dict() == {
        "status": "unhealthy",
        "database": "disconnected",
        "dialect": database.dialect,
        "latency_ms": None,
        "error": health.error,
        "role": None,
        "read_only": None,
        "lag_seconds": None,
    }
    assert "closed" in str(health.error)


async def test_a_file_that_cannot_be_opened_is_not_healthy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = SQLiteDatabase(tmp_path / "file" / "a.db")
    health = await database.health()
    assert not health.ok
    assert "cannot open" in str(health.error)
    await database.close()


async def test_health_does_not_wait_longer_than_it_is_told(
    items: Items, open_database: OpenDatabase, items_tree: Path
) -> None:
    options = {"readers": 1} if items.database.dialect == "sqlite" else {"max_size": 1}
    small = Items.on(await open_database(**options), items_tree)
    held = small.database.read()
    await asyncio.create_task(held.__aenter__())
    health = await small.database.health(timeout=0.05)
    assert (health.ok, health.error) == (False, "no answer within 0.05 s")
    await held.__aexit__(None, None, None)
    assert (await small.database.health()).ok
    assert small.database.metrics().waiting == 0


async def test_health_does_not_wait_for_a_server_that_hangs(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    counted_postgres.stall()
    async with asyncio.timeout(20):
        health = await database.health(timeout=0.05)
    assert (health.ok, health.error) == (False, "no answer within 0.05 s")
    counted_postgres.resume()
    assert (await database.health()).ok
    await database.close()


async def test_asking_for_health_harms_no_transaction(items: Items) -> None:
    async with items.database.transaction():
        await items.add("a")
        assert (await items.database.health()).ok
        await items.add("b")
    assert await items.ids() == ["a", "b"]


async def test_a_failed_transaction_is_no_reason_to_be_unhealthy_afterwards(items: Items) -> None:
    with pytest.raises(AragoraSQLError):
        async with items.database.transaction():
            await items.add_each(["a", "a"])
    assert (await items.database.health()).ok


async def test_a_cancelled_question_for_health_leaves_nothing_behind(database: Database) -> None:
    asking = asyncio.create_task(database.health())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: database.metrics().in_use == 0)
    assert (await database.health()).ok


async def test_metrics_count_connections(
    items: Items, open_database: OpenDatabase, items_tree: Path
) -> None:
    if items.database.dialect == "sqlite":
        database = await open_database(readers=2)
        sizes = (0, 3)
    else:
        database = await open_database(min_size=1, max_size=3)
        sizes = (1, 3)
    small = Items.on(database, items_tree)
    assert await small.ids() == []
    metrics = database.metrics()
    assert (metrics.min_size, metrics.max_size) == sizes
    assert (metrics.in_use, metrics.waiting) == (0, 0)
    assert metrics.free == metrics.size >= 1

    async with database.transaction():
        await small.add("a")
        assert database.metrics().in_use == 1
        reading = database.read()
        await outside(reading.__aenter__())
        metrics = database.metrics()
        assert (metrics.size, metrics.in_use, metrics.free) == (2, 2, 0)
        await reading.__aexit__(None, None, None)
    metrics = database.metrics()
    assert (metrics.in_use, metrics.free) == (0, metrics.size)
    assert metrics.to_dict() == {
        "pool_size": metrics.size,
        "pool_min_size": sizes[0],
        "pool_max_size": 3,
        "free_connections": metrics.free,
        "used_connections": 0,
        "utilization": 0.0,
        "backpressure": False,
        "total_acquisitions": metrics.acquisitions,
        "failed_acquisitions": 0,
        "timeouts": 0,
        "circuit_breaker_rejections": 0,
        "circuit_breaker_status": "closed",
        "avg_wait_time_ms": metrics.wait_ms / metrics.acquisitions,
        "max_wait_time_ms": metrics.max_wait_ms,
        "waiting": 0,
    }


async def test_acquisitions_are_counted(open_database: OpenDatabase, items_tree: Path) -> None:
    database = await open_database()
    if database.dialect == "sqlite":
        impatient = await open_database(readers=1, busy_timeout=0.01)
    else:
        impatient = await open_database(max_size=1, acquire_timeout=0.01)
    before = impatient.metrics()
    async with impatient.read():
        busy = impatient.metrics()
        with pytest.raises(AragoraSQLError):
            await outside(impatient.read().__aenter__())
        # It takes part in the unit that is open: nothing is acquired.
        async with impatient.read():
            pass
    after = impatient.metrics()
    assert busy.in_use == 1
    assert after.acquisitions - before.acquisitions == 1
    assert (after.failed - before.failed, after.timeouts - before.timeouts) == (1, 1)
    assert after.wait_ms >= after.max_wait_ms > 0
    await impatient.close()
    with pytest.raises(AragoraSQLError):
        await impatient.read().__aenter__()
    closed = impatient.metrics()
    # Refused, and nobody waited.
    assert (closed.failed - after.failed, closed.timeouts - after.timeouts) == (1, 0)


async def test_all_databases_over_a_pool_count_together(postgres_dsn: str) -> None:
    pool = await create_pool(postgres_dsn, 1, 5)
    one, other = PostgresDatabase(pool), PostgresDatabase(pool)
    for database in (one, other):
        async with database.read():
            assert one.metrics().utilization == 0.2
    assert one.metrics().acquisitions == other.metrics().acquisitions == 2
    await pool.close()
