"""Work on many rows: stored by one statement, and cleaned up in small transactions.

What is too old goes batch by batch, so that nobody waits long.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from aragora_sql.database import Database
from aragora_sql.database.values import EncodedJSON, dump_rows
from aragora_sql.errors import ConfigurationError, InvalidInputError
from aragora_sql.stores import validation as valid

__all__ = [
    "CLEANUP_INTERVAL",
    "LONGEST_DAYS",
    "CleanupTurns",
    "age_limit",
    "days_of",
    "in_batches",
    "in_parts",
]

# Characters of JSON that are handed over in one statement: PostgreSQL's jsonb has room for 256 MB.
LARGEST_PART = 64_000_000

# Seconds between two clean-ups that a store begins by itself.
CLEANUP_INTERVAL = 300.0

# Some hundred years: no time that is made with it leaves the calendar.
LONGEST_DAYS = 100_000.0


def in_parts(rows: Sequence[Sequence[str | int | float | None]]) -> list[EncodedJSON]:
    """Encode rows of checked values for statements that each take many: for one, if they fit.

    See :func:`aragora_sql.database.values.dump_rows`. A part is of at most :data:`LARGEST_PART`
    characters, or of one row.
    """
    encoded = dump_rows(rows)
    if len(encoded) <= LARGEST_PART or len(rows) < 2:
        return [encoded]
    half = len(rows) // 2
    return [*in_parts(rows[:half]), *in_parts(rows[half:])]


class CleanupTurns:
    """Tells a store that cleans up by itself when it is its turn: at first, then every 300 s."""

    def __init__(self) -> None:
        self._last: float | None = None

    def take(self, database: Database) -> bool:
        """Tell whether it is time, and begin the time until the next turn.

        Never within a unit of work of the caller, of which the clean-up would become a part.
        """
        now = time.monotonic()
        if database.is_in_use_here():
            return False
        if self._last is not None and now - self._last < CLEANUP_INTERVAL:
            return False
        self._last = now
        return True


def days_of(
    days: float | None, variable: str, otherwise: float, environ: Mapping[str, str] | None = None
) -> float:
    """Return how many days something is kept: above 0, perhaps a fraction.

    That is ``days``, an argument ``retention_days``; None: what the environment's ``variable``
    says, else ``otherwise``. Raises :class:`~aragora_sql.errors.InvalidInputError` or
    :class:`~aragora_sql.errors.ConfigurationError`.
    """
    if days is not None:
        return valid.number(days, "retention_days", 1e-6, LONGEST_DAYS)
    text = (os.environ if environ is None else environ).get(variable, "").strip()
    if not text:
        return otherwise
    try:
        said = float(text)
    except ValueError:
        said = math.nan
    if not 0 < said <= LONGEST_DAYS:
        raise ConfigurationError(
            f"{variable}: {text!r} is not a number of days above 0 and up to {LONGEST_DAYS:g}"
        )
    return said


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
