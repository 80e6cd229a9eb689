"""What a call costs beside the driver with decoding, and beside what people use instead of it.

All lanes hold their connection and give or take the same Python values: documents as objects,
timestamps as such. Wall time and processor time are read around the same calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from aragora_sql.embedded import EmbeddedServer
from benchmarks.calls import Prepare
from benchmarks.measure import Call, Clock, Lane, Timings, race_by
from benchmarks.processor import server_clock
from benchmarks.report import Aim, Cell, Column, Report
from benchmarks.run import Run

__all__ = [
    "BATCH",
    "DRIVER",
    "MANY",
    "OURS_QUERY",
    "OURS_STORE",
    "clocks_of",
    "in_batches",
    "race_costs",
    "same_answers",
]

CALLS = 150
WARM_UP = 30
BATCH = 1000

DRIVER = "driver, decoded"
MANY = "driver, executemany"
OURS_QUERY = "aragora_sql, query"
OURS_STORE = "aragora_sql, store"

WALL, CLIENT, SERVER, BOTH = "wall", "client", "server", "client + server"


def clocks_of(server: EmbeddedServer | None) -> dict[str, Clock]:
    """Return the clocks of a race: wall time, and the processor time of this process and a server.

    ``server`` is None where the database is in this process.
    """
    clocks: dict[str, Clock] = {WALL: time.perf_counter, CLIENT: time.process_time}
    servers = None if server is None else server_clock(server)
    if servers is not None:
        clocks[SERVER] = servers
    return clocks


def in_batches(prepare: Prepare) -> Prepare:
    """Return what makes lists of so many of what ``prepare`` makes."""
    return lambda count: [prepare(BATCH) for _ in range(count)]


async def race_costs(
    run: Run,
    name: str,
    title: str,
    clocks: dict[str, Clock],
    lanes: Sequence[Lane],
    base: str,
    aim: tuple[str, float],
    *,
    calls: int = CALLS,
    warm_up: int = WARM_UP,
    rounds: int | None = None,
) -> Report:
    """Race lanes under all clocks and report their ratios to ``base``.

    ``aim`` is a lane and how many times the base it may take at most, of wall and of processor
    time.
    """
    rounds = run.rounds if rounds is None else rounds
    with run.stage(title, rounds) as advance:
        timings = await race_by(clocks, lanes, calls, warm_up, rounds, advance)
    if (server := timings.pop(SERVER, None)) is not None:
        timings[BOTH] = timings[CLIENT].plus(server)
    columns = [Column("lane", "lane")]
    for clock in timings:
        columns += [
            Column(f"{clock}_us", f"{clock}, us", ",.0f"),
            Column(f"{clock}_ratio", "x base", ".2f"),
            Column(f"{clock}_quartiles", "quartiles", ">s"),
        ]
    rows = [_row(lane.name, base, timings) for lane in lanes]
    lane, most = aim
    aims = [
        Aim.at_most(f"{lane}, {clock} time, times {base}", of.ratio(lane, base), most)
        for clock, of in timings.items()
    ]
    what = f"{rounds} rounds of {calls} calls" if calls > 1 else f"{rounds} rounds"
    return Report(name, f"{title} ({what}, medians; base: {base})", columns, rows, aims)


def _row(lane: str, base: str, timings: dict[str, Timings]) -> dict[str, Cell]:
    row: dict[str, Cell] = {"lane": lane}
    for clock, of in timings.items():
        low, high = of.spread(lane, base)
        row[f"{clock}_us"] = of.seconds(lane) * 1e6
        row[f"{clock}_ratio"] = of.ratio(lane, base)
        row[f"{clock}_quartiles"] = f"{low:.2f}-{high:.2f}"
    return row


async def same_answers(
    lanes: Sequence[Lane], argument: Any, as_dict: Callable[[Any], dict[str, Any]]
) -> None:
    """Check that all lanes read the same; raises AssertionError where one does not."""
    answers = {}
    for lane in lanes:
        async with lane.open() as call:
            answers[lane.name] = as_dict(await _called(call, argument))
    first = answers[lanes[0].name]
    for name, answer in answers.items():
        assert answer == first, f"{name} reads something else than {lanes[0].name}"


async def _called(call: Call, argument: Any) -> Any:
    return await call(argument)
