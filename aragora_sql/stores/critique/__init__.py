"""Critique store: debates, critiques, patterns and the reputation of agents."""

from aragora_sql.stores.critique.records import (
    AgentReputation,
    ArchiveStats,
    Critique,
    CritiqueStats,
    Debate,
    DebateWithCritiques,
    Pattern,
    RankedPattern,
    TrainingExample,
)
from aragora_sql.stores.critique.store import (
    CritiqueStore,
)

__all__ = [
    "AgentReputation",
    "ArchiveStats",
    "Critique",
    "CritiqueStats",
    "CritiqueStore",
    "Debate",
    "DebateWithCritiques",
    "Pattern",
    "RankedPattern",
    "TrainingExample",
]
