"""Federation: regions that knowledge is exchanged with, and messages that are applied once."""

from aragora_sql.stores.federation.records import (
    DIRECTIONS,
    MODES,
    SYNC_SCOPES,
    AppliedMessage,
    DirectionWord,
    FederatedRecord,
    FederatedRegion,
    FederationCleanup,
    ModeWord,
    OutcomeWord,
    OutgoingMessage,
    RecordChange,
    SyncScopeWord,
    SyncState,
)
from aragora_sql.stores.federation.store import FederationStore

__all__ = [
    "DIRECTIONS",
    "MODES",
    "SYNC_SCOPES",
    "AppliedMessage",
    "DirectionWord",
    "FederatedRecord",
    "FederatedRegion",
    "FederationCleanup",
    "FederationStore",
    "ModeWord",
    "OutcomeWord",
    "OutgoingMessage",
    "RecordChange",
    "SyncScopeWord",
    "SyncState",
]
