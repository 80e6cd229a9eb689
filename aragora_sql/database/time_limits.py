"""The time limit of a connection's statements, without a timer for each.

asyncpg makes a timer for each statement that has a limit, and takes it back: 7 us of a look-up of
50. A connection runs one statement at a time and gives each the same limit, so one timer at a time
is enough: when it is due, it looks at the statement that runs then.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

__all__ = ["TimeLimit"]


class TimeLimit:
    """``with limit:`` around a statement raises :class:`TimeoutError` when it takes too long.

    ``seconds`` is how long a statement may take; it is stopped as :func:`asyncio.timeout` stops
    what is inside. One block at a time.
    """

    __slots__ = ("_cancellations", "_deadline", "_is_over", "_loop", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._deadline = 0.0
        self._cancellations = 0
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a statement runs in a task")
        self._deadline = self._loop.time() + self._seconds
        self._cancellations = task.cancelling()
        self._task = task
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            # The next statement makes the next timer.
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
            return
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._is_over:
            return
        self._is_over = False
        # Somebody else may have cancelled the task as well, and is not kept waiting.
        is_ours = task is not None and task.uncancel() <= self._cancellations
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error
