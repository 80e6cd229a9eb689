"""Finds out whether a connection of asyncpg has a session of the server to itself.

See :mod:`aragora_sql.database.poolers` for how.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import asyncpg

from aragora_sql.database.poolers import ANSWER_SECONDS, COMPARISONS, PROCESS
from aragora_sql.errors import ConfigurationError

if TYPE_CHECKING:
    from aragora_sql.database.postgres_pool import SessionConnection

__all__ = ["SessionFinder"]

log = logging.getLogger(__name__)

_CLOSE_TIMEOUT = 2.0


class SessionFinder:
    """Knows of a pool whether its connections share sessions, once the first one has looked.

    ``where`` is the DSN as it may be shown; ``connect`` opens one more connection that has no named
    statements; ``is_shared`` is what is known already.
    """

    def __init__(
        self, where: str, connect: Callable[[], Awaitable[Any]], is_shared: bool | None
    ) -> None:
        self._where = where
        self._connect = connect
        self._is_checked = False
        self._turn = asyncio.Lock()
        self.is_shared = is_shared

    async def set_up(self, connection: SessionConnection) -> None:
        """Look whether a new connection shares its session, and tell it.

        Raises :class:`ConfigurationError` for a pooler that takes transactions apart.
        """
        if self.is_shared is False:
            return
        async with self._turn:
            if self.is_shared is None:
                self.is_shared = await self._look(connection)
            if self.is_shared:
                connection.share_session()
                if not self._is_checked:
                    await self._check_transactions(connection)
                    self._is_checked = True

    async def _look(self, connection: SessionConnection) -> bool:
        with connection.without_named_statements():
            process = await connection.fetchval(PROCESS)
            if process == connection.get_server_pid():
                return False
            try:
                other = await self._connect()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning(
                    "%s: a pooler is in front of the server, and whether it pools transactions is "
                    "not known (%s): no named prepared statements are used; say "
                    "?pgbouncer=false for a session pooler",
                    self._where,
                    error,
                )
                return True
            try:
                for _ in range(COMPARISONS):
                    others, again = await _process_of(other), await _process_of(connection)
                    if others is None and again == process:
                        log.info("%s: the pooler serves one client at a time", self._where)
                        return False
                    if others in (process, None) or again != process:
                        log.info(
                            "%s: a transaction pooler is in front of the server: no named prepared "
                            "statements are used, as with ?pgbouncer=true",
                            self._where,
                        )
                        return True
            finally:
                try:
                    await other.close(timeout=_CLOSE_TIMEOUT)
                except (TimeoutError, OSError):
                    other.terminate()
        return False

    async def _check_transactions(self, connection: SessionConnection) -> None:
        try:
            await connection.execute("BEGIN")
            await connection.execute("ROLLBACK")
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if "statement pooling" not in str(error) and connection.is_closed() is False:
                raise
            raise ConfigurationError(
                f"{self._where}: the pooler takes transactions apart (statement pooling): set its "
                f"pool_mode to transaction or session ({error})"
            ) from error


async def _process_of(connection: Any) -> int | None:
    """Return the server's process that answers; None when none does within the time limit."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            process: int = await connection.fetchval(PROCESS)
            return process
    except TimeoutError:
        return None
