"""The ways to a database that are compared: a connection each, opened again in every round.

Each is an asynchronous context manager that yields what calls are made on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import orjson

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.consensus.store import ConsensusMemory

__all__ = [
    "DriverThread",
    "aiosqlite_driver",
    "asyncpg_driver",
    "asyncpg_pool",
    "postgres_memory",
    "sqlite_driver",
    "sqlite_memory",
    "use_rollback_journal",
]

# As aragora_sql sets them: a commit that returned is on the disk.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


@asynccontextmanager
async def asyncpg_driver(dsn: str, *, json_codec: bool = False) -> AsyncIterator[Any]:
    """Open an asyncpg connection; with a codec it reads and writes jsonb as objects."""
    connection = await asyncpg.connect(dsn)
    try:
        if json_codec:
            await connection.set_type_codec(
                "jsonb",
                schema="pg_catalog",
                encoder=lambda value: orjson.dumps(value).decode(),
                decoder=orjson.loads,
            )
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def asyncpg_pool(dsn: str) -> AsyncIterator[Any]:
    """Open an asyncpg pool with its default settings, but for the size."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        yield pool


@asynccontextmanager
async def postgres_memory(dsn: str, *, hold: bool) -> AsyncIterator[ConsensusMemory]:
    """Open our store on PostgreSQL; ``hold`` keeps the connection from call to call."""
    database = await PostgresDatabase.connect(dsn, min_size=1, max_size=1)
    async with _memory(database, hold) as memory:
        yield memory


@asynccontextmanager
async def sqlite_memory(path: Path, *, hold: bool = False) -> AsyncIterator[ConsensusMemory]:
    """Open our store on a SQLite file; ``hold`` keeps the connection from call to call."""
    async with _memory(SQLiteDatabase(path), hold=hold) as memory:
        yield memory


@asynccontextmanager
async def _memory(database: Database, hold: bool) -> AsyncIterator[ConsensusMemory]:
    try:
        memory = ConsensusMemory(database)
        if hold:
            async with database.connection():
                yield memory
        else:
            yield memory
    finally:
        await database.close()


@asynccontextmanager
async def aiosqlite_driver(
    path: Path, *, autocommit: bool = True, our_settings: bool = True
) -> AsyncIterator[aiosqlite.Connection]:
    """Open an aiosqlite connection with our pragmas, or with SQLite's own settings."""
    level = None if autocommit else "DEFERRED"
    async with aiosqlite.connect(path, isolation_level=level) as connection:
        for pragma in _PRAGMAS if our_settings else ():
            await connection.execute(f"PRAGMA {pragma}")
        yield connection


def use_rollback_journal(path: Path) -> None:
    """Give a file SQLite's default kind of journal; nobody may have it open."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


class DriverThread:
    """A sqlite3 connection with our pragmas, and two ways to use it in a thread.

    ``in_any`` is ``asyncio.to_thread``; ``in_own`` is a thread that does nothing else.
    """

    def __init__(self, connection: sqlite3.Connection, executor: ThreadPoolExecutor) -> None:
        self.connection = connection
        self._executor = executor

    async def in_any(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run ``work`` in some thread."""
        return await asyncio.to_thread(work, self.connection, *arguments)

    def in_own(self, work: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        """Run ``work`` in the connection's own thread."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, work, self.connection, *arguments)


@asynccontextmanager
async def sqlite_driver(path: Path) -> AsyncIterator[DriverThread]:
    """Open a sqlite3 connection in autocommit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        with ThreadPoolExecutor(max_workers=1) as executor:
            yield DriverThread(connection, executor)
    finally:
        connection.close()
