"""What the store of the unified inbox takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.errors import InvalidInputError
from aragora_sql.redaction import has_secret
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import member
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms
from aragora_sql.stores.users.emails import normal_email

__all__ = [
    "ACCOUNT_STATUSES",
    "CHANGEABLE",
    "PRIORITY_TIERS",
    "PROVIDERS",
    "TRIAGE_ACTIONS",
    "AccountStatus",
    "InboxAccount",
    "InboxMessage",
    "PriorityTier",
    "Provider",
    "TriageAction",
    "TriageResult",
    "account_parameters",
    "action_of_tier",
    "message_changes",
    "message_parameters",
    "triage_parameters",
]

Provider = Literal["gmail", "outlook"]
AccountStatus = Literal["pending", "connected", "syncing", "error", "disconnected"]
PriorityTier = Literal["critical", "high", "medium", "low"]
TriageAction = Literal[
    "respond_urgent",
    "respond_normal",
    "delegate",
    "schedule",
    "archive",
    "delete",
    "flag",
    "defer",
]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
ACCOUNT_STATUSES: tuple[AccountStatus, ...] = get_args(AccountStatus)
PRIORITY_TIERS: tuple[PriorityTier, ...] = get_args(PriorityTier)
TRIAGE_ACTIONS: tuple[TriageAction, ...] = get_args(TriageAction)

LONGEST_PREVIEW = 500
LARGEST_SCORE = 1e300
_ACTIONS: dict[PriorityTier, TriageAction] = {
    "critical": "respond_urgent",
    "high": "respond_normal",
    "low": "archive",
}


@dataclass(frozen=True, slots=True)
class InboxAccount(Record):
    """A mail account; ``total_messages`` and ``unread_count`` follow its messages."""

    tenant_id: str
    account_id: str
    provider: str
    email_address: str
    display_name: str
    status: str
    connected_at: datetime | None
    last_sync: datetime | None
    total_messages: int
    unread_count: int
    sync_errors: int
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InboxMessage(Record):
    """A message; lists begin with the highest ``priority_score``."""

    tenant_id: str
    message_id: str
    account_id: str
    provider: str
    external_id: str
    subject: str | None
    sender_email: str | None
    sender_name: str | None
    recipients: list[Any]
    cc: list[Any]
    received_at: datetime
    snippet: str | None
    body_preview: str | None
    is_read: bool
    is_starred: bool
    has_attachments: bool
    labels: list[Any]
    thread_id: str | None
    priority_score: float
    priority_tier: str
    priority_reasons: list[Any]
    triage_action: str | None
    triage_rationale: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TriageResult(Record):
    """What agents advise to do with a message; ``confidence`` is 0 to 1."""

    tenant_id: str
    message_id: str
    recommended_action: str
    confidence: float
    rationale: str | None
    suggested_response: str | None
    delegate_to: str | None
    schedule_for: datetime | None
    agents: list[Any]
    debate_summary: str | None
    created_at: datetime


def action_of_tier(tier: PriorityTier) -> TriageAction:
    """Return what is done with a message of a tier where nothing else is known.

    ``critical``: ``respond_urgent``; ``high``: ``respond_normal``; ``low``: ``archive``; else
    ``defer``.
    """
    return _ACTIONS.get(valid.choice(tier, "tier", PRIORITY_TIERS), "defer")


_SEARCHED = ("subject", "sender_email", "sender_name", "snippet")
# What each save of a message says anew.
_OF_A_SAVE = ("updated_at", "search_terms")

Check = Callable[[Any, str], Any]


class _Reader:
    """Reads what is given for a record: a mapping, or an object such as the record itself."""

    def __init__(self, source: Any, path: str, kind: type[Record], tenant_id: str) -> None:
        self._source = source
        self._path = path
        known = [one.name for one in fields(kind)]  # type: ignore[arg-type]
        if isinstance(source, Mapping):
            for name in source:
                if name not in known:
                    raise InvalidInputError(f"{path}.{name}", f"is none of {', '.join(known)}")
        elif not isinstance(source, kind):
            raise InvalidInputError(
                path, f"must be a dictionary or {kind.__name__}, not {type(source).__name__}"
            )
        self.given: set[str] = set()
        if member(source, "tenant_id", path, tenant_id) != tenant_id:
            raise InvalidInputError(f"{path}.tenant_id", "is another tenant than tenant_id")

    def need(self, name: str, check: Check) -> Any:
        path = f"{self._path}.{name}"
        self.given.add(name)
        return check(member(self._source, name, path), path)

    def read(self, name: str, check: Check, otherwise: Any = None) -> Any:
        value = member(self._source, name, self._path, None)
        if value is None:
            return otherwise
        self.given.add(name)
        return check(value, f"{self._path}.{name}")

    def texts(self, *names: str) -> dict[str, Any]:
        return {name: self.read(name, valid.text) for name in names}

    def lists(self, *names: str) -> dict[str, Any]:
        return {
            name: valid.array(self.read(name, valid.texts), f"{self._path}.{name}")
            for name in names
        }


def _one_of(words: tuple[Any, ...]) -> Check:
    return lambda value, argument: valid.choice(value, argument, words)


def _metadata(value: Any, argument: str) -> Any:
    if has_secret(value):
        raise InvalidInputError(argument, "must hold no secret: the stores of tokens are for it")
    return valid.document(value, argument)


# What update_account_fields() takes, each with its check.
CHANGEABLE: dict[str, Check] = {
    "provider": _one_of(PROVIDERS),
    "email_address": valid.identifier,
    "display_name": valid.text,
    "status": _one_of(ACCOUNT_STATUSES),
    "connected_at": lambda v, a: valid.optional(v, a, valid.timestamp_or_text),
    "last_sync": lambda v, a: valid.optional(v, a, valid.timestamp_or_text),
    "total_messages": valid.integer,
    "unread_count": valid.integer,
    "sync_errors": valid.integer,
    "metadata": _metadata,
}


def account_parameters(tenant_id: Any, account: Any) -> dict[str, Any]:
    """Check an account that is to be saved, and return the parameters of its query."""
    tenant = valid.key(tenant_id, "tenant_id")
    given = _Reader(account, "account", InboxAccount, tenant)
    address = given.need("email_address", CHANGEABLE["email_address"])
    return {
        "tenant_id": tenant,
        "account_id": given.need("account_id", valid.key),
        "provider": given.need("provider", CHANGEABLE["provider"]),
        "email_address": address,
        "email_key": normal_email(address),
        "display_name": given.read("display_name", valid.text, address),
        "status": given.read("status", CHANGEABLE["status"], "pending"),
        **{name: given.read(name, CHANGEABLE[name]) for name in ("connected_at", "last_sync")},
        **{
            name: given.read(name, valid.integer, 0)
            for name in ("total_messages", "unread_count", "sync_errors")
        },
        "metadata": given.read("metadata", _metadata, valid.document(None, "")),
    }


def message_parameters(
    tenant_id: Any, message: Any, now: datetime
) -> tuple[dict[str, Any], set[str]]:
    """Check a message that is to be saved; return the parameters of its query, and what was given.

    What was not given has what a new message has.
    """
    tenant = valid.key(tenant_id, "tenant_id")
    given = _Reader(message, "message", InboxMessage, tenant)
    row = {
        "tenant_id": tenant,
        "message_id": given.read("message_id", valid.key) or new_id(),
        "account_id": given.need("account_id", valid.key),
        "provider": given.need("provider", _one_of(PROVIDERS)),
        "external_id": given.need("external_id", valid.key),
        **given.texts("subject", "sender_email", "sender_name", "snippet"),
        "body_preview": given.read("body_preview", _preview),
        **given.lists("recipients", "cc", "labels", "priority_reasons"),
        **{
            name: given.read(name, valid.boolean, False)
            for name in ("is_read", "is_starred", "has_attachments")
        },
        "thread_id": given.read("thread_id", valid.text),
        "priority_score": given.read(
            "priority_score", lambda v, a: valid.number(v, a, -LARGEST_SCORE, LARGEST_SCORE), 0.0
        ),
        "priority_tier": given.read("priority_tier", _one_of(PRIORITY_TIERS), "medium"),
        "triage_action": given.read("triage_action", _one_of(TRIAGE_ACTIONS)),
        "triage_rationale": given.read("triage_rationale", valid.text),
        "received_at": given.read("received_at", valid.timestamp_or_text, now),
        "created_at": given.read("created_at", valid.timestamp_or_text, now),
        "updated_at": now,
    }
    return {**row, "search_terms": _message_terms(row)}, given.given


def message_changes(
    row: Mapping[str, Any], given: Set[str], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters of a change of a stored message, of which the rest stays as it is.

    Another thing that is to be done with it has not the reason of the former one.
    """
    kept = {name: stored[name] for name in stored if name not in given and name not in _OF_A_SAVE}
    if row["triage_action"] not in {None, stored["triage_action"]}:
        kept.pop("triage_rationale", None)
    for name in ("recipients", "cc", "labels", "priority_reasons"):
        if name in kept:
            kept[name] = valid.array(kept[name], f"message.{name}")
    changed = {**row, **kept}
    return {**changed, "search_terms": _message_terms(changed)}


def _message_terms(row: Mapping[str, Any]) -> str:
    return document_terms(*(row[name] for name in _SEARCHED))


def _preview(value: Any, argument: str) -> str:
    text = valid.text(value, argument)
    if len(text) > LONGEST_PREVIEW:
        raise InvalidInputError(argument, f"must be at most {LONGEST_PREVIEW} characters long")
    return text


def triage_parameters(tenant_id: Any, triage: Any, now: datetime) -> dict[str, Any]:
    """Check advice that is to be saved, and return the parameters of its query."""
    tenant = valid.key(tenant_id, "tenant_id")
    given = _Reader(triage, "triage", TriageResult, tenant)
    return {
        "tenant_id": tenant,
        "message_id": given.need("message_id", valid.key),
        "recommended_action": given.need("recommended_action", _one_of(TRIAGE_ACTIONS)),
        "confidence": given.read("confidence", valid.fraction, 0.0),
        **given.texts("rationale", "suggested_response", "delegate_to", "debate_summary"),
        "schedule_for": given.read("schedule_for", valid.timestamp_or_text),
        **given.lists("agents"),
        "created_at": given.read("created_at", valid.timestamp_or_text, now),
    }
