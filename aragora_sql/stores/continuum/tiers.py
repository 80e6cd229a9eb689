"""The four tiers, their constants, and the rules by which entries learn and move.

======================  ======  ======  ======  =======
tier                    fast    medium  slow    glacial
======================  ======  ======  ======  =======
half-life in hours      1       24      168     720
learning rate           0.3     0.1     0.03    0.01
learning decay          0.95    0.99    0.999   0.9999
promoted if s above     never   0.7     0.6     0.5
demoted if 1 - s above  0.2     0.3     0.4     never
decay per day           24      1       0.14    0.03
most entries            1,000   5,000   10,000  50,000
======================  ======  ======  ======  =======

``s`` is the normalized surprise: ``min(1, surprise_score / (success_weight + agent_weight))``.
The divisor is the largest surprise score that outcomes can lead to (0.5 with the usual weights),
so that every threshold below 1 can be reached.

The retrieval score of an entry is ``importance * (1 + surprise_score) / (1 + age * decay)``, with
the age in days since ``updated_at`` (never below 0) and the decay of its tier. It is the one law of
decay here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MIN_UPDATES",
    "TIERS",
    "TIER_SETTINGS",
    "ContinuumParameters",
    "MemoryTier",
    "TierSettings",
    "TierWord",
    "checked_tier",
    "checked_tiers",
    "faster",
    "slower",
]

# An entry moves by its surprise once it had so many updates: the index of surprise scores of both
# schemas holds these entries only.
MIN_UPDATES = 10

TierWord = Literal["fast", "medium", "slow", "glacial"]


class MemoryTier(StrEnum):
    """How fast an entry changes and fades."""

    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"
    GLACIAL = "glacial"


# From the slowest to the fastest.
TIERS: tuple[TierWord, ...] = get_args(TierWord)[::-1]


@dataclass(frozen=True, slots=True)
class TierSettings:
    """The constants of a tier; see the module."""

    half_life_hours: float
    update_frequency: str
    learning_rate: float
    learning_decay: float
    promotion_threshold: float
    demotion_threshold: float
    decay_per_day: float


TIER_SETTINGS: Mapping[TierWord, TierSettings] = MappingProxyType(
    {
        "fast": TierSettings(1.0, "event", 0.3, 0.95, 1.0, 0.2, 24.0),
        "medium": TierSettings(24.0, "round", 0.1, 0.99, 0.7, 0.3, 1.0),
        "slow": TierSettings(168.0, "cycle", 0.03, 0.999, 0.6, 0.4, 0.14),
        "glacial": TierSettings(720.0, "monthly", 0.01, 0.9999, 0.5, 1.0, 0.03),
    }
)


def _limits() -> dict[str, int]:
    return {"fast": 1000, "medium": 5000, "slow": 10_000, "glacial": 50_000}


@dataclass(frozen=True, slots=True)
class ContinuumParameters:
    """What can be set of one :class:`ContinuumMemory`.

    ``success_weight`` and ``agent_weight`` are the shares of an outcome and of the agent's error in
    a new surprise, together above 0 and at most 1. ``consolidation_threshold`` is the number at
    which the consolidation score is 1: after n outcomes it is ``ln(1 + n) / ln(threshold)``.
    ``promotion_cooldown_hours`` pass between two promotions of an entry, and
    ``consolidation_pause_hours`` between two moves by :meth:`ContinuumMemory.consolidate`. An entry
    is cleaned up when it is older than ``retention_multiplier`` half-lives of its tier.
    """

    success_weight: float = 0.3
    agent_weight: float = 0.2
    consolidation_threshold: int = 100
    promotion_cooldown_hours: float = 24.0
    consolidation_pause_hours: float = 1.0
    retention_multiplier: float = 2.0
    max_entries_per_tier: Mapping[str, int] = field(default_factory=_limits)

    def __post_init__(self) -> None:
        valid.fraction(self.success_weight, "success_weight")
        valid.fraction(self.agent_weight, "agent_weight")
        if not 0 < self.largest_surprise <= 1:
            raise InvalidInputError(
                "success_weight", "with agent_weight it must be above 0 and at most 1"
            )
        valid.integer(self.consolidation_threshold, "consolidation_threshold", 2, 100_000)
        for name in (
            "promotion_cooldown_hours",
            "consolidation_pause_hours",
            "retention_multiplier",
        ):
            valid.number(getattr(self, name), name, most=1e6)
        limits = mapping(self.max_entries_per_tier, "max_entries_per_tier")
        for tier in limits:
            checked_tier(tier, "max_entries_per_tier")
        for tier in TIERS:
            valid.integer(limits.get(tier), f"max_entries_per_tier[{tier!r}]")
        object.__setattr__(self, "max_entries_per_tier", MappingProxyType(dict(limits)))

    @property
    def largest_surprise(self) -> float:
        """The largest surprise score that outcomes lead to."""
        return self.success_weight + self.agent_weight

    def curve(self) -> list[float]:
        """Return the consolidation score by the number of outcomes before one, while below 1."""
        whole = math.log(self.consolidation_threshold)
        return [math.log(2 + n) / whole for n in range(self.consolidation_threshold - 2)]

    def promoted_above(self, tier: TierWord) -> float | None:
        """Return the surprise score above which an entry is promoted; None: never."""
        threshold = TIER_SETTINGS[tier].promotion_threshold
        return None if threshold >= 1 else threshold * self.largest_surprise

    def demoted_below(self, tier: TierWord) -> float | None:
        """Return the surprise score below which an entry is demoted; None: never."""
        threshold = TIER_SETTINGS[tier].demotion_threshold
        return None if threshold >= 1 else (1 - threshold) * self.largest_surprise

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters in a form that JSON can hold."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**named, "max_entries_per_tier": dict(self.max_entries_per_tier)}


def checked_tier(value: object, argument: str = "tier") -> TierWord:
    """Check the name of a tier."""
    return valid.choice(value, argument, get_args(TierWord))


def checked_tiers(value: object, argument: str = "tiers") -> list[TierWord]:
    """Check a list of tiers and leave out repeats; None is all of them."""
    if value is None:
        return list(get_args(TierWord))
    named = [
        checked_tier(one, f"{argument}[{i}]") for i, one in enumerate(valid.items(value, argument))
    ]
    return list(dict.fromkeys(named))


def faster(tier: TierWord) -> TierWord | None:
    """Return the next faster tier; None: there is none."""
    place = TIERS.index(tier) + 1
    return TIERS[place] if place < len(TIERS) else None


def slower(tier: TierWord) -> TierWord | None:
    """Return the next slower tier; None: there is none."""
    place = TIERS.index(tier)
    return TIERS[place - 1] if place else None
