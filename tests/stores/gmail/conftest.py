"""The store of Gmail on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.gmail import GmailTokenStore
from tests.stores.samples import KEYRING


@pytest.fixture
async def gmail(database: Database) -> GmailTokenStore:
    """A store with a key; the test runs once on each engine."""
    store = GmailTokenStore(database, KEYRING)
    await store.initialize()
    return store
