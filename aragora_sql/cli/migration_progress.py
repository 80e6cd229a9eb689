"""How far a migration is, on standard error."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from aragora_sql.cli.output import new_console

__all__ = ["new_progress"]

_LOG_EVERY = 5.0

log = logging.getLogger("aragora_sql.migration")


def new_progress(*, quiet: bool = False) -> _LiveProgress | _LoggedProgress:
    """Return what shows the progress: bars in a terminal, else, or with quiet, lines of the log."""
    console = new_console(stderr=True)
    if quiet or not sys.stderr.isatty() or console.is_dumb_terminal:
        return _LoggedProgress(time.monotonic)
    return _LiveProgress(console)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s", style="progress.data.speed")


class _LiveProgress:
    """A bar for each table."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        # Until the first table.
        self._task = self._waiting = self._bars.add_task("reading the source", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.update(self._waiting, visible=False)
        self._bars.stop()

    def start(self, table: str, rows: int, doing: str) -> None:
        self._bars.update(self._waiting, visible=False)
        self._task = self._bars.add_task(f"{doing} {table}", total=rows)

    def advance(self, rows: int) -> None:
        self._bars.advance(self._task, rows)

    def finish(self) -> None:
        self._bars.stop_task(self._task)


class _LoggedProgress:
    """A line now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._what = ""
        self._rows = self._done = 0
        self._started = self._told = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def start(self, table: str, rows: int, doing: str) -> None:
        self._what, self._rows, self._done = f"{doing} {table}", rows, 0
        self._started = self._told = self._clock()

    def advance(self, rows: int) -> None:
        self._done += rows
        now = self._clock()
        if now - self._told >= _LOG_EVERY:
            self._told = now
            self._tell(now)

    def finish(self) -> None:
        log.info(
            "%s: %s rows in %.1f s", self._what, f"{self._done:,}", self._clock() - self._started
        )

    def _tell(self, now: float) -> None:
        rate = self._done / max(now - self._started, 1e-9)
        left = (self._rows - self._done) / rate if rate else 0.0
        print(
            f"{self._what}: {self._done:,} of {self._rows:,} rows, {rate:,.0f} rows/s, "
            f"about {left:.0f} s left",
            file=sys.stderr,
        )
