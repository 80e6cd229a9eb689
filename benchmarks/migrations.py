"""Moving a file of the older Aragora to PostgreSQL: ours against the usual ways."""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from statistics import median

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
from benchmarks.processor import whole_server_clock
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run
from benchmarks.servers import empty_database, new_database

__all__ = ["race_build_migrations", "race_migrations"]

BASES = {PGLOADER: 2.5, LOOP: 2.0, CSV_PIPE: 1.6}
# A source of fewer rows, in which the start of programs counts.
FEW_ROWS, FEW_BASES = 200_000, {CSV_PIPE: 1.3}
MOST_MEGABYTES = 150.0
# What a verification may add to the time.
MOST_FOR_VERIFYING = 0.30

OpenTarget = Callable[[EmbeddedServer], AbstractAsyncContextManager[str]]

COLUMNS = (
    Column("lane", "lane"),
    Column("seconds", "s", ".2f"),
    Column("rate", "k rows/s", ".1f"),
    Column("peak", "MB", ".0f"),
    *(Column(base, f"x {base}", ".2f") for base in BASES),
    Column("client", "client, s", ".2f"),
    Column("server", "server, s", ".2f"),
    *(Column(f"{base}, processor", f"both, x {base}", ".2f") for base in BASES),
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
        clock = whole_server_clock(run.postgres)
        began = clock() if clock else 0.0
        taken = await mover.run(files, dsn)
        if taken.failure:
            return taken
        server = clock() - began if clock else None
        missing = {
            table: expected - found
            for table, expected in count_rows(rows).items()
            if (found := await _count(dsn, table)) != expected
        }
        failure = ", ".join(
            f"{table}: {number:,} rows missing" for table, number in missing.items()
        )
        return replace(taken, failure=failure, server=server)


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
    timings, work = Timings(finished), Timings(finished)
    peaks: dict[str, float] = defaultdict(float)
    for name in finished:
        for one in taken[name]:
            timings.add(name, one.seconds)
            work.add(name, one.client + (one.server or 0.0))
            peaks[name] = max(peaks[name], one.peak_megabytes)
    cells: list[dict[str, Cell]] = []
    for name in taken:
        row: dict[str, Cell] = {"lane": name}
        if name in finished:
            seconds = timings.seconds(name)
            row |= {"seconds": seconds, "rate": rows / seconds / 1000, "peak": peaks[name]}
            row |= {base: timings.ratio(base, name) for base in BASES if base in finished}
            row["client"] = median(one.client for one in taken[name])
            times = [one.server for one in taken[name] if one.server is not None]
            if times:
                row["server"] = median(times)
                row |= {f"{b}, processor": work.ratio(b, name) for b in BASES if b in finished}
        cells.append(row)
    notes = [*notes, *(f"{name} failed: {why}" for name, why in failures.items())]
    return Report(
        "migrations", title, COLUMNS, cells, _aims(rows, timings, work, finished, peaks), notes
    )


def _aims(
    rows: int,
    timings: Timings,
    work: Timings,
    finished: Sequence[str],
    peaks: Mapping[str, float],
) -> list[Aim]:
    aims = []
    for what, times in (("time", timings), ("processor time", work)):
        aims += [
            Aim.at_least(f"{OURS_TWO}, times {base} in {what}", times.ratio(base, OURS_TWO), bound)
            for base, bound in (BASES if rows > FEW_ROWS else FEW_BASES).items()
            if {base, OURS_TWO} <= set(finished)
        ]
        if {OURS_TWO, OURS_VERIFIED} <= set(finished):
            added = times.ratio(OURS_VERIFIED, OURS_TWO) - 1
            text = f"verification of every value adds to the {what}"
            aims.append(Aim.at_most(text, added, MOST_FOR_VERIFYING))
    aims += [
        Aim.at_most(f"{name}, MB of its largest process", peaks[name], MOST_MEGABYTES)
        for name in (OURS, OURS_TWO, OURS_VERIFIED)
        if name in finished
    ]
    return aims
