"""The store of origins on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.debate_origins import DebateOriginStore


@pytest.fixture
async def origins(database: Database) -> DebateOriginStore:
    """A store of origins; the test runs once on each engine."""
    store = DebateOriginStore(database)
    await store.initialize()
    return store
