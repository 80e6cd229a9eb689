"""A module path of the older Aragora: the names are in :mod:`aragora_sql`."""

from aragora_sql import (
    ConsensusMemory,
    ConsensusRecord,
    ConsensusStrength,
    DissentRecord,
    DissentType,
    PostgresConsensusMemory,
    get_postgres_consensus_memory,
)

__all__ = [
    "ConsensusMemory",
    "ConsensusRecord",
    "ConsensusStrength",
    "DissentRecord",
    "DissentType",
    "PostgresConsensusMemory",
    "get_postgres_consensus_memory",
]
