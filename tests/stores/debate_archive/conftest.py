"""The archive of debates on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.debate_archive import DebateArchive


@pytest.fixture
async def archive(database: Database) -> DebateArchive:
    """An archive; the test runs once on each engine."""
    store = DebateArchive(database)
    await store.initialize()
    return store
