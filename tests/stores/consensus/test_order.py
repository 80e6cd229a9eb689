"""Orders with ties have an end: both engines take the same rows of those that are equally old."""

from __future__ import annotations

from aragora_sql.stores.consensus.store import ConsensusMemory
from tests.stores.samples import day, run

IDS = [f"{(number * 37) % 101:03}-{'Aa'[number % 2]}" for number in range(50)]


async def fill(memory: ConsensusMemory) -> None:
    values = ", ".join(
        f"('{key}', 'Topic {key}', 'h', 'topic {key}', 'c', 'd', '2026-01-01T00:00:00.000000Z')"
        for key in IDS
    )
    await run(
        memory.database,
        "INSERT INTO consensus (id, topic, topic_hash, topic_terms, conclusion, domain, "
        f"created_at) VALUES {values}",
    )


async def test_cleanup_old_records_takes_equally_old_ones_by_their_ids(
    memory: ConsensusMemory,
) -> None:
    await fill(memory)
    async with memory.database.transaction() as connection:
        rows = memory._queries.lock_expired(connection, cutoff=day(1), row_limit=7)
        assert [row["id"] async for row in rows] == sorted(IDS)[:7]


async def test_find_similar_learns_from_the_same_topics(memory: ConsensusMemory) -> None:
    await fill(memory)
    async with memory.database.read() as connection:
        rows = memory._queries.sample_topic_terms(connection, row_limit=7)
        assert [row["topic_terms"] async for row in rows] == [
            f"topic {key}" for key in sorted(IDS)[:7]
        ]
