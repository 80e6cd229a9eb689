"""What a row of an older file is in the target, worked out without the mappings."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.migration.legacy import SOURCE_ZONE, Row
from tests.migration.legacy.consensus import DISSENT_TYPES, PROOF_STATUSES, STRENGTHS
from tests.migration.legacy.values import legacy_topic_hash

__all__ = ["expected_row", "timestamp"]


def timestamp(text: str | None, zone: str = SOURCE_ZONE) -> datetime | None:
    """Read a time of an older file: with a blank it is UTC, with a T local."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC if " " in text else ZoneInfo(zone))
    return found.astimezone(UTC)


def expected_row(table: str, row: Row) -> Row:
    """Return what has to stand in the target, as far as the file says it."""
    return _EXPECTED[table](row)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _consensus(row: Row) -> Row:
    data = json.loads(row["data"]) if row.get("data") else {}
    strength = _first(row.get("strength"), data.get("strength"))
    created = _first(row.get("timestamp"), data.get("timestamp"), row.get("created_at"))
    metadata = data.get("metadata") or {}
    agents = data.get("participating_agents")
    if agents is None:
        agents = json.loads(row.get("participants") or "[]")
    values = {
        "id": row["id"],
        "topic": row["topic"],
        "topic_hash": row.get("topic_hash") or legacy_topic_hash(row["topic"]),
        "conclusion": row["conclusion"] or "",
        "strength": strength if strength in STRENGTHS else "moderate",
        "confidence": _first(row["confidence"], data.get("confidence"), 0.5),
        "domain": _first(row["domain"], data.get("domain"), "general"),
        "debate_id": metadata.get("debate_id"),
        "supersedes": _first(data.get("supersedes"), metadata.get("supersedes")),
        "rounds": data.get("rounds", 0),
        "debate_duration_seconds": data.get("debate_duration_seconds", 0.0),
        "participating_agents": agents,
        "agreeing_agents": data.get("agreeing_agents", []),
        "dissenting_agents": data.get("dissenting_agents", []),
        "key_claims": data.get("key_claims", []),
        "supporting_evidence": data.get("supporting_evidence", []),
        "tags": _first(data.get("tags"), json.loads(row.get("tags") or "[]")),
        "belief_cruxes": data.get("belief_cruxes", []),
        "metadata": metadata,
        "data": data,
        "created_at": timestamp(created),
        "updated_at": timestamp(created),
    }
    if "archived_at" in row:
        values |= {
            "archived_at": timestamp(row["archived_at"]),
            "superseded_by": data.get("superseded_by"),
        }
    return values


def _dissent(row: Row) -> Row:
    if "dissent_text" in row:
        return {
            "consensus_id": row["consensus_id"],
            "agent_id": row["agent"],
            "dissent_type": "minor_quibble",
            "content": row["dissent_text"],
            "confidence": _first(row["confidence"], 0.0),
            "created_at": timestamp(row["created_at"]),
        }
    data = json.loads(row["data"]) if row["data"] else {}
    kind = row["dissent_type"]
    values = {
        "id": row["id"],
        "consensus_id": row["debate_id"],
        "agent_id": row["agent_id"],
        "dissent_type": kind if kind in DISSENT_TYPES else "minor_quibble",
        "content": row["content"],
        "reasoning": data.get("reasoning", ""),
        "confidence": _first(row["confidence"], data.get("confidence"), 0.0),
        "acknowledged": data.get("acknowledged", False),
        "rebuttal": data.get("rebuttal", ""),
        "metadata": data.get("metadata", {}),
        "data": data,
        "created_at": timestamp(_first(row["timestamp"], data.get("timestamp"))),
    }
    return values | ({"archived_at": timestamp(row["archived_at"])} if "archived_at" in row else {})


def _proof(row: Row) -> Row:
    names = (
        "id",
        "language",
        "formal_statement",
        "proof_hash",
        "translation_time_ms",
        "proof_search_time_ms",
        "prover_version",
        "error_message",
    )
    status = row["proof_status"]
    return {name: row[name] for name in names} | {
        "consensus_id": row["debate_id"],
        "proof_status": status if status in PROOF_STATUSES else "unknown",
        "is_verified": bool(row["is_verified"]),
        "metadata": {},
        "data": json.loads(row["data"]),
        # Of the storing, not of the proof.
        "created_at": timestamp(row["timestamp"]),
    }


def _debate(row: Row) -> Row:
    names = ("id", "task", "final_answer", "confidence", "rounds_used", "duration_seconds")
    verdict = row.get("grounded_verdict")
    return {name: row[name] for name in names} | {
        "consensus_reached": bool(row["consensus_reached"]),
        "grounded_verdict": json.loads(verdict) if verdict else None,
        "created_at": timestamp(row["created_at"]),
    }


def _critique(row: Row) -> Row:
    names = ("id", "debate_id", "agent", "target_agent", "severity", "reasoning")
    return {name: row[name] for name in names} | {
        "issues": json.loads(row["issues"] or "[]"),
        "suggestions": json.loads(row["suggestions"] or "[]"),
        "led_to_improvement": bool(row["led_to_improvement"]),
        "expected_usefulness": _first(row.get("expected_usefulness"), 0.5),
        "actual_usefulness": row.get("actual_usefulness"),
        "prediction_error": row.get("prediction_error"),
        "created_at": timestamp(row["created_at"]),
    }


def _pattern(row: Row) -> Row:
    names = ("id", "issue_type", "issue_text", "suggestion_text", "success_count", "failure_count")
    values = {name: row[name] for name in (*names, "avg_severity", "example_task")} | {
        "surprise_score": _first(row.get("surprise_score"), 0.0),
        "base_rate": _first(row.get("base_rate"), 0.5),
        "created_at": timestamp(row["created_at"]),
        "updated_at": timestamp(row["updated_at"]),
    }
    return values | ({"archived_at": timestamp(row["archived_at"])} if "archived_at" in row else {})


def _reputation(row: Row) -> Row:
    names = ("agent_name", "proposals_made", "proposals_accepted", "critiques_given")
    return {name: row[name] for name in (*names, "critiques_valuable")} | {
        "total_predictions": _first(row.get("total_predictions"), 0),
        "total_prediction_error": _first(row.get("total_prediction_error"), 0.0),
        "calibration_score": _first(row.get("calibration_score"), 0.5),
        "updated_at": timestamp(row["updated_at"]),
    }


_EXPECTED: dict[str, Callable[[Row], Row]] = {
    "consensus": _consensus,
    "consensus_archive": _consensus,
    "dissent": _dissent,
    "dissent_archive": _dissent,
    "verified_proofs": _proof,
    "debates": _debate,
    "critiques": _critique,
    "patterns": _pattern,
    "patterns_archive": _pattern,
    "pattern_embeddings": dict,
    "agent_reputation": _reputation,
}
