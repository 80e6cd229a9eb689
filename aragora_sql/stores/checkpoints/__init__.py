"""Checkpoints of workflows and debates, verified by checksum."""

from aragora_sql.stores.checkpoints.records import (
    DEBATE_STATUSES,
    CheckpointPage,
    CheckpointStats,
    CheckpointSummary,
    DebateCheckpoint,
    DebateCheckpointPage,
    DebateCheckpointSummary,
    DebateStatusWord,
    WorkflowCheckpoint,
)
from aragora_sql.stores.checkpoints.store import (
    CheckpointStore,
)

__all__ = [
    "DEBATE_STATUSES",
    "CheckpointPage",
    "CheckpointStats",
    "CheckpointStore",
    "CheckpointSummary",
    "DebateCheckpoint",
    "DebateCheckpointPage",
    "DebateCheckpointSummary",
    "DebateStatusWord",
    "WorkflowCheckpoint",
]
