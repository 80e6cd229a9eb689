"""What matches and updates change: the rows that they add to ratings and relationships."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import format_timestamp, utc_now
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.elo.formulas import calibration_multiplier
from aragora_sql.stores.elo.matches import NewMatch, PlayedMatch

if TYPE_CHECKING:
    from aragora_sql.queries.typed.elo import (
        AddRelationshipsParameters,
        InsertHistoryParameters,
        InsertMatchParameters,
        PlayInDomainParameters,
        SetRatingsParameters,
    )

__all__ = [
    "PlayedRows",
    "played_rows",
    "relationship_update",
    "two_agents",
    "with_multipliers",
]

# The arguments of update_relationship() that count something of both agents, and those that count
# something from one to the other, with the columns for one order of the names and the other.
_OF_BOTH = {"debate_increment": "debate_count", "agreement_increment": "agreement_count"}
_DIRECTED = {
    "critique_a_to_b": ("critique_count_a_to_b", "critique_count_b_to_a"),
    "critique_b_to_a": ("critique_count_b_to_a", "critique_count_a_to_b"),
    "critique_accepted_a_to_b": ("critique_accepted_a_to_b", "critique_accepted_b_to_a"),
    "critique_accepted_b_to_a": ("critique_accepted_b_to_a", "critique_accepted_a_to_b"),
    "position_change_a_after_b": ("position_changes_a_after_b", "position_changes_b_after_a"),
    "position_change_b_after_a": ("position_changes_b_after_a", "position_changes_a_after_b"),
    "a_win": ("a_wins_over_b", "b_wins_over_a"),
    "b_win": ("b_wins_over_a", "a_wins_over_b"),
}


async def with_multipliers(matches: list[NewMatch], tracker: Any) -> list[NewMatch]:
    """Return matches with the factors of their participants by their calibration errors."""
    errors: dict[str, float] = {}
    ask = getattr(tracker, "get_expected_calibration_error", None)
    if not callable(ask):
        raise InvalidInputError(
            "calibration_tracker", "must have a method get_expected_calibration_error(agent_name)"
        )
    for name in sorted({name for match in matches for name in match.participants}):
        answer = ask(name)
        error = await answer if inspect.isawaitable(answer) else answer
        errors[name] = valid.fraction(error, "calibration_tracker")
    return [
        replace(
            match,
            multipliers={name: calibration_multiplier(errors[name]) for name in match.participants},
        )
        for match in matches
    ]


@dataclass(frozen=True, slots=True)
class PlayedRows:
    """The rows that matches add or change, by the query that writes them one by one."""

    insert_match: list[InsertMatchParameters]
    set_ratings: list[SetRatingsParameters]
    insert_history: list[InsertHistoryParameters]
    add_relationships: list[AddRelationshipsParameters]
    play_in_domain: list[PlayInDomainParameters]

    def names(self) -> list[str]:
        """Return the agents whose ratings change, in the order of their names."""
        return [row["agent_name"] for row in self.set_ratings]

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """Return them as documents, with timestamps as text and the place of each row."""
        return {
            name: [
                {
                    key: format_timestamp(value) if isinstance(value, datetime) else value
                    for key, value in {**row, "place": place}.items()
                }
                for place, row in enumerate(getattr(self, name))
            ]
            for name in self.__slots__
        }


def played_rows(
    played: list[PlayedMatch],
    before: Mapping[str, float],
    after: Mapping[str, float],
    k_factor: float,
    initial: float,
) -> PlayedRows:
    """Return the rows of matches; ratings ``before`` and ``after`` all of them."""
    return PlayedRows(
        insert_match=[
            {
                "debate_id": one.match.debate_id,
                "winner": one.match.winner,
                "participants": list(one.match.participants),
                "scores": one.match.scores,
                "elo_changes": one.changes,
                "multipliers": one.match.multipliers,
                "domain": one.match.domain,
                "confidence_weight": one.match.confidence_weight,
                "k_factor": k_factor,
                "created_at": one.played_at,
            }
            for one in played
        ],
        set_ratings=_rating_rows(played, before, after),
        insert_history=[
            {
                "agent_name": name,
                "kind": "match",
                "reference": one.match.debate_id,
                "domain": one.match.domain,
                "elo": one.ratings[name],
                "change": change,
                "domain_change": None if one.match.domain is None else change,
                "created_at": one.played_at,
            }
            for one in played
            for name, change in one.changes.items()
        ],
        add_relationships=_relationship_rows(played),
        play_in_domain=[
            {
                "agent_name": name,
                "domain": one.match.domain,
                "elo": initial,
                "change": change,
                "played_at": one.played_at,
            }
            for one in played
            if one.match.domain is not None
            for name, change in one.changes.items()
        ],
    )


def _rating_rows(
    played: list[PlayedMatch], before: Mapping[str, float], ratings: Mapping[str, float]
) -> list[SetRatingsParameters]:
    """Return what matches changed of each agent's row, by name."""
    rows: dict[str, SetRatingsParameters] = {}
    for one in played:
        winner = one.match.winner
        for name in one.match.participants:
            row = rows.setdefault(
                name,
                {
                    "agent_name": name,
                    "elo": ratings[name],
                    "elo_before": before[name],
                    "wins": 0,
                    "losses": 0,
                    "draws": 0,
                    "debates": 0,
                    "played_at": one.played_at,
                },
            )
            row["debates"] += 1
            row["played_at"] = max(row["played_at"] or one.played_at, one.played_at)
            if winner is None:
                row["draws"] += 1
            elif winner == name:
                row["wins"] += 1
            else:
                row["losses"] += 1
    return [rows[name] for name in sorted(rows)]


def _relationship_rows(played: list[PlayedMatch]) -> list[AddRelationshipsParameters]:
    """Return what matches changed between each pair, in the order of names."""
    rows: dict[tuple[str, str], AddRelationshipsParameters] = {}
    for one in played:
        for a, b in one.pairs():
            row = rows.setdefault((a, b), _no_increments(a, b, one.played_at))
            row["debate_count"] += 1
            row["a_wins_over_b"] += one.match.winner == a
            row["b_wins_over_a"] += one.match.winner == b
            row["updated_at"] = max(row["updated_at"], one.played_at)
    return [rows[pair] for pair in sorted(rows)]


def _no_increments(lower: str, higher: str, now: datetime) -> AddRelationshipsParameters:
    return {
        "agent_a": lower,
        "agent_b": higher,
        "debate_count": 0,
        "agreement_count": 0,
        "critique_count_a_to_b": 0,
        "critique_count_b_to_a": 0,
        "critique_accepted_a_to_b": 0,
        "critique_accepted_b_to_a": 0,
        "position_changes_a_after_b": 0,
        "position_changes_b_after_a": 0,
        "a_wins_over_b": 0,
        "b_wins_over_a": 0,
        "updated_at": now,
    }


def relationship_update(
    path: str, agent_a: str, agent_b: str, **increments: int
) -> tuple[None, AddRelationshipsParameters]:
    """Check what is added to a pair, and turn it into the order of the names."""
    a, b = two_agents(agent_a, agent_b, path)
    row: Any = _no_increments(min(a, b), max(a, b), utc_now())
    for name, value in increments.items():
        if name in _OF_BOTH:
            column = _OF_BOTH[name]
        elif name in _DIRECTED:
            column = _DIRECTED[name][a > b]
        else:
            raise TypeError(f"relationship_update() got an unexpected keyword argument {name!r}")
        row[column] = valid.integer(value, f"{path}{name}")
    return None, row


def two_agents(agent_a: str, agent_b: str, path: str = "") -> tuple[str, str]:
    """Check two names, which have to be of different agents."""
    a, b = valid.key(agent_a, f"{path}agent_a"), valid.key(agent_b, f"{path}agent_b")
    if a == b:
        raise InvalidInputError(f"{path}agent_b", f"must be another agent than {valid.shown(a)}")
    return a, b
