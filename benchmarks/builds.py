"""Another build of this package against this one, call by call, in turns.

The other one is a folder with ``aragora_sql/`` and ``sql/`` in it, such as ``git worktree add
../before v0.1.0`` makes. Each build runs in a process of its own, with the libraries of this one;
one of them works at a time, and the order changes from round to round.

A process is faster or slower than another of the same build for as long as it lives (where its
memory lies is chance): by a tenth, and twice for claims on SQLite. So each build is started several
times, on a database of its own each time, and the fastest round of all is told besides the median.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
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

__all__ = ["NEW", "OLD", "build_report", "race_builds_postgres", "race_builds_sqlite"]

NEW = "this build"
OLD = "the other one"
CALLS = 40
# How often each build is started, for as many rounds each time as are asked for. Rounds are short,
# so that what else the machine does meets both builds alike.
STARTS = 8
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
        folder = Path(tempfile.mkdtemp(dir=run.folder))
        yield str(folder / "build.db")
        shutil.rmtree(folder)

    return [await _race(run, "sqlite", "SQLite", open_one)]


async def _race(
    run: Run,
    engine: Dialect,
    title: str,
    open_one: Callable[[Path], AbstractAsyncContextManager[str]],
) -> Report:
    if run.old is None:
        raise ConfigurationError(f"old-new-{engine}: --old has to name the folder of another build")
    rounds = run.rounds
    order = random.Random(rounds)
    timings: dict[str, Timings] = {}
    with run.stage(f"{title}, old and new", STARTS * rounds) as advance:
        for _ in range(STARTS):
            async with _started(run.old.resolve(), engine, open_one) as builds:
                lanes = [lane for lane in builds[NEW].lanes if lane in builds[OLD].lanes]
                for _ in range(rounds):
                    for lane in order.sample(lanes, len(lanes)):
                        taken = timings.setdefault(lane, Timings([NEW, OLD]))
                        for name in order.sample(list(builds), len(builds)):
                            taken.add(name, await builds[name].seconds(lane, CALLS))
                    advance()
    rows = f"{STARTS} starts, {rounds} rounds of {CALLS} in each"
    return build_report(engine, f"{title}, this build and another ({rows})", timings)


@asynccontextmanager
async def _started(
    old: Path, engine: Dialect, open_one: Callable[[Path], AbstractAsyncContextManager[str]]
) -> AsyncIterator[dict[str, Build]]:
    """Start both builds, each on an empty database."""
    async with AsyncExitStack() as stack:
        builds = {}
        for name, tree in {NEW: _TREE, OLD: old}.items():
            target = await stack.enter_async_context(open_one(tree))
            builds[name] = await Build.start(tree, engine, target)
            stack.push_async_callback(builds[name].stop)
        yield builds


def build_report(name: str, title: str, timings: Mapping[str, Timings]) -> Report:
    """Return the figures of both builds, lane by lane."""
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
        aims.append(Aim.at_most(f"{name}, {lane}, times other build", taken.ratio(NEW, OLD), MOST))
    return Report(f"old-new-{name}", title, columns, rows, aims)
