"""Integrations: configuration with encrypted secrets, and user mappings."""

from aragora_sql.stores.integrations.records import (
    INTEGRATION_TYPES,
    IntegrationConfig,
    IntegrationType,
    RotationFailure,
    RotationResult,
    UserIdMapping,
)
from aragora_sql.stores.integrations.secrets import (
    REDACTED,
    SealedSecret,
)
from aragora_sql.stores.integrations.store import (
    IntegrationStore,
)

__all__ = [
    "INTEGRATION_TYPES",
    "REDACTED",
    "IntegrationConfig",
    "IntegrationStore",
    "IntegrationType",
    "RotationFailure",
    "RotationResult",
    "SealedSecret",
    "UserIdMapping",
]
