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
    FindingStateWord,
    LegacyStateWord,
    allowed_transitions,
    check_transition,
    is_terminal,
)
from aragora_sql.stores.workflow.store import (
    FindingWorkflowStore,
)

__all__ = [
    "FINDING_STATES",
    "LEGACY_STATES",
    "TERMINAL_STATES",
    "TRANSITIONS",
    "BulkResult",
    "FindingEvent",
    "FindingState",
    "FindingStateWord",
    "FindingWorkflow",
    "FindingWorkflowStore",
    "LegacyStateWord",
    "WorkflowStatistics",
    "allowed_transitions",
    "check_transition",
    "is_terminal",
]
