"""The store of webhooks on a database of either engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.webhooks import RegisteredWebhook, WebhookStore
from aragora_sql.stores.webhooks.jobs import DELIVERY_RETRIES
from tests.stores.samples import KEYRING

SLOW_RETRIES = replace(DELIVERY_RETRIES, base_seconds=1_000.0, max_seconds=300_000.0)


@pytest.fixture
async def webhooks(database: Database) -> WebhookStore:
    """A store of webhooks; the test runs once on each engine.

    What fails is tried again after a thousand times as long: within no test, however slow it is.
    """
    store = WebhookStore(database, KEYRING, retry_policy=SLOW_RETRIES)
    await store.initialize()
    return store


@pytest.fixture
async def webhook(webhooks: WebhookStore) -> RegisteredWebhook:
    """A webhook that is told of votes."""
    return await webhooks.register("https://example.com/hook", ["vote"], user_id="ann")
