"""find_similar on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, fields
from itertools import islice

from aragora_sql.database.values import format_timestamp
from benchmarks.corpus import Corpus, TopicRow
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.searches import LIMIT, compare_searches, scan_pattern
from benchmarks.servers import open_sqlite
from benchmarks.ways import sqlite_driver

__all__ = ["search_sqlite"]

CHUNK = 10_000


async def search_sqlite(run: Run, size: int) -> Report:
    """Fill a file through the schema's own indexes and triggers and search in it."""
    corpus = Corpus(size)
    async with open_sqlite(run.folder) as (memory, path), sqlite_driver(path) as thread:
        _load(run, thread.connection, corpus)
        return await compare_searches(
            run,
            "search-sqlite",
            "SQLite",
            corpus,
            memory,
            scan=lambda words: thread.in_any(_scan, words),
            ranking=lambda words: thread.in_any(_rank, words),
        )


def _load(run: Run, connection: sqlite3.Connection, corpus: Corpus) -> None:
    columns = [field.name for field in fields(TopicRow)]
    values = ", ".join("?" * len(columns))
    sql = f"INSERT INTO consensus ({', '.join(columns)}) VALUES ({values})"
    rows = ((*astuple(row)[:-1], format_timestamp(row.created_at)) for row in corpus.rows())
    with run.stage(f"SQLite, storing {corpus.size:,} rows", corpus.size) as advance:
        while chunk := list(islice(rows, CHUNK)):
            connection.execute("BEGIN")
            connection.executemany(sql, chunk)
            connection.execute("COMMIT")
            advance(len(chunk))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _scan(connection: sqlite3.Connection, words: Sequence[str]) -> list[str]:
    conditions = " OR ".join(["LOWER(topic) LIKE ?"] * len(words))
    sql = (
        "SELECT id, topic, conclusion, confidence, domain, created_at FROM consensus "
        f"WHERE confidence >= ? AND ({conditions}) "
        "ORDER BY confidence DESC, created_at DESC LIMIT ?"
    )
    found = connection.execute(sql, (0.0, *map(scan_pattern, words), LIMIT))
    return [row[1] for row in found]


def _rank(connection: sqlite3.Connection, words: Sequence[str]) -> list[str]:
    sql = (
        "SELECT c.id, c.topic, c.conclusion, c.confidence, c.domain, c.created_at "
        "FROM consensus_search AS f INNER JOIN consensus AS c ON c.row_id = f.rowid "
        "WHERE f.consensus_search MATCH ? ORDER BY bm25(f.consensus_search) LIMIT ?"
    )
    return [row[1] for row in connection.execute(sql, (" OR ".join(words), LIMIT))]
