"""What the store of activities in shared inboxes takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, unknown_members
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import Record

__all__ = ["ACTIONS", "Action", "InboxActivity", "activity_parameters"]

Action = Literal[
    "assigned",
    "reassigned",
    "status_changed",
    "note_added",
    "sla_breached",
    "sla_warning",
    "member_added",
    "member_removed",
    "member_role_changed",
    "message_received",
    "message_sent",
    "tag_added",
    "tag_removed",
    "priority_changed",
    "merged",
    "split",
]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class InboxActivity(Record):
    """Something that was done in an inbox, perhaps to a message or member, its target."""

    id: str
    inbox_id: str
    org_id: str
    actor_id: str
    action: str
    target_id: str | None
    metadata: dict[str, Any]
    created_at: datetime


_KNOWN = tuple(InboxActivity.__dataclass_fields__)


def activity_parameters(activity: Any) -> dict[str, Any]:
    """Check an activity, and return the parameters of its query."""
    given: Mapping[str, Any] = (
        dict(activity) if isinstance(activity, Record) else mapping(activity, "activity")
    )
    for name in unknown_members(given, _KNOWN):
        raise InvalidInputError(f"activity.{name}", f"is not one of {', '.join(_KNOWN)}")

    def optional(name: str) -> str | None:
        return valid.optional(given.get(name), f"activity.{name}", valid.key)

    return {
        "id": optional("id") or new_id(),
        **{
            name: valid.key(given.get(name), f"activity.{name}")
            for name in ("inbox_id", "org_id", "actor_id")
        },
        "action": valid.choice(given.get("action"), "activity.action", ACTIONS),
        "target_id": optional("target_id"),
        "metadata": valid.document(given.get("metadata"), "activity.metadata"),
        "created_at": valid.optional(
            given.get("created_at"), "activity.created_at", valid.timestamp_or_text
        ),
    }
