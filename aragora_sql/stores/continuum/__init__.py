"""Continuum memory: entries in four tiers that fade at different speeds."""

from aragora_sql.stores.continuum.records import (
    ArchivedEntry,
    ArchiveReason,
    CleanupCounts,
    ContinuumArchiveStats,
    ContinuumEntry,
    ContinuumStats,
    Deletion,
    HybridMatch,
    NewEntry,
    RestoreCounts,
    RetrievedEntry,
    TierStats,
    TierTransition,
    Timeline,
)
from aragora_sql.stores.continuum.store import ContinuumMemory
from aragora_sql.stores.continuum.tiers import (
    TIER_SETTINGS,
    ContinuumParameters,
    MemoryTier,
    TierSettings,
)

__all__ = [
    "TIER_SETTINGS",
    "ArchiveReason",
    "ArchivedEntry",
    "CleanupCounts",
    "ContinuumArchiveStats",
    "ContinuumEntry",
    "ContinuumMemory",
    "ContinuumParameters",
    "ContinuumStats",
    "Deletion",
    "HybridMatch",
    "MemoryTier",
    "NewEntry",
    "RestoreCounts",
    "RetrievedEntry",
    "TierSettings",
    "TierStats",
    "TierTransition",
    "Timeline",
]
