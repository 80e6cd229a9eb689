"""A module path of the older Aragora: the names are in :mod:`aragora_sql`."""

from aragora_sql import (
    AgentReputation,
    Critique,
    CritiqueStore,
    Debate,
    Pattern,
    PostgresCritiqueStore,
    get_postgres_critique_store,
)

__all__ = [
    "AgentReputation",
    "Critique",
    "CritiqueStore",
    "Debate",
    "Pattern",
    "PostgresCritiqueStore",
    "get_postgres_critique_store",
]
