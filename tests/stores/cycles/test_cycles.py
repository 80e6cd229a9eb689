"""The store of cycles on each engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores.cycles import CycleStore
from tests.stores.cycles.cases import cycle
from tests.stores.samples import day


async def test_save_cycle_then_load_cycle_and_get_cycle_count(cycles: CycleStore) -> None:
    record = cycle(
        "c",
        started_at=1770914577.25,
        completed_at=day(1),
        duration_seconds=2,
        success=True,
        topics_debated=["Queues"],
        test_coverage=0.1,
        other={"big": 10**20},
    )
    await cycles.save_cycle(SimpleNamespace(to_dict=lambda: record))
    found = await cycles.load_cycle("c")
    assert found is not None
    assert (found.started_at.timestamp(), found.completed_at) == (1770914577.25, day(1))
    assert (found.duration_seconds, found.success, found.topics) == (2.0, True, ["Queues"])
    # It is kept whole, with times as JSON can hold them.
    assert found.data == {**record, "completed_at": day(1).isoformat()}
    # What was saved can be saved again.
    await cycles.save_cycle({**found.data, "success": False, "topics_debated": None})
    again = await cycles.load_cycle("c")
    assert again is not None
    assert (again.success, again.topics, again.completed_at) == (False, [], day(1))
    assert await cycles.get_cycle_count() == 1
    assert await cycles.load_cycle("x") is None


async def test_get_recent_cycles_and_get_successful_cycles_and_query_by_topic(
    cycles: CycleStore,
) -> None:
    topics: Any = (["Rate limiting"], ["rate of Cafés", "queues"], ["queues"], [])
    for number, debated in enumerate(topics):
        await cycles.save_cycle(
            cycle(
                f"c{number}",
                started_at=day(number // 2),
                success=number != 1,
                topics_debated=debated,
                rate="a name in the document",
            )
        )

    def ids(found: list[Any]) -> list[str]:
        return [one.cycle_id for one in found]

    recent = await cycles.get_recent_cycles(3)
    assert ids(recent) == ["c3", "c2", "c1"]
    assert ids(await cycles.get_recent_cycles(after=recent[-1])) == ["c0"]
    successful = await cycles.get_successful_cycles(2)
    assert ids(successful) == ["c3", "c2"]
    assert ids(await cycles.get_successful_cycles(after=successful[-1])) == ["c0"]
    assert ids(await cycles.query_by_topic("RATE")) == ["c1", "c0"]
    assert ids(await cycles.query_by_topic("queues rate")) == ["c1"]
    assert ids(await cycles.query_by_topic("cafes")) == ["c1"]
    for nothing in ("", "[", '"', "document", "topics"):
        assert await cycles.query_by_topic(nothing) == []


async def test_get_agent_trajectory_and_get_pattern_statistics_and_get_surprise_summary(
    cycles: CycleStore,
) -> None:
    for number in range(5):
        await cycles.save_cycle(
            cycle(
                f"c{number}",
                started_at=day(number),
                success=number % 2 == 0,
                agent_contributions={
                    "claude": {
                        "proposals_made": number,
                        "proposals_accepted": number // 2,
                        "critiques_given": "many",
                        "quality_score": 0.5,
                    }
                }
                if number != 3
                else {"gpt4": {}},
                pattern_reinforcements=[
                    {
                        "pattern_type": "retry",
                        "description": f"of {number}",
                        "success": number > 0,
                        "confidence": 0.5,
                    }
                ],
                surprise_events=[{"phase": "debate", "impact": "low"}] if number == 1 else None,
            )
        )
    trajectory = await cycles.get_agent_trajectory("claude", 4)
    assert [point["cycle_id"] for point in trajectory] == ["c4", "c2", "c1"]
    assert trajectory[0] == {
        "cycle_id": "c4",
        "timestamp": day(4),
        "proposals_made": 4,
        "proposals_accepted": 2,
        "acceptance_rate": 0.5,
        "critiques_given": 0,
        "critiques_valuable": 0,
        "quality_score": 0.5,
        "cycle_success": True,
    }
    assert await cycles.get_agent_trajectory("nobody") == []
    assert await cycles.get_pattern_statistics() == {
        "retry": {
            "success_count": 4,
            "failure_count": 1,
            "success_rate": 0.8,
            "avg_confidence": 0.5,
            "total_confidence": 2.5,
            "examples": ["of 4", "of 3", "of 2"],
        }
    }
    assert await cycles.get_surprise_summary() == {
        "debate": [{"phase": "debate", "impact": "low", "cycle_id": "c1"}]
    }
    assert await cycles.get_surprise_summary(3) == {}


async def test_cleanup_old_cycles_keeps_exactly_so_many(cycles: CycleStore) -> None:
    for number in range(6):
        # Some begin at the same time.
        await cycles.save_cycle(cycle(f"c{number}", started_at=day(number // 3)))
    assert await cycles.cleanup_old_cycles() == 0
    assert await cycles.cleanup_old_cycles(4) == 2
    assert [one.cycle_id for one in await cycles.get_recent_cycles()] == ["c5", "c4", "c3", "c2"]
    assert await cycles.cleanup_old_cycles(0) == 4
    assert await cycles.get_cycle_count() == 0


HUGE = 10**400


async def test_get_pattern_statistics_and_get_agent_trajectory_with_numbers_no_float_holds(
    cycles: CycleStore,
) -> None:
    for number, value in enumerate((HUGE, -HUGE, 10**3000, 1e308)):
        record = cycle(
            f"c{number}",
            started_at=day(number).isoformat(),
            agent_contributions={
                "claude": {
                    "proposals_made": 2,
                    "proposals_accepted": value,
                    "critiques_given": value,
                    "quality_score": value,
                }
            },
            pattern_reinforcements=[{"pattern_type": "p", "success": True, "confidence": value}],
        )
        await cycles.save_cycle(record)
        stored = await cycles.load_cycle(f"c{number}")
        assert stored is not None
        assert stored.data == record
    points = await cycles.get_agent_trajectory("claude")
    assert [
        (one["proposals_made"], one["acceptance_rate"], one["critiques_given"]) for one in points
    ] == [(2, 0.0, 0)] * 4
    assert [one["quality_score"] for one in points] == [0.0] * 4
    (found,) = (await cycles.get_pattern_statistics()).values()
    assert (found["success_count"], found["total_confidence"]) == (4, 0.0)


async def test_save_cycle_refuses_an_integer_that_no_engine_keeps(cycles: CycleStore) -> None:
    entry = {"pattern_type": "p", "confidence": 10**150_000}
    with pytest.raises(InvalidInputError, match=r"an integer of \d+ bits is too large"):
        await cycles.save_cycle(cycle("c", pattern_reinforcements=[entry]))
    assert await cycles.get_cycle_count() == 0
