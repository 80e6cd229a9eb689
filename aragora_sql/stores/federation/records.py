"""What the federation store returns and takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from aragora_sql.database.values import EncodedJSON, dump_json, format_timestamp, load_json
from aragora_sql.errors import InvalidInputError
from aragora_sql.redaction import REDACTED, has_secret, hide_secrets, is_secret_value
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.records import Record

if TYPE_CHECKING:
    from aragora_sql.queries.typed.federation import MergeRecordsParameters

__all__ = [
    "DIRECTIONS",
    "MODES",
    "SYNC_SCOPES",
    "AppliedMessage",
    "DirectionWord",
    "FederatedRecord",
    "FederatedRegion",
    "FederationCleanup",
    "ModeWord",
    "OutcomeWord",
    "OutgoingMessage",
    "RecordChange",
    "SyncScopeWord",
    "SyncState",
    "changes_hash",
    "changes_text",
    "record_rows",
    "region_row",
]

ModeWord = Literal["push", "pull", "bidirectional", "none"]
SyncScopeWord = Literal["full", "metadata", "summary"]
DirectionWord = Literal["push", "pull"]
OutcomeWord = Literal["applied", "repeated", "held"]

MODES: tuple[ModeWord, ...] = ("push", "pull", "bidirectional", "none")
SYNC_SCOPES: tuple[SyncScopeWord, ...] = ("full", "metadata", "summary")
DIRECTIONS: tuple[DirectionWord, ...] = ("push", "pull")

_CHANGE = {"record_id", "content", "origin", "updated_at"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FederatedRegion(Record):
    """A region that knowledge is exchanged with, in one workspace or (None) in all.

    ``mode`` says what is exchanged: ``push`` (it gets), ``pull`` (it gives), ``bidirectional`` or
    ``none``; ``sync_scope`` how much. ``api_key`` is None where it was not decrypted; to save it so
    leaves the stored one. ``problem`` says in a list why it could not be. The counters, the times
    of exchanges, ``created_at`` and ``updated_at`` belong to the store: they count when a region is
    saved for the first time. ``extra`` are members of an older document that have no field.
    """

    region_id: str
    endpoint_url: str
    api_key: str | None = None
    workspace_id: str | None = None
    mode: str = "bidirectional"
    sync_scope: str = "summary"
    enabled: bool = True
    last_sync_at: datetime | None = None
    last_push_at: datetime | None = None
    last_pull_at: datetime | None = None
    last_sync_error: str | None = None
    total_pushes: int = 0
    total_pulls: int = 0
    total_nodes_synced: int = 0
    total_sync_errors: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    problem: str | None = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"FederatedRegion({shown})"

    def to_dict(self, include_secrets: bool = False) -> dict[str, Any]:
        """Return it in a form that JSON can hold; the key is eight bullets unless asked for."""
        # super() does not find its class in a dataclass with slots.
        fields = Record.to_dict(self)
        if include_secrets:
            return fields
        shown: dict[str, Any] = hide_secrets(fields)
        return {**shown, "api_key": REDACTED if self.api_key else self.api_key}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState(Record):
    """How far the messages to and from a region are.

    ``last_sent`` were written, up to ``last_acknowledged`` the region has all; up to
    ``last_applied`` all that came were applied, and ``held`` ones wait for the next after it.
    ``updated_at`` is None before the first message.
    """

    region_id: str
    workspace_id: str
    last_sent: int
    last_acknowledged: int
    last_applied: int
    held: int
    updated_at: datetime | None

    @property
    def missing(self) -> int | None:
        """The number of the message that others wait for; None when none waits."""
        return self.last_applied + 1 if self.held else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage(Record):
    """A message to a region; ``sequence`` counts those to it from 1 on, without a gap."""

    region_id: str
    workspace_id: str
    sequence: int
    changes: list[dict[str, Any]]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedMessage(Record):
    """What became of a message that came.

    ``applied``: it and those that waited for it, up to ``last_applied``; ``changed`` records are
    other than before. ``repeated``: it was applied before, and nothing was done. ``held``: messages
    from ``last_applied`` + 1 on are missing, so it waits for them.
    """

    sequence: int
    outcome: OutcomeWord
    last_applied: int
    changed: int

    @property
    def is_new(self) -> bool:
        """Whether this call applied it."""
        return self.outcome == "applied"


class RecordChange(TypedDict):
    """A change of a record: what it holds then, or None when it was deleted.

    ``updated_at`` is when ``origin`` wrote it, an aware time or ISO-8601 text; without ``origin``
    that is the region whose message it is in.
    """

    record_id: str
    content: Mapping[str, Any] | None
    updated_at: datetime | str
    origin: NotRequired[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedRecord(Record):
    """A record that regions share; ``content`` is None when it was deleted."""

    workspace_id: str
    record_id: str
    content: dict[str, Any] | None
    origin: str
    updated_at: datetime

    def to_change(self) -> RecordChange:
        """Return it as a change in a message."""
        return {
            "record_id": self.record_id,
            "content": self.content,
            "origin": self.origin,
            "updated_at": format_timestamp(self.updated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationCleanup(Record):
    """How much a clean-up deleted: numbers of applied messages, and deleted records."""

    messages: int
    records: int


class RegionColumns(TypedDict):
    """What is stored of a region whenever it is saved."""

    region_id: str
    workspace_id: str
    endpoint_url: str
    mode: ModeWord
    sync_scope: SyncScopeWord
    enabled: bool
    metadata: EncodedJSON
    extra: EncodedJSON
    updated_at: datetime


def region_row(region: Any, workspace_id: str, now: datetime) -> RegionColumns:
    """Check a region and return what is stored of it whenever it is saved."""
    if not isinstance(region, FederatedRegion):
        raise InvalidInputError("region", f"must be a FederatedRegion, not {type(region).__name__}")
    endpoint = valid.identifier(region.endpoint_url, "region.endpoint_url")
    if is_secret_value(endpoint):
        raise InvalidInputError("region.endpoint_url", "must hold no secret: api_key is for it")
    for name in ("metadata", "extra"):
        if has_secret(getattr(region, name)):
            raise InvalidInputError(f"region.{name}", "must hold no secret: api_key is for it")
    return {
        "region_id": valid.key(region.region_id, "region.region_id"),
        "workspace_id": workspace_id,
        "endpoint_url": endpoint,
        "mode": valid.choice(region.mode, "region.mode", MODES),
        "sync_scope": valid.choice(region.sync_scope, "region.sync_scope", SYNC_SCOPES),
        "enabled": valid.boolean(region.enabled, "region.enabled"),
        "metadata": valid.document(region.metadata, "region.metadata"),
        "extra": valid.document(region.extra, "region.extra"),
        "updated_at": now,
    }


def changes_text(changes: Iterable[object], origin: str) -> EncodedJSON:
    """Check the changes of a message and return them as they are stored and hashed.

    Those without an origin are of ``origin``.
    """
    checked = [
        _checked(change, f"changes[{number}]", origin)
        for number, change in enumerate(valid.items(changes, "changes"))
    ]
    if not checked:
        raise InvalidInputError("changes", "must not be empty")
    return dump_json(checked, "changes")


def _checked(change: Any, path: str, origin: str) -> dict[str, Any]:
    mapping(change, path)
    for name in change:
        if name not in _CHANGE:
            raise InvalidInputError(f"{path}.{name}", "is not known")
    for name in ("record_id", "content", "updated_at"):
        if name not in change:
            raise InvalidInputError(f"{path}.{name}", "is missing")
    content = valid.optional(change["content"], f"{path}.content", valid.document)
    written = valid.timestamp_or_text(change["updated_at"], f"{path}.updated_at")
    return {
        "record_id": valid.key(change["record_id"], f"{path}.record_id"),
        "content": None if content is None else load_json(content),
        "origin": valid.key(change.get("origin", origin), f"{path}.origin"),
        "updated_at": format_timestamp(written),
    }


def changes_hash(changes: str) -> str:
    """Return SHA-256 of changes in JSON: of their members in order, without blanks between."""
    ordered = json.dumps(
        load_json(changes), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(ordered.encode()).hexdigest()


def record_rows(workspace_id: str, changes: Iterable[Any]) -> list[MergeRecordsParameters]:
    """Return changes, as :func:`changes_text` wrote them, as rows of records.

    By record, so that those who write at once wait for each other in one order.
    """
    rows: list[MergeRecordsParameters] = [
        {
            "workspace_id": workspace_id,
            "record_id": change["record_id"],
            "content": valid.optional(change["content"], "content", valid.document),
            "origin": change["origin"],
            "updated_at": datetime.fromisoformat(change["updated_at"]),
        }
        for change in changes
    ]
    return sorted(rows, key=lambda row: (row["record_id"], row["updated_at"], row["origin"]))
