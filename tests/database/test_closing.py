"""Closing: inside a unit of work, after a cancelled close, and loops that end without it."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from pathlib import Path

import psycopg
import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import close_postgres_pool, get_postgres_pool
from aragora_sql.database.sqlite import (
    SQLiteDatabase,
    close_sqlite_databases,
    get_sqlite_database,
)
from aragora_sql.errors import DatabaseError


async def test_closing_inside_a_unit_of_work_is_refused(database: Database) -> None:
    async with database.transaction():
        with pytest.raises(DatabaseError, match="inside a unit of work"):
            await database.close()
        async with database.read() as connection:
            await connection.run_script("test", "SELECT 1")
    await database.close()
    await database.close()


async def test_a_cancelled_close_can_be_repeated(tmp_path: Path) -> None:
    database = SQLiteDatabase(tmp_path / "aragora.db")
    entered, leave = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with database.transaction():
            entered.set()
            await leave.wait()

    task = asyncio.create_task(work())
    await entered.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    leave.set()
    await task
    await database.close()
    assert database.metrics().size == 0


def test_loops_that_end_without_closing_leave_no_connections(
    postgres_dsn: str, tmp_path: Path
) -> None:
    async def use() -> None:
        pool = await get_postgres_pool(postgres_dsn, min_size=2, max_size=2)
        assert await pool.fetchval("SELECT 1") == 1
        async with get_sqlite_database(tmp_path / "aragora.db").connection() as connection:
            await connection.run_script("test", "SELECT 1")

    async def use_and_close() -> None:
        await use()
        await close_postgres_pool()
        await close_sqlite_databases()

    with warnings.catch_warnings():
        # What is dropped says that it should have been closed.
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(5):
            asyncio.run(use())
        asyncio.run(use_and_close())
        gc.collect()
    deadline = time.monotonic() + 20
    with psycopg.connect(postgres_dsn) as connection:
        # A session ends when the server has seen that its socket is closed.
        while connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend' "
            "AND application_name <> 'copies'"
        ).rowcount:
            assert time.monotonic() < deadline, "connections are left"
