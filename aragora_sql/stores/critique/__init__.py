"""Critique store: debates, critiques, patterns and the reputation of agents."""

from aragora_sql.stores.critique.records import (
    AgentReputation,
    ArchiveStats,
    Critique,
    CritiqueEntry,
    CritiqueStats,
    Debate,
    DebateEntry,
    DebateWithCritiques,
    Pattern,
    RankedPattern,
    ReputationEntry,
    TrainingExample,
)
from aragora_sql.stores.critique.store import (
    CritiqueStore,
)

__all__ = [
    "AgentReputation",
    "ArchiveStats",
    "Critique",
    "CritiqueEntry",
    "CritiqueStats",
    "CritiqueStore",
    "Debate",
    "DebateEntry",
    "DebateWithCritiques",
    "Pattern",
    "RankedPattern",
    "ReputationEntry",
    "TrainingExample",
]
