"""Other tasks, and waiting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

PATIENCE = 20.0

T = TypeVar("T")


async def until(condition: Callable[[], object]) -> None:
    """Let other tasks work until a condition holds; :class:`TimeoutError` if it never does."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


def outside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task that takes part in no unit of work that is open here."""
    return asyncio.create_task(work, context=Context())
