"""Definitions of workflows with their versions, a gallery of templates, executions."""

from aragora_sql.stores.workflow_definitions.records import (
    EXECUTION_STATUSES,
    STEP_STATUSES,
    WORKFLOW_CATEGORIES,
    Workflow,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
    WorkflowVersionSummary,
)
from aragora_sql.stores.workflow_definitions.store import WorkflowStore

__all__ = [
    "EXECUTION_STATUSES",
    "STEP_STATUSES",
    "WORKFLOW_CATEGORIES",
    "Workflow",
    "WorkflowExecution",
    "WorkflowStore",
    "WorkflowTemplate",
    "WorkflowVersion",
    "WorkflowVersionSummary",
]
