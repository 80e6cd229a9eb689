"""The store of computer use on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.computer_use import ComputerUseStore


@pytest.fixture
async def desk(database: Database) -> ComputerUseStore:
    """A store of tasks and policies; the test runs once on each engine."""
    store = ComputerUseStore(database)
    await store.initialize()
    return store
