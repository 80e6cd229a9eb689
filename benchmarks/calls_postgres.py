"""Point read and single insert on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from aragora_sql.stores.consensus.store import ConsensusMemory
from benchmarks.calls import debates, new_rows, race_calls, some_ids
from benchmarks.measure import Call, Lane, Timings, on
from benchmarks.report import Aim, Report
from benchmarks.run import Run
from benchmarks.servers import open_postgres
from benchmarks.statements import raw_statement, stock_query
from benchmarks.ways import asyncpg_driver, asyncpg_pool, postgres_memory

__all__ = ["call_postgres"]

RAW = "asyncpg"
CODEC = "asyncpg, JSON codec"
OURS = "aragora_sql"
STOCK = "aiosql"
RAW_POOL = "asyncpg, pool"
OURS_POOL = "aragora_sql, pool"
STOCK_POOL = "aiosql, pool"

BASES = {"x asyncpg": RAW, "x codec": CODEC, "x aiosql": STOCK}


async def call_postgres(run: Run) -> list[Report]:
    """Measure both on held connections and on pools."""
    async with open_postgres(run.postgres) as (memory, dsn):
        return [await _read(run, memory, dsn), await _insert(run, dsn)]


async def _read(run: Run, memory: ConsensusMemory, dsn: str) -> Report:
    ids = await some_ids(memory, random.Random(3))
    async with asyncpg_driver(dsn) as connection:
        # As autovacuum would do some time later.
        await connection.execute("VACUUM ANALYZE consensus")
    sql = raw_statement("postgres", "get_consensus").sql
    query = stock_query("postgres", "get_consensus", "^")

    def driver(connection: Any) -> Call:
        return lambda consensus_id: connection.fetchrow(sql, consensus_id)

    def acquiring(pool: Any) -> Call:
        async def call(consensus_id: str) -> None:
            async with pool.acquire() as connection:
                await connection.fetchrow(sql, consensus_id)

        return call

    def stock(client: Any) -> Call:
        return lambda consensus_id: query(client, consensus_id=consensus_id)

    def ours(memory: ConsensusMemory) -> Call:
        return memory.get_consensus

    lanes = [
        Lane(RAW, ids, on(driver, asyncpg_driver, dsn)),
        Lane(CODEC, ids, on(driver, asyncpg_driver, dsn, json_codec=True)),
        Lane(OURS, ids, on(ours, postgres_memory, dsn, hold=True)),
        Lane(STOCK, ids, on(stock, asyncpg_driver, dsn)),
        Lane(RAW_POOL, ids, on(acquiring, asyncpg_pool, dsn)),
        Lane(OURS_POOL, ids, on(ours, postgres_memory, dsn, hold=False)),
        Lane(STOCK_POOL, ids, on(stock, asyncpg_pool, dsn)),
    ]
    return await race_calls(
        run, "calls-postgres-read", "PostgreSQL, point read", lanes, BASES, _aims("point read")
    )


async def _insert(run: Run, dsn: str) -> Report:
    chooser = random.Random(4)
    statement = raw_statement("postgres", "insert_consensus")
    sql = statement.sql
    query = stock_query("postgres", "insert_consensus", "!")

    def driver(connection: Any) -> Call:
        return lambda row: connection.execute(sql, *row)

    def acquiring(pool: Any) -> Call:
        async def call(row: tuple[Any, ...]) -> None:
            async with pool.acquire() as connection:
                await connection.execute(sql, *row)

        return call

    def stock(client: Any) -> Call:
        return lambda row: query(client, **row)

    def ours(memory: ConsensusMemory) -> Call:
        return lambda debate: memory.store_consensus(**debate)

    tuples = new_rows(chooser, "postgres", statement)
    objects = new_rows(chooser, "postgres", statement, documents=True)
    named = new_rows(chooser, "postgres")
    lanes = [
        Lane(RAW, tuples, on(driver, asyncpg_driver, dsn)),
        Lane(CODEC, objects, on(driver, asyncpg_driver, dsn, json_codec=True)),
        Lane(OURS, debates(chooser), on(ours, postgres_memory, dsn, hold=True)),
        Lane(STOCK, named, on(stock, asyncpg_driver, dsn)),
        Lane(RAW_POOL, tuples, on(acquiring, asyncpg_pool, dsn)),
        Lane(OURS_POOL, debates(chooser), on(ours, postgres_memory, dsn, hold=False)),
        Lane(STOCK_POOL, named, on(stock, asyncpg_pool, dsn)),
    ]
    return await race_calls(
        run, "calls-postgres-insert", "PostgreSQL, single insert", lanes, BASES, _aims("insert")
    )


def _aims(what: str) -> Callable[[Timings], list[Aim]]:
    def aims(timings: Timings) -> list[Aim]:
        text = f"{what} on a held connection, times asyncpg"
        return [Aim.at_most(text, timings.ratio(OURS, RAW), 1.3)]

    return aims
