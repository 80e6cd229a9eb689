"""Outcomes of claims: how the processing of a job ended, and how queries take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aragora_sql.database.values import EncodedJSON, dump_scalars
from aragora_sql.stores import validation as valid
from aragora_sql.stores.jobs.leases import Claim
from aragora_sql.stores.jobs.records import MOST_SECONDS, Job, encode_rows, limited_document

__all__ = [
    "CANCELLED",
    "COMPLETED",
    "FAILED",
    "POSTPONED",
    "RETRY",
    "EncodedOutcome",
    "JobOutcome",
    "encode_completed",
    "encode_failed",
    "encode_for_lookup",
    "encode_outcome",
]

COMPLETED, RETRY, FAILED, CANCELLED = "completed", "retry", "failed", "cancelled"
POSTPONED = "postponed"

_NO_RESULT = EncodedJSON("null")


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How the processing of a claimed job ended; made by its class methods."""

    job: Job
    kind: str
    result: Mapping[str, Any] | None = None
    error: str | None = None
    delay_seconds: float | None = None

    @classmethod
    def completed(cls, job: Job, result: Mapping[str, Any] | None = None) -> JobOutcome:
        """The job is done; ``result`` is what it gave."""
        return cls(job, COMPLETED, result)

    @classmethod
    def retry(cls, job: Job, error: str, delay_seconds: float | None = None) -> JobOutcome:
        """The attempt failed; the job is tried again, while an attempt is left.

        ``delay_seconds`` replaces the delay of the store's retry policy.
        """
        return cls(job, RETRY, None, error, delay_seconds)

    @classmethod
    def postponed(cls, job: Job, reason: str, delay_seconds: float) -> JobOutcome:
        """The job was not worked on, and waits for ``delay_seconds``; the attempt does not count.

        ``reason`` is kept as its error until it ends otherwise.
        """
        return cls(job, POSTPONED, None, reason, delay_seconds)

    @classmethod
    def failed(cls, job: Job, error: str) -> JobOutcome:
        """The job is dead, whatever attempts are left."""
        return cls(job, FAILED, None, error)

    @classmethod
    def cancelled(cls, job: Job, error: str) -> JobOutcome:
        """The job was cancelled while it was processed; ``error`` says why."""
        return cls(job, CANCELLED, None, error)


class EncodedOutcome(NamedTuple):
    """An outcome, checked, in the form in which queries take it."""

    job_id: str
    worker_id: str
    claim_count: int | None
    kind: str
    result: EncodedJSON
    error: str | None
    delay_seconds: float | None


def encode_outcome(
    claim: Claim,
    kind: str,
    max_result_bytes: int,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
    delay_seconds: float | None = None,
    *,
    path: str = "",
) -> EncodedOutcome:
    """Check an outcome; ``path`` goes before the names of the arguments in errors."""
    encoded = (
        _NO_RESULT
        if result is None
        else limited_document(result, f"{path}result", max_result_bytes)
    )
    if kind != COMPLETED:
        error = valid.text(error, f"{path}error")
    if delay_seconds is not None:
        delay_seconds = valid.number(delay_seconds, f"{path}delay_seconds", 0.0, MOST_SECONDS)
    return EncodedOutcome(*claim, kind, encoded, error, delay_seconds)


def encode_completed(outcomes: Iterable[EncodedOutcome]) -> EncodedJSON:
    """Return outcomes of completed jobs as their query takes them."""
    return encode_rows(f"{dump_scalars(outcome[:3])},{outcome.result}" for outcome in outcomes)


def encode_failed(outcomes: Iterable[EncodedOutcome]) -> EncodedJSON:
    """Return outcomes of failed attempts as their query takes them."""
    return encode_rows(dump_scalars((*outcome[:4], *outcome[5:])) for outcome in outcomes)


def encode_for_lookup(outcomes: Iterable[EncodedOutcome]) -> EncodedJSON:
    """Return outcomes as the query takes them that tells which are stored already."""
    return encode_rows(
        f"{dump_scalars((*outcome[:4], outcome.error))},{outcome.result}" for outcome in outcomes
    )
