"""What the store of insights takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypedDict, get_args

from aragora_sql.database.values import utc_now
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import member
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms

__all__ = [
    "INSIGHT_TYPES",
    "AgentInsightStats",
    "DebateRows",
    "Insight",
    "InsightPattern",
    "InsightStatistics",
    "InsightType",
    "UsageStatistics",
    "Wisdom",
    "debate_rows",
    "insight_terms",
    "wisdom_parameters",
]

InsightType = Literal[
    "consensus", "dissent", "pattern", "convergence", "agent_perf", "failure_mode", "decision"
]
INSIGHT_TYPES: tuple[InsightType, ...] = get_args(InsightType)
LONGEST_WISDOM = 280
GENERAL = "general"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Insight(Record):
    """Something that was learned in a debate; ``confidence`` is from 0 to 1."""

    id: str
    type: str
    title: str
    description: str
    confidence: float
    debate_id: str
    agents_involved: list[str]
    evidence: list[str]
    metadata: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InsightPattern(Record):
    """A pattern that debates show again and again."""

    category: str
    pattern: str
    occurrences: int
    avg_severity: float
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class AgentInsightStats(Record):
    """How an agent did in all debates.

    ``acceptance_rate`` is debates in which a proposal was accepted by proposals, at least one of
    these; ``avg_contribution`` is from 0 to 1.
    """

    agent: str
    debate_count: int
    total_proposals: int
    proposals_accepted: int
    acceptance_rate: float
    total_critiques: int
    avg_contribution: float
    avg_severity_received: float


@dataclass(frozen=True, slots=True)
class Wisdom(Record):
    """What somebody of an audience said; ``used``: a debate has taken it."""

    id: int
    loop_id: str
    text: str
    submitter_id: str
    context_tags: list[str]
    used: bool
    created_at: datetime


class InsightStatistics(TypedDict):
    """Counts of all that is stored; the average is 0 without debates."""

    total_insights: int
    total_debates: int
    consensus_debates: int
    unique_agents: int
    avg_insights_per_debate: float
    insights_by_type: dict[str, int]


class UsageStatistics(TypedDict):
    """How often an insight was used, and with what success; the rate is 0 without uses."""

    insight_id: str
    total_uses: int
    successful_uses: int
    success_rate: float


class DebateRows(NamedTuple):
    """The parameters of the queries that store what was learned in a debate."""

    summary: Any
    insights: list[Any]
    performances: list[Any]
    patterns: list[Any]


def debate_rows(source: Any) -> DebateRows:
    """Check what was learned in a debate: a dictionary, or an object with attributes."""
    path = "insights"
    debate_id = valid.key(member(source, "debate_id", f"{path}.debate_id"), f"{path}.debate_id")
    now = utc_now()
    insights = {
        row["id"]: row
        for number, entry in enumerate(
            valid.items(member(source, "insights", f"{path}.insights", ()), f"{path}.insights")
        )
        for row in [_insight(entry, f"{path}.insights[{number}]", debate_id, now)]
    }
    name = f"{path}.agent_performances"
    performances = {
        row["agent_name"]: row
        for number, entry in enumerate(
            valid.items(member(source, "agent_performances", name, ()), name)
        )
        for row in [_performance(entry, f"{name}[{number}]", debate_id, now)]
    }
    shown = [
        {
            "agent": one["agent_name"],
            "proposals": one["proposals_made"],
            "accepted": one["proposal_accepted"],
            "score": one["contribution_score"],
        }
        for one in performances.values()
    ]
    duration = member(source, "duration_seconds", path, 0.0)
    summary = {
        "debate_id": debate_id,
        "task": valid.text(member(source, "task", f"{path}.task"), f"{path}.task"),
        "consensus_reached": valid.boolean(
            member(source, "consensus_reached", path, False),
            f"{path}.consensus_reached",
        ),
        "duration_seconds": valid.number(duration, f"{path}.duration_seconds", 0, 1e300),
        "total_insights": len(insights),
        "key_takeaway": valid.optional_text(
            member(source, "key_takeaway", path, None), f"{path}.key_takeaway"
        )
        or "",
        "agent_performances": valid.array(shown, name),
        "created_at": now,
    }
    return DebateRows(
        summary,
        # In one order, so that two who store the same do not wait for each other in a circle.
        [_without_pattern(insights[key]) for key in sorted(insights)],
        [performances[key] for key in sorted(performances)],
        _patterns(list(insights.values()), debate_id, now),
    )


def _insight(entry: Any, path: str, debate_id: str, now: datetime) -> dict[str, Any]:
    metadata = member(entry, "metadata", path, None)
    encoded = valid.document(metadata, f"{path}.metadata")
    metadata = metadata or {}
    kind = valid.choice(member(entry, "type", f"{path}.type"), f"{path}.type", INSIGHT_TYPES)
    is_pattern = kind == "pattern"
    title = (valid.key if is_pattern else valid.identifier)(
        member(entry, "title", f"{path}.title"), f"{path}.title"
    )
    description = valid.text(member(entry, "description", path, ""), f"{path}.description")
    category = metadata.get("category") if is_pattern else None
    severity = metadata.get("avg_severity") if is_pattern else None
    made = valid.optional(
        member(entry, "created_at", path, None), f"{path}.created_at", valid.timestamp_or_text
    )
    return {
        "id": valid.key(member(entry, "id", f"{path}.id"), f"{path}.id"),
        "type": kind,
        "title": title,
        "description": description,
        # None, when not given: as it was, or 0.5.
        "confidence": None
        if (confidence := member(entry, "confidence", path, _ABSENT)) is _ABSENT
        else valid.fraction(confidence, f"{path}.confidence"),
        "debate_id": debate_id,
        "agents_involved": valid.array(
            valid.texts(member(entry, "agents_involved", path, None), f"{path}.agents_involved"),
            f"{path}.agents_involved",
        ),
        "evidence": valid.array(
            valid.texts(member(entry, "evidence", path, None), f"{path}.evidence"),
            f"{path}.evidence",
        ),
        "metadata": encoded,
        "created_at": made,
        "stored_at": now,
        "search_terms": insight_terms(title, description, metadata),
        "category": valid.key(category or GENERAL, f"{path}.metadata.category"),
        "severity": valid.number(
            0.5 if severity is None else severity, f"{path}.metadata.avg_severity", 0, 1e300
        ),
    }


def _without_pattern(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"category", "severity"}}


def _patterns(
    insights: list[dict[str, Any]], debate_id: str, now: datetime
) -> list[dict[str, Any]]:
    """Return the patterns among insights, each once with how often it is there."""
    seen: dict[tuple[str, str], list[float]] = {}
    for one in insights:
        if one["type"] == "pattern":
            seen.setdefault((one["category"], one["title"]), []).append(one["severity"])
    return [
        {
            "category": category,
            "pattern_text": text,
            "occurrence_count": len(severities),
            "avg_severity": sum(severities) / len(severities),
            "debate_id": debate_id,
            "seen_at": now,
        }
        for (category, text), severities in sorted(seen.items())
    ]


def _performance(entry: Any, path: str, debate_id: str, now: datetime) -> dict[str, Any]:
    name = member(entry, "agent_name", f"{path}.agent_name")
    row: dict[str, Any] = {
        "agent_name": valid.key(name, f"{path}.agent_name"),
        "debate_id": debate_id,
    }
    for count in ("proposals_made", "critiques_given", "critiques_received"):
        row[count] = valid.integer(member(entry, count, path, 0), f"{path}.{count}")
    for flag in ("proposal_accepted", "vote_aligned"):
        row[flag] = valid.boolean(
            member(entry, flag, path, False),
            f"{path}.{flag}",
        )
    severity = member(entry, "avg_critique_severity", path, 0.0)
    row["avg_critique_severity"] = valid.number(severity, f"{path}.avg_critique_severity", 0, 1e300)
    row["contribution_score"] = valid.fraction(
        member(entry, "contribution_score", path, 0.5), f"{path}.contribution_score"
    )
    return {**row, "created_at": now}


def insight_terms(title: str, description: str, metadata: Mapping[str, Any]) -> str:
    """Return the search terms of an insight, joined by blanks: also of texts in its metadata."""
    texts = [value for value in metadata.values() if isinstance(value, str)]
    return document_terms(title, description, *texts)


def wisdom_parameters(loop_id: Any, data: Any) -> dict[str, Any]:
    """Check what somebody of an audience said."""
    said = valid.identifier(member(data, "text", "data.text"), "data.text")
    if len(said) > LONGEST_WISDOM:
        valid.integer(len(said), "data.text: its length", most=LONGEST_WISDOM)
    submitter = member(data, "submitter_id", "data.submitter_id", None)
    return {
        "loop_id": valid.key(loop_id, "loop_id"),
        "text": said,
        "submitter_id": valid.key(
            "anonymous" if submitter is None else submitter, "data.submitter_id"
        ),
        "context_tags": valid.array(
            valid.texts(member(data, "context_tags", "data", None), "data.context_tags"),
            "data.context_tags",
        ),
    }
