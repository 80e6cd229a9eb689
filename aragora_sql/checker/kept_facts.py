"""What engines said of queries, kept for the next check: an edit makes one query new, not all.

What an engine says depends on the query's text, the schema and the engine; a query that it refuses
is asked about each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aragora_sql.checker import cache
from aragora_sql.queries.files import QueryText

__all__ = ["KeptFacts"]

# What asks an engine, and makes facts of its answers.
_OWN = ("expressions.py", "facts.py", "postgres_engine.py", "python_types.py", "sqlite_facts.py")
_MOST_KEPT = 6000


class KeptFacts:
    """What is kept of one engine with one schema; ``depends_on`` tells it from others."""

    def __init__(self, depends_on: Sequence[str]) -> None:
        own = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in _OWN]
        self._name = f"facts-{cache.digest([*own, *depends_on])}.json"
        self._known: dict[str, Any] = cache.load(self._name) or {}
        self._new: dict[str, Any] = {}

    def get(self, query: QueryText) -> Any:
        """Return what was put for this text; None where it is new."""
        return self._known.get(_key(query))

    def put(self, query: QueryText, said: Any) -> None:
        """Keep something of which JSON can be made."""
        self._new[_key(query)] = said

    def save(self) -> None:
        """Keep what is new for the next check."""
        if self._new:
            # Another check may have asked meanwhile.
            known = {**(cache.load(self._name) or {}), **self._new}
            cache.save(self._name, dict(list(known.items())[-_MOST_KEPT:]))


def _key(query: QueryText) -> str:
    return cache.digest([query.name, query.operation, query.sql, repr(query.result_kinds)])
