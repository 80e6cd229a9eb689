"""Calls the queries about transactions with a key.

That is for ``aragora_sql.database.keys``, a layer below, which looks this module up when the first
key is given.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aragora_sql.database import Connection, Dialect
from aragora_sql.queries import load_system_queries

if TYPE_CHECKING:
    from aragora_sql.queries.typed.transaction_keys import TransactionKeysQueries

__all__ = ["delete_expired", "take"]


def _keys(dialect: Dialect) -> TransactionKeysQueries:
    queries: TransactionKeysQueries = load_system_queries("transaction_keys", dialect)
    return queries


async def take(
    connection: Connection, dialect: Dialect, key: str, attempt: str, keep_seconds: float
) -> tuple[str, datetime] | None:
    """Mark the transaction of a connection as that of a key.

    Returns None, or where one of that key was committed, which attempt that was, and since when it
    had the key. Then the transaction has to be committed all the same: where that waits for
    synchronous standbys, they have the earlier one too when it returns.
    """
    queries = _keys(dialect)
    # Again where the key that was in the way is gone by now, because it had expired.
    while True:
        taken = await queries.take_key(
            connection, idempotency_key=key, attempt=attempt, keep_seconds=keep_seconds
        )
        if taken is not None:
            return None
        row = await queries.get_key(connection, idempotency_key=key)
        if row is not None:
            await queries.touch_key(connection, idempotency_key=key)
            return row["attempt"], row["taken_at"]


async def delete_expired(connection: Connection, dialect: Dialect, row_limit: int) -> int:
    """Delete some of the keys that have expired; return how many."""
    return await _keys(dialect).delete_expired_keys(connection, row_limit=row_limit)
