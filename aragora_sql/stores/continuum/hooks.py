"""What an application hangs onto the continuum memory: outcomes, events, a knowledge store.

All are called after the database has committed. What they raise reaches the caller of the
method, and takes nothing back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aragora_sql.stores.continuum.records import ContinuumEntry
from aragora_sql.stores.records import Record

__all__ = ["EventEmitter", "KnowledgeStore", "Outcome", "OutcomeHook", "PatternFeedback"]

FEEDBACK_TIERS = ("slow", "glacial")
FEEDBACK_OBSERVATIONS = 10

EventEmitter = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Outcome(Record):
    """An outcome that was counted, as hooks get it."""

    id: str
    success: bool
    surprise_score: float
    tier: str
    total_observations: int


OutcomeHook = Callable[[Outcome], Awaitable[None] | None]


class KnowledgeStore(Protocol):
    """A store of knowledge beside the memory, which the application brings."""

    async def store_memory(self, entry: ContinuumEntry) -> None:
        """Take an entry that is important."""

    async def search_similar(
        self, content: str, limit: int, min_similarity: float
    ) -> list[dict[str, Any]]:
        """Return what is similar to a content, best first."""


class PatternFeedback:
    """A hook that keeps the last outcome of each settled entry: slow or glacial, 10 outcomes."""

    def __init__(self) -> None:
        self._last: dict[str, Outcome] = {}

    def __call__(self, outcome: Outcome) -> None:
        """Keep an outcome of a settled entry."""
        if outcome.tier in FEEDBACK_TIERS and outcome.total_observations >= FEEDBACK_OBSERVATIONS:
            self._last[outcome.id] = outcome

    def feedback(self) -> dict[str, Outcome]:
        """Return the last outcome of each entry, by its id."""
        return dict(self._last)
