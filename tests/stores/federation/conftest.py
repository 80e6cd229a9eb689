"""The store of federation on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.federation import FederationStore
from tests.stores.samples import KEYRING


@pytest.fixture
async def federation(database: Database) -> FederationStore:
    """The federation of the region ``here``; the test runs once on each engine."""
    store = FederationStore(database, KEYRING, "here")
    await store.initialize()
    return store
