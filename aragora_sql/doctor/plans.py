"""How many connections Supabase's plans allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PLANS", "PlanLimits"]


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """Connections to the server itself, and of clients to a pooler."""

    direct: int
    pooled: int


PLANS: Mapping[str, PlanLimits | None] = {
    "free": PlanLimits(10, 200),
    "pro": PlanLimits(60, 200),
    "team": PlanLimits(120, 200),
    "enterprise": None,
}
"""By the name of the plan; None where the limits are agreed upon one by one."""
