"""Lanes that are measured side by side, round by round, and the ratios between them.

A ratio is taken within each round and the median of the rounds is reported: what slows the machine
down for a moment then slows all lanes of a round.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

__all__ = ["Call", "Lane", "Timings", "on", "percentile", "race"]


Call = Callable[[Any], Awaitable[object]]


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
    clock: Callable[[], float] = time.perf_counter,
) -> Timings:
    """Run every lane in every round, each time in another order.

    ``warm_up`` calls come before the measured ones of each round. ``clock`` may be that of the
    process's CPU time, where what others do on the machine is not to count.
    """
    timings = Timings(lane.name for lane in lanes)
    order = random.Random(rounds)
    for _ in range(rounds):
        for lane in order.sample(lanes, len(lanes)):
            timings.add(lane.name, await _run(lane, calls, warm_up, clock) / calls)
        advance()
    return timings


async def _run(lane: Lane, calls: int, warm_up: int, clock: Callable[[], float]) -> float:
    arguments = lane.prepare(warm_up + calls)
    async with lane.open() as call:
        for argument in arguments[:warm_up]:
            await call(argument)
        del arguments[:warm_up]
        # The garbage of one lane must not be collected in the time of the next.
        gc.collect()
        started = clock()
        for argument in arguments:
            await call(argument)
        return clock() - started


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
