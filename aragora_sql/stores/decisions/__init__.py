"""Results of decisions, their versions, a search, and the dossier of a debate."""

from aragora_sql.stores.decisions.records import (
    DecisionResult,
    DecisionStatus,
    DecisionVersion,
    DossierEntry,
    FoundDecision,
)
from aragora_sql.stores.decisions.store import DecisionStore

__all__ = [
    "DecisionResult",
    "DecisionStatus",
    "DecisionStore",
    "DecisionVersion",
    "DossierEntry",
    "FoundDecision",
]
