"""The store of webhooks on a database of either engine."""

from __future__ import annotations

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.webhooks import RegisteredWebhook, WebhookStore
from tests.stores.samples import KEYRING


@pytest.fixture
async def webhooks(database: Database) -> WebhookStore:
    """A store of webhooks; the test runs once on each engine."""
    store = WebhookStore(database, KEYRING)
    await store.initialize()
    return store


@pytest.fixture
async def webhook(webhooks: WebhookStore) -> RegisteredWebhook:
    """A webhook that is told of votes."""
    return await webhooks.register("https://example.com/hook", ["vote"], user_id="ann")
