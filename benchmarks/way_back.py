"""Moving a database to PostgreSQL and back to SQLite: how fast each way is."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from aragora_sql.errors import ConfigurationError
from benchmarks.legacy_source import count_rows, write_source
from benchmarks.measure import Timings
from benchmarks.migrations import MOST_MEGABYTES
from benchmarks.movers import MOVERS, OURS, OURS_TWO, Files, Mover, Taken
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import new_database

__all__ = ["race_way_back"]

BACK = f"{OURS} --to-sqlite"
BACK_VERIFIED = f"{BACK} --verify"
THERE_VERIFIED = f"{OURS} --verify"

COLUMNS = (
    Column("lane", "lane"),
    Column("seconds", "s", ".2f"),
    Column("rate", "k rows/s", ".1f"),
    Column("peak", "MB", ".0f"),
    Column("ratio", f"x {OURS}", ".2f"),
)


def _command(*options: str) -> Callable[[Files, str], Sequence[str]]:
    def command(files: Files, dsn: str) -> Sequence[str]:
        program = Path(sys.executable).with_name("aragora-sql")
        places = {"SOURCE": str(files.source), "BACK": str(_moved(files))}
        return [str(program), "migrate", *(places.get(option, option) for option in options)]

    return command


def _moved(files: Files) -> Path:
    return files.scratch / "moved.db"


_MOVERS = {mover.name: mover for mover in MOVERS}
_THERE = ("--sqlite-path", "SOURCE", "--source-timezone", "UTC", "--jobs", "1", "--verify")
_LANES = {
    OURS: _MOVERS[OURS],
    OURS_TWO: _MOVERS[OURS_TWO],
    THERE_VERIFIED: Mover(THERE_VERIFIED, _command(*_THERE)),
    BACK: Mover(BACK, _command("--to-sqlite", "BACK", "--no-verify")),
    BACK_VERIFIED: Mover(BACK_VERIFIED, _command("--to-sqlite", "BACK", "--verify")),
}
# Each begins with an empty database; what is behind it moves the same rows back.
_TURNS = ((OURS, BACK), (OURS_TWO,), (THERE_VERIFIED, BACK_VERIFIED))


async def race_way_back(run: Run, rows: int) -> Report:
    """Move one source of so many rows to PostgreSQL, and from there to a new SQLite file."""
    rounds = max(1, run.rounds // 10)
    scratch = run.folder / f"way_back_{rows}"
    scratch.mkdir()
    files = Files(scratch / "source.db", scratch / "prepared.db", scratch)
    timings, peaks = Timings(_LANES), dict.fromkeys(_LANES, 0.0)
    try:
        with run.stage(f"writing {rows:,} older rows", rows) as advance:
            write_source(files.source, rows, advance)
        with run.stage(f"moving {rows:,} rows there and back", rounds * len(_LANES)) as advance:
            for _ in range(rounds):
                for turn in _TURNS:
                    async with new_database(run.postgres) as dsn:
                        for name in turn:
                            taken = await _take(_LANES[name], files, dsn, rows)
                            timings.add(name, taken.seconds)
                            peaks[name] = max(peaks[name], taken.peak_megabytes)
                            advance()
    finally:
        shutil.rmtree(scratch)
    cells: list[dict[str, Cell]] = []
    for name in _LANES:
        seconds = timings.seconds(name)
        cells.append(
            {
                "lane": name,
                "seconds": seconds,
                "rate": rows / seconds / 1000,
                "peak": peaks[name],
                "ratio": timings.ratio(OURS, name),
            }
        )
    aims = [
        Aim.at_least(f"{BACK}, times as fast as {OURS}", timings.ratio(OURS, BACK), 1.0),
        Aim.at_least(
            f"{BACK_VERIFIED}, times as fast as {THERE_VERIFIED}",
            timings.ratio(THERE_VERIFIED, BACK_VERIFIED),
            1.0,
        ),
        *(
            Aim.at_most(f"{n}, MB of its process", peaks[n], MOST_MEGABYTES)
            for n in (BACK, BACK_VERIFIED)
        ),
    ]
    title = f"PostgreSQL to SQLite, {rows:,} rows ({rounds} rounds, medians)"
    return Report("way-back", title, COLUMNS, cells, aims)


async def _take(mover: Mover, files: Files, dsn: str, rows: int) -> Taken:
    _moved(files).unlink(missing_ok=True)
    taken = await mover.run(files, dsn)
    if taken.failure:
        raise ConfigurationError(f"{mover.name} failed: {taken.failure}")
    if mover.name in {BACK, BACK_VERIFIED}:
        with closing(sqlite3.connect(_moved(files))) as moved:
            for table, expected in count_rows(rows).items():
                (found,) = moved.execute(f"SELECT count(*) FROM {table}").fetchone()
                if found != expected:
                    raise ConfigurationError(f"{mover.name}: {table} has {found:,} rows")
    return taken
