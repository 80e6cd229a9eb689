"""What encrypting secrets again with the present key did, of every store that keeps some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from aragora_sql.stores.records import Record

__all__ = ["RotationFailure", "RotationResult", "rotate_in_batches"]

PlaceT = TypeVar("PlaceT")


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFailure(Record):
    """Secrets that could not be encrypted again, and why; they are unchanged.

    Whose they are says :attr:`owner`: a user's, of an integration or, where ``integration_type`` is
    None, of the second factor or the mailbox; an organization's settings of notifications, with
    email, telegram or the type of the channel as ``integration_type``; those of a webhook, of a
    federated region or of a connector, where ``webhook_id``, ``region_id`` or ``connector_id`` is
    given.
    """

    user_id: str | None
    integration_type: str | None
    problem: str
    webhook_id: str | None = None
    region_id: str | None = None
    connector_id: str | None = None

    @property
    def owner(self) -> str:
        """The id of the user, organization, webhook, region or connector."""
        return self.webhook_id or self.region_id or self.connector_id or self.user_id or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationResult(Record):
    """What a rotation did so far.

    ``checked`` of ``total`` integrations, users with a second factor, mailboxes, settings,
    webhooks, regions or connectors were looked at; ``changed`` of them had ``resealed`` secrets
    under an older key or ``sealed`` ones in the clear.
    """

    total: int
    checked: int
    changed: int
    resealed: int
    sealed: int
    failed: list[RotationFailure]
    dry_run: bool


async def rotate_in_batches(
    total: int,
    batch: Callable[[PlaceT, RotationResult], Awaitable[tuple[PlaceT | None, RotationResult]]],
    first: PlaceT,
    *,
    dry_run: bool,
    on_progress: Callable[[RotationResult], object] | None = None,
) -> RotationResult:
    """Call ``batch`` with each place that a batch begins behind, from ``first`` on.

    It returns the place of the next one, None behind the last, and the result so far.
    """
    result = RotationResult(
        total=total, checked=0, changed=0, resealed=0, sealed=0, failed=[], dry_run=dry_run
    )
    place: PlaceT | None = first
    while place is not None:
        place, result = await batch(place, result)
        if place is not None and on_progress is not None:
            on_progress(result)
    return result
