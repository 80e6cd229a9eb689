"""Documents as applications keep them: some members have columns, all others are kept beside them.

A store reads a document member by member, checks those that it has columns for, and keeps the rest
as it is, so that a document reads back whole, also with members that a newer application adds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aragora_sql.database.values import load_json
from aragora_sql.errors import InvalidInputError

__all__ = ["as_read", "mapping", "member", "number_in", "unknown_members", "with_unknown_members"]

REQUIRED: Any = object()
_LARGEST = 1e300


def mapping(value: Any, argument: str) -> Mapping[str, Any]:
    """Check that a document is a mapping."""
    if not isinstance(value, Mapping):
        raise InvalidInputError(argument, f"must be a dictionary, not {type(value).__name__}")
    return value


def member(source: object, name: str, argument: str, otherwise: Any = REQUIRED) -> Any:
    """Return a member of a document, or of an object with attributes in its place.

    Without ``otherwise`` it has to be there: :class:`~aragora_sql.errors.InvalidInputError`.
    """
    if isinstance(source, Mapping):
        value = source.get(name, otherwise)
    else:
        value = getattr(source, name, otherwise)
    if value is REQUIRED:
        raise InvalidInputError(argument, "is missing")
    return value


def unknown_members(document: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the members of a document that the store has no columns for."""
    return {name: value for name, value in document.items() if name not in known}


def with_unknown_members(columns: dict[str, Any], unknown: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of its columns and its other members; a column wins over a member."""
    return columns | unknown_members(unknown, columns)


def as_read(values: Mapping[str, Any], *documents: str) -> dict[str, Any]:
    """Return the parameters of a query with the named documents as they will be read back."""
    return {**values, **{name: load_json(values[name]) for name in documents}}


def number_in(document: Mapping[str, Any], name: str) -> int | float:
    """Return a number of a stored document to reckon with; 0 for what is none.

    A document keeps an integer of any size. What is beyond ±1e300 is none either: sums and
    quotients of such are more than a float holds.
    """
    value = document.get(name)
    return value if isinstance(value, int | float) and abs(value) <= _LARGEST else 0
