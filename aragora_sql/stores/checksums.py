"""Checksums of what stores keep, by which they know that nobody changed it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aragora_sql.database.values import format_timestamp

__all__ = ["checksum_of", "content_checksum", "sorted_json"]


def checksum_of(values: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return the checksum of the named values; timestamps count in their one text form."""
    content = {name: values[name] for name in names}
    for name, value in content.items():
        if isinstance(value, datetime):
            content[name] = format_timestamp(value)
    return content_checksum(content)


def content_checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document as canonical JSON, as 64 hexadecimal digits.

    Canonical JSON has its keys sorted by code point at every level, no white space, characters
    beyond ASCII as ``\\uXXXX``, and numbers as Python writes them (the shortest decimal that reads
    back equal; -0.0 as 0.0, which PostgreSQL's ``jsonb`` makes of it). It is what
    ``json.dumps(content, sort_keys=True, separators=(",", ":"))`` returns.
    """
    text = sorted_json(content, (",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sorted_json(content: Any, separators: tuple[str, str] = (", ", ": ")) -> str:
    """Return JSON as ``json.dumps()`` writes it with sorted keys; -0.0 as 0.0."""
    text = json.dumps(content, sort_keys=True, separators=separators)
    if "-0.0" in text:
        content = _without_negative_zero(content)
        text = json.dumps(content, sort_keys=True, separators=separators)
    return text


def _without_negative_zero(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_negative_zero(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_negative_zero(item) for item in value]
    # Of the floats that equal zero.
    return 0.0 if isinstance(value, float) and value == 0 else value
