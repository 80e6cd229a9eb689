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
    PostgresConsensusMemory,
    SQLiteConsensusMemory,
    get_postgres_consensus_memory,
    get_sqlite_consensus_memory,
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
    "PostgresConsensusMemory",
    "ProofRecord",
    "ProofStatus",
    "SQLiteConsensusMemory",
    "SimilarConsensus",
    "SimilarDebate",
    "get_postgres_consensus_memory",
    "get_sqlite_consensus_memory",
]
