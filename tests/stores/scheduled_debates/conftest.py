"""The store of scheduled debates on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.scheduled_debates import ScheduledDebateStore


@pytest.fixture
async def debates(database: Database) -> ScheduledDebateStore:
    """A store of scheduled debates; the test runs once on each engine."""
    store = ScheduledDebateStore(database)
    await store.initialize()
    return store
