"""What an application hangs onto the ranking: events, a knowledge store.

Both are called after the database has committed (within a transaction of the application's own:
before it does). What they raise reaches the caller of the method, and takes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aragora_sql.stores.elo.matches import PlayedMatch
from aragora_sql.stores.records import Record

__all__ = ["EventEmitter", "KnowledgeStore", "RatedMatch", "rated_match"]

RATING_CHANGED = "agent_elo_updated"

EventEmitter = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedMatch(Record):
    """A match that was recorded now: ``elo_changes`` in points, ``ratings`` those after it."""

    debate_id: str
    domain: str | None
    participants: list[str]
    winner: str | None
    scores: dict[str, float]
    elo_changes: dict[str, float]
    ratings: dict[str, float]
    created_at: datetime


class KnowledgeStore(Protocol):
    """A store of knowledge beside the ranking, which the application brings."""

    async def store_match(self, match: RatedMatch) -> None:
        """Take a match that was recorded."""

    async def agent_skill_history(
        self, agent_name: str, domain: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return what is known of the skill of an agent, in a domain or in all, newest first."""

    async def domain_expertise(self, domain: str, limit: int) -> list[dict[str, Any]]:
        """Return who is known to be good in a domain, the best first."""


def rated_match(played: PlayedMatch) -> RatedMatch:
    """Return what hooks get of a match."""
    match = played.match
    return RatedMatch(
        debate_id=match.debate_id,
        domain=match.domain,
        participants=list(match.participants),
        winner=match.winner,
        scores=dict(match.scores),
        elo_changes=dict(played.changes),
        ratings=dict(played.ratings),
        created_at=played.played_at,
    )
