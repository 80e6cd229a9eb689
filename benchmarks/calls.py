"""One call at a time: a point read and a single insert, per driver and way to call it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from aragora_sql.database import Dialect
from aragora_sql.stores.consensus.store import ConsensusMemory
from benchmarks.corpus import new_debate
from benchmarks.measure import Lane, Timings, race
from benchmarks.report import Aim, Column, Report
from benchmarks.run import Run
from benchmarks.statements import RawStatement, new_row, with_documents

__all__ = ["Prepare", "debates", "new_rows", "race_calls", "report_race", "some_ids"]

CALLS = 100
# Enough for a connection to prepare its statement and to settle on a plan.
WARM_UP = 20
STORED = 5000

Prepare = Callable[[int], list[Any]]


async def some_ids(memory: ConsensusMemory, chooser: random.Random) -> Prepare:
    """Fill a store and return what chooses ids of its records."""
    ids: list[str] = []
    for _ in range(STORED // 1000):
        records = await memory.store_many([new_debate(chooser) for _ in range(1000)])
        ids += [record.id for record in records]
    return lambda count: chooser.choices(ids, k=count)


def debates(chooser: random.Random) -> Prepare:
    """Return what makes arguments of ``store_consensus``."""
    return lambda count: [new_debate(chooser) for _ in range(count)]


def new_rows(
    chooser: random.Random,
    dialect: Dialect,
    statement: RawStatement | None = None,
    *,
    documents: bool = False,
) -> Prepare:
    """Return what makes rows: for a driver's statement as tuples, else as dictionaries.

    ``documents`` gives JSON as objects instead of text.
    """

    def one() -> Any:
        row = new_row(chooser, dialect)
        if documents:
            row = with_documents(row)
        return row if statement is None else statement.arguments(row)

    return lambda count: [one() for _ in range(count)]


async def race_calls(
    run: Run,
    name: str,
    title: str,
    lanes: Sequence[Lane],
    bases: dict[str, str],
    aims: Callable[[Timings], list[Aim]],
) -> Report:
    """Race lanes call by call; see :func:`report_race`."""
    with run.stage(title, run.rounds) as advance:
        timings = await race(lanes, CALLS, WARM_UP, run.rounds, advance)
    return report_race(
        name,
        f"{title} ({run.rounds} rounds of {CALLS} calls, medians)",
        ("us", 1e6),
        lanes,
        bases,
        timings,
        aims(timings),
    )


def report_race(
    name: str,
    title: str,
    unit: tuple[str, float],
    lanes: Sequence[Lane],
    bases: dict[str, str],
    timings: Timings,
    aims: Sequence[Aim],
) -> Report:
    """Report the times of lanes and their ratios to some of them.

    ``unit`` is the heading of a time and how many of it are a second. ``bases`` maps the heading
    of a ratio to its lane; the first one also gets the quartiles of its rounds.
    """
    heading, per_second = unit
    columns = [Column("lane", "lane"), Column("time", heading, ".0f")]
    for number, base_heading in enumerate(bases):
        columns.append(Column(f"ratio_{number}", base_heading, ".2f"))
        if not number:
            columns.append(Column("quartiles", "quartiles", ">s"))
    rows = []
    for lane in lanes:
        row: dict[str, str | float] = {"lane": lane.name}
        row["time"] = timings.seconds(lane.name) * per_second
        for number, base in enumerate(bases.values()):
            row[f"ratio_{number}"] = timings.ratio(lane.name, base)
            if not number:
                low, high = timings.spread(lane.name, base)
                row["quartiles"] = f"{low:.2f}-{high:.2f}"
        rows.append(row)
    return Report(name, title, columns, rows, aims)
