"""Webhooks: who is told of which events; deliveries to them; events that come in.

Its queries: ``sql/postgres/webhooks/queries.sql`` and ``sql/sqlite/webhooks/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Connection, Database
from aragora_sql.database.values import utc_now
from aragora_sql.encryption import Keyring
from aragora_sql.errors import EncryptionError, InvalidInputError, WebhookNotFoundError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.jobs import RetryPolicy
from aragora_sql.stores.jobs.records import MOST_SECONDS
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.rotation import (
    Change,
    RotatesKeys,
    Rotation,
    RotationFailure,
    change_of,
    try_keys,
)
from aragora_sql.stores.webhooks.deliveries import WebhookDeliveries
from aragora_sql.stores.webhooks.events import DEFAULT_TTL_SECONDS, WebhookEvents
from aragora_sql.stores.webhooks.jobs import DeliveryJobs
from aragora_sql.stores.webhooks.records import (
    EVERY_EVENT,
    WEBHOOK_EVENTS,
    CircuitPolicy,
    RegisteredWebhook,
    WebhookConfig,
    status_code,
    webhook_url,
)
from aragora_sql.stores.webhooks.secrets import (
    new_secret,
    open_secret,
    reseal_secret,
    seal_secret,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.webhooks import (
        ListSecretsRow,
        SetSecretsParameters,
        WebhooksQueries,
    )

    # The class has a method list().
    Secrets = list[ListSecretsRow]

__all__ = ["WebhookStore"]

# So often an event is published again when a webhook of it was deleted at the same time.
PUBLISH_TRIES = 5

# In the class, list is its method.
Webhooks = list[WebhookConfig]
Failures = list[RotationFailure]
Names = list[str]

_status_code = status_code


class WebhookStore(RotatesKeys):
    """Keeps webhooks; its :attr:`deliveries` sends to them, its :attr:`events` knows what came in.

    The secret of a webhook signs what is sent there. It is encrypted with ``keyring`` (default: the
    keys of the environment, see :mod:`aragora_sql.encryption`), bound to the webhook, and shown by
    :meth:`register` and :meth:`rotate_secret` only. Without a key everything works but these two
    and sending.

    Events that a webhook can be registered for are those of ``WEBHOOK_EVENTS``, ``extra_events``,
    and ``*`` for all of these. ``circuit`` and ``retry_policy`` say how failures are dealt with,
    ``event_ttl_seconds`` how long events that came in are remembered.
    """

    name = "webhooks"
    _queries: WebhooksQueries

    def __init__(
        self,
        database: Database,
        keyring: Keyring | None = None,
        *,
        circuit: CircuitPolicy | None = None,
        retry_policy: RetryPolicy | None = None,
        extra_events: Iterable[str] = (),
        event_ttl_seconds: float = DEFAULT_TTL_SECONDS,
    ) -> None:
        super().__init__(database)
        self._keyring = Keyring.from_env() if keyring is None else keyring
        self._circuit = circuit or CircuitPolicy()
        self._known = frozenset(
            (*WEBHOOK_EVENTS, *(valid.key(one, "extra_events") for one in extra_events))
        )
        self.jobs = DeliveryJobs(database, retry_policy=retry_policy)
        self.deliveries = WebhookDeliveries(database, self._keyring, self.jobs, self._circuit)
        self.events = WebhookEvents(database, ttl_seconds=event_ttl_seconds)

    async def initialize(self) -> None:
        """Create the tables of webhooks, and of the job queue that delivers; see :class:`Store`."""
        await self.jobs.initialize()
        await super().initialize()

    # Configuration

    async def register(
        self,
        url: str,
        events: Iterable[str],
        name: str | None = None,
        description: str | None = None,
        user_id: str | None = None,
        workspace_id: str | None = None,
    ) -> RegisteredWebhook:
        """Store a new webhook and return it with its secret, which is shown here only.

        ``url`` is of http or https. Raises
        :class:`~aragora_sql.errors.EncryptionKeyMissingError` without a key.
        """
        webhook_id, secret = new_id(), new_secret()
        listed = self._events(events)
        row: dict[str, Any] = {
            "url": webhook_url(url),
            "name": valid.optional_text(name, "name"),
            "description": valid.optional_text(description, "description"),
            "user_id": valid.optional(user_id, "user_id", valid.key),
            "workspace_id": valid.optional(workspace_id, "workspace_id", valid.key),
        }
        sealed = seal_secret(secret, self._keyring, webhook_id)
        now = utc_now()
        async with self._database.transaction() as connection:
            await self._queries.insert_webhook(
                connection,
                id=webhook_id,
                events=valid.array(listed, "events"),
                secret=sealed,
                at_time=now,
                **row,
            )
            await self._queries.insert_subscriptions(
                connection, webhook_id=webhook_id, events=listed
            )
        return RegisteredWebhook(
            id=webhook_id,
            events=listed,
            active=True,
            created_at=now,
            updated_at=now,
            last_delivery_at=None,
            last_delivery_status=None,
            delivery_count=0,
            failure_count=0,
            consecutive_failures=0,
            circuit_open_until=None,
            previous_secret_until=None,
            secret=secret,
            **row,
        )

    async def get(self, webhook_id: str) -> WebhookConfig | None:
        """Return a webhook, or None."""
        key = valid.key(webhook_id, "webhook_id")
        async with self._database.read() as connection:
            row = await self._queries.get_webhook(connection, id=key)
        return None if row is None else record_of(WebhookConfig, **row)

    async def list(
        self,
        user_id: str | None = None,
        workspace_id: str | None = None,
        active_only: bool = False,
        limit: int = 1000,
        *,
        after: LastRow | None = None,
    ) -> Webhooks:
        """Return webhooks, of a user or workspace if these are given, the newest first.

        ``after`` is the last one of the page before.
        """
        user = valid.optional(user_id, "user_id", valid.key)
        workspace = valid.optional(workspace_id, "workspace_id", valid.key)
        before_time, before_id = key_of(
            after, {"created_at": valid.timestamp, "id": valid.key}, (LAST_TIMESTAMP, "")
        )
        page: dict[str, Any] = {
            "active_only": valid.boolean(active_only, "active_only"),
            "before_time": before_time,
            "before_id": before_id,
            "row_limit": valid.limit(limit),
        }
        async with self._database.read() as connection:
            if user is not None:
                rows = self._queries.list_user_webhooks(
                    connection, user_id=user, workspace_id=workspace, **page
                )
            elif workspace is not None:
                rows = self._queries.list_workspace_webhooks(
                    connection, workspace_id=workspace, **page
                )
            else:
                rows = self._queries.list_webhooks(connection, **page)
            return [record_of(WebhookConfig, **row) async for row in rows]

    async def update(
        self,
        webhook_id: str,
        url: str | None = None,
        events: Iterable[str] | None = None,
        active: bool | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> WebhookConfig | None:
        """Change a webhook and return it, or None when there is none; None leaves a value.

        Another ``url``, and ``active=True``, close its circuit: it is tried again at once.
        """
        key = valid.key(webhook_id, "webhook_id")
        address = valid.optional(url, "url", webhook_url)
        listed = None if events is None else self._events(events)
        is_active = valid.optional(active, "active", valid.boolean)
        async with self._database.transaction() as connection:
            if address is not None or is_active:
                await self._queries.close_circuit(connection, id=key)
            row = await self._queries.update_webhook(
                connection,
                id=key,
                url=address,
                events=None if listed is None else valid.array(listed, "events"),
                active=is_active,
                name=valid.optional_text(name, "name"),
                description=valid.optional_text(description, "description"),
                at_time=utc_now(),
            )
            if row is not None and listed is not None:
                await self._queries.delete_subscriptions(connection, webhook_id=key, events=listed)
                await self._queries.insert_subscriptions(connection, webhook_id=key, events=listed)
        return None if row is None else record_of(WebhookConfig, **row)

    async def delete(self, webhook_id: str) -> bool:
        """Delete a webhook with its deliveries; False when there is none."""
        key = valid.key(webhook_id, "webhook_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_webhook(connection, id=key))

    async def get_for_event(
        self,
        event_type: str,
        *,
        user_id: str | None = None,
        workspace_id: str | None = None,
    ) -> Webhooks:
        """Return the active webhooks of an event, the newest first.

        Those that name it, and those of ``*`` when it is a known event; of one user or workspace
        only, if these are given.
        """
        arguments = self._of_event(event_type, user_id, workspace_id)
        async with self._database.read() as connection:
            rows = self._queries.list_event_webhooks(connection, **arguments)
            return [record_of(WebhookConfig, **row) async for row in rows]

    def _of_event(
        self, event_type: str, user_id: str | None, workspace_id: str | None
    ) -> dict[str, Any]:
        event = valid.key(event_type, "event_type")
        return {
            "event_types": [event, EVERY_EVENT] if event in self._known else [event],
            "user_id": valid.optional(user_id, "user_id", valid.key),
            "workspace_id": valid.optional(workspace_id, "workspace_id", valid.key),
        }

    async def publish(
        self,
        event_type: str,
        payload: Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
        workspace_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Names:
        """Enqueue a delivery to each webhook of an event, all or none, and return their ids.

        Which webhooks these are tells :meth:`get_for_event`: give the workspace that the event
        belongs to, unless everybody may learn of it.
        """
        for tries in range(1, PUBLISH_TRIES + 1):
            try:
                async with self._database.transaction():
                    found = await self.get_for_event(
                        event_type, user_id=user_id, workspace_id=workspace_id
                    )
                    return await self.deliveries.enqueue_many(
                        [
                            {
                                "webhook_id": webhook.id,
                                "event_type": event_type,
                                "payload": payload,
                                "metadata": metadata,
                            }
                            for webhook in found
                        ]
                    )
            except WebhookNotFoundError:
                # It was deleted at the same time.
                if tries == PUBLISH_TRIES:
                    raise
        raise AssertionError("unreachable")

    async def record_delivery(
        self, webhook_id: str, status_code: int | None, success: bool = True
    ) -> None:
        """Count a delivery that was not sent by :attr:`deliveries`, which count by themselves.

        ``status_code`` is the HTTP status of the answer, None when there was none. A failure may
        open the circuit, a success closes it. Of a webhook that is not there nothing is counted.
        """
        key = valid.key(webhook_id, "webhook_id")
        code = _status_code(status_code)
        async with self._database.connection() as connection:
            if valid.boolean(success, "success"):
                await self._queries.count_success(connection, id=key, status_code=code)
            else:
                await self._queries.count_failure(
                    connection,
                    id=key,
                    status_code=code,
                    failures=self._circuit.failures,
                    open_seconds=self._circuit.open_seconds,
                    most_seconds=self._circuit.most_seconds,
                )

    async def close_circuit(self, webhook_id: str) -> bool:
        """Let a webhook be called again at once; False when there is none.

        Deliveries that wait for it keep their time; :meth:`update` with ``active=True`` does the
        same.
        """
        key = valid.key(webhook_id, "webhook_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.close_circuit(connection, id=key))

    def _events(self, events: Any) -> Names:
        """Check the events of a webhook, without repeats."""
        listed = valid.names(valid.items(events, "events"), "events")
        if not listed:
            raise InvalidInputError("events", "must name at least one event, or *")
        for number, event in enumerate(listed):
            if event != EVERY_EVENT and event not in self._known:
                raise InvalidInputError(
                    f"events[{number}]",
                    f"{valid.shown(event)} is not a known event; extra_events of the store adds "
                    "others",
                )
        return [*dict.fromkeys(listed)]

    # Secrets

    async def rotate_secret(
        self, webhook_id: str, valid_for: timedelta = timedelta(hours=24)
    ) -> RegisteredWebhook:
        """Give a webhook a new secret, and return it, shown here only.

        The one before it is valid for ``valid_for`` longer: until then everything is signed with
        both. Of a second rotation meanwhile the secret before the last is given up. Raises
        :class:`~aragora_sql.errors.WebhookNotFoundError`.
        """
        key = valid.key(webhook_id, "webhook_id")
        if not isinstance(valid_for, timedelta):
            raise InvalidInputError("valid_for", "must be a timedelta")
        seconds = valid.number(valid_for.total_seconds(), "valid_for", 0.0, MOST_SECONDS)
        secret = new_secret()
        sealed = seal_secret(secret, self._keyring, key)
        async with self._database.transaction() as connection:
            if (
                await self._queries.rotate_secret(
                    connection, id=key, secret=sealed, valid_seconds=seconds
                )
                is None
            ):
                raise WebhookNotFoundError(key)
            row = await self._queries.get_webhook(connection, id=key)
        if row is None:
            raise WebhookNotFoundError(key)
        return RegisteredWebhook(**row, secret=secret)

    async def check_secrets(self, limit: int = 100) -> tuple[int, Failures]:
        """Try the keys on stored secrets: of the webhooks with the lowest ids, so many at most.

        Returns how many webhooks were looked at, and those whose secrets no key fits.
        """
        return await try_keys(
            self._database, self._page_of_secrets, self._open_row, _failure, "", limit
        )

    def _open_row(self, row: ListSecretsRow) -> None:
        for stored in (row["secret"], row["previous_secret"]):
            if stored is not None:
                open_secret(stored, self._keyring, row["id"])

    def _rotation(self) -> Rotation[ListSecretsRow, str, SetSecretsParameters]:
        return Rotation(
            count=self._queries.count_webhooks,
            page=self._page_of_secrets,
            first="",
            place_of=itemgetter("id"),
            reseal=self._resealed,
            failure=_failure,
            store=self._queries.set_secrets,
        )

    async def _page_of_secrets(
        self, connection: Connection, after: str, size: int, locked: bool
    ) -> Secrets:
        read = self._queries.lock_secrets if locked else self._queries.list_secrets
        return [row async for row in read(connection, after_id=after, row_limit=size)]

    def _resealed(self, row: ListSecretsRow) -> Change[SetSecretsParameters]:
        secret = reseal_secret(row["secret"], self._keyring, row["id"])
        previous = reseal_secret(row["previous_secret"], self._keyring, row["id"])
        return change_of(
            {"id": row["id"], "secret": secret.stored or "", "previous_secret": previous.stored},
            secret,
            previous,
        )


def _failure(row: ListSecretsRow, error: EncryptionError) -> RotationFailure:
    return RotationFailure(
        user_id=None, integration_type=None, problem=str(error), webhook_id=row["id"]
    )
