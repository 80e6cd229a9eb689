"""Tokens of mailboxes at Gmail, and their sync jobs."""

from aragora_sql.stores.gmail.records import (
    SYNC_STATUSES,
    GmailState,
    GmailSyncJob,
    RefreshedTokens,
    SyncStatus,
)
from aragora_sql.stores.gmail.store import GmailTokenStore, Refresher

__all__ = [
    "SYNC_STATUSES",
    "GmailState",
    "GmailSyncJob",
    "GmailTokenStore",
    "RefreshedTokens",
    "Refresher",
    "SyncStatus",
]
