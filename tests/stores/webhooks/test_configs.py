"""Webhooks: configuration, events, counters, secrets; on both engines."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    DecryptionError,
    EncryptionKeyMissingError,
    InvalidInputError,
    WebhookNotFoundError,
)
from aragora_sql.stores.rotation import RotationResult
from aragora_sql.stores.webhooks import (
    WEBHOOK_EVENTS,
    RegisteredWebhook,
    WebhookConfig,
    WebhookStore,
)
from aragora_sql.stores.webhooks.secrets import open_secret
from tests.stores.samples import KEY, KEYRING, OTHER_KEY, fetch_value, run
from tests.stores.webhooks.cases import URL


async def stored_secret(webhooks: WebhookStore, webhook_id: str, column: str = "secret") -> str:
    value: str = await fetch_value(
        webhooks.database,
        f"SELECT {column} FROM webhook_configs WHERE id = '{webhook_id}'",
    )
    return value


async def test_register_then_get(webhooks: WebhookStore) -> None:
    made = await webhooks.register(
        "http://[::1]:8080/höök?a=b", ["vote", "*", "vote"], "näme", "what for", "ann", "w1"
    )
    found = await webhooks.get(made.id)
    assert found == WebhookConfig(**dict(made))
    assert type(found) is WebhookConfig
    assert (found.events, found.active, found.user_id) == (["vote", "*"], True, "ann")
    assert (found.name, found.description, found.workspace_id) == ("näme", "what for", "w1")
    assert await webhooks.get("none") is None


async def test_register_shows_the_secret_once_and_stores_it_encrypted(
    webhooks: WebhookStore,
) -> None:
    made = await webhooks.register(URL, ["vote"])
    assert len(made.secret) == 43
    for shown in (repr(made), str(made.to_dict()), str(dict(made)), str(await webhooks.list())):
        assert made.secret not in shown
    stored = await stored_secret(webhooks, made.id)
    assert made.secret not in stored
    assert open_secret(stored, KEYRING, made.id) == made.secret
    with pytest.raises(DecryptionError, match="other"):
        open_secret(stored, KEYRING, "other")


async def test_register_without_a_key_stores_nothing(database: Database) -> None:
    webhooks = WebhookStore(database, Keyring())
    await webhooks.initialize()
    with pytest.raises(EncryptionKeyMissingError):
        await webhooks.register(URL, ["vote"])
    assert await webhooks.list() == []


async def test_extra_events_can_be_registered(database: Database) -> None:
    webhooks = WebhookStore(database, KEYRING, extra_events=["own"])
    await webhooks.initialize()
    own = await webhooks.register(URL, ["own"])
    every = await webhooks.register(URL, ["*"])
    assert [one.id for one in await webhooks.get_for_event("own")] == [every.id, own.id]


async def test_list_returns_pages_of_owners_the_newest_first(webhooks: WebhookStore) -> None:
    made = [
        await webhooks.register(URL, ["vote"], user_id=user, workspace_id=workspace)
        for user, workspace in (("ann", "w1"), ("bob", "w1"), ("ann", "w2"), ("ann", None))
    ]
    ids = [one.id for one in made]
    assert [one.id for one in await webhooks.list()] == ids[::-1]
    assert [one.id for one in await webhooks.list("ann")] == [ids[3], ids[2], ids[0]]
    assert [one.id for one in await webhooks.list(workspace_id="w1")] == [ids[1], ids[0]]
    assert [one.id for one in await webhooks.list("ann", "w1")] == [ids[0]]
    first = await webhooks.list(limit=3)
    assert [one.id for one in await webhooks.list(limit=3, after=first[-1])] == [ids[0]]
    await webhooks.update(ids[3], active=False)
    assert [one.id for one in await webhooks.list("ann", active_only=True)] == [ids[2], ids[0]]
    assert len(await webhooks.list(active_only=True)) == 3
    assert len(await webhooks.list(workspace_id="w2", active_only=True)) == 1


async def test_update_changes_what_is_given(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    changed = await webhooks.update(
        webhook.id, "https://other.example/", ["consensus"], False, "n", "d"
    )
    assert changed is not None
    assert (changed.url, changed.events, changed.active) == (
        "https://other.example/",
        ["consensus"],
        False,
    )
    assert (changed.name, changed.description) == ("n", "d")
    assert changed.updated_at > changed.created_at
    again = await webhooks.update(webhook.id)
    assert again is not None
    assert (again.url, again.events, again.name) == (changed.url, changed.events, "n")
    assert await webhooks.update("none", name="n") is None


async def test_update_of_events_changes_who_is_told(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    await webhooks.update(webhook.id, events=["consensus", "round_start"])
    assert await webhooks.get_for_event("vote") == []
    assert [one.id for one in await webhooks.get_for_event("round_start")] == [webhook.id]


async def test_delete_takes_deliveries_along(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    assert await webhooks.delete(webhook.id)
    assert not await webhooks.delete(webhook.id)
    for table in ("webhook_configs", "webhook_subscriptions", "webhook_deliveries"):
        query = f"SELECT count(*) FROM {table}"
        assert await fetch_value(webhooks.database, query) == 0
    # The job has nothing to send.
    assert await webhooks.deliveries.claim_due("w") == []
    assert (await webhooks.jobs.get_stats())["completed"] == 1


async def test_get_for_event_finds_names_and_all_known_ones(webhooks: WebhookStore) -> None:
    named = await webhooks.register(URL, ["vote", "consensus"], user_id="ann", workspace_id="w1")
    every = await webhooks.register(URL, ["*"], user_id="bob", workspace_id="w1")
    off = await webhooks.register(URL, ["vote", "*"])
    await webhooks.update(off.id, active=False)

    async def ids(event: str, **owner: str) -> list[str]:
        return [one.id for one in await webhooks.get_for_event(event, **owner)]

    assert await ids("vote") == [every.id, named.id]
    assert await ids("debate_end") == [every.id]
    assert await ids("unheard_of") == []
    assert await ids("vote", user_id="ann") == [named.id]
    assert await ids("vote", workspace_id="w1") == [every.id, named.id]
    assert await ids("vote", user_id="bob", workspace_id="w2") == []
    assert len(WEBHOOK_EVENTS) == len(set(WEBHOOK_EVENTS)) == 29


async def test_get_for_event_finds_what_was_stored_for_unknown_events(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    await run(
        webhooks.database,
        "INSERT INTO webhook_subscriptions (event_type, webhook_id) "
        f"VALUES ('odd', '{webhook.id}'), ('gone', '{webhook.id}')",
    )
    await run(webhooks.database, "UPDATE webhook_configs SET events = '[\"odd\"]'")
    assert [one.id for one in await webhooks.get_for_event("odd")] == [webhook.id]
    # What the webhook does not name itself does not count.
    assert await webhooks.get_for_event("gone") == []


async def test_record_delivery_counts_every_one_of_many(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    await asyncio.gather(*(webhooks.record_delivery(webhook.id, 200) for _ in range(10)))
    await webhooks.record_delivery(webhook.id, 503, success=False)
    await webhooks.record_delivery(webhook.id, None, success=False)
    found = await webhooks.get(webhook.id)
    assert found is not None
    assert (found.delivery_count, found.failure_count, found.consecutive_failures) == (12, 2, 2)
    assert found.last_delivery_status is None
    assert found.last_delivery_at is not None
    await webhooks.record_delivery(webhook.id, 204)
    found = await webhooks.get(webhook.id)
    assert found is not None
    assert (found.last_delivery_status, found.consecutive_failures) == (204, 0)
    await webhooks.record_delivery("none", 200)


async def test_rotate_secret_keeps_the_former_one_for_a_while(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    changed = await webhooks.rotate_secret(webhook.id, timedelta(hours=1))
    assert changed.secret != webhook.secret
    assert changed.previous_secret_until is not None
    assert open_secret(await stored_secret(webhooks, webhook.id), KEYRING, webhook.id) == (
        changed.secret
    )
    previous = await stored_secret(webhooks, webhook.id, "previous_secret")
    assert open_secret(previous, KEYRING, webhook.id) == webhook.secret
    with pytest.raises(WebhookNotFoundError, match="'none'"):
        await webhooks.rotate_secret("none")
    with pytest.raises(InvalidInputError, match="valid_for"):
        await webhooks.rotate_secret(webhook.id, timedelta(seconds=-1))


async def test_rotate_keys_covers_old_keys_old_bindings_and_clear_secrets(
    database: Database,
) -> None:
    old = WebhookStore(database, Keyring(OTHER_KEY))
    await old.initialize()
    webhooks = WebhookStore(database, Keyring(KEY, [OTHER_KEY]))
    made = [await old.register(URL, ["vote"]) for _ in range(3)]
    await old.rotate_secret(made[0].id)
    await webhooks.register(URL, ["vote"])
    await run(database, f"UPDATE webhook_configs SET secret = 'x' WHERE id = '{made[1].id}'")
    bound_to_nothing = base64.b64encode(KEYRING.seal(b"older", b"")).decode()
    await run(
        database,
        f"UPDATE webhook_configs SET secret = '{bound_to_nothing}' WHERE id = '{made[2].id}'",
    )
    plan = await webhooks.rotate_keys(dry_run=True)
    seen: list[RotationResult] = []
    done = await webhooks.rotate_keys(batch_size=2, on_progress=seen.append)
    assert (plan.checked, plan.changed, plan.resealed, plan.sealed) == (4, 3, 3, 1)
    assert (done.checked, done.changed, done.resealed, done.sealed) == (4, 3, 3, 1)
    assert [one.checked for one in seen] == [2, 4]
    # Only the present key is needed now.
    present = WebhookStore(database, KEYRING)
    assert await present.check_secrets() == (4, [])
    assert open_secret(await stored_secret(present, made[1].id), KEYRING, made[1].id) == "x"
    assert open_secret(await stored_secret(present, made[2].id), KEYRING, made[2].id) == "older"
    assert (await present.rotate_keys()).changed == 0


async def test_rotate_keys_names_what_no_key_fits(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    other = WebhookStore(webhooks.database, Keyring(OTHER_KEY))
    result = await other.rotate_keys()
    assert (result.changed, [one.webhook_id for one in result.failed]) == (0, [webhook.id])
    assert "none of the 1 keys" in result.failed[0].problem


async def test_check_secrets_names_what_no_key_fits(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    other = WebhookStore(webhooks.database, Keyring(OTHER_KEY))
    checked, failed = await other.check_secrets()
    assert (checked, [one.webhook_id for one in failed]) == (1, [webhook.id])
    assert await other.check_secrets(0) == (0, [])
    assert await webhooks.check_secrets() == (1, [])


async def test_initialize_makes_the_job_queue_too(database: Database) -> None:
    webhooks = WebhookStore(database, KEYRING)
    await webhooks.initialize()
    await webhooks.initialize()
    assert (await webhooks.jobs.get_stats())["total"] == 0


async def test_close_circuit_and_update_let_an_endpoint_be_called_again(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    for reopen in (
        webhooks.close_circuit(webhook.id),
        webhooks.update(webhook.id, active=True),
        webhooks.update(webhook.id, url="https://other.example"),
    ):
        for _ in range(5):
            await webhooks.record_delivery(webhook.id, 500, success=False)
        found = await webhooks.get(webhook.id)
        assert found is not None
        assert found.circuit_open_until is not None
        await reopen
        found = await webhooks.get(webhook.id)
        assert found is not None
        assert (found.circuit_open_until, found.consecutive_failures) == (None, 0)
    assert not await webhooks.close_circuit("none")


async def test_publish_enqueues_for_every_webhook_of_an_event(webhooks: WebhookStore) -> None:
    first = await webhooks.register(URL, ["vote"], workspace_id="w1")
    second = await webhooks.register(URL, ["*"], workspace_id="w2")
    ids = await webhooks.publish("vote", {"n": 1}, metadata={"m": 2})
    found = [await webhooks.deliveries.get(one) for one in ids]
    assert [one.webhook_id for one in found if one] == [second.id, first.id]
    assert all(one and (one.payload, one.metadata) == ({"n": 1}, {"m": 2}) for one in found)
    assert len(await webhooks.publish("vote", workspace_id="w1")) == 1
    assert await webhooks.publish("unheard_of") == []
