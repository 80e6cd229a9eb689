"""What calls cost on SQLite: a point read, an insert, a batch."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiosqlite
import orjson

from aragora_sql.database.values import format_timestamp
from aragora_sql.queries import load_queries
from aragora_sql.stores.consensus.store import ConsensusMemory
from benchmarks.calls import Prepare, debates, new_rows, some_ids
from benchmarks.costs import (
    DRIVER,
    MANY,
    OURS_QUERY,
    OURS_STORE,
    clocks_of,
    in_batches,
    race_costs,
    same_answers,
)
from benchmarks.measure import Call, Lane, on
from benchmarks.peers import alchemy_on_sqlite, alchemy_statement, sqlspec_on_sqlite
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.servers import open_sqlite
from benchmarks.statements import decode_row, named_query, raw_statement
from benchmarks.ways import (
    DriverThread,
    aiosqlite_driver,
    sqlite_driver,
    sqlite_memory,
)

__all__ = ["costs_sqlite"]

SQLSPEC = "SQLSpec"
ALCHEMY = "SQLAlchemy Core"


async def costs_sqlite(run: Run) -> list[Report]:
    """Measure all three on held connections, each commit durable."""
    async with open_sqlite(run.folder) as (memory, path):
        ids = await some_ids(memory, random.Random(3))
        return [await _read(run, ids, path), await _insert(run, path), await _batch(run, path)]


@asynccontextmanager
async def _held_query(path: Path, name: str) -> AsyncIterator[Callable[..., Any]]:
    """Yield a query of ours that has its connection already."""
    query = getattr(load_queries("consensus", "sqlite"), name)
    async with sqlite_memory(path, hold=True) as memory, memory.database.connection() as held:
        yield lambda **parameters: query(held, **parameters)


async def _read(run: Run, ids: Prepare, path: Path) -> Report:
    sql = raw_statement("sqlite", "get_consensus").sql
    text, _ = named_query("sqlite", "get_consensus")
    of_alchemy = alchemy_statement(text, reads=True)

    def driver(connection: aiosqlite.Connection) -> Call:
        connection.row_factory = sqlite3.Row

        async def call(consensus_id: str) -> dict[str, Any]:
            async with connection.execute(sql, {"consensus_id": consensus_id}) as cursor:
                row = await cursor.fetchone()
            assert row is not None
            return decode_row(row)

        return call

    def query(get: Callable[..., Any]) -> Call:
        return lambda consensus_id: get(consensus_id=consensus_id)

    def store(memory: ConsensusMemory) -> Call:
        return memory.get_consensus

    def sqlspec(session: Any) -> Call:
        async def call(consensus_id: str) -> dict[str, Any]:
            return decode_row(await session.select_one_or_none(sql, {"consensus_id": consensus_id}))

        return call

    def alchemy(connection: Any) -> Call:
        async def call(consensus_id: str) -> dict[str, Any]:
            result = await connection.execute(of_alchemy, {"consensus_id": consensus_id})
            row = dict(result.mappings().one())
            for name in ("created_at", "updated_at"):
                row[name] = datetime.fromisoformat(row[name])
            return row

        return call

    lanes = [
        Lane(DRIVER, ids, on(driver, aiosqlite_driver, path)),
        Lane(OURS_QUERY, ids, on(query, _held_query, path, "get_consensus")),
        Lane(OURS_STORE, ids, on(store, sqlite_memory, path, hold=True)),
        Lane(SQLSPEC, ids, on(sqlspec, sqlspec_on_sqlite, path)),
        Lane(ALCHEMY, ids, on(alchemy, alchemy_on_sqlite, path)),
    ]
    await same_answers(lanes, ids(1)[0], dict)
    return await race_costs(
        run,
        "costs-sqlite-read",
        "SQLite, cost of a point read",
        clocks_of(None),
        lanes,
        DRIVER,
        (OURS_STORE, 1.1),
    )


async def _insert(run: Run, path: Path) -> Report:
    chooser = random.Random(4)
    sql = raw_statement("sqlite", "insert_consensus").sql
    text, _ = named_query("sqlite", "insert_consensus")
    of_alchemy = alchemy_statement(text)

    def driver(connection: aiosqlite.Connection) -> Call:
        async def call(row: dict[str, Any]) -> None:
            async with connection.execute(sql, _encoded(row)):
                pass

        return call

    def query(insert: Callable[..., Any]) -> Call:
        return lambda row: insert(**row)

    def store(memory: ConsensusMemory) -> Call:
        return lambda debate: memory.store_consensus(**debate)

    def sqlspec(session: Any) -> Call:
        return lambda row: session.execute(sql, _encoded(row))

    def alchemy(connection: Any) -> Call:
        return lambda row: connection.execute(of_alchemy, row)

    named = new_rows(chooser, "sqlite", documents=True)
    lanes = [
        Lane(DRIVER, named, on(driver, aiosqlite_driver, path)),
        Lane(OURS_QUERY, named, on(query, _held_query, path, "insert_consensus")),
        Lane(OURS_STORE, debates(chooser), on(store, sqlite_memory, path, hold=True)),
        Lane(SQLSPEC, named, on(sqlspec, sqlspec_on_sqlite, path)),
        Lane(ALCHEMY, named, on(alchemy, alchemy_on_sqlite, path)),
    ]
    return await race_costs(
        run,
        "costs-sqlite-insert",
        "SQLite, cost of an insert",
        clocks_of(None),
        lanes,
        DRIVER,
        (OURS_STORE, 1.2),
    )


async def _batch(run: Run, path: Path) -> Report:
    chooser = random.Random(6)
    sql = raw_statement("sqlite", "insert_consensus").sql

    def insert_many(connection: sqlite3.Connection, batch: list[dict[str, Any]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, batch)
        connection.execute("COMMIT")

    def insert_encoded(connection: sqlite3.Connection, batch: list[dict[str, Any]]) -> None:
        insert_many(connection, [_encoded(row) for row in batch])

    def many(thread: DriverThread) -> Call:
        return lambda batch: thread.in_any(insert_many, batch)

    def encoding(thread: DriverThread) -> Call:
        return lambda batch: thread.in_any(insert_encoded, batch)

    def store(memory: ConsensusMemory) -> Call:
        return memory.store_many

    def sqlspec(session: Any) -> Call:
        async def call(batch: list[dict[str, Any]]) -> None:
            await session.begin()
            await session.execute_many(sql, [_encoded(row) for row in batch])
            await session.commit()

        return call

    texts = in_batches(new_rows(chooser, "sqlite"))
    named = in_batches(new_rows(chooser, "sqlite", documents=True))
    arguments = in_batches(debates(chooser))
    lanes = [
        Lane(MANY, texts, on(many, sqlite_driver, path)),
        Lane(f"{MANY}, encoding", named, on(encoding, sqlite_driver, path)),
        Lane(OURS_STORE, arguments, on(store, sqlite_memory, path, hold=True)),
        Lane(SQLSPEC, named, on(sqlspec, sqlspec_on_sqlite, path)),
    ]
    return await race_costs(
        run,
        "costs-sqlite-batch",
        "SQLite, cost of a batch of 1,000",
        clocks_of(None),
        lanes,
        MANY,
        (OURS_STORE, 0.9),
        calls=1,
        warm_up=1,
        rounds=max(1, run.rounds // 2),
    )


def _encoded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: orjson.dumps(value).decode()
        if isinstance(value, (dict, list))
        else format_timestamp(value)
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }
