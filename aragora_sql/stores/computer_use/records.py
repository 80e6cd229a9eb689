"""What the store of computer use takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypedDict, get_args

from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, member
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.records import Record

__all__ = [
    "ACTIONS",
    "TASK_STATUSES",
    "Action",
    "ActionTotals",
    "ComputerUsePolicy",
    "ComputerUseTask",
    "TaskStatus",
    "checked_steps",
    "policy_parameters",
    "task_parameters",
]

TaskStatus = Literal["pending", "running", "completed", "failed", "timeout", "cancelled"]
Action = Literal["click", "type", "screenshot", "scroll", "key"]
TASK_STATUSES: tuple[TaskStatus, ...] = get_args(TaskStatus)
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class ComputerUseTask(Record):
    """A task; ``steps`` are documents with ``action`` and ``success``."""

    task_id: str
    goal: str
    max_steps: int
    dry_run: bool
    status: str
    steps: list[dict[str, Any]]
    result: dict[str, Any] | None
    error: str | None
    user_id: str | None
    tenant_id: str | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ComputerUsePolicy(Record):
    """What agents may do."""

    policy_id: str
    name: str
    description: str
    allowed_actions: list[Any]
    blocked_domains: list[Any]
    is_active: bool
    tenant_id: str | None
    created_at: datetime
    updated_at: datetime


class ActionTotals(TypedDict):
    """How often an action was done."""

    total: int
    success: int
    failed: int


class _Reader:
    def __init__(self, source: Any, path: str, kind: type[Record]) -> None:
        self._source, self._path = source, path
        known = [one.name for one in fields(kind)]  # type: ignore[arg-type]
        if isinstance(source, Mapping):
            for name in source:
                if name not in known:
                    raise InvalidInputError(f"{path}.{name}", f"is none of {', '.join(known)}")
        elif not isinstance(source, kind):
            raise InvalidInputError(
                path, f"must be a dictionary or {kind.__name__}, not {type(source).__name__}"
            )

    def need(self, name: str, check: Any) -> Any:
        path = f"{self._path}.{name}"
        return check(member(self._source, name, path), path)

    def read(self, name: str, check: Any, otherwise: Any = None) -> Any:
        value = member(self._source, name, self._path, None)
        return otherwise if value is None else check(value, f"{self._path}.{name}")


def _status(value: Any, argument: str) -> TaskStatus:
    return valid.choice(value, argument, TASK_STATUSES)


def checked_steps(value: Any, argument: str) -> Any:
    """Check the steps of a task, and encode them."""
    steps = valid.items(value, argument)
    for number, step in enumerate(steps):
        path = f"{argument}[{number}]"
        valid.optional(mapping(step, path).get("action"), f"{path}.action", valid.text)
        valid.optional(step.get("success"), f"{path}.success", valid.boolean)
    return valid.array(steps, argument)


def _names(value: Any, argument: str) -> Any:
    return valid.array(valid.names(value, argument), argument)


def task_parameters(task: Any, now: datetime) -> dict[str, Any]:
    """Check a task that is to be saved, and return the parameters of its query."""
    given = _Reader(task, "task", ComputerUseTask)
    status = given.read("status", _status, "pending")
    return {
        "task_id": given.read("task_id", valid.key) or prefixed_id("task-"),
        "goal": given.need("goal", valid.identifier),
        "max_steps": given.read("max_steps", lambda v, a: valid.integer(v, a, least=1), 10),
        "dry_run": given.read("dry_run", valid.boolean, False),
        "status": status,
        "steps": given.read("steps", checked_steps, valid.array(None, "")),
        # An empty result is one, and not none.
        "result": given.read("result", valid.document),
        "error": given.read("error", valid.text),
        "user_id": given.read("user_id", valid.key),
        "tenant_id": given.read("tenant_id", valid.key),
        "cancelled_at": given.read(
            "cancelled_at", valid.timestamp_or_text, now if status == "cancelled" else None
        ),
        "created_at": given.read("created_at", valid.timestamp_or_text, now),
        "updated_at": now,
    }


def policy_parameters(policy: Any, now: datetime) -> dict[str, Any]:
    """Check a policy that is to be saved, and return the parameters of its query."""
    given = _Reader(policy, "policy", ComputerUsePolicy)
    nothing = valid.array(None, "")
    return {
        "policy_id": given.read("policy_id", valid.key) or prefixed_id("policy-"),
        "name": given.need("name", valid.identifier),
        "description": given.read("description", valid.text, ""),
        "allowed_actions": given.read("allowed_actions", _names, nothing),
        "blocked_domains": given.read("blocked_domains", _names, nothing),
        "is_active": given.read("is_active", valid.boolean, True),
        "tenant_id": given.read("tenant_id", valid.key),
        "created_at": given.read("created_at", valid.timestamp_or_text, now),
        "updated_at": now,
    }
