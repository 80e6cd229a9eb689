"""The store of facts on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.facts import FactStore


@pytest.fixture
async def facts(database: Database) -> FactStore:
    """A store of facts; the test runs once on each engine."""
    store = FactStore(database)
    await store.initialize()
    return store
