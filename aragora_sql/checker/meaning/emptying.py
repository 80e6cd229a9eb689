"""Calls on tables without rows: sums of nothing, defaults, what EXISTS says then.

The rows are deleted in transactions that are undone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aragora_sql.checker.meaning.answers import UndoneError
from aragora_sql.checker.meaning.pair import Side
from aragora_sql.database import Statement
from aragora_sql.engines.catalog import Catalog
from aragora_sql.errors import AragoraSQLError

__all__ = ["EMPTY_CALLS", "NotEmptiedError", "emptied", "with_children"]

# How many calls of a query are made on empty tables.
EMPTY_CALLS = 2
_HAS_NUMBERS = Statement(
    "numbers", "SELECT count(*) AS total FROM sqlite_schema WHERE name = 'sqlite_sequence'"
)
_NUMBERS = Statement("empty numbers", "DELETE FROM sqlite_sequence")


class NotEmptiedError(Exception):
    """The rows of some tables can't be deleted, because of a trigger for instance."""

    def __init__(self, side: Side, error: AragoraSQLError) -> None:
        super().__init__(str(error))
        self.dialect = side.dialect


@asynccontextmanager
async def emptied(sides: Sequence[Side], tables: Sequence[str]) -> AsyncIterator[None]:
    """Let some tables be empty inside the context; ``tables`` are parents before children.

    Raises :class:`NotEmptiedError` where an engine refuses that.
    """
    try:
        async with AsyncExitStack() as stack:
            for side in sides:
                connection = await stack.enter_async_context(side.database.transaction())
                for name in reversed(tables):
                    statement = Statement(f"empty {name}", f'DELETE FROM "{name}"')  # noqa: S608
                    no_arguments: Any = [] if side.dialect == "postgres" else {}
                    try:
                        await connection.execute(statement, no_arguments)
                    except AragoraSQLError as error:
                        raise NotEmptiedError(side, error) from error
                if side.dialect == "sqlite" and await connection.fetch_value(_HAS_NUMBERS, {}):
                    # The next numbers follow the largest ones, as PostgreSQL's do in each call.
                    await connection.execute(_NUMBERS, {})
            yield
            raise UndoneError
    except UndoneError:
        return


def with_children(tables: Iterable[str], ordered: Iterable[str], catalog: Catalog) -> list[str]:
    """Return tables with those whose rows point to theirs, in the order of ``ordered``."""
    found = set(tables)
    while True:
        children = {
            table.name
            for table in catalog.values()
            for key in table.foreign_keys
            if key.target_table in found
        }
        if children <= found:
            return [name for name in ordered if name in found]
        found |= children
