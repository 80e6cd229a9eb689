"""Search in a store so large that common words are told from rare ones: near, fast, not exact."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import mean

import pytest

from aragora_sql.stores.consensus.records import ConsensusRecord
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.consensus.topics import topic_hash
from aragora_sql.stores.search import SAMPLE_SIZE, search_levels
from aragora_sql.stores.terms import search_terms
from tests.stores.samples import compared, consensus, day, scores

VOCABULARY = [f"word{number}" for number in range(3000)]
WEIGHTS = [1 / (number + 1) for number in range(3000)]


def random_topics(count: int, seed: int) -> list[str]:
    """Topics of some words each, of which a few stand in most topics, as in any language."""
    chance = random.Random(seed)  # noqa: S311
    return [
        " ".join(dict.fromkeys(chance.choices(VOCABULARY, WEIGHTS, k=chance.randint(5, 10))))
        for _ in range(count)
    ]


async def store_large(memory: ConsensusMemory, topics: Sequence[str]) -> list[ConsensusRecord]:
    return await memory.store_many(
        consensus(topic, confidence=number % 10 / 10, created_at=day(number / 1000))
        for number, topic in enumerate(topics)
    )


async def test_the_best_hits_are_those_of_a_comparison_with_every_record(
    memory: ConsensusMemory,
) -> None:
    stored = await store_large(memory, random_topics(SAMPLE_SIZE + 1500, seed=1))
    chance = random.Random(2)  # noqa: S311
    for record in chance.sample(stored, 40):
        (first, *_) = await memory.find_similar(record.topic)
        assert (first.topic_hash, first.similarity) == (record.topic_hash, 1.0)
    # One word less; what is left says something, because one of its words is not everywhere.
    rare = set(VOCABULARY[100:])
    telling = [record for record in stored if len(rare.intersection(record.topic.split())) > 1]
    for record in chance.sample(telling, 40):
        words = record.topic.split()
        words.remove(chance.choice(words))
        topic = " ".join(words)
        (best, *_) = scores(await memory.find_similar(topic))
        assert best == compared(topic, stored)[0], topic


async def test_any_question_gets_answers_that_are_nearly_the_best(memory: ConsensusMemory) -> None:
    stored = await store_large(memory, random_topics(SAMPLE_SIZE + 1500, seed=3))
    shares, found, findable = [], 0, 0
    for topic in random_topics(40, seed=4):
        similar = scores(await memory.find_similar(topic))
        reference = compared(topic, stored)
        found += len(similar)
        findable += min(5, len(reference))
        assert [score for _, score in similar] == sorted((s for _, s in similar), reverse=True)
        assert set(similar) <= set(reference)
        shares.append(mean(s for _, s in similar) / mean(s for _, s in reference[:5]))
    assert mean(shares) > 0.8
    assert found > 0.95 * findable


async def test_words_that_stand_everywhere_find_something(memory: ConsensusMemory) -> None:
    await store_large(memory, random_topics(SAMPLE_SIZE + 1500, seed=5))
    for topic in ("word0", "word1 word0", "word0 word1 word2 word3", "word0 unheard"):
        assert len(await memory.find_similar(topic, limit=20)) == 20
    assert await memory.find_similar("unheard of") == []


# What a search plans for common words is an expression that both engines can read.


@pytest.mark.parametrize("topic", ["one", "one two", "one two three", "a b c d e f"])
@pytest.mark.parametrize("share", [0.9, 0.3, 0.05, 0.01, 0.0001])
async def test_every_plan_can_be_run(memory: ConsensusMemory, topic: str, share: float) -> None:
    terms = search_terms(topic)
    stored = await memory.store_many([consensus(topic), consensus(f"{topic} more")])
    plans = [
        search_levels(terms, dict.fromkeys(terms[:common], share), wanted)
        for common in range(len(terms) + 1)
        for wanted in (1, 100)
    ]
    for levels in plans:
        for chosen in (levels, *([level] for level in levels)):
            async with memory.database.read() as connection:
                rows = memory._queries.find_similar(
                    connection,
                    levels=chosen,
                    enough=200,
                    most=200,
                    terms=terms,
                    topic_hash=topic_hash("found by the plan alone"),
                    min_confidence=0.0,
                    domain=None,
                    include_superseded=False,
                    row_limit=10,
                )
                found = {row["id"] async for row in rows}
            assert found == {record.id for record in stored}, chosen


async def test_long_topics_do_not_hide_short_ones(memory: ConsensusMemory) -> None:
    padding = " ".join(f"padding{number}" for number in range(80))
    await store_large(memory, random_topics(SAMPLE_SIZE, seed=6))
    await memory.store_many(consensus(f"teapot quantum pan {n} {padding}") for n in range(20))
    await memory.store_many([consensus("quantum teapot"), consensus("pan")])
    found = await memory.find_similar("teapot quantum pan")
    assert [record.topic for record in found] == ["quantum teapot", "pan"]
