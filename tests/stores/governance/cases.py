"""What the conformance suite needs to know of the governance store."""

from __future__ import annotations

import itertools
from typing import Any

from aragora_sql.stores.governance import GovernanceStore
from tests.stores.cases import (
    NOT_BOOLEANS,
    NOT_COUNTS,
    NOT_FRACTIONS,
    NOT_LISTS,
    NOT_MEASURES,
    BadArgument,
    Call,
    Hot,
    StoreCases,
    documents_of,
    keys_of,
    limits_of,
    names_of,
    optional_texts_of,
    texts_of,
)
from tests.stores.samples import day, numbers, run

PAGE = {"after_timestamp": day(300), "after_id": "k", "row_limit": 10}
NUMBERS = itertools.count()
NOT_RISKS: list[Any] = ["", "HIGH", "severe", None, 5]
NOT_AT_LEAST_1: list[Any] = [0, -1, 2**31, 1.0, True, "1"]

HOT = [
    Hot("get_approval", {"approval_id": "k1"}),
    Hot("list_votes", {"approval_id": "k1"}),
    Hot("delete_approval", {"approval_id": "k1"}),
    Hot("list_approvals", {"risk_level": None, **PAGE}, True),
    Hot("list_approvals_in_status", {"status": "pending", "risk_level": None, **PAGE}, True),
    Hot("list_org_approvals", {"org_id": "o1", "risk_level": None, **PAGE}, True),
    Hot(
        "list_org_approvals_in_status",
        {"org_id": "o1", "status": "pending", "risk_level": None, **PAGE},
        True,
    ),
    Hot("decide_approval", {"approval_id": "k1", "status": "cancelled", "rejection_reason": None}),
    Hot("expire_approvals", {"row_limit": 10}),
    Hot("purge_approvals", {"age_seconds": 1e7, "row_limit": 10}),
    Hot("get_verification", {"verification_id": "k1"}),
    Hot("list_verifications", PAGE, True),
    Hot("list_verifications_of_type", {"claim_type": "c1", **PAGE}, True),
    Hot("list_org_verifications", {"org_id": "o1", "claim_type": None, **PAGE}, True),
    Hot("purge_verifications", {"age_seconds": 1e7, "row_limit": 10}),
    Hot("get_decision", {"decision_id": "k1"}),
    Hot("list_decisions", PAGE, True),
    Hot("list_agreed_decisions", PAGE, True),
    Hot("list_org_decisions", {"org_id": "o1", **PAGE}, True),
    Hot("list_org_agreed_decisions", {"org_id": "o1", **PAGE}, True),
    Hot("list_debate_decisions", {"debate_id": "d1", **PAGE}, True),
    Hot("purge_decisions", {"age_seconds": 1e7, "row_limit": 10}),
    Hot("get_rollback_point", {"rollback_id": "k1"}),
    Hot("list_rollback_points", PAGE, True),
    Hot("list_org_rollback_points", {"org_id": "o1", **PAGE}, True),
    Hot("delete_rollback_point", {"rollback_id": "k1"}),
    Hot("get_request", {"request_id": "k1"}),
    Hot("delete_request", {"request_id": "k1"}),
    Hot("list_requests", PAGE, True),
    Hot("list_workflow_requests", {"workflow_id": "w1", **PAGE}, True),
    Hot("list_workspace_requests", {"workspace_id": "s1", **PAGE}, True),
    Hot("list_requests_in_status", {"status": "pending", "after_priority": 2, **PAGE}, True),
    Hot("list_expired_requests", {**PAGE, "after_timestamp": day(1)}, True),
    Hot("expire_requests", {"row_limit": 10}),
]


async def add(governance: GovernanceStore) -> None:
    await save(governance, f"k{next(NUMBERS)}")


async def save(governance: GovernanceStore, approval_id: str, **changes: Any) -> str:
    """Store an approval that waits."""
    arguments: dict[str, Any] = {
        "title": "Deploy",
        "description": "Version 2",
        "risk_level": "medium",
        "status": "pending",
        "requested_by": "ann",
        "changes": [{"file": "a.py"}],
        **changes,
    }
    return await governance.save_approval(approval_id, **arguments)


async def count(governance: GovernanceStore) -> int:
    return len(await governance.list_approvals())


def hour(dialect: str) -> str:
    """Return an expression of an hour for each ``n``."""
    if dialect == "postgres":
        return "TIMESTAMPTZ '2026-01-01 00:00:00+00' + n * interval '1 hour'"
    return "strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', '+' || n || ' hours')"


async def fill(governance: GovernanceStore) -> None:
    """Store some thousand rows in each table, most approvals and requests long answered."""
    database = governance.database
    at, rows = hour(database.dialect), numbers(database, 6000)
    few = "CASE WHEN n % 50 = 0 THEN 'pending' ELSE 'rejected' END"
    yes = (
        "n % 50 = 0" if database.dialect == "postgres" else "CASE WHEN n % 50 = 0 THEN 1 ELSE 0 END"
    )
    statements = [
        "INSERT INTO governance_approvals (approval_id, title, status, requested_at, org_id) "
        f"SELECT 'k' || n, 't', {few}, {at}, 'o' || (n % 100) FROM {rows}",
        "INSERT INTO governance_votes (approval_id, voter_id, approves) "
        f"SELECT 'k' || n, 'v', {yes} FROM {rows}",
        "INSERT INTO verification_records (verification_id, claim, claim_type, result, timestamp, "
        f"org_id) SELECT 'k' || n, 'c', 'c' || (n % 90), '{{}}', {at}, 'o' || (n % 100) "
        f"FROM {rows}",
        "INSERT INTO decision_records (decision_id, debate_id, consensus_reached, timestamp, "
        f"org_id) SELECT 'k' || n, 'd' || (n % 2000), {yes}, {at}, 'o' || (n % 100) FROM {rows}",
        "INSERT INTO rollback_points (rollback_id, description, created_at, org_id) "
        f"SELECT 'k' || n, 'd', {at}, 'o' || (n % 100) FROM {rows}",
        "INSERT INTO approval_requests (request_id, workflow_id, step_id, title, status, priority, "
        f"workspace_id, expires_at, created_at) SELECT 'k' || n, 'w' || (n % 100), 's', 't', "
        f"{few}, 1 + n % 5, 's' || (n % 100), {at}, {at} FROM {rows}",
    ]
    for statement in statements:
        await run(database, statement)


async def prepare(governance: GovernanceStore) -> None:
    for number in range(4):
        await save(governance, f"a{number}", required_approvals=100)
    await governance.save_verification("v", "claim", "", {"valid": True})
    await governance.save_decision("d", "debate", "Yes", True, 0.5)
    await governance.create_rollback_point("before", rollback_id="r")
    await governance.requests.save(request("q"))


def request(request_id: str, **changes: Any) -> dict[str, Any]:
    """Return the document of an approval request."""
    return {
        "request_id": request_id,
        "workflow_id": "w",
        "step_id": "s",
        "title": "Go on?",
        **changes,
    }


ROUND_TRIPS = {
    "save_approval": Call(1, lambda s, kept: save(s, "a0")),
    "get_approval": Call(1, lambda s, kept: s.get_approval("a0")),
    "list_approvals": Call(1, lambda s, kept: s.list_approvals("pending", "o")),
    "list_votes": Call(1, lambda s, kept: s.list_votes("a0")),
    "vote": Call(5, lambda s, kept: s.vote("a1", f"user {next(NUMBERS)}", True)),
    "update_approval_status": Call(1, lambda s, kept: s.update_approval_status("a2", "cancelled")),
    "update_approval_status by a vote": Call(
        5, lambda s, kept: s.update_approval_status("a3", "approved", f"user {next(NUMBERS)}")
    ),
    "expire_approvals": Call(1, lambda s, kept: s.expire_approvals()),
    "set_policy": Call(1, lambda s, kept: s.set_policy("high", 2)),
    "save_verification": Call(1, lambda s, kept: s.save_verification("v", "c", "", {})),
    "list_verifications": Call(1, lambda s, kept: s.list_verifications()),
    "save_decision": Call(1, lambda s, kept: s.save_decision("d", "d", "Yes", True, 0.5)),
    "list_decisions": Call(1, lambda s, kept: s.list_decisions("o", True)),
    "create_rollback_point": Call(4, lambda s, kept: s.create_rollback_point("before")),
    "prune_rollback_points": Call(1, lambda s, kept: s.prune_rollback_points()),
    "cleanup_old_records": Call(3, lambda s, kept: s.cleanup_old_records()),
    "requests.save": Call(1, lambda s, kept: s.requests.save(request("q"))),
    "requests.respond": Call(1, lambda s, kept: s.requests.respond("q", "approved", "ben")),
    "requests.list_pending": Call(1, lambda s, kept: s.requests.list_pending()),
}

_APPROVAL: dict[str, Any] = {
    "approval_id": "a",
    "title": "t",
    "description": "",
    "risk_level": "low",
    "status": "pending",
    "requested_by": None,
    "changes": None,
}
_VERIFICATION: dict[str, Any] = {
    "verification_id": "v",
    "claim": "c",
    "context": "",
    "result": {},
}
_DECISION: dict[str, Any] = {
    "decision_id": "d",
    "debate_id": "d",
    "conclusion": "",
    "consensus_reached": True,
    "confidence": 0.5,
}

BAD_ARGUMENTS = [
    *keys_of("save_approval", "approval_id"),
    *names_of("save_approval", "title"),
    *texts_of("save_approval", "description"),
    BadArgument("save_approval", "risk_level", NOT_RISKS),
    BadArgument("save_approval", "status", ["", "approved", "open", None]),
    BadArgument("save_approval", "changes", NOT_LISTS),
    *[
        BadArgument("save_approval", name, NOT_AT_LEAST_1)
        for name in ("timeout_seconds", "required_approvals", "required_rejections")
    ],
    *documents_of("save_approval", "metadata"),
    *keys_of("vote", "approval_id", "voter_id"),
    BadArgument("vote", "approves", NOT_BOOLEANS),
    *optional_texts_of("vote", "reason"),
    *keys_of("update_approval_status", "approval_id"),
    BadArgument("update_approval_status", "status", ["pending", "", "done", None]),
    *optional_texts_of("update_approval_status", "rejection_reason"),
    BadArgument("set_policy", "risk_level", NOT_RISKS),
    *[
        BadArgument("set_policy", name, [*NOT_AT_LEAST_1, None])
        for name in ("required_approvals", "required_rejections", "timeout_seconds")
    ],
    BadArgument("set_policy", "allow_self_approval", NOT_BOOLEANS),
    BadArgument("delete_policy", "risk_level", NOT_RISKS),
    BadArgument("list_approvals", "status", ["", "open", 5]),
    BadArgument("list_approvals", "risk_level", ["", "open", 5]),
    *keys_of("save_verification", "verification_id", "verified_by"),
    *names_of("save_verification", "claim"),
    *documents_of("save_verification", "result"),
    BadArgument("save_verification", "confidence", NOT_FRACTIONS),
    BadArgument("save_verification", "proof_tree", NOT_LISTS),
    *keys_of("save_decision", "decision_id", "debate_id"),
    BadArgument("save_decision", "consensus_reached", NOT_BOOLEANS),
    BadArgument("save_decision", "confidence", NOT_FRACTIONS),
    *[
        BadArgument("save_decision", name, NOT_LISTS)
        for name in ("evidence_chain", "vote_pivots", "belief_changes", "agents_involved")
    ],
    *names_of("create_rollback_point", "description"),
    *documents_of("create_rollback_point", "file_backups", "metadata"),
    BadArgument("prune_rollback_points", "keep", NOT_COUNTS),
    *[
        BadArgument("cleanup_old_records", name, [*NOT_MEASURES, 1e9])
        for name in ("approvals_days", "verifications_days", "decisions_days")
    ],
    *limits_of("list_approvals", "list_verifications", "list_decisions"),
    *limits_of("get_decisions_for_debate", "list_rollback_points"),
    BadArgument("save", "data", [None, 5, "text", []], "requests"),
    BadArgument("respond", "status", ["pending", "expired", "", None], "requests"),
    BadArgument("respond", "responder_id", ["", " ", None, 5], "requests"),
    *limits_of("list_all", "list_by_workflow", "list_by_workspace", of="requests"),
    *limits_of("list_by_status", "list_pending", "list_expired", of="requests"),
]

GOOD_ARGUMENTS: dict[str, dict[str, Any]] = {
    "save_approval": _APPROVAL,
    "vote": {"approval_id": "a", "voter_id": "ben", "approves": True},
    "update_approval_status": {"approval_id": "a", "status": "cancelled"},
    "set_policy": {"risk_level": "low"},
    "delete_policy": {"risk_level": "low"},
    "save_verification": _VERIFICATION,
    "save_decision": _DECISION,
    "create_rollback_point": {"description": "d"},
    "get_decisions_for_debate": {"debate_id": "d"},
    "respond": {"request_id": "q", "status": "approved", "responder_id": "ben"},
    "list_by_workflow": {"workflow_id": "w"},
    "list_by_workspace": {"workspace_id": "s"},
    "list_by_status": {"status": "pending"},
}

CASES = StoreCases(
    make=GovernanceStore,
    add=add,
    count=count,
    foreign_table="approval_requests (request_id TEXT PRIMARY KEY, data_json TEXT)",
    fill=fill,
    hot=HOT,
    prepare=prepare,
    round_trips=ROUND_TRIPS,
    refused={"status": lambda s: s.update_approval_status("a", "done")},
    bad_arguments=BAD_ARGUMENTS,
    good_arguments=GOOD_ARGUMENTS,
    helpers={"requests": lambda s: s.requests},
    small_tables=frozenset({"governance_policies", "p", "o"}),
)
