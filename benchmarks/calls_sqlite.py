"""Point read and single insert on a SQLite file."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite

from aragora_sql.stores.consensus.store import ConsensusMemory
from benchmarks.calls import Prepare, debates, new_rows, race_calls, some_ids
from benchmarks.measure import Call, Lane, Timings, on
from benchmarks.report import Aim, Report
from benchmarks.run import Run
from benchmarks.servers import open_sqlite
from benchmarks.statements import decode_row, raw_statement, stock_query
from benchmarks.ways import (
    DriverThread,
    aiosqlite_driver,
    sqlite_driver,
    sqlite_memory,
    use_rollback_journal,
)

__all__ = ["call_sqlite"]

RAW = "sqlite3 in a thread"
RAW_EXECUTOR = "sqlite3 in its own thread"
OURS = "aragora_sql"
STOCK = "aiosql"
STOCK_DECODED = "aiosql, row decoded"
STOCK_COMMIT = "aiosql, commit()"
STOCK_DEFAULTS = "aiosql, commit(), no WAL"

BASES = {"x sqlite3": RAW, "x aiosql": STOCK}


async def call_sqlite(run: Run) -> list[Report]:
    """Measure both; all lanes but one have the same settings, under which a commit is durable."""
    async with (
        open_sqlite(run.folder) as (memory, path),
        open_sqlite(run.folder) as (other_memory, other_path),
    ):
        ids = await some_ids(memory, random.Random(3))
        await some_ids(other_memory, random.Random(3))
        await other_memory.database.close()
        use_rollback_journal(other_path)
        return [await _read(run, ids, path), await _insert(run, path, other_path)]


async def _read(run: Run, ids: Prepare, path: Path) -> Report:
    sql = raw_statement("sqlite", "get_consensus").sql
    query = stock_query("sqlite", "get_consensus", "^")

    def read(connection: sqlite3.Connection, consensus_id: str) -> Any:
        return connection.execute(sql, {"consensus_id": consensus_id}).fetchone()

    def in_any(thread: DriverThread) -> Call:
        return lambda consensus_id: thread.in_any(read, consensus_id)

    def in_own(thread: DriverThread) -> Call:
        return lambda consensus_id: thread.in_own(read, consensus_id)

    def ours(memory: ConsensusMemory) -> Call:
        return memory.get_consensus

    def stock(connection: aiosqlite.Connection) -> Call:
        return lambda consensus_id: query(connection, consensus_id=consensus_id)

    def stock_decoded(connection: aiosqlite.Connection) -> Call:
        connection.row_factory = sqlite3.Row

        async def call(consensus_id: str) -> dict[str, Any]:
            return decode_row(await query(connection, consensus_id=consensus_id))

        return call

    lanes = [
        Lane(RAW, ids, on(in_any, sqlite_driver, path)),
        Lane(RAW_EXECUTOR, ids, on(in_own, sqlite_driver, path)),
        Lane(OURS, ids, on(ours, sqlite_memory, path)),
        Lane(STOCK, ids, on(stock, aiosqlite_driver, path)),
        Lane(STOCK_DECODED, ids, on(stock_decoded, aiosqlite_driver, path)),
    ]
    return await race_calls(
        run,
        "calls-sqlite-read",
        "SQLite, point read",
        lanes,
        {**BASES, "x decoded": STOCK_DECODED},
        _aims("point read", STOCK),
    )


async def _insert(run: Run, path: Path, other_path: Path) -> Report:
    chooser = random.Random(4)
    sql = raw_statement("sqlite", "insert_consensus").sql
    query = stock_query("sqlite", "insert_consensus", "!")

    def insert(connection: sqlite3.Connection, row: dict[str, Any]) -> None:
        connection.execute(sql, row)

    def in_any(thread: DriverThread) -> Call:
        return lambda row: thread.in_any(insert, row)

    def in_own(thread: DriverThread) -> Call:
        return lambda row: thread.in_own(insert, row)

    def ours(memory: ConsensusMemory) -> Call:
        return lambda debate: memory.store_consensus(**debate)

    def stock(connection: aiosqlite.Connection) -> Call:
        return lambda row: query(connection, **row)

    def stock_commit(connection: aiosqlite.Connection) -> Call:
        async def call(row: dict[str, Any]) -> None:
            await query(connection, **row)
            await connection.commit()

        return call

    rows = new_rows(chooser, "sqlite")
    by_default = on(
        stock_commit, aiosqlite_driver, other_path, autocommit=False, our_settings=False
    )
    lanes = [
        Lane(RAW, rows, on(in_any, sqlite_driver, path)),
        Lane(RAW_EXECUTOR, rows, on(in_own, sqlite_driver, path)),
        Lane(OURS, debates(chooser), on(ours, sqlite_memory, path)),
        Lane(STOCK, rows, on(stock, aiosqlite_driver, path)),
        Lane(STOCK_COMMIT, rows, on(stock_commit, aiosqlite_driver, path, autocommit=False)),
        Lane(STOCK_DEFAULTS, rows, by_default),
    ]
    return await race_calls(
        run,
        "calls-sqlite-insert",
        "SQLite, single insert",
        lanes,
        {**BASES, "x commit()": STOCK_COMMIT, "x no WAL": STOCK_DEFAULTS},
        _aims("insert", STOCK, STOCK_COMMIT, STOCK_DEFAULTS),
    )


def _aims(what: str, *peers: str) -> Callable[[Timings], list[Aim]]:
    def aims(timings: Timings) -> list[Aim]:
        return [
            Aim.at_most(f"{what}, times {peer}", timings.ratio(OURS, peer), 0.5) for peer in peers
        ]

    return aims
