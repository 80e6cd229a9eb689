"""Items of LangGraph's own stores move by the statements of docs/application.md."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path
from typing import Any

from langgraph.store.base import Item
from langgraph.store.postgres import PostgresStore
from langgraph.store.sqlite import SqliteStore

from aragora_sql import PostgresDatabase, SQLiteDatabase
from aragora_sql.checker.store_layout import checkout
from aragora_sql.stores.langgraph_items import LangGraphStore
from tests.stores.samples import run

PAGE = checkout() / "docs" / "application.md"


def statement(engine: str) -> str:
    found = re.search(
        rf"^-- {engine}\n(INSERT.+?;)$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


def fill(store: Any) -> list[Item]:
    """Store some items, and return those that their store gives."""
    store.setup()
    places = [(("users", "42"), "a"), (("users",), "b.c"), (("é", "x"), "k")]
    for number, (namespace, key) in enumerate(places):
        ttl = None if number == 2 else (60, 0.4)[number]
        store.put(namespace, key, {"n": number, "text": "é", "nested": [None, {}]}, ttl=ttl)
    items = [store.get(*place, refresh_ttl=False) for place in places]
    for item in items:
        item.created_at = item.created_at.replace(tzinfo=item.created_at.tzinfo or UTC)
        item.updated_at = item.updated_at.replace(tzinfo=item.updated_at.tzinfo or UTC)
    return items


async def moved(store: LangGraphStore, items: list[Item]) -> list[Item | None]:
    read = [await store.aget(item.namespace, item.key) for item in items]
    assert len(await store.asearch((), limit=100)) == len(items)
    # They expire as before, and live on when they are read.
    assert await store.asweep_ttl() == 0
    return read


async def test_items_move_from_postgres_store(
    postgres_dsn: str, postgres_database: PostgresDatabase
) -> None:
    with PostgresStore.from_conn_string(postgres_dsn) as theirs:
        items = fill(theirs)
    await run(postgres_database, statement("PostgreSQL"))
    assert await moved(LangGraphStore(postgres_database), items) == items


async def test_items_move_from_sqlite_store(tmp_path: Path) -> None:
    path = str(tmp_path / "aragora.db")
    with SqliteStore.from_conn_string(path) as theirs:
        items = fill(theirs)
    async with LangGraphStore.from_conn_string(path) as ours:
        assert isinstance(ours.database, SQLiteDatabase)
        await run(ours.database, statement("SQLite"))
        assert await moved(ours, items) == items
