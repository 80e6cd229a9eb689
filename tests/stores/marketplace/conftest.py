"""The marketplace on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.marketplace import MarketplaceStore


@pytest.fixture
async def market(database: Database) -> MarketplaceStore:
    """The marketplace; the test runs once on each engine."""
    store = MarketplaceStore(database)
    await store.initialize()
    return store
