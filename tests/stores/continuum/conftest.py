"""A continuum memory on each engine, and a clock that the test sets."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from aragora_sql.database import Database
from aragora_sql.stores.continuum import ContinuumMemory
from tests.stores.samples import day


class Clock:
    """What the store takes for the present time."""

    def __init__(self) -> None:
        self.now = day(100)

    def __call__(self) -> datetime:
        return self.now

    def pass_hours(self, hours: float) -> None:
        self.now += timedelta(hours=hours)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("aragora_sql.stores.continuum.store.utc_now", clock)
    return clock


@pytest.fixture
async def continuum(database: Database, clock: Clock) -> ContinuumMemory:
    """A continuum memory that is ready for use; the test runs once on each engine."""
    store = ContinuumMemory(database)
    await store.initialize()
    return store
