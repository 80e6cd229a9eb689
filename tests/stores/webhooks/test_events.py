"""Events that come in, each handled once; on both engines."""

from __future__ import annotations

import asyncio

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.webhooks import WebhookStore
from tests.stores.samples import KEYRING, run

LONG_AGO = "2001-01-01T00:00:00.000000Z"


async def test_claim_gives_an_event_to_one_of_a_hundred(webhooks: WebhookStore) -> None:
    handled = []

    async def handle(number: int) -> None:
        if await webhooks.events.claim("evt_1"):
            handled.append(number)
            await webhooks.events.mark_processed("evt_1")

    await asyncio.gather(*(handle(number) for number in range(100)))
    assert len(handled) == 1
    assert await webhooks.events.is_processed("evt_1")


async def test_claim_tells_providers_apart(webhooks: WebhookStore) -> None:
    assert await webhooks.events.claim("evt_1")
    assert await webhooks.events.claim("evt_1", "paddle")
    assert not await webhooks.events.claim("evt_1", "paddle")


async def test_claim_of_one_who_died_goes_to_the_next(webhooks: WebhookStore) -> None:
    assert await webhooks.events.claim("evt_1")
    assert not await webhooks.events.is_processed("evt_1")
    await run(webhooks.database, f"UPDATE webhook_events SET claimed_until = '{LONG_AGO}'")
    results = await asyncio.gather(*(webhooks.events.claim("evt_1") for _ in range(20)))
    assert sum(results) == 1


async def test_claim_in_a_transaction_that_is_undone_is_none(webhooks: WebhookStore) -> None:
    async def fail() -> None:
        async with webhooks.database.transaction():
            assert await webhooks.events.claim("evt_1")
            await webhooks.events.mark_processed("evt_1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await webhooks.events.claim("evt_1")


async def test_release_gives_back_what_was_not_handled(webhooks: WebhookStore) -> None:
    assert await webhooks.events.claim("evt_1")
    assert await webhooks.events.release("evt_1")
    assert not await webhooks.events.release("evt_1")
    assert await webhooks.events.claim("evt_1")
    await webhooks.events.mark_processed("evt_1")
    assert not await webhooks.events.release("evt_1")
    assert not await webhooks.events.claim("evt_1")


async def test_mark_processed_renews_the_time(webhooks: WebhookStore) -> None:
    await webhooks.events.mark_processed("evt_1", "ignored")
    await run(webhooks.database, f"UPDATE webhook_events SET processed_at = '{LONG_AGO}'")
    assert not await webhooks.events.is_processed("evt_1")
    await webhooks.events.mark_processed("evt_1")
    assert await webhooks.events.is_processed("evt_1")
    assert not await webhooks.events.claim("evt_1")
    assert await webhooks.events.size() == 1


async def test_claim_takes_an_event_again_after_its_time(webhooks: WebhookStore) -> None:
    await webhooks.events.mark_processed("evt_1")
    await run(webhooks.database, f"UPDATE webhook_events SET processed_at = '{LONG_AGO}'")
    assert await webhooks.events.claim("evt_1")
    assert not await webhooks.events.is_processed("evt_1")


async def test_cleanup_expired_deletes_what_is_not_remembered(webhooks: WebhookStore) -> None:
    for number in range(6):
        if number % 2:
            await webhooks.events.mark_processed(f"evt_{number}")
        else:
            assert await webhooks.events.claim(f"evt_{number}")
    await run(
        webhooks.database,
        f"UPDATE webhook_events SET processed_at = '{LONG_AGO}' WHERE event_id = 'evt_1'",
    )
    await run(
        webhooks.database,
        f"UPDATE webhook_events SET claimed_until = '{LONG_AGO}' WHERE event_id = 'evt_2'",
    )
    assert await webhooks.events.cleanup_expired() == 2
    assert await webhooks.events.size() == 4
    assert await webhooks.events.cleanup_expired() == 0


async def test_ttl_seconds_of_the_store_count(database: Database) -> None:
    webhooks = WebhookStore(database, KEYRING, event_ttl_seconds=0)
    await webhooks.initialize()
    await webhooks.events.mark_processed("evt_1")
    assert not await webhooks.events.is_processed("evt_1")
    assert await webhooks.events.claim("evt_1")
