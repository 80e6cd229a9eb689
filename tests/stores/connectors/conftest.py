"""The store of connectors on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.connectors import ConnectorStore
from tests.stores.samples import KEYRING


@pytest.fixture
async def connectors(database: Database) -> ConnectorStore:
    """A store of connectors; the test runs once on each engine."""
    store = ConnectorStore(database, KEYRING)
    await store.initialize()
    return store
