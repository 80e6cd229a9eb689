"""Running a unit of work again: which errors allow it, after which pause, and for how long.

What was certainly without effect is run again. What may have taken effect is run again only where a
key finds out (``key=…``), or where twice is as good as once (``idempotent=True``).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from aragora_sql.database.keys import Key
from aragora_sql.errors import (
    AlreadyCommittedError,
    ConflictError,
    ConnectionLostError,
    DatabaseClosedError,
    DatabaseError,
    DatabaseTimeoutError,
    DatabaseUseError,
    InvalidInputError,
    OutcomeUnknownError,
    ReadOnlyDatabaseError,
    VersionConflictError,
)

if TYPE_CHECKING:
    from aragora_sql.database.base import Database

__all__ = ["Retries", "may_run_again", "run_again"]

T = TypeVar("T")

log = logging.getLogger("aragora_sql.database")

# What no waiting mends: a password that is refused, a database that is not there.
_FINAL_STATES = ("28", "3D", "42")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a unit of work is run again.

    At most ``attempts`` in all, the last of them begun within ``seconds`` of the first. Each pause
    is of a random length (in seconds) below a limit that begins with ``first_pause`` and doubles up
    to ``longest_pause``: those that failed together do not come back together. The default outlasts
    a failover of Patroni at its own settings, which takes up to ttl + loop_wait = 40 s.

    Raises :class:`~aragora_sql.errors.InvalidInputError` for a number that can't be.
    """

    attempts: int = 100
    seconds: float = 60.0
    first_pause: float = 0.05
    longest_pause: float = 2.0

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise InvalidInputError("attempts", "must be an integer")
        if self.attempts < 1:
            raise InvalidInputError("attempts", f"must be at least 1, not {self.attempts}")
        for name in ("seconds", "first_pause", "longest_pause"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidInputError(name, "must be a number of seconds")
            # not a number is neither
            if not 0 <= value < float("inf"):
                raise InvalidInputError(name, f"must be 0 or more seconds, not {value}")

    def pause(self, failures: int) -> float:
        """Return how long to wait after so many failures, in seconds: another time at each call."""
        limit = min(self.longest_pause, self.first_pause * 2.0 ** min(failures - 1, 60))
        return random.uniform(0.0, limit)  # noqa: S311 - it spreads load, and guards nothing


def may_run_again(error: BaseException, *, finds_out: bool, fails_over: bool) -> str | None:
    """Return why a unit of work must not be run again after an error, or None when it may be.

    ``finds_out`` says that running it again is harmless also when it has taken effect;
    ``fails_over`` that another server may take the place of one that is gone.
    """
    if isinstance(error, OutcomeUnknownError):
        if finds_out:
            return None
        return (
            "it may have taken effect, and running it again may do it twice; retrying(key=…) finds "
            "out, and retrying(idempotent=True) is for what may be done twice"
        )
    if isinstance(error, VersionConflictError):
        return "what it was decided on has changed: read it again, and decide again"
    if isinstance(error, ConflictError):
        return None
    if isinstance(error, DatabaseClosedError):
        return "the database object was closed"
    if isinstance(error, ReadOnlyDatabaseError | ConnectionLostError):
        if not fails_over:
            return "no other server takes the place of a file"
        state = getattr(error.__cause__, "sqlstate", None)
        if isinstance(state, str) and state.startswith(_FINAL_STATES):
            return "it would fail again"
        return None
    if isinstance(error, DatabaseTimeoutError):
        return "it has taken as long as it may"
    return "it would fail again"


async def run_again(
    database: Database,
    function: Callable[[], Awaitable[T]],
    *,
    key: str | None,
    idempotent: bool,
    retries: Retries,
) -> T:
    """Do what :meth:`Database.retrying` says."""
    if database.is_in_use_here():
        raise DatabaseUseError(
            "retrying() is inside an open unit of work, which is what would have to be run again: "
            "call it outside, and open the unit of work in its function"
        )
    if key is not None:
        Key(key)
        if idempotent:
            raise InvalidInputError(
                "key", "is for what must not be done twice: not idempotent=True"
            )
    # What came of attempts whose commit may have taken effect, by their random texts.
    results: dict[str, T] = {}
    deadline = time.monotonic() + retries.seconds
    failures = 0
    while True:
        attempt = None if key is None else Key(key)
        try:
            if idempotent:
                return await function()
            async with database.unit_class(database, "transaction", None, attempt):
                result = await function()
                if attempt is not None:
                    results[attempt.attempt] = result
            return result
        except AlreadyCommittedError as error:
            if error.key == key and error.attempt in results:
                return results[error.attempt]
            raise
        except DatabaseError as error:
            why_not = may_run_again(
                error,
                finds_out=idempotent or attempt is not None,
                fails_over=database.fails_over,
            )
            failures += 1
            pause = retries.pause(failures)
            if why_not is None and failures >= retries.attempts:
                why_not = f"that was attempt {failures} of {retries.attempts}"
            if why_not is None and time.monotonic() + pause > deadline:
                why_not = f"its {retries.seconds:g} s are over after attempt {failures}"
            if why_not is not None:
                error.add_note(f"retrying() did not run it again: {why_not}")
                raise
            log.warning("it is run again in %.2f s after: %s", pause, error)
        await asyncio.sleep(pause)
