"""The training export: a stream in a stable order that can be taken up again."""

from __future__ import annotations

from typing import Any

import pytest

from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.critique.records import TrainingExample
from aragora_sql.stores.critique.store import CritiqueStore
from tests.proxy import CountingProxy
from tests.stores.samples import critique


async def collected(critiques: CritiqueStore, *args: Any, **options: Any) -> list[TrainingExample]:
    return [example async for example in critiques.export_for_training(*args, **options)]


@pytest.fixture
async def store(critiques: CritiqueStore) -> CritiqueStore:
    """A store with 25 critiques that are exported and as many that are not."""
    for consensus_reached in (False, True, False):
        for number in range(25):
            await critiques.store_debate(
                f"{number} {consensus_reached}",
                f"Task {number}",
                final_answer=f"Answer {number}",
                consensus_reached=consensus_reached,
                critiques=[critique(issues=[f"issue {number}"], suggestions=["a", "b"])],
            )
    await critiques.store_critique(None, "alone")
    return critiques


async def test_critiques_of_debates_with_consensus_are_exported(store: CritiqueStore) -> None:
    examples = await collected(store)
    assert [example.task for example in examples] == [f"Task {number}" for number in range(25)]
    example = examples[7]
    assert example.to_dict() == {
        "id": example.id,
        "task": "Task 7",
        "issues": ["issue 7"],
        "suggestions": ["a", "b"],
        "successful_answer": "Answer 7",
    }
    assert [example.id for example in examples] == sorted(example.id for example in examples)


@pytest.mark.parametrize("page_size", [1, 4, 5, 24, 25, 26, 500])
async def test_the_size_of_a_page_makes_no_difference(store: CritiqueStore, page_size: int) -> None:
    everything = await collected(store)
    assert await collected(store, page_size=page_size) == everything
    for limit in (0, 1, 5, 24, 25, 26):
        assert await collected(store, limit, page_size=page_size) == everything[:limit]


async def test_an_export_goes_on_where_another_one_ended(store: CritiqueStore) -> None:
    everything = await collected(store)
    first = await collected(store, 10)
    assert first == everything[:10]
    assert await collected(store, after_id=first[-1].id) == everything[10:]
    assert await collected(store, after_id=everything[-1].id) == []


async def test_critiques_stored_meanwhile_do_not_shift_the_export(store: CritiqueStore) -> None:
    expected = [example.id for example in await collected(store)]
    seen = []
    async for example in store.export_for_training(page_size=5):
        seen.append(example.id)
        if len(seen) == 7:
            await store.store_debate(
                "late", "Late task", consensus_reached=True, critiques=[critique()]
            )
            await store.delete_debate("1 True")
    assert seen[:-1] == expected
    assert (await collected(store))[-1].task == "Late task"


async def test_export_for_training_left_half_way_holds_no_connection(store: CritiqueStore) -> None:
    export = store.export_for_training(page_size=2)
    await anext(export)
    assert store.database.metrics().in_use == 0
    await store.store_critique(None, "another")


async def test_an_empty_store_exports_nothing(critiques: CritiqueStore) -> None:
    assert await collected(critiques) == []


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"limit": -1}, "limit"),
        ({"after_id": -1}, "after_id"),
        ({"after_id": "1"}, "after_id"),
        ({"page_size": 0}, "page_size"),
    ],
)
async def test_a_wrong_option_is_named(
    critiques: CritiqueStore, options: dict[str, Any], argument: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await collected(critiques, **options)
    assert caught.value.argument == argument


async def test_export_for_training_reads_a_page_in_one_round_trip(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    store = CritiqueStore(database)
    for debate_id, count in (("d", 1), ("e", 99)):
        given = [critique(str(number)) for number in range(count)]
        await store.store_debate(debate_id, "Task", consensus_reached=True, critiques=given)

    async def export() -> int:
        return len([one async for one in store.export_for_training(page_size=40)])

    assert await export() == 100
    counted_postgres.reset()
    await export()
    assert counted_postgres.round_trips == 3
    await database.close()
