"""What the continuum memory returns and takes: records, and checks of new rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from aragora_sql.stores import validation as valid
from aragora_sql.stores.continuum.tiers import MIN_UPDATES, MemoryTier, TierWord, checked_tier
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms
from aragora_sql.stores.vectors import unit_vector

if TYPE_CHECKING:
    from aragora_sql.queries.typed.continuum import AddEntriesParameters

__all__ = [
    "ArchiveReason",
    "ArchivedEntry",
    "CleanupCounts",
    "ContinuumArchiveStats",
    "ContinuumEntry",
    "ContinuumStats",
    "Deletion",
    "HybridMatch",
    "NewEntry",
    "RestoreCounts",
    "RetrievedEntry",
    "TierStats",
    "TierTransition",
    "Timeline",
    "content_terms",
    "new_entry",
]


@dataclass(frozen=True, slots=True)
class ContinuumEntry(Record):
    """An entry of the memory.

    ``importance``, ``surprise_score`` and ``consolidation_score`` are from 0 to 1. ``update_count``
    is 1 and the number of outcomes.
    """

    id: str
    tenant_id: str | None
    tier: str
    content: str
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    cross_references: list[str]
    metadata: dict[str, Any]
    last_promotion_at: datetime | None
    last_move_at: datetime | None
    last_prewarmed_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def success_rate(self) -> float:
        """The fraction of outcomes that were a success; 0.5 without any."""
        outcomes = self.success_count + self.failure_count
        return self.success_count / outcomes if outcomes else 0.5

    @property
    def stability_score(self) -> float:
        """1 - surprise_score."""
        return 1.0 - self.surprise_score

    @property
    def tags(self) -> list[Any]:
        """The list ``tags`` of the metadata; empty when there is none."""
        tags = self.metadata.get("tags")
        return tags if isinstance(tags, list) else []

    @property
    def knowledge_mound_id(self) -> str:
        """The id under which a knowledge store keeps the entry."""
        return f"cm_{self.id}"

    @property
    def has_enough_updates(self) -> bool:
        """Whether it had enough updates to move by its surprise."""
        return self.update_count >= MIN_UPDATES


@dataclass(frozen=True, slots=True)
class RetrievedEntry(ContinuumEntry):
    """An entry with its score for a query; ``relevance`` is the share of the terms that it has."""

    score: float
    relevance: float


@dataclass(frozen=True, slots=True)
class HybridMatch(Record):
    """An entry that a hybrid search found, with its places among both kinds of candidates.

    ``score`` is ``vector_weight / (60 + vector_rank) + keyword_weight / (60 + keyword_rank)``; a
    rank is from 1 on, or None.
    """

    entry: ContinuumEntry
    score: float
    vector_rank: int | None
    keyword_rank: int | None
    similarity: float | None


@dataclass(frozen=True, slots=True)
class TierTransition(Record):
    """A move of an entry, which may be deleted since."""

    id: int
    memory_id: str
    tenant_id: str | None
    from_tier: str
    to_tier: str
    reason: str
    surprise_score: float
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ArchivedEntry(Record):
    """An entry that was deleted and kept."""

    archive_id: int
    id: str
    tenant_id: str | None
    tier: str
    content: str
    importance: float
    surprise_score: float
    consolidation_score: float
    update_count: int
    success_count: int
    failure_count: int
    red_line: bool
    red_line_reason: str
    metadata: dict[str, Any]
    last_promotion_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    cross_references: list[str]
    archived_at: datetime
    archive_reason: str


@dataclass(frozen=True, slots=True)
class Timeline(Record):
    """The entries before and after one, in the order of their creation."""

    anchor: ContinuumEntry
    before: list[ContinuumEntry]
    after: list[ContinuumEntry]


@dataclass(frozen=True, slots=True)
class Deletion(Record):
    """What became of a deletion; ``blocked`` says that the entry is red-lined."""

    id: str
    deleted: bool
    archived: bool
    blocked: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CleanupCounts(Record):
    """What a clean-up of a tier did; ``cutoff_hours`` is the age from which entries went."""

    archived: int
    deleted: int
    cutoff_hours: float


@dataclass(frozen=True, slots=True)
class TierStats(Record):
    """The entries of a tier; averages are 0.0 when there are none."""

    count: int
    avg_importance: float
    avg_surprise: float
    avg_consolidation: float
    red_lines: int


@dataclass(frozen=True, slots=True)
class ContinuumStats(Record):
    """All tiers, and how often entries moved from one to another."""

    total_memories: int
    by_tier: dict[str, TierStats]
    transitions: list[dict[str, Any]]
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArchiveReason(Record):
    """How many entries of a tier were archived for a reason."""

    tier: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class ContinuumArchiveStats(Record):
    """The archive; both times are None while it is empty."""

    total_archived: int
    by_tier_reason: list[ArchiveReason]
    oldest_archived: datetime | None
    newest_archived: datetime | None


@dataclass(frozen=True, slots=True)
class RestoreCounts(Record):
    """What :meth:`ContinuumMemory.restore_snapshot` did with the entries of a snapshot.

    ``protected`` of the skipped ones are red-lined in the database.
    """

    restored: int
    updated: int
    skipped: int
    protected: int


class NewEntry(TypedDict):
    """The arguments of :meth:`ContinuumMemory.add`, as ``add_many`` takes them."""

    memory_id: str
    content: str
    tier: NotRequired[MemoryTier | TierWord]
    importance: NotRequired[float]
    metadata: NotRequired[Mapping[str, Any] | None]
    tenant_id: NotRequired[str | None]
    expires_at: NotRequired[datetime | None]
    cross_references: NotRequired[Iterable[str] | None]
    vector: NotRequired[Iterable[float] | None]


@dataclass(frozen=True, slots=True)
class PreparedEntry(Record):
    """A checked new entry beside the parameters of its row."""

    id: str
    cross_references: list[str] | None
    vector: list[float] | None


def new_entry(
    path: str,
    *,
    memory_id: str,
    content: str,
    tier: MemoryTier | TierWord = "slow",
    importance: float = 0.5,
    metadata: Mapping[str, Any] | None = None,
    tenant_id: str | None = None,
    expires_at: datetime | None = None,
    cross_references: Iterable[str] | None = None,
    vector: Iterable[float] | None = None,
    stored_at: datetime,
) -> tuple[PreparedEntry, AddEntriesParameters]:
    """Check a new entry; return it and the parameters of its row."""
    row: AddEntriesParameters = {
        "id": valid.key(memory_id, f"{path}memory_id"),
        "tenant_id": valid.optional(tenant_id, f"{path}tenant_id", valid.key),
        "tier": checked_tier(tier, f"{path}tier"),
        "content": valid.text(content, f"{path}content"),
        "content_terms": content_terms(content),
        "importance": valid.fraction(importance, f"{path}importance"),
        "metadata": valid.document(metadata, f"{path}metadata"),
        "expires_at": valid.optional(expires_at, f"{path}expires_at", valid.timestamp),
        "stored_at": stored_at,
    }
    prepared = PreparedEntry(
        id=row["id"],
        cross_references=valid.optional(
            cross_references, f"{path}cross_references", checked_references
        ),
        vector=valid.optional(vector, f"{path}vector", unit_vector),
    )
    return prepared, row


def content_terms(content: str) -> str:
    """Return the search terms of a content as they are stored."""
    return document_terms(content)


def checked_references(value: object, argument: str) -> list[str]:
    """Check a list of identifiers of nodes, and leave out repeats."""
    named = [
        valid.key(one, f"{argument}[{i}]") for i, one in enumerate(valid.items(value, argument))
    ]
    return list(dict.fromkeys(named))
