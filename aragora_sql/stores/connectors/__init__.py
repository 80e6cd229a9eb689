"""Connectors to other systems, whose secrets are encrypted, and their sync jobs."""

from aragora_sql.stores.connectors.records import (
    CONNECTOR_STATUSES,
    SYNC_ENDS,
    Connector,
    ConnectorOwner,
    SyncJob,
    SyncStatistics,
)
from aragora_sql.stores.connectors.store import ConnectorStore

__all__ = [
    "CONNECTOR_STATUSES",
    "SYNC_ENDS",
    "Connector",
    "ConnectorOwner",
    "ConnectorStore",
    "SyncJob",
    "SyncStatistics",
]
