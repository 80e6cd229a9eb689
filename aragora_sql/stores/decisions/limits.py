"""How long results of decisions are kept, and how many.

===================================  ===============================================================
variable                             meaning
===================================  ===============================================================
``ARAGORA_DECISION_RETENTION_DAYS``  days that a result is kept from its last save on, perhaps a
                                     fraction (default 1)
``ARAGORA_DECISION_MAX_ENTRIES``     most results that are kept (default 10000)
===================================  ===============================================================
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from aragora_sql.errors import ConfigurationError

__all__ = ["DecisionLimits"]

RETENTION_DAYS = "ARAGORA_DECISION_RETENTION_DAYS"
MAX_ENTRIES = "ARAGORA_DECISION_MAX_ENTRIES"
# Some hundred years: no time that is made with it leaves the calendar.
LONGEST_DAYS = 100_000.0
MOST_ENTRIES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DecisionLimits:
    """The limits: days from the last save on, and a number of results."""

    retention_days: float = 1.0
    max_entries: int = 10_000

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the limits from the environment. Raises :class:`ConfigurationError`."""
        env = os.environ if environ is None else environ
        days = env.get(RETENTION_DAYS, "").strip()
        entries = env.get(MAX_ENTRIES, "").strip()
        limits = cls()
        if days:
            limits = replace(limits, retention_days=_days(days))
        if entries:
            limits = replace(limits, max_entries=_entries(entries))
        return limits


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 < days <= LONGEST_DAYS:
        raise ConfigurationError(
            f"{RETENTION_DAYS}: {text!r} is not a number of days above 0 and up to {LONGEST_DAYS:g}"
        )
    return days


def _entries(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_ENTRIES:
        raise ConfigurationError(f"{MAX_ENTRIES}: {text!r} is not a whole number from 1 up")
    return int(text)
