"""The ranking store, ready for use on each engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.elo import EloSystem


@pytest.fixture
async def elo(database: Database) -> EloSystem:
    store = EloSystem(database)
    await store.initialize()
    return store
