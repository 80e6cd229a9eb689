"""Clean-up in batches: what is too old goes in small transactions, so that nobody waits long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = ["age_limit", "in_batches"]


def age_limit(days: object, now: datetime, argument: str = "max_age_days") -> datetime:
    """Return the timestamp so many days before ``now``: what is older is too old.

    ``days`` is a number of at least 0, perhaps a fraction. Raises
    :class:`~aragora_sql.errors.InvalidInputError` when that is before the year 1.
    """
    age = valid.number(days, argument)
    try:
        return now - timedelta(days=age)
    except OverflowError:
        raise InvalidInputError(
            argument, f"must not reach back beyond the year 1, and {age:g} days do"
        ) from None


async def in_batches(batch: Callable[[], Awaitable[int]]) -> int:
    """Call ``batch`` until it finds nothing more to do, and return the sum of what it did.

    Each call is one transaction, and returns how many rows it dealt with. A batch that is not full
    is not the last one: rows that others held locked were left out of it.
    """
    total = 0
    while done := await batch():
        total += done
    return total
