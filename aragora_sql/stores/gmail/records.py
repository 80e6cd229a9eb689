"""What the store of Gmail returns and takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.redaction import REDACTED
from aragora_sql.stores.records import Record

__all__ = [
    "SYNC_STATUSES",
    "TOKENS",
    "GmailState",
    "GmailSyncJob",
    "RefreshedTokens",
    "SyncStatus",
]

SyncStatus = Literal["running", "completed", "failed", "cancelled"]
SYNC_STATUSES: tuple[SyncStatus, ...] = get_args(SyncStatus)
TOKENS = ("access_token", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GmailState(Record):
    """A user's mailbox at Gmail: its tokens, and how far it was read.

    ``token_version`` is None of what was not stored yet, and otherwise says which tokens were read.
    ``indexed_count`` of ``total_count`` messages are indexed. ``sealed`` names the tokens that are
    stored and were not decrypted, ``problem`` says in a list why they could not be.
    ``created_at`` and ``updated_at`` belong to the store. ``repr`` shows no token.
    """

    user_id: str
    org_id: str | None = None
    email_address: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    token_expiry: datetime | None = None
    history_id: str | None = None
    last_sync: datetime | None = None
    indexed_count: int = 0
    total_count: int = 0
    connected_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    token_version: int | None = None
    sealed: tuple[str, ...] = ()
    problem: str | None = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"GmailState({shown})"

    @property
    def is_connected(self) -> bool:
        """Whether there is a refresh token."""
        return bool(self.refresh_token) or "refresh_token" in self.sealed

    def to_dict(self, include_secrets: bool = False) -> dict[str, Any]:
        """Return it in a form that JSON can hold; tokens are eight bullets unless asked for.

        A token that was not decrypted is shown so in any case.
        """
        # super() does not find its class in a dataclass with slots.
        fields = {**Record.to_dict(self), "sealed": list(self.sealed)}
        for name in TOKENS:
            if name in self.sealed or (fields[name] is not None and not include_secrets):
                fields[name] = REDACTED
        return fields


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RefreshedTokens:
    """What the provider gave for a refresh token.

    Without a ``refresh_token`` the one that is stored stays. ``token_expiry`` is an aware time,
    None when it is not known. ``repr`` shows no token.
    """

    access_token: str
    token_expiry: datetime | None = None
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"<RefreshedTokens, {self.token_expiry or 'without an expiry'}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class GmailSyncJob(Record):
    """The last reading of a user's mailbox; ``progress`` is in percent."""

    user_id: str
    status: SyncStatus
    progress: int = 0
    messages_synced: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
