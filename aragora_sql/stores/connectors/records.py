"""What the store of connectors returns, and whose its secrets are.

Settings are stored as :mod:`aragora_sql.stores.integrations.secrets` says: each secret encrypted,
bound to the connector and the name of the setting. What the older Aragora encrypted is bound to the
connector's id, and is opened too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, get_args

from aragora_sql.redaction import is_secret
from aragora_sql.stores.integrations.secrets import (
    SecretOwner,
    SecretRecord,
    binding_of,
    is_secret_name,
)
from aragora_sql.stores.records import Record

__all__ = [
    "CONNECTOR_STATUSES",
    "SYNC_ENDS",
    "Connector",
    "ConnectorOwner",
    "ConnectorStatus",
    "SyncEnd",
    "SyncJob",
    "SyncStatistics",
]

ConnectorStatus = Literal[
    "configured", "active", "error", "connected", "disconnected", "configuring"
]
SyncEnd = Literal["completed", "failed", "cancelled", "interrupted"]
CONNECTOR_STATUSES: tuple[ConnectorStatus, ...] = get_args(ConnectorStatus)
SYNC_ENDS: tuple[SyncEnd, ...] = get_args(SyncEnd)

# The older Aragora encrypted each setting in whose name one of these stood.
_OLDER_WORDS = (
    *("api_key", "secret", "password", "token", "access_key", "private_key", "credentials"),
)


def _has_older_word(name: str) -> bool:
    return any(word in name.lower() for word in _OLDER_WORDS)


@dataclass(frozen=True, slots=True)
class ConnectorOwner(SecretOwner):
    """The connector that secrets belong to."""

    connector_id: str

    def binding(self, name: str) -> bytes:
        """Return what binds an envelope to the setting ``name``."""
        return binding_of("connectors", self.connector_id, name)

    @property
    def older_binding(self) -> bytes:
        """What binds an envelope of the older Aragora."""
        return self.connector_id.encode()

    def was_secret(self, name: str) -> bool:
        """Tell whether the older Aragora may have encrypted the setting ``name``."""
        return is_secret_name(name) or _has_older_word(name)

    def is_secret(self, name: str, value: object) -> bool:
        """Tell whether a setting in the clear is a secret, to us or to the older Aragora."""
        was_one = isinstance(value, str) and value != "" and _has_older_word(name)
        return was_one or is_secret(name, value)

    def __str__(self) -> str:
        return f"connector {self.connector_id!r}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Connector(SecretRecord):
    """A connector; ``problem`` says in a list why its secrets could not be decrypted.

    A secret that was not decrypted is a
    :class:`~aragora_sql.stores.integrations.secrets.SealedSecret`.
    """

    id: str
    org_id: str | None
    workspace_id: str | None
    connector_type: str
    name: str
    config: dict[str, Any]
    status: str
    created_at: datetime
    updated_at: datetime
    last_sync_at: datetime | None
    last_sync_status: str | None
    items_indexed: int
    error_message: str | None
    problem: str | None = None

    def _is_secret(self, name: str, value: object) -> bool:
        return ConnectorOwner(self.id).is_secret(name, value)


@dataclass(frozen=True, slots=True)
class SyncJob(Record):
    """A run of a connector; ``duration_seconds`` is in seconds."""

    id: str
    connector_id: str
    status: str
    started_at: datetime
    completed_at: datetime | None
    items_synced: int
    items_failed: int
    error_message: str | None
    duration_seconds: float | None


class SyncStatistics(TypedDict):
    """Counts and sums of sync jobs; the mean is of those that ended, None where none did."""

    total_syncs: int
    successful_syncs: int
    failed_syncs: int
    active_syncs: int
    total_items_synced: int
    total_items_failed: int
    avg_duration_seconds: float | None
