"""A batch of 1,000 consensus records, all or nothing."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from typing import Any

import aiosqlite

from aragora_sql.stores.consensus.store import ConsensusMemory
from benchmarks.calls import Prepare, debates, new_rows, report_race
from benchmarks.measure import Call, Lane, on, race
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.servers import open_postgres, open_sqlite
from benchmarks.statements import raw_statement, stock_query
from benchmarks.ways import (
    DriverThread,
    aiosqlite_driver,
    asyncpg_driver,
    postgres_memory,
    sqlite_driver,
    sqlite_memory,
)

__all__ = ["batch_postgres", "batch_sqlite"]

SIZE = 1000

MANY = "driver, executemany"
STOCK = "aiosql"
OURS = "aragora_sql, store_many"
ONE_BY_ONE = "driver, one by one"
OURS_ONE_BY_ONE = "aragora_sql, one by one"

BASES = {"x executemany": MANY, "x one by one": ONE_BY_ONE}


def _in_batches(prepare: Prepare) -> Prepare:
    return lambda count: [prepare(SIZE) for _ in range(count)]


def _store_many(memory: ConsensusMemory) -> Call:
    return memory.store_many


def _store_each(memory: ConsensusMemory) -> Call:
    async def call(batch: list[dict[str, Any]]) -> None:
        for debate in batch:
            await memory.store_consensus(**debate)

    return call


async def batch_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL, connections held."""
    chooser = random.Random(6)
    statement = raw_statement("postgres", "insert_consensus")
    query = stock_query("postgres", "insert_consensus", "*!")

    def many(connection: Any) -> Call:
        return lambda batch: connection.executemany(statement.sql, batch)

    def stock(connection: Any) -> Call:
        return lambda batch: query(connection, batch)

    def each(connection: Any) -> Call:
        async def call(batch: list[tuple[Any, ...]]) -> None:
            for row in batch:
                await connection.execute(statement.sql, *row)

        return call

    tuples = _in_batches(new_rows(chooser, "postgres", statement))
    named = _in_batches(new_rows(chooser, "postgres"))
    arguments = _in_batches(debates(chooser))
    async with open_postgres(run.postgres) as (_, dsn):
        lanes = [
            Lane(MANY, tuples, on(many, asyncpg_driver, dsn)),
            Lane(STOCK, named, on(stock, asyncpg_driver, dsn)),
            Lane(OURS, arguments, on(_store_many, postgres_memory, dsn, hold=True)),
            Lane(ONE_BY_ONE, tuples, on(each, asyncpg_driver, dsn)),
            Lane(OURS_ONE_BY_ONE, arguments, on(_store_each, postgres_memory, dsn, hold=True)),
        ]
        return [await _race(run, "batch-postgres", "PostgreSQL", lanes)]


async def batch_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite; a batch is one transaction, but for those one by one."""
    chooser = random.Random(6)
    sql = raw_statement("sqlite", "insert_consensus").sql
    query = stock_query("sqlite", "insert_consensus", "*!")

    def insert_many(connection: sqlite3.Connection, batch: list[dict[str, Any]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, batch)
        connection.execute("COMMIT")

    def many(thread: DriverThread) -> Call:
        return lambda batch: thread.in_any(insert_many, batch)

    def stock(connection: aiosqlite.Connection) -> Call:
        async def call(batch: list[dict[str, Any]]) -> None:
            await query(connection, batch)
            await connection.commit()

        return call

    def insert(connection: sqlite3.Connection, row: dict[str, Any]) -> None:
        connection.execute(sql, row)

    def each(thread: DriverThread) -> Call:
        async def call(batch: list[dict[str, Any]]) -> None:
            for row in batch:
                await thread.in_any(insert, row)

        return call

    rows = _in_batches(new_rows(chooser, "sqlite"))
    arguments = _in_batches(debates(chooser))
    async with open_sqlite(run.folder) as (_, path):
        lanes = [
            Lane(MANY, rows, on(many, sqlite_driver, path)),
            Lane(STOCK, rows, on(stock, aiosqlite_driver, path, autocommit=False)),
            Lane(OURS, arguments, on(_store_many, sqlite_memory, path)),
            Lane(ONE_BY_ONE, rows, on(each, sqlite_driver, path)),
            Lane(OURS_ONE_BY_ONE, arguments, on(_store_each, sqlite_memory, path)),
        ]
        return [await _race(run, "batch-sqlite", "SQLite", lanes)]


async def _race(run: Run, name: str, engine: str, lanes: Sequence[Lane]) -> Report:
    title = f"{engine}, batch of {SIZE:,} records"
    rounds = max(1, run.rounds // 3)
    with run.stage(title, rounds) as advance:
        timings = await race(lanes, 1, 1, rounds, advance)
    title = f"{title} ({rounds} rounds, medians)"
    return report_race(name, title, ("ms", 1e3), lanes, BASES, timings, [])
