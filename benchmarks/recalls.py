"""``retrieve`` of the continuum memory against what the older system did.

The older one read every entry that has one of the words, by LIKE, and scored them in Python.
"""

from __future__ import annotations

import heapq
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from aragora_sql.database.values import format_timestamp
from aragora_sql.stores.continuum import TIER_SETTINGS, ContinuumMemory
from aragora_sql.stores.continuum.tiers import TIERS
from benchmarks.corpus import TOPIC_SET, Corpus
from benchmarks.measure import percentile
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.searches import scan_pattern
from benchmarks.servers import open_postgres, open_sqlite
from benchmarks.ways import asyncpg_driver, sqlite_driver

__all__ = ["recall_postgres", "recall_sqlite"]

LIMIT = 10
CHUNK = 10_000
# The slow way gets fewer of the queries.
QUERIES = {"retrieve": 100, "LIKE scan": 10, "retrieve without a query": 20}
WARM_UP = 10
NAMES = (
    *("id", "tier", "content", "content_terms", "importance", "surprise_score"),
    *("created_at", "updated_at"),
)
SCANNED = "id, tier, importance, surprise_score, updated_at"
COLUMNS = (
    Column("lane", "way"),
    Column("queries", "n", "d"),
    Column("p50", "p50 ms", ".2f"),
    Column("p95", "p95 ms", ".2f"),
    Column("slowest", "max ms", ".2f"),
    Column("faster_p50", "scan/this p50", ".1f"),
    Column("faster_p95", "p95", ".1f"),
)

# Takes the words of a query and returns the ids that were found.
Search = Callable[[Sequence[str]], Awaitable[list[str]]]
ScannedRow = tuple[str, str, float, float, datetime]


async def recall_postgres(run: Run, size: int) -> Report:
    """Fill a database through the schema's own indexes and recall from it."""
    async with open_postgres(run.postgres) as (other, dsn), asyncpg_driver(dsn) as connection:
        memory = ContinuumMemory(other.database)
        await memory.initialize()
        rows = _rows(size)
        with run.stage(f"PostgreSQL, storing {size:,} entries", size) as advance:
            while chunk := list(islice(rows, CHUNK)):
                await connection.copy_records_to_table(
                    "continuum_memory", records=chunk, columns=NAMES
                )
                advance(len(chunk))
        # As autovacuum would do some time later.
        await connection.execute("VACUUM ANALYZE continuum_memory")

        async def scan(words: Sequence[str]) -> list[str]:
            conditions = " OR ".join(f"LOWER(content) LIKE ${n + 1}" for n in range(len(words)))
            found = await connection.fetch(
                f"SELECT {SCANNED} FROM continuum_memory WHERE {conditions}",
                *map(scan_pattern, words),
            )
            return _best(map(tuple, found))

        return await _compare(run, "recall-postgres", "PostgreSQL", size, memory, scan)


async def recall_sqlite(run: Run, size: int) -> Report:
    """Fill a file through the schema's own indexes and triggers and recall from it."""
    async with open_sqlite(run.folder) as (other, path), sqlite_driver(path) as thread:
        memory = ContinuumMemory(other.database)
        await memory.initialize()
        _load(run, thread.connection, size)

        def scan(connection: sqlite3.Connection, words: Sequence[str]) -> list[str]:
            conditions = " OR ".join(["LOWER(content) LIKE ?"] * len(words))
            found = connection.execute(
                f"SELECT {SCANNED} FROM continuum_memory WHERE {conditions}",
                [scan_pattern(word) for word in words],
            )
            return _best((*row[:4], datetime.fromisoformat(row[4])) for row in found)

        return await _compare(
            run,
            "recall-sqlite",
            "SQLite",
            size,
            memory,
            lambda words: thread.in_any(scan, words),
        )


def _rows(size: int) -> Iterator[tuple[Any, ...]]:
    """Yield entries of all tiers, importances, surprises and ages."""
    for number, row in enumerate(Corpus(size).rows()):
        chance = random.Random(number + 1)
        yield (
            row.id,
            TIERS[chance.randrange(4)],
            row.topic,
            row.topic_terms,
            row.confidence,
            round(chance.random() / 2, 4),
            row.created_at,
            row.created_at,
        )


def _load(run: Run, connection: sqlite3.Connection, size: int) -> None:
    marks = ", ".join("?" * len(NAMES))
    sql = f"INSERT INTO continuum_memory ({', '.join(NAMES)}) VALUES ({marks})"
    rows = ((*row[:-2], *map(format_timestamp, row[-2:])) for row in _rows(size))
    with run.stage(f"SQLite, storing {size:,} entries", size) as advance:
        while chunk := list(islice(rows, CHUNK)):
            connection.execute("BEGIN")
            connection.executemany(sql, chunk)
            connection.execute("COMMIT")
            advance(len(chunk))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _best(rows: Iterable[Any]) -> list[str]:
    """Score entries as the older system did, and return the best."""
    now = datetime.now(UTC)

    def score(row: ScannedRow) -> float:
        _, tier, importance, surprise, updated_at = row
        days = (now - updated_at).total_seconds() / 86400
        decay = TIER_SETTINGS[tier].decay_per_day  # type: ignore[index]
        return importance * (1 + surprise) / (1 + days * decay)

    return [row[0] for row in heapq.nlargest(LIMIT, rows, key=score)]


async def _compare(
    run: Run, name: str, engine: str, size: int, memory: ContinuumMemory, scan: Search
) -> Report:
    async def ours(words: Sequence[str]) -> list[str]:
        return [found.id for found in await memory.retrieve(" ".join(words), limit=LIMIT)]

    async def without(words: Sequence[str]) -> list[str]:
        return [found.id for found in await memory.retrieve(limit=LIMIT)]

    ways = dict(zip(QUERIES, (ours, scan, without), strict=True))
    corpus = Corpus(size)
    queries = [words[:2] for words in corpus.queries(TOPIC_SET, max(QUERIES.values()))]
    for words in corpus.queries(TOPIC_SET, WARM_UP, seed=6):
        await ours(words[:2])
        await without(())
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    title = f"{engine}, retrieve {LIMIT} of {size:,} entries"
    with run.stage(title, run.rounds) as advance:
        for number in range(run.rounds):
            for way, search in ways.items():
                for words in queries[: QUERIES[way]][number :: run.rounds]:
                    started = time.perf_counter()
                    await search(words)
                    seconds[way].append(time.perf_counter() - started)
            advance()
    scanned = seconds["LIKE scan"]
    rows: list[dict[str, Cell]] = []
    for way, taken in seconds.items():
        row: dict[str, Cell] = {"lane": way, "queries": len(taken), "slowest": max(taken) * 1e3}
        for key, share in (("p50", 0.5), ("p95", 0.95)):
            row[key] = percentile(taken, share) * 1e3
            row[f"faster_{key}"] = percentile(scanned, share) / percentile(taken, share)
        rows.append(row)
    aims = [
        Aim.at_least(
            f"{engine}, {size:,} entries: retrieve, times faster than the scan, {name}",
            percentile(scanned, share) / percentile(seconds["retrieve"], share),
            bound,
        )
        for name, share, bound in (("p50", 0.5, 50), ("p95", 0.95, 20))
    ]
    return Report(name, f"{title} ({run.rounds} rounds)", COLUMNS, rows, aims)
