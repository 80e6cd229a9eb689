"""Calls of several stores are one unit, and a call that does not finish leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from aragora_sql.errors import MissingParentError
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.store import CritiqueStore
from tests.stores.samples import consensus, critique, days_ago, dissent, row_counts


class ApplicationError(Exception):
    """What goes wrong in the application, not in the database."""


async def store_in_both(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    await critiques.store_debate("d", "Task", critiques=[critique(), critique("gpt4")])
    record = await memory.store_consensus(**consensus(debate_id="d"))
    await memory.store_dissents([dissent(record.id), dissent(record.id)])
    await critiques.store_pattern(["Bug", "Slow"])
    await critiques.update_reputation("claude", proposal_made=True)


EVERYTHING = {
    "consensus": 1,
    "dissent": 2,
    "debates": 1,
    "critiques": 2,
    "patterns": 2,
    "agent_reputation": 1,
}


async def test_both_stores_are_committed_together(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    async with memory.database.transaction():
        await store_in_both(memory, critiques)
        assert len(await memory.find_similar("Rate limiting approach")) == 1
        assert await critiques.count_critiques() == 2
    assert await row_counts(memory.database) == EVERYTHING


async def test_both_stores_are_rolled_back_together(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    with suppress(ApplicationError):
        async with memory.database.transaction():
            await store_in_both(memory, critiques)
            raise ApplicationError
    assert await row_counts(memory.database) == {}
    assert await memory.find_similar("Rate limiting approach") == []


async def test_an_error_of_the_database_rolls_everything_back(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    with suppress(MissingParentError):
        async with memory.database.transaction():
            await store_in_both(memory, critiques)
            await memory.store_dissent(**dissent("unknown"))
    assert await row_counts(memory.database) == {}


async def test_a_nested_unit_is_rolled_back_alone(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    async with memory.database.transaction():
        await store_in_both(memory, critiques)
        with suppress(MissingParentError):
            async with memory.database.transaction():
                await critiques.store_debate("other", "Task", critiques=[critique()])
                await critiques.store_critique("unknown", "claude")
        with suppress(ApplicationError):
            async with memory.database.transaction():
                await memory.store_consensus(**consensus())
                raise ApplicationError
    assert await row_counts(memory.database) == EVERYTHING


async def test_nobody_else_sees_half_a_unit(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    written, seen = asyncio.Event(), asyncio.Event()

    async def look() -> int:
        await written.wait()
        try:
            return await critiques.count_debates() + await memory.count()
        finally:
            seen.set()

    looking = asyncio.create_task(look())
    async with memory.database.transaction():
        await store_in_both(memory, critiques)
        written.set()
        await seen.wait()
    assert await looking == 0
    assert await critiques.count_debates() + await memory.count() == 2


async def test_a_cancelled_unit_is_rolled_back(
    memory: ConsensusMemory, critiques: CritiqueStore
) -> None:
    written = asyncio.Event()

    async def work() -> None:
        async with memory.database.transaction():
            await store_in_both(memory, critiques)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await row_counts(memory.database) == {}
    await store_in_both(memory, critiques)
    assert await row_counts(memory.database) == EVERYTHING


# Calls that are cut short at any point

Work = Callable[[ConsensusMemory, CritiqueStore], Awaitable[object]]


async def store_a_debate(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    await critiques.store_debate("d", "Task", critiques=[critique(str(n)) for n in range(5)])


async def store_many(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    await memory.store_many(consensus(str(number)) for number in range(5))


async def store_patterns(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    await critiques.store_pattern([f"issue {number}" for number in range(5)])


async def record_outcome(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    async with critiques.database.transaction():
        number = await critiques.store_critique(None, "claude")
        await critiques.update_prediction_outcome(number, 0.9, agent_name="gpt4")


async def clean_up(memory: ConsensusMemory, critiques: CritiqueStore) -> None:
    await memory.store_many(consensus(str(n), created_at=days_ago(100)) for n in range(5))
    await memory.cleanup_old_records()


@pytest.mark.parametrize(
    ("work", "outcomes"),
    [
        (store_a_debate, [{}, {"debates": 1, "critiques": 5}]),
        (store_many, [{}, {"consensus": 5}]),
        (store_patterns, [{}, {"patterns": 5}]),
        (record_outcome, [{}, {"critiques": 1, "agent_reputation": 1}]),
        (clean_up, [{}, {"consensus": 5}, {"consensus_archive": 5}]),
    ],
)
async def test_a_cancelled_call_is_done_or_leaves_nothing(
    memory: ConsensusMemory, critiques: CritiqueStore, work: Work, outcomes: list[dict[str, int]]
) -> None:
    """Cancelled after each number of turns of the event loop, from none to all that it takes."""
    finished = False
    turns = 0
    while not finished:
        task = asyncio.ensure_future(work(memory, critiques))
        for _ in range(turns):
            await asyncio.sleep(0)
        finished = task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        counts = await row_counts(memory.database)
        assert counts in outcomes, turns
        if counts:
            async with memory.database.transaction() as connection:
                for table in counts:
                    await connection.run_script("clear", f"DELETE FROM {table}")
        turns += 1 + turns // 8
    assert turns > 3
    assert memory.database.metrics().in_use == 0
