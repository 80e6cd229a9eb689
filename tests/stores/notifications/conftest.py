"""The store of notifications on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.notifications import NotificationStore
from tests.stores.samples import KEYRING


@pytest.fixture
async def notifications(database: Database) -> NotificationStore:
    """A store with a key; the test runs once on each engine."""
    store = NotificationStore(database, KEYRING)
    await store.initialize()
    return store
