"""Consensus memory: consensus records, dissents, proofs and votes; finds similar topics."""

from aragora_sql.stores.consensus.dissents import (
    DebatePreparation,
    DissentRetriever,
)
from aragora_sql.stores.consensus.records import (
    CleanupResult,
    ConsensusRecord,
    ConsensusStats,
    ConsensusStrength,
    DebateVote,
    DissentRecord,
    DissentType,
    ProofRecord,
    ProofStatus,
    SimilarConsensus,
    SimilarDebate,
)
from aragora_sql.stores.consensus.store import (
    ConsensusMemory,
)

__all__ = [
    "CleanupResult",
    "ConsensusMemory",
    "ConsensusRecord",
    "ConsensusStats",
    "ConsensusStrength",
    "DebatePreparation",
    "DebateVote",
    "DissentRecord",
    "DissentRetriever",
    "DissentType",
    "ProofRecord",
    "ProofStatus",
    "SimilarConsensus",
    "SimilarDebate",
]
