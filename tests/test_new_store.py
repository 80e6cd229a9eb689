"""A store is added to a copied checkout: its five places and its line in the table."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from aragora_sql.checker.house import checkout

ROOT = checkout()

POSTGRES_SCHEMA = """\
-- Ratings that agents give to debates.

CREATE TABLE IF NOT EXISTS ratings (
    id TEXT NOT NULL,
    debate_id TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT ratings_pkey PRIMARY KEY (id),
    CONSTRAINT ratings_score_check CHECK (score BETWEEN 0 AND 1)
);

CREATE INDEX IF NOT EXISTS idx_ratings_debate_id ON ratings (debate_id, created_at DESC);

ALTER TABLE ratings ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE ratings IS 'What agents think of debates.';
COMMENT ON COLUMN ratings.id IS 'Its key.';
COMMENT ON COLUMN ratings.debate_id IS 'The debate that was rated.';
COMMENT ON COLUMN ratings.score IS 'From 0 to 1.';
COMMENT ON COLUMN ratings.created_at IS 'When it was given.';
"""

SQLITE_SCHEMA = """\
-- Ratings that agents give to debates.

CREATE TABLE IF NOT EXISTS ratings (
    id TEXT NOT NULL,
    debate_id TEXT NOT NULL,
    score REAL NOT NULL,
    created_at TEXT NOT NULL,
    CONSTRAINT ratings_pkey PRIMARY KEY (id),
    CONSTRAINT ratings_score_check CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT ratings_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
);

CREATE INDEX IF NOT EXISTS idx_ratings_debate_id ON ratings (debate_id, created_at DESC);
"""

QUERIES = """\
-- name: insert_rating(id, debate_id, score, created_at)!
-- Store a rating.
INSERT INTO ratings (id, debate_id, score, created_at)
VALUES (:id, :debate_id, :score, :created_at);

-- name: list_ratings(debate_id, row_limit)
-- List the ratings of a debate, the newest first.
SELECT
    id,
    debate_id,
    score,
    created_at
FROM ratings
WHERE debate_id = :debate_id
ORDER BY created_at DESC
LIMIT :row_limit;
"""

LEGACY = """\
-- How the older ratings map onto today's table.

-- name: ratings(first_rowid, last_rowid)
-- Ratings.
-- from: ratings (id, debate_id, score, created_at)
-- into: ratings
-- key: id
SELECT
    rowid AS source_rowid,
    id,
    debate_id,
    score,
    created_at
FROM ratings
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
"""

PACKAGE = '''\
"""Ratings that agents give to debates."""

from aragora_sql.stores.ratings.records import Rating
from aragora_sql.stores.ratings.store import RatingStore

__all__ = ["Rating", "RatingStore"]
'''

RECORDS = '''\
"""What the store of ratings returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aragora_sql.stores.records import Record

__all__ = ["Rating"]


@dataclass(frozen=True, slots=True)
class Rating(Record):
    """A rating; ``score`` is from 0 to 1."""

    id: str
    debate_id: str
    score: float
    created_at: datetime
'''

STORE = '''\
"""The store of ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aragora_sql.database import Database
from aragora_sql.database.values import utc_now
from aragora_sql.stores.base import Store
from aragora_sql.stores.records import record_of
from aragora_sql.stores.ratings.records import Rating

if TYPE_CHECKING:
    from aragora_sql.queries.typed.ratings import RatingsQueries

__all__ = ["RatingStore"]


class RatingStore(Store):
    """Stores ratings; ``most`` is how many :meth:`list_ratings` gives at once."""

    name = "ratings"
    _queries: RatingsQueries

    def __init__(self, database: Database, *, most: int = 100) -> None:
        super().__init__(database)
        self._most = most

    async def rate(self, rating_id: str, debate_id: str, score: float) -> None:
        """Store a rating."""
        async with self._database.connection() as connection:
            await self._queries.insert_rating(
                connection, id=rating_id, debate_id=debate_id, score=score, created_at=utc_now()
            )

    async def list_ratings(self, debate_id: str) -> list[Rating]:
        """Return the ratings of a debate, the newest first."""
        async with self._database.read() as connection:
            rows = self._queries.list_ratings(
                connection, debate_id=debate_id, row_limit=self._most
            )
            return [record_of(Rating, **row) async for row in rows]
'''

TESTS = '''\
"""The store of ratings on each engine."""

from aragora_sql.stores.ratings import RatingStore


def test_its_name() -> None:
    assert RatingStore.name == "ratings"
'''

LINE = """\
    StoreEntry(
        "ratings",
        "RatingStore",
        "rating_store",
        "ratings that agents give to debates",
        exports=("Rating",),
    ),
"""

PROGRAM = """\
import asyncio, inspect, logging, os, pickle, sys

import aragora_sql
from aragora_sql import (
    PostgresRatingStore,
    Rating,
    SQLiteRatingStore,
    get_critique_store,
    get_postgres_rating_store,
    get_rating_store,
    get_sqlite_rating_store,
)

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")


async def main():
    await (await get_critique_store()).store_debate(debate_id="d1", task="Rate it")
    for number, get in enumerate((get_rating_store, get_postgres_rating_store)):
        store = await get()
        assert type(store) is PostgresRatingStore
        await store.rate(f"r{number}", "d1", 0.5)
    found = await store.list_ratings("d1")
    assert [type(one) for one in found] == [Rating, Rating]
    local = await get_sqlite_rating_store()
    assert type(local) is SQLiteRatingStore
    assert await local.list_ratings("d1") == []
    await aragora_sql.close_databases()


asyncio.run(main())
assert pickle.loads(pickle.dumps(PostgresRatingStore)) is PostgresRatingStore
assert list(inspect.signature(SQLiteRatingStore).parameters) == ["path", "most"]
assert {"RatingStore", "get_rating_store", "Rating"} <= set(aragora_sql.__all__)
print(aragora_sql.__file__)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for folder in ("aragora_sql", "sql", "tests/stores"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("README.md", "pyproject.toml", ".sqlfluff"):
        shutil.copy(ROOT / file, root)
    return root


def add_store(root: Path) -> None:
    files = {
        "sql/postgres/ratings/schema.sql": POSTGRES_SCHEMA,
        "sql/postgres/ratings/queries.sql": QUERIES,
        "sql/sqlite/ratings/schema.sql": SQLITE_SCHEMA,
        "sql/sqlite/ratings/queries.sql": QUERIES,
        "sql/legacy/ratings.sql": LEGACY,
        "aragora_sql/stores/ratings/__init__.py": PACKAGE,
        "aragora_sql/stores/ratings/records.py": RECORDS,
        "aragora_sql/stores/ratings/store.py": STORE,
        "tests/stores/ratings/__init__.py": "",
        "tests/stores/ratings/test_ratings.py": TESTS,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    table = root / "aragora_sql" / "stores" / "__init__.py"
    text = table.read_text(encoding="utf-8")
    end = text.index("\n)\n", text.index("STORES = (")) + 1
    table.write_text(text[:end] + LINE + text[end:], encoding="utf-8")


def test_a_store_is_five_places_and_a_line_in_the_table(copy: Path, postgres_dsn: str) -> None:
    add_store(copy)
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "DATABASE_URL": postgres_dsn,
        "ARAGORA_DATA_DIR": str(copy / "data"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True
        )
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def command(*arguments: str, code: int = 0) -> str:
        return run("-m", "aragora_sql", *arguments, code=code)

    # What follows from the table says that it is not written yet, then it is.
    assert "+\\ir ratings/schema.sql" in command("stores", "--check", code=1)
    assert "4 files written" in command("stores", "--write")
    of_the_store = ("check", "--dsn", postgres_dsn, "sql/postgres/ratings/queries.sql")
    command(*of_the_store, "--update-plans")
    assert "no findings" in command(*of_the_store)
    assert command("stores", "--check") == "0 files differ\n"
    assert "class SQLiteRatingStore(RatingStore):" in (
        copy / "aragora_sql" / "__init__.pyi"
    ).read_text(encoding="utf-8")
    assert "| ratings | `RatingStore` | `sql/*/ratings/` |" in (copy / "README.md").read_text(
        encoding="utf-8"
    )

    # Exports, front doors, the logger.
    said = run("-c", PROGRAM)
    assert str(copy / "aragora_sql") in said
    assert said.count("INFO aragora_sql.storage: Using PostgresRatingStore") == 2
    assert "INFO aragora_sql.storage: Using SQLiteRatingStore" in said

    # The choices of commands.
    assert "ratings: version 1 is there" in command("schema", "apply", "--store", "ratings")
    assert "ratings.list_ratings" in command("queries", "ratings")
    assert "there is no store 'rating'; there are" in command(
        "schema", "verify", "--store", "rating", code=2
    )
    source = copy / "data" / "old.db"
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("CREATE TABLE ratings (id, debate_id, score, created_at)")
        connection.execute("INSERT INTO ratings VALUES ('old', 'd1', 0.25, '2026-02-12 16:42:57')")
    options = ("migrate", "--sqlite-path", str(source), "--store", "ratings")
    assert '"total_migrated": 1' in command(*options, "--json")
    run(
        str(ROOT / "scripts" / "migrate_sqlite_to_supabase.py"),
        *("--stores", "ratings", "--data-dir", str(copy / "data"), "--source-timezone", "UTC"),
    )
