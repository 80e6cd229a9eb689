"""Moving a file of the older Aragora to PostgreSQL: ours against the usual ways."""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg

from aragora_sql.embedded import EmbeddedServer
from aragora_sql.errors import ConfigurationError
from benchmarks.builds import NEW, OLD, build_report
from benchmarks.legacy_source import count_rows, write_source
from benchmarks.measure import Timings
from benchmarks.movers import (
    CSV_PIPE,
    LOOP,
    MOVERS,
    OURS,
    OURS_TWO,
    OURS_VERIFIED,
    PGLOADER,
    Files,
    Mover,
    Taken,
    mover_of,
)
from benchmarks.plain_mapping import MAPPINGS, write_prepared
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import empty_database, new_database

__all__ = ["race_build_migrations", "race_migrations"]

BASES = {PGLOADER: 3.0, LOOP: 2.0, CSV_PIPE: 1.2}
MOST_MEGABYTES = 150.0

OpenTarget = Callable[[EmbeddedServer], AbstractAsyncContextManager[str]]

COLUMNS = (
    Column("lane", "lane"),
    Column("seconds", "s", ".2f"),
    Column("rate", "k rows/s", ".1f"),
    Column("peak", "MB", ".0f"),
    *(Column(base, f"x {base}", ".2f") for base in BASES),
)


async def race_migrations(run: Run, rows: int) -> Report:
    """Move one source of so many rows with every program, each to an empty database of its own."""
    rounds = max(1, run.rounds // 10)
    files = _write_files(run, rows)
    try:
        movers = [mover for mover in MOVERS if not mover.missing]
        taken = await _race(run, movers, files, rows, rounds)
        source_bytes = files.source.stat().st_size
    finally:
        shutil.rmtree(files.scratch)
    title = (
        f"SQLite to PostgreSQL, {rows:,} rows, {source_bytes / 1e6:,.0f} MB "
        f"({rounds} {'round' if rounds == 1 else 'rounds'}, medians; speed relative to others)"
    )
    notes = [
        f"{mover.name}: not measured, as there is no {' and no '.join(mover.missing)} here"
        for mover in MOVERS
        if mover.missing
    ]
    return _report(title, rows, taken, notes)


async def race_build_migrations(run: Run, rows: int) -> Report:
    """Move one source of so many rows by this build and by another one, in turns."""
    if run.old is None:
        raise ConfigurationError("old-new-migrate: --old has to name the folder of another build")
    rounds = max(1, run.rounds // 3)
    files = _write_files(run, rows)
    builds = (mover_of(NEW, Path(__file__).parent.parent), mover_of(OLD, run.old))
    try:
        # Each build makes the schema that it knows.
        taken = await _race(run, builds, files, rows, rounds, empty_database)
    finally:
        shutil.rmtree(files.scratch)
    timings = Timings(taken)
    for name, of_build in taken.items():
        for one in of_build:
            if one.failure:
                raise ConfigurationError(f"{name}: migrate failed: {one.failure}")
            timings.add(name, one.seconds)
    title = f"SQLite to PostgreSQL, this build and another ({rows:,} rows, {rounds} rounds)"
    return build_report("migrate", title, {"migrate": timings})


def _write_files(run: Run, rows: int) -> Files:
    scratch = run.folder / f"movers_{rows}"
    scratch.mkdir()
    files = Files(scratch / "source.db", scratch / "prepared.db", scratch)
    with run.stage(f"writing {rows:,} older rows", rows) as advance:
        write_source(files.source, rows, advance)
    if not _pgloader_missing():
        with run.stage("mapping them for pgloader", len(MAPPINGS)) as advance:
            write_prepared(files.source, files.prepared, advance)
    return files


def _pgloader_missing() -> bool:
    return any(mover.missing for mover in MOVERS if mover.name == PGLOADER)


async def _race(
    run: Run,
    movers: Sequence[Mover],
    files: Files,
    rows: int,
    rounds: int,
    open_target: OpenTarget = new_database,
) -> dict[str, list[Taken]]:
    taken: dict[str, list[Taken]] = {mover.name: [] for mover in movers}
    order = random.Random(rounds)
    with run.stage(f"moving {rows:,} rows", rounds * len(movers)) as advance:
        for _ in range(rounds):
            for mover in order.sample(movers, len(movers)):
                taken[mover.name].append(await _move(run, mover, files, rows, open_target))
                advance()
    return taken


async def _move(run: Run, mover: Mover, files: Files, rows: int, open_target: OpenTarget) -> Taken:
    async with open_target(run.postgres) as dsn:
        # No mover has to write what the one before it left in memory.
        await _execute(dsn, "CHECKPOINT")
        taken = await mover.run(files, dsn)
        if taken.failure:
            return taken
        missing = {
            table: expected - found
            for table, expected in count_rows(rows).items()
            if (found := await _count(dsn, table)) != expected
        }
        failure = ", ".join(
            f"{table}: {number:,} rows missing" for table, number in missing.items()
        )
        return Taken(taken.seconds, taken.peak_megabytes, failure)


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def _count(dsn: str, table: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close()


def _report(
    title: str, rows: int, taken: Mapping[str, list[Taken]], notes: Sequence[str]
) -> Report:
    failures = {
        name: next(one.failure for one in of_mover if one.failure)
        for name, of_mover in taken.items()
        if any(one.failure for one in of_mover)
    }
    finished = [name for name in taken if name not in failures]
    timings = Timings(finished)
    peaks: dict[str, float] = defaultdict(float)
    for name in finished:
        for one in taken[name]:
            timings.add(name, one.seconds)
            peaks[name] = max(peaks[name], one.peak_megabytes)
    cells: list[dict[str, Cell]] = []
    for name in taken:
        row: dict[str, Cell] = {"lane": name}
        if name in finished:
            seconds = timings.seconds(name)
            row |= {"seconds": seconds, "rate": rows / seconds / 1000, "peak": peaks[name]}
            row |= {base: timings.ratio(base, name) for base in BASES if base in finished}
        cells.append(row)
    notes = [*notes, *(f"{name} failed: {why}" for name, why in failures.items())]
    if {OURS_TWO, OURS_VERIFIED} <= set(finished):
        share = timings.ratio(OURS_VERIFIED, OURS_TWO) - 1
        notes.append(f"verification of every value adds {share:.0%} to the time")
    return Report("migrations", title, COLUMNS, cells, _aims(timings, finished, peaks), notes)


def _aims(timings: Timings, finished: Sequence[str], peaks: Mapping[str, float]) -> list[Aim]:
    aims = [
        Aim.at_least(f"{OURS_TWO}, times as fast as {base}", timings.ratio(base, OURS_TWO), bound)
        for base, bound in BASES.items()
        if {base, OURS_TWO} <= set(finished)
    ]
    aims += [
        Aim.at_most(f"{name}, MB of its largest process", peaks[name], MOST_MEGABYTES)
        for name in (OURS, OURS_TWO, OURS_VERIFIED)
        if name in finished
    ]
    return aims
