"""What several tasks ask for at the same moment is done together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from aragora_sql.database.groups import Groups
from aragora_sql.errors import LockTimeoutError


class Work:
    """Keeps the groups that it gets, and finishes each when it is told to."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.errors: dict[str, Exception] = {}
        self.left_out: set[str] = set()
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, items: list[str]) -> Sequence[str | None]:
        self.groups.append(items)
        self.begun.set()
        # others get their turn, as with a statement
        await asyncio.sleep(0)
        await self.may_end.wait()
        for item in items:
            if item in self.errors:
                raise self.errors[item]
        return [None if item in self.left_out else item.upper() for item in items]


async def waiting(
    work: Work, groups: Groups[str, str], *items: str
) -> list[asyncio.Task[str | None]]:
    """Start a task for each item; the first leads, and the others wait for it."""
    tasks = [asyncio.create_task(groups.run(items[0]))]
    await work.begun.wait()
    tasks += [asyncio.create_task(groups.run(item)) for item in items[1:]]
    # each of them runs until it waits
    await asyncio.sleep(0)
    return tasks


async def test_who_is_alone_waits_for_nobody() -> None:
    work = Work()
    work.may_end.set()
    groups = Groups(work, most=10)
    assert [await groups.run(item) for item in "abc"] == ["A", "B", "C"]
    assert work.groups == [["a"], ["b"], ["c"]]


async def test_those_who_wait_are_the_next_groups_of_the_largest_size() -> None:
    work = Work()
    groups = Groups(work, most=3)
    tasks = await waiting(work, groups, *"abcdef")
    work.may_end.set()
    assert await asyncio.gather(*tasks) == list("ABCDEF")
    assert work.groups == [["a"], ["b", "c", "d"], ["e", "f"]]


async def test_who_asks_again_at_once_is_in_the_next_group() -> None:
    work = Work()
    work.may_end.set()
    groups = Groups(work, most=100)

    async def ask(name: str) -> None:
        for _ in range(20):
            assert await groups.run(name) == name.upper()

    await asyncio.gather(*map(ask, "abcd"))
    assert sum(map(len, work.groups)) == 80
    assert len(work.groups) < 30


async def test_what_is_left_out_and_a_group_that_fails_are_done_alone() -> None:
    work = Work()
    groups = Groups(work, most=10)
    work.left_out.add("c")
    tasks = await waiting(work, groups, *"abcd")
    work.may_end.set()
    assert await asyncio.gather(*tasks) == ["A", "B", None, "D"]
    work.errors["x"] = ValueError("one of them is bad")
    work.may_end.clear()
    work.begun.clear()
    tasks = await waiting(work, groups, *"awxy")
    work.may_end.set()
    assert await asyncio.gather(*tasks) == ["A", None, None, None]
    # who was alone has to know why
    with pytest.raises(ValueError, match="bad"):
        await groups.run("x")
    assert await groups.run("z") == "Z"


async def test_what_all_have_waited_for_in_vain_is_the_error_of_each() -> None:
    work = Work()
    groups = Groups(work, most=10)
    work.errors["c"] = LockTimeoutError("waited 30 s")
    tasks = await waiting(work, groups, *"abcd")
    work.may_end.set()
    first, *others = await asyncio.gather(*tasks, return_exceptions=True)
    assert first == "A"
    assert [type(error) for error in others] == [LockTimeoutError] * 3


async def test_a_cancelled_leader_leaves_its_group_to_the_next() -> None:
    work = Work()
    groups = Groups(work, most=3)
    tasks = await waiting(work, groups, *"abcde")
    tasks[0].cancel()
    work.begun.clear()
    await work.begun.wait()
    assert work.groups[-1] == ["b", "c", "d"]
    work.begun.clear()
    tasks[1].cancel()
    await work.begun.wait()
    work.may_end.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found[2:] == ["C", "D", "E"]
    assert all(isinstance(error, asyncio.CancelledError) for error in found[:2])
    assert work.groups[-1] == ["c", "d", "e"]
    assert await groups.run("f") == "F"


async def test_who_is_cancelled_while_it_waits_is_in_no_group() -> None:
    work = Work()
    groups = Groups(work, most=10)
    tasks = await waiting(work, groups, *"abc")
    tasks[1].cancel()
    await asyncio.sleep(0)
    work.may_end.set()
    assert await tasks[2] == "C"
    assert work.groups == [["a"], ["c"]]


async def test_who_is_cancelled_when_its_turn_to_lead_has_come_hands_it_on() -> None:
    class Cancelling(Groups[str, str]):
        def _hand_over(self) -> None:
            super()._hand_over()
            # it does not know yet
            tasks[1].cancel()

    work = Work()
    groups = Cancelling(work, most=10)
    tasks = await waiting(work, groups, *"abc")
    work.may_end.set()
    assert await tasks[0] == "A"
    assert await tasks[2] == "C"
    assert tasks[1].cancelled()
    assert work.groups == [["a"], ["c"]]


def test_an_event_loop_that_was_closed_in_the_middle_holds_up_nobody() -> None:
    groups: Groups[str, str]

    async def never(items: list[str]) -> Sequence[str | None]:
        await asyncio.Event().wait()
        return items

    async def begin() -> None:
        nonlocal groups
        groups = Groups(never, most=10)
        kept.append(asyncio.create_task(groups.run("a")))
        await asyncio.sleep(0)

    kept: list[asyncio.Task[str | None]] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())

    async def done(items: list[str]) -> Sequence[str | None]:
        return items

    groups._work = done
    assert asyncio.run(groups.run("b")) == "b"
    kept[0].cancel()
    loop.run_until_complete(asyncio.gather(*kept, return_exceptions=True))
    loop.close()
