"""The best 20 of a million agents, over all domains and of one, beside the rating of one agent."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from statistics import median

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.elo import EloSystem
from benchmarks.measure import percentile
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["boards_postgres", "boards_sqlite"]

AGENTS = 1_000_000
CALLS = 100
BASE = "rating of an agent, by its key"

_SERIES = {
    "postgres": f"generate_series(1, {AGENTS}) AS g (n)",
    "sqlite": "(WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g "
    f"WHERE n < {AGENTS}) SELECT n FROM g) AS g",
}
# Neither in the order of names nor in that of rows; some have the same rating.
_ELO = "1000.0 + (CAST(n AS BIGINT) * 7919 % 1000003) / 1000"
_FILL = (
    "INSERT INTO elo_ratings (agent_name, elo, wins, losses, debates_count) "
    f"SELECT 'agent ' || n, {_ELO}, 3, 2, 5 FROM {{series}}",
    "INSERT INTO elo_domain_ratings (agent_name, domain, elo, initial_elo, debates_count) "
    f"SELECT 'agent ' || n, 'law', {_ELO}, 1500.0, 5 FROM {{series}}",
)


async def boards_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""
    async with new_database(run.postgres) as dsn:
        database = await PostgresDatabase.connect(dsn, 1, 2, statement_timeout=600)
        try:
            return [await _measure(run, database, "leaderboard-postgres", "PostgreSQL")]
        finally:
            await database.close()


async def boards_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    database = SQLiteDatabase(run.folder / "boards.db", statement_timeout=600)
    try:
        return [await _measure(run, database, "leaderboard-sqlite", "SQLite")]
    finally:
        await database.close()


async def _measure(run: Run, database: Database, name: str, engine: str) -> Report:
    elo = EloSystem(database)
    await elo.initialize()
    async with database.connection() as connection:
        for statement in _FILL:
            filled = statement.format(series=_SERIES[database.dialect])
            await connection.run_script("fill", filled, unlimited=True)
        vacuum = "VACUUM ANALYZE" if database.dialect == "postgres" else "ANALYZE"
        await connection.run_script("analyze", vacuum, unlimited=True)
    chooser = random.Random(11)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        BASE: lambda: elo.get_rating(f"agent {chooser.randint(1, AGENTS)}"),
        "best 20 over all domains": elo.get_leaderboard,
        "best 20 over all domains, from 5 games": lambda: elo.get_leaderboard(min_games=5),
        "best 20 of a domain": lambda: elo.get_leaderboard(domain="law"),
    }
    seconds: dict[str, list[float]] = {lane: [] for lane in calls}
    with run.stage(f"{engine}, boards of {AGENTS:,} agents", run.rounds) as advance:
        for _ in range(run.rounds):
            for lane, call in chooser.sample(list(calls.items()), len(calls)):
                for _ in range(CALLS):
                    started = time.perf_counter()
                    await call()
                    seconds[lane].append(time.perf_counter() - started)
            advance()
    base = percentile(seconds[BASE], 0.95)
    ratios = {lane: percentile(some, 0.95) / base for lane, some in seconds.items()}
    rows: list[dict[str, Cell]] = [
        {
            "lane": lane,
            "p50": median(some) * 1e3,
            "p95": percentile(some, 0.95) * 1e3,
            "ratio": ratios[lane],
        }
        for lane, some in seconds.items()
    ]
    columns = [
        Column("lane", "call"),
        Column("p50", "p50 ms", ".3f"),
        Column("p95", "p95 ms", ".3f"),
        Column("ratio", "p95, x by key", ".2f"),
    ]
    aims = [
        Aim.at_most(f"{engine}, {lane}, p95, times a read by key", ratio, 3)
        for lane, ratio in ratios.items()
        if lane != BASE
    ]
    title = f"{engine}, boards of {AGENTS:,} agents ({run.rounds} rounds of {CALLS} calls)"
    return Report(name, title, columns, rows, aims)
