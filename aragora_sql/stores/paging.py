"""Pages by key: a page begins behind the last row of the page before.

The cost of a page does not grow with the number of pages before it, and rows that are added or
deleted meanwhile make no page skip or repeat others. The key of a row is what its list is ordered
by, made unique by an identifier at its end. Callers give it in one of two forms: the last row of
the page before itself (:func:`key_of`), or, where a store returns pages with a ``next``, that text
(:func:`cursor_of`, :func:`parse_cursor`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

from aragora_sql.database.values import format_timestamp
from aragora_sql.errors import AragoraSQLError, InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.records import Record

__all__ = [
    "FIRST_TIMESTAMP",
    "LAST_NUMBER",
    "LAST_TIMESTAMP",
    "LastRow",
    "NewestPage",
    "cursor_of",
    "key_of",
    "newest_page",
    "parse_cursor",
    "row_number",
    "split_page",
]

# Before and after all timestamps that a store takes. PostgreSQL reads them as -infinity, infinity.
FIRST_TIMESTAMP = datetime.min.replace(tzinfo=UTC)
LAST_TIMESTAMP = datetime.max.replace(tzinfo=UTC)
# The last number that a row may have.
LAST_NUMBER = 2**63 - 1

LastRow = Mapping[str, Any] | Record
RowT = TypeVar("RowT")

Check = Callable[[Any, str], Any]


def key_of(
    row: LastRow | None, checks: Mapping[str, Check], first: Sequence[Any], argument: str = "after"
) -> tuple[Any, ...]:
    """Return the key that a page begins behind: that of ``row``, or ``first`` when it is None.

    ``checks`` names the fields of the key in their order, each with the check of its value.
    """
    if row is None:
        return tuple(first)
    try:
        return tuple(check(row[name], name) for name, check in checks.items())
    except (AragoraSQLError, KeyError, TypeError, IndexError) as error:
        raise InvalidInputError(
            argument, f"must be the last row of the page before, with {' and '.join(checks)}"
        ) from error


class NewestPage(TypedDict):
    """What queries that list the newest rows first take: where a page begins, and its size."""

    after_timestamp: datetime
    after_id: str
    row_limit: int


def newest_page(
    limit: Any,
    after: LastRow | None,
    key: str = "id",
    order: str = "created_at",
    *,
    first: datetime = LAST_TIMESTAMP,
    argument: str = "limit",
) -> NewestPage:
    """Return the page behind ``after`` of a list by the timestamp ``order`` and the id ``key``.

    The first page begins behind ``first``. ``argument`` is what errors call ``limit``.
    """
    row_limit = valid.limit(limit, argument)
    timestamp, last = key_of(after, {order: valid.timestamp_or_text, key: valid.text}, (first, ""))
    return {"after_timestamp": timestamp, "after_id": last, "row_limit": row_limit}


def row_number(value: Any, argument: str) -> int:
    """Check the number of a row."""
    return valid.integer(value, argument, 0, LAST_NUMBER)


def cursor_of(timestamp: datetime, key: str | int) -> str:
    """Return the text that names the place behind a row in a list, newest first."""
    return f"{format_timestamp(timestamp)}/{key}"


def parse_cursor(cursor: str | None, argument: str) -> tuple[datetime, str]:
    """Return the timestamp and the key of a cursor; of None what is newer than everything."""
    if cursor is None:
        return LAST_TIMESTAMP, ""
    timestamp, slash, key = valid.text(cursor, argument).partition("/")
    try:
        parsed = datetime.fromisoformat(timestamp)
    except ValueError:
        parsed = None
    if not slash or not key or parsed is None or parsed.tzinfo is None:
        raise InvalidInputError(argument, "must be the next of an earlier page")
    return parsed, key


def split_page(rows: list[RowT], size: int) -> tuple[list[RowT], bool]:
    """Return the page of a list that was asked for one row more, and whether another follows."""
    return rows[:size], len(rows) > size
