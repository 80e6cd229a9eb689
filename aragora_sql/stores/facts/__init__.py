"""Facts of workspaces: statements with evidence, and how they are related."""

from aragora_sql.stores.facts.records import Fact, FactRelation, FactStatistics, FoundFact
from aragora_sql.stores.facts.store import FactStore

__all__ = ["Fact", "FactRelation", "FactStatistics", "FactStore", "FoundFact"]
