"""What is told of read replicas: to health, metrics and doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ReplicaState", "ReplicaWord"]

# ready: reads go there. lagging: its data is too old. away: it does not answer. primary: it takes
# writes. refused: it can't be used as it is set up; `problem` says why. unproven: after a failover,
# whether it follows the new primary is not known yet. starting: it was not asked yet.
ReplicaWord = Literal["ready", "lagging", "away", "primary", "refused", "unproven", "starting"]


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """A replica that reads may go to, as this process sees it.

    ``name`` is its host and port. ``lag_seconds`` is how old its data is at most, None when that is
    not known; ``lag_bytes`` how much of the log it had not applied when both were asked last.
    ``reads`` counts units of work, ``moved`` statements that were run again on the primary, and
    ``behind`` units that waited for it in vain and went to the primary.
    """

    name: str
    word: ReplicaWord
    problem: str | None
    in_flight: int
    reads: int
    moved: int
    behind: int
    lag_seconds: float | None
    lag_bytes: int | None
