"""What tests of races between connections ask of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from aragora_sql.database import Database
from aragora_sql.errors import DatabaseError
from tests.stores.samples import fetch_value, run

T = TypeVar("T")

WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def started(database: Database, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task; on PostgreSQL return when it waits for a lock, or is done.

    On SQLite it waits for the one who writes, as all do: nothing is to be seen of that.
    """
    task = asyncio.create_task(work)
    while database.dialect == "postgres" and not task.done():
        if await fetch_value(database, WAITING):
            break
        await asyncio.sleep(0.005)
    return task


async def is_locked(database: Database, table: str, column: str, key: str) -> bool:
    """Tell whether somebody holds a row of PostgreSQL."""
    statement = f"SELECT 1 FROM {table} WHERE {column} = '{key}' FOR UPDATE NOWAIT"
    try:
        await run(database, statement)
    except DatabaseError:
        return True
    return False
