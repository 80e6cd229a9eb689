"""Lanes that are measured side by side, round by round, and the ratios between them.

A ratio is taken within each round and the median of the rounds is reported: what slows the machine
down for a moment then slows all lanes of a round.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

__all__ = ["Call", "Clock", "Lane", "Timings", "on", "percentile", "race", "race_by"]


Call = Callable[[Any], Awaitable[object]]
# Gives seconds; only differences of them count.
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Lane:
    """One way to do the same thing.

    ``prepare`` makes the arguments of so many calls; ``open`` opens the connection of a round and
    gives what does one call on it. Neither is measured. A connection of its own for each round,
    because some are faster than others for as long as they live.
    """

    name: str
    prepare: Callable[[int], list[Any]]
    open: Callable[[], AbstractAsyncContextManager[Call]]


def on(
    make_call: Callable[[Any], Call],
    way: Callable[..., AbstractAsyncContextManager[Any]],
    *arguments: Any,
    **options: Any,
) -> Callable[[], AbstractAsyncContextManager[Call]]:
    """Return a lane's ``open``: it opens ``way(...)`` and makes a call of what that yields."""

    @asynccontextmanager
    async def open_lane() -> AsyncIterator[Call]:
        async with way(*arguments, **options) as client:
            yield make_call(client)

    return open_lane


class Timings:
    """Seconds per call of each lane, one figure for each round."""

    def __init__(self, lanes: Iterable[str]) -> None:
        self._rounds: dict[str, list[float]] = {lane: [] for lane in lanes}

    def add(self, lane: str, seconds: float) -> None:
        """Add what a call of a lane took in the next round."""
        self._rounds[lane].append(seconds)

    def plus(self, other: Timings) -> Timings:
        """Return the sums of both, round by round."""
        sums = Timings(())
        sums._rounds = {
            lane: [mine + theirs for mine, theirs in zip(taken, other._rounds[lane], strict=True)]
            for lane, taken in self._rounds.items()
        }
        return sums

    def seconds(self, lane: str) -> float:
        """Return the median time of a call."""
        return median(self._rounds[lane])

    def fastest(self, lane: str) -> float:
        """Return the time of a call in a lane's fastest round."""
        return min(self._rounds[lane])

    def ratio(self, lane: str, base: str) -> float:
        """Return how many times as long as ``base`` a lane takes."""
        return median(self._ratios(lane, base))

    def spread(self, lane: str, base: str) -> tuple[float, float]:
        """Return the quartiles of :meth:`ratio` over the rounds."""
        ratios = self._ratios(lane, base)
        if len(ratios) < 2:
            return ratios[0], ratios[0]
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        return low, high

    def _ratios(self, lane: str, base: str) -> list[float]:
        pairs = zip(self._rounds[lane], self._rounds[base], strict=True)
        return [mine / theirs for mine, theirs in pairs]


async def race(
    lanes: Sequence[Lane],
    calls: int,
    warm_up: int,
    rounds: int,
    advance: Callable[[], None],
    clock: Clock = time.perf_counter,
) -> Timings:
    """Run every lane in every round, each time in another order.

    ``warm_up`` calls come before the measured ones of each round. ``clock`` may be that of the
    process's CPU time, where what others do on the machine is not to count.
    """
    timings = await race_by({"": clock}, lanes, calls, warm_up, rounds, advance)
    return timings[""]


async def race_by(
    clocks: Mapping[str, Clock],
    lanes: Sequence[Lane],
    calls: int,
    warm_up: int,
    rounds: int,
    advance: Callable[[], None],
) -> dict[str, Timings]:
    """Do the same with several clocks, by name, which are read around the same calls.

    A clock that takes long to read comes last.
    """
    timings = {name: Timings(lane.name for lane in lanes) for name in clocks}
    order = random.Random(rounds)
    for _ in range(rounds):
        for lane in order.sample(lanes, len(lanes)):
            taken = await _run(lane, calls, warm_up, list(clocks.values()))
            for one, seconds in zip(timings.values(), taken, strict=True):
                one.add(lane.name, seconds / calls)
        advance()
    return timings


async def _run(lane: Lane, calls: int, warm_up: int, clocks: Sequence[Clock]) -> list[float]:
    arguments = lane.prepare(warm_up + calls)
    async with lane.open() as call:
        for argument in arguments[:warm_up]:
            await call(argument)
        del arguments[:warm_up]
        # The garbage of one lane must not be collected in the time of the next.
        gc.collect()
        # What it takes to read one clock is not in the time of those before it.
        started = [clock() for clock in reversed(clocks)][::-1]
        for argument in arguments:
            await call(argument)
        return [clock() - start for clock, start in zip(clocks, started, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
