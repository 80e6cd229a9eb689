"""The store of insights on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.insights import InsightStore


@pytest.fixture
async def insights(database: Database) -> InsightStore:
    """A store of insights; the test runs once on each engine."""
    store = InsightStore(database)
    await store.initialize()
    return store
