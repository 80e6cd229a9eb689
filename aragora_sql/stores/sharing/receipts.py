"""Links to receipts.

Their queries: ``sql/postgres/sharing/queries.sql`` and ``sql/sqlite/sharing/queries.sql``.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aragora_sql.database import Database
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import CleanupTurns, in_batches
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of
from aragora_sql.stores.records import record_of
from aragora_sql.stores.sharing.records import ReceiptShare
from aragora_sql.stores.tokens import checked_hash, new_token, strong_token_hash, token_hash

if TYPE_CHECKING:
    from aragora_sql.queries.typed.sharing import SharingQueries

__all__ = ["ReceiptShareStore"]

BATCH = 1000


class ReceiptShareStore(Store):
    """Keeps links to receipts. ``SharingStore.receipts`` is one.

    Of a token only its SHA-256 is stored. Whether a link is over is told by the clock of the
    database. Links that are over are deleted by :meth:`cleanup_expired`, which :meth:`save` calls
    every five minutes at most.
    """

    name = "sharing"
    _queries: SharingQueries

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._cleanup_turns = CleanupTurns()

    async def issue(
        self,
        receipt_id: str,
        expires_at: datetime,
        max_accesses: int | None = None,
        created_by: str | None = None,
    ) -> str:
        """Store a new link to a receipt and return its token, which can't be had again."""
        token = new_token()
        await self.save(token, receipt_id, expires_at, max_accesses, created_by)
        return token

    async def save(
        self,
        token: str,
        receipt_id: str,
        expires_at: datetime,
        max_accesses: int | None = None,
        created_by: str | None = None,
    ) -> None:
        """Store a link to a receipt by a token that the caller made, of 22 characters at least.

        One of the same token is replaced, and counts from 0 again. ``max_accesses`` is 1 or more;
        None for no limit.
        """
        hashed = strong_token_hash(token, "token")
        receipt = valid.key(receipt_id, "receipt_id")
        expiry = valid.timestamp(expires_at, "expires_at")
        most = valid.optional(
            max_accesses, "max_accesses", lambda v, a: valid.integer(v, a, least=1)
        )
        creator = valid.optional(created_by, "created_by", valid.key)
        async with self._database.connection() as connection:
            await self._queries.save_receipt_share(
                connection,
                token_hash=hashed,
                receipt_id=receipt,
                expires_at=expiry,
                max_accesses=most,
                created_by=creator,
            )
        if self._cleanup_turns.take(self._database):
            await self.cleanup_expired()

    async def redeem(self, token: str) -> ReceiptShare | None:
        """Open a link once, and return it with this use counted; None when it does not open.

        That is when there is none of this token, it is over, or was opened ``max_accesses`` times.
        It is one statement: of two calls at once that want the last use, one gets it.
        """
        hashed = token_hash(token, "token")
        async with self._database.connection() as connection:
            row = await self._queries.redeem_receipt_share(connection, token_hash=hashed)
        return None if row is None else record_of(ReceiptShare, **row)

    async def increment_access(self, token: str) -> bool:
        """Tell whether a link opens, and count it; see :meth:`redeem`."""
        return await self.redeem(token) is not None

    async def get_by_token(self, token: str) -> ReceiptShare | None:
        """Return a link that is not over, without counting; None when there is none.

        Also one that was opened as often as it may.
        """
        hashed = token_hash(token, "token")
        async with self._database.read() as connection:
            row = await self._queries.get_receipt_share(connection, token_hash=hashed)
        return None if row is None else record_of(ReceiptShare, **row)

    async def get_by_receipt(
        self, receipt_id: str, limit: int = 100, *, after: LastRow | None = None
    ) -> list[ReceiptShare]:
        """Return a page of the links to a receipt, newest first, also of those that are over.

        ``after`` is the last link of the page before.
        """
        receipt, row_limit = valid.text(receipt_id, "receipt_id"), valid.limit(limit)
        timestamp, last = key_of(
            after,
            {"created_at": valid.timestamp_or_text, "token_hash": valid.text},
            (LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_receipt_shares(
                connection,
                receipt_id=receipt,
                after_timestamp=timestamp,
                after_id=last,
                row_limit=row_limit,
            )
            return [record_of(ReceiptShare, **row) async for row in rows]

    async def delete(self, token: str) -> bool:
        """Delete a link by its token; False when there is none."""
        return await self._delete(token_hash(token, "token"))

    async def delete_by_hash(self, token_hash: str) -> bool:
        """Delete a link by the ``token_hash`` of its record; False when there is none."""
        return await self._delete(checked_hash(token_hash, "token_hash"))

    async def delete_by_receipt(self, receipt_id: str) -> int:
        """Delete all links to a receipt, and return how many there were."""
        receipt = valid.text(receipt_id, "receipt_id")
        async with self._database.connection() as connection:
            return await self._queries.delete_shares_of_receipt(connection, receipt_id=receipt)

    async def cleanup_expired(self) -> int:
        """Delete the links that are over, in small transactions, and return how many there were."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.delete_expired_receipt_shares(
                    connection, row_limit=BATCH
                )

        return await in_batches(batch)

    async def _delete(self, hashed: str) -> bool:
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_receipt_share(connection, token_hash=hashed))
