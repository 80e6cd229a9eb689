"""The store of compliance policies on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.compliance import PolicyStore


@pytest.fixture
async def policies(database: Database) -> PolicyStore:
    """A store of policies; the test runs once on each engine."""
    store = PolicyStore(database)
    await store.initialize()
    return store
