"""Tells of commits to a SQLite file by looking at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from aragora_sql.database.base import Watch
from aragora_sql.database.sqlite_statements import data_version
from aragora_sql.database.sqlite_thread import ThreadedConnection
from aragora_sql.errors import DatabaseClosedError

if TYPE_CHECKING:
    from aragora_sql.database.sqlite import SQLiteDatabase

__all__ = ["FileWatch"]

# How long a watch sleeps between two looks at the file, in seconds: longer the longer it waits.
_SHORTEST_PAUSE = 0.002
_LONGEST_PAUSE = 0.02


class FileWatch(Watch):
    """Looks every few milliseconds whether another connection has committed to the file.

    It has a connection of its own, so commits of this process count too. A database in memory has
    no second connection: there every look counts as a change.
    """

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database
        self._handle: ThreadedConnection | None = None
        self._turn = asyncio.Lock()

    async def mark(self) -> int:
        database = self._database
        database._owner.claim(database)
        if database._in_memory:
            return 0
        async with self._turn:
            if database._closed:
                raise DatabaseClosedError(f"{database.path}: the database was closed")
            if self._handle is not None and self._handle.generation != database._generation:
                await self._handle.close()
                self._handle = None
            if self._handle is None:
                if database._writer is None:
                    # The writer creates the file.
                    await database._take_writer()
                    database._writer_turn.release()
                self._handle = await database._open("query_only = ON")
            return await self._handle.run("watch", data_version)

    async def changed(
        self, mark: int, timeout: float, topics: Collection[str] | None = None
    ) -> bool:
        deadline = time.monotonic() + timeout
        pause = _LONGEST_PAUSE if self._database._in_memory else _SHORTEST_PAUSE
        while True:
            remaining = deadline - time.monotonic()
            await asyncio.sleep(max(0.0, min(pause, remaining)))
            if self._database._in_memory or await self.mark() != mark:
                return True
            if remaining <= pause:
                return False
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def close(self) -> None:
        async with self._turn:
            handle, self._handle = self._handle, None
            if handle is not None:
                await handle.close()
