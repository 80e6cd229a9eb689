"""Deliveries to webhooks: a queue with at-least-once delivery, dead letters, circuits per endpoint.

Their queries: ``sql/postgres/webhooks/queries.sql`` and ``sql/sqlite/webhooks/queries.sql``. What
claims, retries and finds dead is the job queue: see :mod:`.jobs`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import EncodedJSON, dump_json, dump_scalars
from aragora_sql.encryption import Keyring
from aragora_sql.errors import (
    EncryptionError,
    InvalidInputError,
    JobNotFoundError,
    JobStateError,
    WebhookNotFoundError,
)
from aragora_sql.redaction import hide_in_text
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import in_batches
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.jobs import (
    Job,
    JobWorker,
    PermanentJobError,
    PostponeJobError,
    RetryJobError,
    stop_reason,
)
from aragora_sql.stores.jobs.leases import DEFAULT_LEASE_SECONDS
from aragora_sql.stores.jobs.records import MOST_SECONDS, JobEntry, encode_rows
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.webhooks.jobs import SETTLE_BATCH, DeliveryJobs
from aragora_sql.stores.webhooks.records import (
    DEFAULT_MAX_ATTEMPTS,
    DELIVERY_JOB,
    DELIVERY_STATUSES,
    OPEN_STATUSES,
    CircuitPolicy,
    DeliveryStatus,
    OutgoingDelivery,
    WebhookDelivery,
    status_code,
    webhook_url,
)
from aragora_sql.stores.webhooks.secrets import open_secret
from aragora_sql.stores.webhooks.signing import SIGNATURE_HEADER, sign_payload

if TYPE_CHECKING:
    from aragora_sql.queries.typed.webhooks import (
        GetAttemptRow,
        UpsertDeliveryParameters,
        WebhooksQueries,
    )

__all__ = ["DeliveryFailedError", "Send", "WebhookDeliveries"]

# Sends a delivery and returns the HTTP status of the answer.
Send = Callable[[OutgoingDelivery], Awaitable[int]]

DAY = 86_400.0
PURGE_BATCH = 1000
# By so much of its time a delivery that waits for an endpoint is late at most, by chance, so that
# not all come back at once.
SPREAD = 0.25
SHORTEST_WAIT = 0.1


class DeliveryFailedError(Exception):
    """An attempt to deliver failed; the text says how, without the secrets that its form shows."""


class _NothingToSendError(Exception):
    """The job has nothing to send any more; the text says why."""


class NewDelivery(NamedTuple):
    """A delivery that is to be stored, checked."""

    delivery_id: str
    webhook_id: str
    event_type: str
    payload: EncodedJSON
    metadata: EncodedJSON
    max_attempts: int
    job: JobEntry


class WebhookDeliveries(Store):
    """Delivers events to webhooks. ``WebhookStore.deliveries`` is one.

    A delivery is a job of the type :data:`~aragora_sql.stores.webhooks.records.DELIVERY_JOB` of the
    queue :attr:`jobs`, stored with it in one transaction; so it takes part in a transaction of the
    caller. :meth:`worker` makes the worker that sends; :meth:`handler` the handler of one that has
    others too; :meth:`claim_due` is for those that have a loop of their own. A delivery is sent at
    least once: who dies between the answer and the commit has it sent again, so receivers go by
    ``X-Aragora-Delivery``, which stays the same.

    Failed ones are tried again after 1 s, 2 s, 4 s, … up to 5 minutes, give or take a quarter
    (``retry_policy``), five times in all, and then are dead letters. ``circuit`` says how endpoints
    are spared that go on failing. Both are in the database, for any number of instances.
    """

    name = "webhooks"
    _queries: WebhooksQueries

    def __init__(
        self, database: Database, keyring: Keyring, jobs: DeliveryJobs, circuit: CircuitPolicy
    ) -> None:
        super().__init__(database)
        self._keyring = keyring
        self._circuit = circuit
        self.jobs = jobs

    # Enqueueing

    async def enqueue(
        self,
        webhook_id: str,
        event_type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        delivery_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
        delay_seconds: float | None = None,
    ) -> str:
        """Store a delivery that is to be sent, and return its id.

        ``payload`` is the JSON object that is sent, ``metadata`` what the application keeps of it,
        ``delay_seconds`` says not to send it before. Raises
        :class:`~aragora_sql.errors.WebhookNotFoundError`, and
        :class:`~aragora_sql.errors.DuplicateKeyError` for an id that there is.
        """
        (stored,) = await self.enqueue_many(
            [
                {
                    "webhook_id": webhook_id,
                    "event_type": event_type,
                    "payload": payload,
                    "delivery_id": delivery_id,
                    "metadata": metadata,
                    "max_attempts": max_attempts,
                    "delay_seconds": delay_seconds,
                }
            ],
            path="",
        )
        return stored

    async def enqueue_many(
        self, deliveries: Iterable[Mapping[str, Any]], *, path: str = "deliveries"
    ) -> list[str]:
        """Store many deliveries, all or none, and return their ids in this order.

        Each is a mapping with the arguments of :meth:`enqueue`. ``path`` is what errors call them.
        """
        given = valid.items(deliveries, path or "deliveries")
        rows = [
            _new_delivery(f"{path}[{number}]" if path else "", entry)
            for number, entry in enumerate(given)
        ]
        if not rows:
            return []
        encoded = encode_rows(
            dump_scalars((row.delivery_id, row.webhook_id, row.delivery_id, row.event_type))
            + f",{row.payload},{row.metadata},{row.max_attempts}"
            for row in rows
        )
        async with self._database.transaction() as connection:
            await self.jobs.enqueue_many([row.job for row in rows])
            stored = await self._queries.insert_deliveries(connection, deliveries=encoded)
            if stored < len(rows):
                await self._refuse_missing(rows)
        return [row.delivery_id for row in rows]

    async def _refuse_missing(self, rows: list[NewDelivery]) -> NoReturn:
        """Name the webhook that some deliveries are to and that is not there."""
        async with self._database.read() as connection:
            for row in rows:
                if await self._queries.get_webhook(connection, id=row.webhook_id) is None:
                    break
        raise WebhookNotFoundError(row.webhook_id)

    # Sending

    def worker(self, send: Send, **options: Any) -> JobWorker:
        """Return a worker that delivers by ``send``; options are those of :class:`JobWorker`.

        ``send`` takes an :class:`OutgoingDelivery`, posts it, and returns the HTTP status of the
        answer: from 200 to 299 it is delivered. Everything else, also an exception, is a failure;
        :class:`~aragora_sql.PermanentJobError` makes it a dead letter at once, and
        :class:`~aragora_sql.RetryJobError` says when to try again. Let it give up by itself, sooner
        than a probe may take (:class:`CircuitPolicy`).
        """
        return JobWorker(self.jobs, {DELIVERY_JOB: self.handler(send)}, **options)

    def handler(self, send: Send) -> Callable[[Job], Awaitable[dict[str, Any]]]:
        """Return the handler of deliveries, for a :class:`JobWorker` over :attr:`jobs`."""

        async def deliver(job: Job) -> dict[str, Any]:
            try:
                outgoing = await self._begin(job)
            except _NothingToSendError as reason:
                return {"outcome": str(reason)}
            try:
                answer = await send(outgoing)
                code = status_code(answer, "the answer of send()")
            except PostponeJobError:
                raise
            except PermanentJobError as error:
                await self._note_failure(outgoing, None)
                raise PermanentJobError(_text_of(error)) from None
            except RetryJobError as error:
                await self._note_failure(outgoing, None)
                raise RetryJobError(_text_of(error), error.delay_seconds) from None
            except asyncio.CancelledError:
                if stop_reason() == "time limit":
                    await self._note_failure(outgoing, None)
                raise
            except Exception as error:
                await self._note_failure(outgoing, None)
                raise DeliveryFailedError(_text_of(error)) from None
            if code is None or not 200 <= code < 300:
                await self._note_failure(outgoing, code)
                raise DeliveryFailedError("no answer" if code is None else f"HTTP {code}")
            await self._note_success(outgoing, code)
            return {"outcome": "delivered", "status_code": code}

        return deliver

    async def claim_due(
        self,
        worker_id: str,
        limit: int = 1,
        *,
        lease_seconds: float = DEFAULT_LEASE_SECONDS,
    ) -> list[OutgoingDelivery]:
        """Claim up to ``limit`` deliveries that are due, for ``lease_seconds``, signed.

        For those that do without a :meth:`worker`. Each is to be ended by :meth:`mark_delivered`,
        :meth:`mark_failed` or :meth:`mark_dead`; otherwise it is given to another when its lease
        has run out (``jobs.extend`` renews it, ``jobs.recover_stale_jobs`` looks). What can't be
        sent now, as the circuit of its endpoint is open, is put off and not among them.
        """
        claimed = await self.jobs.claim(
            worker_id, limit, [DELIVERY_JOB], lease_seconds=lease_seconds
        )
        outgoing = []
        for job in claimed:
            try:
                outgoing.append(await self._begin(job))
            except _NothingToSendError as reason:
                await self.jobs.complete(job, {"outcome": str(reason)})
            except PostponeJobError as reason:
                await self.jobs.postpone(job, str(reason), reason.delay_seconds)
            except PermanentJobError as reason:
                await self.jobs.fail(job, str(reason), should_retry=False)
            except EncryptionError as error:
                await self.jobs.fail(job, str(error))
        return outgoing

    async def mark_delivered(self, delivery: OutgoingDelivery, status_code: int = 200) -> None:
        """Note that a claimed delivery was sent, and the HTTP status of the answer.

        Raises :class:`~aragora_sql.errors.JobClaimLostError` when its claim does not hold any
        longer; it is noted as delivered all the same.
        """
        code = _status_code(status_code, "status_code")
        await self._note_success(_claimed(delivery), code)
        await self.jobs.complete(delivery.job, {"outcome": "delivered", "status_code": code})

    async def mark_failed(
        self,
        delivery: OutgoingDelivery,
        error: str,
        status_code: int | None = None,
        *,
        delay_seconds: float | None = None,
    ) -> DeliveryStatus:
        """Note that a claimed delivery could not be sent, and return its status.

        It is ``retrying`` after the delay of the retry policy (or ``delay_seconds``), or
        ``dead_lettered`` after its last attempt. ``error`` is kept, up to 200 characters, without
        the secrets that its form shows. Raises :class:`~aragora_sql.errors.JobClaimLostError` when
        its claim does not hold any longer.
        """
        return await self._mark_failed(delivery, error, status_code, True, delay_seconds)

    async def mark_dead(
        self, delivery: OutgoingDelivery, error: str, status_code: int | None = None
    ) -> DeliveryStatus:
        """Make a claimed delivery a dead letter, whatever attempts are left; see above."""
        return await self._mark_failed(delivery, error, status_code, False, None)

    async def _mark_failed(
        self,
        delivery: OutgoingDelivery,
        error: str,
        code: int | None,
        should_retry: bool,
        delay_seconds: float | None,
    ) -> DeliveryStatus:
        text = hide_in_text(valid.identifier(error, "error"))
        checked = _status_code(code, "status_code")
        job = _claimed(delivery).job
        async with self._database.transaction() as connection:
            status = await self.jobs.fail(job, text, should_retry, delay_seconds=delay_seconds)
            await self._count_failure(connection, delivery, checked)
        return "dead_lettered" if status == "failed" else "retrying"

    async def _begin(self, job: Job) -> OutgoingDelivery:
        """Return what a claimed job sends, and note that it is being sent.

        Raises what becomes of the job when there is nothing to send, or not now.
        """
        async with self._database.read() as connection:
            row = await self._queries.get_attempt(connection, job_id=job.id)
        if row is None:
            raise _NothingToSendError("the delivery was deleted")
        if row["status"] == "delivered":
            raise _NothingToSendError("it is delivered already")
        if not row["active"]:
            raise PermanentJobError(f"webhook {row['webhook_id']!r} is not active")
        secrets = self._secrets(row)
        if row["circuit"] == "open":
            raise _postponed(row, row["wait_seconds"] or 0.0)
        async with self._database.connection() as connection:
            if row["circuit"] == "due" and not await self._queries.take_probe(
                connection, id=row["webhook_id"], probe_seconds=self._circuit.probe_seconds
            ):
                # Another delivery is the probe.
                raise _postponed(row, self._circuit.probe_seconds)
            if not await self._queries.start_delivery(
                connection, delivery_id=row["delivery_id"], url=row["url"]
            ):
                raise _NothingToSendError("it is delivered already")
        body = dump_json(row["payload"], "payload").encode()
        return OutgoingDelivery(
            delivery_id=row["delivery_id"],
            webhook_id=row["webhook_id"],
            event_type=row["event_type"],
            # The job of one that another job began has only the attempts that were left.
            attempt=max(row["max_attempts"] - job.max_attempts, 0) + job.attempts,
            url=row["url"],
            headers={
                "Content-Type": "application/json",
                "X-Aragora-Delivery": row["delivery_id"],
                "X-Aragora-Event": row["event_type"],
                SIGNATURE_HEADER: sign_payload(body, secrets, int(time.time())),
            },
            body=body,
            job=job,
        )

    def _secrets(self, row: GetAttemptRow) -> list[str]:
        """Return the secrets that are valid, the present one first."""
        stored = [row["secret"], row["previous_secret"]]
        return [
            open_secret(one, self._keyring, row["webhook_id"]) for one in stored if one is not None
        ]

    async def _note_success(self, delivery: OutgoingDelivery, code: int | None) -> None:
        async with self._database.transaction() as connection:
            if await self._queries.mark_delivered(
                connection, delivery_id=delivery.delivery_id, status_code=code
            ):
                await self._queries.count_success(
                    connection, id=delivery.webhook_id, status_code=code
                )

    async def _note_failure(self, delivery: OutgoingDelivery, code: int | None) -> None:
        """Count a failure; the state of the delivery follows that of its job."""
        async with self._database.transaction() as connection:
            await self._count_failure(connection, delivery, code)

    async def _count_failure(
        self, connection: Connection, delivery: OutgoingDelivery, code: int | None
    ) -> None:
        if await self._queries.note_failure(
            connection, delivery_id=delivery.delivery_id, status_code=code
        ):
            await self._queries.count_failure(
                connection,
                id=delivery.webhook_id,
                status_code=code,
                failures=self._circuit.failures,
                open_seconds=self._circuit.open_seconds,
                most_seconds=self._circuit.most_seconds,
            )

    # Looking

    async def get(self, delivery_id: str) -> WebhookDelivery | None:
        """Return a delivery, or None."""
        key = valid.key(delivery_id, "delivery_id")
        async with self._database.read() as connection:
            row = await self._queries.get_delivery(connection, delivery_id=key)
        return None if row is None else record_of(WebhookDelivery, **row)

    async def list_for_webhook(
        self, webhook_id: str, limit: int = 100, *, after: LastRow | None = None
    ) -> list[WebhookDelivery]:
        """Return deliveries of a webhook, the newest first; ``after``: the last of a page."""
        webhook, row_limit = valid.key(webhook_id, "webhook_id"), valid.limit(limit)
        before_time, before_id = key_of(
            after,
            {"created_at": valid.timestamp, "delivery_id": valid.key},
            (LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_webhook_deliveries(
                connection,
                webhook_id=webhook,
                before_time=before_time,
                before_id=before_id,
                row_limit=row_limit,
            )
            return [record_of(WebhookDelivery, **row) async for row in rows]

    async def load_pending_retries(
        self, limit: int = 1000, *, after: LastRow | None = None
    ) -> list[WebhookDelivery]:
        """Return deliveries that are still to be sent, the one that is due first first.

        ``after`` is the last one of the page before.
        """
        row_limit = valid.limit(limit)
        due, created_at, key = key_of(
            after,
            {
                "next_retry_at": lambda value, name: valid.optional(value, name, valid.timestamp),
                "created_at": valid.timestamp,
                "delivery_id": valid.key,
            },
            (None, FIRST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_open_deliveries(
                connection, after_time=due or created_at, after_id=key, row_limit=row_limit
            )
            return [record_of(WebhookDelivery, **row) async for row in rows]

    async def list_dead_letters(
        self, limit: int = 100, *, after: LastRow | None = None
    ) -> list[WebhookDelivery]:
        """Return dead letters, the newest first; ``after`` is the last one of the page before."""
        row_limit = valid.limit(limit)
        before_time, before_id = key_of(
            after,
            {"dead_lettered_at": valid.timestamp, "delivery_id": valid.key},
            (LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_dead_letters(
                connection, before_time=before_time, before_id=before_id, row_limit=row_limit
            )
            return [record_of(WebhookDelivery, **row) async for row in rows]

    async def stats(self) -> Counter[str]:
        """Return the number of deliveries by status; 0 for what is not there."""
        async with self._database.read() as connection:
            rows = self._queries.count_deliveries(connection)
            return Counter({row["status"]: row["total"] async for row in rows})

    # Keeping

    async def save_delivery(self, delivery: WebhookDelivery) -> None:
        """Store a delivery as it is given, such as one of another system.

        One that is there already keeps its webhook, its creation and its job. An open one gets a
        job when it has none, or one that has ended; the job of any other is cancelled.
        ``updated_at`` is now, and ``job_id`` is not taken.
        """
        row = _row_of(delivery)
        is_open = row["status"] in OPEN_STATUSES
        async with self._database.transaction() as connection:
            found = await self._queries.get_delivery(connection, delivery_id=row["delivery_id"])
            if found is not None and found["job_id"] is not None:
                if not is_open:
                    await self.jobs.cancel(found["job_id"], running=True)
                elif found["status"] not in OPEN_STATUSES:
                    # Otherwise its job, which has ended, would end it again.
                    with suppress(JobNotFoundError, JobStateError):
                        await self.jobs.retry(found["job_id"])
            await self._queries.upsert_delivery(connection, **row)
            if is_open:
                await self.jobs.adopt(SETTLE_BATCH)

    async def delete_delivery(self, delivery_id: str) -> bool:
        """Delete a delivery and cancel its job; False when there is none."""
        key = valid.key(delivery_id, "delivery_id")
        async with self._database.transaction() as connection:
            found = await self._queries.get_delivery(connection, delivery_id=key)
            if found is not None and found["job_id"] is not None:
                await self.jobs.cancel(found["job_id"], running=True)
            return bool(await self._queries.delete_delivery(connection, delivery_id=key))

    async def retry_dead_letter(self, delivery_id: str) -> bool:
        """Have a dead letter sent again, with all its attempts; also one that was cancelled.

        False when there is none, or it is neither. Of several calls at once one is told True.
        """
        key = valid.key(delivery_id, "delivery_id")
        async with self._database.transaction() as connection:
            found = await self._queries.get_delivery(connection, delivery_id=key)
            if found is None or found["status"] not in ("dead_lettered", "failed"):
                return False
            has_job = found["job_id"] is not None
            if found["job_id"] is not None:
                try:
                    await self.jobs.retry(found["job_id"])
                except JobNotFoundError:
                    has_job = False
                except JobStateError:
                    # Somebody else was faster.
                    return False
            if not await self._queries.reopen_delivery(connection, delivery_id=key):
                return False
            if not has_job:
                await self._queries.forget_jobs(connection, delivery_ids=[key])
                await self.jobs.adopt(SETTLE_BATCH)
        return True

    async def purge_delivered(self, days: float = 7) -> int:
        """Delete deliveries that succeeded more than so many days ago; return how many."""
        age = valid.number(days, "days", 0.0, MOST_SECONDS / DAY) * DAY
        return await in_batches(partial(self._purge_delivered, age))

    async def _purge_delivered(self, age: float) -> int:
        async with self._database.connection() as connection:
            return await self._queries.purge_delivered(
                connection, age_seconds=age, row_limit=PURGE_BATCH
            )

    async def purge_dead_letters(self, days: float = 30) -> int:
        """Delete dead letters that are older than so many days; return how many."""
        age = valid.number(days, "days", 0.0, MOST_SECONDS / DAY) * DAY
        return await in_batches(partial(self._purge_dead_letters, age))

    async def _purge_dead_letters(self, age: float) -> int:
        async with self._database.connection() as connection:
            return await self._queries.purge_dead_letters(
                connection, age_seconds=age, row_limit=PURGE_BATCH
            )

    # The names that the older Aragora has for these.
    load_dead_letter_queue = list_dead_letters
    get_metrics_from_db = stats
    cleanup_old_delivered = purge_delivered


_FIELDS = {
    "webhook_id",
    "event_type",
    "payload",
    "delivery_id",
    "metadata",
    "max_attempts",
    "delay_seconds",
}
_NEEDED = {"webhook_id", "event_type"}
_status_code = status_code


def _new_delivery(path: str, entry: object) -> NewDelivery:
    if not isinstance(entry, Mapping):
        raise InvalidInputError(path, f"must be a dictionary, not {type(entry).__name__}")
    for wrong, problem in ((entry.keys() - _FIELDS, "is not known"), (_NEEDED - entry.keys(), "")):
        if wrong:
            names = ", ".join(sorted(map(str, wrong)))
            raise InvalidInputError(path, f"{names} {problem or 'is missing'}")
    before = f"{path}." if path else ""
    given = entry.get("delivery_id")
    delivery_id = new_id() if given is None else valid.key(given, f"{before}delivery_id")
    most = valid.integer(
        entry.get("max_attempts", DEFAULT_MAX_ATTEMPTS), f"{before}max_attempts", 1
    )
    delay = valid.optional(
        entry.get("delay_seconds"),
        f"{before}delay_seconds",
        lambda value, name: valid.number(value, name, 0.0, MOST_SECONDS),
    )
    return NewDelivery(
        delivery_id=delivery_id,
        webhook_id=valid.key(entry["webhook_id"], f"{before}webhook_id"),
        event_type=valid.key(entry["event_type"], f"{before}event_type"),
        payload=valid.document(entry.get("payload"), f"{before}payload"),
        metadata=valid.document(entry.get("metadata"), f"{before}metadata"),
        max_attempts=most,
        job={
            "id": delivery_id,
            "job_type": DELIVERY_JOB,
            "max_attempts": most,
            "delay_seconds": delay,
        },
    )


def _row_of(delivery: WebhookDelivery) -> UpsertDeliveryParameters:
    if not isinstance(delivery, WebhookDelivery):
        raise InvalidInputError(
            "delivery", f"must be a WebhookDelivery, not {type(delivery).__name__}"
        )
    status = valid.choice(delivery.status, "status", DELIVERY_STATUSES)
    for name in ("delivered_at", "dead_lettered_at"):
        if status == name.removesuffix("_at") and getattr(delivery, name) is None:
            raise InvalidInputError(name, f"must be given of one that is {status}")
    return {
        "delivery_id": valid.key(delivery.delivery_id, "delivery_id"),
        "webhook_id": valid.key(delivery.webhook_id, "webhook_id"),
        "event_type": valid.key(delivery.event_type, "event_type"),
        "payload": valid.document(delivery.payload, "payload"),
        "url": webhook_url(delivery.url),
        "status": status,
        "attempts": valid.integer(delivery.attempts, "attempts"),
        "max_attempts": valid.integer(delivery.max_attempts, "max_attempts", 1),
        "next_retry_at": valid.optional(delivery.next_retry_at, "next_retry_at", valid.timestamp),
        "last_error": valid.optional(
            delivery.last_error,
            "last_error",
            lambda text, name: hide_in_text(valid.text(text, name)),
        ),
        "last_status_code": status_code(delivery.last_status_code, "last_status_code"),
        "created_at": valid.timestamp(delivery.created_at, "created_at"),
        "delivered_at": valid.optional(delivery.delivered_at, "delivered_at", valid.timestamp),
        "dead_lettered_at": valid.optional(
            delivery.dead_lettered_at, "dead_lettered_at", valid.timestamp
        ),
        "metadata": valid.document(delivery.metadata, "metadata"),
    }


def _claimed(delivery: object) -> OutgoingDelivery:
    if not isinstance(delivery, OutgoingDelivery):
        raise InvalidInputError(
            "delivery", f"must be an OutgoingDelivery, not {type(delivery).__name__}"
        )
    return delivery


def _postponed(row: GetAttemptRow, seconds: float) -> PostponeJobError:
    wait = max(seconds, SHORTEST_WAIT) * random.uniform(1.0, 1.0 + SPREAD)  # noqa: S311
    return PostponeJobError(f"the circuit of webhook {row['webhook_id']!r} is open", wait)


def _text_of(error: Exception) -> str:
    """Return the type and text of what sending raised, without the secrets that its form shows."""
    try:
        text = str(error)
    except Exception:
        text = "its text can't be read"
    if isinstance(error, PermanentJobError | RetryJobError):
        return hide_in_text(text)
    return hide_in_text(f"{type(error).__name__}: {text}" if text else type(error).__name__)
