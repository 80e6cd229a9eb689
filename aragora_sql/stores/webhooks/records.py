"""What the store of webhooks returns and takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.records import MOST_SECONDS, Job
from aragora_sql.stores.records import Record

__all__ = [
    "DELIVERY_JOB",
    "DELIVERY_STATUSES",
    "OPEN_STATUSES",
    "WEBHOOK_EVENTS",
    "CircuitPolicy",
    "DeliveryStatus",
    "OutgoingDelivery",
    "RegisteredWebhook",
    "WebhookConfig",
    "WebhookDelivery",
]

# The type of the jobs that deliver.
DELIVERY_JOB = "webhook_delivery"
# Stands for all events that are known.
EVERY_EVENT = "*"
WEBHOOK_EVENTS: tuple[str, ...] = (
    "debate_start",
    "debate_end",
    "consensus",
    "round_start",
    "agent_message",
    "vote",
    "insight_extracted",
    "memory_stored",
    "memory_retrieved",
    "claim_verification_result",
    "formal_verification_result",
    "gauntlet_complete",
    "gauntlet_verdict",
    "receipt_ready",
    "receipt_exported",
    "graph_branch_created",
    "graph_branch_merged",
    "genesis_evolution",
    "breakpoint",
    "breakpoint_resolved",
    "agent_elo_updated",
    "knowledge_indexed",
    "knowledge_queried",
    "mound_updated",
    "calibration_update",
    "evidence_found",
    "agent_calibration_changed",
    "agent_fallback_triggered",
    "explanation_ready",
)

DeliveryStatus = Literal[
    "pending", "in_progress", "delivered", "failed", "retrying", "dead_lettered"
]
DELIVERY_STATUSES: tuple[DeliveryStatus, ...] = get_args(DeliveryStatus)
# Those that are still to be sent.
OPEN_STATUSES: tuple[DeliveryStatus, ...] = ("pending", "in_progress", "retrying")

DEFAULT_MAX_ATTEMPTS = 5
LONGEST_URL = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig(Record):
    """A webhook: who is told of which events.

    ``delivery_count`` is how often something was sent there, ``failure_count`` how often that
    failed, ``consecutive_failures`` how often since the last success. While ``circuit_open_until``
    is set, nothing is sent there but, after that time, a probe. Until ``previous_secret_until``
    signatures are made with the secret before the present one, too.
    """

    id: str
    url: str
    events: list[str]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredWebhook(WebhookConfig):
    """A webhook with a new secret, which can't be read again.

    Neither ``repr`` nor :meth:`to_dict` shows ``secret``, 43 characters: the owner of the endpoint
    has to be told it now.
    """

    secret: str = field(repr=False, compare=False)

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields but ``secret``."""
        return tuple(name for name in Record.keys(self) if name != "secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery(Record):
    """What is to be sent to a webhook, was sent, or could not be sent.

    ``pending`` waits, ``in_progress`` is being sent, ``retrying`` waits after a failure or for an
    endpoint whose circuit is open, ``delivered`` was sent, ``failed`` was cancelled, and
    ``dead_lettered`` has used up its attempts. ``job_id`` is the job that delivers it, as long as
    there is one.
    """

    delivery_id: str
    webhook_id: str
    job_id: str | None
    event_type: str
    payload: dict[str, Any]
    url: str
    status: DeliveryStatus
    attempts: int
    max_attempts: int
    next_retry_at: datetime | None
    last_error: str | None
    last_status_code: int | None
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None
    dead_lettered_at: datetime | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingDelivery:
    """A delivery that is to be sent now: POST ``body`` with ``headers`` to ``url``.

    ``attempt`` counts from 1. The headers hold the signature, which is valid for some minutes.
    ``job`` is the claim.
    """

    delivery_id: str
    webhook_id: str
    event_type: str
    attempt: int
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    job: Job = field(repr=False)


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When an endpoint is not called for a while.

    After ``failures`` failures in a row its circuit opens for ``open_seconds``. Then one delivery
    is sent as a probe, all others wait. When it succeeds, the circuit is closed; when it fails, the
    circuit opens again, each time for twice as long, up to ``most_seconds``. A probe of which
    nothing is heard for ``probe_seconds`` counts as none: more than the longest time that sending
    may take. Deliveries that wait lose no attempt.
    """

    failures: int = 5
    open_seconds: float = 60.0
    most_seconds: float = 3600.0
    probe_seconds: float = 120.0

    def __post_init__(self) -> None:
        valid.integer(self.failures, "failures", 1)
        for name in ("open_seconds", "most_seconds", "probe_seconds"):
            valid.number(getattr(self, name), name, 0.0, MOST_SECONDS)


def webhook_url(value: Any, argument: str = "url") -> str:
    """Check the form of a URL: http or https, with a host, at most 8,000 characters."""
    url = valid.identifier(value, argument)
    if len(url) > LONGEST_URL:
        raise InvalidInputError(argument, f"must be at most {LONGEST_URL} characters long")
    if any(not character > " " or character == "\x7f" for character in url):
        raise InvalidInputError(argument, "must have no white space and no control characters")
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        is_complete = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_complete = is_complete and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        raise InvalidInputError(argument, "must be a URL of http or https with a host")
    return url


def status_code(value: Any, argument: str = "status_code") -> int | None:
    """Check an HTTP status, from 0 to 999; None: there was no answer."""
    return None if value is None else valid.integer(value, argument, most=999)
