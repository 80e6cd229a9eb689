"""Shrinks a difference to few rows and simple arguments, while it stays.

Rows are deleted inside savepoints of transactions that are undone. Time is limited: what is left
when it is over is shown as it is.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aragora_sql.checker.meaning.answers import UndoneError, short
from aragora_sql.checker.meaning.pair import Side
from aragora_sql.checker.meaning.rows import Row
from aragora_sql.checker.meaning.table_rows import deletion, given
from aragora_sql.database import Connection, Statement
from aragora_sql.engines.facts import QueryFacts
from aragora_sql.errors import AragoraSQLError
from aragora_sql.queries.parameters import scan

__all__ = ["Shrinker", "Shrunk"]

# What a whole check spends on it, and what one difference may take.
_SECONDS = 4.0
_SECONDS_EACH = 1.0
_SHOWN_ROWS = 6
_SIMPLE: Mapping[type, tuple[Any, ...]] = {
    str: ("", "a"),
    int: (0, 1),
    float: (0.0, 1.0),
    dict: ({},),
    list: ([],),
}

Shows = Callable[[Any], Awaitable[Any]]
"""Calls a query with arguments; returns what differs, or None."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The arguments that are left, what they show (as :data:`Shows` gave it), the rows as text."""

    arguments: Any
    shown: Any
    rows: str


class Shrinker:
    """Shrinks differences until ``seconds`` are spent in all."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._left = seconds

    async def shrink(
        self,
        sides: Sequence[Side],
        tables: Sequence[str],
        query: QueryFacts,
        arguments: Any,
        shows: Shows,
    ) -> Shrunk | None:
        """Look for fewer rows of ``tables`` and for simpler arguments; None without time for it.

        ``tables`` are in the order in which they were filled; ``sides`` hold the same rows.
        """
        if self._left <= 0:
            return None
        result: Shrunk | None = None
        started = time.monotonic()
        deadline = started + min(self._left, _SECONDS_EACH)
        try:
            async with AsyncExitStack() as stack:
                sides = list({id(side): side for side in sides}.values())
                connections = [
                    await stack.enter_async_context(side.database.transaction()) for side in sides
                ]
                work = _Work(list(zip(sides, connections, strict=True)), shows, deadline)
                await work.leave_tables(tables, arguments)
                for table in reversed(tables):
                    await work.leave_rows(table, arguments)
                arguments = await work.simplify(query, arguments)
                shown = await shows(arguments)
                rows = await work.shown_rows(tables, query)
                result = None if shown is None else Shrunk(arguments, shown, rows)
                raise UndoneError
        except UndoneError:
            return result
        finally:
            self._left -= time.monotonic() - started


class _Work:
    """One difference that is being shrunk, in open transactions."""

    def __init__(
        self, places: Sequence[tuple[Side, Connection]], shows: Shows, deadline: float
    ) -> None:
        self._places = places
        self._shows = shows
        self._deadline = deadline

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    @asynccontextmanager
    async def _savepoints(self) -> AsyncIterator[list[tuple[Side, Connection]]]:
        async with AsyncExitStack() as stack:
            yield [
                (side, await stack.enter_async_context(side.database.transaction()))
                for side, _ in self._places
            ]

    async def leave_tables(self, kept: Sequence[str], arguments: Any) -> None:
        """Empty the tables that a query does not name, where the difference stays without them."""
        first = self._places[0][0]
        others = [
            name
            for name in reversed(list(first.catalog))
            if name not in kept and all(_is_table(name, side) for side, _ in self._places)
        ]
        if not await self._emptied(others, arguments):
            # Rows of one of them are needed, or go with those of a table that is named.
            for name in others:
                if self._is_over:
                    return
                await self._emptied([name], arguments)

    async def _emptied(self, names: Sequence[str], arguments: Any) -> bool:
        """Empty tables, and keep that if the difference stays."""
        try:
            async with self._savepoints() as places:
                for name in names:
                    for side, connection in places:
                        sql = f'DELETE FROM "{name}"'  # noqa: S608 - a name of the catalog
                        statement = Statement(f"rows of {name}", sql)
                        await connection.execute(statement, given(side, {}))
                if await self._shows(arguments) is None:
                    raise UndoneError
        except (UndoneError, AragoraSQLError):
            return False
        return True

    async def leave_rows(self, table: str, arguments: Any) -> None:
        """Delete rows of a table, half of them at once, then ever fewer."""
        side, connection = self._places[0]
        rows = list(await side.read_table(connection, table))
        size = len(rows)
        while size and not self._is_over:
            place, held = 0, len(rows)
            while place < len(rows) and not self._is_over:
                chunk = rows[place : place + size]
                if await self._without(table, chunk, arguments):
                    del rows[place : place + size]
                else:
                    place += size
            # What could not go while others were there may go now.
            if size > 1 or len(rows) == held:
                size //= 2

    async def _without(self, table: str, rows: Sequence[Row], arguments: Any) -> bool:
        """Delete rows, and keep that if the difference stays."""
        try:
            async with self._savepoints() as places:
                for side, connection in places:
                    statement, columns = deletion(side, table)
                    for row in rows:
                        await connection.execute(statement, given(side, row, columns))
                if await self._shows(arguments) is None:
                    raise UndoneError
        except (UndoneError, AragoraSQLError):
            return False
        return True

    async def simplify(self, query: QueryFacts, arguments: Any) -> Any:
        """Return simpler arguments with which the difference stays."""
        if isinstance(arguments, list):
            for place in range(len(arguments) - 1, -1, -1):
                fewer = arguments[:place] + arguments[place + 1 :]
                if fewer and not self._is_over and await self._shows(fewer) is not None:
                    arguments = fewer
            return arguments
        nullable = {p.name for p in query.parameters if p.nullable}
        for name, value in arguments.items():
            for simpler in _simpler(value, nullable=name in nullable):
                if self._is_over:
                    return arguments
                tried = {**arguments, name: simpler}
                if await self._shows(tried) is not None:
                    arguments = tried
                    break
        return arguments

    async def shown_rows(self, tables: Sequence[str], query: QueryFacts) -> str:
        """Return the rows that are left as text, with the columns that a query speaks of."""
        side, connection = self._places[0]
        words = _asked(query)
        parts = []
        for name in tables:
            rows = await side.read_table(connection, name)
            table = side.catalog[name]
            for row in rows[:_SHOWN_ROWS]:
                shown = [
                    f"{column}: {short(value)}"
                    for column, value in row.items()
                    if column in words or column in table.primary_key
                ]
                parts.append(f"{name} ({', '.join(shown)})")
            if len(rows) > _SHOWN_ROWS:
                parts.append(f"{len(rows) - _SHOWN_ROWS} more rows of {name}")
        return ", ".join(parts) or "empty tables"


def _asked(query: QueryFacts) -> set[str]:
    """Return the words by which a query picks and sorts rows: those behind its outermost FROM."""
    tokens = [token for token in scan(query.sql, query.dialect) if token.kind != "comment"]
    depth, start = 0, 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text.upper() == "FROM":
            start = index
            break
    return {token.text.strip('"') for token in tokens[start:]}


def _is_table(name: str, side: Side) -> bool:
    catalogs = (side.catalog, side.other)
    return not name.startswith("_") and all(
        name in catalog and catalog[name].kind == "table" for catalog in catalogs
    )


def _simpler(value: Any, *, nullable: bool) -> Iterator[Any]:
    if value is None:
        return
    if nullable:
        yield None
    for simple in _SIMPLE.get(type(value), ()):
        if simple == value:
            return
        yield simple
    if isinstance(value, list) and len(value) > 1:
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
