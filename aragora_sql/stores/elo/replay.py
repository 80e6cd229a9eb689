"""Replays: ratings computed once more from the matches and the other events that made them.

Events are taken in the order of their numbers, which were given under the locks of their agents. A
match is computed as :func:`aragora_sql.stores.elo.matches.play` does; where its K factor is not
known (the older system did not keep it), and for other events, the stored change counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from aragora_sql.stores.elo.formulas import rating_changes
from aragora_sql.stores.elo.records import (
    AgentRating,
    Match,
    RatingDifference,
    floats,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.elo import (
        PageDomainRatingsRow,
        PageHistoryRow,
        RepairDomainRatingParameters,
        RepairHistoryParameters,
        RepairMatchParameters,
        RepairRatingParameters,
    )

__all__ = ["Replay"]


@dataclass(slots=True)
class _Totals:
    """What a replay makes of an agent."""

    elo: float
    wins: int = 0
    losses: int = 0
    draws: int = 0
    debates_count: int = 0

    def count(self, agent_name: str, winner: str | None) -> None:
        self.debates_count += 1
        if winner is None:
            self.draws += 1
        elif winner == agent_name:
            self.wins += 1
        else:
            self.losses += 1


@dataclass(slots=True)
class _Running:
    """A match of which some events are still to come: these come one after the other."""

    changes: dict[str, float]
    after: dict[str, float]
    waiting: set[str]


@dataclass(slots=True)
class _DomainTotals:
    elo: float
    debates_count: int = 0


@dataclass(slots=True)
class Replay:
    """The state of a replay. ``is_whole``: from the first event on, so counts are compared too."""

    is_whole: bool
    matches: int = 0
    events: int = 0
    differences: list[RatingDifference] = field(default_factory=list)
    match_repairs: list[RepairMatchParameters] = field(default_factory=list)
    history_repairs: list[RepairHistoryParameters] = field(default_factory=list)
    _agents: dict[str, _Totals] = field(default_factory=dict)
    _domains: dict[tuple[str, str], _DomainTotals] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)

    @property
    def agents(self) -> list[str]:
        """The agents that events were about."""
        return list(self._agents)

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Return those of these agents whose rating before the replay is still to be given."""
        return sorted({name for name in names if name not in self._agents})

    def begin(self, agent_name: str, elo: float) -> None:
        """Give the rating of an agent before its first event."""
        self._agents[agent_name] = _Totals(elo)

    def begin_domain(self, row: PageDomainRatingsRow) -> None:
        """Give the rating of an agent in a domain before its first event."""
        self._domains[row["agent_name"], row["domain"]] = _DomainTotals(row["initial_elo"])

    def take(self, rows: Sequence[PageHistoryRow], matches: Mapping[str, Match]) -> None:
        """Replay a page of events; ``matches`` are those that it names."""
        for row in rows:
            self.events += 1
            match = matches.get(row["reference"] or "") if row["kind"] == "match" else None
            change = row["change"]
            domain_change = row["domain_change"]
            if match is not None:
                change, elo = self._played(match, row["agent_name"], change)
                domain_change = change if match.domain is not None else None
            elif change is None:
                elo = self._agents[row["agent_name"]].elo
            else:
                elo = self._add(row["agent_name"], change)
            if (elo, change) != (row["elo"], row["change"]) and row["change"] is not None:
                self.history_repairs.append({"number": row["number"], "elo": elo, "change": change})
            self._in_domain(row, domain_change)

    def _played(self, match: Match, agent_name: str, stored: float | None) -> tuple[float, float]:
        """Return the change and the rating of a participant, whose event this is."""
        totals = self._agents[agent_name]
        totals.count(agent_name, match.winner)
        if match.k_factor is None or agent_name not in match.scores:
            change = match.elo_changes.get(agent_name, stored or 0.0)
            self.matches += agent_name == match.participants[0] if match.participants else 0
            return change, self._add(agent_name, change)
        running = self._running.get(match.debate_id)
        if running is None:
            running = self._running[match.debate_id] = self._play(match, match.k_factor)
        running.waiting.discard(agent_name)
        if not running.waiting:
            del self._running[match.debate_id]
        return running.changes[agent_name], running.after[agent_name]

    def _play(self, match: Match, k_factor: float) -> _Running:
        self.matches += 1
        weight = 1.0 if match.confidence_weight is None else match.confidence_weight
        ratings = {name: self._agents[name].elo for name in match.participants}
        changes = rating_changes(
            ratings, match.scores, match.participants, k_factor, weight, match.multipliers
        )
        after = {name: self._add(name, change) for name, change in changes.items()}
        if changes != match.elo_changes:
            self.match_repairs.append({"debate_id": match.debate_id, "elo_changes": changes})
            self.differences += [
                RatingDifference(
                    agent_name=name,
                    field="elo_changes",
                    stored=match.elo_changes.get(name, 0.0),
                    replayed=change,
                    debate_id=match.debate_id,
                )
                for name, change in changes.items()
                if change != match.elo_changes.get(name)
            ]
        return _Running(changes, after, set(match.participants))

    def _add(self, agent_name: str, change: float) -> float:
        totals = self._agents[agent_name]
        totals.elo += change
        return totals.elo

    def _in_domain(self, row: PageHistoryRow, change: float | None) -> None:
        if row["domain"] is None or change is None:
            return
        totals = self._domains.get((row["agent_name"], row["domain"]))
        if totals is not None:
            totals.elo += change
            totals.debates_count += row["kind"] == "match"

    def compare(self, rating: AgentRating, now: datetime) -> RepairRatingParameters | None:
        """Compare the rating of an agent; return what to store where it differs."""
        totals = self._agents.get(rating.agent_name)
        if totals is None:
            if not self.is_whole:
                return None
            totals = _Totals(rating.initial_elo)
        names = ("wins", "losses", "draws", "debates_count") if self.is_whole else ()
        found = [
            RatingDifference(
                agent_name=rating.agent_name,
                field=name,
                stored=rating[name],
                replayed=getattr(totals, name),
            )
            for name in ("elo", *names)
            if rating[name] != getattr(totals, name)
        ]
        if not found:
            return None
        self.differences += found
        counts = totals if self.is_whole else rating
        return {
            "agent_name": rating.agent_name,
            "elo": totals.elo,
            "wins": counts.wins,
            "losses": counts.losses,
            "draws": counts.draws,
            "debates_count": counts.debates_count,
            "updated_at": now,
        }

    def compare_domain(
        self, row: PageDomainRatingsRow, now: datetime
    ) -> RepairDomainRatingParameters | None:
        """Compare the rating of an agent in a domain; return what to store where it differs."""
        totals = self._domains[row["agent_name"], row["domain"]]
        found = list(self._differences_of(row, totals))
        if not found:
            return None
        self.differences += found
        return {
            "agent_name": row["agent_name"],
            "domain": row["domain"],
            "elo": totals.elo,
            "debates_count": totals.debates_count,
            "updated_at": now,
        }

    @staticmethod
    def _differences_of(
        row: PageDomainRatingsRow, totals: _DomainTotals
    ) -> Iterator[RatingDifference]:
        pairs = {
            "elo": (row["elo"], totals.elo),
            "debates_count": (row["debates_count"], totals.debates_count),
        }
        for name, (stored, replayed) in pairs.items():
            if stored != replayed:
                yield RatingDifference(
                    agent_name=row["agent_name"],
                    field=name,
                    stored=stored,
                    replayed=replayed,
                    domain=row["domain"],
                )


def match_of(row: Mapping[str, object]) -> Match:
    """Make a match of its row; numbers of documents become floats."""
    values = dict(row)
    for name in ("scores", "elo_changes", "multipliers"):
        document = values[name]
        values[name] = floats(document) if isinstance(document, Mapping) else None
    return Match(**values)  # type: ignore[arg-type]
