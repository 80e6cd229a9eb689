"""``aragora-sql check`` of another build of this package against this one's, in turns.

Each build checks a copy of its own files, and has a cache folder and a kept server of its own. CPU
is that of the command and of all processes that it waits for: sqlfluff's, and the server's where it
is not kept.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from aragora_sql.errors import ConfigurationError
from benchmarks.builds import NEW, OLD
from benchmarks.report import Cell, Column, Report
from benchmarks.run import Run

__all__ = ["race_checks"]

_TREE = Path(__file__).parent.parent
_EDITED = Path("sql/postgres/jobs/queries.sql")
COLD, WARM, FILE, EDIT = "cold", "warm", "one file", "one edited query"


@dataclass(slots=True)
class _Build:
    """A copy of a build, with its cache folder; seconds and CPU seconds by lane."""

    tree: Path
    cache: Path
    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]

    def check(self, lane: str | None, *arguments: str) -> None:
        """Run a check, and take its time for a lane."""
        unwanted = {"ARAGORA_SQL_DIR", "DATABASE_URL", "ARAGORA_POSTGRES_DSN"}
        environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        environment |= {"PYTHONPATH": str(self.tree), "XDG_CACHE_HOME": str(self.cache)}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "aragora_sql", "check", *arguments],
            cwd=self.tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in {0, 1}:
            raise ConfigurationError(f"{self.tree}: check failed: {done.stderr.strip()}")
        if lane is not None:
            self.wall.setdefault(lane, []).append(seconds)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            self.cpu.setdefault(lane, []).append(used)

    def edit(self, number: int) -> None:
        """Edit one query, so that its answers have to be compared again."""
        path = self.tree / _EDITED
        text = (_TREE / _EDITED).read_text(encoding="utf-8")
        path.write_text(text.replace("\nSELECT\n", f"\nSELECT -- {number}\n", 1), encoding="utf-8")


async def race_checks(run: Run) -> list[Report]:
    """Check with both builds: without anything that is kept, and again, and after an edit."""
    return [await asyncio.to_thread(_race, run)]


def _race(run: Run) -> Report:
    if run.old is None:
        raise ConfigurationError("old-new-check: --old has to name the folder of another build")
    builds = {}
    for name, tree in {NEW: _TREE, OLD: run.old.resolve()}.items():
        folder = run.folder / f"check-{'new' if name == NEW else 'old'}"
        shutil.copytree(tree / "aragora_sql", folder / "aragora_sql")
        shutil.copytree(tree / "sql", folder / "sql")
        builds[name] = _Build(folder, folder / "cache", {}, {})
    order = random.Random(run.rounds)
    try:
        with run.stage("checks, old and new", run.rounds) as advance:
            for number in range(run.rounds):
                for build in order.sample(list(builds.values()), len(builds)):
                    build.check(None, "--stop")
                    shutil.rmtree(build.cache, ignore_errors=True)
                    build.check(COLD, "--no-keep")
                    # The server starts, and is filled.
                    build.check(None)
                    build.check(WARM)
                    build.check(None, str(_EDITED))
                    build.check(FILE, str(_EDITED))
                    build.edit(number)
                    build.check(EDIT, str(_EDITED))
                advance()
    finally:
        for build in builds.values():
            build.check(None, "--stop")
    return check_report(run.rounds, builds)


def check_report(rounds: int, builds: Mapping[str, _Build]) -> Report:
    """Return the figures of both builds, lane by lane."""
    columns = [
        Column("lane", "check"),
        Column("old", "other, s", ".1f"),
        Column("new", "this, s", ".1f"),
        Column("ratio", "this x other", ".2f"),
        Column("old_cpu", "other, CPU s", ".1f"),
        Column("new_cpu", "this, CPU s", ".1f"),
        Column("cpu_ratio", "CPU, this x other", ".2f"),
    ]
    rows: list[dict[str, Cell]] = []
    for lane in (COLD, WARM, FILE, EDIT):
        wall = {name: median(build.wall[lane]) for name, build in builds.items()}
        cpu = {name: median(build.cpu[lane]) for name, build in builds.items()}
        rows.append(
            {
                "lane": lane,
                "old": wall[OLD],
                "new": wall[NEW],
                "ratio": wall[NEW] / wall[OLD],
                "old_cpu": cpu[OLD],
                "new_cpu": cpu[NEW],
                "cpu_ratio": cpu[NEW] / cpu[OLD],
            }
        )
    title = f"aragora-sql check, this build and another ({rounds} rounds, medians)"
    return Report("old-new-check", title, columns, rows)
