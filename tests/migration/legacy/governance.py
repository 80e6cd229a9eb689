"""Files of the older governance: approvals, verifications, decisions, requests, rollback points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.migration.legacy.values import Row, create, fill

__all__ = ["write_governance", "write_requests", "write_rollback_points"]

# aragora_governance.db, all times local and naive.
_GOVERNANCE = """
    CREATE TABLE governance_approvals (
        approval_id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT,
        risk_level TEXT NOT NULL, status TEXT NOT NULL, requested_by TEXT, requested_at TEXT,
        changes_json TEXT, timeout_seconds INTEGER, approved_by TEXT, approved_at TEXT,
        rejection_reason TEXT, org_id TEXT, workspace_id TEXT, metadata_json TEXT
    );
    CREATE TABLE governance_verifications (
        verification_id TEXT PRIMARY KEY, claim TEXT NOT NULL, claim_type TEXT, context TEXT,
        result_json TEXT NOT NULL, timestamp TEXT, verified_by TEXT, confidence REAL,
        proof_tree_json TEXT, org_id TEXT, workspace_id TEXT
    );
    CREATE TABLE governance_decisions (
        decision_id TEXT PRIMARY KEY, debate_id TEXT NOT NULL, conclusion TEXT,
        consensus_reached INTEGER, confidence REAL, timestamp TEXT, evidence_chain_json TEXT,
        vote_pivots_json TEXT, belief_changes_json TEXT, agents_involved_json TEXT, org_id TEXT,
        workspace_id TEXT, metadata_json TEXT
    );
"""
# approval_requests.db; created_at is the time of the last save.
_REQUESTS = """
    CREATE TABLE approval_requests (
        request_id TEXT PRIMARY KEY, workflow_id TEXT NOT NULL, step_id TEXT NOT NULL,
        title TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending', requester_id TEXT,
        responder_id TEXT, priority INTEGER DEFAULT 3, workspace_id TEXT, expires_at TEXT,
        responded_at TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        data_json TEXT NOT NULL
    );
"""
_COLUMNS = (
    "workflow_id",
    "step_id",
    "title",
    "status",
    "requester_id",
    "responder_id",
    "priority",
    "workspace_id",
    "expires_at",
    "responded_at",
)


def write_governance(
    path: Path, approvals: list[Row], verifications: list[Row], decisions: list[Row]
) -> None:
    """Write ``aragora_governance.db`` with these rows; lists and objects become JSON text."""
    create(path, _GOVERNANCE)
    fill(
        path,
        {
            "governance_approvals": [_encoded(row) for row in approvals],
            "governance_verifications": [_encoded(row) for row in verifications],
            "governance_decisions": [_encoded(row) for row in decisions],
        },
    )


def write_requests(path: Path, documents: dict[str, Any], saved_at: float) -> None:
    """Write ``approval_requests.db`` with these documents; a text stands for itself."""
    create(path, _REQUESTS)
    rows = []
    for request_id, document in documents.items():
        known = document if isinstance(document, dict) else {}
        columns = {name: known.get(name) for name in _COLUMNS}
        needed = {"workflow_id": "w", "step_id": "s", "title": "t", "status": "pending"}
        rows.append(
            {name: needed.get(name) if value is None else value for name, value in columns.items()}
            | {
                "request_id": request_id,
                "created_at": saved_at,
                "updated_at": saved_at,
                "data_json": document if isinstance(document, str) else json.dumps(document),
            }
        )
    fill(path, {"approval_requests": rows})


def write_rollback_points(folder: Path, documents: list[Row]) -> None:
    """Write a file for each document to a folder ``.rollback``."""
    folder.mkdir()
    for document in documents:
        (folder / f"{document['id']}.json").write_text(json.dumps(document), encoding="utf-8")


def _encoded(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }
