"""What the store of sessions returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.stores.records import Record

__all__ = [
    "ENDED_BY",
    "EVENT_TYPES",
    "ImpersonationEvent",
    "ImpersonationSession",
    "RevokedToken",
]

EndedBy = Literal["admin", "timeout", "system"]
EventType = Literal["start", "action", "end", "timeout", "denied"]
ENDED_BY: tuple[EndedBy, ...] = get_args(EndedBy)
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


@dataclass(frozen=True, slots=True)
class RevokedToken(Record):
    """A token that is refused until it expires; ``jti`` is its hash (:func:`token_jti`)."""

    jti: str
    expires_at: datetime
    revoked_at: datetime
    user_id: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ImpersonationSession(Record):
    """A session in which an administrator acts as another user.

    ``ended_by`` is ``admin``, ``timeout`` or ``system``; None until it is ended.
    """

    session_id: str
    admin_user_id: str
    admin_email: str
    target_user_id: str
    target_email: str
    reason: str
    started_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    actions_performed: int
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class ImpersonationEvent(Record):
    """What was done in a session, or was denied.

    ``event_type`` is ``start``, ``action``, ``end``, ``timeout`` or ``denied``.
    """

    audit_id: str
    timestamp: datetime
    event_type: str
    session_id: str | None
    admin_user_id: str
    target_user_id: str | None
    reason: str | None
    action_details: dict[str, Any] | None
    ip_address: str | None
    user_agent: str | None
    success: bool
    error_message: str | None
