"""Which members of a document are secrets, for tables whose older program had words of its own."""

from __future__ import annotations

from collections.abc import Callable

from aragora_sql.redaction import is_secret
from aragora_sql.stores.connectors.records import ConnectorOwner

__all__ = ["secret_test"]

_TESTS: dict[str, Callable[[str, object], bool]] = {"connectors": ConnectorOwner("").is_secret}


def secret_test(table: str | None) -> Callable[[str, object], bool]:
    """Return what tells of a member by its name and value whether it is a secret in the clear.

    ``table`` is a table of the target; None, or one without words of its own, for those of
    :mod:`aragora_sql.redaction`.
    """
    return _TESTS.get(table or "", is_secret)
