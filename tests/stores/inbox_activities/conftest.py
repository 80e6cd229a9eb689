"""The store of activities on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.inbox_activities import InboxActivityStore


@pytest.fixture
async def activities(database: Database) -> InboxActivityStore:
    """A store of activities; the test runs once on each engine."""
    store = InboxActivityStore(database)
    await store.initialize()
    return store
