"""The types of the queries of the store transaction_keys.

Made by ``aragora-sql stubs`` from
``sql/system/postgres/transaction_keys/queries.sql`` and
``sql/system/sqlite/transaction_keys/queries.sql``.
"""

from datetime import datetime
from typing import Protocol, TypedDict

from aragora_sql.database import Connection

class TakeKeyParameters(TypedDict):
    """One set of parameters of take_key."""

    idempotency_key: str
    attempt: str
    keep_seconds: float

class GetKeyRow(TypedDict):
    """A row of get_key."""

    attempt: str
    taken_at: datetime

class TransactionKeysQueries(Protocol):
    """The queries of the store transaction_keys."""

    async def take_key(
        self,
        connection: Connection,
        /,
        *,
        idempotency_key: str,
        attempt: str,
        keep_seconds: float,
    ) -> str | None:
        """Mark the transaction as that of a key; nothing when one of that key was committed. While
        another

        transaction of the same key is open, this waits for its end. An expired key is as good as
        new.

        Operation $: the first value of the first row, or None.
        """

    async def get_key(self, connection: Connection, /, *, idempotency_key: str) -> GetKeyRow | None:
        """Return which attempt has committed the transaction of a key, and when it took the key.

        Operation ^: the first row, or None.
        """

    async def touch_key(self, connection: Connection, /, *, idempotency_key: str) -> int:
        """Write a row that changes nothing: the commit behind it waits for synchronous standbys,
        and so for

        all that was committed before it.

        Operation !: the number of rows changed.
        """

    async def delete_expired_keys(self, connection: Connection, /, *, row_limit: int) -> int:
        """Delete some of the keys that have expired by the database's clock.

        Operation !: the number of rows changed.
        """
