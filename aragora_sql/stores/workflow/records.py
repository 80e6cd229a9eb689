"""What the workflow store returns and takes: records, and documents as applications keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from aragora_sql.database.values import EncodedJSON, dump_json, load_json, utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, unknown_members, with_unknown_members
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import Record
from aragora_sql.stores.versions import checked_version
from aragora_sql.stores.workflow.states import FINDING_STATES, allowed_transitions, is_terminal

if TYPE_CHECKING:
    from aragora_sql.queries.typed.workflow import AppendEventsParameters

__all__ = [
    "BulkResult",
    "FindingDocument",
    "FindingEvent",
    "FindingValues",
    "FindingWorkflow",
    "WorkflowStatistics",
    "event_row",
    "finding_values",
    "read_document",
]

MOST_URGENT, LEAST_URGENT, DEFAULT_PRIORITY = 1, 5, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingWorkflow(Record):
    """The present state of a finding; ``priority`` is from 1 (most urgent) to 5.

    ``extra`` holds what an application's document has besides; ``version`` is the number of the
    last change.
    """

    finding_id: str
    current_state: str
    is_terminal: bool
    assigned_to: str | None
    assigned_by: str | None
    assigned_at: datetime | None
    priority: int
    due_date: datetime | None
    parent_finding_id: str | None
    resolved_at: datetime | None
    state_entered_at: datetime
    time_in_states: dict[str, float]
    extra: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    linked_findings: list[str]

    @property
    def allowed_transitions(self) -> tuple[str, ...]:
        """The states that the present one leads to."""
        return allowed_transitions(self.current_state)

    @property
    def time_to_resolution(self) -> float | None:
        """Seconds from creation to resolution; None while it is not resolved."""
        if self.resolved_at is None:
            return None
        return (self.resolved_at - self.created_at).total_seconds()

    def seconds_in_states(self, at: datetime) -> dict[str, float]:
        """Return the seconds spent in each state, with the present one up to ``at``."""
        seconds = dict(self.time_in_states)
        elapsed = max(0.0, (at - self.state_entered_at).total_seconds())
        seconds[self.current_state] = seconds.get(self.current_state, 0.0) + elapsed
        return seconds

    def to_document(self, history: Sequence[FindingEvent] | None = None) -> dict[str, Any]:
        """Return it as a document: ``extra`` unfolded, timestamps as text, ``history`` if given.

        What :meth:`FindingWorkflowStore.save` takes.
        """
        document = self.to_dict()
        del document["is_terminal"]
        document = with_unknown_members(document, document.pop("extra"))
        if history is not None:
            document["history"] = [event.to_document() for event in history]
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEvent(Record):
    """Something that happened to a finding; ``position`` counts from 1 within its history."""

    finding_id: str
    position: int
    event_id: str
    event_type: str
    occurred_at: datetime
    user_id: str | None
    user_name: str | None
    from_state: str | None
    to_state: str | None
    field_name: str | None
    old_value: Any
    new_value: Any
    comment: str | None
    extra: dict[str, Any]

    def to_document(self) -> dict[str, Any]:
        """Return it as a member of a document's history."""
        event = self.to_dict()
        del event["position"]
        extra = event.pop("extra")
        document = {"id": event.pop("event_id"), "timestamp": event.pop("occurred_at"), **event}
        return with_unknown_members(document, extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult(Record):
    """What a bulk change did: the findings that it reached, and by id why it left others alone."""

    action: str
    succeeded: list[str]
    failed: dict[str, str]

    @property
    def total(self) -> int:
        """The number of findings that were asked for."""
        return len(self.succeeded) + len(self.failed)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a bulk action's answer."""
        return {
            "action": self.action,
            "total": self.total,
            "success_count": len(self.succeeded),
            "failed_count": len(self.failed),
            "results": {
                "success": list(self.succeeded),
                "failed": [
                    {"finding_id": finding_id, "error": error}
                    for finding_id, error in self.failed.items()
                ],
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStatistics(Record):
    """Counts of the whole store; ``active``, ``unassigned`` and ``overdue`` leave out what is done.

    ``mean_seconds_to_resolution`` is None before the first resolution, and exact to a millisecond.
    """

    total: int
    active: int
    unassigned: int
    overdue: int
    mean_seconds_to_resolution: float | None
    by_state: dict[str, int]
    by_priority: dict[int, int]

    @property
    def unknown_states(self) -> dict[str, int]:
        """The states of older systems that findings are still in, with their numbers."""
        return {name: n for name, n in self.by_state.items() if name not in FINDING_STATES}


class FindingValues(TypedDict):
    """The parameters that the queries of new and of changed findings share."""

    finding_id: str
    current_state: str
    assigned_to: str | None
    assigned_by: str | None
    assigned_at: datetime | None
    priority: int
    due_date: datetime | None
    parent_finding_id: str | None
    resolved_at: datetime | None
    state_entered_at: datetime
    time_in_states: EncodedJSON
    extra: EncodedJSON
    updated_at: datetime


# What a document says of a finding.
_FINDING_COLUMNS = tuple(
    name for name in FindingValues.__annotations__ if name not in {"finding_id", "updated_at"}
)


def finding_values(finding: FindingWorkflow) -> FindingValues:
    """Return the parameters that the queries of new and of changed findings share."""
    return {
        "finding_id": finding.finding_id,
        "current_state": finding.current_state,
        "assigned_to": finding.assigned_to,
        "assigned_by": finding.assigned_by,
        "assigned_at": finding.assigned_at,
        "priority": finding.priority,
        "due_date": finding.due_date,
        "parent_finding_id": finding.parent_finding_id,
        "resolved_at": finding.resolved_at,
        "state_entered_at": finding.state_entered_at,
        "time_in_states": dump_json(finding.time_in_states, "time_in_states"),
        "extra": dump_json(finding.extra, "extra"),
        "updated_at": finding.updated_at,
    }


def event_row(event: FindingEvent) -> AppendEventsParameters:
    """Return the parameters of the query that appends an event."""
    return {
        "finding_id": event.finding_id,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "occurred_at": event.occurred_at,
        "user_id": event.user_id,
        "user_name": event.user_name,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "field_name": event.field_name,
        "old_value": valid.optional(event.old_value, "old_value", dump_json),
        "new_value": valid.optional(event.new_value, "new_value", dump_json),
        "comment": event.comment,
        "extra": dump_json(event.extra, "extra"),
    }


@dataclass(frozen=True, slots=True)
class FindingDocument:
    """A checked document: the finding as it is to be, and which members the document has."""

    finding: FindingWorkflow
    history: list[FindingEvent]
    version: int | None
    given: frozenset[str]

    def over(self, stored: FindingWorkflow, at: datetime) -> FindingWorkflow:
        """Return a stored finding with what the document says.

        Members that the document lacks stay as they are, its creation always does.
        """
        kept = {
            name: getattr(stored, name)
            for name in (*_FINDING_COLUMNS, "linked_findings")
            if name not in self.given and name != "extra"
        }
        moves = "current_state" in self.given and self.finding.current_state != stored.current_state
        if moves and "state_entered_at" not in self.given:
            kept["state_entered_at"] = at
        changed = replace(
            self.finding,
            **kept,
            version=stored.version + 1,
            created_at=stored.created_at,
            updated_at=at,
        )
        return replace(changed, is_terminal=is_terminal(changed.current_state))


_DOCUMENT_MEMBERS = frozenset(
    {
        *(name for name in _FINDING_COLUMNS if name != "extra"),
        "finding_id",
        "linked_findings",
        "history",
        "version",
        "created_at",
        "updated_at",
    }
)
_EVENT_MEMBERS = {
    "id": "event_id",
    "timestamp": "occurred_at",
    **{
        name: name
        for name in (
            "finding_id",
            "event_type",
            "user_id",
            "user_name",
            "from_state",
            "to_state",
            "field_name",
            "old_value",
            "new_value",
            "comment",
        )
    },
}


def priority(value: Any, argument: str) -> int:
    """Check a priority: 1, the most urgent, to 5."""
    return valid.integer(value, argument, least=MOST_URGENT, most=LEAST_URGENT)


def other_finding(value: Any, argument: str, finding_id: str) -> str:
    """Check the id of another finding than ``finding_id``."""
    checked = valid.key(value, argument)
    if checked == finding_id:
        raise InvalidInputError(argument, "must be another finding than the finding itself")
    return checked


def _seconds(value: Any, argument: str) -> dict[str, float]:
    return {
        valid.key(state, argument): valid.number(seconds, f"{argument}[{state!r}]")
        for state, seconds in mapping(value, argument).items()
    }


def read_document(document: Any, path: str = "data") -> FindingDocument:
    """Check a document and return what it says; ``path`` names it in errors.

    Its state may be one that is not known here, and members without a column are kept. A timestamp
    is an aware ``datetime`` or ISO-8601 text with a zone.

    Where a new document lacks them: ``created_at`` is now, ``updated_at`` the creation, and
    ``state_entered_at`` the timestamp of the last event that led to the present state, else the
    creation.
    """
    mapping(document, path)

    def at(name: str) -> str:
        return f"{path}.{name}"

    def optional(name: str, check: Any) -> Any:
        return valid.optional(document.get(name), at(name), check)

    finding_id = valid.key(document.get("finding_id"), at("finding_id"))
    history = [
        _read_event(event, f"{at('history')}[{number}]", finding_id)
        for number, event in enumerate(valid.items(document.get("history", ()), at("history")))
    ]
    seen: set[str] = set()
    for number, event in enumerate(history):
        if event.event_id in seen:
            raise InvalidInputError(
                f"{at('history')}[{number}].id", "must be unique within the history"
            )
        seen.add(event.event_id)
    state = valid.key(document.get("current_state", "open"), at("current_state"))
    now = utc_now()
    created_at = valid.timestamp_or_text(document.get("created_at", now), at("created_at"))
    entered = [e.occurred_at for e in history if e.to_state == state != e.from_state]
    extra = unknown_members(document, _DOCUMENT_MEMBERS)
    parent = document.get("parent_finding_id")
    finding = FindingWorkflow(
        finding_id=finding_id,
        current_state=state,
        is_terminal=is_terminal(state),
        assigned_to=optional("assigned_to", valid.key),
        assigned_by=optional("assigned_by", valid.key),
        assigned_at=optional("assigned_at", valid.timestamp_or_text),
        priority=priority(document.get("priority", DEFAULT_PRIORITY), at("priority")),
        due_date=optional("due_date", valid.timestamp_or_text),
        parent_finding_id=(
            None if parent is None else other_finding(parent, at("parent_finding_id"), finding_id)
        ),
        resolved_at=optional("resolved_at", valid.timestamp_or_text),
        state_entered_at=valid.timestamp_or_text(
            document.get("state_entered_at", entered[-1] if entered else created_at),
            at("state_entered_at"),
        ),
        time_in_states=_seconds(document.get("time_in_states", {}), at("time_in_states")),
        extra=load_json(valid.document(extra, path)),
        version=1,
        created_at=created_at,
        updated_at=valid.timestamp_or_text(
            document.get("updated_at", created_at), at("updated_at")
        ),
        linked_findings=[
            other_finding(linked, f"{at('linked_findings')}[{number}]", finding_id)
            for number, linked in enumerate(
                dict.fromkeys(valid.texts(document.get("linked_findings"), at("linked_findings")))
            )
        ],
    )
    version = checked_version(document.get("version"), at("version"))
    return FindingDocument(finding, history, version, frozenset(document))


def _read_event(event: Any, path: str, finding_id: str) -> FindingEvent:
    mapping(event, path)
    for name in ("id", "event_type", "timestamp"):
        if event.get(name) is None:
            raise InvalidInputError(f"{path}.{name}", "is missing")
    if event.get("finding_id", finding_id) != finding_id:
        raise InvalidInputError(f"{path}.finding_id", f"must be {finding_id!r}")
    encoded = {
        name: valid.optional(event.get(name), f"{path}.{name}", dump_json)
        for name in ("old_value", "new_value")
    }
    extra = unknown_members(event, _EVENT_MEMBERS)
    return FindingEvent(
        finding_id=finding_id,
        position=0,
        event_id=valid.key(event["id"], f"{path}.id"),
        event_type=valid.key(event["event_type"], f"{path}.event_type"),
        occurred_at=valid.timestamp_or_text(event["timestamp"], f"{path}.timestamp"),
        **{
            name: valid.optional_text(event.get(name), f"{path}.{name}")
            for name in (
                "user_id",
                "user_name",
                "from_state",
                "to_state",
                "field_name",
                "comment",
            )
        },
        **{name: None if value is None else load_json(value) for name, value in encoded.items()},
        extra=load_json(valid.document(extra, path)),
    )


def new_event_id() -> str:
    """Return an identifier that no other event has."""
    return new_id()
