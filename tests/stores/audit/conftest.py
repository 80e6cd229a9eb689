"""The audit store on a database of either engine, and ways around what protects it."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.audit import AuditStore
from tests.stores.audit.cases import make, signed


@pytest.fixture
async def audit(database: Database) -> AuditStore:
    """An audit store without keys; the test runs once on each engine."""
    store = make(database)
    await store.initialize()
    return store


@pytest.fixture
async def signing(database: Database) -> AuditStore:
    """An audit store that signs, on the same database as ``audit``."""
    store = signed(database)
    await store.initialize()
    return store
