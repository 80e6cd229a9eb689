"""Waiting no longer than one wants to, whatever the other side does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["within"]

T = TypeVar("T")

# Work that was given up and still cleans up; a task without a reference may vanish.
_given_up: set[asyncio.Task[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` for at most so many seconds, then raise TimeoutError.

    Unlike :func:`asyncio.timeout` it does not wait for the cancelled work to clean up, which takes
    as long as a server that has gone silent likes.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            _given_up.add(task)
            task.add_done_callback(_forget)
    if not task.done():
        raise TimeoutError
    return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        # Looked at, so that asyncio does not report it: whoever asked has gone.
        task.exception()
