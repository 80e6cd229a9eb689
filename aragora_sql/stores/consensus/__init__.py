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
    DissentTypeWord,
    ProofRecord,
    ProofStatus,
    ProofStatusWord,
    SimilarConsensus,
    SimilarDebate,
    StrengthWord,
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
    "DissentTypeWord",
    "ProofRecord",
    "ProofStatus",
    "ProofStatusWord",
    "SimilarConsensus",
    "SimilarDebate",
    "StrengthWord",
]
