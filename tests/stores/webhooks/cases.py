"""What the conformance suite needs to know of the store of webhooks."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from aragora_sql.database import Database
from aragora_sql.stores.webhooks import WebhookDelivery, WebhookStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_LISTS,
    NOT_MEASURES,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    names_of,
    optional_texts_of,
)
from tests.stores.samples import KEYRING, day, numbers, run

NUMBERS = itertools.count()
URL = "https://example.com/hook"
PLACE = {"before_time": day(300), "before_id": "k", "row_limit": 10}
PAGE = {"active_only": True, **PLACE}
NOT_URLS: list[Any] = [
    *(None, 5, "", " ", "example.com", "ftp://example.com/", "https://", "https:///x", "//x/y"),
    *("https://example.com:0/", "https://example.com:x/", "https://[::1", "https://a b/", "x\x00"),
    *("https://example.com/\n", "https://" + "x" * 8000),
]
NOT_CODES: list[Any] = [-1, 1000, 200.0, "200", True]
UNKNOWN: Any = "done"
DELIVERY = WebhookDelivery(
    delivery_id="saved",
    webhook_id="w",
    job_id=None,
    event_type="vote",
    payload={"n": 1},
    url=URL,
    status="dead_lettered",
    attempts=5,
    max_attempts=5,
    next_retry_at=None,
    last_error="HTTP 500",
    last_status_code=500,
    created_at=day(1),
    updated_at=day(1),
    delivered_at=None,
    dead_lettered_at=day(2),
    metadata={},
)

HOT = [
    Hot("get_webhook", {"id": "w1"}),
    Hot("list_webhooks", PAGE, True),
    Hot("list_user_webhooks", {"user_id": "u1", "workspace_id": None, **PAGE}, True),
    Hot("list_workspace_webhooks", {"workspace_id": "s1", **PAGE}, True),
    Hot(
        "list_event_webhooks",
        {"event_types": ["e1", "*"], "user_id": None, "workspace_id": None},
    ),
    Hot("delete_webhook", {"id": "w1"}),
    Hot("count_success", {"id": "w1", "status_code": 200}),
    Hot(
        "count_failure",
        {
            "id": "w1",
            "status_code": 500,
            "failures": 5,
            "open_seconds": 60.0,
            "most_seconds": 3600.0,
        },
    ),
    Hot("take_probe", {"id": "w1", "probe_seconds": 60.0}),
    Hot("list_secrets", {"after_id": "w1", "row_limit": 10}, True),
    Hot("lock_secrets", {"after_id": "w1", "row_limit": 10}, True),
    Hot("get_attempt", {"job_id": "k1"}),
    Hot("start_delivery", {"delivery_id": "k1", "url": URL}),
    Hot("mark_delivered", {"delivery_id": "k1", "status_code": 200}),
    Hot("note_failure", {"delivery_id": "k1", "status_code": 500}),
    Hot("follow_jobs", {"job_ids": ["k1", "k2"]}),
    Hot("lock_strays", {"row_limit": 10}, True),
    Hot("lock_jobless", {"row_limit": 10}, True),
    Hot("set_jobs", {"delivery_ids": ["k1"]}),
    Hot("reopen_delivery", {"delivery_id": "k1"}),
    Hot("get_delivery", {"delivery_id": "k1"}),
    Hot("list_webhook_deliveries", {"webhook_id": "w1", **PLACE}, True),
    Hot("list_open_deliveries", {"after_time": day(1), "after_id": "k", "row_limit": 10}, True),
    Hot("list_dead_letters", PLACE, True),
    Hot("delete_delivery", {"delivery_id": "k1"}),
    Hot("purge_delivered", {"age_seconds": 1e7, "row_limit": 10}),
    Hot("purge_dead_letters", {"age_seconds": 1e7, "row_limit": 10}),
    Hot("is_event_processed", {"provider": "p", "event_id": "k1", "ttl_seconds": 1e5}),
    Hot("release_event", {"provider": "p", "event_id": "k1"}),
    Hot("delete_expired_events", {"ttl_seconds": 1e7, "row_limit": 10}),
    Hot("delete_expired_claims", {"ttl_seconds": 1e7, "row_limit": 10}),
]


def make(database: Database) -> WebhookStore:
    return WebhookStore(database, KEYRING)


async def add(webhooks: WebhookStore) -> None:
    # Needs no key, which the stores of factory functions have not.
    await webhooks.events.mark_processed(f"evt_{next(NUMBERS)}")


async def count(webhooks: WebhookStore) -> int:
    return await webhooks.events.size()


async def fill(webhooks: WebhookStore) -> None:
    """Store some thousand rows in each table, few of them open, dead or being handled."""
    database = webhooks.database
    rows = numbers(database, 6000)
    at = (
        "TIMESTAMPTZ '2026-01-01 00:00:00+00' + n * interval '1 hour'"
        if database.dialect == "postgres"
        else "strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', '+' || n || ' hours')"
    )
    state = (
        "CASE n % 50 WHEN 0 THEN 'pending' WHEN 1 THEN 'dead_lettered' WHEN 2 THEN 'retrying' "
        "ELSE 'delivered' END"
    )
    job_state = (
        "CASE n % 50 WHEN 0 THEN 'pending' WHEN 1 THEN 'failed' WHEN 2 THEN 'pending' "
        "ELSE 'completed' END"
    )
    events = "('[\"e' || (n % 500) || '\"]')" + (
        "::jsonb" if database.dialect == "postgres" else ""
    )
    statements = [
        "INSERT INTO webhook_configs (id, url, events, secret, created_at, user_id, workspace_id) "
        f"SELECT 'w' || n, 'https://x', {events}, 's', {at}, 'u' || (n % 100), 's' || (n % 100) "
        f"FROM {rows}",
        "INSERT INTO webhook_subscriptions (event_type, webhook_id) "
        f"SELECT 'e' || (n % 500), 'w' || n FROM {rows}",
        "INSERT INTO job_queue (id, job_type, status, completed_at) SELECT 'k' || n, 'd', "
        f"{job_state}, CASE WHEN n % 50 IN (0, 2) THEN NULL ELSE {at} END FROM {rows}",
        "INSERT INTO webhook_deliveries (delivery_id, webhook_id, job_id, event_type, payload, "
        "url, status, created_at, next_retry_at, delivered_at, dead_lettered_at) SELECT 'k' || n, "
        "'w' || (n % 60 + 1), CASE WHEN n % 100 > 0 THEN 'k' || n END, 'vote', '{}', 'https://x', "
        f"{state}, {at}, "
        f"CASE WHEN n % 50 = 2 THEN {at} END, CASE WHEN n % 50 > 2 THEN {at} END, "
        f"CASE WHEN n % 50 = 1 THEN {at} END FROM {rows}",
        "INSERT INTO webhook_events (provider, event_id, claimed_until, processed_at, result) "
        f"SELECT 'p', 'k' || n, CASE WHEN n % 50 = 0 THEN {at} END, "
        f"CASE WHEN n % 50 <> 0 THEN {at} END, CASE WHEN n % 50 <> 0 THEN 'success' END "
        f"FROM {rows}",
    ]
    for statement in statements:
        await run(database, statement)


async def prepare(webhooks: WebhookStore) -> dict[str, Any]:
    """Store a webhook with two dead letters, claimed deliveries and one that waits."""
    webhook = await webhooks.register(URL, ["vote"])
    for _ in range(2):
        await webhooks.deliveries.enqueue(webhook.id, "vote")
    dead = await webhooks.deliveries.claim_due("w", 2)
    for outgoing in dead:
        await webhooks.deliveries.mark_dead(outgoing, "no")
    for _ in range(5):
        await webhooks.deliveries.enqueue(webhook.id, "vote")
    claimed = await webhooks.deliveries.claim_due("w", 4)
    return {"id": webhook.id, "dead": [one.delivery_id for one in dead], "claimed": claimed}


# A transaction is two round trips more than what it holds; a claim that finds something is one.
ROUND_TRIPS = {
    "get": Call(1, lambda s, kept: s.get(kept["id"])),
    "list": Call(1, lambda s, kept: s.list()),
    "get_for_event": Call(1, lambda s, kept: s.get_for_event("vote")),
    "record_delivery": Call(1, lambda s, kept: s.record_delivery(kept["id"], 200)),
    "record_delivery of a failure": Call(
        1, lambda s, kept: s.record_delivery(kept["id"], 500, False)
    ),
    "close_circuit": Call(1, lambda s, kept: s.close_circuit(kept["id"])),
    "register": Call(4, lambda s, kept: s.register(URL, ["vote"])),
    "update": Call(3, lambda s, kept: s.update(kept["id"], name="n")),
    "rotate_secret": Call(4, lambda s, kept: s.rotate_secret(kept["id"])),
    "publish": Call(7, lambda s, kept: s.publish("vote")),
    "deliveries.enqueue": Call(4, lambda s, kept: s.deliveries.enqueue(kept["id"], "vote")),
    "deliveries.claim_due": Call(4, lambda s, kept: s.deliveries.claim_due("w"), at_most=True),
    "deliveries.mark_delivered": Call(
        5, lambda s, kept: s.deliveries.mark_delivered(kept["claimed"].pop())
    ),
    "deliveries.mark_failed": Call(
        12, lambda s, kept: s.deliveries.mark_failed(kept["claimed"].pop(), "no"), at_most=True
    ),
    "deliveries.get": Call(1, lambda s, kept: s.deliveries.get(kept["dead"][0])),
    "deliveries.list_for_webhook": Call(
        1, lambda s, kept: s.deliveries.list_for_webhook(kept["id"])
    ),
    "deliveries.load_pending_retries": Call(1, lambda s, kept: s.deliveries.load_pending_retries()),
    "deliveries.list_dead_letters": Call(1, lambda s, kept: s.deliveries.list_dead_letters()),
    "deliveries.stats": Call(1, lambda s, kept: s.deliveries.stats()),
    "deliveries.retry_dead_letter": Call(
        5, lambda s, kept: s.deliveries.retry_dead_letter(kept["dead"].pop())
    ),
    "events.claim": Call(1, lambda s, kept: s.events.claim("e1")),
    "events.is_processed": Call(1, lambda s, kept: s.events.is_processed("e1")),
    "events.mark_processed": Call(1, lambda s, kept: s.events.mark_processed("e1")),
    "events.release": Call(1, lambda s, kept: s.events.release("e2")),
    "events.size": Call(1, lambda s, kept: s.events.size()),
    "delete": Call(1, lambda s, kept: s.delete(kept["id"])),
}

BAD_ARGUMENTS = [
    BadArgument("register", "url", NOT_URLS),
    BadArgument("register", "events", [*NOT_LISTS, None, []]),
    *optional_texts_of("register", "name", "description"),
    *limits_of("list"),
    BadArgument("list", "active_only", NOT_BOOLEANS),
    BadArgument("list", "after", ["w1", {}, 5]),
    *keys_of("get", "webhook_id"),
    *keys_of("get_for_event", "event_type"),
    *keys_of("publish", "event_type"),
    BadArgument("update", "url", NOT_URLS[1:]),
    BadArgument("update", "events", [*NOT_LISTS, []]),
    BadArgument("update", "active", NOT_BOOLEANS[1:]),
    BadArgument("record_delivery", "status_code", NOT_CODES),
    BadArgument("record_delivery", "success", NOT_BOOLEANS),
    BadArgument("rotate_secret", "valid_for", [None, 5, "1 day"]),
    BadArgument("rotate_keys", "batch_size", [0, -1, 1.0, "1", True, None]),
    *[
        bad._replace(of="deliveries")
        for bad in (
            *keys_of("enqueue", "webhook_id", "event_type"),
            *documents_of("enqueue", "payload", "metadata"),
            BadArgument("enqueue", "max_attempts", [0, -1, 1.0, True, "1"]),
            BadArgument("enqueue", "delay_seconds", NOT_MEASURES),
            BadArgument("enqueue_many", "deliveries", NOT_LISTS),
            *limits_of("list_dead_letters", "load_pending_retries"),
            BadArgument("list_dead_letters", "after", ["w1", {}, 5]),
            BadArgument("load_pending_retries", "after", ["w1", {}, 5]),
            BadArgument("save_delivery", "delivery", [None, {}, "d", 5]),
            *keys_of("get", "delivery_id"),
            *keys_of("retry_dead_letter", "delivery_id"),
            BadArgument("purge_delivered", "days", NOT_MEASURES),
            BadArgument("purge_dead_letters", "days", NOT_MEASURES),
            BadArgument("mark_delivered", "delivery", [None, {}, "d"]),
        )
    ],
    *[
        bad._replace(of="events")
        for bad in (
            *keys_of("claim", "event_id", "provider"),
            BadArgument("claim", "lease_seconds", [0, -1, True, "1", 10**400]),
            *keys_of("is_processed", "event_id"),
            *names_of("mark_processed", "result"),
        )
    ],
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "register": {"url": URL, "events": ["vote"]},
    "update": {"webhook_id": "w"},
    "record_delivery": {"webhook_id": "w", "status_code": 200},
    "rotate_secret": {"webhook_id": "w"},
    "enqueue": {"webhook_id": "w", "event_type": "vote"},
    "claim": {"event_id": "e"},
    "mark_processed": {"event_id": "e"},
}

CASES = StoreCases(
    make=make,
    add=add,
    count=count,
    foreign_table="webhook_configs (id TEXT PRIMARY KEY, headers TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={
        "url": lambda s: s.register("example.com", ["vote"]),
        "events[0]": lambda s: s.register(URL, ["votes"]),
        "status": lambda s: s.deliveries.save_delivery(replace(DELIVERY, status=UNKNOWN)),
    },
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
    helpers={"deliveries": lambda s: s.deliveries, "events": lambda s: s.events},
)
