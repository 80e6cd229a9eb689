"""The types of the queries of the store governance.

Made by ``aragora-sql stubs`` from
``sql/postgres/governance/queries.sql`` and ``sql/sqlite/governance/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

RiskLevelWord = Literal[
    "low",
    "medium",
    "high",
    "critical",
]

class SetPolicyParameters(TypedDict):
    """One set of parameters of set_policy."""

    org_id: str
    risk_level: RiskLevelWord
    required_approvals: int
    required_rejections: int
    allow_self_approval: bool
    timeout_seconds: int

class ApprovalPolicyRow(TypedDict):
    """A row of list_policies."""

    org_id: str
    risk_level: RiskLevelWord
    required_approvals: int
    required_rejections: int
    allow_self_approval: bool
    timeout_seconds: int
    updated_at: datetime

class CountVoteParameters(TypedDict):
    """One set of parameters of count_vote."""

    approval_id: str
    voter_id: str
    approves: bool
    reason: str

class InsertVoteParameters(TypedDict):
    """One set of parameters of insert_vote."""

    approval_id: str
    voter_id: str
    approves: bool
    reason: str | None

class ApprovalRow(TypedDict):
    """A row of get_approval, list_approvals, list_approvals_in_status, list_org_approvals,
    list_org_approvals_in_status."""

    approval_id: str
    title: str
    description: str
    risk_level: RiskLevelWord
    status: str
    requested_by: str | None
    requested_at: datetime
    changes: Any
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
    metadata: Any

class ApprovalVoteRow(TypedDict):
    """A row of list_votes."""

    approval_id: str
    voter_id: str
    approves: bool
    reason: str | None
    voted_at: datetime

class SaveVerificationParameters(TypedDict):
    """One set of parameters of save_verification."""

    verification_id: str
    claim: str
    claim_type: str | None
    context: str
    result: Any
    verified_by: str
    confidence: float
    proof_tree: Any
    org_id: str | None
    workspace_id: str | None

class VerificationRow(TypedDict):
    """A row of get_verification, list_verifications, list_verifications_of_type,
    list_org_verifications."""

    verification_id: str
    claim: str
    claim_type: str | None
    context: str
    result: Any
    timestamp: datetime
    verified_by: str
    confidence: float
    proof_tree: Any
    org_id: str | None
    workspace_id: str | None

class SaveDecisionParameters(TypedDict):
    """One set of parameters of save_decision."""

    decision_id: str
    debate_id: str
    conclusion: str
    consensus_reached: bool
    confidence: float
    evidence_chain: Any
    vote_pivots: Any
    belief_changes: Any
    agents_involved: Any
    org_id: str | None
    workspace_id: str | None
    metadata: Any

class DecisionRecordRow(TypedDict):
    """A row of get_decision, list_decisions, list_agreed_decisions, list_org_decisions,
    list_org_agreed_decisions, list_debate_decisions."""

    decision_id: str
    debate_id: str
    conclusion: str
    consensus_reached: bool
    confidence: float
    timestamp: datetime
    evidence_chain: Any
    vote_pivots: Any
    belief_changes: Any
    agents_involved: Any
    org_id: str | None
    workspace_id: str | None
    metadata: Any

class InsertRollbackPointParameters(TypedDict):
    """One set of parameters of insert_rollback_point."""

    rollback_id: str
    description: str
    git_commit: str | None
    file_backups: Any
    database_snapshot: str | None
    metadata: Any
    created_by: str | None
    org_id: str | None
    workspace_id: str | None

class RollbackPointRow(TypedDict):
    """A row of get_rollback_point, list_rollback_points, list_org_rollback_points."""

    rollback_id: str
    description: str
    git_commit: str | None
    file_backups: Any
    database_snapshot: str | None
    metadata: Any
    created_by: str | None
    org_id: str | None
    workspace_id: str | None
    created_at: datetime

class SaveRequestParameters(TypedDict):
    """One set of parameters of save_request."""

    request_id: str
    workflow_id: str
    step_id: str
    title: str
    description: str | None
    status: str
    request_data: Any
    response_data: Any
    requester_id: str | None
    responder_id: str | None
    priority: int
    workspace_id: str | None
    tags: Any
    extra: Any
    expires_at: datetime | None
    responded_at: datetime | None
    created_at: datetime
    updated_at: datetime

class ApprovalRequestRow(TypedDict):
    """A row of get_request, list_requests, list_workflow_requests, list_workspace_requests,
    list_requests_in_status, list_expired_requests."""

    request_id: str
    workflow_id: str
    step_id: str
    title: str
    description: str | None
    status: str
    request_data: Any
    response_data: Any
    requester_id: str | None
    responder_id: str | None
    priority: int
    workspace_id: str | None
    tags: Any
    extra: Any
    expires_at: datetime | None
    responded_at: datetime | None
    created_at: datetime
    updated_at: datetime

class GovernanceQueries(Protocol):
    """The queries of the store governance."""

    async def set_policy(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        risk_level: RiskLevelWord,
        required_approvals: int,
        required_rejections: int,
        allow_self_approval: bool,
        timeout_seconds: int,
    ) -> int:
        """Set what new approvals of a risk need, in one organization or ('') in all without a
        policy of their

        own.

        Operation !: the number of rows changed.
        """

    def list_policies(
        self,
        connection: Connection,
        /,
        *,
        org_id: str | None,
    ) -> AsyncIterator[ApprovalPolicyRow]:
        """List the policies of an organization, or (NULL) all.

        Operation (none): every row.
        """

    async def delete_policy(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        risk_level: RiskLevelWord,
    ) -> int:
        """Delete a policy; approvals that were asked for under it keep its quorum.

        Operation !: the number of rows changed.
        """

    async def save_approval(
        self,
        connection: Connection,
        /,
        *,
        approval_id: str,
        title: str,
        description: str,
        risk_level: RiskLevelWord,
        requested_by: str | None,
        changes: Any,
        timeout_seconds: int | None,
        required_approvals: int | None,
        required_rejections: int | None,
        org_id: str | None,
        workspace_id: str | None,
        metadata: Any,
    ) -> int:
        """Store an approval with the quorum of its organization's policy, or replace one on which
        nobody has

        voted yet; what it asks for itself can make the quorum larger only.

        Operation !: the number of rows changed.
        """

    async def count_vote(
        self,
        connection: Connection,
        parameters: Sequence[CountVoteParameters],
        /,
    ) -> int:
        """Count a vote on an approval that is open, and decide it when that makes the quorum.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def insert_vote(
        self,
        connection: Connection,
        parameters: Sequence[InsertVoteParameters],
        /,
    ) -> int:
        """Keep a vote on an approval, unless there is none or this voter has voted on it already.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def decide_approval(
        self,
        connection: Connection,
        /,
        *,
        approval_id: str,
        status: str,
        rejection_reason: str | None,
    ) -> int:
        """Decide an approval without a vote: that counts as one vote where one is enough, and as
        none elsewhere.

        Operation !: the number of rows changed.
        """

    async def expire_approvals(self, connection: Connection, /, *, row_limit: int) -> int:
        """Let approvals expire whose time is over, the oldest first.

        Operation !: the number of rows changed.
        """

    async def get_approval(
        self,
        connection: Connection,
        /,
        *,
        approval_id: str,
    ) -> ApprovalRow | None:
        """Return one approval.

        Operation ^: the first row, or None.
        """

    def list_votes(
        self,
        connection: Connection,
        /,
        *,
        approval_id: str,
    ) -> AsyncIterator[ApprovalVoteRow]:
        """List the votes on an approval, in their order.

        Operation (none): every row.
        """

    def list_approvals(
        self,
        connection: Connection,
        /,
        *,
        risk_level: RiskLevelWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRow]:
        """List approvals, newest first, from a place on, of one risk or of all.

        Operation (none): every row.
        """

    def list_approvals_in_status(
        self,
        connection: Connection,
        /,
        *,
        status: str,
        risk_level: RiskLevelWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRow]:
        """List approvals in a status, newest first, from a place on, of one risk or of all.

        Operation (none): every row.
        """

    def list_org_approvals(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        risk_level: RiskLevelWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRow]:
        """List approvals of an organization, newest first, from a place on, of one risk or of all.

        Operation (none): every row.
        """

    def list_org_approvals_in_status(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        status: str,
        risk_level: RiskLevelWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRow]:
        """List approvals of an organization in a status, newest first, from a place on, of one
        risk or of all.

        Operation (none): every row.
        """

    async def delete_approval(self, connection: Connection, /, *, approval_id: str) -> int:
        """Delete an approval with its votes.

        Operation !: the number of rows changed.
        """

    async def purge_approvals(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete approvals that were decided so long ago, the oldest first.

        Operation !: the number of rows changed.
        """

    async def save_verification(
        self,
        connection: Connection,
        /,
        *,
        verification_id: str,
        claim: str,
        claim_type: str | None,
        context: str,
        result: Any,
        verified_by: str,
        confidence: float,
        proof_tree: Any,
        org_id: str | None,
        workspace_id: str | None,
    ) -> int:
        """Store a verification, or replace that of the same organization; it keeps its time.

        Operation !: the number of rows changed.
        """

    async def get_verification(
        self,
        connection: Connection,
        /,
        *,
        verification_id: str,
    ) -> VerificationRow | None:
        """Return one verification.

        Operation ^: the first row, or None.
        """

    def list_verifications(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[VerificationRow]:
        """List verifications, newest first, from a place on.

        Operation (none): every row.
        """

    def list_verifications_of_type(
        self,
        connection: Connection,
        /,
        *,
        claim_type: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[VerificationRow]:
        """List verifications of a kind of claim, newest first, from a place on.

        Operation (none): every row.
        """

    def list_org_verifications(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        claim_type: str | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[VerificationRow]:
        """List verifications of an organization, newest first, from a place on, of one kind of
        claim or of all.

        Operation (none): every row.
        """

    async def purge_verifications(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete verifications that are so old, the oldest first.

        Operation !: the number of rows changed.
        """

    async def save_decision(
        self,
        connection: Connection,
        /,
        *,
        decision_id: str,
        debate_id: str,
        conclusion: str,
        consensus_reached: bool,
        confidence: float,
        evidence_chain: Any,
        vote_pivots: Any,
        belief_changes: Any,
        agents_involved: Any,
        org_id: str | None,
        workspace_id: str | None,
        metadata: Any,
    ) -> int:
        """Store a decision, or replace that of the same organization; it keeps its time.

        Operation !: the number of rows changed.
        """

    async def get_decision(
        self,
        connection: Connection,
        /,
        *,
        decision_id: str,
    ) -> DecisionRecordRow | None:
        """Return one decision.

        Operation ^: the first row, or None.
        """

    def list_decisions(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionRecordRow]:
        """List decisions, newest first, from a place on.

        Operation (none): every row.
        """

    def list_agreed_decisions(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionRecordRow]:
        """List decisions in consensus, newest first, from a place on.

        Operation (none): every row.
        """

    def list_org_decisions(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionRecordRow]:
        """List decisions of an organization, newest first, from a place on.

        Operation (none): every row.
        """

    def list_org_agreed_decisions(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionRecordRow]:
        """List decisions of an organization in consensus, newest first, from a place on.

        Operation (none): every row.
        """

    def list_debate_decisions(
        self,
        connection: Connection,
        /,
        *,
        debate_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[DecisionRecordRow]:
        """List the decisions of a debate, newest first, from a place on.

        Operation (none): every row.
        """

    async def purge_decisions(
        self,
        connection: Connection,
        /,
        *,
        age_seconds: float,
        row_limit: int,
    ) -> int:
        """Delete decisions that are so old, the oldest first.

        Operation !: the number of rows changed.
        """

    async def insert_rollback_point(
        self,
        connection: Connection,
        /,
        *,
        rollback_id: str,
        description: str,
        git_commit: str | None,
        file_backups: Any,
        database_snapshot: str | None,
        metadata: Any,
        created_by: str | None,
        org_id: str | None,
        workspace_id: str | None,
    ) -> int:
        """Store a point to go back to, unless there is one of this id.

        Operation !: the number of rows changed.
        """

    async def get_rollback_point(
        self,
        connection: Connection,
        /,
        *,
        rollback_id: str,
    ) -> RollbackPointRow | None:
        """Return one point to go back to.

        Operation ^: the first row, or None.
        """

    def list_rollback_points(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[RollbackPointRow]:
        """List points to go back to, newest first, from a place on.

        Operation (none): every row.
        """

    def list_org_rollback_points(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[RollbackPointRow]:
        """List points to go back to of an organization, newest first, from a place on.

        Operation (none): every row.
        """

    async def delete_rollback_point(self, connection: Connection, /, *, rollback_id: str) -> int:
        """Delete a point to go back to.

        Operation !: the number of rows changed.
        """

    async def prune_rollback_points(self, connection: Connection, /, *, kept: int) -> int:
        """Delete all points to go back to but the newest.

        Operation !: the number of rows changed.
        """

    async def prune_org_rollback_points(
        self,
        connection: Connection,
        /,
        *,
        org_id: str,
        kept: int,
    ) -> int:
        """Delete all points to go back to of an organization but the newest.

        Operation !: the number of rows changed.
        """

    async def save_request(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
        workflow_id: str,
        step_id: str,
        title: str,
        description: str | None,
        status: str,
        request_data: Any,
        response_data: Any,
        requester_id: str | None,
        responder_id: str | None,
        priority: int,
        workspace_id: str | None,
        tags: Any,
        extra: Any,
        expires_at: datetime | None,
        responded_at: datetime | None,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a request, or replace one that waits, or that is answered in the same way; its
        creation stays.

        Operation !: the number of rows changed.
        """

    async def respond_request(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
        status: str,
        responder_id: str | None,
        response_data: Any,
    ) -> int:
        """Answer a request that waits and has not expired.

        Operation !: the number of rows changed.
        """

    async def expire_requests(self, connection: Connection, /, *, row_limit: int) -> int:
        """Let requests expire whose time is over, the oldest first.

        Operation !: the number of rows changed.
        """

    async def get_request(
        self,
        connection: Connection,
        /,
        *,
        request_id: str,
    ) -> ApprovalRequestRow | None:
        """Return one request.

        Operation ^: the first row, or None.
        """

    async def delete_request(self, connection: Connection, /, *, request_id: str) -> int:
        """Delete a request.

        Operation !: the number of rows changed.
        """

    async def count_requests(self, connection: Connection, /) -> int:
        """Count the requests.

        Operation $: the first value of the first row, or None.
        """

    def list_requests(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRequestRow]:
        """List requests, newest first, from a place on.

        Operation (none): every row.
        """

    def list_workflow_requests(
        self,
        connection: Connection,
        /,
        *,
        workflow_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRequestRow]:
        """List the requests of a workflow, newest first, from a place on.

        Operation (none): every row.
        """

    def list_workspace_requests(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRequestRow]:
        """List the requests of a workspace, newest first, from a place on.

        Operation (none): every row.
        """

    def list_requests_in_status(
        self,
        connection: Connection,
        /,
        *,
        status: str,
        after_priority: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRequestRow]:
        """List requests in a status, the most urgent first and of these the newest, from a place
        on.

        Operation (none): every row.
        """

    def list_expired_requests(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ApprovalRequestRow]:
        """List requests that still wait and whose time is over, the oldest first, from a place on.

        Operation (none): every row.
        """
