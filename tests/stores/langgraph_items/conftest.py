"""Stores of long-term memory on each engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.schema import apply_schema
from aragora_sql.stores.langgraph_items import LangGraphStore


@pytest.fixture
async def store(database: Database) -> LangGraphStore:
    """A store that is ready for use; the test runs once on each engine."""
    await apply_schema(database)
    return LangGraphStore(database)
