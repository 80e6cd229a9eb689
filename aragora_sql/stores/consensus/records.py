"""What the consensus store returns and takes: records, enumerations, and checks of new rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, get_args

from aragora_sql.database.values import (
    EncodedJSON,
    dump_plain_each,
    dump_text_lists,
    format_timestamp,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.consensus.topics import topic_hash
from aragora_sql.stores.documents import as_read
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import Record, decoded_when_read, maker_of
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.consensus import (
        InsertConsensusParameters,
        InsertDissentParameters,
        InsertProofParameters,
    )

__all__ = [
    "CleanupResult",
    "ConsensusRecord",
    "ConsensusStats",
    "ConsensusStrength",
    "DebateVote",
    "DissentRecord",
    "DissentType",
    "ProofRecord",
    "ProofStatus",
    "SimilarConsensus",
    "SimilarDebate",
    "new_consensus",
    "new_consensus_of_batch",
    "new_dissent",
    "new_proof",
]


class ConsensusStrength(StrEnum):
    """How broad the agreement is."""

    UNANIMOUS = "unanimous"
    STRONG = "strong"
    MODERATE = "moderate"
    WEAK = "weak"
    SPLIT = "split"
    CONTESTED = "contested"


class DissentType(StrEnum):
    """What kind of objection a dissent is."""

    MINOR_QUIBBLE = "minor_quibble"
    ALTERNATIVE_APPROACH = "alternative_approach"
    FUNDAMENTAL_DISAGREEMENT = "fundamental_disagreement"
    EDGE_CASE_CONCERN = "edge_case_concern"
    RISK_WARNING = "risk_warning"
    ABSTENTION = "abstention"


class ProofStatus(StrEnum):
    """How a run of a prover ended."""

    NOT_ATTEMPTED = "not_attempted"
    TRANSLATION_FAILED = "translation_failed"
    PROOF_FOUND = "proof_found"
    PROOF_FAILED = "proof_failed"
    TIMEOUT = "timeout"
    BACKEND_UNAVAILABLE = "backend_unavailable"
    NOT_SUPPORTED = "not_supported"
    UNKNOWN = "unknown"


# The same words, for those who write them as text: a type checker finds a mistake in one.
StrengthWord = Literal["unanimous", "strong", "moderate", "weak", "split", "contested"]
DissentTypeWord = Literal[
    "minor_quibble",
    "alternative_approach",
    "fundamental_disagreement",
    "edge_case_concern",
    "risk_warning",
    "abstention",
]
ProofStatusWord = Literal[
    "not_attempted",
    "translation_failed",
    "proof_found",
    "proof_failed",
    "timeout",
    "backend_unavailable",
    "not_supported",
    "unknown",
]

STRENGTHS: tuple[StrengthWord, ...] = get_args(StrengthWord)
DISSENT_TYPES: tuple[DissentTypeWord, ...] = get_args(DissentTypeWord)
PROOF_STATUSES: tuple[ProofStatusWord, ...] = get_args(ProofStatusWord)


# The lists and documents of a consensus, in the order in which they are encoded.
_ENCODED = (
    "participating_agents",
    "agreeing_agents",
    "dissenting_agents",
    "key_claims",
    "supporting_evidence",
    "tags",
    "belief_cruxes",
    "metadata",
    "data",
)


@decoded_when_read(*_ENCODED)
@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusRecord(Record):
    """What a debate agreed on.

    ``confidence`` is from 0 to 1, ``debate_duration_seconds`` in seconds. ``superseded_by`` is the
    newest consensus that replaced this one, ``dissent_ids`` are its dissents, oldest first.
    """

    id: str
    topic: str
    topic_hash: str
    conclusion: str
    strength: ConsensusStrength | StrengthWord
    confidence: float
    domain: str | None
    debate_id: str | None
    participating_agents: list[str]
    agreeing_agents: list[str]
    dissenting_agents: list[str]
    key_claims: list[str]
    supporting_evidence: list[str]
    tags: list[str]
    belief_cruxes: list[Any]
    rounds: int
    debate_duration_seconds: float
    supersedes: str | None
    superseded_by: str | None
    dissent_ids: list[str]
    metadata: dict[str, Any]
    data: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def timestamp(self) -> datetime:
        """When the consensus was reached; another name of ``created_at``."""
        return self.created_at

    def compute_agreement_ratio(self) -> float:
        """Return the fraction of participating agents that agreed; 0 when nobody took part."""
        if not self.participating_agents:
            return 0.0
        return len(self.agreeing_agents) / len(self.participating_agents)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarConsensus(ConsensusRecord):
    """A consensus on a similar topic.

    ``similarity`` is the Jaccard similarity of both topics' terms, above 0.1 and up to 1; 1 for
    the same set of words.
    """

    similarity: float

    @property
    def similarity_score(self) -> float:
        """Another name of ``similarity``."""
        return self.similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class DissentRecord(Record):
    """An opinion against a consensus; ``confidence`` is the agent's own, from 0 to 1."""

    id: str
    consensus_id: str
    agent_id: str
    dissent_type: DissentType | DissentTypeWord
    content: str
    reasoning: str
    confidence: float
    acknowledged: bool
    rebuttal: str
    metadata: dict[str, Any]
    data: dict[str, Any]
    created_at: datetime

    @property
    def debate_id(self) -> str:
        """The older name of ``consensus_id``."""
        return self.consensus_id

    @property
    def timestamp(self) -> datetime:
        """Another name of ``created_at``."""
        return self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRecord(Record):
    """A run of a formal prover on a consensus; times are in milliseconds."""

    id: str
    consensus_id: str
    proof_status: ProofStatus | ProofStatusWord
    language: str | None
    formal_statement: str | None
    is_verified: bool
    proof_hash: str | None
    translation_time_ms: float | None
    proof_search_time_ms: float | None
    prover_version: str | None
    error_message: str | None
    metadata: dict[str, Any]
    data: dict[str, Any]
    created_at: datetime

    @property
    def debate_id(self) -> str:
        """The older name of ``consensus_id``."""
        return self.consensus_id

    @property
    def timestamp(self) -> datetime:
        """Another name of ``created_at``."""
        return self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateVote(Record):
    """A user's vote on a debate."""

    debate_id: str
    user_id: str
    vote: str
    source: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SimilarDebate(Record):
    """A similar consensus with its dissents, newest first, and why it matters."""

    consensus: ConsensusRecord
    similarity_score: float
    dissents: list[DissentRecord]
    relevance_notes: str

    @property
    def similarity(self) -> float:
        """Another name of ``similarity_score``."""
        return self.similarity_score


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusStats(Record):
    """Counts of the whole store; ``by_domain`` has the ten largest domains."""

    total_consensus: int
    total_dissents: int
    total_proofs: int
    verified_proofs: int
    avg_confidence: float
    by_strength: dict[str, int]
    by_domain: dict[str, int]
    by_dissent_type: dict[str, int]


@dataclass(frozen=True, slots=True)
class CleanupResult(Record):
    """How many consensus and dissent rows a clean-up archived and deleted."""

    archived: int
    deleted: int


class ConsensusEntry(TypedDict):
    """A consensus of a batch: the arguments of ``store_consensus``."""

    topic: str
    conclusion: str
    strength: ConsensusStrength | StrengthWord
    confidence: float
    participating_agents: Iterable[str]
    agreeing_agents: Iterable[str]
    dissenting_agents: NotRequired[Iterable[str] | None]
    key_claims: NotRequired[Iterable[str] | None]
    domain: NotRequired[str]
    tags: NotRequired[Iterable[str] | None]
    debate_duration: NotRequired[float]
    rounds: NotRequired[int]
    metadata: NotRequired[Mapping[str, Any] | None]
    supporting_evidence: NotRequired[Iterable[str] | None]
    belief_cruxes: NotRequired[Iterable[Any] | None]
    supersedes: NotRequired[str | None]
    debate_id: NotRequired[str | None]
    data: NotRequired[Mapping[str, Any] | None]
    created_at: NotRequired[datetime | None]


class DissentEntry(TypedDict):
    """A dissent of a batch: the arguments of ``store_dissent``."""

    debate_id: str
    agent_id: str
    dissent_type: DissentType | DissentTypeWord
    content: str
    reasoning: NotRequired[str]
    confidence: NotRequired[float]
    acknowledged: NotRequired[bool]
    rebuttal: NotRequired[str]
    metadata: NotRequired[Mapping[str, Any] | None]
    data: NotRequired[Mapping[str, Any] | None]
    created_at: NotRequired[datetime | None]


class ProofEntry(TypedDict):
    """A proof of a batch: the arguments of ``store_proof``."""

    debate_id: str
    proof_status: ProofStatus | ProofStatusWord
    language: NotRequired[str | None]
    formal_statement: NotRequired[str | None]
    is_verified: NotRequired[bool]
    proof_hash: NotRequired[str | None]
    translation_time_ms: NotRequired[float | None]
    proof_search_time_ms: NotRequired[float | None]
    prover_version: NotRequired[str | None]
    error_message: NotRequired[str | None]
    metadata: NotRequired[Mapping[str, Any] | None]
    data: NotRequired[Mapping[str, Any] | None]
    created_at: NotRequired[datetime | None]


def new_consensus(path: str, **arguments: Any) -> tuple[ConsensusRecord, InsertConsensusParameters]:
    """Check the arguments and return the record and the parameters of its query."""
    record, values = new_consensus_of_batch(path, **arguments)
    row: Any = dict(zip(_PARAMETERS, values, strict=True))
    for name in _ENCODED:
        row[name] = EncodedJSON(row[name])
    row["created_at"] = row["updated_at"] = record.created_at
    return record, row


def new_consensus_of_batch(
    path: str,
    topic: str,
    conclusion: str,
    strength: ConsensusStrength | StrengthWord,
    confidence: float,
    participating_agents: Iterable[str],
    agreeing_agents: Iterable[str],
    dissenting_agents: Iterable[str] | None = None,
    key_claims: Iterable[str] | None = None,
    domain: str = "general",
    tags: Iterable[str] | None = None,
    debate_duration: float = 0.0,
    rounds: int = 0,
    metadata: Mapping[str, Any] | None = None,
    supporting_evidence: Iterable[str] | None = None,
    belief_cruxes: Iterable[Any] | None = None,
    supersedes: str | None = None,
    debate_id: str | None = None,
    data: Mapping[str, Any] | None = None,
    created_at: datetime | None = None,
) -> tuple[ConsensusRecord, list[str | int | float | None]]:
    """Do the same, but return the parameters' values in their order, for many at once.

    Documents and timestamps are text: see :func:`aragora_sql.database.values.dump_rows`.
    """
    timestamp = valid.timestamp_or_now(created_at, f"{path}created_at")
    lists: Any = (
        participating_agents,
        agreeing_agents,
        _NOTHING if dissenting_agents is None else dissenting_agents,
        _NOTHING if key_claims is None else key_claims,
        _NOTHING if supporting_evidence is None else supporting_evidence,
        _NOTHING if tags is None else tags,
    )
    documents = (
        _NOTHING if belief_cruxes is None else belief_cruxes,
        _NO_MEMBERS if metadata is None else metadata,
        _NO_MEMBERS if data is None else data,
    )
    word = _PLAIN_STRENGTHS.get(strength) if type(strength) in _PLAIN_WORDS else None
    plain = None
    if word is not None and _are_plain(
        topic,
        conclusion,
        confidence,
        domain,
        debate_id,
        supersedes,
        rounds,
        debate_duration,
        lists,
        documents,
    ):
        plain = dump_plain_each(documents)
    if plain is None:
        # One by one, to convert what has another form, or to say what is wrong.
        topic = valid.identifier(topic, f"{path}topic")
        conclusion = valid.text(conclusion, f"{path}conclusion")
        word = valid.choice(strength, f"{path}strength", STRENGTHS)
        confidence = valid.fraction(confidence, f"{path}confidence")
        domain = valid.key(domain, f"{path}domain")
        debate_id = valid.optional(debate_id, f"{path}debate_id", valid.key)
        supersedes = valid.optional(supersedes, f"{path}supersedes", valid.key)
        rounds = valid.integer(rounds, f"{path}rounds")
        debate_duration = valid.number(debate_duration, f"{path}debate_duration")
        lists = (
            valid.names(participating_agents, f"{path}participating_agents"),
            valid.names(agreeing_agents, f"{path}agreeing_agents"),
            valid.names(dissenting_agents, f"{path}dissenting_agents"),
            valid.texts(key_claims, f"{path}key_claims"),
            valid.texts(supporting_evidence, f"{path}supporting_evidence"),
            valid.texts(tags, f"{path}tags"),
        )
        plain = [
            valid.array(belief_cruxes, f"{path}belief_cruxes").encode(),
            valid.document(metadata, f"{path}metadata").encode(),
            valid.document(data, f"{path}data").encode(),
        ]
    # There is one zero: SQLite's numbers and PostgreSQL's JSON have no negative one.
    confidence, debate_duration = confidence + 0.0, debate_duration + 0.0
    encoded = [*dump_text_lists(lists), *plain]
    agents, agreeing, dissenting, claims, evidence, tagged, cruxes, members, more = encoded
    key, new, written = topic_hash(topic), new_id(), format_timestamp(timestamp)
    record = _make_consensus(
        new,
        topic,
        key,
        conclusion,
        word,
        confidence,
        domain,
        debate_id,
        agents,
        agreeing,
        dissenting,
        claims,
        evidence,
        tagged,
        cruxes,
        rounds,
        debate_duration,
        supersedes,
        None,
        [],
        members,
        more,
        timestamp,
        timestamp,
    )
    return record, [
        new,
        topic,
        key,
        " ".join(search_terms(topic)),
        conclusion,
        word,
        confidence,
        domain,
        debate_id,
        supersedes,
        rounds,
        debate_duration,
        *map(bytes.decode, encoded),
        written,
        written,
    ]


_make_consensus = maker_of(ConsensusRecord)
_PARAMETERS = (
    "id",
    "topic",
    "topic_hash",
    "topic_terms",
    "conclusion",
    "strength",
    "confidence",
    "domain",
    "debate_id",
    "supersedes",
    "rounds",
    "debate_duration_seconds",
    *_ENCODED,
    "created_at",
    "updated_at",
)
_NOTHING: list[Any] = []
_NO_MEMBERS: dict[str, Any] = {}
_LISTS = {list, tuple}
_PLAIN_WORDS = {str, ConsensusStrength}
_PLAIN_STRENGTHS: dict[str, StrengthWord] = {word: word for word in STRENGTHS}


def _are_plain(
    topic: Any,
    conclusion: Any,
    confidence: Any,
    domain: Any,
    debate_id: Any,
    supersedes: Any,
    rounds: Any,
    duration: Any,
    lists: tuple[Any, ...],
    documents: tuple[Any, Any, Any],
) -> bool:
    """Tell whether nothing of a consensus has to be converted, and nothing is wrong.

    What is said of each argument by itself takes five times as long.
    """
    if not (
        type(confidence) is float
        and 0.0 <= confidence <= 1.0
        and type(duration) is float
        and 0.0 <= duration < math.inf
        and type(rounds) is int
        and 0 <= rounds <= valid.LARGEST_INTEGER
        and {*map(type, lists), type(documents[0])} <= _LISTS
        and type(documents[1]) is type(documents[2]) is dict
    ):
        return False
    participating, agreeing, dissenting, claims, evidence, tags = lists
    keys = [key for key in (domain, debate_id, supersedes) if key is not None]
    return (
        domain is not None
        and valid.are_plain_texts(
            [conclusion, *claims, *evidence, *tags],
            [topic, *keys, *participating, *agreeing, *dissenting],
        )
        and valid.are_short(keys)
    )


def new_dissent(
    path: str,
    debate_id: str,
    agent_id: str,
    dissent_type: DissentType | DissentTypeWord,
    content: str,
    reasoning: str = "",
    confidence: float = 0.0,
    acknowledged: bool = False,
    rebuttal: str = "",
    metadata: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    created_at: datetime | None = None,
) -> tuple[DissentRecord, InsertDissentParameters]:
    """Check the arguments and return the record and the parameters of its query."""
    timestamp = valid.timestamp_or_now(created_at, f"{path}created_at")
    row: InsertDissentParameters = {
        "id": new_id(),
        "consensus_id": valid.key(debate_id, f"{path}debate_id"),
        "agent_id": valid.key(agent_id, f"{path}agent_id"),
        "dissent_type": valid.choice(dissent_type, f"{path}dissent_type", DISSENT_TYPES),
        "content": valid.text(content, f"{path}content"),
        "reasoning": valid.text(reasoning, f"{path}reasoning"),
        "confidence": valid.fraction(confidence, f"{path}confidence"),
        "acknowledged": valid.boolean(acknowledged, f"{path}acknowledged"),
        "rebuttal": valid.text(rebuttal, f"{path}rebuttal"),
        "metadata": valid.document(metadata, f"{path}metadata"),
        "data": valid.document(data, f"{path}data"),
        "created_at": timestamp,
    }
    return DissentRecord(**as_read(row, "metadata", "data")), row


def new_proof(
    path: str,
    debate_id: str,
    proof_status: ProofStatus | ProofStatusWord,
    language: str | None = None,
    formal_statement: str | None = None,
    is_verified: bool = False,
    proof_hash: str | None = None,
    translation_time_ms: float | None = None,
    proof_search_time_ms: float | None = None,
    prover_version: str | None = None,
    error_message: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    created_at: datetime | None = None,
) -> tuple[ProofRecord, InsertProofParameters]:
    """Check the arguments and return the record and the parameters of its query."""
    timestamp = valid.timestamp_or_now(created_at, f"{path}created_at")
    row: InsertProofParameters = {
        "id": new_id(),
        "consensus_id": valid.key(debate_id, f"{path}debate_id"),
        "proof_status": valid.choice(proof_status, f"{path}proof_status", PROOF_STATUSES),
        "language": valid.optional_text(language, f"{path}language"),
        "formal_statement": valid.optional_text(formal_statement, f"{path}formal_statement"),
        "is_verified": valid.boolean(is_verified, f"{path}is_verified"),
        "proof_hash": valid.optional_text(proof_hash, f"{path}proof_hash"),
        "prover_version": valid.optional_text(prover_version, f"{path}prover_version"),
        "error_message": valid.optional_text(error_message, f"{path}error_message"),
        "translation_time_ms": valid.optional(
            translation_time_ms, f"{path}translation_time_ms", valid.number
        ),
        "proof_search_time_ms": valid.optional(
            proof_search_time_ms, f"{path}proof_search_time_ms", valid.number
        ),
        "metadata": valid.document(metadata, f"{path}metadata"),
        "data": valid.document(data, f"{path}data"),
        "created_at": timestamp,
    }
    return ProofRecord(**as_read(row, "metadata", "data")), row
