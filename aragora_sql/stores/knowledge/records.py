"""What the store of knowledge returns and takes: records, words, and checks of new rows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from aragora_sql.database.values import EncodedJSON, utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms

__all__ = [
    "AccessGrant",
    "Contradiction",
    "Contradictions",
    "FoundNode",
    "KnowledgeNode",
    "KnowledgePath",
    "KnowledgeRelationship",
    "KnowledgeStatistics",
    "Neighbor",
    "Neighborhood",
    "NodeMatch",
    "NodeProvenance",
    "PathPlace",
    "PruneRecord",
    "changed_columns",
    "checked_topics",
    "checked_types",
    "checked_workspace",
    "content_columns",
    "node_parameters",
    "provenance_parameters",
    "row_of",
]

Tier = Literal["fast", "medium", "slow", "glacial"]
Visibility = Literal["private", "workspace", "organization", "public", "system"]
ValidationStatus = Literal[
    "unverified",
    "contested",
    "majority_agreed",
    "byzantine_agreed",
    "formally_proven",
    "verified",
    "contradicted",
]
RelationshipType = Literal[
    "supports", "contradicts", "derived_from", "related_to", "supersedes", "cites", "elaborates"
]
GranteeType = Literal["user", "role", "workspace", "organization"]
PruneAction = Literal["archive", "delete", "demote", "flag"]
Direction = Literal["both", "out", "in"]
NodeOrder = Literal["updated_at", "created_at", "confidence", "staleness_score", "id"]

TIERS: tuple[Tier, ...] = ("fast", "medium", "slow", "glacial")
VISIBILITIES: tuple[Visibility, ...] = ("private", "workspace", "organization", "public", "system")
VALIDATION_STATUSES: tuple[ValidationStatus, ...] = (
    "unverified",
    "contested",
    "majority_agreed",
    "byzantine_agreed",
    "formally_proven",
    "verified",
    "contradicted",
)
RELATIONSHIP_TYPES: tuple[RelationshipType, ...] = (
    "supports",
    "contradicts",
    "derived_from",
    "related_to",
    "supersedes",
    "cites",
    "elaborates",
)
GRANTEE_TYPES: tuple[GranteeType, ...] = ("user", "role", "workspace", "organization")
PRUNE_ACTIONS: tuple[PruneAction, ...] = ("archive", "delete", "demote", "flag")
DIRECTIONS: tuple[Direction, ...] = ("both", "out", "in")
NODE_ORDERS: tuple[NodeOrder, ...] = (
    "updated_at",
    "created_at",
    "confidence",
    "staleness_score",
    "id",
)
LONGEST_CONTENT = 100_000
LONGEST_METADATA = 10_000
MOST_TOPICS = 100
_WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class KnowledgeNode(Record):
    """An item of knowledge; scores and ``confidence`` are from 0 to 1."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    content_hash: str
    confidence: float
    tier: str
    surprise_score: float
    update_count: int
    consolidation_score: float
    validation_status: str
    consensus_proof_id: str | None
    last_validated_at: datetime | None
    staleness_score: float
    revalidation_requested: bool
    visibility: str
    visibility_set_by: str | None
    is_discoverable: bool
    topics: list[str]
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FoundNode(Record):
    """A node that a search found; ``matched`` is how many of its terms are in the content."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    content_hash: str
    confidence: float
    tier: str
    surprise_score: float
    update_count: int
    consolidation_score: float
    validation_status: str
    consensus_proof_id: str | None
    last_validated_at: datetime | None
    staleness_score: float
    revalidation_requested: bool
    visibility: str
    visibility_set_by: str | None
    is_discoverable: bool
    topics: list[str]
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    matched: int


@dataclass(frozen=True, slots=True)
class NodeMatch(Record):
    """A node that a hybrid search found, with its places among both kinds of candidates.

    ``score`` is ``vector_weight / (60 + vector_rank) + keyword_weight / (60 + keyword_rank)``; a
    rank is from 1 on, or None.
    """

    node: KnowledgeNode
    score: float
    vector_rank: int | None
    keyword_rank: int | None
    similarity: float | None


@dataclass(frozen=True, slots=True)
class NodeProvenance(Record):
    """Where a node comes from; ``transformations`` are objects with type, agent_id and so on."""

    id: str
    node_id: str
    source_type: str
    source_id: str
    agent_id: str | None
    debate_id: str | None
    document_id: str | None
    user_id: str | None
    parent_provenance_id: str | None
    transformation_type: str | None
    transformations: list[Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KnowledgeRelationship(Record):
    """A link from one node to another."""

    id: str
    from_node_id: str
    to_node_id: str
    relationship_type: str
    strength: float
    created_by: str | None
    metadata: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccessGrant(Record):
    """Who else may see a node; ``expires_at`` None: for ever."""

    id: str
    item_id: str
    grantee_type: str
    grantee_id: str
    permissions: list[str]
    granted_by: str | None
    granted_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class PruneRecord(Record):
    """What a clean-up of a workspace did."""

    id: str
    workspace_id: str
    executed_at: datetime
    policy_id: str | None
    action: str
    items_pruned: int
    pruned_item_ids: list[str]
    reason: str | None
    executed_by: str | None


@dataclass(frozen=True, slots=True)
class Neighbor(Record):
    """A node that a walk met; ``depth`` is the number of steps to it."""

    id: str
    workspace_id: str
    node_type: str
    content: str
    confidence: float
    depth: int


@dataclass(frozen=True, slots=True)
class Neighborhood(Record):
    """The nodes near a node; ``is_complete`` is False when a bound left some out."""

    nodes: list[Neighbor]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class PathPlace(Record):
    """A node on a way, and the relationship that leads to it; the first place has none.

    ``is_forward`` tells whether that relationship points to this node.
    """

    id: str
    workspace_id: str
    node_type: str
    content: str
    confidence: float
    relationship_id: str | None
    relationship_type: str | None
    is_forward: bool | None


@dataclass(frozen=True, slots=True)
class KnowledgePath(Record):
    """A shortest way; without places there is none. ``is_complete``: no bound left a node out."""

    places: list[PathPlace]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Contradiction(Record):
    """Two nodes that contradict each other; ``depth`` is the number of steps to ``node_id``."""

    depth: int
    node_id: str
    relationship_id: str
    strength: float
    other_id: str
    other_type: str
    other_content: str
    other_confidence: float


@dataclass(frozen=True, slots=True)
class Contradictions(Record):
    """What contradicts a node and what belongs to it; see :class:`Neighborhood`."""

    found: list[Contradiction]
    is_complete: bool


class KnowledgeStatistics(TypedDict):
    """Counts of a workspace; ``average_confidence`` has 3 decimals, 0.0 without nodes."""

    total_nodes: int
    nodes_by_type: dict[str, int]
    nodes_by_tier: dict[str, int]
    nodes_by_validation: dict[str, int]
    total_relationships: int
    relationships_by_type: dict[str, int]
    average_confidence: float
    stale_nodes_count: int


def checked_workspace(value: Any, argument: str = "workspace_id") -> str:
    """Check a workspace: 1 to 64 letters, digits, ``_`` and ``-`` of ASCII."""
    checked = valid.text(value, argument)
    if not _WORKSPACE.fullmatch(checked):
        raise InvalidInputError(
            argument,
            f"must be 1 to 64 of the letters A to Z, digits, _ and -, not {valid.shown(checked)}",
        )
    return checked


def checked_topics(value: Any, argument: str) -> list[str]:
    """Check at most 100 topics, and leave out repeats."""
    topics = [
        valid.key(one, f"{argument}[{i}]") for i, one in enumerate(valid.items(value, argument))
    ]
    if len(topics) > MOST_TOPICS:
        raise InvalidInputError(argument, f"must be at most {MOST_TOPICS}, not {len(topics):,}")
    return list(dict.fromkeys(topics))


def checked_types(value: Any, argument: str = "types") -> list[RelationshipType] | None:
    """Check types of relationships; None: all."""
    if value is None:
        return None
    return [
        valid.choice(one, f"{argument}[{i}]", RELATIONSHIP_TYPES)
        for i, one in enumerate(valid.items(value, argument))
    ]


def _content(value: Any, argument: str) -> str:
    checked = valid.identifier(value, argument)
    if len(checked) > LONGEST_CONTENT:
        raise InvalidInputError(argument, f"must be at most {LONGEST_CONTENT:,} characters long")
    return checked


def _metadata(value: Any, argument: str) -> EncodedJSON:
    encoded = valid.document(value, argument)
    if len(encoded) > LONGEST_METADATA:
        raise InvalidInputError(
            argument, f"must be at most {LONGEST_METADATA:,} characters long as JSON"
        )
    return encoded


def _word(allowed: Collection[str]) -> Callable[[Any, str], str]:
    return lambda value, argument: valid.choice(value, argument, allowed)


# What may be changed of a node, with its check; None leaves a column as it is.
CHANGEABLE: dict[str, Callable[[Any, str], Any]] = {
    "node_type": valid.key,
    "content": _content,
    "confidence": valid.fraction,
    "tier": _word(TIERS),
    "surprise_score": valid.fraction,
    "consolidation_score": valid.fraction,
    "validation_status": _word(VALIDATION_STATUSES),
    "consensus_proof_id": valid.key,
    "last_validated_at": valid.timestamp,
    "staleness_score": valid.fraction,
    "revalidation_requested": valid.boolean,
    "visibility": _word(VISIBILITIES),
    "visibility_set_by": valid.key,
    "is_discoverable": valid.boolean,
    "metadata": _metadata,
}
_DEFAULTS: dict[str, Any] = {
    "node_type": "fact",
    "confidence": 0.5,
    "tier": "slow",
    "surprise_score": 0.0,
    "consolidation_score": 0.0,
    "validation_status": "unverified",
    "consensus_proof_id": None,
    "last_validated_at": None,
    "staleness_score": 0.0,
    "revalidation_requested": False,
    "visibility": "workspace",
    "visibility_set_by": None,
    "is_discoverable": True,
    "metadata": EncodedJSON("{}"),
}
_PROVENANCE: dict[str, Callable[[Any, str], Any]] = {
    "agent_id": valid.key,
    "debate_id": valid.key,
    "document_id": valid.key,
    "user_id": valid.key,
    "parent_provenance_id": valid.key,
    "transformation_type": valid.key,
}
_OF_NODE = {"id", "workspace_id", "topics", "vector", "created_at", *CHANGEABLE}
_OF_SOURCE = {"source_type", "source_id", "transformations", *_PROVENANCE}


def content_columns(content: str) -> dict[str, str]:
    """Return the columns that follow from a content: hash and search terms."""
    return {
        "content_hash": hashlib.sha256(content.encode()).hexdigest()[:32],
        "search_terms": document_terms(content),
    }


def changed_columns(given: Any, argument: str) -> dict[str, Any]:
    """Check changes of a node, and return all columns that may be changed; None: not this one."""
    changes = mapping(given, argument)
    for name in changes:
        if name not in CHANGEABLE:
            raise InvalidInputError(
                f"{argument}.{valid.shown(name).strip(chr(39))}",
                f"is not one of {', '.join(CHANGEABLE)}",
            )
    row: dict[str, Any] = dict.fromkeys(("content_hash", "search_terms"))
    for name, check in CHANGEABLE.items():
        row[name] = valid.optional(changes.get(name), f"{argument}.{name}", check)
    return row if row["content"] is None else row | content_columns(row["content"])


def node_parameters(given: Any, argument: str) -> dict[str, Any]:
    """Check a new node, and return the parameters of its row."""
    data = mapping(given, argument)
    for name in data:
        if name not in _OF_NODE and name not in _OF_SOURCE:
            raise InvalidInputError(
                f"{argument}.{valid.shown(name).strip(chr(39))}",
                f"is not one of {', '.join(sorted(_OF_NODE | _OF_SOURCE))}",
            )
    columns = changed_columns({k: v for k, v in data.items() if k in CHANGEABLE}, argument)
    if columns["content"] is None:
        raise InvalidInputError(f"{argument}.content", "is missing")
    columns |= {name: _DEFAULTS[name] for name in _DEFAULTS if columns[name] is None}
    at = utc_now()
    key = valid.optional(data.get("id"), f"{argument}.id", valid.key)
    created_at = valid.optional(data.get("created_at"), f"{argument}.created_at", valid.timestamp)
    return {
        **columns,
        "id": key or prefixed_id("kn_"),
        "workspace_id": checked_workspace(data.get("workspace_id"), f"{argument}.workspace_id"),
        "update_count": 1,
        "created_at": created_at or at,
        "updated_at": at,
    }


def provenance_parameters(given: Mapping[str, Any], argument: str) -> dict[str, Any] | None:
    """Check where a new node comes from, and return the parameters of that row; None: not said."""
    if given.get("source_type") is None:
        for name in sorted(_OF_SOURCE & given.keys()):
            if given[name] is not None:
                raise InvalidInputError(f"{argument}.source_type", f"is missing beside {name}")
        return None
    row: dict[str, Any] = {
        "source_type": valid.key(given["source_type"], f"{argument}.source_type"),
        "source_id": valid.text(given.get("source_id") or "", f"{argument}.source_id"),
        "transformations": valid.array(given.get("transformations"), f"{argument}.transformations"),
        "created_at": utc_now(),
    }
    for name, check in _PROVENANCE.items():
        row[name] = valid.optional(given.get(name), f"{argument}.{name}", check)
    return row


def row_of(node: KnowledgeNode) -> dict[str, Any]:
    """Return the parameters of the row of a node that was stored before."""
    values = {name: value for name, value in dict(node).items() if name != "topics"}
    return {
        **values,
        **content_columns(node.content),
        "metadata": valid.document(node.metadata, "metadata"),
    }
