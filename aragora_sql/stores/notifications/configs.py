"""How organizations send e-mail and to Telegram: settings, whose secrets are stored encrypted.

They are stored as one document, as :mod:`aragora_sql.stores.integrations.secrets` says: bound to
the organization, the kind and the name of the setting. What the older Aragora encrypted is bound to
``<org_id>:email`` and ``<org_id>:telegram``, and is opened too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from aragora_sql.database.values import EncodedJSON
from aragora_sql.encryption import Keyring
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import unknown_members
from aragora_sql.stores.integrations.secrets import (
    SealedSecret,
    SecretOwner,
    SecretRecord,
    binding_of,
    is_secret_name,
    keep_sealed,
    open_secrets,
    seal_secrets,
)

__all__ = ["PROVIDERS", "EmailConfig", "SettingsOwner", "TelegramConfig", "config_of", "sealed"]

PROVIDERS = ("smtp", "sendgrid", "ses")
HIGHEST_PORT = 65535
# Members of the older documents that have columns.
_COLUMNS = ("org_id", "created_at", "updated_at")
_NOT_SETTINGS = (*_COLUMNS, "extra")

Check = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class SettingsOwner(SecretOwner):
    """The settings that secrets belong to: of an organization, and of a channel perhaps."""

    org_id: str
    kind: str
    channel_id: str | None = None

    def binding(self, name: str) -> bytes:
        """Return what binds an envelope to the setting ``name``."""
        return binding_of("notifications", self.org_id, self.kind, self.channel_id or "", name)

    @property
    def older_binding(self) -> bytes:
        """What binds an envelope of the older Aragora."""
        parts = (self.org_id, self.kind, self.channel_id)
        return ":".join(part for part in parts if part is not None).encode()

    def __str__(self) -> str:
        channel = "" if self.channel_id is None else f" of channel {self.channel_id!r}"
        return f"{self.kind} settings{channel} of organization {self.org_id!r}"


ConfigT = TypeVar("ConfigT", bound=SecretRecord)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EmailConfig(SecretRecord):
    """How an organization sends e-mail.

    ``provider`` is ``smtp``, ``sendgrid`` or ``ses``; ``min_consensus_confidence`` is from 0 to 1.
    ``extra`` keeps members of the stored document that have no field here. ``created_at`` and
    ``updated_at`` belong to the store. A secret that was not decrypted is a
    :class:`~aragora_sql.stores.integrations.secrets.SealedSecret`.
    """

    org_id: str
    provider: str = "smtp"
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_username: str = ""
    smtp_password: str | SealedSecret = ""
    use_tls: bool = True
    use_ssl: bool = False
    sendgrid_api_key: str | SealedSecret = ""
    ses_region: str = "us-east-1"
    ses_access_key_id: str = ""
    ses_secret_access_key: str | SealedSecret = ""
    from_email: str = ""
    from_name: str = ""
    notify_on_consensus: bool = True
    notify_on_debate_end: bool = True
    notify_on_error: bool = True
    enable_digest: bool = True
    digest_frequency: str = "daily"
    min_consensus_confidence: float = 0.7
    max_emails_per_hour: int = 50
    extra: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TelegramConfig(SecretRecord):
    """How an organization sends to Telegram; see :class:`EmailConfig`."""

    org_id: str
    bot_token: str | SealedSecret = ""
    chat_id: str = ""
    notify_on_consensus: bool = True
    notify_on_debate_end: bool = True
    notify_on_error: bool = True
    min_consensus_confidence: float = 0.7
    max_messages_per_minute: int = 20
    extra: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None


_KINDS: dict[type[SecretRecord], str] = {EmailConfig: "email", TelegramConfig: "telegram"}
# Settings that are checked by more than the type of their default.
_CHECKS: dict[str, Check] = {
    "provider": lambda v, a: valid.choice(v, a, PROVIDERS),
    "smtp_port": lambda v, a: valid.integer(v, a, least=1, most=HIGHEST_PORT),
    "digest_frequency": valid.identifier,
    "min_consensus_confidence": valid.fraction,
}


def config_of(
    kind: type[ConfigT], row: Mapping[str, Any], keyring: Keyring, *, decrypt: bool
) -> ConfigT:
    """Make settings of a row: its document with the secrets opened, or sealed.

    A member that is null counts as one that is not there.
    """
    owner = SettingsOwner(row["org_id"], _KINDS[kind])
    document = row["config"]
    opened = open_secrets(document, keyring, owner) if decrypt else keep_sealed(document, owner)
    names = _settings(kind)
    values: dict[str, Any] = {
        **{name: opened[name] for name in names if opened.get(name) is not None},
        **{name: row[name] for name in _COLUMNS},
        "extra": unknown_members(opened, (*names, *_COLUMNS)),
    }
    return kind(**values)


def sealed(config: SecretRecord, keyring: Keyring) -> tuple[str, EncodedJSON]:
    """Check settings, and return their organization and their document with the secrets sealed."""
    org_id: str = valid.key(config["org_id"], "org_id")
    names = _settings(type(config))
    extra = config["extra"]
    if not isinstance(extra, dict):
        raise InvalidInputError("extra", f"must be a dictionary, not {type(extra).__name__}")
    for name in extra:
        if name in names or name in _NOT_SETTINGS:
            raise InvalidInputError(f"extra.{name}", "has a field of its own")
    document = {name: _checked(config, name) for name in names} | extra
    return org_id, valid.document(
        seal_secrets(document, keyring, SettingsOwner(org_id, _KINDS[type(config)])), "extra"
    )


def _settings(kind: type[Any]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.name not in _NOT_SETTINGS)


def _checked(config: SecretRecord, name: str) -> Any:
    value = config[name]
    if isinstance(value, SealedSecret) and is_secret_name(name):
        return value
    check = _CHECKS.get(name)
    if check is None:
        default = next(one.default for one in fields(config) if one.name == name)  # type: ignore[arg-type]
        checks: dict[type, Check] = {bool: valid.boolean, int: valid.integer, str: valid.text}
        check = checks[type(default)]
    return check(value, name)
