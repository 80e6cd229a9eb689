"""What the job queue returns and takes: records, and checks of new jobs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Literal, NotRequired, TypedDict, get_args

from aragora_sql.database.observing import current_trace
from aragora_sql.database.values import (
    EncodedJSON,
    UndecodableText,
    dump_json,
    dump_plain_json,
    dump_scalars,
    format_timestamp,
    load_json,
)
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.records import Record

__all__ = [
    "FINISHED",
    "WAITING",
    "Job",
    "JobCount",
    "JobEncoder",
    "JobLimit",
    "JobLoad",
    "JobSchedule",
    "JobStatus",
    "NewJob",
    "RetryPolicy",
    "StoredJob",
    "StoredJobSchedule",
    "UndecodableDocument",
    "decode_document",
    "encode_plain",
    "encode_rows",
    "limited_document",
    "new_ids",
    "new_job",
]

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_MAX_PAYLOAD_BYTES = 1_000_000
SMALLEST_PRIORITY, LARGEST_PRIORITY = -(2**31), 2**31 - 1
# 100 years: beyond it PostgreSQL and SQLite may leave their calendars.
MOST_SECONDS = 100 * 365.25 * 86400.0
SHORTEST_TIME_LIMIT = 0.001


class JobStatus(StrEnum):
    """The state of a job.

    ``pending`` may be claimed now; ``scheduled`` and ``retrying`` wait for their time, the latter
    after a failed attempt; ``processing`` is claimed; ``completed``, ``failed`` (dead: no attempt
    is left) and ``cancelled`` are the ends.
    """

    PENDING = "pending"
    SCHEDULED = "scheduled"
    RETRYING = "retrying"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The same words, for those who write them as text: a type checker finds a mistake in one.
JobStatusWord = Literal[
    "pending", "scheduled", "retrying", "processing", "completed", "failed", "cancelled"
]
FinishedWord = Literal["completed", "failed", "cancelled"]

JOB_STATUSES: tuple[JobStatusWord, ...] = get_args(JobStatusWord)
FINISHED_WORDS: tuple[FinishedWord, ...] = get_args(FinishedWord)
WAITING = (JobStatus.PENDING, JobStatus.SCHEDULED, JobStatus.RETRYING)
FINISHED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


class UndecodableDocument(dict[str, Any]):
    """Takes the place of a stored document that Python can't decode.

    Such as one with a number of 5,000 digits or of 1,500 levels, written by SQL, or one that was
    not read. Its one entry ``undecodable`` says why; ``text`` is what is stored.
    """

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(undecodable=reason)
        self.text = text
        self.reason = reason


def decode_document(text: str) -> dict[str, Any]:
    """Decode a stored document; one that can't be decoded is an :class:`UndecodableDocument`."""
    if not text:
        return UndecodableDocument(text, "it was not read")
    if type(text) is UndecodableText:
        return UndecodableDocument(text, "it is not UTF-8 text")
    try:
        document: dict[str, Any] = load_json(text)
    except (ValueError, RecursionError) as error:
        return UndecodableDocument(text, str(error).partition(": line ")[0])
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Record):
    """A job of the queue.

    ``number`` is the order of enqueueing. ``claim_count`` tells one claim from another: a job that
    :meth:`~aragora_sql.JobQueueStore.claim` gave can be finished with it only while
    that claim is the latest. ``payload`` or ``result`` is an :class:`UndecodableDocument` where
    what is stored can't be decoded. ``trace_parent`` is the W3C ``traceparent`` of whoever enqueued
    it, where that was traced.
    """

    id: str
    number: int
    job_type: str
    payload: dict[str, Any]
    status: JobStatus | JobStatusWord
    priority: int
    attempts: int
    max_attempts: int
    claim_count: int
    worker_id: str | None
    unique_key: str | None
    user_id: str | None
    workspace_id: str | None
    error: str | None
    result: dict[str, Any] | None
    scheduled_at: datetime | None
    lease_expires_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    time_limit_seconds: float | None = None
    unique_while_running: bool = False
    cancel_requested_at: datetime | None = None
    trace_parent: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.status in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob(Record):
    """The columns of a job as queries give them: documents as text.

    Decoded one by one, a document that Python can't decode does not fail a whole answer.
    """

    id: str
    number: int
    job_type: str
    payload_text: str
    status: JobStatus | JobStatusWord
    priority: int
    attempts: int
    max_attempts: int
    claim_count: int
    worker_id: str | None
    unique_key: str | None
    user_id: str | None
    workspace_id: str | None
    error: str | None
    result_text: str | None
    scheduled_at: datetime | None
    lease_expires_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    time_limit_seconds: float | None = None
    unique_while_running: bool = False
    cancel_requested_at: datetime | None = None
    trace_parent: str | None = None


# What makes a job; the rest of its record comes from the store.
JOB_CONTENT = (
    "id",
    "job_type",
    "payload",
    "priority",
    "max_attempts",
    "time_limit_seconds",
    "scheduled_at",
    "unique_key",
    "unique_while_running",
    "user_id",
    "workspace_id",
)


class JobEntry(TypedDict):
    """A job of a batch: the arguments of ``enqueue``."""

    job_type: str
    payload: NotRequired[Mapping[str, Any] | None]
    id: NotRequired[str | None]
    priority: NotRequired[int]
    max_attempts: NotRequired[int]
    scheduled_at: NotRequired[datetime | None]
    delay_seconds: NotRequired[float | None]
    unique_key: NotRequired[str | None]
    unique_while_running: NotRequired[bool]
    time_limit_seconds: NotRequired[float | None]
    user_id: NotRequired[str | None]
    workspace_id: NotRequired[str | None]


class NewJob(TypedDict):
    """What the query of a new job takes, checked."""

    id: str
    job_type: str
    payload: EncodedJSON
    priority: int
    max_attempts: int
    time_limit_seconds: float | None
    scheduled_at: datetime | None
    delay_seconds: float | None
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None
    trace_parent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCount(Record):
    """How many jobs of a type have a status; ``created_at`` is that of the oldest."""

    job_type: str
    status: JobStatus | JobStatusWord
    total: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLoad(Record):
    """How many jobs of a type wait or run, by status.

    ``oldest_seconds`` is how long ago the oldest of them could first be claimed: since it was
    enqueued, or since the time that it was scheduled for; 0 where that is still to come.
    ``expired`` are those whose lease has run out, and that nobody has recovered yet.
    """

    job_type: str
    status: JobStatus | JobStatusWord
    total: int
    oldest_seconds: float
    expired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimit(Record):
    """How many jobs of a type may be processed at once, and how many are.

    ``max_running`` is None for a type without a limit that is paused; of a ``paused`` type no job
    is claimed.
    """

    job_type: str
    max_running: int | None
    running: int
    updated_at: datetime
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSchedule(Record):
    """What is enqueued at the times of a cron expression.

    ``next_run_at`` is when it runs next, ``last_run_at`` for which time it ran last. ``payload`` is
    an :class:`UndecodableDocument` where what is stored can't be decoded.
    """

    name: str
    cron: str
    time_zone: str
    enabled: bool
    job_type: str
    payload: dict[str, Any]
    priority: int
    max_attempts: int
    time_limit_seconds: float | None
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None
    next_run_at: datetime
    last_run_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJobSchedule(Record):
    """The columns of a schedule as queries give them: the document as text."""

    name: str
    cron: str
    time_zone: str
    enabled: bool
    job_type: str
    payload_text: str
    priority: int
    max_attempts: int
    time_limit_seconds: float | None
    unique_key: str | None
    unique_while_running: bool
    user_id: str | None
    workspace_id: str | None
    next_run_at: datetime
    last_run_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed job is tried again: after ``base_seconds``, doubled with each attempt.

    The delay before attempt n + 1 is ``min(base_seconds * 2 ** (n - 1), max_seconds)``, times a
    random factor between ``1 - jitter`` and ``1 + jitter``, so that jobs that failed together do
    not come back together.
    """

    base_seconds: float = 1.0
    max_seconds: float = 3600.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        valid.number(self.base_seconds, "base_seconds", 0.0, MOST_SECONDS)
        valid.number(self.max_seconds, "max_seconds", 0.0, MOST_SECONDS)
        valid.fraction(self.jitter, "jitter")


def new_ids() -> Iterator[str]:
    """Make ids, each behind the one before in text order: the time, chance, and a counter."""
    # In capitals, so that no part of an id looks like an exponent: see dump_plain_json().
    stem = f"{time.time_ns() // 1_000_000:012X}{secrets.token_hex(8).upper()}"
    number = 0
    while True:
        yield f"{stem}{number:04X}"
        number += 1


def limited_document(value: Any, argument: str, max_bytes: int) -> EncodedJSON:
    """Check a JSON object of at most so many bytes, and encode it."""
    text = valid.document(value, argument)
    # No character takes more than four bytes.
    if len(text) * 4 > max_bytes and len(text.encode()) > max_bytes:
        raise InvalidInputError(
            argument,
            f"must be at most {max_bytes} bytes of JSON, not {len(text.encode())} "
            "(max_payload_bytes); store large data elsewhere and refer to it",
        )
    return text


def job_type(value: Any, argument: str, known: Collection[str] | None) -> str:
    """Check a job type; ``known`` are the types that the queue was told of, if it was."""
    checked = valid.key(value, argument)
    if known is not None and checked not in known:
        raise InvalidInputError(
            argument, f"{checked!r} is not a known job type; use {', '.join(sorted(known))}"
        )
    return checked


def job_types(value: Any, argument: str, known: Collection[str] | None) -> list[str] | None:
    """Check a filter by job types; None means all, an empty list is refused."""
    if value is None:
        return None
    listed = valid.items(value, argument)
    if not listed:
        raise InvalidInputError(argument, "must name at least one type; use None for all types")
    checked = [job_type(item, f"{argument}[{i}]", known) for i, item in enumerate(listed)]
    return list(dict.fromkeys(checked))


def time_limit(value: Any, argument: str = "time_limit_seconds") -> float | None:
    """Check how long an attempt may run, in seconds; None: any time."""
    if value is None:
        return None
    seconds = valid.number(value, argument, 0.0, MOST_SECONDS)
    if seconds < SHORTEST_TIME_LIMIT:
        raise InvalidInputError(
            argument, f"must be at least {SHORTEST_TIME_LIMIT:g} seconds, not {value!r}"
        )
    return seconds


def unique_scope(unique_key: object, value: Any, argument: str) -> bool:
    """Check whether a unique key covers the running job, too."""
    checked = valid.boolean(value, argument)
    if checked and unique_key is None:
        raise InvalidInputError(argument, "must not be True without a unique_key")
    return checked


def new_job(
    path: str,
    known: Collection[str] | None,
    max_payload_bytes: int,
    ids: Iterator[str],
    job_type: str,
    payload: Mapping[str, Any] | None = None,
    id: str | None = None,  # noqa: A002 - the name of the field
    priority: int = 0,
    max_attempts: int = DEFAULT_MAX_ATTEMPTS,
    scheduled_at: datetime | None = None,
    delay_seconds: float | None = None,
    unique_key: str | None = None,
    user_id: str | None = None,
    workspace_id: str | None = None,
    time_limit_seconds: float | None = None,
    unique_while_running: bool = False,
) -> NewJob:
    """Check the arguments and return the parameters of the job's query."""
    if scheduled_at is not None:
        if delay_seconds is not None:
            raise InvalidInputError(
                f"{path}delay_seconds", "does not go with scheduled_at; give one of them"
            )
        scheduled_at = valid.timestamp(scheduled_at, f"{path}scheduled_at")
    elif delay_seconds is not None:
        delay_seconds = valid.number(delay_seconds, f"{path}delay_seconds", 0.0, MOST_SECONDS)
    if priority != 0 or type(priority) is not int:
        valid.integer(priority, f"{path}priority", SMALLEST_PRIORITY, LARGEST_PRIORITY)
    if type(payload) is UndecodableDocument:
        raise InvalidInputError(f"{path}payload", f"must be decodable: {payload.reason}")
    return {
        "id": next(ids) if id is None else valid.key(id, f"{path}id"),
        "job_type": _job_type(job_type, f"{path}job_type", known),
        "payload": limited_document(payload, f"{path}payload", max_payload_bytes),
        "priority": priority,
        "max_attempts": valid.integer(max_attempts, f"{path}max_attempts", 1),
        "time_limit_seconds": time_limit(time_limit_seconds, f"{path}time_limit_seconds"),
        "scheduled_at": scheduled_at,
        "delay_seconds": delay_seconds,
        "unique_key": None if unique_key is None else valid.key(unique_key, f"{path}unique_key"),
        "unique_while_running": unique_scope(
            unique_key, unique_while_running, f"{path}unique_while_running"
        ),
        "user_id": None if user_id is None else valid.key(user_id, f"{path}user_id"),
        "workspace_id": (
            None if workspace_id is None else valid.key(workspace_id, f"{path}workspace_id")
        ),
        "trace_parent": current_trace(),
    }


# The argument of the same name hides the function in new_job().
_job_type = job_type


def encode_job(row: NewJob) -> str:
    """Return the parameters of a job as the query for many takes them."""
    scheduled_at = row["scheduled_at"]
    rest = (
        row["priority"],
        row["max_attempts"],
        None if scheduled_at is None else format_timestamp(scheduled_at),
        row["delay_seconds"],
        row["unique_key"],
        row["user_id"],
        row["workspace_id"],
        row["time_limit_seconds"],
        row["unique_while_running"],
        row["trace_parent"],
    )
    return f"{dump_scalars((row['id'], row['job_type']))},{row['payload']},{dump_scalars(rest)}"


_PLAIN = {"job_type", "payload"}


def encode_plain(
    jobs: Sequence[object], known: Collection[str] | None, max_payload_bytes: int
) -> tuple[list[str], list[str], EncodedJSON] | None:
    """Encode a batch of jobs that have a type and a payload and nothing else.

    Returns their new ids, the types that occur, and the jobs. None for any other batch, also for
    one with a fault: :class:`JobEncoder` says where it is.
    """
    if current_trace() is not None:
        # It is none of what plain jobs have.
        return None
    contents = []
    for job in jobs:
        if type(job) is not dict or job.keys() != _PLAIN or type(job["payload"]) is not dict:
            return None
        contents.append((job["job_type"], job["payload"]))
    try:
        types = list({name for name, _ in contents})
        for name in types:
            if type(name) is not str:
                return None
            job_type(name, "job_type", known)
    except (InvalidInputError, TypeError):
        return None
    ids = list(islice(new_ids(), len(contents)))
    text = dump_plain_json([(new, *content) for new, content in zip(ids, contents, strict=True)])
    # No character takes more than four bytes.
    if text is None or (
        len(text) * 4 > max_payload_bytes
        and any(len(dump_json(payload)) * 4 > max_payload_bytes for _, payload in contents)
    ):
        return None
    return ids, types, text


class JobEncoder:
    """Encodes a batch of new jobs; ``rows`` holds their parameters."""

    def __init__(self, known: Collection[str] | None, max_payload_bytes: int) -> None:
        self._known = known
        self._max_payload_bytes = max_payload_bytes
        self._ids = new_ids()
        self._entries: list[str] = []
        self.ids: list[str] = []
        self.rows: list[NewJob] = []

    def add(self, path: str, content: Mapping[str, Any]) -> None:
        """Add any job; the checks of its arguments name ``path``."""
        row = new_job(path, self._known, self._max_payload_bytes, self._ids, **content)
        self.rows.append(row)
        self.ids.append(row["id"])
        self._entries.append(encode_job(row))

    def encoded(self) -> EncodedJSON:
        """Return the whole batch as the query takes it."""
        return encode_rows(self._entries)


def encode_rows(entries: Iterable[str]) -> EncodedJSON:
    """Return rows, each the encoded values without its brackets, as one array of arrays."""
    return EncodedJSON(f"[[{'],['.join(entries)}]]")
