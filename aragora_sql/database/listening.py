"""LISTEN on a connection of its own, with polling where that can't work."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aragora_sql.database.base import Watch
from aragora_sql.errors import AragoraSQLError, ConnectionLostError, DatabaseClosedError

__all__ = ["ListeningWatch"]

log = logging.getLogger(__name__)

# How many seconds a waiter sleeps between two looks where LISTEN does not work.
POLL_SECONDS = 0.25
# How long closing waits for a server that does not answer.
CLOSE_SECONDS = 2.0
# Of how many topics the last message is known; of others it may have come at any time.
MOST_TOPICS = 1000
# No message of ours is longer, in characters.
LONGEST_TOPIC = 1000
# How long a message to ourselves may take before LISTEN counts as not working.
PROBE_SECONDS = 2.0
_PROBE = "probe:"


class ListeningWatch(Watch):
    """Counts the messages of a channel.

    ``connect`` opens a driver connection that is used for nothing else, or gives None behind a
    transaction pooler that is known; where none is known, a first message to ourselves finds out
    whether messages arrive. ``notify`` sends a message to a channel through another
    connection. ``translate`` returns our exception for one of the driver's. ``owner`` is what the
    watch has to be closed with.
    """

    def __init__(
        self,
        channel: str,
        connect: Callable[[], Awaitable[Any]],
        notify: Callable[[str, str], Awaitable[None]],
        translate: Callable[[Exception, str], AragoraSQLError],
        *,
        owner: object,
        check: Callable[[], None],
    ) -> None:
        self.owner = owner
        # Is called where the caller is about to look for what others have written.
        self.heard: Callable[[], None] = _nothing
        self._translate = translate
        self._check = check
        self._channel = channel
        self._connect = connect
        self._notify = notify
        self._polls = False
        self._connection: Any = None
        self._opening = asyncio.Lock()
        self._count = 0
        # The number of each topic's last message; what is not there came before the floor.
        self._latest: dict[str, int] = {}
        self._floor = 0
        self._closings = 0
        self._arrival = asyncio.Event()

    @property
    def tells_topics(self) -> bool:
        """Whether a connection listens now."""
        return self._connection is not None and not self._connection.is_closed()

    async def mark(self) -> int:
        self._check()
        async with self._opening:
            if not self._polls and not self.tells_topics:
                await self._open()
        self.heard()
        return self._count

    async def changed(
        self, mark: int, timeout: float, topics: Collection[str] | None = None
    ) -> bool:
        if not self.tells_topics:
            await asyncio.sleep(min(timeout, POLL_SECONDS))
            self.heard()
            return True
        try:
            async with asyncio.timeout(timeout):
                while not self._arrived(mark, topics):
                    await self._arrival.wait()
        except TimeoutError:
            return False
        self.heard()
        return True

    def _arrived(self, mark: int, topics: Collection[str] | None) -> bool:
        if topics is None or not self.tells_topics:
            return self._count > mark
        return any(self._latest.get(topic, self._floor) > mark for topic in topics)

    async def close(self) -> None:
        self._closings += 1
        await self._drop()

    async def _drop(self) -> None:
        """Close the connection, and cut it off when the server does not answer."""
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed():
            return
        try:
            await connection.close(timeout=CLOSE_SECONDS)
        except Exception as error:
            log.warning(
                "a listening connection was dropped: %s", self._translate(error, self._channel)
            )

    async def _open(self) -> None:
        await self._drop()
        closings = self._closings
        connection = await self._connect()
        if connection is None:
            self._polls = True
            return
        try:
            if closings != self._closings:
                raise DatabaseClosedError(f"{self._channel}: closed while it was being opened")
            connection.add_termination_listener(self._lost)
            await connection.add_listener(self._channel, self._heard)
            self._connection = connection
            await self._probe()
        except BaseException as error:
            self._connection = None
            connection.terminate()
            if isinstance(error, Exception):
                raise self._translate(error, f"LISTEN {self._channel}") from error
            raise

    async def _probe(self) -> None:
        message = _PROBE + secrets.token_hex(8)
        mark = self._count
        await self._notify(self._channel, message)
        if await self.changed(mark, PROBE_SECONDS, (message,)):
            if self._latest.pop(message, None) is None and not self.tells_topics:
                raise ConnectionLostError(f"LISTEN {self._channel}: the connection broke")
            return
        log.warning(
            "messages of channel %s do not arrive, as behind a transaction pooler: waiting looks "
            "every %g s instead",
            self._channel,
            POLL_SECONDS,
        )
        self._polls = True
        await self._drop()

    def _heard(self, connection: Any, pid: int, channel: str, message: str) -> None:
        if len(message) > LONGEST_TOPIC or (
            message.startswith(_PROBE) and connection is not self._connection
        ):
            return
        self._count += 1
        if len(self._latest) >= MOST_TOPICS and message not in self._latest:
            # Every role may send messages: they must not fill the memory.
            self._latest.clear()
            self._floor = self._count
        self._latest[message] = self._count
        self._wake()

    def _lost(self, connection: Any) -> None:
        if connection is self._connection:
            self._connection = None
            self._count += 1
            self._wake()

    def _wake(self) -> None:
        arrival, self._arrival = self._arrival, asyncio.Event()
        arrival.set()


def _nothing() -> None:
    """Do nothing: all reads go to the server that sends the messages."""


async def close_all(watches: Collection[Watch]) -> None:
    """Close watches, all at once."""
    await asyncio.gather(*(watch.close() for watch in watches))
