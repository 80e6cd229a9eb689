"""Filters of a search reach rows that are rare among many matches."""

from __future__ import annotations

from typing import Any

from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import consensus


def many(number: int, **changes: Any) -> list[Any]:
    return [
        consensus(f"Rate limiting service number{n} variant{n % 50}", **changes)
        for n in range(number)
    ]


async def test_rare_rows_are_found_among_thousands_of_matches(memory: ConsensusMemory) -> None:
    await memory.store_many(many(4000, domain="big", confidence=0.5))
    rare = await memory.store_many(many(5, domain="rare", confidence=0.9))
    old = rare[0]
    new = await memory.supersede_consensus(
        old.id,
        **{
            f"new_{k}" if k in {"topic", "conclusion"} else k: v
            for k, v in consensus("Rate limiting service", domain="rare", confidence=0.9).items()
        },
    )
    await memory.store_many(many(4000, domain="big", confidence=0.5))
    wanted = {record.id for record in [*rare[1:], new]}
    for topic in ("Rate limiting service", "rate limiting of the service, please"):
        for found in (
            await memory.find_similar(topic, domain="rare", limit=5),
            await memory.find_similar(topic, min_confidence=0.8, limit=5),
        ):
            assert {record.id for record in found} == wanted
