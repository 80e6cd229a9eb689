"""The store of results of decisions on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.decisions import DecisionStore


@pytest.fixture
async def decisions(database: Database) -> DecisionStore:
    """A store of results; the test runs once on each engine."""
    store = DecisionStore(database)
    await store.initialize()
    return store
