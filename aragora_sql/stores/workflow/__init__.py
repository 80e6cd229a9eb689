"""Workflow of findings: states, assignment, due dates and history."""

from aragora_sql.stores.workflow.records import (
    BulkResult,
    FindingEvent,
    FindingWorkflow,
    WorkflowStatistics,
)
from aragora_sql.stores.workflow.states import (
    FINDING_STATES,
    LEGACY_STATES,
    TERMINAL_STATES,
    TRANSITIONS,
    FindingState,
    allowed_transitions,
    check_transition,
    is_terminal,
)
from aragora_sql.stores.workflow.store import (
    FindingWorkflowStore,
    PostgresFindingWorkflowStore,
    SQLiteFindingWorkflowStore,
    get_postgres_finding_workflow_store,
    get_sqlite_finding_workflow_store,
)

__all__ = [
    "FINDING_STATES",
    "LEGACY_STATES",
    "TERMINAL_STATES",
    "TRANSITIONS",
    "BulkResult",
    "FindingEvent",
    "FindingState",
    "FindingWorkflow",
    "FindingWorkflowStore",
    "PostgresFindingWorkflowStore",
    "SQLiteFindingWorkflowStore",
    "WorkflowStatistics",
    "allowed_transitions",
    "check_transition",
    "get_postgres_finding_workflow_store",
    "get_sqlite_finding_workflow_store",
    "is_terminal",
]
