"""What the audit store returns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from aragora_sql.database.values import format_timestamp
from aragora_sql.stores.audit.hashing import details_text, entry_hash
from aragora_sql.stores.records import Record

__all__ = [
    "ACTOR_TYPES",
    "EXPORT_FORMATS",
    "AuditChain",
    "AuditEntry",
    "AuditEvent",
    "AuditStatistics",
    "AuditVerification",
    "DailyAnchor",
    "InclusionProof",
]

ACTOR_TYPES = ("user", "system", "agent")
EXPORT_FORMATS = ("json", "jsonl", "csv")


@dataclass(frozen=True, slots=True)
class AuditEvent(Record):
    """An event of the log; what was personal in it may have been erased."""

    id: int
    timestamp: datetime
    user_id: str | None
    org_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    old_value: dict[str, Any] | None
    new_value: dict[str, Any] | None
    metadata: dict[str, Any]
    ip_address: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class AuditChain(Record):
    """A chain of immutable entries, and its last one.

    ``origin`` is ``appended``, or the ``audit_logs`` or ``audit_events`` of the older system. A
    chain that was broken already when it was imported has its ``first_broken_sequence`` and the
    reason. No later entry is before ``last_timestamp``.
    """

    chain: str
    origin: str
    last_sequence: int
    last_hash: str
    last_timestamp: datetime | None
    first_broken_sequence: int | None
    broken_reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry(Record):
    """An entry of a chain: what happened, and the hashes that hold it in its place.

    ``details_text`` is the JSON that was hashed, :attr:`details` what it says. ``timestamp_text``
    is the timestamp as it was hashed, where that is not the usual form. ``hash_version`` says what
    the hash covers (:mod:`aragora_sql.stores.audit.hashing`).
    """

    chain: str
    sequence_number: int
    id: str
    timestamp: datetime
    timestamp_text: str | None
    event_type: str
    actor: str
    actor_type: str
    resource_type: str
    resource_id: str
    action: str
    details_text: str
    correlation_id: str | None
    workspace_id: str | None
    ip_address: str | None
    user_agent: str | None
    previous_hash: str
    entry_hash: str
    hash_version: int
    signature: str | None
    signature_key_id: str | None

    @property
    def details(self) -> dict[str, Any]:
        """What else is known of it."""
        found: dict[str, Any] = json.loads(self.details_text)
        return found

    def compute_hash(self) -> str:
        """Return the hash of what the entry holds; ``entry_hash`` when nothing was changed."""
        return entry_hash({**self, "utc_text": format_timestamp(self.timestamp)})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in a form that JSON can hold, with ``details`` as an object."""
        values = Record.to_dict(self)
        return {
            ("details" if name == "details_text" else name): (
                self.details if name == "details_text" else value
            )
            for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make an entry of what :meth:`to_dict` gave."""
        given = dict(values)
        given["details_text"] = details_text(given.pop("details"))
        # A class with slots is made twice: super() alone would mean the first.
        return super(AuditEntry, cls).from_dict(given)


@dataclass(frozen=True, slots=True)
class DailyAnchor(Record):
    """The root of the Merkle tree over a day's entries, in UTC from midnight to before midnight.

    ``chain_hash`` is the hash of the day's last entry, ``tree_version`` how the tree is made
    (:mod:`aragora_sql.stores.audit.merkle`).
    """

    chain: str
    date: str
    first_sequence: int
    last_sequence: int
    entry_count: int
    merkle_root: str
    chain_hash: str
    tree_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerification(Record):
    """What a look through a chain found.

    ``errors`` are the first of them, each with its sequence number; ``error_count`` counts all.
    ``verification_time_ms`` is in milliseconds.
    """

    chain: str
    is_valid: bool
    entries_checked: int
    errors: list[str] = field(default_factory=list)
    error_count: int = 0
    warnings: list[str] = field(default_factory=list)
    first_error_sequence: int | None = None
    verification_time_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof(Record):
    """The proof that an entry is among those of an anchor, for :func:`verify_proof`.

    ``path`` leads from the entry's hash to ``merkle_root``: each step is the side of the other
    node, ``left`` or ``right``, and its hash. Compare ``merkle_root`` with the one that was kept
    elsewhere.
    """

    entry: AuditEntry
    date: str
    leaf_index: int
    entry_count: int
    tree_version: int
    path: list[list[str]]
    merkle_root: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a proof of what :meth:`to_dict` gave."""
        entry = AuditEntry.from_dict(values["entry"])
        return super(InclusionProof, cls).from_dict({**values, "entry": entry})


@dataclass(frozen=True, slots=True)
class AuditStatistics(Record):
    """How many entries a chain has in a time, and its last entry."""

    total_entries: int
    last_sequence: int
    last_entry_time: datetime | None
    last_entry_hash: str | None
