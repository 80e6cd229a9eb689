"""What the processes of the ranking tests do: ``python -m tests.stores.elo.processes …``."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from typing import Any

from aragora_sql.database import Database
from aragora_sql.database.postgres import PostgresDatabase
from aragora_sql.database.sqlite import SQLiteConnection, SQLiteDatabase
from aragora_sql.stores.elo import EloSystem

AGENTS = [f"agent {n:02}" for n in range(20)]
TASKS = 3


def random_matches(count: int) -> list[Any]:
    """Return matches of two to four agents, the same in each process."""
    chance = random.Random(13)  # noqa: S311 - made again by each process
    matches = []
    for number in range(count):
        names = chance.sample(AGENTS, chance.choice([2, 2, 2, 3, 4]))
        matches.append(
            {
                "debate_id": f"match {number}",
                "participants": names,
                "scores": {name: chance.choice([0.0, 0.5, chance.random()]) for name in names},
                "domain": chance.choice([None, "law", "art"]),
                "confidence_weight": chance.choice([1.0, chance.random()]),
            }
        )
    return matches


async def play(location: str, count: int, number: int, processes: int) -> None:
    """Record this process's part of the matches, and some of those of the others."""
    database: Database
    if location.startswith("postgresql:"):
        database = await PostgresDatabase.connect(location, 1, TASKS)
    else:
        database = SQLiteDatabase(location)
    elo = EloSystem(database)
    matches = random_matches(count)
    mine = [match for n, match in enumerate(matches) if n % processes == number or n % 7 == 0]
    chance = random.Random(number)  # noqa: S311 - an order, no secret
    chance.shuffle(mine)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)

    async def work() -> None:
        while mine:
            batch: Any = [mine.pop() for _ in range(min(len(mine), chance.choice([1, 1, 1, 3])))]
            if len(batch) == 1:
                await elo.record_match(**batch[0])
            else:
                await elo.record_matches(batch)

    await asyncio.gather(*(work() for _ in range(TASKS)))
    await database.close()


async def stop_in_the_middle(location: str, in_transaction: int) -> None:
    """Record a match whose history is written, and no more: then wait to be killed."""
    database: Database
    if location.startswith("postgresql:"):
        # The test has made a trigger wait for a lock that it holds.
        database = await PostgresDatabase.connect(location, 1, 1)
    else:
        database = SQLiteDatabase(location)
    async with database.connection() as connection:
        if isinstance(connection, SQLiteConnection):
            await connection.run_in_thread("pause", make_pause)
        elo = EloSystem(database)
        if in_transaction:
            async with database.transaction():
                await elo.record_match("m", ["a", "b"], {"a": 1, "b": 0}, "law")
        else:
            await elo.record_match("m", ["a", "b"], {"a": 1, "b": 0}, "law")


def make_pause(connection: sqlite3.Connection) -> None:
    """Make a function for the test's trigger that tells where it is and never returns."""

    def pause() -> None:
        sys.stdout.write("in the middle\n")
        sys.stdout.flush()
        sys.stdin.read()

    connection.create_function("pause", 0, pause)


if __name__ == "__main__":
    what, location, *numbers = sys.argv[1:]
    work: Any = {"play": play, "stop_in_the_middle": stop_in_the_middle}[what]
    asyncio.run(work(location, *map(int, numbers)))
