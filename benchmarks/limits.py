"""How many writes of each store one server takes, one at a time and many at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores import STORES
from benchmarks.report import Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["limits_postgres"]

CONNECTIONS = (1, 8, 32)
SECONDS = 2.0


async def limits_postgres(run: Run) -> list[Report]:
    """Store one thing after the other in each store, for some seconds."""
    # What each store takes is what its tests store.
    from tests.stores.cases import all_cases

    cases = all_cases()
    lines: list[dict[str, Any]] = []
    with run.stage("PostgreSQL, writes of each store", len(STORES)) as advance:
        for entry in STORES:
            line: dict[str, Any] = {"store": entry.name}
            for connections in CONNECTIONS:
                async with new_database(run.postgres) as dsn:
                    database = await PostgresDatabase.connect(dsn, connections, connections)
                    try:
                        store = cases[entry.name].make(database)
                        await store.initialize()
                        add = cases[entry.name].add
                        line[f"writes_{connections}"] = await _rate(store, add, connections)
                    finally:
                        await database.close()
            lines.append(line)
            advance()
    columns = [
        Column("store", "store"),
        *(
            Column(f"writes_{number}", f"writes/s, {number} at a time", ",.0f")
            for number in CONNECTIONS
        ),
    ]
    title = "PostgreSQL, calls that store one thing, each a commit on the disk"
    return [Report("limits-postgres", title, columns, lines)]


async def _rate(store: Any, add: Any, callers: int) -> float:
    """Return how many calls were done in a second by so many callers."""
    done = 0
    await add(store)
    started = time.perf_counter()

    async def work() -> None:
        nonlocal done
        while time.perf_counter() - started < SECONDS:
            await add(store)
            done += 1

    await asyncio.gather(*(work() for _ in range(callers)))
    return done / (time.perf_counter() - started)
