"""Calls of one build of ``aragora_sql``, a child process: what :mod:`benchmarks.builds` drives.

``python -P build_calls.py TREE ENGINE TARGET`` takes the package in the folder ``TREE`` and makes
its schema in ``TARGET``, an empty database: a DSN or a path. It answers each line ``LANE CALLS`` of
its input with the seconds that so many calls took, and ends with its input.

It uses what every release since the first one has, and nothing of this one.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

# Enough for a connection to prepare its statement and to settle on a plan.
WARM_UP = 20
STORED = 2000

Call = Callable[[], Awaitable[object]]


def _debate(chooser: random.Random) -> Any:
    words = [f"word{chooser.randrange(4000)}" for _ in range(12)]
    return {
        "topic": " ".join(words),
        "conclusion": "Adopt it in steps, measure each one, and keep the way back open.",
        "strength": "strong",
        "confidence": chooser.random(),
        "participating_agents": ["ada", "bob", "cyd"],
        "agreeing_agents": ["ada", "bob"],
        "dissenting_agents": ["cyd"],
        "key_claims": ["cheaper", "safer"],
        "metadata": {"rounds": [1, 2, 3], "cost": 0.25},
    }


async def _lanes(database: Any) -> dict[str, Callable[[int], Awaitable[list[Call]]]]:
    """Fill the stores; return what makes the calls of each lane."""
    from aragora_sql import ConsensusMemory, JobQueueStore

    memory, jobs = ConsensusMemory(database), JobQueueStore(database)
    chooser = random.Random(1)
    ids: list[str] = []
    for _ in range(STORED // 1000):
        ids += [r.id for r in await memory.store_many([_debate(chooser) for _ in range(1000)])]

    async def read(count: int) -> list[Call]:
        return [partial(memory.get_consensus, i) for i in chooser.choices(ids, k=count)]

    async def insert(count: int) -> list[Call]:
        return [partial(memory.store_consensus, **_debate(chooser)) for _ in range(count)]

    async def enqueue(count: int) -> list[Call]:
        return [partial(jobs.enqueue, "waits", {"n": n}) for n in range(count)]

    async def claim(count: int) -> list[Call]:
        while gone := await jobs.claim("before", 1000, ["ready"]):
            await jobs.complete_many(gone)
        await jobs.enqueue_many([{"job_type": "ready", "payload": {"n": n}} for n in range(count)])

        async def call() -> None:
            assert len(await jobs.claim("worker", 1, ["ready"])) == 1

        return [call] * count

    async def transaction(count: int) -> list[Call]:
        async def call() -> None:
            async with database.transaction():
                await memory.get_consensus(ids[0])
                await jobs.enqueue("waits", {})

        return [call] * count

    return {
        "point read": read,
        "single insert": insert,
        "enqueue": enqueue,
        "claim of 1": claim,
        "transaction of 2": transaction,
    }


async def _serve(engine: str, target: str) -> None:
    from aragora_sql import PostgresDatabase, SQLiteDatabase, apply_schema

    database: Any
    if engine == "sqlite":
        database = SQLiteDatabase(target)
    else:
        database = await PostgresDatabase.connect(target, min_size=1, max_size=1)
    await apply_schema(database)
    lanes = await _lanes(database)
    print(*lanes, sep="\t", flush=True)
    while line := sys.stdin.readline():
        lane, count = line.rstrip("\n").split("\t")
        calls = await lanes[lane](WARM_UP + int(count))
        for call in calls[:WARM_UP]:
            await call()
        # The garbage of what came before must not be collected in this time.
        gc.collect()
        started = time.perf_counter()
        for call in calls[WARM_UP:]:
            await call()
        print(time.perf_counter() - started, flush=True)
    await database.close()


def main() -> None:
    """Take the package of the tree, and serve."""
    tree, engine, target = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        # Whether the threads of a process share a core is chance, lasts as long as the process, and
        # halves or doubles what a thread hop costs.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.path.insert(0, tree)
    import aragora_sql

    if not Path(aragora_sql.__file__).is_relative_to(tree):
        sys.exit(f"{tree}: the package was taken from {aragora_sql.__file__}")
    asyncio.run(_serve(engine, target))


if __name__ == "__main__":
    main()
