"""Many tasks, and several instances of an application, work on the same rows at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aragora_sql.stores.base import Store
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.critique.records import pattern_id
from aragora_sql.stores.critique.store import CritiqueStore
from tests.conftest import OpenDatabase
from tests.stores.samples import (
    consensus,
    critique,
    days_ago,
    dissent,
    fetch_value,
    row_counts,
    run,
)

Stores = list[CritiqueStore]


@pytest.fixture
async def instances(critiques: CritiqueStore, open_database: OpenDatabase) -> Stores:
    """Two instances of an application, each with connections of its own."""
    return [critiques, CritiqueStore(await open_database())]


async def test_a_hundred_updates_of_one_agent_all_count(instances: Stores) -> None:
    await asyncio.gather(
        *(
            instances[number % 2].update_reputation(
                "claude", proposal_made=True, proposal_accepted=number % 4 == 0
            )
            for number in range(100)
        )
    )
    agent = await instances[0].get_reputation("claude")
    assert agent is not None
    assert (agent.proposals_made, agent.proposals_accepted) == (100, 25)


async def test_a_hundred_successes_of_one_pattern_all_count(instances: Stores) -> None:
    await asyncio.gather(
        *(instances[number % 2].store_pattern("Bug", severity=number % 5) for number in range(100))
    )
    ((pattern, _),) = (
        await instances[0].get_patterns_batch([(await instances[1].get_relevant())[0].id])
    ).values()
    assert pattern.success_count == 100
    assert pattern.avg_severity == pytest.approx(2.0)


async def test_a_hundred_failures_of_one_pattern_all_count(instances: Stores) -> None:
    (first,) = await instances[0].store_pattern("Bug")
    failed = await asyncio.gather(
        *(instances[number % 2].fail_pattern("Bug") for number in range(100))
    )
    counts = sorted(pattern.failure_count for pattern in failed if pattern is not None)
    assert counts == list(range(1, 101))
    ((pattern, _),) = (await instances[0].get_patterns_batch([first.id])).values()
    assert (pattern.success_count, pattern.failure_count) == (1, 100)


async def test_successes_and_failures_of_many_patterns_all_count(instances: Stores) -> None:
    """The issues of a category share a base rate, and calls name them in any order."""
    issues = [f"bug {number}" for number in range(6)]
    await instances[0].store_pattern(issues)
    work: list[Any] = []
    for number in range(30):
        given = issues if number % 2 else issues[::-1]
        work.append(instances[number % 2].store_pattern(given))
        work.append(instances[number % 2].fail_pattern(issues[number % 6]))
    await asyncio.gather(*work)
    patterns = await instances[0].get_relevant(limit=10)
    assert [pattern.success_count for pattern in patterns] == [31] * 6
    assert [pattern.failure_count for pattern in patterns] == [5] * 6


async def test_a_debate_stored_a_hundred_times_at_once_is_stored_once(instances: Stores) -> None:
    given = [critique("claude"), critique("gpt4"), critique("gpt4")]
    await asyncio.gather(
        *(
            instances[number % 2].store_debate("d", "Task", rounds_used=number, critiques=given)
            for number in range(100)
        )
    )
    assert await row_counts(instances[0].database) == {"debates": 1, "critiques": 3}


NAMES = [f"agent {number}" for number in range(300)]


async def store_debates(store: CritiqueStore, step: int) -> None:
    await store.store_debates(
        {"debate_id": name, "task": "Task", "critiques": [critique(name)]} for name in NAMES[::step]
    )


async def update_reputations(store: CritiqueStore, step: int) -> None:
    await store.update_reputations({"agent_name": name} for name in NAMES[::step])


async def store_patterns(store: CritiqueStore, step: int) -> None:
    await store.store_pattern(NAMES[::step])


async def store_embeddings(store: CritiqueStore, step: int) -> None:
    await store.store_embeddings({pattern_id(name): name.encode() for name in NAMES[::step]})


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (store_debates, {"debates": 300, "critiques": 300, "patterns": 300}),
        (update_reputations, {"agent_reputation": 300, "patterns": 300}),
        (store_patterns, {"patterns": 300}),
        (store_embeddings, {"pattern_embeddings": 300, "patterns": 300}),
    ],
)
async def test_batches_in_opposite_order_do_not_deadlock(
    instances: Stores,
    work: Callable[[CritiqueStore, int], Awaitable[None]],
    expected: dict[str, int],
) -> None:
    await instances[0].store_pattern(NAMES)
    # The rows have to be there: what is inserted first is locked in full by its first writer.
    await work(instances[0], 1)
    await asyncio.gather(*(work(instances[n % 2], -1 if n % 2 else 1) for n in range(10)))
    assert await row_counts(instances[0].database) == expected


async def test_outcomes_of_one_critique_count_once(instances: Stores) -> None:
    number = await instances[0].store_critique(None, "claude", expected_usefulness=0.75)
    await asyncio.gather(
        *(
            instances[n % 2].update_prediction_outcome(
                number, 0.25, agent_name="gpt4" if n % 3 else None
            )
            for n in range(40)
        )
    )
    agents = await instances[0].get_all_reputations()
    assert sum(agent.total_predictions for agent in agents) == 1
    assert sum(agent.total_prediction_error for agent in agents) == 0.5


async def test_outcomes_that_move_between_agents_do_not_deadlock(instances: Stores) -> None:
    numbers = [
        await instances[0].store_critique(None, agent, expected_usefulness=0.5)
        for agent in ("claude", "gpt4")
    ]
    for actual in (0.5, 0.0):
        await asyncio.gather(
            *(
                instances[n % 2].update_prediction_outcome(
                    numbers[n % 2], actual, agent_name=("claude", "gpt4")[n // 2 % 2]
                )
                for n in range(40)
            )
        )
    agents = await instances[0].get_all_reputations()
    assert sum(agent.total_predictions for agent in agents) == 2
    assert sum(agent.total_prediction_error for agent in agents) == 1.0


async def test_pruning_at_the_same_time_removes_and_archives_each_pattern_once(
    instances: Stores,
) -> None:
    await instances[0].store_pattern([f"issue {number}" for number in range(300)])
    timestamp = f"'{days_ago(100):%Y-%m-%dT%H:%M:%S.%fZ}'"
    await run(
        instances[0].database, f"UPDATE patterns SET failure_count = 9, updated_at = {timestamp}"
    )
    removed = await asyncio.gather(*(store.prune_stale_patterns() for store in instances * 3))
    assert sum(removed) == 300
    assert await row_counts(instances[0].database) == {"patterns_archive": 300}


async def test_cleaning_up_at_the_same_time_archives_each_record_once(
    memory: ConsensusMemory, open_database: OpenDatabase
) -> None:
    other = ConsensusMemory(await open_database())
    records = await memory.store_many(
        consensus(f"topic {number}", created_at=days_ago(100)) for number in range(300)
    )
    await memory.store_dissents(dissent(record.id) for record in records)
    cleaning = asyncio.gather(*(store.cleanup_old_records() for store in (memory, other) * 3))
    await asyncio.gather(*(memory.find_similar("topic") for _ in range(5)))
    assert sum(result.deleted for result in await cleaning) == 600
    assert await row_counts(memory.database) == {"consensus_archive": 300, "dissent_archive": 300}


async def test_dissents_stored_during_a_deletion_leave_no_orphan(memory: ConsensusMemory) -> None:
    record = await memory.store_consensus(**consensus())
    await asyncio.gather(
        *(memory.store_dissent(**dissent(record.id)) for _ in range(10)),
        memory.delete_consensus(record.id),
        *(memory.store_dissent(**dissent(record.id)) for _ in range(10)),
        return_exceptions=True,
    )
    assert await row_counts(memory.database) == {}


async def test_many_searches_and_writes_at_once(memory: ConsensusMemory) -> None:
    async def write(number: int) -> None:
        await memory.store_consensus(**consensus(f"Rate limiting approach {number}"))

    async def search() -> int:
        return len(await memory.find_similar("Rate limiting approach", limit=1000))

    found = await asyncio.gather(*(write(n) for n in range(50)), *(search() for _ in range(50)))
    assert all(count is None or 0 <= count <= 50 for count in found)
    assert await search() == 50


async def test_instances_that_start_at_once_share_one_schema(
    open_database: OpenDatabase,
) -> None:
    kinds: list[type[Store]] = [ConsensusMemory, CritiqueStore] * 3
    stores = [kind(await open_database()) for kind in kinds]
    await run(stores[0].database, "DELETE FROM _schema_versions")
    await asyncio.gather(*(store.initialize() for store in stores))
    versions = "SELECT count(*) FROM _schema_versions"
    assert await fetch_value(stores[0].database, versions) == 2
