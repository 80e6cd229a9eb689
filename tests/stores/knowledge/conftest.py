"""The store of knowledge on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.knowledge import KnowledgeMound


@pytest.fixture
async def mound(database: Database) -> KnowledgeMound:
    """A store of knowledge; the test runs once on each engine."""
    store = KnowledgeMound(database)
    await store.initialize()
    return store
