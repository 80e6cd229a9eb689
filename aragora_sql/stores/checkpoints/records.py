"""What the checkpoint store returns and takes: records, the checksum, and checks of new rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from aragora_sql.database.values import (
    MOST_NESTED,
    EncodedJSON,
    dump_json,
    json_key,
    load_json,
    utc_now,
)
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.checksums import checksum_of
from aragora_sql.stores.documents import mapping, member, unknown_members, with_unknown_members
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.records import Record

if TYPE_CHECKING:
    from aragora_sql.queries.typed.checkpoints import (
        InsertWorkflowCheckpointParameters,
        UpsertDebateCheckpointParameters,
    )

__all__ = [
    "DEBATE_STATUSES",
    "CheckpointPage",
    "CheckpointStats",
    "CheckpointSummary",
    "DebateCheckpoint",
    "DebateCheckpointPage",
    "DebateCheckpointSummary",
    "WorkflowCheckpoint",
    "debate_checksum",
    "new_debate_checkpoint",
    "new_workflow_checkpoint",
    "workflow_checksum",
]

DebateStatusWord = Literal["creating", "complete", "resuming", "corrupted", "expired"]

DEBATE_STATUSES: tuple[DebateStatusWord, ...] = get_args(DebateStatusWord)
STORAGE_ID_PREFIX = "wcp-"

Default = Callable[[Any], Any]

# The parts of a checkpoint that its checksum covers: all that the application gave.
_WORKFLOW_CONTENT = (
    "id",
    "workflow_id",
    "definition_id",
    "current_step",
    "completed_steps",
    "step_outputs",
    "context_state",
    "checksum",
    "created_at",
)
_DEBATE_CONTENT = (
    "checkpoint_id",
    "debate_id",
    "task",
    "current_round",
    "total_rounds",
    "phase",
    "status",
    "data",
    "checksum",
    "created_at",
    "expires_at",
)
# What an engine may leave out of a workflow's checkpoint.
_WORKFLOW_DEFAULTS: dict[str, Any] = {
    "current_step": None,
    "completed_steps": (),
    "step_outputs": None,
    "context_state": None,
    "checksum": "",
}
_DEBATE_COLUMNS = tuple(name for name in _DEBATE_CONTENT if name != "data")


def workflow_checksum(content: Mapping[str, Any]) -> str:
    """Return the ``content_checksum`` of a workflow's checkpoint: of its fields, by name."""
    return checksum_of(content, _WORKFLOW_CONTENT)


def debate_checksum(content: Mapping[str, Any]) -> str:
    """Return the ``content_checksum`` of a debate's checkpoint: of its fields, by name."""
    return checksum_of(content, _DEBATE_CONTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCheckpoint(Record):
    """State of a workflow between two steps.

    ``id`` is the id that the engine gave it, ``storage_id`` the one that the store gave it;
    ``sequence`` grows with each checkpoint stored. ``stored_at`` is when it was stored, later than
    every checkpoint of the workflow before it, whatever the clocks of the hosts say. ``checksum``
    is the engine's own, kept as it came; ``content_checksum`` is the store's
    (:func:`~aragora_sql.stores.checksums.content_checksum` of the fields that the engine gives,
    timestamps as ``2026-02-12T16:42:57.123456Z``).
    """

    storage_id: str
    id: str
    sequence: int
    workflow_id: str
    definition_id: str
    current_step: str | None
    completed_steps: list[str]
    step_outputs: dict[str, Any]
    context_state: dict[str, Any]
    checksum: str
    content_checksum: str
    created_at: datetime
    stored_at: datetime

    def is_intact(self) -> bool:
        """Tell whether the content is what was stored."""
        content = {name: getattr(self, name) for name in _WORKFLOW_CONTENT}
        return workflow_checksum(content) == self.content_checksum


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSummary(Record):
    """A checkpoint of a workflow without its state."""

    storage_id: str
    id: str
    sequence: int
    workflow_id: str
    definition_id: str
    current_step: str | None
    checksum: str
    created_at: datetime
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPage(Record):
    """A page of a workflow's checkpoints, newest first.

    ``next`` is the cursor of the following page, or None on the last one. It stays good when
    checkpoints are deleted.
    """

    checkpoints: list[CheckpointSummary]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateCheckpoint(Record):
    """State of a debate between two rounds.

    ``data`` is the part of the document that has no field here (messages, critiques, votes, agent
    states and so on). ``checksum`` is the debate's own, kept as it came; ``content_checksum`` is
    the store's. ``size_bytes`` is the length of ``data`` as JSON text. ``stored_at`` is when it was
    stored first, later than every checkpoint of the debate before it.
    """

    checkpoint_id: str
    debate_id: str
    task: str
    current_round: int
    total_rounds: int
    phase: str
    status: DebateStatusWord
    data: dict[str, Any]
    size_bytes: int
    checksum: str
    content_checksum: str
    created_at: datetime
    expires_at: datetime | None
    stored_at: datetime

    def is_intact(self) -> bool:
        """Tell whether the content is what was stored."""
        content = {name: getattr(self, name) for name in _DEBATE_CONTENT}
        return debate_checksum(content) == self.content_checksum

    def to_document(self) -> dict[str, Any]:
        """Return the document that was stored, timestamps as ISO-8601 text in UTC."""
        columns = {name: getattr(self, name) for name in _DEBATE_COLUMNS}
        return with_unknown_members(
            {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in columns.items()
            },
            self.data,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateCheckpointSummary(Record):
    """A checkpoint of a debate without its data."""

    checkpoint_id: str
    debate_id: str
    task: str
    current_round: int
    total_rounds: int
    phase: str
    status: DebateStatusWord
    size_bytes: int
    created_at: datetime
    expires_at: datetime | None
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DebateCheckpointPage(Record):
    """A page of debates' checkpoints, newest first; ``next`` is the cursor of the following one."""

    checkpoints: list[DebateCheckpointSummary]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointStats(Record):
    """Counts of the whole store; ``debate_bytes`` is the size of the debates' data."""

    workflow_checkpoints: int
    workflows: int
    debate_checkpoints: int
    debates: int
    debate_bytes: int


def new_workflow_checkpoint(
    checkpoint: object, default: Default | None = None
) -> InsertWorkflowCheckpointParameters:
    """Check a workflow's checkpoint and return the parameters of its query.

    ``checkpoint`` is a mapping or an object with the fields that the engine gives (see
    :class:`WorkflowCheckpoint`); ``default`` is called with each value that JSON has no form for
    and returns one to store instead.
    """
    given = {
        name: member(checkpoint, name, f"checkpoint.{name}", **_otherwise(name))
        for name in _WORKFLOW_CONTENT
    }
    steps = given["completed_steps"]
    if isinstance(steps, set | frozenset):
        # Engines keep a set; its order changes from process to process.
        steps = sorted(steps)
    content: dict[str, Any] = {
        "id": valid.key(given["id"], "checkpoint.id"),
        "workflow_id": valid.key(given["workflow_id"], "checkpoint.workflow_id"),
        "definition_id": valid.text(given["definition_id"], "checkpoint.definition_id"),
        "current_step": valid.optional_text(given["current_step"], "checkpoint.current_step"),
        "completed_steps": valid.texts(steps, "checkpoint.completed_steps"),
        "checksum": valid.text(given["checksum"], "checkpoint.checksum"),
        "created_at": valid.timestamp(given["created_at"], "checkpoint.created_at"),
    }
    outputs = _document(given["step_outputs"], "checkpoint.step_outputs", default)
    context = _document(given["context_state"], "checkpoint.context_state", default)
    content |= {"step_outputs": load_json(outputs), "context_state": load_json(context)}
    return {
        "id": prefixed_id(STORAGE_ID_PREFIX, 32),
        "engine_id": content["id"],
        "workflow_id": content["workflow_id"],
        "definition_id": content["definition_id"],
        "current_step": content["current_step"],
        "completed_steps": content["completed_steps"],
        "step_outputs": outputs,
        "context_state": context,
        "checksum": content["checksum"],
        "content_checksum": workflow_checksum(content),
        "created_at": content["created_at"],
        "stored_at": utc_now(),
    }


def new_debate_checkpoint(
    document: object, default: Default | None = None
) -> UpsertDebateCheckpointParameters:
    """Check a debate's checkpoint and return the parameters of its query.

    ``document`` is a mapping with the keys of :class:`DebateCheckpoint` and any others; ``default``
    as in :func:`new_workflow_checkpoint`. Timestamps are aware datetimes or ISO-8601 text with a
    zone.
    """
    document = mapping(document, "checkpoint")

    def field(name: str, **otherwise: Any) -> Any:
        return member(document, name, f"checkpoint.{name}", **otherwise)

    rest = unknown_members(document, _DEBATE_COLUMNS)
    encoded = _document(_with_text_timestamps(rest), "checkpoint", default)
    content: dict[str, Any] = {
        "checkpoint_id": valid.key(field("checkpoint_id"), "checkpoint.checkpoint_id"),
        "debate_id": valid.key(field("debate_id"), "checkpoint.debate_id"),
        "task": valid.text(field("task"), "checkpoint.task"),
        "current_round": valid.integer(field("current_round"), "checkpoint.current_round"),
        "total_rounds": valid.integer(field("total_rounds"), "checkpoint.total_rounds"),
        "phase": valid.text(field("phase"), "checkpoint.phase"),
        "status": valid.choice(field("status"), "checkpoint.status", DEBATE_STATUSES),
        "data": load_json(encoded),
        "checksum": valid.text(field("checksum", otherwise=""), "checkpoint.checksum"),
        "created_at": valid.timestamp_or_text(field("created_at"), "checkpoint.created_at"),
        "expires_at": valid.optional(
            document.get("expires_at"), "checkpoint.expires_at", valid.timestamp_or_text
        ),
    }
    return {
        "checkpoint_id": content["checkpoint_id"],
        "debate_id": content["debate_id"],
        "task": content["task"],
        "current_round": content["current_round"],
        "total_rounds": content["total_rounds"],
        "phase": content["phase"],
        "status": content["status"],
        "data": encoded,
        "size_bytes": len(encoded.encode()),
        "checksum": content["checksum"],
        "content_checksum": debate_checksum(content),
        "created_at": content["created_at"],
        "expires_at": content["expires_at"],
        "stored_at": utc_now(),
    }


def _otherwise(name: str) -> dict[str, Any]:
    return {"otherwise": _WORKFLOW_DEFAULTS[name]} if name in _WORKFLOW_DEFAULTS else {}


def _with_text_timestamps(document: dict[str, Any]) -> dict[str, Any]:
    """Write the aware timestamps of a document's own fields (last_resumed_at) as text."""
    return {
        name: valid.timestamp(value, f"checkpoint.{name}").isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in document.items()
    }


def _document(value: Any, argument: str, default: Default | None) -> EncodedJSON:
    given = {} if value is None else dict(mapping(value, argument))
    if default is not None:
        given = converted(given, argument, default, 0)
    return dump_json(given, argument)


def converted(value: Any, path: str, default: Default, depth: int) -> Any:
    """Return ``value`` with ``default`` applied to all that JSON has no form for."""
    if value is None or isinstance(value, str | int | float):
        return value
    if depth >= MOST_NESTED:
        raise InvalidInputError(path, f"is nested deeper than {MOST_NESTED} levels")
    if isinstance(value, dict):
        return {
            json_key(key, path): converted(item, f"{path}[{key!r}]", default, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            converted(item, f"{path}[{index}]", default, depth + 1)
            for index, item in enumerate(value)
        ]
    return default(value)
