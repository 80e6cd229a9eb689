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
from datetime import UTC, datetime
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import Any

from aragora_sql.database.values import format_timestamp

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
_WHOLE_SECOND = ".000000"

_encode = json.JSONEncoder(sort_keys=True).encode
_required = itemgetter(
    "chain",
    "sequence_number",
    "previous_hash",
    "id",
    "utc_text",
    "event_type",
    "actor",
    "actor_type",
    "resource_type",
    "resource_id",
    "action",
    "details_text",
)
_optional = itemgetter(
    "correlation_id", "workspace_id", "ip_address", "user_agent", "signature_key_id"
)


def details_text(details: Any) -> str:
    """Return details in the form that is stored and hashed."""
    return _encode(details)


def entry_hash(row: Mapping[str, Any]) -> str:
    """Return the hash of an entry, which is given by its columns, in the version that it names.

    ``utc_text`` is its timestamp as SQLite stores it. Empty when ``timestamp_text``, which the
    older system hashed, says another time.
    """
    if row["hash_version"] == CURRENT_VERSION and row["timestamp_text"] is None:
        text = _current_text(row)
    elif row["hash_version"] == OLDER_VERSION:
        text = _older_text(row)
    else:
        text = ""
    if not text:
        return text
    # A lone surrogate, which no engine stores, still has to give some hash.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def older_timestamp(utc_text: str) -> str:
    """Return a timestamp as the older system hashed it."""
    return f"{utc_text[:-1].removesuffix(_WHOLE_SECOND)}+00:00"


def _current_text(row: Mapping[str, Any]) -> str:
    # One text for all that is never NULL: a verification is this, a million times.
    a, number, c, d, e, f, g, h, i, j, k, m = _required(row)
    b = str(number)
    fields = (
        f"{len(a)}:{a}{len(b)}:{b}{len(c)}:{c}{len(d)}:{d}{len(e)}:{e}{len(f)}:{f}{len(g)}:{g}"
        f"{len(h)}:{h}{len(i)}:{i}{len(j)}:{j}{len(k)}:{k}{len(m)}:{m}"
    )
    others = "".join(
        ["-" if value is None else f"{len(value)}:{value}" for value in _optional(row)]
    )
    return f"aragora-audit-2{fields}{others}"


def _older_text(row: Mapping[str, Any]) -> str:
    """Return the JSON of the older system's fields, in the order of their names."""
    timestamp = row["timestamp_text"]
    if timestamp is None:
        timestamp = older_timestamp(row["utc_text"])
    elif not _is_same_time(timestamp, row["utc_text"]):
        return ""
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


def _is_same_time(text: str, utc_text: str) -> bool:
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        return False
    # Without a zone it is UTC.
    aware = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
    return format_timestamp(aware) == utc_text


def _json(value: str | None) -> str:
    return "null" if value is None else encode_basestring_ascii(value)
