"""Proofs that receipts were deleted.

Their queries: ``sql/postgres/receipts/queries.sql`` and ``sql/sqlite/receipts/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.paging import LAST_NUMBER, LAST_TIMESTAMP, LastRow, key_of, row_number
from aragora_sql.stores.receipts.records import (
    REASONS,
    DeletionReason,
    DeletionStatistics,
    ReceiptDeletion,
)
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.receipts import InsertDeletionParameters, ReceiptsQueries

__all__ = ["ReceiptDeletionLog", "deletion_parameters"]


class ReceiptDeletionLog(Store):
    """Keeps proofs of deletions, which nobody changes. ``ReceiptStore.deletions`` is one.

    The store of receipts writes them by itself; the methods that write are for receipts that were
    deleted elsewhere.
    """

    name = "receipts"
    _queries: ReceiptsQueries

    async def log_deletion(
        self,
        receipt_id: str,
        receipt_checksum: str,
        reason: DeletionReason,
        operator: str,
        gauntlet_id: str | None = None,
        verdict: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        org_id: str | None = None,
    ) -> str:
        """Note that a receipt was deleted elsewhere, and return the id of the deletion.

        ``reason`` is ``retention_expired``, ``user_request``, ``gdpr_erasure``, ``admin_action``,
        ``data_correction`` or ``legal_hold_release``.
        """
        receipt = {
            "receipt_id": receipt_id,
            "checksum": receipt_checksum,
            "gauntlet_id": gauntlet_id,
            "verdict": verdict,
            "org_id": org_id,
        }
        return await self._insert([deletion_parameters(receipt, reason, operator, metadata)])

    async def log_batch_deletion(
        self, receipts: Iterable[Mapping[str, Any]], reason: DeletionReason, operator: str
    ) -> list[str]:
        """Note that receipts were deleted elsewhere, all or none, and return the deletions' ids.

        Each has ``receipt_id`` and ``checksum``, perhaps ``gauntlet_id``, ``verdict``, ``org_id``,
        ``metadata``.
        """
        rows = [
            deletion_parameters(one, reason, operator, one.get("metadata"), f"receipts[{number}].")
            for number, item in enumerate(valid.items(receipts, "receipts"))
            for one in [mapping(item, f"receipts[{number}]")]
        ]
        if rows:
            await self._insert(rows)
        return [row["deletion_id"] for row in rows]

    async def get_deletion(
        self, deletion_id: str, *, org_id: str | None = None
    ) -> ReceiptDeletion | None:
        """Return a deletion, or None."""
        key = valid.text(deletion_id, "deletion_id")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            row = await self._queries.get_deletion(connection, deletion_id=key, org_id=organization)
        return None if row is None else record_of(ReceiptDeletion, **row)

    async def find_by_receipt_id(
        self, receipt_id: str, limit: int = 100, *, org_id: str | None = None
    ) -> list[ReceiptDeletion]:
        """Return the deletions of a receipt, newest first; one may be stored again, and deleted."""
        key, row_limit = valid.text(receipt_id, "receipt_id"), valid.limit(limit)
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            rows = self._queries.list_receipt_deletions(
                connection, receipt_id=key, org_id=organization, row_limit=row_limit
            )
            return [record_of(ReceiptDeletion, **row) async for row in rows]

    async def list_deletions(
        self,
        reason: DeletionReason | None = None,
        operator: str | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        limit: int = 100,
        *,
        org_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[ReceiptDeletion]:
        """Return a page of the deletions, newest first; ``after`` is the last of the one before.

        ``from_date`` and ``to_date`` are aware times, both included.
        """
        timestamp, number = key_of(
            after,
            {"deleted_at": valid.timestamp_or_text, "number": row_number},
            (LAST_TIMESTAMP, LAST_NUMBER),
        )
        arguments: dict[str, Any] = {
            "reason": _reason(reason),
            "operator": valid.optional_text(operator, "operator"),
            "org_id": valid.optional_text(org_id, "org_id"),
            **_span(from_date, to_date),
            "after_timestamp": timestamp,
            "after_number": number,
            "row_limit": valid.limit(limit),
        }
        async with self._database.read() as connection:
            rows = self._queries.list_deletions(connection, **arguments)
            return [record_of(ReceiptDeletion, **row) async for row in rows]

    async def count_deletions(
        self,
        reason: DeletionReason | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        *,
        org_id: str | None = None,
    ) -> int:
        """Return the number of deletions, for one reason or for any, of a time or of all."""
        word = _reason(reason)
        counted = (await self._count(org_id, from_date, to_date))["by_reason"]
        return sum(counted.values()) if word is None else counted.get(word, 0)

    async def get_stats(self, org_id: str | None = None) -> DeletionStatistics:
        """Return counts of all deletions, of one organization or of all."""
        return await self._count(org_id, None, None)

    async def _count(
        self, org_id: str | None, from_date: datetime | None, to_date: datetime | None
    ) -> DeletionStatistics:
        organization = valid.optional_text(org_id, "org_id")
        span = _span(from_date, to_date)
        async with self._database.read() as connection:
            found = self._queries.count_deletions(connection, org_id=organization, **span)
            rows = [row async for row in found]
        return {
            "total": sum(row["total"] for row in rows),
            "by_reason": {row["reason"]: row["total"] for row in rows},
            "first_at": min((row["first_at"] for row in rows), default=None),
            "last_at": max((row["last_at"] for row in rows), default=None),
        }

    async def _insert(self, rows: list[InsertDeletionParameters]) -> str:
        async with self._database.connection() as connection:
            await self._queries.insert_deletion(connection, rows)
        return rows[0]["deletion_id"]


def deletion_parameters(
    receipt: Mapping[str, Any],
    reason: DeletionReason,
    operator: str,
    metadata: Mapping[str, Any] | None,
    path: str = "",
) -> InsertDeletionParameters:
    """Check what is noted of a deletion, and return the parameters of its query."""
    checksum = "checksum" if path else "receipt_checksum"
    return {
        "deletion_id": prefixed_id("del_", 32),
        "receipt_id": valid.key(receipt.get("receipt_id"), f"{path}receipt_id"),
        "receipt_checksum": valid.text(receipt.get("checksum"), f"{path}{checksum}"),
        "gauntlet_id": valid.optional_text(receipt.get("gauntlet_id"), f"{path}gauntlet_id"),
        "verdict": valid.optional_text(receipt.get("verdict"), f"{path}verdict"),
        "org_id": valid.optional(receipt.get("org_id"), f"{path}org_id", valid.key),
        "reason": valid.choice(reason, "reason", REASONS),
        "operator": valid.key(operator, "operator"),
        "metadata": valid.document(metadata, f"{path}metadata"),
    }


def _reason(value: Any) -> DeletionReason | None:
    return valid.optional(value, "reason", lambda v, a: valid.choice(v, a, REASONS))


def _span(from_date: datetime | None, to_date: datetime | None) -> dict[str, Any]:
    return {
        "from_date": valid.optional(from_date, "from_date", valid.timestamp),
        "to_date": valid.optional(to_date, "to_date", valid.timestamp),
    }
