"""The types of the queries of the store webhooks.

Made by ``aragora-sql stubs`` from
``sql/postgres/webhooks/queries.sql`` and ``sql/sqlite/webhooks/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

StatusWord = Literal[
    "pending",
    "in_progress",
    "delivered",
    "failed",
    "retrying",
    "dead_lettered",
]

class InsertWebhookParameters(TypedDict):
    """One set of parameters of insert_webhook."""

    id: str
    url: str
    events: Any
    secret: str
    name: str | None
    description: str | None
    user_id: str | None
    workspace_id: str | None
    at_time: datetime

class WebhookConfigRow(TypedDict):
    """A row of get_webhook, list_webhooks, list_user_webhooks, list_workspace_webhooks,
    list_event_webhooks, update_webhook."""

    id: str
    url: str
    events: Any
    active: bool
    created_at: datetime
    updated_at: datetime
    name: str | None
    description: str | None
    last_delivery_at: datetime | None
    last_delivery_status: int | None
    delivery_count: int
    failure_count: int
    user_id: str | None
    workspace_id: str | None
    consecutive_failures: int
    circuit_open_until: datetime | None
    previous_secret_until: datetime | None

class ListSecretsRow(TypedDict):
    """A row of list_secrets, lock_secrets."""

    id: str
    secret: str
    previous_secret: str | None

class SetSecretsParameters(TypedDict):
    """One set of parameters of set_secrets."""

    id: str
    secret: str
    previous_secret: str | None

class GetAttemptRow(TypedDict):
    """A row of get_attempt."""

    delivery_id: str
    webhook_id: str
    event_type: str
    payload: Any
    status: StatusWord
    max_attempts: int
    url: str
    active: bool
    secret: str
    previous_secret: str | None
    circuit: str
    wait_seconds: float | None

class LockStraysRow(TypedDict):
    """A row of lock_strays."""

    delivery_id: str
    job_id: str
    is_lost: bool

class LockJoblessRow(TypedDict):
    """A row of lock_jobless."""

    delivery_id: str
    attempts: int
    max_attempts: int
    next_retry_at: datetime | None
    user_id: str | None
    workspace_id: str | None

class UpsertDeliveryParameters(TypedDict):
    """One set of parameters of upsert_delivery."""

    delivery_id: str
    webhook_id: str
    event_type: str
    payload: Any
    url: str
    status: StatusWord
    attempts: int
    max_attempts: int
    next_retry_at: datetime | None
    last_error: str | None
    last_status_code: int | None
    created_at: datetime
    delivered_at: datetime | None
    dead_lettered_at: datetime | None
    metadata: Any

class WebhookDeliveryRow(TypedDict):
    """A row of get_delivery, list_webhook_deliveries, list_open_deliveries, list_dead_letters."""

    delivery_id: str
    webhook_id: str
    job_id: str | None
    event_type: str
    payload: Any
    url: str
    status: StatusWord
    attempts: int
    max_attempts: int
    next_retry_at: datetime | None
    last_error: str | None
    last_status_code: int | None
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None
    dead_lettered_at: datetime | None
    metadata: Any

class CountDeliveriesRow(TypedDict):
    """A row of count_deliveries."""

    status: StatusWord
    total: int

class ClaimEventParameters(TypedDict):
    """One set of parameters of claim_event."""

    provider: str
    event_id: str
    lease_seconds: float
    ttl_seconds: float

class MarkEventParameters(TypedDict):
    """One set of parameters of mark_event."""

    provider: str
    event_id: str
    result: str | None

class WebhooksQueries(Protocol):
    """The queries of the store webhooks."""

    async def insert_webhook(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        url: str,
        events: Any,
        secret: str,
        name: str | None,
        description: str | None,
        user_id: str | None,
        workspace_id: str | None,
        at_time: datetime,
    ) -> int:
        """Store a new webhook.

        Operation !: the number of rows changed.
        """

    async def insert_subscriptions(
        self,
        connection: Connection,
        /,
        *,
        webhook_id: str,
        events: Sequence[str],
    ) -> int:
        """Let a webhook be found by its events; those that it is found by stay.

        Operation !: the number of rows changed.
        """

    async def delete_subscriptions(
        self,
        connection: Connection,
        /,
        *,
        webhook_id: str,
        events: Sequence[str],
    ) -> int:
        """Let a webhook not be found by events that are none of its own.

        Operation !: the number of rows changed.
        """

    async def get_webhook(self, connection: Connection, /, *, id: str) -> WebhookConfigRow | None:
        """Return a webhook, without its secrets.

        Operation ^: the first row, or None.
        """

    def list_webhooks(
        self,
        connection: Connection,
        /,
        *,
        active_only: bool,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[WebhookConfigRow]:
        """List webhooks, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_user_webhooks(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        workspace_id: str | None,
        active_only: bool,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[WebhookConfigRow]:
        """List webhooks of a user, also of one workspace only, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_workspace_webhooks(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        active_only: bool,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[WebhookConfigRow]:
        """List webhooks of a workspace, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_event_webhooks(
        self,
        connection: Connection,
        /,
        *,
        event_types: Sequence[str],
        user_id: str | None,
        workspace_id: str | None,
    ) -> AsyncIterator[WebhookConfigRow]:
        """List the active webhooks of some events, also of one user or workspace only, the newest
        first.

        Operation (none): every row.
        """

    async def update_webhook(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        url: str | None,
        events: Any,
        active: bool | None,
        name: str | None,
        description: str | None,
        at_time: datetime,
    ) -> WebhookConfigRow | None:
        """Change what is not NULL of a webhook.

        Operation ^: the first row, or None.
        """

    async def delete_webhook(self, connection: Connection, /, *, id: str) -> int:
        """Delete a webhook, with its subscriptions and deliveries.

        Operation !: the number of rows changed.
        """

    async def rotate_secret(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        secret: str,
        valid_seconds: float,
    ) -> datetime | None:
        """Give a webhook a new secret, and return until when the one before it is valid too.

        Operation $: the first value of the first row, or None.
        """

    def list_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListSecretsRow]:
        """List the secrets of webhooks, from a place on.

        Operation (none): every row.
        """

    def lock_secrets(
        self,
        connection: Connection,
        /,
        *,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ListSecretsRow]:
        """Take a page of webhooks for encrypting their secrets again.

        Operation (none): every row.
        """

    async def count_webhooks(self, connection: Connection, /) -> int:
        """Count the webhooks.

        Operation $: the first value of the first row, or None.
        """

    async def set_secrets(
        self,
        connection: Connection,
        parameters: Sequence[SetSecretsParameters],
        /,
    ) -> int:
        """Replace the secrets of webhooks, which are the same encrypted again.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def count_success(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        status_code: int | None,
    ) -> int:
        """Count a delivery that succeeded; it closes the circuit.

        Operation !: the number of rows changed.
        """

    async def count_failure(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        status_code: int | None,
        failures: int,
        open_seconds: float,
        most_seconds: float,
    ) -> int:
        """Count a delivery that failed. With so many in a row the circuit opens, each time for
        twice as long.

        Operation !: the number of rows changed.
        """

    async def take_probe(self, connection: Connection, /, *, id: str, probe_seconds: float) -> int:
        """Take the one delivery that may be sent when the time of an open circuit is over.

        Operation !: the number of rows changed.
        """

    async def close_circuit(self, connection: Connection, /, *, id: str) -> int:
        """Close the circuit of a webhook.

        Operation !: the number of rows changed.
        """

    async def insert_deliveries(self, connection: Connection, /, *, deliveries: Any) -> int:
        """Store deliveries, each a list of id, webhook, job, event, payload, metadata and most
        attempts; not those whose webhook is gone.

        Operation !: the number of rows changed.
        """

    async def get_attempt(self, connection: Connection, /, *, job_id: str) -> GetAttemptRow | None:
        """Return what the job of a delivery sends and where to, and whether the circuit lets it
        through.

        Operation ^: the first row, or None.
        """

    async def start_delivery(self, connection: Connection, /, *, delivery_id: str, url: str) -> int:
        """Note that a delivery is being sent, and for the how manieth time.

        Operation !: the number of rows changed.
        """

    async def mark_delivered(
        self,
        connection: Connection,
        /,
        *,
        delivery_id: str,
        status_code: int | None,
    ) -> int:
        """Note that a delivery has succeeded, once.

        Operation !: the number of rows changed.
        """

    async def note_failure(
        self,
        connection: Connection,
        /,
        *,
        delivery_id: str,
        status_code: int | None,
    ) -> int:
        """Note the answer to an attempt that failed; what follows is told by the job.

        Operation !: the number of rows changed.
        """

    async def follow_jobs(self, connection: Connection, /, *, job_ids: Sequence[str]) -> int:
        """Let deliveries have the state that their jobs have.

        Operation !: the number of rows changed.
        """

    def lock_strays(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[LockStraysRow]:
        """Take open deliveries whose job has gone on without them: recovered, cancelled, ended or
        deleted by others.

        Operation (none): every row.
        """

    async def forget_jobs(self, connection: Connection, /, *, delivery_ids: Sequence[str]) -> int:
        """Note that the jobs of deliveries are no more.

        Operation !: the number of rows changed.
        """

    def lock_jobless(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[LockJoblessRow]:
        """Take open deliveries that no job delivers, such as those of older files.

        Operation (none): every row.
        """

    async def set_jobs(self, connection: Connection, /, *, delivery_ids: Sequence[str]) -> int:
        """Note that jobs of the same ids deliver what no job did.

        Operation !: the number of rows changed.
        """

    async def reopen_delivery(self, connection: Connection, /, *, delivery_id: str) -> int:
        """Make a dead letter, or what was cancelled, wait again from its first attempt on.

        Operation !: the number of rows changed.
        """

    async def upsert_delivery(
        self,
        connection: Connection,
        /,
        *,
        delivery_id: str,
        webhook_id: str,
        event_type: str,
        payload: Any,
        url: str,
        status: StatusWord,
        attempts: int,
        max_attempts: int,
        next_retry_at: datetime | None,
        last_error: str | None,
        last_status_code: int | None,
        created_at: datetime,
        delivered_at: datetime | None,
        dead_lettered_at: datetime | None,
        metadata: Any,
    ) -> int:
        """Store a delivery as it is given; one that is there already keeps its webhook, its
        creation and its job.

        Operation !: the number of rows changed.
        """

    async def get_delivery(
        self,
        connection: Connection,
        /,
        *,
        delivery_id: str,
    ) -> WebhookDeliveryRow | None:
        """Return a delivery.

        Operation ^: the first row, or None.
        """

    def list_webhook_deliveries(
        self,
        connection: Connection,
        /,
        *,
        webhook_id: str,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[WebhookDeliveryRow]:
        """List deliveries of a webhook, the newest first, from a place on.

        Operation (none): every row.
        """

    def list_open_deliveries(
        self,
        connection: Connection,
        /,
        *,
        after_time: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WebhookDeliveryRow]:
        """List deliveries that are still to be sent, the one that is due first first, from a place
        on.

        Operation (none): every row.
        """

    def list_dead_letters(
        self,
        connection: Connection,
        /,
        *,
        before_time: datetime,
        before_id: str,
        row_limit: int,
    ) -> AsyncIterator[WebhookDeliveryRow]:
        """List dead letters, the newest first, from a place on.

        Operation (none): every row.
        """

    def count_deliveries(self, connection: Connection, /) -> AsyncIterator[CountDeliveriesRow]:
        """Count deliveries by status.

        Operation (none): every row.
        """

    async def delete_delivery(self, connection: Connection, /, *, delivery_id: str) -> int:
        """Delete a delivery.

        Operation !: the number of rows changed.
        """

    async def purge_delivered(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete deliveries that succeeded so long ago, the oldest first.

        Operation !: the number of rows changed.
        """

    async def purge_dead_letters(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete dead letters that are so old, the oldest first.

        Operation !: the number of rows changed.
        """

    async def claim_event(
        self,
        connection: Connection,
        /,
        *,
        provider: str,
        event_id: str,
        lease_seconds: float,
        ttl_seconds: float,
    ) -> int:
        """Take an event to handle it, unless it was handled or somebody handles it.

        Operation !: the number of rows changed.
        """

    async def is_event_processed(
        self,
        connection: Connection,
        /,
        *,
        provider: str,
        event_id: str,
        ttl_seconds: float,
    ) -> bool:
        """Tell whether an event was handled, not too long ago.

        Operation $: the first value of the first row, or None.
        """

    async def mark_event(
        self,
        connection: Connection,
        /,
        *,
        provider: str,
        event_id: str,
        result: str | None,
    ) -> int:
        """Note that an event was handled now.

        Operation !: the number of rows changed.
        """

    async def release_event(
        self,
        connection: Connection,
        /,
        *,
        provider: str,
        event_id: str,
    ) -> int:
        """Give an event back that was not handled.

        Operation !: the number of rows changed.
        """

    async def delete_expired_events(
        self,
        connection: Connection,
        /,
        *,
        ttl_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete some of the events that were handled too long ago to tell.

        Operation !: the number of rows changed.
        """

    async def delete_expired_claims(
        self,
        connection: Connection,
        /,
        *,
        ttl_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete some of the events that nobody went on handling for so long.

        Operation !: the number of rows changed.
        """

    async def count_events(self, connection: Connection, /) -> int:
        """Count the events.

        Operation $: the first value of the first row, or None.
        """
