"""Search for similar topics: the same answers as a comparison with every record would give."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aragora_sql.database import Database
from aragora_sql.stores.consensus.records import ConsensusRecord
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.consensus.topics import topic_hash
from tests.stores.samples import compared, consensus, day, run, scores

TOPIC = "Rate limiting approach"


async def store(memory: ConsensusMemory, *topics: str, **changes: Any) -> list[ConsensusRecord]:
    return await memory.store_many(consensus(topic, **changes) for topic in topics)


async def found(memory: ConsensusMemory, topic: str, **options: Any) -> list[str]:
    return [record.topic for record in await memory.find_similar(topic, **options)]


async def index_is_sound(database: Database) -> None:
    """Compare SQLite's index of topics with the table; PostgreSQL's can't get out of step."""
    if database.dialect == "sqlite":
        await run(
            database,
            "INSERT INTO consensus_search (consensus_search, rank) VALUES ('integrity-check', 1)",
        )


# Ranking


async def test_the_same_topic_comes_first_then_the_most_similar(memory: ConsensusMemory) -> None:
    await store(
        memory, "Limiting of requests", "API rate limiting", TOPIC, "Rate limiting", "Database"
    )
    records = await memory.find_similar(TOPIC)
    assert [record.topic for record in records] == [
        TOPIC,
        "Rate limiting",
        "API rate limiting",
        "Limiting of requests",
    ]
    assert [record.similarity for record in records] == [1.0, 2 / 3, 0.5, 0.2]
    assert all(record.similarity_score == record.similarity for record in records)


async def test_the_example_finds_what_was_stored(memory: ConsensusMemory) -> None:
    await store(memory, TOPIC)
    assert await found(memory, "rate limiting", limit=5) == [TOPIC]


async def test_a_similar_record_is_a_whole_record(memory: ConsensusMemory) -> None:
    (record,) = await store(memory, TOPIC, tags=["a"], metadata={"b": 1}, created_at=day(1))
    (similar,) = await memory.find_similar(TOPIC)
    assert similar.to_dict() == {**record.to_dict(), "similarity": 1.0}


async def test_the_same_words_score_one_in_any_order_and_case(memory: ConsensusMemory) -> None:
    await store(memory, TOPIC)
    (similar,) = await memory.find_similar("APPROACH limiting   rate rate")
    assert similar.similarity == 1.0


async def test_the_same_words_come_before_the_same_terms(memory: ConsensusMemory) -> None:
    await store(memory, "Rate limiting approach?", confidence=1.0)
    await store(memory, "rate limiting APPROACH", confidence=0.1)
    records = await memory.find_similar(TOPIC)
    assert [record.topic for record in records] == [
        "rate limiting APPROACH",
        "Rate limiting approach?",
    ]
    assert [record.similarity for record in records] == [1.0, 1.0]


async def test_equally_similar_records_come_by_confidence_then_age_then_id(
    memory: ConsensusMemory,
) -> None:
    sure = await store(memory, TOPIC, confidence=0.9, created_at=day(1))
    new = await store(memory, TOPIC, TOPIC, confidence=0.5, created_at=day(3))
    old = await store(memory, TOPIC, confidence=0.5, created_at=day(2))
    ids = [record.id for record in await memory.find_similar(TOPIC)]
    assert ids == [sure[0].id, *sorted(record.id for record in new), old[0].id]


async def test_a_similarity_of_one_tenth_is_too_little(memory: ConsensusMemory) -> None:
    # one common word of ten in all, and of nine in all
    await store(memory, "rate b c d e f g h", "rate j k l m n o")
    records = await memory.find_similar("rate x y")
    assert scores(records) == [(records[0].id, 1 / 9)]
    assert records[0].topic.endswith("o")


async def test_long_topics_do_not_hide_short_ones(memory: ConsensusMemory) -> None:
    padding = " ".join(f"word{number}" for number in range(60))
    await store(memory, *(f"{TOPIC} {number} {padding}" for number in range(20)))
    await store(memory, "Rate limiting", "Approach")
    assert await found(memory, TOPIC) == ["Rate limiting", "Approach"]
    assert await found(memory, TOPIC, limit=1) == ["Rate limiting"]


# Options


async def test_find_similar_gives_as_many_of_the_best_as_the_limit(memory: ConsensusMemory) -> None:
    await store(memory, *(f"{TOPIC} {'x ' * number}".strip() for number in range(2)))
    await store(memory, *(f"Rate limiting {number}" for number in range(10)))
    everything = await memory.find_similar(TOPIC, limit=100)
    assert len(everything) == 12
    assert len(await memory.find_similar(TOPIC)) == 5
    for limit in (0, 1, 2, 3, 11, 12, 13, 2**31 - 1):
        assert await memory.find_similar(TOPIC, limit) == everything[:limit]


async def test_too_uncertain_records_are_left_out(memory: ConsensusMemory) -> None:
    for confidence in (0.0, 0.5, 1.0):
        await store(memory, TOPIC, confidence=confidence)
    for least, count in ((0.0, 3), (0.5, 2), (0.51, 1), (1.0, 1)):
        records = await memory.find_similar(TOPIC, min_confidence=least)
        assert len(records) == count
        assert all(record.confidence >= least for record in records)


async def test_other_domains_are_left_out(memory: ConsensusMemory) -> None:
    await store(memory, TOPIC, "Rate limiting", domain="security")
    await store(memory, TOPIC, "API rate limiting", domain="general")
    assert await found(memory, TOPIC, domain="security") == [TOPIC, "Rate limiting"]
    assert await found(memory, TOPIC, domain="general") == [TOPIC, "API rate limiting"]
    assert await found(memory, TOPIC, domain="unknown") == []
    assert len(await found(memory, TOPIC)) == 4


async def test_superseded_records_are_hidden_unless_asked_for(memory: ConsensusMemory) -> None:
    (old, unrelated) = await store(memory, TOPIC, "Rate limiting")
    (new,) = await store(memory, TOPIC, supersedes=old.id, confidence=0.1)
    ids = [record.id for record in await memory.find_similar(TOPIC)]
    assert ids == [new.id, unrelated.id]
    records = await memory.find_similar(TOPIC, include_superseded=True)
    assert [record.id for record in records] == [old.id, new.id, unrelated.id]
    assert records[0].superseded_by == new.id
    assert len(await memory.find_similar_debates(TOPIC)) == 2


async def test_old_records_are_found_among_many_new_ones(memory: ConsensusMemory) -> None:
    await store(memory, TOPIC, created_at=day(-1000))
    await store(memory, *(f"Unrelated {number}" for number in range(500)))
    assert await found(memory, "rate limiting", limit=1) == [TOPIC]


# The index keeps in step


async def test_the_index_follows_updates_and_deletes(memory: ConsensusMemory) -> None:
    first, second, third = await store(memory, TOPIC, "Rate limiting", "Database choice")
    database = memory.database
    await index_is_sound(database)
    await run(
        database,
        "UPDATE consensus SET topic = 'Caching layer', topic_terms = 'caching layer', "
        f"topic_hash = '{topic_hash('Caching layer')}' WHERE id = '{first.id}'",
    )
    await index_is_sound(database)
    assert await found(memory, TOPIC) == ["Rate limiting"]
    assert await found(memory, "caching layer") == ["Caching layer"]
    await memory.update_cruxes(second.id, ["changes nothing that is searched"])
    await index_is_sound(database)
    assert await found(memory, TOPIC) == ["Rate limiting"]
    await memory.delete_consensus(second.id)
    await index_is_sound(database)
    assert await found(memory, TOPIC) == []
    for terms, word in (("'store'", "store"), ("NULL", "database")):
        await run(database, f"UPDATE consensus SET topic_terms = {terms} WHERE id = '{third.id}'")
        await index_is_sound(database)
        assert await found(memory, word) == ["Database choice"]
    await run(database, "DELETE FROM consensus")
    await index_is_sound(database)
    assert await found(memory, "database") == []


async def test_a_rolled_back_record_is_not_found(memory: ConsensusMemory) -> None:
    with suppress(ZeroDivisionError):
        async with memory.database.transaction():
            await store(memory, TOPIC)
            assert await found(memory, TOPIC) == [TOPIC]
            raise ZeroDivisionError
    assert await found(memory, TOPIC) == []
    await index_is_sound(memory.database)


async def test_rows_of_other_programs_are_found(memory: ConsensusMemory) -> None:
    await run(
        memory.database,
        "INSERT INTO consensus (id, topic, topic_hash, conclusion) VALUES "
        f"('exact', '{TOPIC}', '{topic_hash(TOPIC)}', 'c'), "
        "('near', 'API Rate Limiting', 'some other hash', 'c'), "
        "('far', 'Database choice', 'yet another hash', 'c')",
    )
    assert scores(await memory.find_similar(TOPIC)) == [("exact", 1.0), ("near", 0.5)]
    await index_is_sound(memory.database)


# Random stores

WORDS = ["rate", "Rate", "LIMIT", "api", "café", "Cafe", "naïve", "o", "x-y", "50%"]
topics = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
records = st.tuples(topics, st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 3))


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(records, max_size=30), topic=topics, limit=st.sampled_from([1, 2, 5, 1000]))
async def test_a_search_finds_what_a_comparison_with_every_record_finds(
    memory: ConsensusMemory, rows: list[tuple[str, float, int]], topic: str, limit: int
) -> None:
    await run(memory.database, "DELETE FROM consensus")
    stored = await memory.store_many(
        consensus(text, confidence=sure, created_at=day(age)) for text, sure, age in rows
    )
    assert scores(await memory.find_similar(topic, limit)) == compared(topic, stored)[:limit]


async def test_a_store_of_some_thousand_topics_is_ranked_exactly(memory: ConsensusMemory) -> None:
    """Up to where words begin to count as common, as long as few records share a word."""
    chance = random.Random(7)  # noqa: S311
    words = [f"word{number}" for number in range(2000)]
    stored = await store(
        memory, *(" ".join(chance.sample(words, chance.randint(2, 12))) for _ in range(3000))
    )
    for _ in range(30):
        topic = " ".join(chance.sample(words, chance.randint(1, 15)))
        similar = await memory.find_similar(topic, limit=20)
        assert scores(similar) == compared(topic, stored)[:20]
