"""Another build of this package against this one, call by call, in turns.

The other one is a folder with ``aragora_sql/`` and ``sql/`` in it, such as ``git worktree add
../before v0.1.0`` makes. Each build runs in a process of its own, with the libraries of this one;
one of them works at a time, and the order changes from round to round.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from aragora_sql.database import Dialect
from aragora_sql.errors import ConfigurationError
from benchmarks.measure import Timings
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import empty_database

__all__ = ["race_builds_postgres", "race_builds_sqlite"]

NEW = "this build"
OLD = "the other one"
CALLS = 40
# Rounds are short, so that what else the machine does meets both builds alike; so there are many.
ROUNDS_EACH = 5
MOST = 1.03

_HERE = Path(__file__).parent
_TREE = _HERE.parent


class Build:
    """A child process that calls one build."""

    def __init__(self, tree: Path, process: asyncio.subprocess.Process) -> None:
        self._tree = tree
        self._process = process
        self.lanes: Sequence[str] = ()

    @classmethod
    async def start(cls, tree: Path, engine: Dialect, target: str) -> Self:
        """Start it, and wait until its database is filled."""
        unwanted = {"PYTHONPATH", "ARAGORA_SQL_DIR", "DATABASE_URL", "ARAGORA_POSTGRES_DSN"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(_HERE / "build_calls.py"), str(tree), engine, target),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name not in unwanted},
        )
        build = cls(tree, process)
        try:
            build.lanes = (await build._line()).split("\t")
        except BaseException:
            await build.stop()
            raise
        return build

    async def seconds(self, lane: str, calls: int) -> float:
        """Return how long a call of a lane took on the average of so many."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{lane}\t{calls}\n".encode())
        return float(await self._line()) / calls

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode().rstrip("\n")
        if not line:
            raise ConfigurationError(f"{self._tree}: this build can't be measured; see above")
        return line

    async def stop(self) -> None:
        """End the process with its input, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def race_builds_postgres(run: Run) -> list[Report]:
    """Measure on PostgreSQL, each build in a database of its own."""

    @asynccontextmanager
    async def open_one(tree: Path) -> AsyncIterator[str]:
        async with empty_database(run.postgres) as dsn:
            yield dsn

    return [await _race(run, "postgres", "PostgreSQL", open_one)]


async def race_builds_sqlite(run: Run) -> list[Report]:
    """Measure on SQLite, each build in a file of its own."""

    @asynccontextmanager
    async def open_one(tree: Path) -> AsyncIterator[str]:
        name = "new" if tree == _TREE else "old"
        yield str(run.folder / f"build_{name}.db")

    return [await _race(run, "sqlite", "SQLite", open_one)]


async def _race(
    run: Run,
    engine: Dialect,
    title: str,
    open_one: Callable[[Path], AbstractAsyncContextManager[str]],
) -> Report:
    if run.old is None:
        raise ConfigurationError(f"old-new-{engine}: --old has to name the folder of another build")
    async with AsyncExitStack() as stack:
        builds = {}
        for name, tree in {NEW: _TREE, OLD: run.old.resolve()}.items():
            target = await stack.enter_async_context(open_one(tree))
            builds[name] = await Build.start(tree, engine, target)
            stack.push_async_callback(builds[name].stop)
        lanes = [lane for lane in builds[NEW].lanes if lane in builds[OLD].lanes]
        rounds = run.rounds * ROUNDS_EACH
        timings = {lane: Timings(builds) for lane in lanes}
        order = random.Random(rounds)
        with run.stage(f"{title}, old and new", rounds) as advance:
            for _ in range(rounds):
                for lane in order.sample(lanes, len(lanes)):
                    for name in order.sample(list(builds), len(builds)):
                        timings[lane].add(name, await builds[name].seconds(lane, CALLS))
                advance()
    return _report(engine, f"{title}, this build and another ({rounds} rounds of {CALLS})", timings)


def _report(engine: str, title: str, timings: Mapping[str, Timings]) -> Report:
    columns = [
        Column("lane", "lane"),
        Column("old", "other, us", ".0f"),
        Column("new", "this, us", ".0f"),
        Column("ratio", "this x other", ".3f"),
        Column("quartiles", "quartiles", ">s"),
        Column("fastest", "fastest rounds", ".3f"),
    ]
    rows: list[dict[str, Cell]] = []
    aims = []
    for lane, taken in timings.items():
        low, high = taken.spread(NEW, OLD)
        row: dict[str, Cell] = {
            "lane": lane,
            "old": taken.seconds(OLD) * 1e6,
            "new": taken.seconds(NEW) * 1e6,
            "ratio": taken.ratio(NEW, OLD),
            "quartiles": f"{low:.2f}-{high:.2f}",
            "fastest": taken.fastest(NEW) / taken.fastest(OLD),
        }
        rows.append(row)
        aims.append(
            Aim.at_most(f"{engine}, {lane}, times other build", taken.ratio(NEW, OLD), MOST)
        )
    return Report(f"old-new-{engine}", title, columns, rows, aims)
