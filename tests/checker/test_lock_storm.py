"""Two sessions at once: every pair of a store's writing queries, and no pair ends in a deadlock.

A third session holds a row, so that both calls stand still where they meet it, each with the locks
that it took before; then it lets go. Two calls that lock in different orders now hold what the
other one waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from aragora_sql.checker.locks import locks_of
from aragora_sql.checker.meaning.arguments import ArgumentMaker
from aragora_sql.checker.meaning.pair import open_pair
from aragora_sql.checker.meaning.rows import Row, fill_pair
from aragora_sql.database import Database, Statement
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.engines.engines import Engines
from aragora_sql.engines.facts import Facts, QueryFacts
from aragora_sql.errors import AragoraSQLError, ConflictError, DatabaseTimeoutError
from aragora_sql.queries import Queries, load_queries

SEED = 20261128
ROUNDS = 2
# Of those that have a list of rows and a row that others write as well.
FEW = ("integrations",)


class _UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


@dataclass(frozen=True)
class Storm:
    """Two databases on the same tables, what they hold, and a connection that can hold rows."""

    databases: tuple[Database, Database]
    rows: dict[str, Sequence[Row]]
    gate: psycopg.AsyncConnection[Any] | None


@asynccontextmanager
async def storm_of(engines: Engines, facts: Facts, sqlite: Path) -> AsyncIterator[dict[str, Storm]]:
    with engines.empty_database() as empty:
        assert empty is not None
        async with open_pair(empty, facts.tree.schemas, facts.catalogs) as pair:
            filled = await fill_pair(pair, facts.tree.schemas["postgres"])
            postgres = [await PostgresDatabase.connect(empty.dsn, 1, 2) for _ in range(2)]
            files = [SQLiteDatabase(sqlite) for _ in range(2)]
            gate = await psycopg.AsyncConnection.connect(empty.dsn)
            try:
                async with files[0].connection() as connection:
                    for file in facts.tree.schemas["sqlite"]:
                        await connection.run_script(file.store, file.text)
                rows = dict(filled.rows)
                yield {
                    "postgres": Storm((postgres[0], postgres[1]), rows, gate),
                    "sqlite": Storm((files[0], files[1]), rows, None),
                }
            finally:
                await gate.close()
                for database in (*postgres, *files):
                    await database.close()


async def call(database: Database, queries: Queries, query: QueryFacts, arguments: Any) -> str:
    """Call a query in a transaction that is undone; return how a lock kept it from its end."""
    try:
        async with database.transaction() as connection:
            function = getattr(queries, query.name)
            if query.operation == "*!":
                await function(connection, arguments)
            elif query.operation == "":
                [row async for row in function(connection, **arguments)]
            else:
                await function(connection, **arguments)
            raise _UndoneError
    except _UndoneError:
        return ""
    except (ConflictError, DatabaseTimeoutError) as error:
        return f"{type(error).__name__}: {error}"
    except AragoraSQLError:
        # A row that breaks a rule: both engines have tests of it.
        return ""


async def meet(storm: Storm, table: str, place: int, calls: Sequence[Any]) -> list[str]:
    """Run two calls that meet at a row; return what locks did to them."""
    if storm.gate is None:
        return list(await asyncio.gather(*calls))
    statement = f'SELECT 1 FROM "{table}" ORDER BY ctid OFFSET {place} LIMIT 1 FOR UPDATE'
    await storm.gate.execute(statement.encode())
    tasks = [asyncio.ensure_future(one) for one in calls]
    # Not who waits for a moment while a table grows, nor the server's own processes.
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' "
        "AND wait_event_type = 'Lock' AND wait_event <> 'extend'"
    )
    while True:
        await asyncio.sleep(0)
        cursor = await storm.gate.execute(waiting)
        [(blocked,)] = await cursor.fetchall()
        if blocked + sum(task.done() for task in tasks) >= len(tasks):
            break
    await storm.gate.rollback()
    return list(await asyncio.gather(*tasks))


def turned(arguments: Any) -> Any:
    """Return arguments whose lists come the other way round."""
    if isinstance(arguments, dict):
        return {name: turned(value) for name, value in arguments.items()}
    return arguments[::-1] if isinstance(arguments, list) else arguments


def writing(facts: Facts, store: str) -> list[QueryFacts]:
    catalog = facts.catalogs["postgres"]
    return [
        query
        for (dialect, of, _), query in sorted(facts.queries.items())
        if dialect == "postgres"
        and of == store
        and (query.tables_written or locks_of(query.text, catalog))
        and ("sqlite", of, query.name) in facts.queries
    ]


async def run(facts: Facts, storms: dict[str, Storm], store: str) -> tuple[int, list[str]]:
    """Return how many calls were made in pairs, and those that a lock ended."""
    queries = writing(facts, store)
    loaded = {name: load_queries(store, name, facts.tree.root) for name in ("postgres", "sqlite")}
    catalog = facts.catalogs["postgres"]
    found: list[str] = []
    made = 0
    for one, two in combinations_with_replacement(queries, 2):
        chance = Random(f"{SEED} {store}.{one.name} {two.name}")  # noqa: S311
        tables = sorted(
            name
            for query in (one, two)
            for name in (*query.tables_written, *query.tables_read)
            if name in catalog and storms["postgres"].rows.get(name)
        )
        for _ in range(ROUNDS):
            arguments = [arguments_of(facts, query, storms, chance) for query in (one, two)]
            if one is two:
                arguments[1] = turned(arguments[0]) if one.operation != "*!" else arguments[0]
            table = chance.choice(tables) if tables else "_schema_versions"
            place = chance.randrange(max(len(storms["postgres"].rows.get(table, ())), 1))
            for name, storm in storms.items():
                calls = [
                    call(database, loaded[name], query, given)
                    for database, query, given in zip(
                        storm.databases, (one, two), arguments, strict=True
                    )
                ]
                made += 2
                said = [text for text in await meet(storm, table, place, calls) if text]
                found += [f"{name}: {one.name} and {two.name}: {text}" for text in said]
    return made, found


def arguments_of(facts: Facts, query: QueryFacts, storms: dict[str, Storm], chance: Random) -> Any:
    counterpart = facts.queries["sqlite", query.store, query.name]
    maker = ArgumentMaker(query, counterpart, storms["postgres"].rows)
    if query.operation != "*!":
        return maker.make(chance)
    # In one order, as stores sort what they write.
    return sorted((maker.make(chance) for _ in range(chance.randint(1, 3))), key=repr)


async def storm(storms: dict[str, Storm], facts: Facts, stores: Sequence[str]) -> None:
    for store in stores:
        made, found = await run(facts, storms, store)
        assert made > 0, store
        assert found == [], store


async def in_turn(database: Database, keys: Sequence[Any]) -> str:
    """Write rows of a table one by one in a transaction that is undone."""
    statement = Statement("turn", "UPDATE integrations SET enabled = enabled WHERE user_id = $1")
    try:
        async with database.transaction() as connection:
            for key in keys:
                await connection.execute(statement, [key])
            raise _UndoneError
    except _UndoneError:
        return ""
    except ConflictError as error:
        return str(error)


@pytest.mark.slow
async def test_a_few_stores(engines: Engines, facts: Facts, tmp_path: Path) -> None:
    async with storm_of(engines, facts, tmp_path / "storm.db") as storms:
        await storm(storms, facts, FEW)
        # And what locks in two orders is found: the same rows, written forth and back.
        postgres = storms["postgres"]
        keys = [row["user_id"] for row in postgres.rows["integrations"]]
        first, held, last = sorted(set(keys))[:3]
        place = await place_of(postgres, held)
        calls = [
            in_turn(database, order)
            for database, order in zip(
                postgres.databases, ([first, held, last], [last, held, first]), strict=True
            )
        ]
        assert any(
            "deadlock" in said for said in await meet(postgres, "integrations", place, calls)
        )


async def place_of(storm: Storm, user_id: str) -> int:
    """Return the place of a user's first row in the order in which the gate counts rows."""
    assert storm.gate is not None
    cursor = await storm.gate.execute("SELECT user_id FROM integrations ORDER BY ctid")
    return [row[0] for row in await cursor.fetchall()].index(user_id)


@pytest.mark.slow
async def test_all_stores(engines: Engines, facts: Facts, tmp_path: Path) -> None:
    stores = [store for store in facts.stores if writing(facts, store)]
    assert {*FEW, "jobs", "consensus", "critique", "langgraph"} <= set(stores)
    async with storm_of(engines, facts, tmp_path / "storm.db") as storms:
        await storm(storms, facts, [store for store in stores if store not in FEW])
