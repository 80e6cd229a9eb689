"""What encrypting secrets again with the present key did, of every store that keeps some."""

from __future__ import annotations

from dataclasses import dataclass

from aragora_sql.stores.records import Record

__all__ = ["RotationFailure", "RotationResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationFailure(Record):
    """Secrets that could not be encrypted again, and why; they are unchanged.

    They are those of a webhook, where ``webhook_id`` is given; else a user's, of an integration or,
    where ``integration_type`` is None, of the second factor.
    """

    user_id: str | None
    integration_type: str | None
    problem: str
    webhook_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationResult(Record):
    """What a rotation did so far.

    ``checked`` of ``total`` integrations, users with a second factor, or webhooks were looked at;
    ``changed`` of them had ``resealed`` secrets under an older key or ``sealed`` ones in the clear.
    """

    total: int
    checked: int
    changed: int
    resealed: int
    sealed: int
    failed: list[RotationFailure]
    dry_run: bool
