"""The store of sessions on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.sessions import SessionStore


@pytest.fixture
async def sessions(database: Database) -> SessionStore:
    """A store of sessions; the test runs once on each engine."""
    store = SessionStore(database)
    await store.initialize()
    return store
