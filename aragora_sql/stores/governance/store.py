"""Governance: approvals with their votes and policies, verifications, decisions, rollback points.

Its queries: ``sql/postgres/governance/queries.sql`` and ``sql/sqlite/governance/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from aragora_sql.database.together import Together
from aragora_sql.database.values import utc_now
from aragora_sql.errors import (
    ApprovalNotFoundError,
    ApprovalRefusedError,
    DuplicateKeyError,
    TenantMismatchError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.batches import age_limit, in_batches
from aragora_sql.stores.governance.records import (
    APPROVAL_STATUSES,
    FINAL_STATUSES,
    RISK_LEVELS,
    Approval,
    ApprovalPolicy,
    ApprovalStatusWord,
    ApprovalVote,
    DecisionRecord,
    GovernanceCleanup,
    RiskLevelWord,
    RollbackPoint,
    Verification,
)
from aragora_sql.stores.governance.requests import ApprovalRequestStore
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.paging import LastRow, newest_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.governance import GovernanceQueries

__all__ = ["GovernanceStore"]

BATCH = 500
SECONDS_PER_DAY = 86_400.0


class GovernanceStore(Store):
    """Keeps what people have to approve, who voted how, what was verified and decided.

    What an approval needs is in the table of policies: how many votes for it or against it, whether
    who asks may vote, and how long it waits. An approval is decided by one statement that counts a
    vote where it is still open by the clock of the database, so of two people at once each counts
    once, and the approval is decided once.

    Lists return pages, newest first: ``limit=``, and ``after=`` the last record of the page before.
    Bad arguments are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument;
    nothing is written then.
    """

    name = "governance"
    _queries: GovernanceQueries

    @property
    def requests(self) -> ApprovalRequestStore:
        """The approval requests of workflows."""
        return ApprovalRequestStore(self._database)

    # Policies

    async def set_policy(
        self,
        risk_level: RiskLevelWord,
        required_approvals: int = 1,
        required_rejections: int = 1,
        *,
        allow_self_approval: bool = True,
        timeout_seconds: int = 3600,
        org_id: str | None = None,
    ) -> None:
        """Set what new approvals of a risk need, in one organization or (None) in all others.

        Approvals that were asked for before keep their quorum.
        """
        organization = _organization(org_id)
        async with self._database.connection() as connection:
            await self._queries.set_policy(
                connection,
                org_id=organization,
                risk_level=valid.choice(risk_level, "risk_level", RISK_LEVELS),
                required_approvals=valid.integer(required_approvals, "required_approvals", 1),
                required_rejections=valid.integer(required_rejections, "required_rejections", 1),
                allow_self_approval=valid.boolean(allow_self_approval, "allow_self_approval"),
                timeout_seconds=valid.integer(timeout_seconds, "timeout_seconds", 1),
            )

    async def list_policies(self, org_id: str | None = None) -> list[ApprovalPolicy]:
        """Return the policies of an organization, or of all."""
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.read() as connection:
            rows = self._queries.list_policies(connection, org_id=organization)
            return [record_of(ApprovalPolicy, **row) async for row in rows]

    async def delete_policy(self, risk_level: RiskLevelWord, org_id: str | None = None) -> bool:
        """Delete a policy; False when there is none."""
        organization = _organization(org_id)
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_policy(
                    connection,
                    org_id=organization,
                    risk_level=valid.choice(risk_level, "risk_level", RISK_LEVELS),
                )
            )

    # Approvals

    async def save_approval(
        self,
        approval_id: str,
        title: str,
        description: str,
        risk_level: RiskLevelWord,
        status: ApprovalStatusWord,
        requested_by: str | None,
        changes: Iterable[Any] | None,
        timeout_seconds: int | None = None,
        org_id: str | None = None,
        workspace_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        required_approvals: int | None = None,
        required_rejections: int | None = None,
    ) -> str:
        """Store an approval that waits for a decision, and return its id.

        ``status`` has to be ``pending``: :meth:`vote` and :meth:`update_approval_status` decide.
        The policy of the organization and risk gives the quorum, which ``required_approvals`` and
        ``required_rejections`` can make larger only, and the timeout where none is given (3600
        seconds without a policy).

        One of this id is replaced, and keeps its time of request, while nobody has voted on it;
        otherwise :class:`~aragora_sql.errors.ApprovalRefusedError`.
        """
        valid.choice(status, "status", ("pending",))
        key = valid.key(approval_id, "approval_id")
        async with self._database.connection() as connection:
            saved = await self._queries.save_approval(
                connection,
                approval_id=key,
                title=valid.identifier(title, "title"),
                description=valid.text(description, "description"),
                risk_level=valid.choice(risk_level, "risk_level", RISK_LEVELS),
                requested_by=valid.optional(requested_by, "requested_by", valid.key),
                changes=valid.array(changes, "changes"),
                timeout_seconds=_at_least_1(timeout_seconds, "timeout_seconds"),
                required_approvals=_at_least_1(required_approvals, "required_approvals"),
                required_rejections=_at_least_1(required_rejections, "required_rejections"),
                org_id=valid.optional(org_id, "org_id", valid.key),
                workspace_id=valid.optional(workspace_id, "workspace_id", valid.key),
                metadata=valid.document(metadata, "metadata"),
            )
        if not saved:
            raise ApprovalRefusedError(
                "approval_id",
                key,
                "can't be replaced: it has votes, is decided or expired, or is of another "
                "organization",
            )
        return key

    async def vote(
        self, approval_id: str, voter_id: str, approves: bool, reason: str | None = None
    ) -> Approval:
        """Vote for or against an approval, and return it as it is then.

        The vote that makes the quorum decides it. Raises
        :class:`~aragora_sql.errors.ApprovalRefusedError` where the approval is decided or expired,
        this voter has voted, or asked for it and may not vote, and
        :class:`~aragora_sql.errors.ApprovalNotFoundError` where there is none.
        """
        if not await self._count(approval_id, voter_id, approves, reason):
            await self._refuse(approval_id, voter_id)
        approval = await self.get_approval(approval_id)
        if approval is None:
            raise ApprovalNotFoundError(approval_id)
        return approval

    async def _count(self, approval_id: str, voter_id: str, approves: bool, reason: Any) -> bool:
        key = valid.key(approval_id, "approval_id")
        voter = valid.key(voter_id, "voter_id")
        said: Any = valid.optional_text(reason, "reason")
        is_for = valid.boolean(approves, "approves")
        async with self._database.connection() as connection:
            together: Any = Together(connection)
            for query in (self._queries.count_vote, self._queries.insert_vote):
                await query(
                    together,
                    [{"approval_id": key, "voter_id": voter, "approves": is_for, "reason": said}],
                )
            return bool(await together.run_whole())

    async def _refuse(self, approval_id: str, voter_id: str) -> NoReturn:
        """Say why a vote did not count."""
        async with self._database.read():
            approval = await self.get_approval(approval_id)
            votes = await self.list_votes(approval_id)
        if approval is None:
            raise ApprovalNotFoundError(approval_id)
        if approval.status != "pending":
            raise ApprovalRefusedError("approval_id", approval_id, f"is {approval.status}")
        if any(vote.voter_id == voter_id for vote in votes):
            raise ApprovalRefusedError("voter_id", approval_id, f"has the vote of {voter_id!r}")
        if approval.requested_by == voter_id and not approval.allow_self_approval:
            raise ApprovalRefusedError(
                "voter_id", approval_id, f"was asked for by {voter_id!r}, who may not vote on it"
            )
        raise ApprovalRefusedError(
            "approval_id", approval_id, f"has expired at {approval.expires_at.isoformat()}"
        )

    async def update_approval_status(
        self,
        approval_id: str,
        status: ApprovalStatusWord,
        approved_by: str | None = None,
        rejection_reason: str | None = None,
    ) -> bool:
        """Decide an approval that is pending; tell whether it has that status by this call.

        With ``approved_by`` an approval or rejection is that user's vote: False where more votes
        are needed, though it counts. Without, it is possible where one vote is enough and anybody
        may give it. ``expired`` is possible after ``expires_at`` only, by the clock of the
        database.
        """
        key = valid.key(approval_id, "approval_id")
        wanted = valid.choice(status, "status", FINAL_STATUSES)
        voter = valid.optional(approved_by, "approved_by", valid.key)
        reason = valid.optional_text(rejection_reason, "rejection_reason")
        if voter is not None and wanted in {"approved", "rejected"}:
            if not await self._count(key, voter, wanted == "approved", reason):
                return False
            approval = await self.get_approval(key)
            return approval is not None and approval.status == wanted
        async with self._database.connection() as connection:
            return bool(
                await self._queries.decide_approval(
                    connection, approval_id=key, status=wanted, rejection_reason=reason
                )
            )

    async def expire_approvals(self) -> int:
        """Let the approvals expire whose time is over, and return how many did."""

        async def batch() -> int:
            async with self._database.connection() as connection:
                return await self._queries.expire_approvals(connection, row_limit=BATCH)

        return await in_batches(batch)

    async def get_approval(self, approval_id: str) -> Approval | None:
        """Return an approval, or None."""
        valid.text(approval_id, "approval_id")
        async with self._database.read() as connection:
            row = await self._queries.get_approval(connection, approval_id=approval_id)
        return None if row is None else record_of(Approval, **row)

    async def list_votes(self, approval_id: str) -> list[ApprovalVote]:
        """Return the votes on an approval, in their order."""
        valid.text(approval_id, "approval_id")
        async with self._database.read() as connection:
            rows = self._queries.list_votes(connection, approval_id=approval_id)
            return [record_of(ApprovalVote, **row) async for row in rows]

    async def list_approvals(
        self,
        status: ApprovalStatusWord | None = None,
        org_id: str | None = None,
        risk_level: RiskLevelWord | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[Approval]:
        """Return a page of the approvals, of one status, organization or risk, or of all."""
        wanted = valid.optional(
            status, "status", lambda v, a: valid.choice(v, a, APPROVAL_STATUSES)
        )
        organization = valid.optional_text(org_id, "org_id")
        risk = valid.optional(
            risk_level, "risk_level", lambda v, a: valid.choice(v, a, RISK_LEVELS)
        )
        page = newest_page(limit, after, "approval_id", "requested_at")
        async with self._database.read() as connection:
            if organization is not None and wanted is not None:
                rows = self._queries.list_org_approvals_in_status(
                    connection, org_id=organization, status=wanted, risk_level=risk, **page
                )
            elif organization is not None:
                rows = self._queries.list_org_approvals(
                    connection, org_id=organization, risk_level=risk, **page
                )
            elif wanted is not None:
                rows = self._queries.list_approvals_in_status(
                    connection, status=wanted, risk_level=risk, **page
                )
            else:
                rows = self._queries.list_approvals(connection, risk_level=risk, **page)
            return [record_of(Approval, **row) async for row in rows]

    async def delete_approval(self, approval_id: str) -> bool:
        """Delete an approval with its votes; False when there is none of this id."""
        valid.text(approval_id, "approval_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_approval(connection, approval_id=approval_id))

    # Verifications

    async def save_verification(
        self,
        verification_id: str,
        claim: str,
        context: str,
        result: Mapping[str, Any],
        verified_by: str = "system",
        claim_type: str | None = None,
        confidence: float = 0.0,
        proof_tree: Iterable[Any] | None = None,
        org_id: str | None = None,
        workspace_id: str | None = None,
    ) -> str:
        """Store what came of the verification of a claim, and return its id.

        One of this id is replaced, and keeps its time; one of another organization is
        :class:`~aragora_sql.errors.TenantMismatchError`.
        """
        key = valid.key(verification_id, "verification_id")
        async with self._database.connection() as connection:
            saved = await self._queries.save_verification(
                connection,
                verification_id=key,
                claim=valid.identifier(claim, "claim"),
                claim_type=valid.optional(claim_type, "claim_type", valid.key),
                context=valid.text(context, "context"),
                result=valid.document(result, "result"),
                verified_by=valid.key(verified_by, "verified_by"),
                confidence=valid.fraction(confidence, "confidence"),
                proof_tree=valid.optional(proof_tree, "proof_tree", valid.array),
                org_id=valid.optional(org_id, "org_id", valid.key),
                workspace_id=valid.optional(workspace_id, "workspace_id", valid.key),
            )
        if not saved:
            raise TenantMismatchError(key, "org_id")
        return key

    async def get_verification(self, verification_id: str) -> Verification | None:
        """Return a verification, or None."""
        valid.text(verification_id, "verification_id")
        async with self._database.read() as connection:
            row = await self._queries.get_verification(connection, verification_id=verification_id)
        return None if row is None else record_of(Verification, **row)

    async def list_verifications(
        self,
        org_id: str | None = None,
        claim_type: str | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[Verification]:
        """Return a page of the verifications, of one organization or kind of claim, or of all."""
        organization = valid.optional_text(org_id, "org_id")
        kind = valid.optional_text(claim_type, "claim_type")
        page = newest_page(limit, after, "verification_id", "timestamp")
        async with self._database.read() as connection:
            if organization is not None:
                rows = self._queries.list_org_verifications(
                    connection, org_id=organization, claim_type=kind, **page
                )
            elif kind is not None:
                rows = self._queries.list_verifications_of_type(connection, claim_type=kind, **page)
            else:
                rows = self._queries.list_verifications(connection, **page)
            return [record_of(Verification, **row) async for row in rows]

    # Decisions

    async def save_decision(
        self,
        decision_id: str,
        debate_id: str,
        conclusion: str,
        consensus_reached: bool,
        confidence: float,
        evidence_chain: Iterable[Any] | None = None,
        vote_pivots: Iterable[Any] | None = None,
        belief_changes: Iterable[Any] | None = None,
        agents_involved: Iterable[Any] | None = None,
        org_id: str | None = None,
        workspace_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Store what a debate decided, and return its id.

        One of this id is replaced, and keeps its time; one of another organization is
        :class:`~aragora_sql.errors.TenantMismatchError`.
        """
        key = valid.key(decision_id, "decision_id")
        async with self._database.connection() as connection:
            saved = await self._queries.save_decision(
                connection,
                decision_id=key,
                debate_id=valid.key(debate_id, "debate_id"),
                conclusion=valid.text(conclusion, "conclusion"),
                consensus_reached=valid.boolean(consensus_reached, "consensus_reached"),
                confidence=valid.fraction(confidence, "confidence"),
                evidence_chain=valid.array(evidence_chain, "evidence_chain"),
                vote_pivots=valid.array(vote_pivots, "vote_pivots"),
                belief_changes=valid.array(belief_changes, "belief_changes"),
                agents_involved=valid.array(agents_involved, "agents_involved"),
                org_id=valid.optional(org_id, "org_id", valid.key),
                workspace_id=valid.optional(workspace_id, "workspace_id", valid.key),
                metadata=valid.document(metadata, "metadata"),
            )
        if not saved:
            raise TenantMismatchError(key, "org_id")
        return key

    async def get_decision(self, decision_id: str) -> DecisionRecord | None:
        """Return a decision, or None."""
        valid.text(decision_id, "decision_id")
        async with self._database.read() as connection:
            row = await self._queries.get_decision(connection, decision_id=decision_id)
        return None if row is None else record_of(DecisionRecord, **row)

    async def get_decisions_for_debate(
        self, debate_id: str, limit: int = 100, *, after: LastRow | None = None
    ) -> list[DecisionRecord]:
        """Return a page of the decisions of a debate."""
        valid.text(debate_id, "debate_id")
        page = newest_page(limit, after, "decision_id", "timestamp")
        async with self._database.read() as connection:
            rows = self._queries.list_debate_decisions(connection, debate_id=debate_id, **page)
            return [record_of(DecisionRecord, **row) async for row in rows]

    async def list_decisions(
        self,
        org_id: str | None = None,
        consensus_only: bool = False,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[DecisionRecord]:
        """Return a page of the decisions, of one organization or of all."""
        organization = valid.optional_text(org_id, "org_id")
        agreed = valid.boolean(consensus_only, "consensus_only")
        page = newest_page(limit, after, "decision_id", "timestamp")
        async with self._database.read() as connection:
            if organization is not None and agreed:
                rows = self._queries.list_org_agreed_decisions(
                    connection, org_id=organization, **page
                )
            elif organization is not None:
                rows = self._queries.list_org_decisions(connection, org_id=organization, **page)
            elif agreed:
                rows = self._queries.list_agreed_decisions(connection, **page)
            else:
                rows = self._queries.list_decisions(connection, **page)
            return [record_of(DecisionRecord, **row) async for row in rows]

    # Points to go back to

    async def create_rollback_point(
        self,
        description: str,
        *,
        rollback_id: str | None = None,
        git_commit: str | None = None,
        file_backups: Mapping[str, Any] | None = None,
        database_snapshot: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        created_by: str | None = None,
        org_id: str | None = None,
        workspace_id: str | None = None,
    ) -> RollbackPoint:
        """Store a point to go back to, and return it.

        Without ``rollback_id`` it gets 16 random hexadecimal digits. Raises
        :class:`~aragora_sql.errors.DuplicateKeyError` when there is one of this id.
        """
        key = valid.optional(rollback_id, "rollback_id", valid.key) or prefixed_id("")
        async with self._database.transaction() as connection:
            stored = await self._queries.insert_rollback_point(
                connection,
                rollback_id=key,
                description=valid.identifier(description, "description"),
                git_commit=valid.optional_text(git_commit, "git_commit"),
                file_backups=valid.document(file_backups, "file_backups"),
                database_snapshot=valid.optional_text(database_snapshot, "database_snapshot"),
                metadata=valid.document(metadata, "metadata"),
                created_by=valid.optional(created_by, "created_by", valid.key),
                org_id=valid.optional(org_id, "org_id", valid.key),
                workspace_id=valid.optional(workspace_id, "workspace_id", valid.key),
            )
            row = await self._queries.get_rollback_point(connection, rollback_id=key)
        if not stored or row is None:
            raise DuplicateKeyError(f"there is a rollback point {key!r} already")
        return record_of(RollbackPoint, **row)

    async def get_rollback_point(self, rollback_id: str) -> RollbackPoint | None:
        """Return a point to go back to, or None."""
        valid.text(rollback_id, "rollback_id")
        async with self._database.read() as connection:
            row = await self._queries.get_rollback_point(connection, rollback_id=rollback_id)
        return None if row is None else record_of(RollbackPoint, **row)

    async def list_rollback_points(
        self, org_id: str | None = None, limit: int = 100, *, after: LastRow | None = None
    ) -> list[RollbackPoint]:
        """Return a page of the points to go back to, of one organization or of all."""
        organization = valid.optional_text(org_id, "org_id")
        page = newest_page(limit, after, "rollback_id", "created_at")
        async with self._database.read() as connection:
            if organization is None:
                rows = self._queries.list_rollback_points(connection, **page)
            else:
                rows = self._queries.list_org_rollback_points(
                    connection, org_id=organization, **page
                )
            return [record_of(RollbackPoint, **row) async for row in rows]

    async def delete_rollback_point(self, rollback_id: str) -> bool:
        """Delete a point to go back to; False when there is none of this id."""
        valid.text(rollback_id, "rollback_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_rollback_point(connection, rollback_id=rollback_id)
            )

    async def prune_rollback_points(self, keep: int = 10, org_id: str | None = None) -> int:
        """Delete all points but the newest ``keep``, of one organization or of all; count them."""
        kept = valid.limit(keep, "keep")
        organization = valid.optional_text(org_id, "org_id")
        async with self._database.connection() as connection:
            if organization is None:
                return await self._queries.prune_rollback_points(connection, kept=kept)
            return await self._queries.prune_org_rollback_points(
                connection, org_id=organization, kept=kept
            )

    # Clean-up

    async def cleanup_old_records(
        self,
        approvals_days: float = 30,
        verifications_days: float = 7,
        decisions_days: float = 90,
    ) -> GovernanceCleanup:
        """Delete what is older than so many days, in small transactions, and return the counts.

        Of approvals only those that are decided, by the day of their decision (of their request,
        where an older system did not keep it).
        """
        approvals = _seconds(approvals_days, "approvals_days")
        verifications = _seconds(verifications_days, "verifications_days")
        decisions = _seconds(decisions_days, "decisions_days")

        async def purge_approvals() -> int:
            async with self._database.connection() as connection:
                return await self._queries.purge_approvals(
                    connection, age_seconds=approvals, row_limit=BATCH
                )

        async def purge_verifications() -> int:
            async with self._database.connection() as connection:
                return await self._queries.purge_verifications(
                    connection, age_seconds=verifications, row_limit=BATCH
                )

        async def purge_decisions() -> int:
            async with self._database.connection() as connection:
                return await self._queries.purge_decisions(
                    connection, age_seconds=decisions, row_limit=BATCH
                )

        return GovernanceCleanup(
            approvals=await in_batches(purge_approvals),
            verifications=await in_batches(purge_verifications),
            decisions=await in_batches(purge_decisions),
        )


def _organization(org_id: Any) -> str:
    """Return the key of a policy's organization: '' for all that have none of their own."""
    return valid.optional(org_id, "org_id", valid.key) or ""


def _at_least_1(value: Any, argument: str) -> int | None:
    return valid.optional(value, argument, lambda v, a: valid.integer(v, a, least=1))


def _seconds(days: Any, argument: str) -> float:
    age_limit(days, utc_now(), argument)
    return float(days) * SECONDS_PER_DAY
