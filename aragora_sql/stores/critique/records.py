"""What the critique store returns and takes: records, formulas, and checks of new rows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import dump_json
from aragora_sql.stores import validation as valid
from aragora_sql.stores.records import Record

if TYPE_CHECKING:
    from aragora_sql.queries.typed.critique import (
        InsertCritiqueParameters,
        InsertCritiquesParameters,
        UpsertDebateParameters,
    )

__all__ = [
    "AgentReputation",
    "ArchiveStats",
    "Critique",
    "CritiqueStats",
    "Debate",
    "DebateWithCritiques",
    "Pattern",
    "RankedPattern",
    "TrainingExample",
    "issue_category",
    "new_critique",
    "new_debate",
    "pattern_id",
    "severity_number",
]

MOST_SEVERE = 10.0

# What makes a critique; the rest of its record comes from the store.
CRITIQUE_CONTENT = (
    "debate_id",
    "agent",
    "target_agent",
    "issues",
    "suggestions",
    "severity",
    "reasoning",
    "expected_usefulness",
)

# The first category whose word stem begins a word of the issue wins. "un" may come before the
# stem (unreadable); elsewhere inside a word a stem means something else (latest, community).
_CATEGORIES = {
    "performance": "slow performance efficient optimize speed latency",
    "security": "security vulnerab injection auth(?!or(?!i[sz])) permission xss csrf",
    "correctness": "bug error incorrect wrong fail break crash",
    "clarity": "unclear confusing readab document comment naming",
    "architecture": "design structure pattern modular coupling cohesion",
    "completeness": r"missing incomplete todo edge\s+case handle",
    "testing": "test coverage assert mock unit integration",
}
_CATEGORY_PATTERNS = [
    (name, re.compile(rf"\b(?:un)?(?:{'|'.join(stems.split(' '))})"))
    for name, stems in _CATEGORIES.items()
]


def pattern_id(issue_text: str) -> str:
    """Return the key of an issue: 12 hexadecimal digits of SHA-256 of its lower-case text.

    The text is not trimmed here; the store trims an issue first.
    """
    return hashlib.sha256(issue_text.lower().encode()).hexdigest()[:12]


def issue_category(issue_text: str) -> str:
    """Return the category of an issue, ``general`` when no stem of a category begins a word."""
    lowered = issue_text.lower()
    for name, pattern in _CATEGORY_PATTERNS:
        if pattern.search(lowered):
            return name
    return "general"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debate(Record):
    """Result of a debate; ``confidence`` is from 0 to 1."""

    id: str
    task: str
    final_answer: str | None
    consensus_reached: bool
    confidence: float | None
    rounds_used: int | None
    duration_seconds: float | None
    grounded_verdict: dict[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Critique(Record):
    """A critique; ``severity`` is from 0 to 10, usefulness and its error from 0 to 1."""

    id: int
    debate_id: str | None
    agent: str
    target_agent: str | None
    issues: list[str]
    suggestions: list[str]
    severity: float | None
    reasoning: str | None
    led_to_improvement: bool
    expected_usefulness: float
    actual_usefulness: float | None
    prediction_error: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateWithCritiques(Debate):
    """A debate with its critiques, oldest first."""

    critiques: list[Critique]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(Record):
    """An issue that comes again and again; severity is from 0 to 10."""

    id: str
    issue_type: str
    issue_text: str
    suggestion_text: str | None
    success_count: int
    failure_count: int
    avg_severity: float
    surprise_score: float
    base_rate: float
    example_task: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def success_rate(self) -> float:
        """The fraction of successes, 0 to 1; one half before the first outcome."""
        outcomes = self.success_count + self.failure_count
        return self.success_count / outcomes if outcomes else 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPattern(Pattern):
    """A pattern with the score that it was ranked by.

    ``decay_score`` = successes * (1 + surprise) / (1 + age in days / half-life).
    """

    decay_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReputation(Record):
    """How far an agent can be relied on."""

    agent_name: str
    proposals_made: int
    proposals_accepted: int
    critiques_given: int
    critiques_valuable: int
    total_predictions: int
    total_prediction_error: float
    calibration_score: float
    updated_at: datetime

    @property
    def proposal_acceptance_rate(self) -> float:
        """Accepted proposals of those made, 0 to 1; 0 before the first."""
        return self.proposals_accepted / self.proposals_made if self.proposals_made else 0.0

    @property
    def critique_value(self) -> float:
        """Valuable critiques of those given, 0 to 1; one half before the first."""
        return self.critiques_valuable / self.critiques_given if self.critiques_given else 0.5

    @property
    def debates_participated(self) -> int:
        """The number of proposals made."""
        return self.proposals_made

    @property
    def score(self) -> float:
        """0.6 * acceptance rate + 0.4 * critique value, 0 to 1; one half without proposals."""
        if not self.proposals_made:
            return 0.5
        return 0.6 * self.proposal_acceptance_rate + 0.4 * self.critique_value

    @property
    def reputation_score(self) -> float:
        """Another name of ``score``."""
        return self.score

    @property
    def vote_weight(self) -> float:
        """0.5 + score + 0.2 * (calibration - 0.5), held between 0.4 and 1.6."""
        return min(1.6, max(0.4, 0.5 + self.score + 0.2 * (self.calibration_score - 0.5)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExample(Record):
    """A critique of a debate that reached consensus. ``id`` is the critique's number."""

    id: int
    task: str
    issues: list[str]
    suggestions: list[str]
    successful_answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CritiqueStats(Record):
    """Counts of the whole store; the mean confidence is over debates that reached consensus."""

    total_debates: int
    consensus_debates: int
    total_critiques: int
    total_patterns: int
    avg_consensus_confidence: float
    patterns_by_type: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStats(Record):
    """Counts of the archived patterns."""

    total_archived: int
    archived_by_type: dict[str, int]


def new_debate(
    path: str,
    debate_id: str,
    task: str,
    final_answer: str | None = None,
    consensus_reached: bool = False,
    confidence: float | None = None,
    rounds_used: int | None = None,
    duration_seconds: float | None = None,
    grounded_verdict: Mapping[str, Any] | None = None,
    critiques: Iterable[Mapping[str, Any]] = (),
    created_at: datetime | None = None,
) -> tuple[list[InsertCritiquesParameters], UpsertDebateParameters]:
    """Check the arguments and return the rows of the critiques and of the debate."""
    timestamp = valid.timestamp_or_now(created_at, f"{path}created_at")
    row: UpsertDebateParameters = {
        "id": valid.key(debate_id, f"{path}debate_id"),
        "task": valid.identifier(task, f"{path}task"),
        "final_answer": valid.optional_text(final_answer, f"{path}final_answer"),
        "consensus_reached": valid.boolean(consensus_reached, f"{path}consensus_reached"),
        "confidence": valid.optional(confidence, f"{path}confidence", valid.fraction),
        "rounds_used": valid.optional(rounds_used, f"{path}rounds_used", valid.integer),
        "duration_seconds": valid.optional(
            duration_seconds, f"{path}duration_seconds", valid.number
        ),
        "grounded_verdict": valid.optional(
            grounded_verdict, f"{path}grounded_verdict", valid.document
        ),
        "created_at": timestamp,
    }
    rows = [
        critique
        for _, critique in valid.prepare_each(
            new_critique,
            [
                {"created_at": timestamp, **critique, "debate_id": debate_id}
                if isinstance(critique, Mapping)
                else critique
                for critique in valid.items(critiques, f"{path}critiques")
            ],
            f"{path}critiques",
        )
    ]
    return _with_fingerprints(rows), row


def new_critique(
    path: str,
    agent: str,
    target_agent: str | None = None,
    issues: Iterable[str] = (),
    suggestions: Iterable[str] = (),
    severity: float | None = None,
    reasoning: str | None = None,
    expected_usefulness: float = 0.5,
    debate_id: str | None = None,
    created_at: datetime | None = None,
) -> tuple[None, InsertCritiqueParameters]:
    """Check the arguments and return the parameters of the critique's query."""
    timestamp = valid.timestamp_or_now(created_at, f"{path}created_at")
    return None, {
        "debate_id": valid.optional(debate_id, f"{path}debate_id", valid.key),
        "agent": valid.key(agent, f"{path}agent"),
        "target_agent": valid.optional_text(target_agent, f"{path}target_agent"),
        "issues": valid.texts(issues, f"{path}issues"),
        "suggestions": valid.texts(suggestions, f"{path}suggestions"),
        "severity": valid.optional(severity, f"{path}severity", severity_number),
        "reasoning": valid.optional_text(reasoning, f"{path}reasoning"),
        "expected_usefulness": valid.fraction(expected_usefulness, f"{path}expected_usefulness"),
        "created_at": timestamp,
    }


def severity_number(value: Any, argument: str) -> float:
    """Check a severity: a number from 0 to 10."""
    return valid.number(value, argument, 0.0, MOST_SEVERE)


def _with_fingerprints(rows: list[InsertCritiqueParameters]) -> list[InsertCritiquesParameters]:
    """Give each critique of a debate a hash of its content and of how often it came before.

    Storing the debate again gives the same hashes, so its critiques are not stored twice, while a
    critique that was really made twice is.
    """
    seen: dict[str, int] = {}
    marked: list[InsertCritiquesParameters] = []
    for row in rows:
        content = [
            row["agent"],
            row["target_agent"],
            row["issues"],
            row["suggestions"],
            row["severity"],
            row["reasoning"],
        ]
        encoded = dump_json(content)
        seen[encoded] = seen.get(encoded, 0) + 1
        digest = hashlib.sha256(f"{encoded}#{seen[encoded]}".encode()).hexdigest()[:32]
        marked.append({**row, "fingerprint": digest})
    return marked
