"""The stores with encrypted values, besides that of integrations: what rotating keys has to cover.

That of integrations is apart because a rotation names its type beside the user.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aragora_sql.database import Database
from aragora_sql.encryption import Keyring
from aragora_sql.stores.connectors import ConnectorStore
from aragora_sql.stores.federation import FederationStore
from aragora_sql.stores.gmail import GmailTokenStore
from aragora_sql.stores.notifications import NotificationStore
from aragora_sql.stores.rotation import RotationFailure, RotationResult
from aragora_sql.stores.users import UserStore
from aragora_sql.stores.webhooks import WebhookStore

__all__ = ["WITH_SECRETS", "HasSecrets", "SecretsOfStore"]


class HasSecrets(Protocol):
    """A store with encrypted values."""

    async def check_secrets(self, limit: int = 100) -> tuple[int, list[RotationFailure]]:
        """Try the keys on some: return how many were looked at, and what no key opens."""

    async def rotate_keys(
        self,
        *,
        batch_size: int = 100,
        dry_run: bool = False,
        on_progress: Callable[[RotationResult], object] | None = None,
    ) -> RotationResult:
        """Encrypt all with the present key."""


@dataclass(frozen=True, slots=True)
class SecretsOfStore:
    """A store, who has ``secrets`` in it, and what helps (``otherwise``) where a key is lost."""

    store: str
    make: Callable[[Database, Keyring], HasSecrets]
    owners: str
    secrets: str
    otherwise: str


WITH_SECRETS = (
    SecretsOfStore(
        "users",
        UserStore,
        "users with a second factor",
        "secrets of second factors",
        "let them be set up again",
    ),
    SecretsOfStore(
        "gmail", GmailTokenStore, "mailboxes", "tokens of mailboxes", "let them be connected again"
    ),
    SecretsOfStore(
        "notifications",
        NotificationStore,
        "settings of notifications",
        "settings of notifications",
        "enter them again",
    ),
    SecretsOfStore(
        "webhooks", WebhookStore, "webhooks", "secrets of webhooks", "give them new secrets"
    ),
    SecretsOfStore(
        "federation",
        FederationStore,
        "federated regions",
        "keys of federated regions",
        "save the regions with theirs again",
    ),
    SecretsOfStore(
        "connectors",
        ConnectorStore,
        "connectors",
        "secrets of connectors",
        "save the connectors with theirs again",
    ),
)
