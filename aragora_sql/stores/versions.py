"""Versions against lost updates: whoever decided on what they read says which version it had.

A row's ``version`` grows by 1 with each change. A change that is made for another version than the
stored one is refused, and nothing is written.
"""

from __future__ import annotations

from aragora_sql.errors import VersionConflictError
from aragora_sql.stores import validation as valid

__all__ = ["check_version", "checked_version"]


def checked_version(value: object, argument: str = "expected_version") -> int | None:
    """Check the version that a change is made for: 1 or more, or None for any."""
    return valid.optional(value, argument, lambda v, a: valid.integer(v, a, least=1))


def check_version(what: str, expected: int | None, found: int | None) -> None:
    """Raise :class:`~aragora_sql.errors.VersionConflictError` unless both are the same.

    ``what`` names the row; ``expected`` is None when any version is right, ``found`` when there is
    no such row.
    """
    if expected is not None and expected != found:
        raise VersionConflictError(what, expected, found)
