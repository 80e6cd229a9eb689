"""What the integration store returns and takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aragora_sql.stores.integrations.secrets import hide_secrets, without_sealed
from aragora_sql.stores.records import Record
from aragora_sql.stores.rotation import RotationFailure, RotationResult

__all__ = [
    "INTEGRATION_TYPES",
    "IntegrationConfig",
    "IntegrationType",
    "RotationFailure",
    "RotationResult",
    "UserIdMapping",
]

DEFAULT_USER = "default"
# More errors than this within 24 hours, and an integration does not do well.
MOST_ERRORS = 5


class IntegrationType(StrEnum):
    """The kinds of integration that Aragora has."""

    SLACK = "slack"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    EMAIL = "email"
    TEAMS = "teams"
    WHATSAPP = "whatsapp"
    MATRIX = "matrix"
    OUTLOOK_EMAIL = "outlook_email"


INTEGRATION_TYPES = tuple(kind.value for kind in IntegrationType)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IntegrationConfig(Record):
    """A user's connection to a platform.

    ``settings`` holds the secrets as they are, or a
    :class:`~aragora_sql.stores.integrations.secrets.SealedSecret` where one was not decrypted.
    ``problem`` says in a list why the secrets of this one could not be. ``errors_24h`` is the
    number of errors since the first one of the present 24 hours. The counters, ``created_at`` and
    ``updated_at`` belong to the store: they count when an integration is saved for the first time.
    """

    integration_type: str
    user_id: str = DEFAULT_USER
    enabled: bool = True
    notify_on_consensus: bool = True
    notify_on_debate_end: bool = True
    notify_on_error: bool = False
    notify_on_leaderboard: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    workspace_id: str | None = None
    messages_sent: int = 0
    errors_24h: int = 0
    last_activity: datetime | None = None
    last_error: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    problem: str | None = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"IntegrationConfig({shown})"

    @property
    def type(self) -> str:
        """Another name of ``integration_type``."""
        return self.integration_type

    @property
    def status(self) -> str:
        """``disconnected``, ``degraded`` (over 5 errors), ``connected`` or ``not_configured``."""
        if not self.enabled:
            return "disconnected"
        if self.errors_24h > MOST_ERRORS:
            return "degraded"
        return "connected" if self.last_activity is not None else "not_configured"

    def to_dict(self, include_secrets: bool = False) -> dict[str, Any]:
        """Return it in a form that JSON can hold; secrets are eight bullets unless asked for.

        A secret that was not decrypted is shown so in any case.
        """
        # super() does not find its class in a dataclass with slots.
        fields = Record.to_dict(self)
        shown = without_sealed if include_secrets else hide_secrets
        return {**fields, "settings": shown(self.settings)}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIdMapping(Record):
    """The account on a platform that belongs to an e-mail address, which is kept in lower case."""

    email: str
    platform: str
    platform_user_id: str
    display_name: str | None = None
    user_id: str = DEFAULT_USER
    created_at: datetime | None = None
    updated_at: datetime | None = None
