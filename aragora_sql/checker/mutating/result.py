"""What became of the edits, by store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aragora_sql.engines.findings import Finding, shown_path

__all__ = ["APART", "LEAST", "Mutated", "Outcome", "StoreResult", "Undecided"]

# The share of edits that have to be noticed, per store.
LEAST = 0.95
# What is told apart and not counted.
REFUSED, SAME, DECLARED = "refused", "same", "declared"
PLAN = "plan-snapshot"
UNNOTICED = "unnoticed"
APART = (REFUSED, SAME, DECLARED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An edit, where it was made, and what became of it.

    ``verdict`` is the rule that noticed it, ``unnoticed``, or why it is not counted: ``refused``
    (an engine does not prepare it, which every check says), ``same`` (the engine runs the same
    program), ``declared`` (a comment says that no answer depends on it).
    """

    store: str
    dialect: str
    query: str
    path: Path
    line: int
    column: int
    kind: str
    before: str
    after: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """A condition that no call decided.

    ``missing`` says what it never was where that would have shown: ``true``, ``false``, or both.
    """

    store: str
    dialect: str
    query: str
    path: Path
    line: int
    column: int
    condition: str
    missing: str


@dataclass(frozen=True, slots=True)
class StoreResult:
    """The edits and conditions of one store.

    ``differing`` are queries whose answers differ between the dialects without any edit, so that
    less is noticed of their edits. ``findings`` are about comments that declare too much.
    """

    store: str
    outcomes: Sequence[Outcome]
    conditions: int
    undecided: Sequence[Undecided]
    differing: Sequence[str] = ()
    findings: Sequence[Finding] = ()

    @property
    def verdicts(self) -> Counter[str]:
        """How many edits have each verdict."""
        return Counter(outcome.verdict for outcome in self.outcomes)

    @property
    def counted(self) -> int:
        """How many edits are counted."""
        return sum(outcome.verdict not in APART for outcome in self.outcomes)

    @property
    def unnoticed(self) -> list[Outcome]:
        """The edits that no rule notices."""
        return [outcome for outcome in self.outcomes if outcome.verdict == UNNOTICED]

    @property
    def share(self) -> float:
        """The noticed edits as a fraction of the counted ones; 1 when there are none."""
        return 1 - len(self.unnoticed) / self.counted if self.counted else 1.0

    @property
    def share_without_plans(self) -> float:
        """As ``share``, without those that nothing but the snapshot of plans notices."""
        return self.share - self.verdicts[PLAN] / self.counted if self.counted else 1.0

    @property
    def failed(self) -> bool:
        """Whether less is noticed than has to be, or a comment declares too much."""
        return self.share < LEAST or bool(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it in a form that JSON can hold."""
        verdicts = self.verdicts
        return {
            "store": self.store,
            "edits": self.counted,
            "share": round(self.share, 4),
            "share_without_plans": round(self.share_without_plans, 4),
            "noticed_by": {
                rule: number
                for rule, number in sorted(verdicts.items())
                if rule not in {*APART, UNNOTICED}
            },
            "not_counted": {reason: verdicts[reason] for reason in APART},
            "unnoticed": [_shown(outcome) for outcome in self.unnoticed],
            "conditions": self.conditions,
            "undecided": [_shown(one) for one in self.undecided],
            "differing": list(self.differing),
            "findings": [finding.to_dict() for finding in self.findings],
        }


def _shown(found: Outcome | Undecided) -> dict[str, Any]:
    return {**asdict(found), "path": shown_path(found.path)}


@dataclass(frozen=True, slots=True)
class Mutated:
    """The stores that were edited."""

    stores: Sequence[StoreResult]
    versions: str
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a store failed."""
        return any(store.failed for store in self.stores)
