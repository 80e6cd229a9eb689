"""What the store of scheduled debates takes and returns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypedDict

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import member
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import Record

__all__ = [
    "GroupTotals",
    "ScheduledDebate",
    "ScheduledDebateAnalytics",
    "debate_parameters",
    "hash_topic",
]

HASH_DIGITS = 16
LARGEST_VOLUME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ScheduledDebate(Record):
    """A topic that was debated; ``confidence`` is 0 to 1.

    Without a ``debate_id`` the attempt failed; with one, and without ``consensus_reached``, the
    outcome is not known.
    """

    id: str
    topic_hash: str
    topic_text: str
    platform: str
    category: str | None
    volume: int
    debate_id: str | None
    created_at: datetime
    consensus_reached: bool | None
    confidence: float | None
    rounds_used: int
    scheduler_run_id: str | None
    finalized_at: datetime | None


class GroupTotals(TypedDict):
    """What was scheduled of a platform or category."""

    total: int
    consensus_count: int


class ScheduledDebateAnalytics(TypedDict):
    """Counts; rate and means are of the debates whose outcome is known, None where there is none.

    ``daily_counts`` are of the last seven days in UTC, without those on which nothing was.
    """

    total: int
    completed_debates: int
    consensus_rate: float | None
    avg_confidence: float | None
    avg_rounds: float | None
    by_platform: dict[str, GroupTotals]
    by_category: dict[str, GroupTotals]
    daily_counts: dict[str, int]


def hash_topic(text: str) -> str:
    """Return by what a topic is known again, whatever its case and white space.

    The first 16 hexadecimal digits of the SHA-256 of the lower-case text with single blanks.
    """
    folded = " ".join(valid.identifier(text, "topic_text").lower().split())
    return hashlib.sha256(folded.encode()).hexdigest()[:HASH_DIGITS]


def debate_parameters(record: Any, now: datetime) -> dict[str, Any]:
    """Check what is to be stored, and return the parameters of its query; None is not given."""
    known = [one.name for one in fields(ScheduledDebate)]
    if isinstance(record, Mapping):
        for name in record:
            if name not in known:
                raise InvalidInputError(f"record.{name}", f"is none of {', '.join(known)}")
    elif not isinstance(record, ScheduledDebate):
        raise InvalidInputError(
            "record", f"must be a dictionary or ScheduledDebate, not {type(record).__name__}"
        )

    def read(name: str, check: Any, otherwise: Any = None) -> Any:
        value = member(record, name, "record", None)
        return otherwise if value is None else check(value, f"record.{name}")

    text = valid.identifier(member(record, "topic_text", "record.topic_text"), "record.topic_text")
    if read("topic_hash", valid.text, hash_topic(text)) != hash_topic(text):
        raise InvalidInputError("record.topic_hash", "is not the hash of record.topic_text")
    reached = read("consensus_reached", valid.boolean)
    return {
        "id": read("id", valid.key) or new_id(),
        "topic_hash": hash_topic(text),
        "topic_text": text,
        "platform": valid.key(member(record, "platform", "record.platform"), "record.platform"),
        "category": read("category", valid.key),
        "volume": read("volume", lambda v, a: valid.integer(v, a, most=LARGEST_VOLUME)),
        "debate_id": read("debate_id", valid.key),
        "created_at": read("created_at", _moment, now),
        "consensus_reached": reached,
        "confidence": read("confidence", valid.fraction),
        "rounds_used": read("rounds_used", valid.integer),
        "scheduler_run_id": read("scheduler_run_id", valid.text),
        "finalized_at": read("finalized_at", _moment, None if reached is None else now),
    }


def _moment(value: Any, argument: str) -> datetime:
    if isinstance(value, str):
        return valid.timestamp_or_text(value, argument)
    return valid.timestamp_or_seconds(value, argument)
