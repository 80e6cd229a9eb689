"""Hot queries of every store find their rows through an index, among some thousand rows."""

from __future__ import annotations

import re
from typing import Any

from aragora_sql.database import Database, Statement
from aragora_sql.queries import load_queries
from aragora_sql.stores import StoreEntry
from aragora_sql.stores.consensus import ConsensusMemory
from tests.stores.cases import Hot
from tests.stores.conformance import cases, each_store, initialized
from tests.stores.plans import Explaining, plan_problems
from tests.stores.samples import consensus, run


@each_store
async def test_hot_queries_use_an_index(entry: StoreEntry, database: Database) -> None:
    given = cases(entry)
    await given.fill(await initialized(entry, database))
    await run(database, "ANALYZE")
    problems: dict[str, list[str]] = {}
    async with database.transaction() as connection:
        if database.dialect == "postgres":
            await connection.run_script("set", "SET LOCAL plan_cache_mode = force_generic_plan")
        for hot in given.hot:
            explaining = Explaining(connection, database.dialect)
            query = getattr(load_queries(entry.name, database.dialect), hot.query)
            call = query(explaining, **hot.arguments)
            if hasattr(call, "__aiter__"):
                assert [row async for row in call] == []
            else:
                await call
            assert len(explaining.plans) == (1 if database.dialect == "sqlite" else 2)
            for plan in explaining.plans:
                found = [
                    problem
                    for problem in plan_problems(database, hot, explaining.sql, plan)
                    if not given.small_tables & set(re.findall(r"\w+", problem))
                ]
                if found:
                    problems[f"{entry.name}.{hot.query}"] = found
    assert problems == {}


async def test_a_missing_index_would_be_noticed(
    memory: ConsensusMemory, database: Database
) -> None:
    """What the other test relies on: a query without a fitting index is a problem."""
    await memory.store_many(consensus(f"topic {number}") for number in range(2000))
    await run(database, "ANALYZE")
    query = "SELECT c.id FROM consensus AS c WHERE c.conclusion = $1 ORDER BY c.rounds"
    hot = Hot("none", {}, in_index_order=True)
    async with database.connection() as connection:
        explaining = Explaining(connection, database.dialect)
        values: Any = ("x",) if database.dialect == "postgres" else {"1": "x"}
        await explaining.explain(Statement("none", query), values)
    for plan in explaining.plans:
        assert len(plan_problems(database, hot, query, plan)) == 2
