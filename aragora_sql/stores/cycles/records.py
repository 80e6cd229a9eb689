"""What the store of cycles takes and returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, number_in
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms

__all__ = [
    "Cycle",
    "PatternStatistics",
    "TrajectoryPoint",
    "cycle_parameters",
    "entries_of",
    "trajectory_point",
]


@dataclass(frozen=True, slots=True)
class Cycle(Record):
    """A cycle; ``data`` is the whole record that was saved, the other fields are made of it."""

    cycle_id: str
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: float | None
    success: bool
    topics: list[str]
    data: dict[str, Any]


class TrajectoryPoint(TypedDict):
    """What an agent did in a cycle; the rate is accepted by made, 0 without proposals."""

    cycle_id: str
    timestamp: datetime
    proposals_made: int
    proposals_accepted: int
    acceptance_rate: float
    critiques_given: int
    critiques_valuable: int
    quality_score: float
    cycle_success: bool


class PatternStatistics(TypedDict):
    """How a kind of patterns went; ``examples`` are up to three descriptions, newest first."""

    success_count: int
    failure_count: int
    success_rate: float
    avg_confidence: float
    total_confidence: float
    examples: list[str]


_LISTS = ("surprise_events", "pattern_reinforcements")


def cycle_parameters(record: Any) -> dict[str, Any]:
    """Check the record of a cycle, and return the parameters of its query."""
    document = dict(mapping(record, "record"))
    times: dict[str, datetime | None] = {}
    for name in ("started_at", "completed_at"):
        given = document.get(name)
        times[name] = valid.optional(given, f"record.{name}", _moment)
        if isinstance(given, datetime):
            document[name] = given.isoformat()
    if times["started_at"] is None:
        raise InvalidInputError("record.started_at", "is missing")
    contributions = document.get("agent_contributions") or {}
    for agent, entry in mapping(contributions, "record.agent_contributions").items():
        mapping(entry, f"record.agent_contributions.{valid.text(agent, 'record: an agent')}")
    for name in _LISTS:
        for number, entry in enumerate(valid.items(document.get(name) or (), f"record.{name}")):
            mapping(entry, f"record.{name}[{number}]")
    topics = valid.texts(document.get("topics_debated"), "record.topics_debated")
    duration = document.get("duration_seconds")
    success = document.get("success")
    return {
        "cycle_id": valid.key(document.get("cycle_id"), "record.cycle_id"),
        **times,
        "duration_seconds": valid.optional(
            duration, "record.duration_seconds", lambda v, a: valid.number(v, a, 0, 1e300)
        ),
        "success": success is not None and valid.boolean(success, "record.success"),
        "topics": valid.array(topics, "record.topics_debated"),
        "data": valid.document(document, "record"),
        "search_terms": document_terms(topics),
    }


def _moment(value: Any, argument: str) -> datetime:
    if isinstance(value, str):
        return valid.timestamp_or_text(value, argument)
    return valid.timestamp_or_seconds(value, argument)


def entries_of(cycle: Cycle, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a list of a cycle; what older programs left there is passed over."""
    found = cycle.data.get(name)
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping):
            yield entry


def trajectory_point(cycle: Cycle, agent: str) -> TrajectoryPoint | None:
    """Return what an agent did in a cycle; None when it took no part."""
    contributions = cycle.data.get("agent_contributions")
    entry = contributions.get(agent) if isinstance(contributions, Mapping) else None
    if not isinstance(entry, Mapping):
        return None
    made, accepted = (int(number_in(entry, f"proposals_{what}")) for what in ("made", "accepted"))
    return {
        "cycle_id": cycle.cycle_id,
        "timestamp": cycle.started_at,
        "proposals_made": made,
        "proposals_accepted": accepted,
        "acceptance_rate": accepted / made if made else 0.0,
        "critiques_given": int(number_in(entry, "critiques_given")),
        "critiques_valuable": int(number_in(entry, "critiques_valuable")),
        "quality_score": float(number_in(entry, "quality_score")),
        "cycle_success": cycle.success,
    }
