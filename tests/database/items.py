"""A store of items: as small as a store can be, with every rule that a schema has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aragora_sql.database import Database
from aragora_sql.queries import Queries, load_queries
from tests.queries.trees import write_store

SCHEMA = """\
CREATE TABLE items (
    id TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size >= 0),
    parent TEXT REFERENCES items (id),
    data JSONB
);
"""
QUERIES = """\
-- name: add(id, size, parent)!
-- Store an item.
INSERT INTO items (id, size, parent) VALUES (:id, :size, :parent);

-- name: add_many(id, size)*!
-- Store many items.
INSERT INTO items (id, size) VALUES (:id, :size);

-- name: add_document(id, data)!
-- Store an item with a document.
INSERT INTO items (id, size, data) VALUES (:id, 0, :data::jsonb);

-- name: get_size(id)$
-- Return the size of an item.
SELECT size FROM items WHERE id = :id;

-- name: get_item(id)^
-- Return an item.
SELECT id, size, parent, data FROM items WHERE id = :id;

-- name: list_ids()
-- List the ids.
SELECT id FROM items ORDER BY id;

-- name: set_size(id, size)!
-- Change the size of an item.
UPDATE items SET size = :size WHERE id = :id;

-- name: grow(id)!
-- Make an item bigger by one.
UPDATE items SET size = size + 1 WHERE id = :id;

-- name: clear()!
-- Remove all items.
DELETE FROM items;

-- name: dawdle()$
-- Take hours.
SELECT pg_sleep(7200);

-- name: dawdle_and_write()!
-- Take hours to change something.
UPDATE items SET size = size + length(pg_sleep(7200)::text);
"""
# What one statement can do for hours in SQLite.
_ENDLESS = (
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) "
    "SELECT max(i) FROM n)"
)


def write_items(root: Path) -> None:
    """Write the store ``items`` into a tree of SQL files."""
    write_store(root, QUERIES, schema=SCHEMA, store="items", dialects=("postgres",))
    queries = re.sub(r"::\w+", "", QUERIES)
    queries = queries.replace("length(pg_sleep(7200))", _ENDLESS)
    queries = queries.replace("pg_sleep(7200)", _ENDLESS)
    schema = SCHEMA.replace("JSONB", "TEXT CHECK (data IS NULL OR json_valid(data))")
    schema = schema.replace(");\n", ") STRICT;\n")
    write_store(root, queries, schema=schema, store="items", dialects=("sqlite",))


@dataclass
class Items:
    """The store, on one database."""

    database: Database
    queries: Queries

    @classmethod
    async def create(cls, database: Database, root: Path) -> Items:
        """Make the table."""
        async with database.connection() as connection:
            schema = (root / database.dialect / "items" / "schema.sql").read_text()
            await connection.run_script("schema", schema)
        return cls.on(database, root)

    @classmethod
    def on(cls, database: Database, root: Path) -> Items:
        """Use the table that is there."""
        return cls(database, load_queries("items", database.dialect, root))

    async def add(self, item_id: str, size: Any = 0, parent: str | None = None) -> None:
        async with self.database.connection() as connection:
            await self.queries.add(connection, id=item_id, size=size, parent=parent)

    async def add_each(self, item_ids: Sequence[str]) -> None:
        async with self.database.connection() as connection:
            for item_id in item_ids:
                await self.queries.add(connection, id=item_id, size=0, parent=None)

    async def grow(self, item_id: str) -> None:
        async with self.database.connection() as connection:
            await self.queries.grow(connection, id=item_id)

    async def size(self, item_id: str) -> int | None:
        async with self.database.read() as connection:
            size: int | None = await self.queries.get_size(connection, id=item_id)
            return size

    async def ids(self) -> list[str]:
        async with self.database.read() as connection:
            return [row["id"] async for row in self.queries.list_ids(connection)]

    async def clear(self) -> None:
        async with self.database.connection() as connection:
            await self.queries.clear(connection)

    async def dawdle(self, *, writing: bool = False) -> None:
        async with self.database.connection() as connection:
            if writing:
                await self.queries.dawdle_and_write(connection)
            else:
                await self.queries.dawdle(connection)
