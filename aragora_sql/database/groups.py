"""Group commit: what several tasks ask for at the same moment is done in one transaction.

While the group of one task is under way, what the others ask for waits, and is the next group. So a
task that is alone waits for nobody, and the more there are, the fewer commits each of them costs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from aragora_sql.database.read_sessions import current_sessions, share
from aragora_sql.errors import (
    DatabaseClosedError,
    DatabaseTimeoutError,
    DatabaseUnavailableError,
    OutcomeUnknownError,
)

__all__ = ["Groups"]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# What the whole group has waited for in vain: nobody of it waits for it once more. What may have
# been kept is not done again either.
_OF_ALL = (
    DatabaseClosedError,
    DatabaseTimeoutError,
    DatabaseUnavailableError,
    OutcomeUnknownError,
)


class _Waiting(Generic[ItemT, ResultT]):
    """What a task asks for, and its turn: to lead the next group, or to take the result."""

    __slots__ = ("item", "leads", "sessions", "turn")

    def __init__(self, item: ItemT) -> None:
        self.item = item
        # Later reads of the task have to see what the leader writes for it.
        self.sessions = current_sessions()
        self.leads = False
        self.turn: asyncio.Future[ResultT | None] = asyncio.get_running_loop().create_future()


class Groups(Generic[ItemT, ResultT]):
    """Does what tasks ask for in groups of at most ``most``.

    ``work`` takes the items of a group and returns the result of each, in their order: None is one
    that it has left out. When it fails, nothing of the group may have been kept, or it raises an
    :class:`~aragora_sql.errors.OutcomeUnknownError`, which everyone in it gets.
    """

    def __init__(
        self, work: Callable[[list[ItemT]], Awaitable[Sequence[ResultT | None]]], most: int
    ) -> None:
        self._work = work
        self._most = most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._waiting: deque[_Waiting[ItemT, ResultT]] = deque()
        self._has_leader = False
        self._last_size = 0

    async def run(self, item: ItemT) -> ResultT | None:
        """Have an item done with those of other tasks; return its result.

        None: it is not done, because the group left it out or has failed, which need not be this
        item's fault; the caller does it alone. What a group has waited for in vain (a connection, a
        lock, a server) is the error of everyone in it. A task that is cancelled while it leads a
        group leaves the others to the next leader.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # What is left of an event loop that was closed in the middle belongs to nobody.
            self._loop = loop
            self._begin_anew()
        if self._has_leader:
            mine: _Waiting[ItemT, ResultT] = _Waiting(item)
            self._waiting.append(mine)
            try:
                result = await mine.turn
            except BaseException:
                if mine.leads:
                    self._hand_over()
                elif mine in self._waiting:
                    self._waiting.remove(mine)
                raise
            if not mine.leads:
                return result
        self._has_leader = True
        return await self._lead(item)

    async def _lead(self, mine: ItemT) -> ResultT | None:
        others: list[_Waiting[ItemT, ResultT]] = []
        try:
            if self._last_size > 1:
                # Those of the last group have just got their results and are about to ask again.
                await asyncio.sleep(0)
            while self._waiting and len(others) < self._most - 1:
                others.append(self._waiting.popleft())
            self._last_size = 1 + len(others)
            mine_done, *done = await self._work([mine, *[one.item for one in others]])
        except Exception as error:
            for one in others:
                if one.turn.done():
                    continue
                if isinstance(error, _OF_ALL):
                    one.turn.set_exception(error)
                else:
                    one.turn.set_result(None)
            if isinstance(error, _OF_ALL) or not others:
                raise
            return None
        except BaseException:
            self._waiting.extendleft(one for one in reversed(others) if not one.turn.done())
            raise
        else:
            if others:
                written = current_sessions()
                for one, result in zip(others, done, strict=True):
                    share(written, one.sessions)
                    if not one.turn.done():
                        one.turn.set_result(result)
            return mine_done
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        """Let the next task that waits lead, if there is one."""
        while self._waiting:
            following = self._waiting.popleft()
            if not following.turn.done():
                following.leads = True
                following.turn.set_result(None)
                return
        self._has_leader = False
