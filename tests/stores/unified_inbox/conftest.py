"""The store of the unified inbox on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.unified_inbox import UnifiedInboxStore
from tests.stores.unified_inbox.cases import an_account


@pytest.fixture
async def inbox(database: Database) -> UnifiedInboxStore:
    """A store with an account ``a`` of the tenant ``t``; the test runs once on each engine."""
    store = UnifiedInboxStore(database)
    await store.initialize()
    await store.save_account("t", an_account())
    return store
