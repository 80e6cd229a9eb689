"""Consensus records: stored, read, listed, counted, superseded, deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.errors import IntegrityError, InvalidInputError, MissingParentError
from aragora_sql.stores.consensus.records import ConsensusRecord, ConsensusStrength
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import consensus, day, dissent, row_counts

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def stored(memory: ConsensusMemory, topic: str, **changes: Any) -> ConsensusRecord:
    return await memory.store_consensus(**consensus(topic, **changes))


def topics(records: list[ConsensusRecord]) -> list[str]:
    return [record.topic for record in records]


async def test_store_consensus_then_get_consensus_gives_it_back(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus(
        topic="Rate limiting approach",
        conclusion="Use token bucket algorithm",
        strength=ConsensusStrength.STRONG,
        confidence=0.85,
        participating_agents=["claude", "gpt4", "gemini"],
        agreeing_agents=("claude", "gpt4"),
        dissenting_agents={"gemini"},
        key_claims=["Bursts are allowed"],
        domain="architecture",
        tags=["api", "limits"],
        debate_duration=12.5,
        rounds=3,
        metadata={"winner": "claude"},
        supporting_evidence=["RFC 2697"],
        belief_cruxes=[{"claim": "Bursts matter", "confidence": 0.4}, "plain text"],
        debate_id="debate-123",
        data={"older": ["facts", None]},
        created_at=day(1),
    )
    assert await memory.get_consensus(record.id) == record
    assert record.to_dict() == {
        "id": record.id,
        "topic": "Rate limiting approach",
        "topic_hash": "27c18c4635ab2b10",
        "conclusion": "Use token bucket algorithm",
        "strength": "strong",
        "confidence": 0.85,
        "domain": "architecture",
        "debate_id": "debate-123",
        "participating_agents": ["claude", "gpt4", "gemini"],
        "agreeing_agents": ["claude", "gpt4"],
        "dissenting_agents": ["gemini"],
        "key_claims": ["Bursts are allowed"],
        "supporting_evidence": ["RFC 2697"],
        "tags": ["api", "limits"],
        "belief_cruxes": [{"claim": "Bursts matter", "confidence": 0.4}, "plain text"],
        "rounds": 3,
        "debate_duration_seconds": 12.5,
        "supersedes": None,
        "superseded_by": None,
        "dissent_ids": [],
        "metadata": {"winner": "claude"},
        "data": {"older": ["facts", None]},
        "created_at": "2026-01-02T00:00:00+00:00",
        "updated_at": "2026-01-02T00:00:00+00:00",
    }


async def test_what_is_not_given_has_a_default(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus("Topic", "Conclusion", "weak", 0, [], [])
    assert await memory.get_consensus(record.id) == record
    assert (record.domain, record.debate_id, record.rounds) == ("general", None, 0)
    assert record.debate_duration_seconds == record.confidence == 0.0
    assert record.dissenting_agents == record.key_claims == record.tags == []
    assert record.metadata == record.data == {}
    assert record.created_at == record.updated_at


@pytest.mark.parametrize("strength", list(ConsensusStrength))
async def test_strength_is_a_member_or_its_value(
    memory: ConsensusMemory, strength: ConsensusStrength
) -> None:
    by_member = await stored(memory, "By member", strength=strength)
    by_value = await stored(memory, "By value", strength=strength.value)
    assert by_member.strength == by_value.strength == strength
    assert (await memory.get_consensus(by_member.id)) == by_member


async def test_each_call_stores_a_record_of_its_own(memory: ConsensusMemory) -> None:
    first = await memory.store_consensus(**consensus())
    second = await memory.store_consensus(**consensus())
    assert first.id != second.id
    assert await memory.count() == 2


async def test_an_unknown_consensus_is_none(memory: ConsensusMemory) -> None:
    assert await memory.get_consensus(UNKNOWN) is None
    assert await memory.get_consensus("") is None
    assert await memory.get_by_topic_hash("27c18c4635ab2b10") is None


async def test_get_by_topic_hash_finds_the_newest_consensus_on_a_topic(
    memory: ConsensusMemory,
) -> None:
    await stored(memory, "Rate limiting approach", created_at=day(1))
    newest = await stored(memory, "approach  rate LIMITING", created_at=day(3))
    await stored(memory, "Rate limiting approach", created_at=day(2))
    await stored(memory, "Rate limiting approach?", created_at=day(4))
    assert await memory.get_by_topic_hash("27c18c4635ab2b10") == newest


async def test_agreement_is_the_share_of_those_who_took_part(memory: ConsensusMemory) -> None:
    record = await stored(
        memory, "T", participating_agents=["a", "b", "c", "d"], agreeing_agents=["a", "b", "c"]
    )
    alone = await stored(memory, "T", participating_agents=[], agreeing_agents=[])
    assert record.compute_agreement_ratio() == 0.75
    assert alone.compute_agreement_ratio() == 0.0
    assert record.timestamp == record.created_at


# Lists


async def test_get_recent_gives_the_newest_first(memory: ConsensusMemory) -> None:
    for number in (2, 5, 1, 4, 3):
        await stored(memory, f"topic {number}", created_at=day(number))
    assert topics(await memory.get_recent()) == [f"topic {n}" for n in (5, 4, 3, 2, 1)]
    assert topics(await memory.get_recent(2)) == ["topic 5", "topic 4"]
    assert await memory.get_recent(0) == []
    assert len(await memory.get_recent(2**31 - 1)) == 5


async def test_records_of_one_timestamp_come_by_id(memory: ConsensusMemory) -> None:
    records = await memory.store_many(consensus(created_at=day(1)) for _ in range(20))
    expected = sorted(record.id for record in records)
    assert [record.id for record in await memory.get_recent(20)] == expected
    assert [record.id for record in await memory.get_by_domain("general")] == expected
    newest = await memory.get_by_topic_hash(records[0].topic_hash)
    assert newest is not None
    assert newest.id == expected[0]


async def test_get_by_domain_and_get_domain_consensus_history_and_count_are_of_one_domain(
    memory: ConsensusMemory,
) -> None:
    await stored(memory, "one", domain="security", created_at=day(1))
    await stored(memory, "two", domain="general", created_at=day(2))
    await stored(memory, "three", domain="security", created_at=day(3))
    assert topics(await memory.get_recent()) == ["three", "two", "one"]
    for listed in (
        await memory.get_recent(domain="security"),
        await memory.get_by_domain("security"),
        await memory.get_domain_consensus_history("security"),
    ):
        assert topics(listed) == ["three", "one"]
    assert topics(await memory.get_by_domain("security", limit=1)) == ["three"]
    assert topics(await memory.get_domain_consensus_history("security", 1)) == ["three"]
    assert topics(await memory.get_recent(1, "security")) == ["three"]
    assert await memory.get_by_domain("Security") == []
    assert await memory.count() == 3
    assert await memory.count("security") == 2
    assert await memory.count("unknown") == 0


async def test_lists_leave_out_what_is_not_sure_enough(memory: ConsensusMemory) -> None:
    for number, confidence in enumerate((0.0, 0.5, 0.7, 1.0)):
        await stored(memory, f"{confidence}", confidence=confidence, created_at=day(number))
    assert topics(await memory.get_recent(min_confidence=0.5)) == ["1.0", "0.7", "0.5"]
    assert topics(await memory.get_recent(min_confidence=0.0)) == ["1.0", "0.7", "0.5", "0.0"]
    assert topics(await memory.get_by_domain("general", min_confidence=0.71)) == ["1.0"]
    assert topics(await memory.get_recent(10, "general", 1.0)) == ["1.0"]


async def test_a_confidence_of_zero_is_kept(memory: ConsensusMemory) -> None:
    record = await stored(memory, "T", confidence=0.0)
    read = await memory.get_consensus(record.id)
    assert read is not None
    assert read.confidence == 0.0


# Batches


async def test_store_many_stores_a_batch_in_its_order(memory: ConsensusMemory) -> None:
    records = await memory.store_many(
        consensus(f"topic {number}", rounds=number, created_at=day(number)) for number in range(50)
    )
    assert [record.rounds for record in records] == list(range(50))
    assert await memory.get_recent(50) == records[::-1]


async def test_an_empty_batch_does_nothing(memory: ConsensusMemory) -> None:
    assert await memory.store_many([]) == []
    assert await memory.count() == 0


async def test_nothing_of_a_batch_is_stored_when_an_entry_is_wrong(memory: ConsensusMemory) -> None:
    entries = [consensus(f"topic {number}") for number in range(5)]
    entries[3]["confidence"] = 1.5
    with pytest.raises(InvalidInputError, match=r"records\[3\]\.confidence") as caught:
        await memory.store_many(entries)
    assert caught.value.argument == "records[3].confidence"
    assert await memory.count() == 0


async def test_nothing_of_a_batch_is_stored_when_the_database_refuses_an_entry(
    memory: ConsensusMemory,
) -> None:
    entries = [consensus(f"topic {number}") for number in range(5)]
    entries[3]["supersedes"] = UNKNOWN
    with pytest.raises(MissingParentError):
        await memory.store_many(entries)
    assert await memory.count() == 0


# Belief cruxes


async def test_cruxes_are_read_back(memory: ConsensusMemory) -> None:
    record = await stored(memory, "T", created_at=day(1))
    cruxes = [{"source": "claude", "claim": "Bursts", "confidence_gap": 0.3}, "text", 5, None]
    assert await memory.update_cruxes(record.id, cruxes) is True
    read = await memory.get_consensus(record.id)
    assert read is not None
    assert read.belief_cruxes == cruxes
    assert read.created_at == record.created_at
    assert read.updated_at > record.updated_at


async def test_update_cruxes_keeps_the_first_five_and_replaces_the_others(
    memory: ConsensusMemory,
) -> None:
    record = await stored(memory, "T", belief_cruxes=["old"])
    await memory.update_cruxes(record.id, [{"claim": number} for number in range(7)])
    (read,) = await memory.get_recent()
    assert read.belief_cruxes == [{"claim": number} for number in range(5)]
    assert await memory.update_cruxes(record.id, [])
    (read,) = await memory.get_recent()
    assert read.belief_cruxes == []


async def test_cruxes_of_an_unknown_consensus_change_nothing(memory: ConsensusMemory) -> None:
    await stored(memory, "T")
    assert await memory.update_cruxes(UNKNOWN, ["crux"]) is False
    (read,) = await memory.get_recent()
    assert read.belief_cruxes == []


async def test_cruxes_and_dissents_do_not_overwrite_each_other(memory: ConsensusMemory) -> None:
    record = await stored(memory, "T")
    await asyncio.gather(
        *(memory.store_dissent(**dissent(record.id)) for _ in range(20)),
        *(memory.update_cruxes(record.id, [number]) for number in range(20)),
    )
    read = await memory.get_consensus(record.id)
    assert read is not None
    assert len(read.dissent_ids) == 20
    assert len(read.belief_cruxes) == 1


# Supersession


async def test_supersede_consensus_links_both_records(memory: ConsensusMemory) -> None:
    old = await stored(memory, "Rate limiting approach")
    new = await memory.supersede_consensus(
        old.id,
        "Rate limiting in 2026",
        "Use a sliding window",
        strength="unanimous",
        confidence=0.9,
        participating_agents=["claude"],
        agreeing_agents=["claude"],
        metadata={"reason": "new load"},
    )
    assert new.supersedes == old.id
    assert new.topic == "Rate limiting in 2026"
    assert new.conclusion == "Use a sliding window"
    assert new.metadata == {"reason": "new load"}
    assert await memory.get_consensus(new.id) == new
    read = await memory.get_consensus(old.id)
    assert read is not None
    assert read.superseded_by == new.id
    assert read.supersedes is None


async def test_the_newest_of_several_successors_counts(memory: ConsensusMemory) -> None:
    old = await stored(memory, "T", created_at=day(0))
    await stored(memory, "second", supersedes=old.id, created_at=day(2))
    newest = await stored(memory, "third", supersedes=old.id, created_at=day(3))
    await stored(memory, "first", supersedes=old.id, created_at=day(1))
    read = await memory.get_consensus(old.id)
    assert read is not None
    assert read.superseded_by == newest.id


async def test_superseding_an_unknown_consensus_stores_nothing(memory: ConsensusMemory) -> None:
    with pytest.raises(MissingParentError):
        await memory.supersede_consensus(
            UNKNOWN,
            "Topic",
            "Conclusion",
            strength="weak",
            confidence=0.5,
            participating_agents=[],
            agreeing_agents=[],
        )
    assert await memory.count() == 0


async def test_a_deleted_successor_is_forgotten(memory: ConsensusMemory) -> None:
    old = await stored(memory, "T")
    new = await stored(memory, "T", supersedes=old.id)
    assert [record.id for record in await memory.find_similar("T")] == [new.id]
    await memory.delete_consensus(new.id)
    assert await memory.find_similar("T", limit=5) != []
    read = await memory.get_consensus(old.id)
    assert read == old


async def test_a_successor_outlives_what_it_superseded(memory: ConsensusMemory) -> None:
    old = await stored(memory, "T")
    new = await stored(memory, "T", supersedes=old.id)
    assert await memory.delete_consensus(old.id)
    read = await memory.get_consensus(new.id)
    assert read is not None
    assert read.supersedes is None


# Deletion


async def test_delete_consensus_deletes_its_dissents_and_proofs(memory: ConsensusMemory) -> None:
    gone = await stored(memory, "gone")
    kept = await stored(memory, "kept")
    for record in (gone, kept):
        await memory.store_dissent(**dissent(record.id))
        await memory.store_proof(record.id, "proof_found")
    assert await memory.delete_consensus(gone.id) is True
    assert await memory.get_consensus(gone.id) is None
    assert await memory.get_dissents(gone.id) == []
    assert await memory.get_verified_proof(gone.id) is None
    assert await memory.get_proofs_for_debate(gone.id) == []
    assert await row_counts(memory.database) == {"consensus": 1, "dissent": 1, "verified_proofs": 1}
    assert await memory.delete_consensus(gone.id) is False


async def test_without_the_cascade_a_consensus_with_dissents_stays(memory: ConsensusMemory) -> None:
    record = await stored(memory, "T")
    objection = await memory.store_dissent(**dissent(record.id))
    await memory.store_proof(record.id, "timeout")
    with pytest.raises(IntegrityError, match="1 dissents"):
        await memory.delete_consensus(record.id, cascade_dissents=False)
    assert await row_counts(memory.database) == {"consensus": 1, "dissent": 1, "verified_proofs": 1}
    await memory.delete_dissent(objection.id)
    assert await memory.delete_consensus(record.id, cascade_dissents=False) is True
    assert await memory.delete_consensus(record.id, cascade_dissents=False) is False
    assert await row_counts(memory.database) == {}


# Statistics


async def test_an_empty_store_has_empty_statistics(memory: ConsensusMemory) -> None:
    assert (await memory.get_stats()).to_dict() == {
        "total_consensus": 0,
        "total_dissents": 0,
        "total_proofs": 0,
        "verified_proofs": 0,
        "avg_confidence": 0.0,
        "by_strength": {},
        "by_domain": {},
        "by_dissent_type": {},
    }


async def test_get_stats_and_get_statistics_count_everything_largest_first(
    memory: ConsensusMemory,
) -> None:
    records = await memory.store_many(
        consensus(f"T{number}", strength=strength, domain=domain, confidence=confidence)
        for number, (strength, domain, confidence) in enumerate(
            [
                ("weak", "b", 0.25),
                ("strong", "b", 0.5),
                ("strong", "a", 0.75),
                ("split", "c", 1.0),
            ]
        )
    )
    await memory.store_dissents(
        dissent(records[0].id, dissent_type=kind)
        for kind in ("risk_warning", "abstention", "risk_warning")
    )
    await memory.store_proof(records[0].id, "proof_found", is_verified=True)
    await memory.store_proof(records[0].id, "timeout")
    stats = await memory.get_statistics()
    assert stats == await memory.get_stats()
    assert (stats.total_consensus, stats.total_dissents) == (4, 3)
    assert (stats.total_proofs, stats.verified_proofs) == (2, 1)
    assert stats.avg_confidence == 0.625
    assert list(stats.by_strength.items()) == [("strong", 2), ("split", 1), ("weak", 1)]
    assert list(stats.by_domain.items()) == [("b", 2), ("a", 1), ("c", 1)]
    assert list(stats.by_dissent_type.items()) == [("risk_warning", 2), ("abstention", 1)]


async def test_statistics_name_the_ten_largest_domains(memory: ConsensusMemory) -> None:
    await memory.store_many(
        consensus(domain=f"domain {number:02}") for number in range(12) for _ in range(number + 1)
    )
    by_domain = (await memory.get_stats()).by_domain
    assert list(by_domain.items()) == [(f"domain {n:02}", n + 1) for n in range(11, 1, -1)]
