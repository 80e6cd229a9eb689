"""What the store of definitions of workflows takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from aragora_sql.database.values import EncodedJSON
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, member
from aragora_sql.stores.records import Record
from aragora_sql.stores.terms import document_terms

__all__ = [
    "DEFAULT_TENANT",
    "EXECUTION_STATUSES",
    "STEP_STATUSES",
    "WORKFLOW_CATEGORIES",
    "ExecutionStatus",
    "StepStatus",
    "Workflow",
    "WorkflowCategory",
    "WorkflowExecution",
    "WorkflowTemplate",
    "WorkflowVersion",
    "WorkflowVersionSummary",
    "execution_parameters",
    "template_parameters",
    "version_parameters",
    "workflow_parameters",
]

WorkflowCategory = Literal[
    "general",
    "legal",
    "healthcare",
    "finance",
    "accounting",
    "code",
    "academic",
    "compliance",
    "sme",
]
ExecutionStatus = Literal["pending", "running", "completed", "failed", "terminated"]
StepStatus = Literal["pending", "running", "completed", "skipped", "failed", "waiting"]
WORKFLOW_CATEGORIES: tuple[WorkflowCategory, ...] = get_args(WorkflowCategory)
EXECUTION_STATUSES: tuple[ExecutionStatus, ...] = get_args(ExecutionStatus)
STEP_STATUSES: tuple[StepStatus, ...] = get_args(StepStatus)

DEFAULT_TENANT = "default"
LONGEST_DURATION = 1e300
_OF_AN_EXECUTION = (
    *("id", "tenant_id", "workflow_id", "status", "inputs", "outputs", "steps", "error"),
    *("started_at", "completed_at", "duration_ms"),
)


@dataclass(frozen=True, slots=True)
class Workflow(Record):
    """A workflow as it is now; ``definition`` is the document that was saved.

    ``revision`` is 1 when it is made, and grows by 1 with each save.
    """

    tenant_id: str
    id: str
    name: str
    description: str
    category: str
    version: str
    definition: dict[str, Any]
    tags: list[str]
    is_template: bool
    is_enabled: bool
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class WorkflowVersion(Record):
    """A version of a workflow, which never changes."""

    tenant_id: str
    workflow_id: str
    version: str
    definition: dict[str, Any]
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowVersionSummary(Record):
    """A version in a list; ``is_current`` of the one that the workflow is at."""

    version: str
    created_by: str | None
    created_at: datetime
    step_count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class WorkflowTemplate(Record):
    """A template of the gallery; ``definition`` is the document that was saved."""

    id: str
    name: str
    description: str
    category: str
    definition: dict[str, Any]
    tags: list[str]
    usage_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowExecution(Record):
    """An execution; ``duration_ms`` is in milliseconds, lists are in the order of ``listed_at``."""

    tenant_id: str
    id: str
    workflow_id: str | None
    status: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    steps: list[dict[str, Any]]
    error: str | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float | None
    listed_at: datetime


def _tenant(document: Mapping[str, Any], tenant_id: Any, path: str) -> str:
    """Return the tenant that an argument or the document names; both may only name the same."""
    argument = valid.optional(tenant_id, "tenant_id", valid.key)
    named = valid.optional(document.get("tenant_id"), f"{path}.tenant_id", valid.key)
    if argument is not None and named is not None and argument != named:
        raise InvalidInputError("tenant_id", f"is not what {path}.tenant_id says")
    return named or argument or DEFAULT_TENANT


def _described(value: Any, path: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Check a definition; return it, and what workflows and templates have columns for."""
    document = mapping(value, path)

    def given(name: str) -> Any:
        return member(document, name, f"{path}.{name}")

    return document, {
        "id": valid.key(given("id"), f"{path}.id"),
        "name": valid.identifier(given("name"), f"{path}.name"),
        "description": valid.text(document.get("description", ""), f"{path}.description"),
        "category": valid.choice(
            document.get("category", "general"), f"{path}.category", WORKFLOW_CATEGORIES
        ),
        "definition": valid.document(document, path),
        "tags": valid.array(valid.names(document.get("tags"), f"{path}.tags"), f"{path}.tags"),
    }


def _created_by(document: Mapping[str, Any]) -> str | None:
    # An older document says '' where nobody is known.
    known = document.get("created_by")
    return valid.optional(None if known == "" else known, "workflow.created_by", valid.key)


def _version(document: Mapping[str, Any]) -> str:
    return valid.key(document.get("version", "1.0.0"), "workflow.version")


def workflow_parameters(workflow: Any, tenant_id: Any, now: datetime) -> dict[str, Any]:
    """Check a definition that is to be saved, and return the parameters of its query."""
    document, row = _described(workflow, "workflow")
    created = document.get("created_at")
    return {
        **row,
        "tenant_id": _tenant(document, tenant_id, "workflow"),
        "version": _version(document),
        "is_template": valid.boolean(document.get("is_template", False), "workflow.is_template"),
        "is_enabled": valid.boolean(document.get("is_enabled", True), "workflow.is_enabled"),
        "created_by": _created_by(document),
        "created_at": now
        if created is None
        else valid.timestamp_or_text(created, "workflow.created_at"),
        "updated_at": now,
        "search_terms": document_terms(row["name"], row["description"]),
    }


def version_parameters(workflow: Any, tenant_id: Any, now: datetime) -> dict[str, Any]:
    """Check a definition that is to be kept as a version; return the parameters of its query."""
    document, row = _described(workflow, "workflow")
    return {
        "tenant_id": _tenant(document, tenant_id, "workflow"),
        "workflow_id": row["id"],
        "version": _version(document),
        "definition": row["definition"],
        "created_by": _created_by(document),
        "created_at": now,
    }


def template_parameters(template: Any, now: datetime) -> dict[str, Any]:
    """Check a template that is to be saved, and return the parameters of its query."""
    return {**_described(template, "template")[1], "created_at": now, "updated_at": now}


def execution_parameters(execution: Any, tenant_id: Any, now: datetime) -> dict[str, Any]:
    """Check an execution that is to be saved, and return the parameters of its query."""
    document = mapping(execution, "execution")
    for name in document:
        if name not in _OF_AN_EXECUTION:
            raise InvalidInputError(
                f"execution.{name}", f"is none of {', '.join(_OF_AN_EXECUTION)}"
            )

    def optional(name: str, check: Any) -> Any:
        return valid.optional(document.get(name), f"execution.{name}", check)

    begun = optional("started_at", valid.timestamp_or_text)
    return {
        "tenant_id": _tenant(document, tenant_id, "execution"),
        "id": valid.key(member(document, "id", "execution.id"), "execution.id"),
        "workflow_id": optional("workflow_id", valid.key),
        # What is None is as it was.
        "status": valid.choice(document["status"], "execution.status", EXECUTION_STATUSES)
        if "status" in document
        else None,
        "inputs": valid.document(document.get("inputs"), "execution.inputs"),
        "outputs": optional("outputs", valid.document),
        "steps": optional("steps", _steps),
        "error": optional("error", valid.text),
        "started_at": begun,
        "completed_at": optional("completed_at", valid.timestamp_or_text),
        "duration_ms": optional(
            "duration_ms", lambda v, a: valid.number(v, a, most=LONGEST_DURATION)
        ),
        "listed_at": begun or now,
        "sets_error": "error" in document,
    }


def _steps(value: Any, argument: str) -> EncodedJSON:
    steps = valid.items(value, argument)
    for number, step in enumerate(steps):
        path = f"{argument}[{number}]"
        status = mapping(step, path).get("status", "pending")
        valid.choice(status, f"{path}.status", STEP_STATUSES)
    return valid.array(steps, argument)
