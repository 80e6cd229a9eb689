"""The states of a finding, and which state leads to which."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from aragora_sql.errors import InvalidTransitionError

__all__ = [
    "FINDING_STATES",
    "LEGACY_STATES",
    "TERMINAL_STATES",
    "TRANSITIONS",
    "FindingState",
    "FindingStateWord",
    "LegacyStateWord",
    "allowed_transitions",
    "check_transition",
    "is_terminal",
]


class FindingState(StrEnum):
    """The states that a finding can be brought into."""

    OPEN = "open"
    TRIAGING = "triaging"
    INVESTIGATING = "investigating"
    REMEDIATING = "remediating"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    ACCEPTED_RISK = "accepted_risk"
    DUPLICATE = "duplicate"


# The same words, for those who write them as text: a type checker finds a mistake in one.
FindingStateWord = Literal[
    "open",
    "triaging",
    "investigating",
    "remediating",
    "resolved",
    "false_positive",
    "accepted_risk",
    "duplicate",
]
LegacyStateWord = Literal["acknowledged", "wont_fix"]

FINDING_STATES: tuple[FindingStateWord, ...] = get_args(FindingStateWord)

# Older findings may be in these; nothing leads into them any more.
LEGACY_STATES: tuple[LegacyStateWord, ...] = get_args(LegacyStateWord)

# sql/*/workflow/schema.sql says the same in the column is_terminal.
TERMINAL_STATES = frozenset(
    {"resolved", "false_positive", "accepted_risk", "duplicate", "wont_fix"}
)

TRANSITIONS: dict[str, tuple[FindingStateWord, ...]] = {
    "open": ("triaging", "investigating", "false_positive", "duplicate"),
    "triaging": ("investigating", "false_positive", "accepted_risk", "duplicate", "open"),
    "investigating": ("remediating", "false_positive", "accepted_risk", "triaging"),
    "remediating": ("resolved", "investigating", "accepted_risk"),
    "resolved": ("open",),
    "false_positive": ("open",),
    "accepted_risk": ("open", "remediating"),
    "duplicate": ("open",),
    "acknowledged": ("investigating", "false_positive"),
    "wont_fix": ("open",),
}
# A state that nobody knows is a way back to the beginning, or its finding could never move.
_FROM_UNKNOWN: tuple[FindingStateWord, ...] = ("open",)


def allowed_transitions(state: str) -> tuple[FindingStateWord, ...]:
    """Return the states that ``state`` leads to; one that is not known leads to ``open``."""
    return TRANSITIONS.get(state, _FROM_UNKNOWN)


def check_transition(from_state: str, to_state: str) -> None:
    """Raise :class:`~aragora_sql.errors.InvalidTransitionError` unless one leads to the other."""
    allowed = allowed_transitions(from_state)
    if to_state not in allowed:
        raise InvalidTransitionError(from_state, to_state, allowed)


def is_terminal(state: str) -> bool:
    """Tell whether a state ends the work on a finding."""
    return state in TERMINAL_STATES
