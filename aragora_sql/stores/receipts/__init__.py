"""Receipts of decisions: signed, verified when they are read, held, deleted with proof."""

from aragora_sql.stores.receipts.deletions import ReceiptDeletionLog
from aragora_sql.stores.receipts.records import ReceiptDeletion, ReceiptSummary, StoredReceipt
from aragora_sql.stores.receipts.signing import ReceiptSigningKeys
from aragora_sql.stores.receipts.store import ReceiptStore

__all__ = [
    "ReceiptDeletion",
    "ReceiptDeletionLog",
    "ReceiptSigningKeys",
    "ReceiptStore",
    "ReceiptSummary",
    "StoredReceipt",
]
