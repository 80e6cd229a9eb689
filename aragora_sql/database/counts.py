"""What a pool of connections has done so far: counted always, because it costs next to nothing."""

from __future__ import annotations

import time

__all__ = ["PoolCounts"]


class PoolCounts:
    """Counts of the acquisitions of one pool since it was opened. Times are in seconds."""

    __slots__ = (
        "acquisitions",
        "failures",
        "longest_wait",
        "timeouts",
        "waited",
        "waiting",
    )

    def __init__(self) -> None:
        self.acquisitions = 0
        self.failures = 0
        self.timeouts = 0
        self.waiting = 0
        self.waited = 0.0
        self.longest_wait = 0.0

    def acquired(self, started: float) -> None:
        """Count a connection that was asked for at ``started`` of :func:`time.perf_counter`."""
        seconds = time.perf_counter() - started
        self.acquisitions += 1
        self.waited += seconds
        if seconds > self.longest_wait:
            self.longest_wait = seconds

    def failed(self, error: BaseException, cause: BaseException | None) -> None:
        """Count a connection that was asked for in vain; a cancellation is no failure."""
        if isinstance(error, Exception):
            self.failures += 1
            if isinstance(cause, TimeoutError):
                self.timeouts += 1
