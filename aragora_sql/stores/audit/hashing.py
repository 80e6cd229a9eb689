"""What of an entry is hashed, and how.

Version 1 is that of the older system: JSON of 13 fields with sorted keys. It leaves out the
address, the program and the signing key. Version 2 holds every field. Each is written as its length
in characters, a colon and its text, and ``-`` where it is NULL, so no two entries have one text::

    aragora-audit-2 chain sequence_number previous_hash id timestamp event_type actor actor_type
    resource_type resource_id action details correlation_id workspace_id ip_address user_agent
    signature_key_id

without the blanks. Timestamps are ``2026-02-12T16:42:57.123456Z``, details the text that is
stored: JSON with sorted keys, ``", "`` and ``": "`` between, and ASCII alone. The hash is SHA-256
of the text in UTF-8, in hexadecimal digits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from typing import Any

__all__ = [
    "CURRENT_VERSION",
    "GENESIS_HASH",
    "OLDER_VERSION",
    "details_text",
    "entry_hash",
    "older_timestamp",
]

GENESIS_HASH = "0" * 64
OLDER_VERSION, CURRENT_VERSION = 1, 2


def details_text(details: Any) -> str:
    """Return details in the form that is stored and hashed."""
    return json.dumps(details, sort_keys=True)


def entry_hash(row: Mapping[str, Any]) -> str:
    """Return the hash of an entry, which is given by its columns, in the version that it names."""
    text = _current_text(row) if row["hash_version"] == CURRENT_VERSION else _older_text(row)
    # A lone surrogate, which no engine stores, still has to give some hash.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def older_timestamp(timestamp: datetime) -> str:
    """Return a timestamp in UTC as the older system hashed it."""
    return timestamp.isoformat()


def _current_text(row: Mapping[str, Any]) -> str:
    # datetime.isoformat() of an aware timestamp in UTC ends with +00:00.
    timestamp = row["timestamp"].isoformat(timespec="microseconds")[:-6] + "Z"
    return "aragora-audit-2" + "".join(
        [
            "-" if value is None else f"{len(value)}:{value}"
            for value in (
                row["chain"],
                str(row["sequence_number"]),
                row["previous_hash"],
                row["id"],
                timestamp,
                row["event_type"],
                row["actor"],
                row["actor_type"],
                row["resource_type"],
                row["resource_id"],
                row["action"],
                row["details_text"],
                row["correlation_id"],
                row["workspace_id"],
                row["ip_address"],
                row["user_agent"],
                row["signature_key_id"],
            )
        ]
    )


def _older_text(row: Mapping[str, Any]) -> str:
    """Return the JSON of the older system's fields, in the order of their names."""
    timestamp = row["timestamp_text"] or older_timestamp(row["timestamp"])
    return (
        f'{{"action": {_json(row["action"])}, '
        f'"actor": {_json(row["actor"])}, '
        f'"actor_type": {_json(row["actor_type"])}, '
        f'"correlation_id": {_json(row["correlation_id"])}, '
        f'"details": {row["details_text"]}, '
        f'"event_type": {_json(row["event_type"])}, '
        f'"id": {_json(row["id"])}, '
        f'"previous_hash": {_json(row["previous_hash"])}, '
        f'"resource_id": {_json(row["resource_id"])}, '
        f'"resource_type": {_json(row["resource_type"])}, '
        f'"sequence_number": {row["sequence_number"]}, '
        f'"timestamp": {_json(timestamp)}, '
        f'"workspace_id": {_json(row["workspace_id"])}}}'
    )


def _json(value: str | None) -> str:
    return "null" if value is None else encode_basestring_ascii(value)
