"""Approvals, votes, policies, verifications, decisions and rollback points on each engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aragora_sql.database import Database
from aragora_sql.errors import (
    ApprovalNotFoundError,
    ApprovalRefusedError,
    DuplicateKeyError,
    InvalidInputError,
    TenantMismatchError,
)
from aragora_sql.stores.governance import GovernanceStore
from tests.conftest import OpenDatabase
from tests.stores.governance.cases import save
from tests.stores.samples import day, fetch, fetch_value, run


@pytest.fixture
async def governance(database: Database) -> GovernanceStore:
    store = GovernanceStore(database)
    await store.initialize()
    return store


async def make_older(governance: GovernanceStore, approval_id: str) -> None:
    """Let an approval have been asked for long ago."""
    await run(
        governance.database,
        "UPDATE governance_approvals SET requested_at = '2026-01-01T00:00:00.000000Z' "
        f"WHERE approval_id = '{approval_id}'",
    )


async def test_save_approval_reads_back_by_get_approval(governance: GovernanceStore) -> None:
    saved = await governance.save_approval(
        "a",
        "Deploy",
        "Version 2",
        "high",
        "pending",
        "ann",
        [{"file": "a.py"}],
        90,
        "acme",
        "w",
        {"n": 1.5},
    )
    assert saved == "a"
    approval = await governance.get_approval("a")
    assert approval is not None
    requested_at = approval.requested_at
    assert (approval.expires_at - requested_at).total_seconds() == 90
    assert approval.to_dict() == {
        "approval_id": "a",
        "title": "Deploy",
        "description": "Version 2",
        "risk_level": "high",
        "status": "pending",
        "requested_by": "ann",
        "requested_at": requested_at.isoformat(),
        "changes": [{"file": "a.py"}],
        "timeout_seconds": 90,
        "expires_at": approval.expires_at.isoformat(),
        "required_approvals": 1,
        "required_rejections": 1,
        "allow_self_approval": True,
        "approve_votes": 0,
        "reject_votes": 0,
        "approved_by": None,
        "approved_at": None,
        "decided_at": None,
        "rejection_reason": None,
        "org_id": "acme",
        "workspace_id": "w",
        "metadata": {"n": 1.5},
    }
    assert await governance.get_approval("b") is None


async def test_save_approval_again_keeps_the_time_of_request(governance: GovernanceStore) -> None:
    await save(governance, "a")
    first = await governance.get_approval("a")
    await save(governance, "a", title="Deploy again", metadata={"n": 2})
    second = await governance.get_approval("a")
    assert first is not None
    assert second is not None
    assert (second.title, second.metadata) == ("Deploy again", {"n": 2})
    assert second.requested_at == first.requested_at


async def test_save_approval_leaves_what_was_voted_on_or_is_of_another_organization(
    governance: GovernanceStore,
) -> None:
    await save(governance, "voted", required_approvals=2)
    await governance.vote("voted", "ben", True)
    await save(governance, "other", org_id="acme")
    await save(governance, "old")
    await make_older(governance, "old")
    for approval_id in ("voted", "other", "old"):
        with pytest.raises(ApprovalRefusedError, match="can't be replaced") as caught:
            await save(governance, approval_id, title="Changed")
        assert caught.value.approval_id == approval_id
        approval = await governance.get_approval(approval_id)
        assert approval is not None
        assert approval.title == "Deploy"


async def test_vote_decides_at_the_quorum_and_list_votes_tells_who_did(
    governance: GovernanceStore,
) -> None:
    await save(governance, "a", required_approvals=2)
    first = await governance.vote("a", "ben", True, "fine")
    assert (first.status, first.approve_votes, first.decided_at) == ("pending", 1, None)
    second = await governance.vote("a", "cy", True)
    assert (second.status, second.approve_votes) == ("approved", 2)
    assert second.approved_by == "cy"
    assert second.approved_at == second.decided_at is not None
    votes = await governance.list_votes("a")
    assert [(v.voter_id, v.approves, v.reason) for v in votes] == [
        ("ben", True, "fine"),
        ("cy", True, None),
    ]


async def test_vote_against_rejects_with_the_reason(governance: GovernanceStore) -> None:
    await save(governance, "a", required_approvals=2)
    approval = await governance.vote("a", "ben", False, "too early")
    assert (approval.status, approval.reject_votes) == ("rejected", 1)
    assert approval.rejection_reason == "too early"
    assert approval.decided_at is not None
    assert approval.approved_by is None


async def test_vote_is_refused_with_the_reason(governance: GovernanceStore) -> None:
    await governance.set_policy("critical", 2, allow_self_approval=False)
    await save(governance, "a", risk_level="critical")
    await governance.vote("a", "ben", True)
    with pytest.raises(ApprovalRefusedError, match="has the vote of 'ben'"):
        await governance.vote("a", "ben", False)
    with pytest.raises(ApprovalRefusedError, match="who may not vote on it"):
        await governance.vote("a", "ann", True)
    await save(governance, "old")
    await make_older(governance, "old")
    with pytest.raises(ApprovalRefusedError, match="has expired at 2026-01-01T01:00:00"):
        await governance.vote("old", "ben", True)
    await governance.vote("a", "cy", True)
    with pytest.raises(ApprovalRefusedError, match="is approved"):
        await governance.vote("a", "dan", True)
    with pytest.raises(ApprovalNotFoundError, match="there is no approval 'x'"):
        await governance.vote("x", "ben", True)
    assert len(await governance.list_votes("a")) == 2
    assert await governance.list_votes("old") == []


async def test_votes_at_once_count_once_each(open_database: OpenDatabase) -> None:
    stores = [GovernanceStore(await open_database()) for _ in range(4)]
    await stores[0].initialize()
    await save(stores[0], "a", required_approvals=5)

    async def vote(number: int) -> bool:
        try:
            # Each of ten people votes twice.
            await stores[number % 4].vote("a", f"user {number % 10}", True)
        except ApprovalRefusedError:
            return False
        return True

    counted = sum(await asyncio.gather(*map(vote, range(20))))
    approval = await stores[0].get_approval("a")
    assert approval is not None
    assert approval.status == "approved"
    assert counted == approval.approve_votes == len(await stores[0].list_votes("a")) == 5


async def test_two_decisions_at_once_leave_one(open_database: OpenDatabase) -> None:
    stores = [GovernanceStore(await open_database()) for _ in range(2)]
    await stores[0].initialize()
    for number in range(10):
        await save(stores[0], f"a{number}")
        done = await asyncio.gather(
            stores[0].update_approval_status(f"a{number}", "approved", "ben"),
            stores[1].update_approval_status(f"a{number}", "rejected", "cy", "no"),
        )
        assert sorted(done) == [False, True]
        approval = await stores[0].get_approval(f"a{number}")
        assert approval is not None
        assert approval.status == ("approved" if done[0] else "rejected")
        assert approval.approve_votes + approval.reject_votes == 1


async def test_vote_within_a_transaction_that_goes_on(governance: GovernanceStore) -> None:
    await save(governance, "a")
    async with governance.database.transaction():
        await governance.vote("a", "ben", True)
        with pytest.raises(ApprovalRefusedError):
            await governance.vote("a", "cy", True)
        await save(governance, "b")
    assert len(await governance.list_approvals()) == 2
    assert len(await governance.list_votes("a")) == 1


async def test_update_approval_status_only_from_pending(governance: GovernanceStore) -> None:
    await save(governance, "a")
    assert await governance.update_approval_status("a", "approved", "ben")
    assert not await governance.update_approval_status("a", "rejected", "cy", "no")
    assert not await governance.update_approval_status("a", "cancelled")
    assert not await governance.update_approval_status("x", "cancelled")
    approval = await governance.get_approval("a")
    assert approval is not None
    assert (approval.status, approval.approved_by) == ("approved", "ben")
    for number, status in enumerate(("cancelled", "timeout", "escalated", "rejected", "approved")):
        await save(governance, f"b{number}")
        assert await governance.update_approval_status(
            f"b{number}",
            status,  # type: ignore[arg-type]
            rejection_reason="no" if status == "rejected" else None,
        )
        decided = await governance.get_approval(f"b{number}")
        assert decided is not None
        assert decided.status == status
        assert decided.decided_at is not None


async def test_update_approval_status_never_goes_round_the_quorum(
    governance: GovernanceStore,
) -> None:
    await save(governance, "a", required_approvals=2)
    assert not await governance.update_approval_status("a", "approved")
    assert not await governance.update_approval_status("a", "approved", "ben")
    assert not await governance.update_approval_status("a", "approved", "ben")
    approval = await governance.get_approval("a")
    assert approval is not None
    assert (approval.status, approval.approve_votes) == ("pending", 1)
    assert await governance.update_approval_status("a", "approved", "cy")
    await governance.set_policy("low", allow_self_approval=False)
    await save(governance, "b", risk_level="low")
    assert not await governance.update_approval_status("b", "approved")
    assert not await governance.update_approval_status("b", "approved", "ann")


async def test_the_schema_itself_keeps_the_quorum(governance: GovernanceStore) -> None:
    await save(governance, "a", required_approvals=2)
    with pytest.raises(Exception, match="governance_approvals_quorum_check"):
        await run(governance.database, "UPDATE governance_approvals SET status = 'approved'")


async def test_expire_approvals_by_the_clock_of_the_database(governance: GovernanceStore) -> None:
    for approval_id in ("new", "old", "older"):
        await save(governance, approval_id)
    assert not await governance.update_approval_status("new", "expired")
    await make_older(governance, "old")
    await make_older(governance, "older")
    assert not await governance.update_approval_status("old", "approved", "ben")
    assert await governance.update_approval_status("older", "expired")
    assert await governance.expire_approvals() == 1
    assert await governance.expire_approvals() == 0
    statuses = {a.approval_id: a.status for a in await governance.list_approvals()}
    assert statuses == {"new": "pending", "old": "expired", "older": "expired"}


async def test_set_policy_gives_the_quorum_of_new_approvals(governance: GovernanceStore) -> None:
    await save(governance, "before", risk_level="high")
    await governance.set_policy("high", 2, 3, timeout_seconds=60)
    await governance.set_policy("high", 4, allow_self_approval=False, org_id="acme")
    await save(governance, "default", risk_level="high")
    await save(governance, "acme", risk_level="high", org_id="acme")
    await save(governance, "other", risk_level="high", org_id="other", timeout_seconds=5)
    await save(governance, "more", risk_level="high", required_approvals=3)
    await save(governance, "fewer", risk_level="high", required_approvals=1)
    found = {
        a.approval_id: (
            a.required_approvals,
            a.required_rejections,
            a.allow_self_approval,
            a.timeout_seconds,
        )
        for a in await governance.list_approvals()
    }
    assert found == {
        "before": (1, 1, True, 3600),
        "default": (2, 3, True, 60),
        "acme": (4, 1, False, 3600),
        "other": (2, 3, True, 5),
        "more": (3, 3, True, 60),
        "fewer": (2, 3, True, 60),
    }


async def test_a_higher_risk_takes_the_quorum_of_its_policy(governance: GovernanceStore) -> None:
    await governance.set_policy("critical", 3)
    await save(governance, "a", risk_level="low")
    await save(governance, "a", risk_level="critical")
    approval = await governance.get_approval("a")
    assert approval is not None
    assert approval.required_approvals == 3


async def test_list_policies_and_delete_policy(governance: GovernanceStore) -> None:
    await governance.set_policy("high", 2, org_id="acme")
    await governance.set_policy("high", 3)
    await governance.set_policy("high", 4)
    policies = [(p.org_id, p.required_approvals) for p in await governance.list_policies()]
    assert policies == [("", 4), ("acme", 2)]
    assert [p.org_id for p in await governance.list_policies("acme")] == ["acme"]
    assert await governance.delete_policy("high", "acme")
    assert not await governance.delete_policy("high", "acme")
    assert await governance.delete_policy("high")


async def test_list_approvals_pages_and_filters(governance: GovernanceStore) -> None:
    for number in range(6):
        await save(
            governance,
            f"a{number}",
            org_id="acme" if number % 2 else None,
            risk_level="high" if number < 3 else "low",
        )
        await run(
            governance.database,
            f"UPDATE governance_approvals SET requested_at = '2026-01-0{1 + number // 2}T"
            f"00:00:00.000000Z' WHERE approval_id = 'a{number}'",
        )
    await governance.update_approval_status("a5", "cancelled")

    async def listed(**filters: Any) -> list[str]:
        return [a.approval_id for a in await governance.list_approvals(**filters)]

    assert await listed() == ["a5", "a4", "a3", "a2", "a1", "a0"]
    assert await listed(status="pending") == ["a4", "a3", "a2", "a1", "a0"]
    assert await listed(org_id="acme") == ["a5", "a3", "a1"]
    assert await listed(org_id="acme", status="pending") == ["a3", "a1"]
    assert await listed(risk_level="high") == ["a2", "a1", "a0"]
    assert await listed(org_id="acme", risk_level="high") == ["a1"]
    page = await governance.list_approvals(limit=4)
    assert [a.approval_id for a in await governance.list_approvals(after=page[-1])] == ["a1", "a0"]
    with pytest.raises(InvalidInputError, match="after"):
        await governance.list_approvals(after={"approval_id": "a"})


async def test_delete_approval_takes_its_votes(governance: GovernanceStore) -> None:
    await save(governance, "a")
    await governance.vote("a", "ben", True)
    assert await governance.delete_approval("a")
    assert not await governance.delete_approval("a")
    assert await fetch_value(governance.database, "SELECT count(*) FROM governance_votes") == 0


async def test_save_verification_reads_back_by_get_verification(
    governance: GovernanceStore,
) -> None:
    assert (
        await governance.save_verification(
            "v",
            "It terminates",
            "loop",
            {"valid": True, "n": 0.1 + 0.2},
            verified_by="z3",
            claim_type="logic",
            confidence=0.1 + 0.2,
            proof_tree=[{"step": 1}],
            org_id="acme",
            workspace_id="w",
        )
        == "v"
    )
    verification = await governance.get_verification("v")
    assert verification is not None
    assert verification.to_dict() == {
        "verification_id": "v",
        "claim": "It terminates",
        "claim_type": "logic",
        "context": "loop",
        "result": {"valid": True, "n": 0.1 + 0.2},
        "timestamp": verification.timestamp.isoformat(),
        "verified_by": "z3",
        "confidence": 0.1 + 0.2,
        "proof_tree": [{"step": 1}],
        "org_id": "acme",
        "workspace_id": "w",
    }
    assert verification.valid
    await governance.save_verification("v", "It ends", "", {"valid": False}, org_id="acme")
    again = await governance.get_verification("v")
    assert again is not None
    assert (again.claim, again.valid, again.proof_tree) == ("It ends", False, None)
    assert again.timestamp == verification.timestamp
    with pytest.raises(TenantMismatchError):
        await governance.save_verification("v", "Theirs", "", {}, org_id="other")


async def test_list_verifications_filters(governance: GovernanceStore) -> None:
    for number in range(4):
        await governance.save_verification(
            f"v{number}",
            "c",
            "",
            {},
            claim_type="logic" if number < 2 else None,
            org_id="acme" if number % 2 else None,
        )
        await run(
            governance.database,
            f"UPDATE verification_records SET timestamp = '2026-01-0{1 + number}T"
            f"00:00:00.000000Z' WHERE verification_id = 'v{number}'",
        )

    async def listed(*arguments: Any, **filters: Any) -> list[str]:
        found = await governance.list_verifications(*arguments, **filters)
        return [v.verification_id for v in found]

    assert await listed() == ["v3", "v2", "v1", "v0"]
    assert await listed("acme") == ["v3", "v1"]
    assert await listed(claim_type="logic") == ["v1", "v0"]
    assert await listed("acme", "logic") == ["v1"]
    (newest,) = await governance.list_verifications(limit=1)
    assert await listed(after=newest) == ["v2", "v1", "v0"]


async def test_save_decision_reads_back_by_get_decision(governance: GovernanceStore) -> None:
    assert (
        await governance.save_decision(
            "d",
            "debate",
            "Use queues",
            True,
            0.75,
            evidence_chain=[{"e": 1}],
            vote_pivots=["p"],
            belief_changes=[{"b": 2}],
            agents_involved=["claude"],
            org_id="acme",
            workspace_id="w",
            metadata={"m": 1},
        )
        == "d"
    )
    decision = await governance.get_decision("d")
    assert decision is not None
    assert decision.to_dict() == {
        "decision_id": "d",
        "debate_id": "debate",
        "conclusion": "Use queues",
        "consensus_reached": True,
        "confidence": 0.75,
        "timestamp": decision.timestamp.isoformat(),
        "evidence_chain": [{"e": 1}],
        "vote_pivots": ["p"],
        "belief_changes": [{"b": 2}],
        "agents_involved": ["claude"],
        "org_id": "acme",
        "workspace_id": "w",
        "metadata": {"m": 1},
    }
    with pytest.raises(TenantMismatchError):
        await governance.save_decision("d", "debate", "", False, 0.0)


async def test_list_decisions_and_get_decisions_for_debate(governance: GovernanceStore) -> None:
    for number in range(4):
        await governance.save_decision(
            f"d{number}",
            f"debate {number // 2}",
            "",
            number % 2 == 0,
            0.5,
            org_id="acme" if number < 3 else None,
        )
        await run(
            governance.database,
            f"UPDATE decision_records SET timestamp = '2026-01-0{1 + number}T00:00:00.000000Z' "
            f"WHERE decision_id = 'd{number}'",
        )

    async def listed(**filters: Any) -> list[str]:
        return [d.decision_id for d in await governance.list_decisions(**filters)]

    assert await listed() == ["d3", "d2", "d1", "d0"]
    assert await listed(consensus_only=True) == ["d2", "d0"]
    assert await listed(org_id="acme") == ["d2", "d1", "d0"]
    assert await listed(org_id="acme", consensus_only=True) == ["d2", "d0"]
    of_debate = await governance.get_decisions_for_debate("debate 0")
    assert [d.decision_id for d in of_debate] == ["d1", "d0"]
    (newest,) = await governance.list_decisions(limit=1)
    assert await listed(after=newest) == ["d2", "d1", "d0"]


async def test_create_rollback_point_get_rollback_point_list_rollback_points_delete_rollback_point(
    governance: GovernanceStore,
) -> None:
    point = await governance.create_rollback_point(
        "Before the upgrade",
        git_commit="abc",
        file_backups={"a.py": "/backup/a.py"},
        database_snapshot="/backup/a.db",
        metadata={"n": 1},
        created_by="ann",
        org_id="acme",
        workspace_id="w",
    )
    assert len(point.rollback_id) == 16
    assert await governance.get_rollback_point(point.rollback_id) == point
    assert await governance.list_rollback_points("acme") == [point]
    assert await governance.list_rollback_points("other") == []
    with pytest.raises(DuplicateKeyError):
        await governance.create_rollback_point("Again", rollback_id=point.rollback_id)
    assert await governance.delete_rollback_point(point.rollback_id)
    assert not await governance.delete_rollback_point(point.rollback_id)


async def test_prune_rollback_points_keeps_the_newest(governance: GovernanceStore) -> None:
    for number in range(6):
        await governance.create_rollback_point(
            "p", rollback_id=f"p{number}", org_id="acme" if number % 2 else None
        )
        await run(
            governance.database,
            f"UPDATE rollback_points SET created_at = '2026-01-0{1 + number}T00:00:00.000000Z' "
            f"WHERE rollback_id = 'p{number}'",
        )
    assert await governance.prune_rollback_points(2, "acme") == 1
    assert await governance.prune_rollback_points() == 0
    assert await governance.prune_rollback_points(3) == 2
    left = [p.rollback_id for p in await governance.list_rollback_points()]
    assert left == ["p5", "p4", "p3"]


async def test_cleanup_old_records_counts_what_it_deletes(governance: GovernanceStore) -> None:
    statuses = ("approved", "rejected", "cancelled", "timeout", "escalated")
    for status in statuses:
        await save(governance, status)
        assert await governance.update_approval_status(status, status)  # type: ignore[arg-type]
    await save(governance, "pending")
    await save(governance, "undated")
    await governance.update_approval_status("undated", "cancelled")
    await governance.save_verification("v", "c", "", {})
    await governance.save_decision("d", "debate", "", True, 0.5)
    assert (await governance.cleanup_old_records()).total == 0
    long_ago = "2026-01-01T00:00:00.000000Z"
    for change in (
        f"governance_approvals SET requested_at = '{long_ago}'",
        f"governance_approvals SET decided_at = '{long_ago}' WHERE status <> 'pending'",
        "governance_approvals SET decided_at = NULL WHERE approval_id = 'undated'",
        f"verification_records SET timestamp = '{long_ago}'",
        f"decision_records SET timestamp = '{long_ago}'",
    ):
        await run(governance.database, f"UPDATE {change}")
    done = await governance.cleanup_old_records(30, 7, 36_500)
    assert done.to_dict() == {"approvals": 6, "verifications": 1, "decisions": 0}
    done = await governance.cleanup_old_records(decisions_days=0.5)
    assert done.to_dict() == {"approvals": 0, "verifications": 0, "decisions": 1}
    left = await fetch(governance.database, "SELECT approval_id FROM governance_approvals")
    assert left == [{"approval_id": "pending"}]


async def test_expires_at_is_exact_to_the_microsecond(governance: GovernanceStore) -> None:
    await save(governance, "a", timeout_seconds=2**31 - 1)
    await run(
        governance.database,
        "UPDATE governance_approvals SET requested_at = '2026-01-01T00:00:00.123456Z'",
    )
    approval = await governance.get_approval("a")
    assert approval is not None
    assert approval.requested_at == day(0).replace(microsecond=123456)
    assert (approval.expires_at - approval.requested_at).total_seconds() == 2**31 - 1
