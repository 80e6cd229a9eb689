"""The store of cycles on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.cycles import CycleStore


@pytest.fixture
async def cycles(database: Database) -> CycleStore:
    """A store of cycles; the test runs once on each engine."""
    store = CycleStore(database)
    await store.initialize()
    return store
