"""Idempotency keys: a transaction of one key is committed once, however often it is run.

The mark of a key is a row that the transaction itself writes, so it is there exactly when the
transaction was committed. That is how a retry finds out what became of a commit whose answer was
lost.
"""

from __future__ import annotations

import secrets
import time
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import check_text
from aragora_sql.errors import AlreadyCommittedError, DatabaseUseError, InvalidInputError

if TYPE_CHECKING:
    from aragora_sql.database.base import Connection, Dialect

__all__ = ["KEEP_SECONDS", "LONGEST_KEY", "Key"]

LONGEST_KEY = 200
# How long a key is remembered: longer than anybody goes on trying.
KEEP_SECONDS = 7 * 24 * 3600.0
# How often a process deletes expired keys at most, in seconds, and how many at a time.
SWEEP_SECONDS = 60.0
SWEEP_ROWS = 500


@cache
def _calls() -> Any:
    # Named queries are a layer above this one.
    return import_module("aragora_sql.queries.transaction_keys")


class Key:
    """The idempotency key of one attempt at a transaction.

    Raises :class:`~aragora_sql.errors.InvalidInputError` for what is no key: it has to be text of 1
    to 200 characters that are not all blank.
    """

    __slots__ = ("attempt", "text")

    _next_sweep = 0.0

    def __init__(self, text: object) -> None:
        if not isinstance(text, str):
            raise InvalidInputError("key", f"must be text, not {type(text).__name__}")
        check_text(text, "key")
        if not text.strip():
            raise InvalidInputError("key", "must not be empty")
        if len(text) > LONGEST_KEY:
            raise InvalidInputError(
                "key", f"must have at most {LONGEST_KEY} characters, not {len(text)}"
            )
        self.text = text
        self.attempt = secrets.token_hex(8)

    def refuse_nesting(self) -> None:
        """Raise where the transaction is part of another one, whose commit is what counts."""
        raise DatabaseUseError(
            f"transaction(key={self.text!r}) is inside another transaction, and would be kept or "
            "not with that one: give the key to the outermost"
        )

    async def take(self, connection: Connection, dialect: Dialect) -> None:
        """Mark the transaction that has just begun on a connection.

        Raises :class:`~aragora_sql.errors.AlreadyCommittedError` when one of this key was
        committed. Waits for one that is open, no longer than a statement may take.
        """
        before = await _calls().take(connection, dialect, self.text, self.attempt, KEEP_SECONDS)
        if before is not None:
            raise AlreadyCommittedError(self.text, *before)
        if time.monotonic() >= Key._next_sweep:
            Key._next_sweep = time.monotonic() + SWEEP_SECONDS
            await _calls().delete_expired(connection, dialect, SWEEP_ROWS)
