"""The types of the queries of the store consensus.

Made by ``aragora-sql stubs`` from
``sql/postgres/consensus/queries.sql`` and ``sql/sqlite/consensus/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

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

StrengthWord = Literal[
    "unanimous",
    "strong",
    "moderate",
    "weak",
    "split",
    "contested",
]

class InsertConsensusParameters(TypedDict):
    """One set of parameters of insert_consensus."""

    id: str
    topic: str
    topic_hash: str
    topic_terms: str | None
    conclusion: str
    strength: StrengthWord
    confidence: float
    domain: str | None
    debate_id: str | None
    supersedes: str | None
    rounds: int
    debate_duration_seconds: float
    participating_agents: Any
    agreeing_agents: Any
    dissenting_agents: Any
    key_claims: Any
    supporting_evidence: Any
    tags: Any
    belief_cruxes: Any
    metadata: Any
    data: Any
    created_at: datetime
    updated_at: datetime

class ConsensusRecordRow(TypedDict):
    """A row of get_consensus, get_by_topic_hash, list_recent, list_domain."""

    id: str
    topic: str
    topic_hash: str
    conclusion: str
    strength: StrengthWord
    confidence: float
    domain: str | None
    debate_id: str | None
    participating_agents: Any
    agreeing_agents: Any
    dissenting_agents: Any
    key_claims: Any
    supporting_evidence: Any
    tags: Any
    belief_cruxes: Any
    rounds: int
    debate_duration_seconds: float
    supersedes: str | None
    superseded_by: str | None
    dissent_ids: Any
    metadata: Any
    data: Any
    created_at: datetime
    updated_at: datetime

class SampleTopicTermsRow(TypedDict):
    """A row of sample_topic_terms."""

    topic_terms: str

class SimilarConsensusRow(TypedDict):
    """A row of find_similar."""

    id: str
    topic: str
    topic_hash: str
    conclusion: str
    strength: StrengthWord
    confidence: float
    domain: str | None
    debate_id: str | None
    participating_agents: Any
    agreeing_agents: Any
    dissenting_agents: Any
    key_claims: Any
    supporting_evidence: Any
    tags: Any
    belief_cruxes: Any
    rounds: int
    debate_duration_seconds: float
    supersedes: str | None
    superseded_by: str | None
    dissent_ids: Any
    metadata: Any
    data: Any
    created_at: datetime
    updated_at: datetime
    similarity: float

class InsertDissentParameters(TypedDict):
    """One set of parameters of insert_dissent."""

    id: str
    consensus_id: str
    agent_id: str
    dissent_type: DissentTypeWord
    content: str
    reasoning: str
    confidence: float
    acknowledged: bool
    rebuttal: str
    metadata: Any
    data: Any
    created_at: datetime

class DissentRecordRow(TypedDict):
    """A row of get_dissent, list_dissents, list_relevant_dissents, list_dissents_by_agent,
    list_dissents_by_type."""

    id: str
    consensus_id: str
    agent_id: str
    dissent_type: DissentTypeWord
    content: str
    reasoning: str
    confidence: float
    acknowledged: bool
    rebuttal: str
    metadata: Any
    data: Any
    created_at: datetime

class InsertProofParameters(TypedDict):
    """One set of parameters of insert_proof."""

    id: str
    consensus_id: str
    proof_status: ProofStatusWord
    language: str | None
    formal_statement: str | None
    is_verified: bool
    proof_hash: str | None
    translation_time_ms: float | None
    proof_search_time_ms: float | None
    prover_version: str | None
    error_message: str | None
    metadata: Any
    data: Any
    created_at: datetime

class ProofRecordRow(TypedDict):
    """A row of get_latest_proof, list_proofs, list_recent_proofs, list_verified_proofs."""

    id: str
    consensus_id: str
    proof_status: ProofStatusWord
    language: str | None
    formal_statement: str | None
    is_verified: bool
    proof_hash: str | None
    translation_time_ms: float | None
    proof_search_time_ms: float | None
    prover_version: str | None
    error_message: str | None
    metadata: Any
    data: Any
    created_at: datetime

class SetVoteParameters(TypedDict):
    """One set of parameters of set_vote."""

    debate_id: str
    user_id: str
    vote: str
    source: str
    voted_at: datetime

class DebateVoteRow(TypedDict):
    """A row of list_votes."""

    debate_id: str
    user_id: str
    vote: str
    source: str
    created_at: datetime
    updated_at: datetime

class ConsensusStatsRow(TypedDict):
    """A row of get_stats."""

    total_consensus: int
    total_dissents: int
    total_proofs: int
    verified_proofs: int
    avg_confidence: float
    by_strength: Any
    by_domain: Any
    by_dissent_type: Any

class LockExpiredRow(TypedDict):
    """A row of lock_expired."""

    id: str

class ConsensusQueries(Protocol):
    """The queries of the store consensus."""

    async def insert_consensus(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        topic: str,
        topic_hash: str,
        topic_terms: str | None,
        conclusion: str,
        strength: StrengthWord,
        confidence: float,
        domain: str | None,
        debate_id: str | None,
        supersedes: str | None,
        rounds: int,
        debate_duration_seconds: float,
        participating_agents: Any,
        agreeing_agents: Any,
        dissenting_agents: Any,
        key_claims: Any,
        supporting_evidence: Any,
        tags: Any,
        belief_cruxes: Any,
        metadata: Any,
        data: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a consensus; an unknown id in supersedes is refused by its foreign key.

        Operation !: the number of rows changed.
        """

    async def insert_consensus_records(self, connection: Connection, /, *, records: Any) -> int:
        """Store consensus records, each a list of the values that insert_consensus takes;
        documents are texts.

        Operation !: the number of rows changed.
        """

    async def get_consensus(
        self,
        connection: Connection,
        /,
        *,
        consensus_id: str,
    ) -> ConsensusRecordRow | None:
        """Return one consensus with the ids of its dissents and of what superseded it.

        Operation ^: the first row, or None.
        """

    async def get_by_topic_hash(
        self,
        connection: Connection,
        /,
        *,
        topic_hash: str,
    ) -> ConsensusRecordRow | None:
        """Return the newest consensus on exactly this set of topic words.

        Operation ^: the first row, or None.
        """

    def list_recent(
        self,
        connection: Connection,
        /,
        *,
        min_confidence: float,
        row_limit: int,
    ) -> AsyncIterator[ConsensusRecordRow]:
        """List the newest consensus records of all domains.

        Operation (none): every row.
        """

    def list_domain(
        self,
        connection: Connection,
        /,
        *,
        domain: str,
        min_confidence: float,
        row_limit: int,
    ) -> AsyncIterator[ConsensusRecordRow]:
        """List the newest consensus records of one domain.

        Operation (none): every row.
        """

    def sample_topic_terms(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[SampleTopicTermsRow]:
        """List the terms of the newest topics, from which the store learns which words are common.

        Operation (none): every row.
        """

    def find_similar(
        self,
        connection: Connection,
        /,
        *,
        levels: Sequence[str],
        enough: int,
        most: int,
        terms: Sequence[str],
        topic_hash: str,
        min_confidence: float,
        domain: str | None,
        include_superseded: bool,
        row_limit: int,
    ) -> AsyncIterator[SimilarConsensusRow]:
        """Find the consensus records whose topic shares most terms with the given ones, best
        first.

        levels are text search queries from strict (all words) to wide (any word). They are tried
        in
        turn until one gives enough rows, of which :most are ranked at most. A GIN index finds all
        matches
        before it gives the first, which is slow for words that most topics have: a level that
        begins with
        ~ looks through the 500 newest topics instead. Rows are handed on by their place in the
        table,
        which cannot change within a statement. Materialized, because the planner would expect few
        matches
        and prefer to read the whole table; LIMIT 1 instead of NOT EXISTS, because it would hash
        the ids of
        all that was ever superseded.
        A topic with ten times as many terms is not similar, whatever terms both have: it is left
        out.

        Operation (none): every row.
        """

    async def count_consensus(self, connection: Connection, /) -> int:
        """Count all consensus records.

        Operation $: the first value of the first row, or None.
        """

    async def count_domain(self, connection: Connection, /, *, domain: str) -> int:
        """Count the consensus records of one domain.

        Operation $: the first value of the first row, or None.
        """

    async def update_cruxes(
        self,
        connection: Connection,
        /,
        *,
        consensus_id: str,
        belief_cruxes: Any,
        updated_at: datetime,
    ) -> int:
        """Replace the belief cruxes of a consensus.

        Operation !: the number of rows changed.
        """

    async def delete_consensus(self, connection: Connection, /, *, consensus_id: str) -> int:
        """Delete a consensus with its dissents and proofs.

        Operation !: the number of rows changed.
        """

    async def delete_consensus_without_dissents(
        self,
        connection: Connection,
        /,
        *,
        consensus_id: str,
    ) -> int:
        """Delete a consensus with its proofs, unless it has dissents.

        Operation !: the number of rows changed.
        """

    async def insert_dissent(
        self,
        connection: Connection,
        parameters: Sequence[InsertDissentParameters],
        /,
    ) -> int:
        """Store dissents; a dissent for a consensus that does not exist is refused by its foreign
        key.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_dissent(
        self,
        connection: Connection,
        /,
        *,
        dissent_id: str,
    ) -> DissentRecordRow | None:
        """Return one dissent.

        Operation ^: the first row, or None.
        """

    def list_dissents(
        self,
        connection: Connection,
        /,
        *,
        consensus_ids: Sequence[str],
    ) -> AsyncIterator[DissentRecordRow]:
        """List the dissents of some consensus records, oldest first.

        Operation (none): every row.
        """

    def list_relevant_dissents(
        self,
        connection: Connection,
        /,
        *,
        consensus_ids: Sequence[str],
        dissent_types: Sequence[str],
        min_confidence: float,
        row_limit: int,
    ) -> AsyncIterator[DissentRecordRow]:
        """List the most confident dissents of some consensus records, of some types.

        Operation (none): every row.
        """

    def list_dissents_by_agent(
        self,
        connection: Connection,
        /,
        *,
        agent_id: str,
        row_limit: int,
    ) -> AsyncIterator[DissentRecordRow]:
        """List the newest dissents of one agent.

        Operation (none): every row.
        """

    def list_dissents_by_type(
        self,
        connection: Connection,
        /,
        *,
        dissent_type: DissentTypeWord,
        row_limit: int,
    ) -> AsyncIterator[DissentRecordRow]:
        """List the newest dissents of one type.

        Operation (none): every row.
        """

    async def acknowledge_dissent(
        self,
        connection: Connection,
        /,
        *,
        dissent_id: str,
        rebuttal: str,
    ) -> int:
        """Mark a dissent as answered and keep the answer.

        Operation !: the number of rows changed.
        """

    async def delete_dissent(self, connection: Connection, /, *, dissent_id: str) -> int:
        """Delete one dissent.

        Operation !: the number of rows changed.
        """

    async def insert_proof(
        self,
        connection: Connection,
        parameters: Sequence[InsertProofParameters],
        /,
    ) -> int:
        """Store runs of a prover; a run for a consensus that does not exist is refused by its
        foreign key.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def get_latest_proof(
        self,
        connection: Connection,
        /,
        *,
        consensus_id: str,
    ) -> ProofRecordRow | None:
        """Return the newest run of a prover on a consensus.

        Operation ^: the first row, or None.
        """

    def list_proofs(
        self,
        connection: Connection,
        /,
        *,
        consensus_id: str,
    ) -> AsyncIterator[ProofRecordRow]:
        """List all runs of a prover on a consensus, oldest first.

        Operation (none): every row.
        """

    def list_recent_proofs(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[ProofRecordRow]:
        """List the newest runs, whatever their outcome.

        Operation (none): every row.
        """

    def list_verified_proofs(
        self,
        connection: Connection,
        /,
        *,
        row_limit: int,
    ) -> AsyncIterator[ProofRecordRow]:
        """List the newest runs that found a proof.

        Operation (none): every row.
        """

    async def set_vote(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        user_id: str,
        vote: str,
        source: str,
        voted_at: datetime,
    ) -> int:
        """Record a user's vote on a debate, or change it.

        Operation !: the number of rows changed.
        """

    def list_votes(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
    ) -> AsyncIterator[DebateVoteRow]:
        """List the votes on a debate by the order in which they were first given.

        Operation (none): every row.
        """

    async def get_stats(self, connection: Connection, /) -> ConsensusStatsRow:
        """Count everything; groups come as lists of [name, count], largest first.

        Operation ^: the first row, or None.
        """

    def lock_expired(
        self,
        connection: Connection,
        /,
        *,
        cutoff: datetime,
        row_limit: int,
    ) -> AsyncIterator[LockExpiredRow]:
        """Take the oldest consensus records from before the cutoff out of everybody's way.

        Operation (none): every row.
        """

    async def archive_consensus(
        self,
        connection: Connection,
        /,
        *,
        consensus_ids: Sequence[str],
        archived_at: datetime,
    ) -> int:
        """Copy consensus records to the archive.

        Operation !: the number of rows changed.
        """

    async def archive_dissents(
        self,
        connection: Connection,
        /,
        *,
        consensus_ids: Sequence[str],
        archived_at: datetime,
    ) -> int:
        """Copy the dissents of some consensus records to the archive.

        Operation !: the number of rows changed.
        """

    async def archive_proofs(
        self,
        connection: Connection,
        /,
        *,
        consensus_ids: Sequence[str],
        archived_at: datetime,
    ) -> int:
        """Copy the proofs of some consensus records to the archive.

        Operation !: the number of rows changed.
        """

    async def count_dissents(
        self,
        connection: Connection,
        /,
        *,
        consensus_ids: Sequence[str],
    ) -> int:
        """Count the dissents of some consensus records.

        Operation $: the first value of the first row, or None.
        """

    async def delete_many(self, connection: Connection, /, *, consensus_ids: Sequence[str]) -> int:
        """Delete some consensus records with their dissents and proofs.

        Operation !: the number of rows changed.
        """
