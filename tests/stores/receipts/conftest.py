"""The store of receipts on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.receipts import ReceiptStore
from tests.stores.receipts.cases import KEYS


@pytest.fixture
async def receipts(database: Database) -> ReceiptStore:
    """A store of receipts; the test runs once on each engine."""
    store = ReceiptStore(database, signing_keys=KEYS)
    await store.initialize()
    return store
