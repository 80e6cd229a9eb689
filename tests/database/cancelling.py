"""Cancels a coroutine at each place where it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class _Observed:
    """Awaits a coroutine and cancels its task when it suspends for the ``place``-th time."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, None], place: int, cancel: Callable[[], object]
    ) -> None:
        self._coroutine = coroutine
        self._left = place
        self._cancel = cancel

    def __await__(self) -> Generator[Any, Any, None]:
        thrown: BaseException | None = None
        while True:
            try:
                waits_for = (
                    self._coroutine.send(None) if thrown is None else self._coroutine.throw(thrown)
                )
            except StopIteration:
                return
            self._left -= 1
            if self._left == 0:
                self._cancel()
            thrown = None
            try:
                yield waits_for
            except BaseException as error:
                thrown = error


async def cancel_at(coroutine: Coroutine[Any, Any, None], place: int, *, late: bool) -> bool:
    """Run a coroutine and cancel it where it waits for the ``place``-th time.

    ``late`` lets the event loop go round once first, so that what it waits for has begun. Returns
    whether there was such a place; other exceptions than the cancellation are raised.
    """
    loop = asyncio.get_running_loop()
    reached = False

    def cancel() -> None:
        nonlocal reached
        reached = True
        if late:
            loop.call_soon(task.cancel)
        else:
            task.cancel()

    async def observed() -> None:
        await _Observed(coroutine, place, cancel)

    task = asyncio.create_task(observed())
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return reached
