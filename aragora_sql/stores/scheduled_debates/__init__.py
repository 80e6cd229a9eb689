"""Topics that were debated by a schedule, so that none is debated twice too soon."""

from aragora_sql.stores.scheduled_debates.records import (
    GroupTotals,
    ScheduledDebate,
    ScheduledDebateAnalytics,
    hash_topic,
)
from aragora_sql.stores.scheduled_debates.store import ScheduledDebateStore

__all__ = [
    "GroupTotals",
    "ScheduledDebate",
    "ScheduledDebateAnalytics",
    "ScheduledDebateStore",
    "hash_topic",
]
