"""What is particular to the consensus memory about bad arguments; the rest is in its cases."""

from __future__ import annotations

import math
import random
import string
from datetime import datetime

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import consensus, critique, dissent, row_counts


async def test_an_error_says_what_is_allowed(memory: ConsensusMemory) -> None:
    with pytest.raises(InvalidInputError, match=r"^confidence: must be between 0 and 1, not 1\.5$"):
        await memory.store_consensus(**consensus(confidence=1.5))
    with pytest.raises(InvalidInputError, match="unanimous, strong, moderate, weak, split, cont"):
        await memory.store_consensus(**consensus(strength="medium"))
    with pytest.raises(
        InvalidInputError, match=r"^created_at: must be a datetime with a time zone"
    ):
        await memory.store_consensus(**consensus(created_at=datetime(2026, 1, 1)))
    with pytest.raises(InvalidInputError, match=r"^metadata\['a'\]\[1\]: nan"):
        await memory.store_consensus(**consensus(metadata={"a": [0, math.nan]}))


async def test_a_wrong_value_in_a_prover_s_result_is_named(memory: ConsensusMemory) -> None:
    parent = await memory.store_consensus(**consensus())
    for result, expected in (
        ({"status": "proved"}, "proof_status"),
        ({"is_verified": "yes"}, "is_verified"),
        ({"translation_time_ms": -1}, "translation_time_ms"),
        ({"extra": math.nan}, "data"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await memory.store_verified_proof(parent.id, result)
        assert caught.value.argument.startswith(expected)
    assert await row_counts(memory.database) == {"consensus": 1}


async def test_bad_input_within_a_transaction_leaves_it_usable(memory: ConsensusMemory) -> None:
    async with memory.database.transaction():
        await memory.store_consensus(**consensus())
        with pytest.raises(InvalidInputError):
            await memory.store_consensus(**consensus(confidence=math.nan))
        await memory.store_consensus(**consensus())
    assert await memory.count() == 2


async def test_the_longest_keys_fit_into_every_index(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    # random, because an index holds text compressed
    key = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=1000))  # noqa: S311
    await memory.store_consensus(**consensus(domain=key, debate_id=key))
    record = await memory.store_consensus(**consensus())
    await memory.store_dissent(**dissent(record.id, agent_id=key))
    await memory.record_vote(key, key[::-1], "yes")
    await critiques.store_debate(key, "Task", critiques=[critique(key)])
    await critiques.update_reputation(key)
    assert len(await memory.get_by_domain(key)) == 1
    assert len(await memory.get_dissents_by_agent(key)) == 1
    assert len(await memory.get_votes(key)) == 1
    assert len(await critiques.get_critiques_for_debate(key)) == 1
    assert await critiques.get_reputation(key) is not None
