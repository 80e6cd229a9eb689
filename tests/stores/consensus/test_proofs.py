"""Runs of a prover on a consensus, and users' votes on debates."""

from __future__ import annotations

import pytest

from aragora_sql.errors import InvalidInputError, MissingParentError
from aragora_sql.stores.consensus.records import ConsensusRecord, ProofRecord, ProofStatus
from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import consensus, day


@pytest.fixture
async def parent(memory: ConsensusMemory) -> ConsensusRecord:
    return await memory.store_consensus(**consensus())


def hashes(proofs: list[ProofRecord]) -> list[str | None]:
    return [proof.proof_hash for proof in proofs]


async def test_store_proof_then_get_verified_proof_gives_it_back(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_proof(
        debate_id=parent.id,
        proof_status=ProofStatus.PROOF_FOUND,
        language="lean4",
        formal_statement="theorem t : 1 + 1 = 2",
        is_verified=True,
        proof_hash="abc123",
        translation_time_ms=12.5,
        proof_search_time_ms=0.0,
        prover_version="4.9",
        error_message="",
        metadata={"attempt": 1},
        data={"translation_confidence": 0.9},
        created_at=day(1),
    )
    assert await memory.get_verified_proof(parent.id) == stored
    assert stored.to_dict() == {
        "id": stored.id,
        "consensus_id": parent.id,
        "proof_status": "proof_found",
        "language": "lean4",
        "formal_statement": "theorem t : 1 + 1 = 2",
        "is_verified": True,
        "proof_hash": "abc123",
        "translation_time_ms": 12.5,
        "proof_search_time_ms": 0.0,
        "prover_version": "4.9",
        "error_message": "",
        "metadata": {"attempt": 1},
        "data": {"translation_confidence": 0.9},
        "created_at": "2026-01-02T00:00:00+00:00",
    }


@pytest.mark.parametrize("status", list(ProofStatus))
async def test_a_status_is_a_member_or_its_value(
    memory: ConsensusMemory, parent: ConsensusRecord, status: ProofStatus
) -> None:
    by_member = await memory.store_proof(parent.id, status)
    by_value = await memory.store_proof(parent.id, status.value)
    assert by_member.proof_status == by_value.proof_status == status
    assert {p.id for p in await memory.get_proofs_for_debate(parent.id)} == {
        by_member.id,
        by_value.id,
    }


async def test_store_verified_proof_keeps_the_result_whole_and_fills_the_columns(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    result = {
        "status": "proof_found",
        "language": "z3_smt",
        "formal_statement": "(assert true)",
        "proof_hash": "abc",
        "is_verified": True,
        "translation_time_ms": 3.5,
        "proof_search_time_ms": 40,
        "error_message": "",
        "prover_version": "4.13",
        "translation_confidence": 0.93,
        "semantic_match_verified": True,
    }
    proof_id = await memory.store_verified_proof(parent.id, result)
    proof = await memory.get_verified_proof(parent.id)
    assert proof is not None
    assert proof.id == proof_id
    assert proof.data == result
    assert (proof.proof_status, proof.language) == ("proof_found", "z3_smt")
    assert proof.is_verified is True
    assert (proof.translation_time_ms, proof.proof_search_time_ms) == (3.5, 40.0)


async def test_a_result_may_name_its_status_in_either_way_or_not_at_all(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    for result in ({"proof_status": "timeout"}, {"status": "proof_failed"}, {}):
        await memory.store_verified_proof(parent.id, result)
    proofs = await memory.get_proofs_for_debate(parent.id)
    assert {proof.proof_status for proof in proofs} == {"timeout", "proof_failed", "unknown"}
    assert not any(proof.is_verified for proof in proofs)


async def test_get_proofs_for_debate_gives_the_oldest_first_and_the_newest_counts(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    for number in (2, 3, 1):
        await memory.store_proof(
            parent.id, "timeout", proof_hash=f"{number}", created_at=day(number)
        )
    assert hashes(await memory.get_proofs_for_debate(parent.id)) == ["1", "2", "3"]
    newest = await memory.get_verified_proof(parent.id)
    assert newest is not None
    assert newest.proof_hash == "3"
    assert await memory.get_proofs_for_debate("unknown") == []
    assert await memory.get_verified_proof("unknown") is None


async def test_runs_of_one_timestamp_come_by_id(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    stored = await memory.store_proofs(
        {
            "debate_id": parent.id,
            "proof_status": "proof_found",
            "is_verified": True,
            "created_at": day(1),
        }
        for _ in range(20)
    )
    expected = sorted(proof.id for proof in stored)
    for found in (
        await memory.get_proofs_for_debate(parent.id),
        await memory.get_verified_proofs(),
        await memory.list_verified_debates(verified_only=False),
    ):
        assert [proof.id for proof in found] == expected
    newest = await memory.get_verified_proof(parent.id)
    assert newest is not None
    assert newest.id == expected[0]


async def test_get_verified_proofs_and_list_verified_debates_give_the_newest_first(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    for number in range(4):
        await memory.store_proof(
            parent.id,
            "proof_found",
            proof_hash=f"{number}",
            is_verified=number != 2,
            created_at=day(number),
        )
    assert hashes(await memory.list_verified_debates()) == ["3", "1", "0"]
    assert hashes(await memory.get_verified_proofs()) == ["3", "1", "0"]
    assert hashes(await memory.get_verified_proofs(limit=1)) == ["3"]
    assert hashes(await memory.list_verified_debates(verified_only=False)) == ["3", "2", "1", "0"]
    assert hashes(await memory.list_verified_debates(verified_only=False, limit=2)) == ["3", "2"]
    assert await memory.list_verified_debates(limit=0) == []


async def test_a_proof_needs_a_consensus(memory: ConsensusMemory) -> None:
    with pytest.raises(MissingParentError):
        await memory.store_proof("unknown", "timeout")
    with pytest.raises(MissingParentError):
        await memory.store_verified_proof("unknown", {"status": "timeout"})
    assert (await memory.get_stats()).total_proofs == 0


async def test_store_proofs_stores_a_batch_or_nothing(
    memory: ConsensusMemory, parent: ConsensusRecord
) -> None:
    good = {"debate_id": parent.id, "proof_status": "timeout"}
    assert await memory.store_proofs([]) == []
    assert len(await memory.store_proofs([good, good])) == 2
    with pytest.raises(InvalidInputError, match=r"^proofs\[1\]\.translation_time_ms"):
        await memory.store_proofs([good, good | {"translation_time_ms": -1}])
    with pytest.raises(MissingParentError):
        await memory.store_proofs([good, good | {"debate_id": "unknown"}])
    assert (await memory.get_stats()).total_proofs == 2


# Votes


async def test_record_vote_and_get_votes_count_the_last_vote_of_a_user(
    memory: ConsensusMemory,
) -> None:
    await memory.record_vote("debate-1", "ann", "agree", "web")
    await memory.record_vote("debate-1", "bob", "agree")
    await memory.record_vote("debate-2", "ann", "agree")
    await memory.record_vote("debate-1", "ann", "disagree", "chat")
    votes = await memory.get_votes("debate-1")
    assert [(vote.user_id, vote.vote, vote.source) for vote in votes] == [
        ("ann", "disagree", "chat"),
        ("bob", "agree", ""),
    ]
    assert votes[0].updated_at > votes[0].created_at
    assert votes[1].updated_at == votes[1].created_at
    assert await memory.get_votes("unknown") == []


async def test_votes_outlive_the_process(memory: ConsensusMemory) -> None:
    await memory.record_vote("debate-1", "ann", "agree")
    assert len(await ConsensusMemory(memory.database).get_votes("debate-1")) == 1
