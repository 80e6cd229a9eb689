"""Trees of releases that follow each other, and what a database looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest

from aragora_sql.database import Database, Dialect
from aragora_sql.database.statement import Statement
from aragora_sql.schema import CatalogKey, describe_catalog
from tests.queries.trees import DIALECTS, write_store

Catalog: TypeAlias = dict[CatalogKey, str]

FIRST = """\
-- Notes.
CREATE TABLE IF NOT EXISTS notes (
    id TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    CONSTRAINT notes_pkey PRIMARY KEY (id)
);
"""


class Releases:
    """A tree at version 1, and one with upgrades."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.old = folder / "old"
        write_store(self.old, schema=FIRST)

    def new(
        self, *upgrades: str | dict[Dialect, str], schema: str = FIRST, name: str = "new"
    ) -> Path:
        """Write a tree with these upgrades; a dictionary has a text for each dialect."""
        root = self._folder / name
        write_store(root, schema=schema)
        for number, upgrade in enumerate(upgrades, start=2):
            for dialect in DIALECTS:
                text = upgrade if isinstance(upgrade, str) else upgrade[dialect]
                write_store(root, upgrades={f"{number:04d}_step.sql": text}, dialects=(dialect,))
        return root


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


async def run(database: Database, sql: str) -> None:
    async with database.connection() as connection:
        await connection.run_script("test", sql)


async def value(database: Database, sql: str) -> object:
    """Return the one value that a statement gives."""
    async with database.read() as connection:
        arguments: object = {} if database.dialect == "sqlite" else ()
        return await connection.fetch_value(Statement("test", sql), arguments)


async def catalog(database: Database) -> Catalog:
    async with database.read() as connection:
        return await describe_catalog(connection, database.dialect)


def ask(dsn: str, question: str, *values: object) -> list[tuple[object, ...]]:
    """Ask PostgreSQL beside what is tested."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(question.encode(), values).fetchall()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so; give up after 20 s."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - of a server
            await asyncio.sleep(0.01)
