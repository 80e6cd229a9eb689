"""The types of the queries of the store workflow.

Made by ``aragora-sql stubs`` from
``sql/postgres/workflow/queries.sql`` and ``sql/sqlite/workflow/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypedDict

from aragora_sql.database import Connection

class FindingWorkflowRow(TypedDict):
    """A row of get_finding, lock_findings, list_findings, list_assigned, list_in_state,
    list_duplicates, list_overdue."""

    finding_id: str
    current_state: str
    is_terminal: bool
    assigned_to: str | None
    assigned_by: str | None
    assigned_at: datetime | None
    priority: int
    due_date: datetime | None
    parent_finding_id: str | None
    resolved_at: datetime | None
    state_entered_at: datetime
    time_in_states: Any
    extra: Any
    version: int
    created_at: datetime
    updated_at: datetime
    linked_findings: Any

class InsertFindingParameters(TypedDict):
    """One set of parameters of insert_finding."""

    finding_id: str
    current_state: str
    assigned_to: str | None
    assigned_by: str | None
    assigned_at: datetime | None
    priority: int
    due_date: datetime | None
    parent_finding_id: str | None
    resolved_at: datetime | None
    state_entered_at: datetime
    time_in_states: Any
    extra: Any
    created_at: datetime
    updated_at: datetime

class UpdateFindingParameters(TypedDict):
    """One set of parameters of update_finding."""

    finding_id: str
    version: int
    current_state: str
    assigned_to: str | None
    assigned_by: str | None
    assigned_at: datetime | None
    priority: int
    due_date: datetime | None
    parent_finding_id: str | None
    resolved_at: datetime | None
    state_entered_at: datetime
    time_in_states: Any
    extra: Any
    updated_at: datetime

class FindingEventRow(TypedDict):
    """A row of list_events, list_history."""

    finding_id: str
    position: int
    event_id: str
    event_type: str
    occurred_at: datetime
    user_id: str | None
    user_name: str | None
    from_state: str | None
    to_state: str | None
    field_name: str | None
    old_value: Any
    new_value: Any
    comment: str | None
    extra: Any

class AppendEventsParameters(TypedDict):
    """One set of parameters of append_events."""

    finding_id: str
    event_id: str
    event_type: str
    occurred_at: datetime
    user_id: str | None
    user_name: str | None
    from_state: str | None
    to_state: str | None
    field_name: str | None
    old_value: Any
    new_value: Any
    comment: str | None
    extra: Any

class InsertLinksParameters(TypedDict):
    """One set of parameters of insert_links."""

    finding_id: str
    linked_id: str

class WorkflowStatisticsRow(TypedDict):
    """A row of get_statistics."""

    total: int
    active: int
    unassigned: int
    overdue: int
    mean_seconds_to_resolution: float | None
    by_state: Any
    by_priority: Any

class WorkflowQueries(Protocol):
    """The queries of the store workflow."""

    async def get_finding(
        self,
        connection: Connection,
        /,
        *,
        finding_id: str,
    ) -> FindingWorkflowRow | None:
        """Return one finding.

        Operation ^: the first row, or None.
        """

    def lock_findings(
        self,
        connection: Connection,
        /,
        *,
        finding_ids: Sequence[str],
    ) -> AsyncIterator[FindingWorkflowRow]:
        """Take some findings for a change, always in one order.

        Operation (none): every row.
        """

    async def insert_finding(
        self,
        connection: Connection,
        /,
        *,
        finding_id: str,
        current_state: str,
        assigned_to: str | None,
        assigned_by: str | None,
        assigned_at: datetime | None,
        priority: int,
        due_date: datetime | None,
        parent_finding_id: str | None,
        resolved_at: datetime | None,
        state_entered_at: datetime,
        time_in_states: Any,
        extra: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a new finding, unless there is one of this id.

        Operation !: the number of rows changed.
        """

    async def update_finding(
        self,
        connection: Connection,
        parameters: Sequence[UpdateFindingParameters],
        /,
    ) -> int:
        """Change findings that still have the version that the change was made for.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_finding(self, connection: Connection, /, *, finding_id: str) -> int:
        """Delete a finding with its history and links.

        Operation !: the number of rows changed.
        """

    def list_findings(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FindingWorkflowRow]:
        """List findings, newest first, from a place on.

        Operation (none): every row.
        """

    def list_assigned(
        self,
        connection: Connection,
        /,
        *,
        assigned_to: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FindingWorkflowRow]:
        """List the findings that a user works on, newest first, from a place on.

        Operation (none): every row.
        """

    def list_in_state(
        self,
        connection: Connection,
        /,
        *,
        current_state: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FindingWorkflowRow]:
        """List the findings in a state, newest first, from a place on.

        Operation (none): every row.
        """

    def list_duplicates(
        self,
        connection: Connection,
        /,
        *,
        parent_finding_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FindingWorkflowRow]:
        """List the findings that repeat another one, newest first, from a place on.

        Operation (none): every row.
        """

    def list_overdue(
        self,
        connection: Connection,
        /,
        *,
        at_time: datetime,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[FindingWorkflowRow]:
        """List the findings whose due date has passed while work goes on, longest overdue first.

        Operation (none): every row.
        """

    def list_events(
        self,
        connection: Connection,
        /,
        *,
        finding_ids: Sequence[str],
    ) -> AsyncIterator[FindingEventRow]:
        """List the whole history of some findings.

        Operation (none): every row.
        """

    def list_history(
        self,
        connection: Connection,
        /,
        *,
        finding_id: str,
        event_type: str | None,
        after_position: int,
        row_limit: int,
    ) -> AsyncIterator[FindingEventRow]:
        """List a finding's history in its order, from a place on, of one type of event or of all.

        Operation (none): every row.
        """

    async def append_events(
        self,
        connection: Connection,
        parameters: Sequence[AppendEventsParameters],
        /,
    ) -> int:
        """Add events to the end of the history of findings.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def insert_links(
        self,
        connection: Connection,
        parameters: Sequence[InsertLinksParameters],
        /,
    ) -> int:
        """Add to the findings that findings refer to; what is there already stays where it is.

        Operation *!: the number of rows changed, for many sets of parameters.
        """

    async def delete_link(
        self,
        connection: Connection,
        /,
        *,
        finding_id: str,
        linked_id: str,
    ) -> int:
        """Remove one of the findings that a finding refers to.

        Operation !: the number of rows changed.
        """

    async def delete_links(self, connection: Connection, /, *, finding_id: str) -> int:
        """Remove all that a finding refers to.

        Operation !: the number of rows changed.
        """

    async def get_statistics(
        self,
        connection: Connection,
        /,
        *,
        at_time: datetime,
    ) -> WorkflowStatisticsRow:
        """Count the findings by state and priority; mean seconds from creation to resolution.

        Operation ^: the first row, or None.
        """
