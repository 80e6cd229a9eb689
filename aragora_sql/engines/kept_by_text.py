"""Results that depend on a query's text and one state of everything else, kept from check to check.

An edit makes one query new, not all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aragora_sql.engines import cache

__all__ = ["KeptByText"]

_MOST_KEPT = 6000


class KeptByText:
    """What is kept under a name, where all that it depends on beside the texts is the same."""

    def __init__(self, name: str, depends_on: Iterable[str]) -> None:
        self._file = f"{name}-{cache.digest(depends_on)}.json"
        self._known: dict[str, Any] = cache.load(self._file) or {}
        self._new: dict[str, Any] = {}

    def get(self, *texts: str) -> Any:
        """Return what was put for these texts; None where they are new."""
        return self._known.get(cache.digest(texts))

    def put(self, value: Any, *texts: str) -> None:
        """Keep something of which JSON can be made."""
        key = cache.digest(texts)
        self._known[key] = self._new[key] = value

    def save(self) -> None:
        """Keep what is new for the next check."""
        if self._new:
            # Another check may have found something out meanwhile.
            cache.change(self._file, self._with_new)

    def _with_new(self, others: Any) -> dict[str, Any]:
        known = {**(others or {}), **self._new}
        return dict(list(known.items())[-_MOST_KEPT:])
