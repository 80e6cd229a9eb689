"""Walks through a million relationships of knowledge, beside reads of nodes by their key."""

from __future__ import annotations

import random
import time
from statistics import mean, median

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.knowledge import KnowledgeMound
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["walks_postgres", "walks_sqlite"]

# A prime, so that each factor leads from every node to another one.
NODES = 200_003
LINKS = 5
CALLS = 10
DEPTH = 3
MOST = 1_000_000
KEY = "get_node, by its key"
SAME = "get_nodes, the same nodes at once"
WALK = f"get_neighbors, depth {DEPTH}"
PATH = "find_path, depth 6"
DOUBTS = "find_contradictions, depth 2"

_SERIES = {
    "postgres": "generate_series(0, {last}) AS g (n)",
    "sqlite": "(WITH RECURSIVE g (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g "
    "WHERE n < {last}) SELECT n FROM g) AS g",
}
# Five relationships from each node and, as the factors have no common order, five to each.
_FILL = (
    "INSERT INTO knowledge_nodes (id, workspace_id, node_type, content, content_hash, "
    "confidence) SELECT 'kn_' || n, 'w', 'fact', 'What is known of the thing with number ' || n, "
    "'h' || n, 0.5 FROM {nodes}",
    "INSERT INTO knowledge_relationships (id, from_node_id, to_node_id, relationship_type) "
    "SELECT 'kr_' || n, 'kn_' || (n / 5), "
    f"'kn_' || ((CAST(n / 5 AS BIGINT) * (7919 + n % 5 * 104729) + n % 5 * 17) % {NODES}), "
    "CASE n % 5 WHEN 0 THEN 'supports' WHEN 1 THEN 'cites' WHEN 2 THEN 'elaborates' "
    "WHEN 3 THEN 'related_to' ELSE 'contradicts' END FROM {links}",
)


async def walks_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL."""
    async with new_database(run.postgres) as dsn:
        database = await PostgresDatabase.connect(dsn, 1, 2, statement_timeout=600)
        try:
            return [await _measure(run, database, "knowledge-postgres", "PostgreSQL")]
        finally:
            await database.close()


async def walks_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite."""
    database = SQLiteDatabase(run.folder / "knowledge.db", statement_timeout=600)
    try:
        return [await _measure(run, database, "knowledge-sqlite", "SQLite")]
    finally:
        await database.close()


async def _measure(run: Run, database: Database, name: str, engine: str) -> Report:
    mound = KnowledgeMound(database)
    await mound.initialize()
    series = _SERIES[database.dialect]
    async with database.connection() as connection:
        for statement in _FILL:
            filled = statement.format(
                nodes=series.format(last=NODES - 1), links=series.format(last=NODES * LINKS - 1)
            )
            await connection.run_script("fill", filled, unlimited=True)
        vacuum = "VACUUM ANALYZE" if database.dialect == "postgres" else "ANALYZE"
        await connection.run_script("analyze", vacuum, unlimited=True)
    chooser = random.Random(11)
    lanes = (KEY, SAME, WALK, PATH, DOUBTS)
    seconds: dict[str, list[float]] = {lane: [] for lane in lanes}
    met: dict[str, list[int]] = {lane: [] for lane in lanes}

    def take(lane: str, started: float, nodes: int) -> None:
        seconds[lane].append(time.perf_counter() - started)
        met[lane].append(nodes)

    async def once() -> None:
        start, end = (f"kn_{chooser.randrange(NODES)}" for _ in range(2))
        started = time.perf_counter()
        near = await mound.get_neighbors(start, DEPTH, limit=MOST, most=MOST)
        take(WALK, started, len(near.nodes) + 1)
        ids = [node.id for node in near.nodes]
        for key in chooser.sample(ids, 20):
            started = time.perf_counter()
            await mound.get_node(key)
            take(KEY, started, 1)
        started = time.perf_counter()
        take(SAME, started, len(await mound.get_nodes(ids)))
        started = time.perf_counter()
        take(PATH, started, len((await mound.find_path(start, end, most=MOST)).places))
        started = time.perf_counter()
        await mound.find_contradictions(start, most=MOST)
        take(DOUBTS, started, 1)

    for _ in range(3):
        await once()
    for lane in lanes:
        seconds[lane].clear()
        met[lane].clear()
    with run.stage(f"{engine}, walks", run.rounds) as advance:
        for _ in range(run.rounds):
            for _ in range(CALLS):
                await once()
            advance()
    # Medians: now and then a node is read from the disk.
    per_node = {lane: median(seconds[lane]) / mean(met[lane]) for lane in lanes}
    rows: list[dict[str, Cell]] = [
        {
            "lane": lane,
            "nodes": mean(met[lane]) if lane in {KEY, SAME, WALK} else None,
            "p50": median(seconds[lane]) * 1e3,
            "each": per_node[lane] * 1e6 if lane in {KEY, SAME, WALK} else None,
            "ratio": per_node[lane] / per_node[KEY] if lane in {SAME, WALK} else None,
            "batch": per_node[lane] / per_node[SAME] if lane == WALK else None,
        }
        for lane in lanes
    ]
    columns = [
        Column("lane", "call"),
        Column("nodes", "nodes", ".0f"),
        Column("p50", "p50 ms", ".3f"),
        Column("each", "us per node", ".2f"),
        Column("ratio", "x by key", ".3f"),
        Column("batch", "x at once", ".2f"),
    ]
    aims = [
        Aim.at_most(
            f"{engine}, neighbours to depth {DEPTH}, time per node, times a read by key",
            per_node[WALK] / per_node[KEY],
            5,
        )
    ]
    title = (
        f"{engine}, walks through {NODES * LINKS:,} relationships ({run.rounds} rounds of {CALLS})"
    )
    return Report(name, title, columns, rows, aims)
