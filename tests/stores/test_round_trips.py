"""How often a call waits for the server, once the connection knows its statements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import asyncpg
import pytest

from aragora_sql import PostgresConsensusMemory, PostgresCritiqueStore
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.stores.consensus.dissents import DissentRetriever
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.proxy import CountingProxy
from tests.stores.samples import consensus, critique, days_ago, dissent

ISSUES = [f"issue {number}" for number in range(5)]


class Counted(NamedTuple):
    """Both stores on one connection behind a proxy that counts."""

    proxy: CountingProxy
    memory: ConsensusMemory
    critiques: CritiqueStore
    consensus_id: str

    async def trips(self, call: Callable[[], Awaitable[object]]) -> int:
        """Return the number of round trips of a call that was made before."""
        await call()
        self.proxy.reset()
        await call()
        return self.proxy.round_trips


@pytest.fixture
async def counted(counted_postgres: CountingProxy) -> AsyncIterator[Counted]:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    memory, critiques = ConsensusMemory(database), CritiqueStore(database)
    await memory.initialize()
    await critiques.initialize()
    record = await memory.store_consensus(**consensus())
    await memory.store_dissent(**dissent(record.id))
    await memory.store_proof(record.id, "proof_found", is_verified=True)
    await critiques.store_debate("d", "Task", consensus_reached=True, critiques=[critique()])
    await critiques.store_pattern(ISSUES)
    yield Counted(counted_postgres, memory, critiques, record.id)
    await database.close()


Call = Callable[[Counted], Awaitable[Any]]

READS: dict[str, Call] = {
    "get_consensus": lambda c: c.memory.get_consensus(c.consensus_id),
    "get_by_topic_hash": lambda c: c.memory.get_by_topic_hash("27c18c4635ab2b10"),
    "get_recent": lambda c: c.memory.get_recent(),
    "get_recent of a domain": lambda c: c.memory.get_recent(domain="general"),
    "get_by_domain": lambda c: c.memory.get_by_domain("general"),
    "count": lambda c: c.memory.count(),
    "find_similar": lambda c: c.memory.find_similar("rate limiting"),
    "get_dissent": lambda c: c.memory.get_dissent("unknown"),
    "get_dissents": lambda c: c.memory.get_dissents(c.consensus_id),
    "get_dissents_batch": lambda c: c.memory.get_dissents_batch([c.consensus_id] * 100),
    "get_dissents_by_agent": lambda c: c.memory.get_dissents_by_agent("gemini"),
    "get_dissents_by_type": lambda c: c.memory.get_dissents_by_type("risk_warning"),
    "get_verified_proof": lambda c: c.memory.get_verified_proof(c.consensus_id),
    "get_proofs_for_debate": lambda c: c.memory.get_proofs_for_debate(c.consensus_id),
    "get_verified_proofs": lambda c: c.memory.get_verified_proofs(),
    "get_votes": lambda c: c.memory.get_votes("d"),
    "get_stats of consensus": lambda c: c.memory.get_stats(),
    "get_debate": lambda c: c.critiques.get_debate("d"),
    "get_critique": lambda c: c.critiques.get_critique(1),
    "get_recent_critiques": lambda c: c.critiques.get_recent_critiques(),
    "get_critiques_batch": lambda c: c.critiques.get_critiques_batch(["d"] * 100),
    "retrieve_patterns": lambda c: c.critiques.retrieve_patterns(),
    "get_reputation": lambda c: c.critiques.get_reputation("claude"),
    "get_vote_weight": lambda c: c.critiques.get_vote_weight("claude"),
    "get_vote_weights_batch": lambda c: c.critiques.get_vote_weights_batch(["a"] * 100),
    "get_all_reputations": lambda c: c.critiques.get_all_reputations(),
    "get_stats of critiques": lambda c: c.critiques.get_stats(),
    "get_archive_stats": lambda c: c.critiques.get_archive_stats(),
}

WRITES: dict[str, Call] = {
    "store_consensus": lambda c: c.memory.store_consensus(**consensus()),
    "store_consensus that supersedes": lambda c: c.memory.store_consensus(
        **consensus(supersedes=c.consensus_id)
    ),
    "supersede_consensus": lambda c: c.memory.supersede_consensus(
        c.consensus_id,
        "Topic",
        "Conclusion",
        strength="weak",
        confidence=0.5,
        participating_agents=[],
        agreeing_agents=[],
    ),
    "store_many": lambda c: c.memory.store_many(consensus(f"topic {n}") for n in range(500)),
    "update_cruxes": lambda c: c.memory.update_cruxes(c.consensus_id, ["crux"]),
    "delete_consensus": lambda c: c.memory.delete_consensus(c.consensus_id),
    "store_dissent": lambda c: c.memory.store_dissent(**dissent(c.consensus_id)),
    "store_dissents": lambda c: c.memory.store_dissents([dissent(c.consensus_id)] * 100),
    "acknowledge_dissent": lambda c: c.memory.acknowledge_dissent("unknown"),
    "store_proof": lambda c: c.memory.store_proof(c.consensus_id, "timeout"),
    "record_vote": lambda c: c.memory.record_vote("d", "ann", "yes"),
    "store_debate": lambda c: c.critiques.store_debate("d", "Task"),
    "store_critique": lambda c: c.critiques.store_critique(None, "claude"),
    "store_critiques": lambda c: c.critiques.store_critiques([critique()] * 100),
    "delete_debate": lambda c: c.critiques.delete_debate("d"),
    "update_reputation": lambda c: c.critiques.update_reputation("claude", proposal_made=True),
    "update_reputations": lambda c: c.critiques.update_reputations(
        {"agent_name": f"agent {n}"} for n in range(100)
    ),
}


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_one_round_trip(counted: Counted, name: str) -> None:
    call = (READS | WRITES)[name]
    assert await counted.trips(lambda: call(counted)) == 1


@pytest.mark.parametrize(
    ("most", "call"),
    [
        (2, lambda c: c.memory.find_similar_debates("rate limiting")),
        (2, lambda c: c.memory.find_relevant_dissent("rate limiting")),
        (4, lambda c: DissentRetriever(c.memory).retrieve_for_new_debate("rate limiting")),
        (2, lambda c: c.critiques.get_debates_with_critiques_batch(["d"])),
        (2, lambda c: c.critiques.get_patterns_batch(["unknown"])),
        (2, lambda c: c.critiques.retrieve_patterns_with_embeddings(min_success=1)),
        (4, lambda c: c.critiques.store_debate("d", "Task", critiques=[critique()] * 50)),
        (
            4,
            lambda c: c.critiques.store_debates(
                {"debate_id": f"d{n}", "task": "Task", "critiques": [critique()] * 2}
                for n in range(50)
            ),
        ),
        (5, lambda c: c.critiques.store_pattern(ISSUES)),
        (5, lambda c: c.critiques.fail_pattern(ISSUES[0])),
        (7, lambda c: c.critiques.update_prediction_outcome(1, 0.5)),
    ],
    ids=[
        "find_similar_debates",
        "find_relevant_dissent",
        "retrieve_for_new_debate",
        "get_debates_with_critiques_batch",
        "get_patterns_batch",
        "retrieve_patterns_with_embeddings",
        "store_debate",
        "store_debates",
        "store_pattern",
        "fail_pattern",
        "update_prediction_outcome",
    ],
)
async def test_few_round_trips(counted: Counted, most: int, call: Call) -> None:
    assert await counted.trips(lambda: call(counted)) <= most


async def test_cleaning_up_takes_as_long_for_a_thousand_records(counted: Counted) -> None:
    async def clean_up(count: int) -> int:
        records = await counted.memory.store_many(
            consensus(f"{n}", created_at=days_ago(100)) for n in range(count)
        )
        await counted.memory.store_dissents(dissent(record.id) for record in records)
        counted.proxy.reset()
        await counted.memory.cleanup_old_records()
        return counted.proxy.round_trips

    await clean_up(1)
    assert await clean_up(900) == await clean_up(1)


async def test_an_export_reads_a_page_in_one_round_trip(counted: Counted) -> None:
    await counted.critiques.store_debate(
        "e", "Task", consensus_reached=True, critiques=[critique(str(n)) for n in range(99)]
    )

    async def export() -> int:
        return len([one async for one in counted.critiques.export_for_training(page_size=40)])

    assert await export() == 100
    assert await counted.trips(export) == 3


async def test_bad_input_never_reaches_the_server(counted: Counted) -> None:
    counted.proxy.reset()
    with pytest.raises(ValueError, match="confidence"):
        await counted.memory.store_consensus(**consensus(confidence=2))
    assert await counted.memory.store_many([]) == []
    assert await counted.memory.find_similar("rate", limit=0) == []
    assert await counted.critiques.get_vote_weights_batch([]) == {}
    await counted.critiques.store_debates([])
    assert counted.proxy.round_trips == 0


async def test_a_pool_of_the_application_costs_no_more_than_its_reset(
    counted_postgres: CountingProxy,
) -> None:
    async with asyncpg.create_pool(counted_postgres.dsn, min_size=1, max_size=1) as pool:
        memory, critiques = PostgresConsensusMemory(pool), PostgresCritiqueStore(pool)
        await memory.initialize()
        await critiques.initialize()
        record = await memory.store_consensus(**consensus())
        counted = Counted(counted_postgres, memory, critiques, record.id)
        assert await counted.trips(lambda: memory.get_consensus(record.id)) == 2
        assert await counted.trips(lambda: critiques.update_reputation("claude")) == 2
