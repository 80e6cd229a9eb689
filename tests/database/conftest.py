"""The store of items on the database of a test."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aragora_sql.database import Database
from tests.database.items import Items, write_items


@pytest.fixture
def items_tree(tmp_path: Path) -> Path:
    """A tree of SQL files with the store ``items``."""
    root = tmp_path / "sql"
    write_items(root)
    return root


@pytest.fixture
async def items(database: Database, items_tree: Path) -> Items:
    """The items in ``database``."""
    return await Items.create(database, items_tree)


@pytest.fixture
async def complaints() -> list[str]:
    """What the event loop complains of, which would else only be logged."""
    found: list[str] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        found.append(f"{context['message']}: {context.get('exception')!r}")

    asyncio.get_running_loop().set_exception_handler(note)
    return found
