"""The store of links on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.sharing import SharingStore


@pytest.fixture
async def sharing(database: Database) -> SharingStore:
    """A store of links; the test runs once on each engine."""
    store = SharingStore(database)
    await store.initialize()
    return store
