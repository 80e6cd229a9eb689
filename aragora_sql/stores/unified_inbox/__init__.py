"""Mail of several accounts in one inbox: accounts, messages, what agents advise to do with them."""

from aragora_sql.stores.unified_inbox.records import (
    ACCOUNT_STATUSES,
    PRIORITY_TIERS,
    PROVIDERS,
    TRIAGE_ACTIONS,
    InboxAccount,
    InboxMessage,
    TriageResult,
    action_of_tier,
)
from aragora_sql.stores.unified_inbox.store import UnifiedInboxStore

__all__ = [
    "ACCOUNT_STATUSES",
    "PRIORITY_TIERS",
    "PROVIDERS",
    "TRIAGE_ACTIONS",
    "InboxAccount",
    "InboxMessage",
    "TriageResult",
    "UnifiedInboxStore",
    "action_of_tier",
]
