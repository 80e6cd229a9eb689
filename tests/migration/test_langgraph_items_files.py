"""LangGraph's long-term memory in files of this package, migrated."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from langgraph.store.base import SearchItem

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteDatabase
from aragora_sql.stores.langgraph_items import LangGraphStore
from tests.migration.conftest import Target, check_sums

INDEX: Any = {
    "dims": 3,
    "embed": lambda texts: [[float(len(text)), 1.0, -0.5] for text in texts],
    "fields": ["text", "parts[*]"],
}


async def read(store: LangGraphStore) -> list[list[SearchItem]]:
    return [
        await store.asearch((), limit=100, refresh_ttl=False),
        await store.asearch((), query="four", limit=100, refresh_ttl=False),
    ]


async def test_items_are_read_and_found_as_before(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "aragora.db"
    database = SQLiteDatabase(path)
    store = LangGraphStore(database, index=INDEX)
    await store.initialize()
    await store.aput(("users", "42"), "a", {"text": "four", "n": 2**70, "f": 1e17, "é": [None, {}]})
    await store.aput(("users", "42", "x"), "Ärger B_a", {"parts": ["a", "much longer"]}, ttl=0.5)
    await store.aput(("users-1",), "c", {}, index=False, ttl=60)
    before = await read(store)
    assert [len(items) for items in before] == [3, 2]
    await database.close()
    for again in (False, True):
        report = await asyncio.to_thread(target.migrate, path)
        check_sums(report)
        assert report.success
        (table,) = report.tables
        assert (table.table, table.rows_in_source) == ("langgraph_items", 3)
        assert (table.already_there if again else table.migrated) == 3
    moved = await PostgresDatabase.connect(target.dsn, 1, 2)
    try:
        after = LangGraphStore(moved, index=INDEX)
        await after.initialize()
        assert await read(after) == before
    finally:
        await moved.close()
