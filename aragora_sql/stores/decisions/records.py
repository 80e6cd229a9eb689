"""What the store of decisions takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, unknown_members, with_unknown_members
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms

__all__ = [
    "DecisionMetrics",
    "DecisionResult",
    "DecisionStatus",
    "DecisionVersion",
    "DossierEntry",
    "FoundDecision",
    "StatusAnswer",
    "result_parameters",
]

UNKNOWN = "unknown"
# Members of a saved document that have columns.
_KNOWN = (
    "request_id",
    "debate_id",
    "org_id",
    "workspace_id",
    "status",
    "result",
    "error",
    "created_at",
    "completed_at",
)
# What the store itself says of a result.
_OF_THE_STORE = ("version", "expires_at", "extra", "matched")


@dataclass(frozen=True, slots=True)
class DecisionResult(Record):
    """The result of a request as it was saved last; ``extra`` are members without a column."""

    request_id: str
    debate_id: str | None
    org_id: str | None
    workspace_id: str | None
    status: str
    result: dict[str, Any]
    error: str | None
    extra: dict[str, Any]
    version: int
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime

    def to_document(self) -> dict[str, Any]:
        """Return what was saved, times as ISO-8601 text: a document that can be saved again."""
        values = self.to_dict()
        columns = {name: values[name] for name in _KNOWN}
        return with_unknown_members(columns, self.extra)


@dataclass(frozen=True, slots=True)
class FoundDecision(Record):
    """A result that a search found, and how many of its terms are in it."""

    request_id: str
    debate_id: str | None
    org_id: str | None
    workspace_id: str | None
    status: str
    result: dict[str, Any]
    error: str | None
    extra: dict[str, Any]
    version: int
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime
    matched: int


@dataclass(frozen=True, slots=True)
class DecisionStatus(Record):
    """How a request stands."""

    request_id: str
    status: str
    completed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionVersion(Record):
    """What one save of a request brought; ``version`` counts from 1 on."""

    request_id: str
    version: int
    status: str
    result: dict[str, Any]
    error: str | None
    extra: dict[str, Any]
    completed_at: datetime | None
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class DossierEntry(Record):
    """Something that is stored of a debate.

    ==============  =================  ====================  ==============  =======================
    ``kind``        ``title``          ``content``           ``confidence``  ``details``
    ==============  =================  ====================  ==============  =======================
    ``debate``      the task           the final answer      of the answer   the grounded verdict
    ``critique``    the agent          its reasoning                         the issues
    ``checkpoint``  the phase          its status
    ``consensus``   the topic          the conclusion        of it           the key claims
    ``decision``    the status         what went wrong                       the result
    ==============  =================  ====================  ==============  =======================
    """

    kind: str
    id: str
    created_at: datetime
    title: str | None
    content: str | None
    confidence: float | None
    details: Any


class StatusAnswer(TypedDict):
    """How a request stands; ``status`` is ``not_found`` when there is no result of it."""

    request_id: str
    status: str
    completed_at: datetime | None


class DecisionMetrics(TypedDict):
    """Sizes and limits; ``expired`` are results that the clean-up has not deleted yet."""

    total: int
    expired: int
    versions: int
    oldest_at: datetime | None
    newest_at: datetime | None
    max_entries: int
    retention_days: float


def result_parameters(
    request_id: Any,
    data: Any,
    *,
    debate_id: Any = None,
    org_id: Any = None,
    workspace_id: Any = None,
) -> dict[str, Any]:
    """Check a document that is to be saved, and return the parameters of its query."""
    document = mapping(data, "data")
    key = valid.key(request_id, "request_id")
    for name in _OF_THE_STORE:
        if name in document:
            raise InvalidInputError(f"data.{name}", "is said by the store, not by who saves")
    if document.get("request_id", key) != key:
        raise InvalidInputError("data.request_id", "is not the request that it is saved of")
    result = document.get("result")
    encoded = valid.document(result, "data.result")
    found = result.get("debate_id") if isinstance(result, Mapping) else None
    error = valid.optional_text(document.get("error"), "data.error")
    debate = _one("debate_id", debate_id, document)
    return {
        "request_id": key,
        # A result's own member of this name may be anything.
        "debate_id": debate if debate is not None else _debate_of(found),
        "org_id": _one("org_id", org_id, document),
        "workspace_id": _one("workspace_id", workspace_id, document),
        "status": valid.key(document.get("status", UNKNOWN), "data.status"),
        "result": encoded,
        "error": error,
        "extra": valid.document(unknown_members(document, _KNOWN), "data"),
        "created_at": valid.optional(document.get("created_at"), "data.created_at", valid.moment),
        "completed_at": valid.optional(
            document.get("completed_at"), "data.completed_at", valid.moment
        ),
        "search_terms": document_terms(result, error),
    }


def _one(name: str, given: Any, document: Mapping[str, Any]) -> str | None:
    """Return what an argument or the document says; both may only say the same."""
    argument = valid.optional(given, name, valid.key)
    member = valid.optional(document.get(name), f"data.{name}", valid.key)
    if argument is not None and member is not None and argument != member:
        raise InvalidInputError(name, f"is not what data.{name} says")
    return member if argument is None else argument


def _debate_of(value: Any) -> str | None:
    try:
        return valid.optional(value, "data.result.debate_id", valid.key)
    except InvalidInputError:
        return None
