"""Matches before they are stored: the arguments of ``record_match``, and what a match changes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.elo.formulas import LEAST_WEIGHT, rating_changes, strict_winner
from aragora_sql.stores.ids import prefixed_id

__all__ = ["NewMatch", "PlayedMatch", "new_match", "play", "score_number"]

# Two of them still make a finite sum.
LARGEST_SCORE = 1e300


@dataclass(frozen=True, slots=True)
class NewMatch:
    """A match whose arguments were checked; ``created_at`` is None for the present time."""

    debate_id: str
    participants: tuple[str, ...]
    scores: dict[str, float]
    winner: str | None
    domain: str | None
    confidence_weight: float
    created_at: datetime | None
    multipliers: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class PlayedMatch:
    """A match with the changes that it made and the ratings after it."""

    match: NewMatch
    played_at: datetime
    changes: dict[str, float]
    ratings: dict[str, float]

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Return the pairs of participants, each in the order of code points."""
        return combinations(sorted(self.match.participants), 2)


def play(
    match: NewMatch, ratings: MutableMapping[str, float], k_factor: float, played_at: datetime
) -> PlayedMatch:
    """Compute a match from the ratings before it, and change these."""
    changes = rating_changes(
        ratings,
        match.scores,
        match.participants,
        k_factor,
        match.confidence_weight,
        match.multipliers,
    )
    for name, change in changes.items():
        ratings[name] += change
    after = {name: ratings[name] for name in match.participants}
    return PlayedMatch(match, played_at, changes, after)


def new_match(
    path: str,
    debate_id: str | None = None,
    participants: Iterable[str] | str | None = None,
    scores: Mapping[str, float] | None = None,
    domain: str | None = None,
    confidence_weight: float = 1.0,
    *,
    winner: str | None = None,
    loser: str | None = None,
    draw: bool = False,
    task: str | None = None,
    created_at: datetime | None = None,
) -> tuple[None, NewMatch]:
    """Check the arguments of a match, in any of the forms that ``record_match`` takes."""
    if isinstance(participants, str):
        # The older form: record_match(winner, loser).
        if winner is not None or loser is not None:
            raise InvalidInputError(
                f"{path}participants", "must be a list of agents where winner or loser is given"
            )
        debate_id, participants, winner, loser = None, None, debate_id, participants
    is_draw = valid.boolean(draw, f"{path}draw")
    if participants is None:
        names = _both(path, winner, loser)
    else:
        names = _participants(path, participants)
        for argument, name in (("winner", winner), ("loser", loser)):
            if name is not None and valid.key(name, f"{path}{argument}") not in names:
                raise InvalidInputError(
                    f"{path}{argument}", f"{valid.shown(name)} did not take part"
                )
    checked = _scores(path, names, scores, winner, loser, is_draw)
    checked_domain = valid.optional(domain, f"{path}domain", valid.key)
    subject = valid.optional(task, f"{path}task", valid.identifier) or checked_domain or "debate"
    weight = valid.number(confidence_weight, f"{path}confidence_weight", least=-math.inf)
    return None, NewMatch(
        debate_id=_new_id(subject, names)
        if debate_id is None
        else valid.key(debate_id, f"{path}debate_id"),
        participants=names,
        scores=checked,
        winner=strict_winner(checked),
        domain=checked_domain,
        confidence_weight=min(1.0, max(LEAST_WEIGHT, weight)),
        created_at=valid.optional(created_at, f"{path}created_at", valid.timestamp),
    )


def score_number(value: object, argument: str) -> float:
    """Check a score: a finite number of at least 0."""
    return valid.number(value, argument, 0.0, LARGEST_SCORE) + 0.0


def _both(path: str, winner: str | None, loser: str | None) -> tuple[str, ...]:
    """Return the two agents of the older form."""
    if winner is None and loser is None:
        argument = path.removesuffix(".") or "participants"
        raise InvalidInputError(argument, "must name participants, or a winner and a loser")
    return _participants(
        path, [valid.key(winner, f"{path}winner"), valid.key(loser, f"{path}loser")], "loser"
    )


def _participants(
    path: str, given: Iterable[str], argument: str = "participants"
) -> tuple[str, ...]:
    listed = valid.items(given, f"{path}participants")
    names = tuple(valid.key(name, f"{path}participants[{n}]") for n, name in enumerate(listed))
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InvalidInputError(f"{path}{argument}", f"names {valid.shown(name)} twice")
    if len(names) < 2:
        raise InvalidInputError(f"{path}participants", "must name at least two agents")
    return names


def _scores(
    path: str,
    names: tuple[str, ...],
    scores: Mapping[str, float] | None,
    winner: str | None,
    loser: str | None,
    is_draw: bool,
) -> dict[str, float]:
    """Return the score of each participant, in the order of the participants."""
    if scores is None:
        if is_draw:
            return dict.fromkeys(names, 0.5)
        if winner is None:
            raise InvalidInputError(
                f"{path}scores", "is missing; give the scores, a winner, or draw=True"
            )
        return {name: float(name == winner) for name in names}
    if not isinstance(scores, Mapping):
        raise InvalidInputError(
            f"{path}scores", f"must be a dictionary, not {type(scores).__name__}"
        )
    if is_draw or loser is not None:
        raise InvalidInputError(f"{path}scores", "is not given together with draw or loser")
    for name in scores:
        if name not in names:
            raise InvalidInputError(f"{path}scores", f"{valid.shown(name)} did not take part")
    for name in names:
        if name not in scores:
            raise InvalidInputError(f"{path}scores", f"is missing for {valid.shown(name)}")
    checked = {name: score_number(scores[name], f"{path}scores[{name!r}]") for name in names}
    if winner is not None and strict_winner(checked) != winner:
        raise InvalidInputError(
            f"{path}winner", f"{valid.shown(winner)} does not have the highest score"
        )
    return checked


def _new_id(subject: str, names: tuple[str, ...]) -> str:
    """Return an id as the older system made it, with more digits, cut to fit into an index."""
    tail = prefixed_id("-")
    head = f"{subject}-{'-vs-'.join(names)}".encode()[: valid.LONGEST_KEY - len(tail)]
    return head.decode(errors="ignore") + tail
