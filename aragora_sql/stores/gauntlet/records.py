"""What the store of gauntlets takes and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, get_args

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.checksums import checksum_of
from aragora_sql.stores.documents import as_read, mapping, unknown_members, with_unknown_members
from aragora_sql.stores.records import Record

__all__ = [
    "CASE_ENDS",
    "HASHED",
    "INFLIGHT_STATUSES",
    "RUN_STATUSES",
    "SEVERITIES",
    "VERDICTS",
    "CaseEnd",
    "CaseStatistics",
    "GauntletCase",
    "GauntletComparison",
    "GauntletResult",
    "GauntletRun",
    "GauntletSummary",
    "InflightGauntlet",
    "InflightStatus",
    "QueueAnalytics",
    "QueuedRun",
    "RunStatus",
    "Severity",
    "Verdict",
    "VerdictStatistics",
    "result_hash",
    "result_parameters",
    "run_parameters",
]

RunStatus = Literal["pending", "running", "completed", "failed", "cancelled"]
CaseEnd = Literal["passed", "failed", "error", "skipped"]
InflightStatus = Literal["pending", "running", "completed", "failed", "interrupted"]
Verdict = Literal[
    "pass",
    "approved",
    "conditional",
    "approved_with_conditions",
    "needs_review",
    "fail",
    "rejected",
    "unknown",
]
Severity = Literal["critical", "high", "medium", "low"]
RUN_STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
CASE_ENDS: tuple[CaseEnd, ...] = get_args(CaseEnd)
INFLIGHT_STATUSES: tuple[InflightStatus, ...] = get_args(InflightStatus)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

# Characters of an input that are its summary.
LONGEST_SUMMARY = 500
# What the hash of a result covers: all that was found, and not whose it is.
HASHED = (
    "gauntlet_id",
    "input_hash",
    "input_summary",
    "result",
    "verdict",
    "confidence",
    "robustness_score",
    "critical_count",
    "high_count",
    "medium_count",
    "low_count",
    "total_findings",
    "agents_used",
    "template_used",
    "duration_seconds",
)


@dataclass(frozen=True, slots=True)
class GauntletRun(Record):
    """A run of a gauntlet; ``extra`` are the members of its document without a column."""

    run_id: str
    template_id: str
    status: str
    config_data: dict[str, Any]
    result_data: dict[str, Any] | None
    started_at: datetime | None
    completed_at: datetime | None
    triggered_by: str | None
    workspace_id: str | None
    org_id: str | None
    tags: list[Any]
    extra: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    def to_document(self) -> dict[str, Any]:
        """Return the run as its document, times as ISO-8601 text."""
        columns = self.to_dict()
        del columns["extra"]
        return with_unknown_members(columns, self.extra)


@dataclass(frozen=True, slots=True)
class GauntletCase(Record):
    """A case of a run; ``score`` is 0 to 1, ``duration_ms`` in milliseconds."""

    run_id: str
    case_id: str
    name: str
    input: str
    expected_output: str | None
    actual_output: str | None
    status: str
    score: float | None
    duration_ms: float | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class GauntletSummary(Record):
    """A result without its document. Fractions are 0 to 1, ``duration_seconds`` is in seconds."""

    gauntlet_id: str
    input_hash: str
    input_summary: str
    verdict: str
    confidence: float
    robustness_score: float
    critical_count: int
    high_count: int
    medium_count: int
    low_count: int
    total_findings: int
    agents_used: list[Any]
    template_used: str | None
    duration_seconds: float
    org_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GauntletResult(Record):
    """A result with its document, whose ``content_hash`` was verified when it was read."""

    gauntlet_id: str
    input_hash: str
    input_summary: str
    result: dict[str, Any]
    verdict: str
    confidence: float
    robustness_score: float
    critical_count: int
    high_count: int
    medium_count: int
    low_count: int
    total_findings: int
    agents_used: list[Any]
    template_used: str | None
    duration_seconds: float
    org_id: str | None
    content_hash: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InflightGauntlet(Record):
    """A gauntlet that is under way; ``progress_percent`` is 0 to 100."""

    gauntlet_id: str
    status: str
    input_type: str | None
    input_summary: str | None
    input_hash: str | None
    persona: str | None
    profile: str | None
    agents: list[Any]
    config: dict[str, Any]
    current_phase: str | None
    progress_percent: float
    error: str | None
    org_id: str | None
    created_at: datetime
    updated_at: datetime


class QueuedRun(TypedDict):
    """A run that has not ended; ``position_in_status`` counts from 1, the oldest first."""

    run_id: str
    template_id: str
    status: str
    created_at: datetime
    position_in_status: int


class QueueAnalytics(TypedDict):
    """The runs that have not ended: those that run first, then the oldest."""

    total_active: int
    pending_count: int
    running_count: int
    queue: list[QueuedRun]


class CaseStatistics(TypedDict):
    """Cases in a status; ``mean_score`` is None where none has a score."""

    total: int
    mean_score: float | None


class VerdictStatistics(TypedDict):
    """Results with a verdict."""

    total: int
    mean_confidence: float
    mean_robustness: float
    mean_duration_seconds: float
    critical_findings: int
    high_findings: int
    all_findings: int


class GauntletComparison(TypedDict):
    """How a second result differs from a first.

    ``confidence`` and ``robustness`` are first less second; counts are second less first.
    ``improved`` is from the second to the first: no more critical and high findings, and no less
    robust.
    """

    gauntlet_1: str
    gauntlet_2: str
    confidence: float
    robustness: float
    critical: int
    high: int
    medium: int
    low: int
    total: int
    verdict_changed: bool
    verdict_improved: bool
    improved: bool


_RUN_COLUMNS = (
    "run_id",
    "template_id",
    "status",
    "config_data",
    "result_data",
    "started_at",
    "completed_at",
    "triggered_by",
    "workspace_id",
    "org_id",
    "tags",
    "created_at",
    # Set by the database at each change.
    "updated_at",
)


def run_parameters(data: Any) -> dict[str, Any]:
    """Check the document of a run, and return the parameters of its query."""
    document = mapping(data, "data")

    def moment(name: str) -> datetime | None:
        return valid.optional(document.get(name), f"data.{name}", valid.timestamp_or_text)

    def name_of(name: str) -> str | None:
        return valid.optional(document.get(name), f"data.{name}", valid.key)

    return {
        "run_id": valid.key(document.get("run_id"), "data.run_id"),
        "template_id": valid.key(document.get("template_id"), "data.template_id"),
        "status": valid.choice(document.get("status", "pending"), "data.status", RUN_STATUSES),
        "config_data": valid.document(document.get("config_data"), "data.config_data"),
        "result_data": valid.optional(
            document.get("result_data"), "data.result_data", valid.document
        ),
        "started_at": moment("started_at"),
        "completed_at": moment("completed_at"),
        "triggered_by": name_of("triggered_by"),
        "workspace_id": name_of("workspace_id"),
        "org_id": name_of("org_id"),
        "tags": valid.array(document.get("tags"), "data.tags"),
        "extra": valid.document(unknown_members(document, _RUN_COLUMNS), "data"),
        "created_at": moment("created_at"),
    }


def result_parameters(result: Any, org_id: Any) -> dict[str, Any]:
    """Check the document of a result, and return the parameters of its query."""
    document = mapping(result, "result")
    counts = {f"{severity}_count": _count(document, severity) for severity in SEVERITIES}
    summary = valid.optional_text(document.get("input_summary"), "result.input_summary") or ""
    row: dict[str, Any] = {
        "gauntlet_id": valid.key(document.get("gauntlet_id"), "result.gauntlet_id"),
        "input_hash": valid.optional(document.get("input_hash"), "result.input_hash", _short) or "",
        "input_summary": summary[:LONGEST_SUMMARY],
        "result": valid.document(document, "result"),
        "verdict": valid.choice(document.get("verdict", "unknown"), "result.verdict", VERDICTS),
        "confidence": valid.fraction(document.get("confidence", 0.5), "result.confidence"),
        "robustness_score": valid.fraction(
            document.get("robustness_score", 0.5), "result.robustness_score"
        ),
        **counts,
        "total_findings": _total(document, sum(counts.values())),
        "agents_used": valid.array(document.get("agents_used"), "result.agents_used"),
        "template_used": valid.optional(
            document.get("template_used"), "result.template_used", valid.key
        ),
        "duration_seconds": valid.number(
            document.get("duration_seconds", 0.0), "result.duration_seconds", most=1e300
        ),
        "org_id": valid.optional(org_id, "org_id", valid.key),
        "created_at": valid.optional(
            document.get("created_at"), "result.created_at", valid.timestamp_or_text
        ),
    }
    # As it will be read: large floats keep their decimal point.
    row["content_hash"] = result_hash(as_read(row, "result", "agents_used"))
    return row


def result_hash(values: Mapping[str, Any]) -> str:
    """Return the ``content_hash`` of a result: of its columns, by name."""
    return checksum_of(values, HASHED)


def _short(value: Any, argument: str) -> str:
    """Check text that is indexed, and may be empty."""
    return valid.key(value, argument) if value != "" else ""


def _count(document: Mapping[str, Any], severity: str) -> int:
    """Return how many findings have a severity: of lists, else of the counts that are given."""
    found = document.get(f"{severity}_findings")
    if isinstance(found, Sequence) and not isinstance(found, str | bytes):
        return len(found)
    if found is not None:
        raise _not_a_list(f"{severity}_findings", found)
    for name in ("risk_summary", "severity_counts"):
        counts = document.get(name)
        if isinstance(counts, Mapping) and severity in counts:
            return valid.integer(counts[severity], f"result.{name}.{severity}")
    given = document.get(f"{severity}_count", 0)
    return valid.integer(given, f"result.{severity}_count")


def _total(document: Mapping[str, Any], counted: int) -> int:
    """Return how many findings there are, as the result says or has them, else the sum."""
    given = document.get("total_findings")
    if given is not None:
        return valid.integer(given, "result.total_findings")
    for name in ("vulnerabilities", "findings"):
        found = document.get(name)
        if isinstance(found, Sequence) and not isinstance(found, str | bytes):
            return len(found)
        if found is not None:
            raise _not_a_list(name, found)
    return counted


def _not_a_list(name: str, found: Any) -> InvalidInputError:
    return InvalidInputError(f"result.{name}", f"must be a list, not {type(found).__name__}")
