"""What was learned in debates: insights, patterns, how agents did, wisdom of an audience."""

from aragora_sql.stores.insights.records import (
    AgentInsightStats,
    Insight,
    InsightPattern,
    Wisdom,
)
from aragora_sql.stores.insights.store import InsightStore

__all__ = ["AgentInsightStats", "Insight", "InsightPattern", "InsightStore", "Wisdom"]
