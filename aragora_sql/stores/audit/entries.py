"""New entries: their arguments are checked, then they are chained behind the last one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from aragora_sql.database.values import dump_plain_json, format_timestamp, utc_now
from aragora_sql.stores import validation as valid
from aragora_sql.stores.audit.hashing import CURRENT_VERSION, details_text, entry_hash
from aragora_sql.stores.audit.records import ACTOR_TYPES, AuditEntry
from aragora_sql.stores.audit.signing import SigningKeys
from aragora_sql.stores.ids import new_id
from aragora_sql.stores.records import record_of

__all__ = ["NewEntry", "Tail", "chained", "documents", "new_entry"]

# What the query that stores entries takes of each as it is.
_STORED = tuple(
    name
    for name in AuditEntry.__dataclass_fields__
    if name not in ("chain", "timestamp", "timestamp_text", "details_text")
)

NewEntry = dict[str, Any]


class Tail(NamedTuple):
    """The end of a chain: its last entry, and the time that no later entry is before."""

    sequence: int
    hash: str
    timestamp: datetime | None


def new_entry(
    path: str,
    event_type: str,
    actor: str,
    resource_type: str,
    resource_id: str,
    action: str,
    actor_type: str = "user",
    details: dict[str, Any] | None = None,
    correlation_id: str | None = None,
    workspace_id: str | None = None,
    ip_address: str | None = None,
    user_agent: str | None = None,
) -> tuple[None, NewEntry]:
    """Check what is known of an entry before it has its place in the chain."""
    return None, {
        "id": new_id(),
        "event_type": valid.key(event_type, f"{path}event_type"),
        "actor": valid.key(actor, f"{path}actor"),
        "actor_type": valid.choice(actor_type, f"{path}actor_type", ACTOR_TYPES),
        "resource_type": valid.key(resource_type, f"{path}resource_type"),
        "resource_id": valid.key(resource_id, f"{path}resource_id"),
        "action": valid.key(action, f"{path}action"),
        "details_text": _details(details, f"{path}details"),
        "correlation_id": valid.optional_text(correlation_id, f"{path}correlation_id"),
        "workspace_id": valid.optional_text(workspace_id, f"{path}workspace_id"),
        "ip_address": valid.optional_text(ip_address, f"{path}ip_address"),
        "user_agent": valid.optional_text(user_agent, f"{path}user_agent"),
    }


def _details(details: Any, argument: str) -> str:
    """Check details, and return them in the form that is stored and hashed."""
    if type(details) is dict and dump_plain_json(details) is not None:
        # Of types that JSON has, and nothing else: they are read back as they are.
        return details_text(details)
    return details_text(json.loads(valid.document(details, argument)))


def chained(
    chain: str, tail: Tail, entries: Sequence[NewEntry], keys: SigningKeys
) -> list[AuditEntry]:
    """Return entries with the hashes that put them behind the end of a chain."""
    now = utc_now()
    timestamp = now if tail.timestamp is None else max(now, tail.timestamp)
    same = {
        "chain": chain,
        "timestamp_text": None,
        "utc_text": format_timestamp(timestamp),
        "hash_version": CURRENT_VERSION,
        "signature_key_id": keys.current_id,
    }
    number, previous = tail.sequence, tail.hash
    made = []
    for entry in entries:
        number += 1
        row = {**same, **entry, "sequence_number": number, "previous_hash": previous}
        previous = row["entry_hash"] = entry_hash(row)
        row["signature"] = keys.sign(previous)
        row["timestamp"] = timestamp
        del row["utc_text"]
        made.append(record_of(AuditEntry, **row))
    return made


def documents(entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """Return entries as the query that stores them takes them; what is missing is NULL."""
    timestamp = format_timestamp(entries[0].timestamp)
    made = []
    for entry in entries:
        document = {name: value for name in _STORED if (value := getattr(entry, name)) is not None}
        document["timestamp"] = timestamp
        document["details"] = entry.details_text
        made.append(document)
    return made
