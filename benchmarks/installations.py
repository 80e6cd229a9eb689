"""Moving a whole data directory of the older program: beside one file of as many rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aragora_sql.errors import ConfigurationError
from benchmarks.measure import Timings
from benchmarks.migrations import MOST_MEGABYTES
from benchmarks.movers import Files, Mover
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import empty_database, new_database

__all__ = ["race_installation"]

WHOLE = "whole installation"
CONSENSUS = "consensus alone"
CONSENSUS_FILE = "consensus_memory.db"
# Keys of regions, which were in the clear, are encrypted on the way.
KEYS = {"ARAGORA_ENCRYPTION_KEY": "11" * 32}

COLUMNS = (
    Column("lane", "lane"),
    Column("files", "files", "d"),
    Column("tables", "tables", "d"),
    Column("rows", "rows", ",d"),
    Column("seconds", "s", ".2f"),
    Column("rate", "k rows/s", ".1f"),
    Column("peak", "MB", ".0f"),
)


async def race_installation(run: Run, rows: int) -> Report:
    """Move so many rows of all older files, and of the older consensus alone, in turns."""
    # The files are those that the tests move.
    from tests.migration.legacy.installation import (
        FILES,
        ZONE,
        count_rows,
        read_groups,
        write_installation,
    )

    rounds = max(1, run.rounds // 4)
    scratch = run.folder / f"installation_{rows}"
    async with empty_database(run.postgres) as dsn:
        groups = read_groups(dsn)
    names = {WHOLE: [*FILES], CONSENSUS: [CONSENSUS_FILE]}
    tables = {lane: sum(len(FILES[name].tables) for name in names[lane]) for lane in names}
    counts, movers, files = {}, {}, {}
    try:
        with run.stage(f"writing {rows:,} older rows twice", len(names)) as advance:
            for number, lane in enumerate(names):
                parent = scratch / str(number)
                folder = write_installation(parent, groups, rows // tables[lane], names[lane])
                counts[lane] = count_rows(folder)
                movers[lane] = Mover(lane, _migrate(ZONE), ends=(0, 3), environment=KEYS)
                files[lane] = Files(folder, folder, parent)
                advance()
        timings, peaks = Timings(names), dict.fromkeys(names, 0.0)
        with run.stage(f"moving {rows:,} older rows", rounds * len(names)) as advance:
            for turn in range(rounds):
                for lane in sorted(names, reverse=turn % 2 == 0):
                    async with new_database(run.postgres) as dsn:
                        taken = await movers[lane].run(files[lane], dsn)
                    if taken.failure:
                        raise ConfigurationError(f"{lane} failed: {taken.failure}")
                    timings.add(lane, taken.seconds / counts[lane])
                    peaks[lane] = max(peaks[lane], taken.peak_megabytes)
                    advance()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    cells: list[dict[str, Cell]] = [
        {
            "lane": lane,
            "files": len(names[lane]),
            "tables": tables[lane],
            "rows": counts[lane],
            "seconds": timings.seconds(lane) * counts[lane],
            "rate": 1 / timings.seconds(lane) / 1000,
            "peak": peaks[lane],
        }
        for lane in names
    ]
    aims = [
        Aim.at_least(
            f"rows per second of a {WHOLE}, times those of {CONSENSUS}",
            timings.ratio(CONSENSUS, WHOLE),
            1.0,
        ),
        Aim.at_most(f"{WHOLE}, MB of its largest process", peaks[WHOLE], MOST_MEGABYTES),
    ]
    title = f"A whole installation to PostgreSQL, {rows:,} rows ({rounds} rounds, medians)"
    return Report("installation-postgres", title, COLUMNS, cells, aims)


def _migrate(zone: str) -> Callable[[Files, str], Sequence[str]]:
    def command(files: Files, dsn: str) -> Sequence[str]:
        program = Path(sys.executable).with_name("aragora-sql")
        path = ("--sqlite-path", str(files.source), "--source-timezone", zone)
        rejects = ("--rejects", str(files.scratch / "rejects"))
        return [str(program), "migrate", *path, "--jobs", "1", "--no-verify", *rejects]

    return command
