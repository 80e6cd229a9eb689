"""Deliveries: at least once, retries, dead letters, circuits, several workers; on both engines."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    DuplicateKeyError,
    InvalidInputError,
    JobClaimLostError,
    MissingParentError,
    WebhookNotFoundError,
)
from aragora_sql.stores.jobs import (
    JobQueueStore,
    JobWorker,
    PermanentJobError,
    PostponeJobError,
    RetryJobError,
    RetryPolicy,
)
from aragora_sql.stores.webhooks import (
    DELIVERY_JOB,
    SIGNATURE_HEADER,
    CircuitPolicy,
    DeliveryStatus,
    OutgoingDelivery,
    RegisteredWebhook,
    WebhookDelivery,
    WebhookStore,
    verify_signature,
)
from aragora_sql.stores.webhooks.jobs import DELIVERY_RETRIES
from tests.stores.samples import KEYRING, OTHER_KEY, day, fetch_value, run
from tests.stores.webhooks.cases import DELIVERY, URL

LONG_AGO = "2001-01-01T00:00:00.000000Z"


class Endpoint:
    """What is posted to; it answers with the codes that it was given, then with the last one."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.received: list[OutgoingDelivery] = []

    async def send(self, delivery: OutgoingDelivery) -> int:
        self.received.append(delivery)
        return self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]


async def work(webhooks: WebhookStore, send: Any, **options: Any) -> JobWorker:
    """Deliver what is due, and what was to be tried again or later, until nothing is left."""
    worker = webhooks.deliveries.worker(send, schedules=False, **options)
    await worker.run(until_empty=True, handle_signals=False)
    return worker


async def make_due(webhooks: WebhookStore) -> None:
    """Let the time come of all jobs that wait."""
    await run(
        webhooks.database,
        f"UPDATE job_queue SET scheduled_at = '{LONG_AGO}' "
        "WHERE status IN ('scheduled', 'retrying')",
    )


async def stored(webhooks: WebhookStore, delivery_id: str) -> WebhookDelivery:
    found = await webhooks.deliveries.get(delivery_id)
    assert found is not None
    return found


async def circuit_time_is_over(webhooks: WebhookStore) -> None:
    await run(
        webhooks.database,
        f"UPDATE webhook_configs SET circuit_open_until = '{LONG_AGO}' "
        "WHERE circuit_open_until IS NOT NULL",
    )


async def test_enqueue_then_deliver_a_signed_body(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(
        webhook.id, "vote", {"ä": 0.1, "big": 2**60}, metadata={"m": 1}
    )
    waiting = await stored(webhooks, key)
    assert (waiting.status, waiting.attempts, waiting.url) == ("pending", 0, webhook.url)
    assert (waiting.payload, waiting.metadata) == ({"ä": 0.1, "big": 2**60}, {"m": 1})
    endpoint = Endpoint(202)
    worker = await work(webhooks, endpoint.send)
    (sent,) = endpoint.received
    assert (sent.url, sent.attempt, sent.delivery_id) == (webhook.url, 1, key)
    assert sent.headers["X-Aragora-Event"] == "vote"
    assert sent.headers["X-Aragora-Delivery"] == key
    assert verify_signature(sent.headers[SIGNATURE_HEADER], sent.body, webhook.secret)
    assert webhook.secret not in repr(sent)
    assert "v1=" not in repr(sent)
    done = await stored(webhooks, key)
    assert (done.status, done.attempts, done.last_status_code) == ("delivered", 1, 202)
    assert done.delivered_at is not None
    assert worker.stats.completed == 1
    counted = await webhooks.get(webhook.id)
    assert counted is not None
    assert (counted.delivery_count, counted.failure_count) == (1, 0)


async def test_deliveries_are_signed_with_both_secrets_for_a_while(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    rotated = await webhooks.rotate_secret(webhook.id)
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    (sent,) = await webhooks.deliveries.claim_due("w")
    for secret in (webhook.secret, rotated.secret):
        assert verify_signature(sent.headers[SIGNATURE_HEADER], sent.body, secret)
    await run(webhooks.database, f"UPDATE webhook_configs SET previous_secret_until = '{LONG_AGO}'")
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    (sent,) = await webhooks.deliveries.claim_due("w")
    assert sent.headers[SIGNATURE_HEADER].count("v1=") == 1
    assert verify_signature(sent.headers[SIGNATURE_HEADER], sent.body, rotated.secret)


async def test_enqueue_refuses_what_is_not_there(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    with pytest.raises(WebhookNotFoundError, match="'none'"):
        await webhooks.deliveries.enqueue("none", "vote")
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", delivery_id="d1")
    assert key == "d1"
    with pytest.raises(DuplicateKeyError):
        await webhooks.deliveries.enqueue(webhook.id, "vote", delivery_id="d1")
    for bad, message in (
        ({"webhook_id": webhook.id}, "event_type is missing"),
        ({"webhook_id": webhook.id, "event_type": "vote", "urll": URL}, "urll is not known"),
        ("x", "must be a dictionary"),
    ):
        entries: Any = [{"webhook_id": webhook.id, "event_type": "vote"}, bad]
        with pytest.raises(InvalidInputError, match=rf"deliveries\[1\]: {message}"):
            await webhooks.deliveries.enqueue_many(entries)
    assert await webhooks.deliveries.enqueue_many([]) == []
    # Neither jobs nor deliveries of those were stored.
    assert await webhooks.deliveries.stats() == {"pending": 1}
    assert (await webhooks.jobs.get_stats())["total"] == 1


async def test_enqueue_takes_part_in_a_transaction(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    async def fail() -> None:
        async with webhooks.database.transaction():
            await webhooks.deliveries.enqueue(webhook.id, "vote")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await webhooks.deliveries.stats() == {}
    assert (await webhooks.jobs.get_stats())["total"] == 0


async def test_failures_are_tried_again_until_it_is_a_dead_letter(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=3)
    endpoint = Endpoint(500, 503, 404)
    for attempt, delay in ((1, 1000.0), (2, 2000.0)):
        await work(webhooks, endpoint.send)
        found = await stored(webhooks, key)
        assert (found.status, found.attempts) == ("retrying", attempt)
        assert delay * 0.75 - 0.01 <= await seconds_to_wait(webhooks, found) <= delay * 1.25 + 0.01
        assert await webhooks.deliveries.load_pending_retries() == [found]
        await make_due(webhooks)
    await work(webhooks, endpoint.send)
    found = await stored(webhooks, key)
    assert (found.status, found.attempts, found.next_retry_at) == ("dead_lettered", 3, None)
    assert (found.last_error, found.last_status_code) == ("DeliveryFailedError: HTTP 404", 404)
    assert found.dead_lettered_at is not None
    assert await webhooks.deliveries.list_dead_letters() == [found]
    assert await webhooks.deliveries.load_dead_letter_queue() == [found]
    assert await webhooks.deliveries.load_pending_retries() == []
    assert await webhooks.deliveries.get_metrics_from_db() == {"dead_lettered": 1}
    assert len(endpoint.received) == 3


async def test_the_delay_is_doubled_up_to_five_minutes(database: Database) -> None:
    assert RetryPolicy(base_seconds=1.0, max_seconds=300.0, jitter=0.25) == DELIVERY_RETRIES
    webhooks = WebhookStore(database, KEYRING)
    await webhooks.initialize()
    webhook = await webhooks.register(URL, ["vote"])
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=3)
    for delay in (1.0, 2.0):
        (delivery,) = await webhooks.deliveries.claim_due("w", 1)
        await webhooks.deliveries.mark_failed(delivery, "no")
        found = await stored(webhooks, key)
        assert delay * 0.75 - 0.01 <= await seconds_to_wait(webhooks, found) <= delay * 1.25 + 0.01
        await make_due(webhooks)


async def seconds_to_wait(webhooks: WebhookStore, delivery: WebhookDelivery) -> float:
    """Return how long after its failure a delivery is tried again: one statement sets both."""
    assert delivery.job_id is not None
    job = await webhooks.jobs.get(delivery.job_id)
    assert job is not None
    assert job.scheduled_at is not None
    assert job.scheduled_at == delivery.next_retry_at
    return (job.scheduled_at - job.updated_at).total_seconds()


async def test_errors_of_sending_say_what_becomes_of_a_delivery(
    webhooks: WebhookStore, webhook: RegisteredWebhook, caplog: pytest.LogCaptureFixture
) -> None:
    errors: dict[str, BaseException] = {
        "dead": PermanentJobError("gone: https://ann:hunter2@example.com/"),
        "later": RetryJobError("busy", 5000),
        "postponed": PostponeJobError("not now", 5000),
        "broken": ValueError("https://ann:hunter2@example.com/ refused"),
        "cancelled": asyncio.CancelledError(),
    }
    ids = {
        how: await webhooks.deliveries.enqueue(webhook.id, "vote", {"how": how}) for how in errors
    }

    async def send(delivery: OutgoingDelivery) -> int:
        (how,) = (how for how in errors if how.encode() in delivery.body)
        raise errors[how]

    with caplog.at_level(logging.DEBUG):
        await work(webhooks, send)
    found = {how: await stored(webhooks, key) for how, key in ids.items()}
    assert {how: (one.status, one.attempts) for how, one in found.items()} == {
        "dead": ("dead_lettered", 1),
        "later": ("retrying", 1),
        "postponed": ("pending", 0),
        "broken": ("retrying", 1),
        "cancelled": ("retrying", 1),
    }
    assert found["postponed"].next_retry_at is not None
    assert (found["dead"].last_error or "").startswith("PermanentJobError: gone: https://")
    assert "hunter2" not in (found["dead"].last_error or "")
    assert "ValueError" in (found["broken"].last_error or "")
    assert "hunter2" not in (found["broken"].last_error or "")
    assert "hunter2" not in caplog.text


async def test_an_answer_that_is_no_status_is_a_failure(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")

    async def send(delivery: OutgoingDelivery) -> Any:
        return "200"

    await work(webhooks, send)
    assert "must be an integer" in ((await stored(webhooks, key)).last_error or "")


async def test_a_time_limit_counts_as_a_failure_of_the_endpoint(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=1000)
    sent = []

    async def send(delivery: OutgoingDelivery) -> int:
        sent.append(delivery)
        await asyncio.Event().wait()
        return 200

    while not sent:
        # On a slow machine the time may be over before anything is sent.
        await make_due(webhooks)
        await work(webhooks, send, time_limit_seconds=0.1)
    found = await webhooks.get(webhook.id)
    assert found is not None
    assert found.consecutive_failures == 1
    assert (await stored(webhooks, key)).status == "retrying"


async def test_what_was_delivered_is_not_sent_again_when_its_worker_died(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    (claimed,) = await webhooks.deliveries.claim_due("dies")
    await webhooks.deliveries.mark_delivered(claimed, 200)
    # As if it had died between noting the answer and finishing the job.
    await run(
        webhooks.database,
        "UPDATE job_queue SET status = 'processing', completed_at = NULL, "
        f"lease_expires_at = '{LONG_AGO}'",
    )
    assert await webhooks.jobs.recover_stale_jobs() == 1
    endpoint = Endpoint(200)
    await work(webhooks, endpoint.send)
    assert endpoint.received == []
    assert (await stored(webhooks, key)).status == "delivered"
    job = await webhooks.jobs.get(key)
    assert job is not None
    assert job.result == {"outcome": "it is delivered already"}


async def test_a_delivery_of_a_worker_that_died_is_sent_by_another(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=2)
    for attempt in (1, 2):
        (claimed,) = await webhooks.deliveries.claim_due("dies")
        assert claimed.attempt == attempt
        assert (await stored(webhooks, key)).status == "in_progress"
        await run(webhooks.database, f"UPDATE job_queue SET lease_expires_at = '{LONG_AGO}'")
        await webhooks.jobs.recover_stale_jobs()
        status = "retrying" if attempt == 1 else "dead_lettered"
        assert (await stored(webhooks, key)).status == status
    with pytest.raises(JobClaimLostError):
        await webhooks.deliveries.mark_failed(claimed, "late")
    found = await stored(webhooks, key)
    assert "lease" in (found.last_error or "")
    counted = await webhooks.get(webhook.id)
    assert counted is not None
    assert counted.failure_count == 0


async def test_mark_delivered_counts_although_the_claim_was_lost(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    (claimed,) = await webhooks.deliveries.claim_due("w")
    await run(webhooks.database, f"UPDATE job_queue SET lease_expires_at = '{LONG_AGO}'")
    await webhooks.jobs.recover_stale_jobs()
    with pytest.raises(JobClaimLostError):
        await webhooks.deliveries.mark_delivered(claimed)
    assert (await stored(webhooks, key)).status == "delivered"
    assert await webhooks.deliveries.claim_due("w") == []


async def test_claim_due_gives_each_delivery_to_one(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    ids = [await webhooks.deliveries.enqueue(webhook.id, "vote") for _ in range(20)]
    claimed = await asyncio.gather(*(webhooks.deliveries.claim_due(f"w{n}", 3) for n in range(10)))
    assert sorted(one.delivery_id for part in claimed for one in part) == sorted(ids)


async def test_mark_failed_and_mark_dead_tell_the_status(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    (claimed,) = await webhooks.deliveries.claim_due("w")
    text = "Authorization: Bearer hunter2hunter2 " + "x" * 300
    assert await webhooks.deliveries.mark_failed(claimed, text, 429, delay_seconds=0) == "retrying"
    found = await stored(webhooks, key)
    assert (found.attempts, found.last_status_code) == (1, 429)
    (claimed,) = await webhooks.deliveries.claim_due("w")
    assert await webhooks.deliveries.mark_dead(claimed, text, 410) == "dead_lettered"
    found = await stored(webhooks, key)
    assert (found.status, found.attempts, found.last_status_code) == ("dead_lettered", 2, 410)
    assert found.last_error is not None
    assert len(found.last_error) == 200
    assert "hunter2" not in found.last_error


async def test_an_inactive_webhook_is_not_called(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    other = await webhooks.deliveries.enqueue(webhook.id, "vote")
    await webhooks.update(webhook.id, active=False)
    assert len(await webhooks.deliveries.claim_due("w", 1)) == 0
    endpoint = Endpoint(200)
    await work(webhooks, endpoint.send)
    for one in (key, other):
        assert (await stored(webhooks, one)).status == "dead_lettered"
        assert "is not active" in ((await stored(webhooks, one)).last_error or "")
    assert endpoint.received == []


async def test_a_secret_that_no_key_fits_sends_nothing(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    other = WebhookStore(webhooks.database, Keyring(OTHER_KEY))
    key = await other.deliveries.enqueue(webhook.id, "vote")
    assert await other.deliveries.claim_due("w") == []
    assert "can't be decrypted" in ((await stored(webhooks, key)).last_error or "")
    await make_due(webhooks)
    endpoint = Endpoint(200)
    await work(other, endpoint.send)
    assert endpoint.received == []
    assert (await stored(webhooks, key)).attempts == 2


# Circuits


async def test_the_circuit_of_an_endpoint_opens_and_one_probe_closes_it(
    database: Database,
) -> None:
    policy = CircuitPolicy(failures=2, open_seconds=60, most_seconds=200, probe_seconds=30)
    webhooks = WebhookStore(database, KEYRING, circuit=policy)
    await webhooks.initialize()
    webhook = await webhooks.register(URL, ["vote"])
    other = await webhooks.register(URL, ["vote"])
    # Two instances share what is in the database.
    instances = [webhooks, WebhookStore(database, KEYRING, circuit=policy)]
    ids = [await webhooks.deliveries.enqueue(webhook.id, "vote") for _ in range(4)]
    for number in (0, 1):
        (claimed,) = await instances[number].deliveries.claim_due("w")
        await instances[number].deliveries.mark_failed(claimed, "no", 500)
    opened = await webhooks.get(webhook.id)
    assert opened is not None
    assert opened.circuit_open_until is not None
    # The others wait and lose no attempt; other endpoints are called.
    for instance in instances:
        assert await instance.deliveries.claim_due("w", 10) == []
    for key in ids[2:]:
        waiting = await stored(webhooks, key)
        assert (waiting.status, waiting.attempts) == ("pending", 0)
        assert waiting.next_retry_at is not None
        assert waiting.next_retry_at > opened.circuit_open_until - timedelta(seconds=5)
    await webhooks.deliveries.enqueue(other.id, "vote")
    assert len(await webhooks.deliveries.claim_due("w", 10)) == 1
    # After its time one of all is a probe, whoever asks.
    await circuit_time_is_over(webhooks)
    await make_due(webhooks)
    claimed_now = await asyncio.gather(
        *(instances[n % 2].deliveries.claim_due(f"w{n}", 2) for n in range(4))
    )
    (probe,) = [one for part in claimed_now for one in part]
    # It fails: open again, for twice as long.
    await webhooks.deliveries.mark_failed(probe, "no", 500)
    assert await seconds_open(webhooks, webhook.id) == pytest.approx(120, abs=2)
    await make_due(webhooks)
    assert await webhooks.deliveries.claim_due("w", 10) == []
    for expected in (200, 200):
        await circuit_time_is_over(webhooks)
        await make_due(webhooks)
        (probe,) = await webhooks.deliveries.claim_due("w", 10)
        await webhooks.deliveries.mark_failed(probe, "no", 500)
        assert await seconds_open(webhooks, webhook.id) == pytest.approx(expected, abs=2)
    # A probe that succeeds closes it.
    await circuit_time_is_over(webhooks)
    await make_due(webhooks)
    (probe,) = await webhooks.deliveries.claim_due("w", 10)
    await webhooks.deliveries.mark_delivered(probe)
    closed = await webhooks.get(webhook.id)
    assert closed is not None
    assert (closed.circuit_open_until, closed.consecutive_failures) == (None, 0)
    await make_due(webhooks)
    assert len(await webhooks.deliveries.claim_due("w", 10)) == 3


async def seconds_open(webhooks: WebhookStore, webhook_id: str) -> float:
    found = await webhooks.get(webhook_id)
    assert found is not None
    assert found.circuit_open_until
    assert found.last_delivery_at
    return (found.circuit_open_until - found.last_delivery_at).total_seconds()


async def test_a_probe_of_which_nothing_is_heard_is_followed_by_another(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    for _ in range(5):
        await webhooks.record_delivery(webhook.id, None, success=False)
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    await circuit_time_is_over(webhooks)
    assert len(await webhooks.deliveries.claim_due("dies", 2)) == 1
    await make_due(webhooks)
    assert await webhooks.deliveries.claim_due("w", 2) == []
    await run(webhooks.database, f"UPDATE webhook_configs SET probe_until = '{LONG_AGO}'")
    await make_due(webhooks)
    assert len(await webhooks.deliveries.claim_due("w", 2)) == 1


async def test_late_failures_do_not_open_an_open_circuit_again(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    for _ in range(5):
        await webhooks.record_delivery(webhook.id, 500, success=False)
    opened = await webhooks.get(webhook.id)
    await webhooks.record_delivery(webhook.id, 500, success=False)
    again = await webhooks.get(webhook.id)
    assert opened is not None
    assert again is not None
    assert again.circuit_open_until == opened.circuit_open_until
    assert again.consecutive_failures == 6


async def test_a_worker_postpones_what_an_open_circuit_keeps_back(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    for _ in range(5):
        await webhooks.record_delivery(webhook.id, 500, success=False)
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    endpoint = Endpoint(200)
    worker = await work(webhooks, endpoint.send)
    assert (worker.stats.postponed, worker.stats.failed, worker.stats.lost) == (1, 0, 0)
    assert endpoint.received == []
    assert (await stored(webhooks, key)).status == "pending"


@pytest.mark.parametrize(
    ("name", "value"),
    [("failures", 0), ("open_seconds", -1), ("most_seconds", float("inf")), ("probe_seconds", "1")],
)
def test_a_policy_is_checked(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(InvalidInputError, match=name):
        CircuitPolicy(**arguments)


# Dead letters and other hands


async def test_retry_dead_letter_has_it_sent_again_with_all_attempts(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=1)
    await work(webhooks, Endpoint(500).send)
    done = await asyncio.gather(*(webhooks.deliveries.retry_dead_letter(key) for _ in range(5)))
    assert sorted(done) == [False] * 4 + [True]
    found = await stored(webhooks, key)
    assert (found.status, found.attempts, found.dead_lettered_at) == ("pending", 0, None)
    endpoint = Endpoint(200)
    await work(webhooks, endpoint.send)
    assert [one.attempt for one in endpoint.received] == [1]
    assert (await stored(webhooks, key)).status == "delivered"
    assert not await webhooks.deliveries.retry_dead_letter(key)
    assert not await webhooks.deliveries.retry_dead_letter("none")


async def test_retry_dead_letter_makes_a_job_where_there_is_none(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=1)
    await work(webhooks, Endpoint(500).send)
    assert await webhooks.jobs.purge(0, ["failed"]) == 1
    assert await webhooks.deliveries.retry_dead_letter(key)
    assert (await stored(webhooks, key)).job_id == key
    await work(webhooks, Endpoint(200).send)
    assert (await stored(webhooks, key)).status == "delivered"


async def test_deliveries_whose_jobs_are_archived_stay_as_they_are(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    delivered = await webhooks.deliveries.enqueue(webhook.id, "vote")
    await work(webhooks, Endpoint(200).send)
    dead = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=1)
    await work(webhooks, Endpoint(500).send)
    before = [await stored(webhooks, key) for key in (delivered, dead)]
    assert await webhooks.jobs.purge(0, ["completed", "failed"], archive=True) == 2
    assert await webhooks.jobs.settle() == 0
    assert [await stored(webhooks, key) for key in (delivered, dead)] == before
    # The dead letter gets a job of the same id, whose end is archived beside that of the first.
    assert await webhooks.deliveries.retry_dead_letter(dead)
    await work(webhooks, Endpoint(200).send)
    assert (await stored(webhooks, dead)).status == "delivered"
    assert await webhooks.jobs.purge(0, archive=True) == 1
    ends = [job.status for job in await webhooks.jobs.list_history() if job.id == dead]
    assert ends == ["completed", "failed"]


async def test_settle_follows_what_others_did_to_jobs(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    plain = JobQueueStore(webhooks.database)
    cancelled = await webhooks.deliveries.enqueue(webhook.id, "vote", delay_seconds=60)
    died = await webhooks.deliveries.enqueue(webhook.id, "vote", max_attempts=1)
    back = await webhooks.deliveries.enqueue(webhook.id, "vote")
    assert await plain.cancel(cancelled)
    assert len(await webhooks.deliveries.claim_due("dies", 2)) == 2
    await run(
        webhooks.database,
        f"UPDATE job_queue SET lease_expires_at = '{LONG_AGO}' WHERE status = 'processing'",
    )
    assert await plain.recover_stale_jobs() == 2
    assert await webhooks.jobs.settle() == 3
    assert await webhooks.jobs.settle() == 0
    statuses = [(await stored(webhooks, key)).status for key in (cancelled, died, back)]
    assert statuses == ["failed", "dead_lettered", "retrying"]
    assert await webhooks.deliveries.retry_dead_letter(cancelled)


async def test_settle_gives_deliveries_without_a_job_one(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    keys = [await webhooks.deliveries.enqueue(webhook.id, "vote") for _ in range(3)]
    await run(webhooks.database, "DELETE FROM job_queue")
    await run(
        webhooks.database,
        f"UPDATE webhook_deliveries SET attempts = 3 WHERE delivery_id = '{keys[0]}'",
    )
    given = await asyncio.gather(*(webhooks.jobs.settle() for _ in range(3)))
    # Each lost its former job and got another one.
    assert sum(given) == 6
    assert await webhooks.jobs.settle() == 0
    first = await stored(webhooks, keys[0])
    job = await webhooks.jobs.get(keys[0])
    assert job is not None
    assert (job.max_attempts, job.user_id, job.job_type) == (2, "ann", DELIVERY_JOB)
    assert (first.status, first.attempts, first.job_id) == ("retrying", 3, keys[0])
    (claimed,) = [
        one for one in await webhooks.deliveries.claim_due("w", 3) if one.delivery_id == keys[0]
    ]
    assert (await stored(webhooks, keys[0])).attempts == claimed.attempt == 4
    await webhooks.deliveries.mark_failed(claimed, "no")
    assert (await stored(webhooks, keys[0])).status == "retrying"


async def test_a_worker_that_stops_gives_its_deliveries_back(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    started = asyncio.Event()

    async def send(delivery: OutgoingDelivery) -> int:
        started.set()
        await asyncio.Event().wait()
        return 200

    worker = webhooks.deliveries.worker(send, shutdown_seconds=0, schedules=False)
    running = asyncio.create_task(worker.run(handle_signals=False))
    await started.wait()
    assert (await stored(webhooks, key)).status == "in_progress"
    worker.stop()
    await running
    found = await stored(webhooks, key)
    assert (found.status, found.attempts) == ("pending", 0)


async def test_handler_works_beside_handlers_of_other_jobs(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    done = []

    async def other(job: Any) -> None:
        done.append(job.id)
        raise PermanentJobError("no")

    endpoint = Endpoint(200)
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    job = await webhooks.jobs.enqueue("other")
    worker = JobWorker(
        webhooks.jobs,
        {DELIVERY_JOB: webhooks.deliveries.handler(endpoint.send), "other": other},
        schedules=False,
    )
    await worker.run(until_empty=True, handle_signals=False)
    assert done == [job.id]
    assert [one.delivery_id for one in endpoint.received] == [key]


# Keeping


async def test_save_delivery_keeps_what_it_is_given(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    given = replace(DELIVERY, webhook_id=webhook.id, metadata={"ä": 0.1})
    await webhooks.deliveries.save_delivery(given)
    found = await stored(webhooks, "saved")
    assert replace(found, updated_at=given.updated_at) == given
    assert await webhooks.deliveries.retry_dead_letter("saved")
    with pytest.raises(MissingParentError):
        await webhooks.deliveries.save_delivery(replace(DELIVERY, delivery_id="other"))
    bad: Any = replace(given, status="delivered")
    with pytest.raises(InvalidInputError, match="delivered_at"):
        await webhooks.deliveries.save_delivery(bad)


async def test_save_delivery_of_an_open_one_has_it_sent(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    given = replace(
        DELIVERY, webhook_id=webhook.id, status="retrying", attempts=2, dead_lettered_at=None
    )
    await webhooks.deliveries.save_delivery(given)
    endpoint = Endpoint(200)
    await work(webhooks, endpoint.send)
    assert [one.delivery_id for one in endpoint.received] == ["saved"]
    assert (await stored(webhooks, "saved")).attempts == 3


async def test_save_delivery_of_an_ended_one_cancels_its_job(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    found = await stored(webhooks, key)
    await webhooks.deliveries.save_delivery(
        replace(found, status="dead_lettered", dead_lettered_at=day(1))
    )
    endpoint = Endpoint(200)
    await work(webhooks, endpoint.send)
    assert endpoint.received == []
    assert (await stored(webhooks, key)).status == "dead_lettered"


async def test_save_delivery_of_a_dead_letter_as_open_has_it_sent(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    (claimed,) = await webhooks.deliveries.claim_due("w")
    await webhooks.deliveries.mark_dead(claimed, "no")
    dead = await stored(webhooks, key)
    await webhooks.deliveries.save_delivery(
        replace(dead, status="pending", attempts=0, dead_lettered_at=None)
    )
    await webhooks.jobs.settle()
    endpoint = Endpoint(200)
    await work(webhooks, endpoint.send)
    assert [one.delivery_id for one in endpoint.received] == [key]


async def test_delete_delivery_cancels_its_job(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    key = await webhooks.deliveries.enqueue(webhook.id, "vote")
    assert await webhooks.deliveries.delete_delivery(key)
    assert not await webhooks.deliveries.delete_delivery(key)
    job = await webhooks.jobs.get(key)
    assert job is not None
    assert job.status == "cancelled"


async def test_lists_are_pages(webhooks: WebhookStore, webhook: RegisteredWebhook) -> None:
    for number in range(5):
        await webhooks.deliveries.save_delivery(
            replace(
                DELIVERY,
                delivery_id=f"d{number}",
                webhook_id=webhook.id,
                created_at=day(number),
                dead_lettered_at=day(10 - number // 2),
            )
        )
    for number in range(3):
        await webhooks.deliveries.save_delivery(
            replace(
                DELIVERY,
                delivery_id=f"o{number}",
                webhook_id=webhook.id,
                status="retrying",
                created_at=day(9),
                next_retry_at=None if number == 1 else day(4000 - number),
                dead_lettered_at=None,
            )
        )

    async def ids(list_page: Any, *arguments: Any) -> list[str]:
        found: list[str] = []
        after = None
        while page := await list_page(*arguments, limit=2, after=after):
            found += [one.delivery_id for one in page]
            after = page[-1]
        return found

    deliveries = webhooks.deliveries
    assert await ids(deliveries.list_dead_letters) == ["d1", "d0", "d3", "d2", "d4"]
    assert await ids(deliveries.load_pending_retries) == ["o1", "o2", "o0"]
    assert await ids(deliveries.list_for_webhook, webhook.id) == [
        *("o2", "o1", "o0"),
        *("d4", "d3", "d2", "d1", "d0"),
    ]


async def test_purge_delivered_and_purge_dead_letters_delete_what_is_old(
    webhooks: WebhookStore, webhook: RegisteredWebhook
) -> None:
    statuses: dict[str, DeliveryStatus] = {
        "a": "delivered",
        "b": "delivered",
        "c": "dead_lettered",
    }
    for key, status in statuses.items():
        await webhooks.deliveries.save_delivery(
            replace(
                DELIVERY,
                delivery_id=key,
                webhook_id=webhook.id,
                status=status,
                delivered_at=day(1) if key == "a" else day(3000),
                dead_lettered_at=day(1),
            )
        )
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    assert await webhooks.deliveries.purge_delivered() == 1
    assert await webhooks.deliveries.cleanup_old_delivered(7) == 0
    assert await webhooks.deliveries.purge_dead_letters() == 1
    assert await webhooks.deliveries.stats() == {"delivered": 1, "pending": 1}


async def test_stats_count_by_status(webhooks: WebhookStore, webhook: RegisteredWebhook) -> None:
    await webhooks.deliveries.enqueue(webhook.id, "vote")
    stats = await webhooks.deliveries.stats()
    assert (stats["pending"], stats["delivered"]) == (1, 0)
    assert await fetch_value(webhooks.database, "SELECT count(*) FROM webhook_deliveries") == 1
