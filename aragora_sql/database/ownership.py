"""Where a database may be used: in one process and one event loop.

Connections do not survive ``fork()``: a child that used its parent's would mix its messages into
the parent's, or wait for a thread that it does not have. And what waits for an answer belongs to an
event loop. So every unit of work asks :class:`Owner` first, on both engines alike.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from aragora_sql.errors import DatabaseUseError

__all__ = ["Owner", "emptied_by_fork"]


# This process; to ask the system for it at each unit of work would cost as much as all the rest.
_here = os.getpid()


class Owner:
    """The process and the event loop that a database belongs to: those of its first use.

    A database whose connections are open already gives its ``loop``, and belongs to this process.
    """

    __slots__ = ("_loop", "_process")

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop
        self._process = _here

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop, or None before the first use."""
        return self._loop

    @property
    def is_here(self) -> bool:
        """Whether the database was not used yet, or in this process."""
        return self._loop is None or self._process == _here

    def claim(self, database: object) -> None:
        """Make sure that the database may be used here; the first use makes it belong here.

        Raises :class:`DatabaseUseError`, which says what to do instead.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._process = loop, _here
        elif self._loop is not loop or self._process != _here:
            self._refuse(database)

    def check_closing(self, database: object) -> None:
        """Make sure that the database may be closed here: also when its event loop has ended."""
        if not self.is_here or not (self._loop is None or self._loop.is_closed()):
            self.claim(database)

    def _refuse(self, database: object) -> None:
        if not self.is_here:
            raise DatabaseUseError(
                f"{database!r} belongs to process {self._process} and this is process "
                f"{_here}: connections do not survive fork(). Make the store in the process "
                "that uses it, after the fork"
            )
        ended = self._loop is not None and self._loop.is_closed()
        remedy = (
            "Make the store again in this one, and close_databases() before a loop ends"
            if ended
            else "Make a store of its own in this one, or hand the call over with "
            "asyncio.run_coroutine_threadsafe()"
        )
        raise DatabaseUseError(
            f"{database!r} belongs to another event loop{', which has ended' if ended else ''}. "
            f"{remedy}"
        )


_registries: list[dict[Any, Any]] = []
# What a child process inherited is kept for good: it must not be closed or collected there.
_inherited: list[dict[Any, Any]] = []


def emptied_by_fork(registry: dict[Any, Any]) -> None:
    """Have a registry of open databases emptied in every child process."""
    _registries.append(registry)


def _after_fork() -> None:
    global _here
    _here = os.getpid()
    for registry in _registries:
        _inherited.append(dict(registry))
        registry.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
