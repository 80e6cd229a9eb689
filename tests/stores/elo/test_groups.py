"""Matches that several tasks record at the same moment, and what they are computed from."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.errors import AragoraSQLError, CheckViolationError
from aragora_sql.stores.elo import EloSystem
from tests.proxy import CountingProxy
from tests.stores.elo.processes import AGENTS, random_matches
from tests.stores.samples import fetch, row_counts, run

WON = {"a": 1.0, "b": 0.0}


class StopError(Exception):
    """Ends a transaction."""


async def check(elo: EloSystem, count: int) -> None:
    """All of so many matches are there, and a replay gives the same bits."""
    replay = await elo.recompute_ratings()
    assert (replay.matches, replay.differences) == (count, [])
    debates = await fetch(elo.database, "SELECT agent_a, debate_count FROM elo_relationships")
    pairs = sum(len(list(match.participants)) for match in await elo.get_recent_matches(count))
    assert (await row_counts(elo.database))["elo_history"] == pairs
    assert sum(row["debate_count"] for row in debates) >= count


async def test_record_match_of_many_tasks_and_objects_at_once(elo: EloSystem) -> None:
    # Each has ratings in mind that the others change meanwhile.
    others = [EloSystem(elo.database) for _ in range(2)]
    matches = random_matches(60)
    for name in AGENTS[:10]:
        await elo.register_agent(name)
    found = await asyncio.gather(
        *((elo, *others)[n % 3].record_match(**match) for n, match in enumerate(matches))
    )
    await check(elo, 60)
    for match, changes in zip(matches, found, strict=True):
        stored = await elo.get_match(match["debate_id"])
        assert stored is not None
        assert stored.elo_changes == changes
    again = await asyncio.gather(
        *((elo, *others)[n % 2].record_match(**match) for n, match in enumerate(matches))
    )
    assert again == found
    await check(elo, 60)


async def test_a_rating_that_another_one_has_changed_is_read_again(elo: EloSystem) -> None:
    await elo.record_match("m1", ["a", "b"], WON)
    other = EloSystem(elo.database)
    await other.record_match("m2", ["b", "a"], WON)
    await elo.record_match("m3", ["a", "b"], WON)
    await other.update_from_verification("a", "law", verified_count=3)
    await elo.record_match("m4", ["a", "b"], WON, "law")
    # and one that is gone
    await run(elo.database, "DELETE FROM elo_ratings WHERE agent_name = 'b'")
    await run(elo.database, "DELETE FROM elo_history WHERE agent_name = 'b'")
    assert (await elo.record_match("m5", ["c", "b"], {"c": 0, "b": 1}))["b"] == 16.0
    assert (await elo.get_rating("b")).elo == 1516.0
    assert [event.elo for event in (await elo.explain_rating("a")).events][-1] == (
        await elo.get_rating("a")
    ).elo


async def test_record_match_takes_two_round_trips_at_first_and_then_one(
    counted_postgres: CountingProxy,
) -> None:
    database = await PostgresDatabase.connect(counted_postgres.dsn, 1, 1)
    one, other = EloSystem(database), EloSystem(database)
    await one.initialize()
    for number in range(3):
        # so that all statements are prepared
        await one.record_match(f"one {number}", ["a", "b"], WON, "law")
        await other.record_match(f"other {number}", ["a", "b"], WON, "law")
    taken = []
    # The second time what it has written is not what is there any more.
    for elo, name in ((one, "m1"), (one, "m2"), (other, "m3"), (EloSystem(database), "m4")):
        counted_postgres.reset()
        await elo.record_match(name, ["a", "b"], WON, "law")
        taken.append(counted_postgres.round_trips)
    await check(one, 10)
    await database.close()
    assert taken == [3, 1, 3, 2]


async def test_one_bad_match_does_not_fail_those_of_other_tasks(elo: EloSystem) -> None:
    for name in "abcdefgh":
        await elo.register_agent(name)
    if elo.database.dialect == "postgres":
        await run(
            elo.database,
            "ALTER TABLE elo_matches ADD CONSTRAINT no_bad_match CHECK (debate_id <> 'bad')",
        )
    else:
        await run(
            elo.database,
            "CREATE TRIGGER no_bad_match BEFORE INSERT ON elo_matches WHEN new.debate_id = 'bad' "
            "BEGIN UPDATE elo_ratings SET elo = 9e999; END",
        )
    found = await asyncio.gather(
        *(
            elo.record_match("bad" if n == 2 else f"m{n}", list(pair), draw=True)
            for n, pair in enumerate(["ab", "cd", "ef", "gh", "ad"])
        ),
        return_exceptions=True,
    )
    assert isinstance(found[2], CheckViolationError)
    assert [one for one in found if isinstance(one, BaseException)] == [found[2]]
    assert await elo.count_matches() == 4
    assert (await elo.get_rating("e")).games_played == 0


async def test_a_cancelled_task_does_not_take_the_matches_of_others_with_it(
    elo: EloSystem,
) -> None:
    for name in "abcd":
        await elo.register_agent(name)
    tasks = [
        asyncio.create_task(elo.record_match(f"m{n}", list("abcd"[n % 3 :][:2]), draw=True))
        for n in range(12)
    ]
    await asyncio.sleep(0)
    for task in tasks[:6:2]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in found[6:] + found[1:6:2]] == [dict] * 9
    stored = await elo.count_matches()
    assert 9 <= stored <= 12
    await check(elo, stored)


async def test_a_match_in_a_transaction_is_part_of_it(elo: EloSystem) -> None:
    await elo.record_match("m1", ["a", "b"], WON)

    async def play_in_vain() -> None:
        async with elo.database.transaction():
            await elo.record_match("m2", ["a", "b"], WON)
            raise StopError

    with pytest.raises(StopError):
        await play_in_vain()
    async with elo.database.connection():
        await elo.record_match("m3", ["a", "b"], WON)
    assert await elo.count_matches() == 2
    await check(elo, 2)


async def test_an_agent_that_somebody_has_locked_holds_up_its_own_matches_only(
    postgres_database: PostgresDatabase,
) -> None:
    elo = EloSystem(postgres_database)
    await elo.initialize()
    for name in "abcdef":
        await elo.register_agent(name)
    waits: asyncio.Task[Any]
    async with postgres_database.transaction() as connection:
        await connection.run_script(
            "lock", "SELECT 1 FROM elo_ratings WHERE agent_name = 'a' FOR UPDATE"
        )

        async def others() -> None:
            # in no unit of work of this one
            nonlocal waits
            waits = asyncio.create_task(elo.record_match("locked", ["a", "b"], WON))
            await asyncio.gather(
                *(elo.record_match(f"m{n}", list("cdef"[n:][:2]), draw=True) for n in range(3))
            )

        await asyncio.wait_for(new_context(others()), 30)
        assert not waits.done()
    assert await waits == {"a": 16.0, "b": -16.0}
    await check(elo, 4)


def new_context(work: Any) -> asyncio.Task[Any]:
    """Start a task that is in none of the caller's units of work."""
    return asyncio.get_running_loop().create_task(work, context=contextvars.Context())


async def test_a_lost_database_is_the_error_of_all_who_wait(database: Database) -> None:
    elo = EloSystem(database)
    await elo.initialize()
    for name in "abcd":
        await elo.register_agent(name)
    await run(database, "DROP TABLE elo_history")
    found = await asyncio.gather(
        *(elo.record_match(f"m{n}", list("abcd"[n % 3 :][:2]), draw=True) for n in range(5)),
        return_exceptions=True,
    )
    assert all(isinstance(one, AragoraSQLError) for one in found)
    assert await elo.count_matches() == 0
    assert [rating.games_played for rating in await elo.get_all_ratings()] == [0] * 4
