"""Knowledge of workspaces: nodes, where they come from, how they are linked, who may see them."""

from aragora_sql.stores.knowledge.records import (
    AccessGrant,
    Contradiction,
    Contradictions,
    FoundNode,
    KnowledgeNode,
    KnowledgePath,
    KnowledgeRelationship,
    KnowledgeStatistics,
    Neighbor,
    Neighborhood,
    NodeMatch,
    NodeProvenance,
    PathPlace,
    PruneRecord,
)
from aragora_sql.stores.knowledge.store import KnowledgeMound

__all__ = [
    "AccessGrant",
    "Contradiction",
    "Contradictions",
    "FoundNode",
    "KnowledgeMound",
    "KnowledgeNode",
    "KnowledgePath",
    "KnowledgeRelationship",
    "KnowledgeStatistics",
    "Neighbor",
    "Neighborhood",
    "NodeMatch",
    "NodeProvenance",
    "PathPlace",
    "PruneRecord",
]
