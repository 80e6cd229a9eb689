"""Consensus memory: consensus records, dissents, proofs and votes; finds similar topics."""

from aragora_sql.stores.consensus.dissents import (
    DebatePreparation,
    DissentRetriever,
)
from aragora_sql.stores.consensus.records import (
    CleanupResult,
    ConsensusEntry,
    ConsensusRecord,
    ConsensusStats,
    ConsensusStrength,
    DebateVote,
    DissentEntry,
    DissentRecord,
    DissentType,
    DissentTypeWord,
    ProofEntry,
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
    "ConsensusEntry",
    "ConsensusMemory",
    "ConsensusRecord",
    "ConsensusStats",
    "ConsensusStrength",
    "DebatePreparation",
    "DebateVote",
    "DissentEntry",
    "DissentRecord",
    "DissentRetriever",
    "DissentType",
    "DissentTypeWord",
    "ProofEntry",
    "ProofRecord",
    "ProofStatus",
    "ProofStatusWord",
    "SimilarConsensus",
    "SimilarDebate",
    "StrengthWord",
]
