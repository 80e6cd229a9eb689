"""The databases that are measured: a new one for each benchmark, gone when it is done."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import asyncpg

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.embedded import EmbeddedServer
from aragora_sql.schema import apply_schema
from aragora_sql.stores.consensus.store import ConsensusMemory

__all__ = [
    "ServerClock",
    "empty_database",
    "new_database",
    "open_postgres",
    "open_sqlite",
    "server_version",
    "temporary_folder",
]

_numbers = count(1)


@asynccontextmanager
async def open_postgres(server: EmbeddedServer) -> AsyncIterator[tuple[ConsensusMemory, str]]:
    """Make a database with the schema; yield the consensus store and the database's DSN."""
    async with new_database(server) as dsn:
        database = await PostgresDatabase.connect(dsn, min_size=2, max_size=4)
        try:
            yield ConsensusMemory(database), dsn
        finally:
            await database.close()


@asynccontextmanager
async def new_database(server: EmbeddedServer) -> AsyncIterator[str]:
    """Make a database with the schema of all stores; yield its DSN."""
    async with empty_database(server) as dsn:
        database = await PostgresDatabase.connect(dsn, min_size=1, max_size=1)
        try:
            await apply_schema(database)
        finally:
            await database.close()
        yield dsn


@asynccontextmanager
async def empty_database(server: EmbeddedServer) -> AsyncIterator[str]:
    """Make a database without any table; yield its DSN."""
    name = f"bench_{next(_numbers)}"
    await _execute(server, f"CREATE DATABASE {name}")
    try:
        yield server.dsn(name)
    finally:
        await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


class ServerClock:
    """Reads how much processor time a server has used so far: all of its processes, on Linux."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = postmaster

    @classmethod
    async def of(cls, server: EmbeddedServer) -> ServerClock:
        """Return the clock of a running server."""
        connection = await asyncpg.connect(server.dsn())
        try:
            folder = await connection.fetchval("SHOW data_directory")
        finally:
            await connection.close()
        lines = (Path(folder) / "postmaster.pid").read_text().splitlines()
        return cls(int(lines[0]))

    def seconds(self) -> float:
        """Return user and system time, in seconds; that of sessions that have ended is in it."""
        ticks = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                # Behind the name, which may hold anything.
                words = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                # It has ended meanwhile.
                continue
            own, of_ended = words[11:13], words[13:15]
            if int(folder.name) == self._postmaster:
                ticks += sum(map(int, own + of_ended))
            elif int(words[1]) == self._postmaster:
                ticks += sum(map(int, own))
        return ticks / os.sysconf("SC_CLK_TCK")


async def _execute(server: EmbeddedServer, sql: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def server_version(server: EmbeddedServer) -> str:
    """Return the full version of a running server, such as ``18.1``."""
    connection = await asyncpg.connect(server.dsn())
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


@asynccontextmanager
async def open_sqlite(folder: Path) -> AsyncIterator[tuple[ConsensusMemory, Path]]:
    """Make a database file with the consensus schema; yield the store and the file's path."""
    path = folder / f"bench_{next(_numbers)}.db"
    database = SQLiteDatabase(path)
    try:
        memory = ConsensusMemory(database)
        await memory.initialize()
        yield memory, path
    finally:
        await database.close()
        _remove(path)


def _remove(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for SQLite files, and remove it."""
    with tempfile.TemporaryDirectory(prefix="aragora-bench-") as folder:
        yield Path(folder)
