"""Consensus memory: what debates agreed on, who dissented, what was proved, and what is similar.

Its queries: ``sql/postgres/consensus/queries.sql`` and ``sql/sqlite/consensus/queries.sql``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database import Database
from aragora_sql.database.values import utc_now
from aragora_sql.errors import IntegrityError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches, in_parts
from aragora_sql.stores.consensus.records import (
    DISSENT_TYPES,
    CleanupResult,
    ConsensusEntry,
    ConsensusRecord,
    ConsensusStats,
    ConsensusStrength,
    DebateVote,
    DissentEntry,
    DissentRecord,
    DissentType,
    DissentTypeWord,
    ProofEntry,
    ProofRecord,
    ProofStatus,
    ProofStatusWord,
    SimilarConsensus,
    SimilarDebate,
    StrengthWord,
    new_consensus,
    new_consensus_of_batch,
    new_dissent,
    new_proof,
)
from aragora_sql.stores.consensus.topics import topic_hash
from aragora_sql.stores.counts import counts
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import (
    MOST_RANKED,
    MOST_RANKED_IN_SMALL_STORE,
    SAMPLE_SIZE,
    search_levels,
    term_frequencies,
)
from aragora_sql.stores.terms import search_terms

if TYPE_CHECKING:
    from aragora_sql.queries.typed.consensus import ConsensusQueries

__all__ = [
    "ConsensusMemory",
]

# How long what is known about common words stays good, in seconds.
FREQUENCIES_LIFETIME = 300.0
CLEANUP_BATCH = 1000
MOST_CRUXES = 5


class ConsensusMemory(Store):
    """Stores consensus records with their dissents and proofs, and finds similar ones.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "consensus"
    _queries: ConsensusQueries

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._frequencies: dict[str, float] = {}
        self._frequencies_until = 0.0

    # Consensus

    async def store_consensus(
        self,
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
        *,
        supporting_evidence: Iterable[str] | None = None,
        belief_cruxes: Iterable[Any] | None = None,
        supersedes: str | None = None,
        debate_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        created_at: datetime | None = None,
    ) -> ConsensusRecord:
        """Store a consensus under a new id and return it.

        ``confidence`` is from 0 to 1, ``debate_duration`` in seconds; ``strength`` is one of
        :class:`ConsensusStrength`. ``supersedes`` is the id of a consensus that this one replaces:
        :class:`~aragora_sql.errors.MissingParentError` when there is none.
        """
        record, row = new_consensus(
            "",
            topic=topic,
            conclusion=conclusion,
            strength=strength,
            confidence=confidence,
            participating_agents=participating_agents,
            agreeing_agents=agreeing_agents,
            dissenting_agents=dissenting_agents,
            key_claims=key_claims,
            domain=domain,
            tags=tags,
            debate_duration=debate_duration,
            rounds=rounds,
            metadata=metadata,
            supporting_evidence=supporting_evidence,
            belief_cruxes=belief_cruxes,
            supersedes=supersedes,
            debate_id=debate_id,
            data=data,
            created_at=created_at,
        )

        async def insert() -> bool:
            async with self._database.connection() as connection:
                await self._queries.insert_consensus(connection, **row)
            return True

        await self._repeat_insert(insert, _stored)
        return record

    async def store_many(self, records: Iterable[ConsensusEntry]) -> list[ConsensusRecord]:
        """Store many consensus records in one round trip, all or none, and return them.

        Each is a mapping with the arguments of :meth:`store_consensus`. A record may supersede one
        that is in the database already, not one of the same batch.
        """
        prepared = valid.prepare_each(new_consensus_of_batch, records, "records")
        if not prepared:
            return []
        parts = in_parts([row for _, row in prepared])

        async def insert() -> bool:
            # One statement stores all or none by itself.
            async with (
                self._database.connection() if len(parts) == 1 else self._database.transaction()
            ) as connection:
                for part in parts:
                    await self._queries.insert_consensus_records(connection, records=part)
            return True

        await self._repeat_insert(insert, _stored)
        return [record for record, _ in prepared]

    async def get_consensus(self, consensus_id: str) -> ConsensusRecord | None:
        """Return a consensus, or None when there is none of this id."""
        valid.text(consensus_id, "consensus_id")
        async with self._database.read() as connection:
            row = await self._queries.get_consensus(connection, consensus_id=consensus_id)
        return None if row is None else record_of(ConsensusRecord, **row)

    async def get_by_topic_hash(self, topic_hash: str) -> ConsensusRecord | None:
        """Return the newest consensus on a set of words, or None.

        See :func:`aragora_sql.stores.consensus.topics.topic_hash`.
        """
        valid.text(topic_hash, "topic_hash")
        async with self._database.read() as connection:
            row = await self._queries.get_by_topic_hash(connection, topic_hash=topic_hash)
        return None if row is None else record_of(ConsensusRecord, **row)

    async def get_recent(
        self, limit: int = 10, domain: str | None = None, min_confidence: float = 0.0
    ) -> list[ConsensusRecord]:
        """Return the newest consensus records, of one domain or of all."""
        if domain is not None:
            return await self.get_by_domain(domain, limit, min_confidence)
        row_limit = valid.limit(limit)
        least = valid.fraction(min_confidence, "min_confidence")
        async with self._database.read() as connection:
            rows = self._queries.list_recent(connection, min_confidence=least, row_limit=row_limit)
            return [record_of(ConsensusRecord, **row) async for row in rows]

    async def get_by_domain(
        self, domain: str, limit: int = 50, min_confidence: float = 0.0
    ) -> list[ConsensusRecord]:
        """Return the newest consensus records of a domain."""
        valid.text(domain, "domain")
        row_limit = valid.limit(limit)
        least = valid.fraction(min_confidence, "min_confidence")
        async with self._database.read() as connection:
            rows = self._queries.list_domain(
                connection, domain=domain, min_confidence=least, row_limit=row_limit
            )
            return [record_of(ConsensusRecord, **row) async for row in rows]

    async def get_domain_consensus_history(
        self, domain: str, limit: int = 50
    ) -> list[ConsensusRecord]:
        """Return the consensus history of a domain, newest first."""
        return await self.get_by_domain(domain, limit)

    async def count(self, domain: str | None = None) -> int:
        """Return the number of consensus records, of one domain or of all."""
        async with self._database.read() as connection:
            if domain is None:
                return await self._queries.count_consensus(connection)
            valid.text(domain, "domain")
            return await self._queries.count_domain(connection, domain=domain)

    async def update_cruxes(self, consensus_id: str, cruxes: Iterable[Any]) -> bool:
        """Replace the belief cruxes of a consensus by the first five of ``cruxes``.

        Returns False when there is no such consensus.
        """
        valid.text(consensus_id, "consensus_id")
        kept = valid.array(valid.items(cruxes, "cruxes")[:MOST_CRUXES], "cruxes")
        async with self._database.connection() as connection:
            changed = await self._queries.update_cruxes(
                connection, consensus_id=consensus_id, belief_cruxes=kept, updated_at=utc_now()
            )
        return bool(changed)

    async def supersede_consensus(
        self, old_id: str, new_topic: str, new_conclusion: str, **arguments: Any
    ) -> ConsensusRecord:
        """Store a consensus that replaces an older one, in one statement, and return it.

        ``arguments`` are those of :meth:`store_consensus`. Raises
        :class:`~aragora_sql.errors.MissingParentError` when the older one does not exist.
        """
        return await self.store_consensus(
            new_topic, new_conclusion, supersedes=valid.key(old_id, "old_id"), **arguments
        )

    async def delete_consensus(self, consensus_id: str, cascade_dissents: bool = True) -> bool:
        """Delete a consensus with its dissents and proofs; False when there is none of this id.

        With ``cascade_dissents=False`` a consensus that has dissents is not deleted:
        :class:`~aragora_sql.errors.IntegrityError`.
        """
        valid.text(consensus_id, "consensus_id")
        if valid.boolean(cascade_dissents, "cascade_dissents"):
            async with self._database.connection() as connection:
                return bool(
                    await self._queries.delete_consensus(connection, consensus_id=consensus_id)
                )
        async with self._database.transaction() as connection:
            if await self._queries.delete_consensus_without_dissents(
                connection, consensus_id=consensus_id
            ):
                return True
            dissents = await self._queries.count_dissents(connection, consensus_ids=[consensus_id])
        if dissents:
            raise IntegrityError(
                f"consensus {consensus_id!r} has {dissents} dissents; delete them first, or use "
                "cascade_dissents=True"
            )
        return False

    async def cleanup_old_records(
        self, max_age_days: float = 90, archive: bool = True
    ) -> CleanupResult:
        """Move consensus records older than ``max_age_days`` with all that belongs to them away.

        With ``archive`` they are kept in ``consensus_archive``, ``dissent_archive`` and
        ``verified_proofs_archive``. Works in batches of 1,000, each a transaction, so writers
        never wait long. The counts are of consensus and dissent rows.
        """
        now = utc_now()
        cutoff = age_limit(max_age_days, now)
        valid.boolean(archive, "archive")

        async def clean_up() -> int:
            async with self._database.transaction() as connection:
                rows = self._queries.lock_expired(
                    connection, cutoff=cutoff, row_limit=CLEANUP_BATCH
                )
                ids = [row["id"] async for row in rows]
                if not ids:
                    return 0
                dissents = await self._queries.count_dissents(connection, consensus_ids=ids)
                if archive:
                    for copy in (
                        self._queries.archive_consensus,
                        self._queries.archive_dissents,
                        self._queries.archive_proofs,
                    ):
                        await copy(connection, consensus_ids=ids, archived_at=now)
                await self._queries.delete_many(connection, consensus_ids=ids)
            return len(ids) + dissents

        deleted = await in_batches(clean_up)
        return CleanupResult(archived=deleted if archive else 0, deleted=deleted)

    # Search

    async def find_similar(
        self,
        topic: str,
        limit: int = 5,
        min_confidence: float = 0.0,
        domain: str | None = None,
        *,
        include_superseded: bool = False,
    ) -> list[SimilarConsensus]:
        """Return the consensus records on the most similar topics, best first.

        Records that share all terms with the topic are looked for first, then such that share
        fewer and fewer, until there are enough. They are ranked by the Jaccard similarity of the
        terms (see :mod:`aragora_sql.stores.terms`), which is above 0.1; the same set of words
        comes first, ties go by confidence, then the newest. Any text may be searched for.
        Superseded records are left out unless asked for.
        """
        valid.text(topic, "topic")
        row_limit = valid.limit(limit)
        least = valid.fraction(min_confidence, "min_confidence")
        valid.optional_text(domain, "domain")
        valid.boolean(include_superseded, "include_superseded")
        terms = search_terms(topic)
        if not row_limit or not topic.strip():
            return []
        async with self._database.read() as connection:
            if time.monotonic() >= self._frequencies_until:
                sample = self._queries.sample_topic_terms(connection, row_limit=SAMPLE_SIZE)
                self._frequencies = term_frequencies([r["topic_terms"] async for r in sample])
                self._frequencies_until = time.monotonic() + FREQUENCIES_LIFETIME
            # Nothing is slow in a small store, so the search goes on for a better ranking.
            most = max(MOST_RANKED, row_limit)
            enough = row_limit
            if not self._frequencies:
                most = enough = max(MOST_RANKED_IN_SMALL_STORE, row_limit)
            rows = self._queries.find_similar(
                connection,
                levels=search_levels(terms, self._frequencies, row_limit),
                enough=enough,
                most=most,
                terms=terms,
                topic_hash=topic_hash(topic),
                min_confidence=least,
                domain=domain,
                include_superseded=include_superseded,
                row_limit=row_limit,
            )
            return [record_of(SimilarConsensus, **row) async for row in rows]

    async def find_similar_debates(
        self,
        topic: str,
        domain: str | None = None,
        min_confidence: float = 0.0,
        limit: int = 10,
    ) -> list[SimilarDebate]:
        """Return similar consensus records with their dissents (newest first), best first."""
        async with self._database.read():
            similar = await self.find_similar(topic, limit, min_confidence, domain)
            dissents = await self.get_dissents_batch([record.id for record in similar])
        hashed = topic_hash(topic)
        return [
            SimilarDebate(
                consensus=record,
                similarity_score=record.similarity,
                dissents=dissents[record.id][::-1],
                relevance_notes=_relevance(record, dissents[record.id], hashed),
            )
            for record in similar
        ]

    async def find_relevant_dissent(
        self,
        topic: str,
        dissent_types: Iterable[DissentType | DissentTypeWord] | None = None,
        min_confidence: float = 0.0,
        limit: int = 10,
        domain: str | None = None,
    ) -> list[DissentRecord]:
        """Return dissents of similar debates, the most confident first.

        Looks at the ``2 * limit`` most similar debates, of one domain or of all.
        """
        row_limit = valid.limit(limit)
        least = valid.fraction(min_confidence, "min_confidence")
        kinds = (
            list(DISSENT_TYPES)
            if dissent_types is None
            else [
                valid.choice(kind, f"dissent_types[{i}]", DISSENT_TYPES)
                for i, kind in enumerate(valid.items(dissent_types, "dissent_types"))
            ]
        )
        async with self._database.read() as connection:
            looked_at = min(2 * row_limit, valid.LARGEST_INTEGER)
            similar = await self.find_similar(topic, looked_at, domain=domain)
            if not similar:
                return []
            rows = self._queries.list_relevant_dissents(
                connection,
                consensus_ids=[record.id for record in similar],
                dissent_types=kinds,
                min_confidence=least,
                row_limit=row_limit,
            )
            return [record_of(DissentRecord, **row) async for row in rows]

    # Dissent

    async def store_dissent(
        self,
        debate_id: str,
        agent_id: str,
        dissent_type: DissentType | DissentTypeWord,
        content: str,
        reasoning: str = "",
        confidence: float = 0.0,
        acknowledged: bool = False,
        rebuttal: str = "",
        metadata: Mapping[str, Any] | None = None,
        *,
        data: Mapping[str, Any] | None = None,
        created_at: datetime | None = None,
    ) -> DissentRecord:
        """Store a dissent on the consensus with the id ``debate_id``, and return it.

        ``confidence`` is from 0 to 1. Raises :class:`~aragora_sql.errors.MissingParentError` when
        the consensus does not exist.
        """
        record, row = new_dissent(
            "",
            debate_id=debate_id,
            agent_id=agent_id,
            dissent_type=dissent_type,
            content=content,
            reasoning=reasoning,
            confidence=confidence,
            acknowledged=acknowledged,
            rebuttal=rebuttal,
            metadata=metadata,
            data=data,
            created_at=created_at,
        )
        async with self._database.connection() as connection:
            await self._queries.insert_dissent(connection, [row])
        return record

    async def store_dissents(self, dissents: Iterable[DissentEntry]) -> list[DissentRecord]:
        """Store many dissents in one round trip, all or none, and return them.

        Each is a mapping with the arguments of :meth:`store_dissent`.
        """
        prepared = valid.prepare_each(new_dissent, dissents, "dissents")
        if prepared:
            async with self._database.connection() as connection:
                await self._queries.insert_dissent(connection, [row for _, row in prepared])
        return [record for record, _ in prepared]

    async def get_dissent(self, dissent_id: str) -> DissentRecord | None:
        """Return a dissent, or None when there is none of this id."""
        valid.text(dissent_id, "dissent_id")
        async with self._database.read() as connection:
            row = await self._queries.get_dissent(connection, dissent_id=dissent_id)
        return None if row is None else record_of(DissentRecord, **row)

    async def get_dissents(self, debate_id: str) -> list[DissentRecord]:
        """Return the dissents of the consensus with the id ``debate_id``, oldest first."""
        valid.text(debate_id, "debate_id")
        return (await self.get_dissents_batch([debate_id]))[debate_id]

    get_dissents_for_debate = get_dissents

    async def get_dissents_batch(
        self, consensus_ids: Sequence[str]
    ) -> dict[str, list[DissentRecord]]:
        """Return the dissents of many consensus records by consensus id, oldest first."""
        wanted = valid.texts(consensus_ids, "consensus_ids")
        found: dict[str, list[DissentRecord]] = {consensus_id: [] for consensus_id in wanted}
        if found:
            async with self._database.read() as connection:
                async for row in self._queries.list_dissents(connection, consensus_ids=wanted):
                    found[row["consensus_id"]].append(record_of(DissentRecord, **row))
        return found

    async def get_dissents_by_agent(self, agent_id: str, limit: int = 50) -> list[DissentRecord]:
        """Return the newest dissents of an agent."""
        valid.text(agent_id, "agent_id")
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_dissents_by_agent(
                connection, agent_id=agent_id, row_limit=row_limit
            )
            return [record_of(DissentRecord, **row) async for row in rows]

    async def get_dissents_by_type(
        self, dissent_type: DissentType | DissentTypeWord, limit: int = 50
    ) -> list[DissentRecord]:
        """Return the newest dissents of a type."""
        kind = valid.choice(dissent_type, "dissent_type", DISSENT_TYPES)
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_dissents_by_type(
                connection, dissent_type=kind, row_limit=row_limit
            )
            return [record_of(DissentRecord, **row) async for row in rows]

    async def acknowledge_dissent(self, dissent_id: str, rebuttal: str = "") -> bool:
        """Mark a dissent as answered, with the answer; False when there is none of this id."""
        valid.text(dissent_id, "dissent_id")
        valid.text(rebuttal, "rebuttal")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.acknowledge_dissent(
                    connection, dissent_id=dissent_id, rebuttal=rebuttal
                )
            )

    async def delete_dissent(self, dissent_id: str) -> bool:
        """Delete a dissent; False when there is none of this id."""
        valid.text(dissent_id, "dissent_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_dissent(connection, dissent_id=dissent_id))

    # Proofs

    async def store_proof(
        self,
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
        *,
        data: Mapping[str, Any] | None = None,
        created_at: datetime | None = None,
    ) -> ProofRecord:
        """Store a run of a prover on the consensus with the id ``debate_id``, and return it.

        Times are in milliseconds. ``data`` is the result as the prover gave it. Raises
        :class:`~aragora_sql.errors.MissingParentError` when the consensus does not exist.
        """
        record, row = new_proof(
            "",
            debate_id=debate_id,
            proof_status=proof_status,
            language=language,
            formal_statement=formal_statement,
            is_verified=is_verified,
            proof_hash=proof_hash,
            translation_time_ms=translation_time_ms,
            proof_search_time_ms=proof_search_time_ms,
            prover_version=prover_version,
            error_message=error_message,
            metadata=metadata,
            data=data,
            created_at=created_at,
        )
        async with self._database.connection() as connection:
            await self._queries.insert_proof(connection, [row])
        return record

    async def store_proofs(self, proofs: Iterable[ProofEntry]) -> list[ProofRecord]:
        """Store many runs in one round trip, all or none; see :meth:`store_proof`."""
        prepared = valid.prepare_each(new_proof, proofs, "proofs")
        if prepared:
            async with self._database.connection() as connection:
                await self._queries.insert_proof(connection, [row for _, row in prepared])
        return [record for record, _ in prepared]

    async def store_verified_proof(self, debate_id: str, proof_result: Mapping[str, Any]) -> str:
        """Store a prover's result as it gave it, and return the new proof's id.

        Known keys (``status`` or ``proof_status``, ``language``, ``is_verified``, …) fill the
        columns; the whole result is kept in ``data``.
        """
        result = dict(mapping(proof_result, "proof_result"))
        status = result.get("status", result.get("proof_status", ProofStatus.UNKNOWN))
        record = await self.store_proof(
            debate_id,
            status,
            language=result.get("language"),
            formal_statement=result.get("formal_statement"),
            is_verified=result.get("is_verified", False),
            proof_hash=result.get("proof_hash"),
            translation_time_ms=result.get("translation_time_ms"),
            proof_search_time_ms=result.get("proof_search_time_ms"),
            prover_version=result.get("prover_version"),
            error_message=result.get("error_message"),
            data=result,
        )
        return record.id

    async def get_verified_proof(self, debate_id: str) -> ProofRecord | None:
        """Return the newest run on the consensus with the id ``debate_id``, or None."""
        valid.text(debate_id, "debate_id")
        async with self._database.read() as connection:
            row = await self._queries.get_latest_proof(connection, consensus_id=debate_id)
        return None if row is None else record_of(ProofRecord, **row)

    async def get_proofs_for_debate(self, debate_id: str) -> list[ProofRecord]:
        """Return all runs on the consensus with the id ``debate_id``, oldest first."""
        valid.text(debate_id, "debate_id")
        async with self._database.read() as connection:
            rows = self._queries.list_proofs(connection, consensus_id=debate_id)
            return [record_of(ProofRecord, **row) async for row in rows]

    async def list_verified_debates(
        self, verified_only: bool = True, limit: int = 50
    ) -> list[ProofRecord]:
        """Return the newest runs: those that found a proof, or all."""
        row_limit = valid.limit(limit)
        list_runs = (
            self._queries.list_verified_proofs
            if valid.boolean(verified_only, "verified_only")
            else self._queries.list_recent_proofs
        )
        async with self._database.read() as connection:
            rows = list_runs(connection, row_limit=row_limit)
            return [record_of(ProofRecord, **row) async for row in rows]

    async def get_verified_proofs(self, limit: int = 50) -> list[ProofRecord]:
        """Return the newest runs that found a proof."""
        return await self.list_verified_debates(verified_only=True, limit=limit)

    # Votes and statistics

    async def record_vote(self, debate_id: str, user_id: str, vote: str, source: str = "") -> None:
        """Record a user's vote on a debate; the user's last vote counts."""
        valid.key(debate_id, "debate_id")
        valid.key(user_id, "user_id")
        valid.identifier(vote, "vote")
        valid.text(source, "source")
        now = utc_now()

        async def write() -> None:
            async with self._database.connection() as connection:
                await self._queries.set_vote(
                    connection,
                    debate_id=debate_id,
                    user_id=user_id,
                    vote=vote,
                    source=source,
                    voted_at=now,
                )

        await self._repeat(write)

    async def get_votes(self, debate_id: str) -> list[DebateVote]:
        """Return the votes on a debate in the order in which they were first given."""
        valid.text(debate_id, "debate_id")
        async with self._database.read() as connection:
            rows = self._queries.list_votes(connection, debate_id=debate_id)
            return [record_of(DebateVote, **row) async for row in rows]

    async def get_stats(self) -> ConsensusStats:
        """Return counts of the whole store in one round trip."""
        async with self._database.read() as connection:
            row = await self._queries.get_stats(connection)
        for group in ("by_strength", "by_domain", "by_dissent_type"):
            row[group] = counts(row[group])
        return record_of(ConsensusStats, **row)

    get_statistics = get_stats


async def _stored() -> bool:
    """Say for an insert that was repeated that all of it is there, as one of its rows is."""
    return True


def _relevance(record: SimilarConsensus, dissents: Sequence[DissentRecord], hashed: str) -> str:
    notes = ["same topic" if record.topic_hash == hashed else f"{record.similarity:.0%} similar"]
    open_dissents = sum(not dissent.acknowledged for dissent in dissents)
    if dissents:
        notes.append(f"{len(dissents)} dissents, {open_dissents} not answered")
    return "; ".join(notes)
