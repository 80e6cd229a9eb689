"""Dissents on a consensus: stored, listed, answered, deleted."""

from __future__ import annotations

import pytest

from aragora_sql.errors import InvalidInputError, MissingParentError
from aragora_sql.stores.consensus.records import ConsensusRecord, DissentRecord, DissentType
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import consensus, day, dissent


@pytest.fixture
async def parent(memory: ConsensusMemory) -> ConsensusRecord:
    return await memory.store_consensus(**consensus())


def agents(dissents: list[DissentRecord]) -> list[str]:
    return [objection.agent_id for objection in dissents]


async def test_store_dissent_then_get_dissent_gives_it_back(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_dissent(
        debate_id=parent.id,
        agent_id="gemini",
        dissent_type=DissentType.RISK_WARNING,
        content="Bursts may starve other tenants",
        reasoning="Seen in March",
        confidence=0.7,
        acknowledged=True,
        rebuttal="Limits are per tenant",
        metadata={"round": 2},
        data={"older": True},
        created_at=day(1),
    )
    assert await memory.get_dissent(stored.id) == stored
    assert stored.to_dict() == {
        "id": stored.id,
        "consensus_id": parent.id,
        "agent_id": "gemini",
        "dissent_type": "risk_warning",
        "content": "Bursts may starve other tenants",
        "reasoning": "Seen in March",
        "confidence": 0.7,
        "acknowledged": True,
        "rebuttal": "Limits are per tenant",
        "metadata": {"round": 2},
        "data": {"older": True},
        "created_at": "2026-01-02T00:00:00+00:00",
    }
    assert stored.debate_id == stored.consensus_id
    assert stored.timestamp == stored.created_at


async def test_what_is_not_given_has_a_default(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_dissent(parent.id, "gemini", "abstention", "No view")
    assert await memory.get_dissent(stored.id) == stored
    assert (stored.reasoning, stored.rebuttal, stored.confidence) == ("", "", 0.0)
    assert stored.acknowledged is False


@pytest.mark.parametrize("kind", list(DissentType))
async def test_a_type_is_a_member_or_its_value(
    memory: ConsensusMemory, parent: ConsensusRecord, kind: DissentType
) -> None:
    by_member = await memory.store_dissent(**dissent(parent.id, dissent_type=kind))
    by_value = await memory.store_dissent(**dissent(parent.id, dissent_type=kind.value))
    found = await memory.get_dissents_by_type(kind)
    assert found == await memory.get_dissents_by_type(kind.value)
    assert {objection.id for objection in found} == {by_member.id, by_value.id}


async def test_a_consensus_names_its_dissents_oldest_first(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = [
        await memory.store_dissent(**dissent(parent.id, created_at=day(number)))
        for number in (2, 3, 1)
    ]
    read = await memory.get_consensus(parent.id)
    assert read is not None
    assert read.dissent_ids == [stored[2].id, stored[0].id, stored[1].id]
    await memory.delete_dissent(stored[0].id)
    (read,) = await memory.get_recent()
    assert read.dissent_ids == [stored[2].id, stored[1].id]


async def test_get_dissents_and_get_dissents_for_debate_give_the_oldest_first(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    for number in (2, 3, 1):
        await memory.store_dissent(
            **dissent(parent.id, agent_id=f"agent {number}", created_at=day(number))
        )
    assert agents(await memory.get_dissents(parent.id)) == ["agent 1", "agent 2", "agent 3"]
    assert agents(await memory.get_dissents_for_debate(parent.id)) == [
        "agent 1",
        "agent 2",
        "agent 3",
    ]
    assert await memory.get_dissents("unknown") == []


async def test_get_dissents_batch_gives_them_by_consensus(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    other = await memory.store_consensus(**consensus("Other"))
    await memory.store_dissents(
        dissent(consensus_id, agent_id=agent, created_at=day(number))
        for number, (consensus_id, agent) in enumerate(
            [(parent.id, "b"), (other.id, "c"), (parent.id, "a")]
        )
    )
    found = await memory.get_dissents_batch([other.id, "unknown", parent.id, other.id])
    assert {key: agents(dissents) for key, dissents in found.items()} == {
        other.id: ["c"],
        "unknown": [],
        parent.id: ["b", "a"],
    }
    assert await memory.get_dissents_batch([]) == {}


async def test_get_dissents_by_agent_and_get_dissents_by_type_give_the_newest_first(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    for number, (agent, kind) in enumerate(
        [
            ("gemini", "risk_warning"),
            ("claude", "abstention"),
            ("gemini", "abstention"),
            ("gemini", "risk_warning"),
        ]
    ):
        await memory.store_dissent(
            **dissent(
                parent.id,
                agent_id=agent,
                dissent_type=kind,
                content=f"{number}",
                created_at=day(number),
            )
        )
    by_agent = await memory.get_dissents_by_agent("gemini")
    assert [objection.content for objection in by_agent] == ["3", "2", "0"]
    assert await memory.get_dissents_by_agent("gemini", limit=2) == by_agent[:2]
    assert await memory.get_dissents_by_agent("gemini", limit=0) == []
    assert await memory.get_dissents_by_agent("Gemini") == []
    by_type = await memory.get_dissents_by_type("risk_warning")
    assert [objection.content for objection in by_type] == ["3", "0"]
    assert await memory.get_dissents_by_type("risk_warning", limit=1) == by_type[:1]
    assert await memory.get_dissents_by_type("edge_case_concern") == []


async def test_dissents_of_one_timestamp_come_by_id(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_dissents(dissent(parent.id, created_at=day(1)) for _ in range(20))
    expected = sorted(objection.id for objection in stored)
    read = await memory.get_consensus(parent.id)
    assert read is not None
    assert read.dissent_ids == expected
    for found in (
        await memory.get_dissents(parent.id),
        await memory.get_dissents_by_agent("gemini"),
        await memory.get_dissents_by_type("risk_warning"),
        await memory.find_relevant_dissent(parent.topic, limit=20),
    ):
        assert [objection.id for objection in found] == expected


async def test_acknowledge_dissent_keeps_the_answer(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_dissent(**dissent(parent.id))
    other = await memory.store_dissent(**dissent(parent.id))
    assert await memory.acknowledge_dissent(stored.id, "Limits are per tenant") is True
    read = await memory.get_dissent(stored.id)
    assert read is not None
    assert (read.acknowledged, read.rebuttal) == (True, "Limits are per tenant")
    assert await memory.get_dissent(other.id) == other
    assert await memory.acknowledge_dissent("unknown", "answer") is False


async def test_delete_dissent(memory: ConsensusMemory, parent: ConsensusRecord) -> None:
    stored = await memory.store_dissent(**dissent(parent.id))
    assert await memory.delete_dissent(stored.id) is True
    assert await memory.get_dissent(stored.id) is None
    assert await memory.delete_dissent(stored.id) is False
    assert await memory.count() == 1


async def test_a_dissent_needs_a_consensus(memory: ConsensusMemory) -> None:
    with pytest.raises(MissingParentError):
        await memory.store_dissent(**dissent("unknown"))
    assert (await memory.get_stats()).total_dissents == 0


async def test_store_dissents_stores_a_batch_in_its_order_or_not_at_all(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_dissents(
        dissent(parent.id, agent_id=f"agent {number}", created_at=day(number))
        for number in range(5)
    )
    assert await memory.get_dissents(parent.id) == stored
    assert await memory.store_dissents([]) == []
    with pytest.raises(InvalidInputError, match=r"^dissents\[1\]\.dissent_type"):
        await memory.store_dissents(
            [dissent(parent.id), dissent(parent.id, dissent_type="whim"), dissent(parent.id)]
        )
    with pytest.raises(MissingParentError):
        await memory.store_dissents([dissent(parent.id), dissent("unknown")])
    assert await memory.get_dissents(parent.id) == stored
