"""Sharing: links to debates and to receipts, which open for whoever has their token."""

from aragora_sql.stores.sharing.receipts import ReceiptShareStore
from aragora_sql.stores.sharing.records import ReceiptShare, ShareLink
from aragora_sql.stores.sharing.store import SharingStore

__all__ = ["ReceiptShare", "ReceiptShareStore", "ShareLink", "SharingStore"]
