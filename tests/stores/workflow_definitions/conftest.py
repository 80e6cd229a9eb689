"""The store of definitions of workflows on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.workflow_definitions import WorkflowStore


@pytest.fixture
async def workflows(database: Database) -> WorkflowStore:
    """A store of workflows; the test runs once on each engine."""
    store = WorkflowStore(database)
    await store.initialize()
    return store
