"""Tables of the older program that no store takes on purpose, and why.

The older program had the code that writes to them, and nothing that called it, or what they held
ended with the program. Such a table is told by its columns; what is in one all the same is named
with its rows and the reason, and stays in its file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["LEFT_ON_PURPOSE", "LeftTable", "left_on_purpose"]

_NO_WRITER = "nothing of the older program wrote to it"
_ACCOUNTING = f"{_NO_WRITER}, and accounting is not this package's: keep the file if it is needed"


@dataclass(frozen=True, slots=True)
class LeftTable:
    """A table that no store takes: ``columns`` that tell it from others of its name, and why."""

    columns: frozenset[str]
    why: str


def _left(columns: str, why: str) -> LeftTable:
    return LeftTable(frozenset(columns.split()), why)


LEFT_ON_PURPOSE = {
    "expenses": _left("vendor_name amount employee_id data_json", _ACCOUNTING),
    "invoices": _left("vendor_id vendor_name data_json", _ACCOUNTING),
    "ar_invoices": _left("customer_id balance_due data_json", _ACCOUNTING),
    "ar_customers": _left("customer_id payment_terms data_json", _ACCOUNTING),
    "email_credentials": _left(
        "tenant_id provider email_address access_token",
        f"{_NO_WRITER}; tokens of mailboxes are kept by the stores gmail and integrations",
    ),
    "control_plane_policies": _left("scope enforcement_level", _NO_WRITER),
    "control_plane_violations": _left("policy_id violation_type", _NO_WRITER),
    "gateway_audit_records": _left(
        "correlation_id record_hash",
        f"{_NO_WRITER}; requests belong into the audit store, as entries of a chain",
    ),
    "audit_trails": _left(
        "trail_id gauntlet_id data_json", f"{_NO_WRITER}; what was decided is in the receipts"
    ),
    "explainability_batch_jobs": _left(
        "batch_id debate_ids_json results_json",
        "its rows lived for an hour; such work is a job of the store jobs",
    ),
    "audit_entries": _left(
        "actor_id resource_type workspace_id timestamp",
        "it is the log of the older program's access to its knowledge, which no store continues: "
        "keep the file if it is needed",
    ),
    "knowledge_links": _left("id", _NO_WRITER),
    "knowledge_links_archive": _left("id", _NO_WRITER),
    "belief_lineage": _left("id", _NO_WRITER),
    "domain_taxonomy": _left("id", _NO_WRITER),
    "culture_patterns": _left("workspace_id pattern_type pattern_key", _NO_WRITER),
    "staleness_checks": _left("node_id staleness_score", _NO_WRITER),
    "archived_nodes": _left("original_id node_data", _NO_WRITER),
    "federation_nodes": _left("node_name endpoint_url", _NO_WRITER),
    "federation_sync_state": _left("source_node_id target_node_id sync_status", _NO_WRITER),
    "federation_item_ownership": _left("item_id owner_node_id", _NO_WRITER),
    "federation_events": _left("event_type source_node_id target_node_id", _NO_WRITER),
    "distributed_locks": _left("lock_key owner_node_id", _NO_WRITER),
}


def left_on_purpose(table: str, columns: Collection[str]) -> str | None:
    """Return why a table with these columns is left behind on purpose, or None for another one."""
    left = LEFT_ON_PURPOSE.get(table)
    if left is None or not left.columns <= set(columns):
        return None
    return f"left on purpose: {left.why}"
