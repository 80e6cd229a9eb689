"""find_similar on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from itertools import islice
from typing import Any

from benchmarks.corpus import Corpus, TopicRow
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.searches import LIMIT, compare_searches, scan_pattern
from benchmarks.servers import open_postgres
from benchmarks.ways import asyncpg_driver

__all__ = ["search_postgres"]

CHUNK = 10_000


async def search_postgres(run: Run, size: int) -> Report:
    """Fill a database through the schema's own indexes and search in it."""
    corpus = Corpus(size)
    async with (
        open_postgres(run.postgres) as (memory, dsn),
        asyncpg_driver(dsn) as connection,
    ):
        await _load(run, connection, corpus)
        return await compare_searches(
            run,
            "search-postgres",
            "PostgreSQL",
            corpus,
            memory,
            scan=lambda words: _scan(connection, words),
            ranking=lambda words: _rank(connection, words),
        )


async def _load(run: Run, connection: Any, corpus: Corpus) -> None:
    rows = map(astuple, corpus.rows())
    columns = [field.name for field in fields(TopicRow)]
    with run.stage(f"PostgreSQL, storing {corpus.size:,} rows", corpus.size) as advance:
        while chunk := list(islice(rows, CHUNK)):
            await connection.copy_records_to_table("consensus", records=chunk, columns=columns)
            advance(len(chunk))
    # As autovacuum would do some time later.
    await connection.execute("VACUUM ANALYZE consensus")


async def _scan(connection: Any, words: Sequence[str]) -> list[str]:
    conditions = " OR ".join(f"LOWER(topic) LIKE ${n + 3}" for n in range(len(words)))
    sql = (
        "SELECT id, topic, conclusion, confidence, domain, created_at FROM consensus "
        f"WHERE confidence >= $1 AND ({conditions}) "
        "ORDER BY confidence DESC, created_at DESC LIMIT $2"
    )
    found = await connection.fetch(sql, 0.0, LIMIT, *map(scan_pattern, words))
    return [row["topic"] for row in found]


async def _rank(connection: Any, words: Sequence[str]) -> list[str]:
    sql = (
        "SELECT id, topic, conclusion, confidence, domain, created_at FROM consensus "
        "WHERE topic_vector @@ $1::tsquery "
        "ORDER BY ts_rank(topic_vector, $1::tsquery) DESC, confidence DESC LIMIT $2"
    )
    found = await connection.fetch(sql, " | ".join(words), LIMIT)
    return [row["topic"] for row in found]
