"""What earlier debates have to say against a position."""

from __future__ import annotations

from typing import Any

import pytest

from aragora_sql.stores.consensus.dissents import DissentRetriever
from aragora_sql.stores.consensus.records import DissentRecord, DissentType
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import consensus, day, dissent

TOPIC = "Rate limiting approach"


@pytest.fixture
def retriever(memory: ConsensusMemory) -> DissentRetriever:
    return DissentRetriever(memory)


async def store_debate(memory: ConsensusMemory, topic: str, *dissents: Any, **changes: Any) -> str:
    """Store a consensus with dissents, given as (agent, type, confidence)."""
    record = await memory.store_consensus(**consensus(topic, **changes))
    await memory.store_dissents(
        dissent(
            record.id,
            agent_id=agent,
            dissent_type=kind,
            confidence=confidence,
            content=f"{agent} objects",
            created_at=day(number),
        )
        for number, (agent, kind, confidence) in enumerate(dissents)
    )
    return record.id


def agents(dissents: list[DissentRecord]) -> list[str]:
    return [objection.agent_id for objection in dissents]


# Similar debates with their dissents


async def test_find_similar_debates_gives_their_dissents_newest_first(
    memory: ConsensusMemory,
) -> None:
    await store_debate(memory, "API rate limiting", ("far", "risk_warning", 0.5))
    exact_id = await store_debate(
        memory, TOPIC, ("old", "risk_warning", 0.2), ("new", "abstention", 0.9)
    )
    await store_debate(memory, "Database choice", ("other", "abstention", 0.9))
    answered = (await memory.get_dissents(exact_id))[0]
    await memory.acknowledge_dissent(answered.id)
    exact, near = await memory.find_similar_debates(TOPIC)
    assert exact.consensus.topic == TOPIC
    assert exact.similarity == exact.similarity_score == 1.0
    assert agents(exact.dissents) == ["new", "old"]
    assert exact.relevance_notes == "same topic; 2 dissents, 1 not answered"
    assert near.consensus.topic == "API rate limiting"
    assert near.similarity == 0.5
    assert near.relevance_notes == "50% similar; 1 dissents, 1 not answered"


async def test_similar_debates_may_be_narrowed(memory: ConsensusMemory) -> None:
    await store_debate(memory, TOPIC, domain="security", confidence=0.4)
    await store_debate(memory, TOPIC, domain="general", confidence=0.9)
    domains = [debate.consensus.domain for debate in await memory.find_similar_debates(TOPIC)]
    assert domains == ["general", "security"]
    (narrowed,) = await memory.find_similar_debates(TOPIC, domain="security")
    assert narrowed.consensus.domain == "security"
    (narrowed,) = await memory.find_similar_debates(TOPIC, min_confidence=0.5)
    assert narrowed.consensus.domain == "general"
    assert len(await memory.find_similar_debates(TOPIC, limit=1)) == 1
    assert await memory.find_similar_debates(TOPIC, limit=0) == []
    assert await memory.find_similar_debates("Nothing alike") == []


# Relevant dissents


async def test_find_relevant_dissent_gives_the_most_confident_first(
    memory: ConsensusMemory,
) -> None:
    await store_debate(memory, TOPIC, ("low", "risk_warning", 0.1), ("high", "abstention", 0.9))
    await store_debate(memory, "API rate limiting", ("middle", "minor_quibble", 0.5))
    await store_debate(memory, "Database choice", ("other", "minor_quibble", 1.0))
    found = await memory.find_relevant_dissent(TOPIC)
    assert agents(found) == ["high", "middle", "low"]
    assert await memory.find_relevant_dissent(TOPIC, limit=2) == found[:2]
    assert await memory.find_relevant_dissent(TOPIC, limit=0) == []
    assert await memory.find_relevant_dissent(TOPIC, min_confidence=0.5) == found[:2]
    assert await memory.find_relevant_dissent("Nothing alike") == []


async def test_equally_confident_dissents_come_newest_first(memory: ConsensusMemory) -> None:
    await store_debate(memory, TOPIC, *((f"{number}", "risk_warning", 0.0) for number in range(5)))
    assert agents(await memory.find_relevant_dissent(TOPIC)) == ["4", "3", "2", "1", "0"]


async def test_relevant_dissents_may_be_of_some_types_only(memory: ConsensusMemory) -> None:
    await store_debate(memory, TOPIC, *((kind, kind, 0.5) for kind in DissentType))
    for wanted in (
        [DissentType.RISK_WARNING, DissentType.ABSTENTION],
        ("abstention", "risk_warning"),
    ):
        found = await memory.find_relevant_dissent(TOPIC, wanted)
        assert sorted(agents(found)) == ["abstention", "risk_warning"]
    assert len(await memory.find_relevant_dissent(TOPIC)) == 6
    assert await memory.find_relevant_dissent(TOPIC, []) == []


async def test_relevant_dissents_may_be_of_one_domain_only(memory: ConsensusMemory) -> None:
    await store_debate(memory, TOPIC, ("here", "risk_warning", 0.5), domain="security")
    await store_debate(memory, TOPIC, ("there", "risk_warning", 0.5), domain="general")
    assert agents(await memory.find_relevant_dissent(TOPIC, domain="security")) == ["here"]
    assert await memory.find_relevant_dissent(TOPIC, domain="unknown") == []


async def test_only_the_most_similar_debates_are_looked_at(memory: ConsensusMemory) -> None:
    await store_debate(memory, "API rate limiting", ("far", "risk_warning", 1.0))
    for _ in range(2):
        await store_debate(memory, TOPIC, ("near", "risk_warning", 0.1))
    assert agents(await memory.find_relevant_dissent(TOPIC, limit=2)) == ["far", "near"]
    assert agents(await memory.find_relevant_dissent(TOPIC, limit=1)) == ["near"]


async def test_any_number_of_dissents_may_be_asked_for(memory: ConsensusMemory) -> None:
    await store_debate(memory, TOPIC, ("one", "risk_warning", 0.5))
    assert agents(await memory.find_relevant_dissent(TOPIC, limit=2**31 - 1)) == ["one"]


# The retriever


async def test_retrieve_for_new_debate_gathers_similar_debates_and_their_dissents(
    memory: ConsensusMemory, retriever: DissentRetriever
) -> None:
    record_id = await store_debate(
        memory,
        TOPIC,
        ("a", "risk_warning", 0.9),
        ("b", "abstention", 0.8),
        ("c", "risk_warning", 0.7),
    )
    await store_debate(memory, "Database choice", ("other", "abstention", 0.9))
    await memory.acknowledge_dissent((await memory.get_dissents(record_id))[0].id, "Done")
    found = await retriever.retrieve_for_new_debate("rate limiting")
    assert found.similar_debates == [
        {
            "topic": TOPIC,
            "conclusion": "Use token bucket algorithm",
            "strength": "strong",
            "similarity": 2 / 3,
            "dissent_count": 3,
        }
    ]
    assert agents(found.relevant_dissents) == ["a", "b", "c"]
    assert {kind: agents(dissents) for kind, dissents in found.dissent_by_type.items()} == {
        "risk_warning": ["a", "c"],
        "abstention": ["b"],
    }
    assert agents(found.unacknowledged_dissents) == ["b", "c"]
    assert (found.total_similar, found.total_dissents) == (1, 3)


async def test_preparation_names_five_debates_and_ten_dissents_at_most(
    memory: ConsensusMemory, retriever: DissentRetriever
) -> None:
    for number in range(7):
        await store_debate(
            memory, f"{TOPIC} {number}", *((f"{n}", "abstention", 0.5) for n in range(2))
        )
    found = await retriever.retrieve_for_new_debate(TOPIC)
    assert (found.total_similar, found.total_dissents) == (5, 10)


async def test_preparation_honours_the_domain(
    memory: ConsensusMemory, retriever: DissentRetriever
) -> None:
    await store_debate(
        memory,
        TOPIC,
        ("here", "risk_warning", 0.5),
        ("here too", "fundamental_disagreement", 0.4),
        domain="security",
    )
    await store_debate(
        memory,
        TOPIC,
        ("there", "risk_warning", 0.9),
        ("there too", "fundamental_disagreement", 0.8),
        domain="general",
    )
    found = await retriever.retrieve_for_new_debate(TOPIC, "security")
    assert found.total_similar == 1
    assert agents(found.relevant_dissents) == ["here", "here too"]
    assert agents(await retriever.find_risk_warnings(TOPIC, "security")) == ["here"]
    assert agents(await retriever.find_contrarian_views(TOPIC, "security")) == ["here too"]
    assert "there" not in await retriever.get_debate_preparation_context(TOPIC, "security")


async def test_find_contrarian_views_and_find_risk_warnings_are_of_their_types(
    memory: ConsensusMemory, retriever: DissentRetriever
) -> None:
    await store_debate(
        memory, TOPIC, *((kind, kind, 1 - n / 10) for n, kind in enumerate(DissentType))
    )
    assert agents(await retriever.find_contrarian_views(TOPIC)) == [
        "alternative_approach",
        "fundamental_disagreement",
    ]
    assert agents(await retriever.find_risk_warnings(TOPIC)) == [
        "edge_case_concern",
        "risk_warning",
    ]
    assert len(await retriever.find_contrarian_views(TOPIC, limit=1)) == 1
    assert await retriever.find_risk_warnings(TOPIC, limit=0) == []
    assert await retriever.find_risk_warnings("Nothing alike") == []


async def test_nothing_known_is_an_empty_preparation(retriever: DissentRetriever) -> None:
    found = await retriever.retrieve_for_new_debate(TOPIC)
    assert found.to_dict() == {
        "similar_debates": [],
        "relevant_dissents": [],
        "dissent_by_type": {},
        "unacknowledged_dissents": [],
        "total_similar": 0,
        "total_dissents": 0,
    }
    context = await retriever.get_debate_preparation_context(TOPIC)
    assert context == "# Historical context\n\n0 similar debates, 0 relevant dissents."


async def test_get_debate_preparation_context_names_three_debates_and_three_open_dissents(
    memory: ConsensusMemory, retriever: DissentRetriever
) -> None:
    record_id = await store_debate(
        memory, TOPIC, *((f"agent {n}", "risk_warning", 0.9 - n / 10) for n in range(5))
    )
    await memory.acknowledge_dissent((await memory.get_dissents(record_id))[0].id)
    for number in range(3):
        await store_debate(memory, f"{TOPIC} {number}", confidence=number / 10)
    assert await retriever.get_debate_preparation_context(TOPIC) == "\n".join(
        [
            "# Historical context",
            "",
            "## Similar debates",
            f"- **{TOPIC}** (strong, 100% similar): Use token bucket algorithm",
            f"- **{TOPIC} 2** (strong, 75% similar): Use token bucket algorithm",
            f"- **{TOPIC} 1** (strong, 75% similar): Use token bucket algorithm",
            "",
            "## Dissents without an answer",
            "- [risk_warning] agent 1: agent 1 objects",
            "- [risk_warning] agent 2: agent 2 objects",
            "- [risk_warning] agent 3: agent 3 objects",
            "",
            "4 similar debates, 5 relevant dissents.",
        ]
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "…"),
        (f"{'a' * 60}. {'b' * 60}", f"{'a' * 60}."),
        (f"{'a' * 40}. {'b' * 80}", f"{'a' * 40}. {'b' * 58}…"),
        (f"{'a' * 80} {'b' * 80}", f"{'a' * 80}…"),
        (f"{'a' * 60} {'b' * 80}", f"{'a' * 60} {'b' * 39}…"),
        (f"{'a ' * 10}\n\n# no heading\n", f"{'a ' * 10}# no heading"),
    ],
)
async def test_long_texts_are_cut_where_it_hurts_least(
    memory: ConsensusMemory, retriever: DissentRetriever, text: str, shown: str
) -> None:
    await store_debate(memory, TOPIC, conclusion=text)
    context = await retriever.get_debate_preparation_context(TOPIC)
    assert f"similar): {shown}\n" in context
