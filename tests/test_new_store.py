"""A store is added to a copied checkout: its five places and its line in the table."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Servers
from tests.recipes import ROOT, Copy, read_recipes
from tests.test_contributing import check_counts

# each step runs commands on a copy of the checkout
pytestmark = pytest.mark.slow

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


def test_a_store_is_five_places_and_a_line_in_the_table(
    tmp_path: Path, postgres_dsn: str, servers: Servers
) -> None:
    """As CONTRIBUTING.md says it, step by step."""
    recipe = read_recipes()["To add a store"]
    of_the_server = servers.default.dsn("postgres")
    contributed = Copy(
        tmp_path, DATABASE_URL=of_the_server, ARAGORA_TEST_POSTGRES_DSN=of_the_server
    )
    copy = contributed.root
    by_hand = tuple(step for step in recipe.steps if step.kind != "run")
    contributed.follow(replace(recipe, steps=by_hand))
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
    commands = tuple(step for step in recipe.steps if step.kind == "run")
    said = contributed.follow(replace(recipe, steps=commands))
    assert "6 files written" in said
    assert "no findings" in said
    check_counts(recipe.title, contributed)
    assert command("stores", "--check") == "0 files differ\n"
    assert "class SQLiteRatingStore(RatingStore):" in (
        copy / "aragora_sql" / "__init__.pyi"
    ).read_text(encoding="utf-8")
    assert "| ratings | `RatingStore` | `sql/*/ratings/` |" in (copy / "README.md").read_text(
        encoding="utf-8"
    )

    # Exports, factory functions, the logger.
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
    source = copy / "data" / "rated.db"
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("CREATE TABLE ratings (id, debate_id, score, created_at)")
        connection.execute("INSERT INTO ratings VALUES ('old', 'd1', 0.25, '2026-02-12 16:42:57')")
    options = ("migrate", "--sqlite-path", str(source), "--store", "ratings")
    assert '"total_migrated": 1' in command(*options, "--json")
    run(
        str(ROOT / "scripts" / "migrate_sqlite_to_supabase.py"),
        *("--stores", "ratings", "--data-dir", str(copy / "data"), "--source-timezone", "UTC"),
    )
