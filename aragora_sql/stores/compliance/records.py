"""What the store of compliance policies takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, get_args

from aragora_sql.database.values import EncodedJSON
from aragora_sql.errors import InvalidInputError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, unknown_members
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.records import Record

__all__ = [
    "LEVELS",
    "SEVERITIES",
    "STATUSES",
    "CompliancePolicy",
    "ComplianceViolation",
    "Level",
    "PolicyChange",
    "Severity",
    "Status",
    "ViolationCounts",
    "policy_changes",
    "policy_parameters",
    "violation_parameters",
]

Level = Literal["mandatory", "recommended", "optional"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Status = Literal["open", "investigating", "resolved", "false_positive"]
LEVELS: tuple[Level, ...] = get_args(Level)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
STATUSES: tuple[Status, ...] = get_args(Status)
DEFAULT_WORKSPACE = "default"


@dataclass(frozen=True, slots=True)
class CompliancePolicy(Record):
    """A policy of a workspace; ``level`` is ``mandatory``, ``recommended`` or ``optional``."""

    id: str
    name: str
    description: str
    framework_id: str
    workspace_id: str
    vertical_id: str
    level: str
    enabled: bool
    rules: list[Any]
    created_by: str | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ComplianceViolation(Record):
    """What broke a rule. The ``resolved_`` fields are of when it was last settled."""

    id: str
    policy_id: str | None
    rule_id: str
    rule_name: str
    framework_id: str
    vertical_id: str
    workspace_id: str
    severity: str
    status: str
    description: str
    source: str
    detected_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_notes: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyChange(Record):
    """A change of a policy: the whole policy before and after it, where there was one.

    Of two changes of one time that with the lower ``number`` came first.
    """

    number: int
    id: str
    policy_id: str
    action: str
    changed_by: str | None
    changed_at: datetime
    old_value: dict[str, Any] | None
    new_value: dict[str, Any] | None


class ViolationCounts(TypedDict):
    """Counts of violations; ``total`` counts also those of severity ``info``."""

    critical: int
    high: int
    medium: int
    low: int
    total: int


_POLICY = (
    "id",
    "name",
    "description",
    "framework_id",
    "workspace_id",
    "vertical_id",
    "level",
    "enabled",
    "rules",
    "created_by",
    "metadata",
    # Said by the store.
    "created_at",
    "updated_at",
)
_VIOLATION = (
    "id",
    "policy_id",
    "rule_id",
    "rule_name",
    "framework_id",
    "vertical_id",
    "workspace_id",
    "severity",
    "status",
    "description",
    "source",
    "detected_at",
    "resolved_at",
    "resolved_by",
    "resolution_notes",
    "metadata",
)
_CHANGEABLE = ("name", "description", "level", "enabled", "rules", "metadata")


def policy_parameters(policy: Any) -> dict[str, Any]:
    """Check a new policy, and return the parameters of its query."""
    given = _known(policy, "policy", _POLICY)
    checked = policy_changes(
        {name: given[name] for name in _CHANGEABLE if given.get(name) is not None}, "policy"
    )
    return {
        "id": _id(given, "policy", "pol"),
        "framework_id": valid.key(given.get("framework_id"), "policy.framework_id"),
        "workspace_id": _workspace(given, "policy"),
        "vertical_id": valid.key(given.get("vertical_id"), "policy.vertical_id"),
        "created_by": valid.optional(given.get("created_by"), "policy.created_by", valid.key),
        "name": valid.identifier(given.get("name"), "policy.name"),
        "description": checked.get("description", ""),
        "level": checked.get("level", "recommended"),
        "enabled": checked.get("enabled", True),
        "rules": checked.get("rules", EncodedJSON("[]")),
        "metadata": valid.document(checked.get("metadata"), "policy.metadata"),
    }


def policy_changes(updates: Any, argument: str = "updates") -> dict[str, Any]:
    """Check what is to be changed in a policy; ``metadata`` stays a dictionary, to be merged."""
    given = _known(updates, argument, _CHANGEABLE)
    checks = {
        "name": valid.identifier,
        "description": valid.text,
        "level": lambda v, a: valid.choice(v, a, LEVELS),
        "enabled": valid.boolean,
        "rules": _rules,
        "metadata": _metadata,
    }
    return {name: checks[name](value, f"{argument}.{name}") for name, value in given.items()}


def violation_parameters(violation: Any) -> dict[str, Any]:
    """Check a new violation, and return the parameters of its query."""
    given = _known(violation, "violation", _VIOLATION)

    def text(name: str) -> str:
        value = given.get(name)
        return "" if value is None else valid.text(value, f"violation.{name}")

    policy = given.get("policy_id")
    return {
        "id": _id(given, "violation", "viol"),
        "policy_id": valid.optional(
            None if policy == "" else policy, "violation.policy_id", valid.key
        ),
        "rule_id": valid.identifier(given.get("rule_id"), "violation.rule_id"),
        "rule_name": text("rule_name"),
        **{
            name: "" if text(name) == "" else valid.key(given.get(name), f"violation.{name}")
            for name in ("framework_id", "vertical_id")
        },
        "workspace_id": _workspace(given, "violation"),
        "severity": valid.choice(given.get("severity", "medium"), "violation.severity", SEVERITIES),
        "status": valid.choice(given.get("status", "open"), "violation.status", STATUSES),
        "description": text("description"),
        "source": text("source"),
        "detected_at": valid.optional(
            given.get("detected_at"), "violation.detected_at", valid.timestamp_or_text
        ),
        "resolved_at": valid.optional(
            given.get("resolved_at"), "violation.resolved_at", valid.timestamp_or_text
        ),
        "resolved_by": valid.optional(given.get("resolved_by"), "violation.resolved_by", valid.key),
        "resolution_notes": valid.optional_text(
            given.get("resolution_notes"), "violation.resolution_notes"
        ),
        "metadata": valid.document(given.get("metadata"), "violation.metadata"),
    }


def _known(value: Any, argument: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    """Check a mapping, or a record, that has none but known members."""
    given = dict(value) if isinstance(value, Record) else mapping(value, argument)
    for name in unknown_members(given, names):
        raise InvalidInputError(f"{argument}.{name}", f"is not one of {', '.join(names)}")
    return given


def _id(given: Mapping[str, Any], argument: str, prefix: str) -> str:
    found = valid.optional(given.get("id"), f"{argument}.id", valid.key)
    return prefixed_id(f"{prefix}_", 32) if found is None else found


def _workspace(given: Mapping[str, Any], argument: str) -> str:
    return valid.key(given.get("workspace_id", DEFAULT_WORKSPACE), f"{argument}.workspace_id")


def _rules(value: Any, argument: str) -> EncodedJSON:
    """Check rules: each an object with a ``rule_id``, perhaps with a severity."""
    rules = valid.items(value, argument)
    for number, rule in enumerate(rules):
        path = f"{argument}[{number}]"
        members = mapping(rule, path)
        valid.identifier(members.get("rule_id"), f"{path}.rule_id")
        if "severity" in members:
            valid.choice(members["severity"], f"{path}.severity", SEVERITIES)
    return valid.array([dict(rule) for rule in rules], argument)


def _metadata(value: Any, argument: str) -> dict[str, Any]:
    valid.document(value, argument)
    return dict(value or {})
