"""What happened in shared inboxes."""

from aragora_sql.stores.inbox_activities.records import InboxActivity
from aragora_sql.stores.inbox_activities.store import InboxActivityStore

__all__ = ["InboxActivity", "InboxActivityStore"]
