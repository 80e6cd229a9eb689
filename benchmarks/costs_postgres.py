"""What calls cost on PostgreSQL: a point read, an insert, a batch."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

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
from benchmarks.peers import (
    alchemy_on_postgres,
    alchemy_statement,
    psycopg_pipeline,
    psycopg_statement,
    sqlspec_on_postgres,
)
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.servers import open_postgres
from benchmarks.statements import DOCUMENTS, named_query, raw_statement
from benchmarks.ways import asyncpg_driver, postgres_memory

__all__ = ["costs_postgres"]

PSYCOPG = "psycopg 3, pipeline"
SQLSPEC = "SQLSpec"
ALCHEMY = "SQLAlchemy Core"


async def costs_postgres(run: Run) -> list[Report]:
    """Measure all three on held connections."""
    async with open_postgres(run.postgres) as (memory, dsn):
        ids = await some_ids(memory, random.Random(3))
        async with asyncpg_driver(dsn) as connection:
            # As autovacuum would do some time later.
            await connection.execute("VACUUM ANALYZE consensus")
        return [await _read(run, ids, dsn), await _insert(run, dsn), await _batch(run, dsn)]


@asynccontextmanager
async def _held_query(dsn: str, name: str) -> AsyncIterator[Callable[..., Any]]:
    """Yield a query of ours that has its connection already."""
    query = getattr(load_queries("consensus", "postgres"), name)
    async with postgres_memory(dsn, hold=True) as memory, memory.database.connection() as held:
        yield lambda **parameters: query(held, **parameters)


async def _read(run: Run, ids: Prepare, dsn: str) -> Report:
    sql = raw_statement("postgres", "get_consensus").sql
    text, names = named_query("postgres", "get_consensus")
    of_psycopg = psycopg_statement(text, names)
    of_alchemy = alchemy_statement(text, reads=True)

    def driver(connection: Any) -> Call:
        async def call(consensus_id: str) -> dict[str, Any]:
            return dict(await connection.fetchrow(sql, consensus_id))

        return call

    def query(get: Callable[..., Any]) -> Call:
        return lambda consensus_id: get(consensus_id=consensus_id)

    def store(memory: ConsensusMemory) -> Call:
        return memory.get_consensus

    def psycopg(opened: tuple[Any, Any]) -> Call:
        connection, _ = opened

        async def call(consensus_id: str) -> Any:
            cursor = await connection.execute(of_psycopg, {"consensus_id": consensus_id})
            return await cursor.fetchone()

        return call

    def sqlspec(session: Any) -> Call:
        return lambda consensus_id: session.select_one_or_none(sql, (consensus_id,))

    def alchemy(connection: Any) -> Call:
        async def call(consensus_id: str) -> dict[str, Any]:
            result = await connection.execute(of_alchemy, {"consensus_id": consensus_id})
            return dict(result.mappings().one())

        return call

    lanes = [
        Lane(DRIVER, ids, on(driver, asyncpg_driver, dsn, json_codec=True)),
        Lane(OURS_QUERY, ids, on(query, _held_query, dsn, "get_consensus")),
        Lane(OURS_STORE, ids, on(store, postgres_memory, dsn, hold=True)),
        Lane(PSYCOPG, ids, on(psycopg, psycopg_pipeline, dsn)),
        Lane(SQLSPEC, ids, on(sqlspec, sqlspec_on_postgres, dsn)),
        Lane(ALCHEMY, ids, on(alchemy, alchemy_on_postgres, dsn)),
    ]
    await same_answers(lanes, ids(1)[0], dict)
    return await race_costs(
        run,
        "costs-postgres-read",
        "PostgreSQL, cost of a point read",
        clocks_of(run.postgres),
        lanes,
        DRIVER,
        (OURS_STORE, 1.1),
    )


async def _insert(run: Run, dsn: str) -> Report:
    chooser = random.Random(4)
    statement = raw_statement("postgres", "insert_consensus")
    text, names = named_query("postgres", "insert_consensus")
    of_psycopg = psycopg_statement(text, names)
    of_alchemy = alchemy_statement(text)

    def driver(connection: Any) -> Call:
        return lambda row: connection.execute(statement.sql, *row)

    def query(insert: Callable[..., Any]) -> Call:
        return lambda row: insert(**row)

    def store(memory: ConsensusMemory) -> Call:
        return lambda debate: memory.store_consensus(**debate)

    def psycopg(opened: tuple[Any, Any]) -> Call:
        connection, pipeline = opened

        async def call(row: dict[str, Any]) -> int:
            cursor = await connection.execute(of_psycopg, _encoded(row))
            # It is stored when the server has said so.
            await pipeline.sync()
            return int(cursor.rowcount)

        return call

    def sqlspec(session: Any) -> Call:
        return lambda row: session.execute(statement.sql, row)

    def alchemy(connection: Any) -> Call:
        return lambda row: connection.execute(of_alchemy, row)

    tuples = new_rows(chooser, "postgres", statement, documents=True)
    named = new_rows(chooser, "postgres", documents=True)
    lanes = [
        Lane(DRIVER, tuples, on(driver, asyncpg_driver, dsn, json_codec=True)),
        Lane(OURS_QUERY, named, on(query, _held_query, dsn, "insert_consensus")),
        Lane(OURS_STORE, debates(chooser), on(store, postgres_memory, dsn, hold=True)),
        Lane(PSYCOPG, named, on(psycopg, psycopg_pipeline, dsn)),
        Lane(SQLSPEC, tuples, on(sqlspec, sqlspec_on_postgres, dsn)),
        Lane(ALCHEMY, named, on(alchemy, alchemy_on_postgres, dsn)),
    ]
    return await race_costs(
        run,
        "costs-postgres-insert",
        "PostgreSQL, cost of an insert",
        clocks_of(run.postgres),
        lanes,
        DRIVER,
        (OURS_STORE, 1.3),
    )


async def _batch(run: Run, dsn: str) -> Report:
    chooser = random.Random(6)
    statement = raw_statement("postgres", "insert_consensus")
    text, names = named_query("postgres", "insert_consensus")
    of_psycopg = psycopg_statement(text, names)
    of_alchemy = alchemy_statement(text)

    def many(connection: Any) -> Call:
        return lambda batch: connection.executemany(statement.sql, batch)

    def store(memory: ConsensusMemory) -> Call:
        return memory.store_many

    def psycopg(opened: tuple[Any, Any]) -> Call:
        connection, _ = opened

        async def call(batch: list[dict[str, Any]]) -> None:
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(of_psycopg, [_encoded(row) for row in batch])

        return call

    def sqlspec(session: Any) -> Call:
        return lambda batch: session.execute_many(statement.sql, batch)

    def alchemy(connection: Any) -> Call:
        return lambda batch: connection.execute(of_alchemy, batch)

    texts = in_batches(new_rows(chooser, "postgres", statement))
    tuples = in_batches(new_rows(chooser, "postgres", statement, documents=True))
    named = in_batches(new_rows(chooser, "postgres", documents=True))
    arguments = in_batches(debates(chooser))
    lanes = [
        Lane(MANY, texts, on(many, asyncpg_driver, dsn)),
        Lane(f"{MANY}, encoding", tuples, on(many, asyncpg_driver, dsn, json_codec=True)),
        Lane(OURS_STORE, arguments, on(store, postgres_memory, dsn, hold=True)),
        Lane(PSYCOPG, named, on(psycopg, psycopg_pipeline, dsn)),
        Lane(SQLSPEC, tuples, on(sqlspec, sqlspec_on_postgres, dsn)),
        Lane(ALCHEMY, named, on(alchemy, alchemy_on_postgres, dsn)),
    ]
    return await race_costs(
        run,
        "costs-postgres-batch",
        "PostgreSQL, cost of a batch of 1,000",
        clocks_of(run.postgres),
        lanes,
        MANY,
        (OURS_STORE, 0.8),
        calls=1,
        warm_up=1,
        rounds=max(1, run.rounds // 2),
    )


def _encoded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: orjson.dumps(value).decode() if name in DOCUMENTS else value
        for name, value in row.items()
    }
