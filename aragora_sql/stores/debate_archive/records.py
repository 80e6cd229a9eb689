"""What the archive of debates takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping
from aragora_sql.stores.records import Record

__all__ = ["ArchivedDebate", "AudioInfo", "DebateSummary", "debate_parameters"]


@dataclass(frozen=True, slots=True)
class ArchivedDebate(Record):
    """A debate with its artifact; ``critique_debate_id``: the critique store has it too."""

    id: str
    slug: str
    task: str
    agents: list[str]
    artifact_json: dict[str, Any]
    consensus_reached: bool
    confidence: float
    view_count: int
    audio_path: str | None
    audio_generated_at: datetime | None
    audio_duration_seconds: int | None
    org_id: str | None
    is_public: bool
    critique_debate_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DebateSummary(Record):
    """A debate without its artifact, as lists have it; ``confidence`` is from 0 to 1."""

    id: str
    slug: str
    task: str
    agents: list[str]
    consensus_reached: bool
    confidence: float
    view_count: int
    org_id: str | None
    is_public: bool
    created_at: datetime


class AudioInfo(TypedDict):
    """Where the audio of a debate is, when it was made, and how many seconds it is long."""

    audio_path: str
    audio_generated_at: datetime | None
    audio_duration_seconds: int | None


def debate_parameters(data: Any, argument: str, org_id: Any) -> dict[str, Any]:
    """Check the document of a debate, and return the parameters of its query but for the slug."""
    document = mapping(data, argument)
    proof = document.get("consensus_proof")
    verdict: Mapping[str, Any] = proof if isinstance(proof, Mapping) else {}
    key = next((n for n in ("id", "debate_id", "artifact_id") if document.get(n) is not None), "id")
    reached = document.get("consensus_reached")
    confidence = document.get("confidence")
    return {
        "id": valid.optional(document.get(key), f"{argument}.{key}", valid.key),
        "task": valid.identifier(document.get("task"), f"{argument}.task"),
        "agents": valid.array(
            valid.texts(document.get("agents"), f"{argument}.agents"), f"{argument}.agents"
        ),
        "artifact_json": valid.document(document, argument),
        "consensus_reached": valid.boolean(
            _given(verdict.get("reached"), False) if reached is None else reached,
            f"{argument}.consensus_reached",
        ),
        "confidence": valid.fraction(
            _given(verdict.get("confidence"), 0) if confidence is None else confidence,
            f"{argument}.confidence",
        ),
        "org_id": valid.optional(org_id, "org_id", valid.key),
    }


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value
