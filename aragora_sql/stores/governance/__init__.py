"""Governance: approvals and their votes, verifications, decisions, points to go back to."""

from aragora_sql.stores.governance.records import (
    APPROVAL_STATUSES,
    REQUEST_STATUSES,
    RISK_LEVELS,
    Approval,
    ApprovalPolicy,
    ApprovalRequest,
    ApprovalStatusWord,
    ApprovalVote,
    DecisionRecord,
    GovernanceCleanup,
    RequestStatusWord,
    RiskLevelWord,
    RollbackPoint,
    Verification,
)
from aragora_sql.stores.governance.requests import ApprovalRequestStore
from aragora_sql.stores.governance.store import GovernanceStore

__all__ = [
    "APPROVAL_STATUSES",
    "REQUEST_STATUSES",
    "RISK_LEVELS",
    "Approval",
    "ApprovalPolicy",
    "ApprovalRequest",
    "ApprovalRequestStore",
    "ApprovalStatusWord",
    "ApprovalVote",
    "DecisionRecord",
    "GovernanceCleanup",
    "GovernanceStore",
    "RequestStatusWord",
    "RiskLevelWord",
    "RollbackPoint",
    "Verification",
]
