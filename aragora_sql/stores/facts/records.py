"""What the store of facts returns and takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.paging import FIRST_TIMESTAMP, LAST_TIMESTAMP
from aragora_sql.stores.records import Record

__all__ = [
    "Fact",
    "FactFilters",
    "FactRelation",
    "FactStatistics",
    "FoundFact",
    "checked_filters",
    "statement_hash",
]

FactStatus = Literal[
    "unverified", "contested", "majority_agreed", "byzantine_agreed", "formally_proven"
]
FactRelationType = Literal["supports", "contradicts", "supersedes", "implies", "related_to"]

STATUSES: tuple[FactStatus, ...] = (
    "unverified",
    "contested",
    "majority_agreed",
    "byzantine_agreed",
    "formally_proven",
)
VERIFIED = frozenset(STATUSES[2:])
RELATION_TYPES: tuple[FactRelationType, ...] = (
    "supports",
    "contradicts",
    "supersedes",
    "implies",
    "related_to",
)


@dataclass(frozen=True, slots=True)
class Fact(Record):
    """A statement; ``confidence`` is from 0 to 1."""

    id: str
    workspace_id: str
    statement: str
    statement_hash: str
    confidence: float
    evidence_ids: list[str]
    source_documents: list[str]
    topics: list[str]
    consensus_proof_id: str | None
    validation_status: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    superseded_by: str | None

    @property
    def is_verified(self) -> bool:
        """Whether a majority, a byzantine agreement or a proof stands behind it."""
        return self.validation_status in VERIFIED


@dataclass(frozen=True, slots=True)
class FoundFact(Record):
    """A fact that a search found; ``matched`` is how many of its terms are in it."""

    id: str
    workspace_id: str
    statement: str
    statement_hash: str
    confidence: float
    evidence_ids: list[str]
    source_documents: list[str]
    topics: list[str]
    consensus_proof_id: str | None
    validation_status: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    superseded_by: str | None
    matched: int


@dataclass(frozen=True, slots=True)
class FactRelation(Record):
    """How a fact is related to another one; ``confidence`` is from 0 to 1."""

    id: str
    source_fact_id: str
    target_fact_id: str
    relation_type: str
    confidence: float
    created_by: str | None
    metadata: dict[str, Any]
    created_at: datetime


class FactFilters(TypedDict, total=False):
    """What facts have to be like; ``topics`` and ``source_documents`` are all in the fact."""

    workspace_id: str | None
    topics: Iterable[str] | None
    min_confidence: float
    validation_status: FactStatus | None
    include_superseded: bool
    source_documents: Iterable[str] | None
    created_after: datetime | None
    created_before: datetime | None


class FactStatistics(TypedDict):
    """Counts of facts; ``average_confidence`` is 0.0 without any."""

    total_facts: int
    verified_facts: int
    by_status: dict[str, int]
    average_confidence: float
    total_relations: int


def statement_hash(statement: str) -> str:
    """Return the hash of a statement, in lower case and with single blanks."""
    folded = " ".join(statement.lower().split())
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


def checked_filters(value: Any, argument: str = "filters") -> dict[str, Any]:
    """Check filters, and return the parameters of a query; what is missing leaves nothing out."""
    given = {} if value is None else mapping(value, argument)
    for name in given:
        if name not in FactFilters.__annotations__:
            raise InvalidInputError(
                argument, f"may have {', '.join(FactFilters.__annotations__)} only"
            )

    def of(name: str, check: Any, otherwise: Any = None) -> Any:
        found = given.get(name)
        return otherwise if found is None else check(found, f"{argument}.{name}")

    def words(name: str) -> Any:
        return valid.array(of(name, valid.texts, []), f"{argument}.{name}")

    return {
        "workspace_id": of("workspace_id", valid.text),
        "topics": words("topics"),
        "source_documents": words("source_documents"),
        "min_confidence": of("min_confidence", valid.fraction, 0.0),
        "validation_status": of(
            "validation_status", lambda word, name: valid.choice(word, name, STATUSES)
        ),
        "include_superseded": of("include_superseded", valid.boolean, False),
        "created_after": of("created_after", valid.timestamp, FIRST_TIMESTAMP),
        "created_before": of("created_before", valid.timestamp, LAST_TIMESTAMP),
    }
