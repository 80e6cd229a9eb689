"""The store of gauntlets on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.gauntlet import GauntletResultStore, GauntletStore


@pytest.fixture
async def gauntlets(database: Database) -> GauntletStore:
    """A store of gauntlets; the test runs once on each engine."""
    store = GauntletStore(database)
    await store.initialize()
    return store


@pytest.fixture
def results(gauntlets: GauntletStore) -> GauntletResultStore:
    """The results of the same store."""
    return gauntlets.results
