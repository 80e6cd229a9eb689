"""Statements that change rows and are sent together, as no one waits for what the first did.

On SQLite they cross to the connection's thread once: a crossing costs as much as a small statement.
The driver of PostgreSQL sends one statement after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aragora_sql.database.base import Connection
from aragora_sql.database.statement import Statement

__all__ = ["Together"]


class Together:
    """Stands where queries with the operation ``*!`` expect their connection, and collects them.

    >>> together: Any = Together(connection)
    >>> await queries.insert_match(together, matches)     # collected: returns 0
    >>> await queries.insert_history(together, events)
    >>> matches_stored, events_stored = await together.run()

    The first statement that fails is the last, so :meth:`run` is for use within a transaction.
    :meth:`run_whole` is a transaction of its own.
    """

    __slots__ = ("_calls", "_connection")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._calls: list[tuple[Statement, Sequence[Any]]] = []

    async def execute_many(self, statement: Statement, arguments: Sequence[Any]) -> int:
        """Keep a statement with its sets of arguments, to be run by :meth:`run`."""
        self._calls.append((statement, arguments))
        return 0

    async def run(self) -> list[int]:
        """Run what was collected, and return the number of rows that each statement changed."""
        calls, self._calls = self._calls, []
        return await self._connection.execute_together(calls)

    async def run_each(self) -> list[int]:
        """Run what was collected with as few commits as possible, within a transaction or without.

        Without one, a statement that fails may leave what was before it, or nothing.
        """
        calls, self._calls = self._calls, []
        return await self._connection.execute_each(calls)

    async def run_whole(self) -> bool:
        """Run what was collected in one transaction, and keep it if all of it takes effect.

        That is when each statement has changed as many rows as it has sets of arguments; else
        nothing is kept, and False is returned.
        """
        calls, self._calls = self._calls, []
        return await self._connection.execute_whole(calls)
