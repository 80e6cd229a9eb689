"""The use of a pool over the last minutes, for the status page."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from aragora_sql.database import Database

__all__ = ["History", "Sample"]

# How often the pool is looked at, in seconds, and for how many looks back.
EVERY = 5.0
KEPT = 120


@dataclass(frozen=True, slots=True)
class Sample:
    """The use of a pool at one time of the monotonic clock, in seconds."""

    time: float
    in_use: int
    waiting: int


class History:
    """Samples of the last ten minutes, the oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.samples: deque[Sample] = deque(maxlen=KEPT)

    def look(self) -> None:
        """Take a sample, unless the last one is younger than a second."""
        now = time.monotonic()
        if not self.samples or now - self.samples[-1].time >= 1.0:
            metrics = self._database.metrics()
            self.samples.append(Sample(now, metrics.in_use, metrics.waiting))

    async def run(self) -> None:
        """Take samples until it is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY)
