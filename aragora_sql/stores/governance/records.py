"""What the governance store returns: records, and documents of approval requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from aragora_sql.database.values import utc_now
from aragora_sql.stores import validation as valid
from aragora_sql.stores.documents import mapping, unknown_members, with_unknown_members
from aragora_sql.stores.records import Record

if TYPE_CHECKING:
    from aragora_sql.queries.typed.governance import SaveRequestParameters

__all__ = [
    "APPROVAL_STATUSES",
    "FINAL_STATUSES",
    "REQUEST_STATUSES",
    "RISK_LEVELS",
    "Approval",
    "ApprovalPolicy",
    "ApprovalRequest",
    "ApprovalStatusWord",
    "ApprovalVote",
    "DecisionRecord",
    "GovernanceCleanup",
    "RequestStatusWord",
    "RiskLevelWord",
    "RollbackPoint",
    "Verification",
    "request_parameters",
]

RiskLevelWord = Literal["low", "medium", "high", "critical"]
ApprovalStatusWord = Literal[
    "pending", "approved", "rejected", "expired", "cancelled", "timeout", "escalated"
]
RequestStatusWord = Literal["pending", "approved", "rejected", "expired"]

RISK_LEVELS: tuple[RiskLevelWord, ...] = ("low", "medium", "high", "critical")
FINAL_STATUSES: tuple[ApprovalStatusWord, ...] = (
    "approved",
    "rejected",
    "expired",
    "cancelled",
    "timeout",
    "escalated",
)
APPROVAL_STATUSES: tuple[ApprovalStatusWord, ...] = ("pending", *FINAL_STATUSES)
REQUEST_STATUSES: tuple[RequestStatusWord, ...] = ("pending", "approved", "rejected", "expired")

MOST_URGENT, LEAST_URGENT, DEFAULT_PRIORITY = 1, 5, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy(Record):
    """What new approvals of a risk need; ``org_id`` is '' for all without a policy of their own."""

    org_id: str
    risk_level: str
    required_approvals: int
    required_rejections: int
    allow_self_approval: bool
    timeout_seconds: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Record):
    """Something that people have to approve; the quorum is that of its time of request.

    One that is pending after ``expires_at`` takes no votes any more.
    """

    approval_id: str
    title: str
    description: str
    risk_level: str
    status: str
    requested_by: str | None
    requested_at: datetime
    changes: list[Any]
    timeout_seconds: int
    expires_at: datetime
    required_approvals: int
    required_rejections: int
    allow_self_approval: bool
    approve_votes: int
    reject_votes: int
    approved_by: str | None
    approved_at: datetime | None
    decided_at: datetime | None
    rejection_reason: str | None
    org_id: str | None
    workspace_id: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalVote(Record):
    """A vote for (``approves``) or against an approval."""

    approval_id: str
    voter_id: str
    approves: bool
    reason: str | None
    voted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Record):
    """A claim that was verified; ``confidence`` is from 0 to 1."""

    verification_id: str
    claim: str
    claim_type: str | None
    context: str
    result: dict[str, Any]
    timestamp: datetime
    verified_by: str
    confidence: float
    proof_tree: list[Any] | None
    org_id: str | None
    workspace_id: str | None

    @property
    def valid(self) -> bool:
        """Whether the result says that the claim holds."""
        return self.result.get("valid") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord(Record):
    """What a debate decided; ``confidence`` is from 0 to 1."""

    decision_id: str
    debate_id: str
    conclusion: str
    consensus_reached: bool
    confidence: float
    timestamp: datetime
    evidence_chain: list[Any]
    vote_pivots: list[Any]
    belief_changes: list[Any]
    agents_involved: list[Any]
    org_id: str | None
    workspace_id: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPoint(Record):
    """A state to which a change can be taken back."""

    rollback_id: str
    description: str
    git_commit: str | None
    file_backups: dict[str, Any]
    database_snapshot: str | None
    metadata: dict[str, Any]
    created_by: str | None
    org_id: str | None
    workspace_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest(Record):
    """A step of a workflow that waits for an answer; ``priority`` is from 1 (most urgent) to 5.

    ``extra`` holds what an application's document has besides.
    """

    request_id: str
    workflow_id: str
    step_id: str
    title: str
    description: str | None
    status: str
    request_data: dict[str, Any]
    response_data: dict[str, Any] | None
    requester_id: str | None
    responder_id: str | None
    priority: int
    workspace_id: str | None
    tags: list[Any]
    extra: dict[str, Any]
    expires_at: datetime | None
    responded_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def to_document(self) -> dict[str, Any]:
        """Return it as :meth:`ApprovalRequestStore.save` takes it: timestamps as text."""
        document = self.to_dict()
        return with_unknown_members(document, document.pop("extra"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernanceCleanup(Record):
    """How many records a clean-up deleted."""

    approvals: int
    verifications: int
    decisions: int

    @property
    def total(self) -> int:
        """The number of all of them."""
        return self.approvals + self.verifications + self.decisions


_REQUEST_MEMBERS = frozenset(ApprovalRequest.__dataclass_fields__) - {"extra"}


def request_parameters(document: Any, path: str = "data") -> SaveRequestParameters:
    """Check an approval request's document and return what is stored of it.

    Members without a column are kept. A timestamp is an aware ``datetime`` or ISO-8601 text with a
    zone; ``updated_at`` is now in any case, ``created_at`` where it is not given.
    """
    mapping(document, path)
    now = utc_now()

    def optional(name: str, check: Any) -> Any:
        return valid.optional(document.get(name), f"{path}.{name}", check)

    def key(name: str) -> str:
        return valid.key(document.get(name), f"{path}.{name}")

    return {
        "request_id": key("request_id"),
        "workflow_id": key("workflow_id"),
        "step_id": key("step_id"),
        "title": valid.identifier(document.get("title"), f"{path}.title"),
        "description": optional("description", valid.text),
        "status": valid.choice(
            document.get("status", "pending"), f"{path}.status", REQUEST_STATUSES
        ),
        "request_data": valid.document(document.get("request_data"), f"{path}.request_data"),
        "response_data": optional("response_data", valid.document),
        "requester_id": optional("requester_id", valid.key),
        "responder_id": optional("responder_id", valid.key),
        "priority": valid.integer(
            document.get("priority", DEFAULT_PRIORITY),
            f"{path}.priority",
            least=MOST_URGENT,
            most=LEAST_URGENT,
        ),
        "workspace_id": optional("workspace_id", valid.key),
        "tags": valid.array(document.get("tags"), f"{path}.tags"),
        "extra": valid.document(_unknown(document), path),
        "expires_at": optional("expires_at", valid.timestamp_or_text),
        "responded_at": optional("responded_at", valid.timestamp_or_text),
        "created_at": valid.timestamp_or_text(
            document.get("created_at", now), f"{path}.created_at"
        ),
        "updated_at": now,
    }


def _unknown(document: Mapping[str, Any]) -> dict[str, Any]:
    return unknown_members(document, _REQUEST_MEMBERS)
