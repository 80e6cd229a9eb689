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

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from aragora_sql.errors import ConfigurationError
from aragora_sql.stores.batches import days_of

__all__ = ["DecisionLimits"]

RETENTION_DAYS = "ARAGORA_DECISION_RETENTION_DAYS"
MAX_ENTRIES = "ARAGORA_DECISION_MAX_ENTRIES"
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
        entries = env.get(MAX_ENTRIES, "").strip()
        limits = cls()
        limits = replace(
            limits, retention_days=days_of(None, RETENTION_DAYS, limits.retention_days, env)
        )
        if entries:
            limits = replace(limits, max_entries=_entries(entries))
        return limits


def _entries(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_ENTRIES:
        raise ConfigurationError(f"{MAX_ENTRIES}: {text!r} is not a whole number from 1 up")
    return int(text)
