"""Checkpoints of workflows and debates, verified by checksum."""

from aragora_sql.stores.checkpoints.records import (
    DEBATE_STATUSES,
    CheckpointPage,
    CheckpointStats,
    CheckpointSummary,
    DebateCheckpoint,
    DebateCheckpointPage,
    DebateCheckpointSummary,
    WorkflowCheckpoint,
)
from aragora_sql.stores.checkpoints.store import (
    CheckpointStore,
    PostgresCheckpointStore,
    SQLiteCheckpointStore,
    get_postgres_checkpoint_store,
    get_sqlite_checkpoint_store,
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
    "PostgresCheckpointStore",
    "SQLiteCheckpointStore",
    "WorkflowCheckpoint",
    "get_postgres_checkpoint_store",
    "get_sqlite_checkpoint_store",
]
