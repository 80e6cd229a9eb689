"""LISTEN on a connection of its own, with polling where that can't work."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aragora_sql.database.base import Watch
from aragora_sql.errors import AragoraSQLError, ConnectionLostError, DatabaseUnavailableError

__all__ = ["ListeningWatch"]

log = logging.getLogger(__name__)

# Without LISTEN, whoever waits looks again after so many seconds.
POLL_SECONDS = 0.25
# How long a message to ourselves may take before LISTEN counts as not working.
PROBE_SECONDS = 2.0
_PROBE = "probe:"
# How long opening the connection and LISTEN may take, and closing it, in seconds.
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
# So many messages are told apart, and none that is longer (in characters); anybody may send some.
MOST_TOPICS = 1000
LONGEST_TOPIC = 1000


class ListeningWatch(Watch):
    """Counts the messages of a channel.

    ``connect`` opens a driver connection that nobody else uses, or gives None where a transaction
    pooler is known to stand before the server; where none is known, a first message to ourselves
    finds out whether messages arrive. ``notify`` sends a message to a channel through another
    connection. ``owner`` is what the watch has to be closed with.
    """

    def __init__(
        self,
        channel: str,
        connect: Callable[[], Awaitable[Any]],
        notify: Callable[[str, str], Awaitable[None]],
        *,
        owner: object,
    ) -> None:
        self.owner = owner
        self._channel = channel
        self._connect = connect
        self._notify = notify
        self._polls = False
        self._connection: Any = None
        self._opening = asyncio.Lock()
        self._count = 0
        self._latest: dict[str, int] = {}
        # What came up to here is no longer told apart.
        self._forgotten = 0
        self._arrival = asyncio.Event()

    @property
    def tells_topics(self) -> bool:
        """Whether a connection listens now."""
        return self._connection is not None and not self._connection.is_closed()

    async def mark(self) -> int:
        async with self._opening:
            if not self._polls and not self.tells_topics:
                await self._open()
        return self._count

    async def changed(
        self, mark: int, timeout: float, topics: Collection[str] | None = None
    ) -> bool:
        if not self.tells_topics:
            await asyncio.sleep(min(timeout, POLL_SECONDS))
            return True
        try:
            async with asyncio.timeout(timeout):
                while not self._arrived(mark, topics):
                    await self._arrival.wait()
        except TimeoutError:
            return False
        return True

    def _arrived(self, mark: int, topics: Collection[str] | None) -> bool:
        if topics is None or not self.tells_topics:
            return self._count > mark
        return self._forgotten > mark or any(self._latest.get(t, 0) > mark for t in topics)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await _close(connection)

    async def _open(self) -> None:
        await self.close()
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                connection = await self._connect()
        except TimeoutError as error:
            raise DatabaseUnavailableError(
                f"cannot connect: no answer within {OPEN_SECONDS:g} s"
            ) from error
        if connection is None:
            self._polls = True
            return
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                connection.add_termination_listener(self._lost)
                await connection.add_listener(self._channel, self._heard)
                self._connection = connection
                await self._probe()
        except BaseException as error:
            self._connection = None
            await _close(connection)
            if isinstance(error, Exception) and not isinstance(error, AragoraSQLError):
                # A driver has many errors for a connection that breaks at this point.
                raise ConnectionLostError(
                    f"LISTEN {self._channel}: {str(error) or type(error).__name__}"
                ) from error
            raise

    async def _probe(self) -> None:
        message = _PROBE + secrets.token_hex(8)
        mark = self._count
        await self._notify(self._channel, message)
        arrived = await self.changed(mark, PROBE_SECONDS, (message,))
        self._latest.pop(message, None)
        if not self.tells_topics:
            raise ConnectionLostError(f"LISTEN {self._channel}: the connection was lost")
        if arrived:
            return
        log.warning(
            "messages of channel %s do not arrive, as behind a transaction pooler: waiting looks "
            "every %g s instead",
            self._channel,
            POLL_SECONDS,
        )
        self._polls = True
        await self.close()

    def _heard(self, connection: Any, pid: int, channel: str, message: str) -> None:
        if len(message) > LONGEST_TOPIC or (
            message.startswith(_PROBE) and connection is not self._connection
        ):
            return
        self._count += 1
        if len(self._latest) >= MOST_TOPICS and message not in self._latest:
            # Whoever waits may have missed one, and looks again.
            self._latest.clear()
            self._forgotten = self._count
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


async def _close(connection: Any) -> None:
    """Close a driver connection in good order, or drop it where the server does not answer."""
    if connection.is_closed():
        return
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except Exception as error:
        log.debug("a listening connection was dropped: %s", type(error).__name__)
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise


async def close_all(watches: Collection[Watch]) -> None:
    """Close watches; what fails is logged."""
    for watch in watches:
        try:
            await watch.close()
        except (AragoraSQLError, OSError) as error:
            log.warning("a listening connection was dropped: %s", error)
