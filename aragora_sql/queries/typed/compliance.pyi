"""The types of the queries of the store compliance.

Made by ``aragora-sql stubs`` from
``sql/postgres/compliance/queries.sql`` and ``sql/sqlite/compliance/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

ActionWord = Literal[
    "create",
    "update",
    "delete",
]

LevelWord = Literal[
    "mandatory",
    "recommended",
    "optional",
]

SeverityWord = Literal[
    "critical",
    "high",
    "medium",
    "low",
    "info",
]

StatusWord = Literal[
    "open",
    "investigating",
    "resolved",
    "false_positive",
]

class CompliancePolicyRow(TypedDict):
    """A row of insert_policy, get_policy, lock_policy, list_policies, list_workspace_policies,
    update_policy."""

    id: str
    name: str
    description: str
    framework_id: str
    workspace_id: str
    vertical_id: str
    level: LevelWord
    enabled: bool
    rules: Any
    created_by: str | None
    metadata: Any
    created_at: datetime
    updated_at: datetime

class InsertPolicyParameters(TypedDict):
    """One set of parameters of insert_policy."""

    id: str
    name: str
    description: str
    framework_id: str
    workspace_id: str
    vertical_id: str
    level: LevelWord
    enabled: bool
    rules: Any
    created_by: str | None
    metadata: Any

class InsertChangeParameters(TypedDict):
    """One set of parameters of insert_change."""

    id: str
    policy_id: str
    action: ActionWord
    changed_by: str | None
    old_value: Any
    new_value: Any

class PolicyChangeRow(TypedDict):
    """A row of list_changes."""

    number: int
    id: str
    policy_id: str
    action: ActionWord
    changed_by: str | None
    changed_at: datetime
    old_value: Any
    new_value: Any

class ComplianceViolationRow(TypedDict):
    """A row of insert_violation, get_violation, list_violations, list_workspace_violations,
    list_policy_violations, update_violation."""

    id: str
    policy_id: str | None
    rule_id: str
    rule_name: str
    framework_id: str
    vertical_id: str
    workspace_id: str
    severity: SeverityWord
    status: StatusWord
    description: str
    source: str
    detected_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_notes: str | None
    metadata: Any

class InsertViolationParameters(TypedDict):
    """One set of parameters of insert_violation."""

    id: str
    policy_id: str | None
    rule_id: str
    rule_name: str
    framework_id: str
    vertical_id: str
    workspace_id: str
    severity: SeverityWord
    status: StatusWord
    description: str
    source: str
    detected_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_notes: str | None
    metadata: Any

class CountViolationsRow(TypedDict):
    """A row of count_violations."""

    severity: SeverityWord
    total: int

class ComplianceQueries(Protocol):
    """The queries of the store compliance."""

    async def insert_policy(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        name: str,
        description: str,
        framework_id: str,
        workspace_id: str,
        vertical_id: str,
        level: LevelWord,
        enabled: bool,
        rules: Any,
        created_by: str | None,
        metadata: Any,
    ) -> CompliancePolicyRow:
        """Store a new policy.

        Operation ^: the first row, or None.
        """

    async def get_policy(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str | None,
    ) -> CompliancePolicyRow | None:
        """Return a policy, of one workspace or of any.

        Operation ^: the first row, or None.
        """

    async def lock_policy(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str | None,
    ) -> CompliancePolicyRow | None:
        """Return a policy that is to be changed, of one workspace or of any.

        Operation ^: the first row, or None.
        """

    def list_policies(
        self,
        connection: Connection,
        /,
        *,
        vertical_id: str | None,
        framework_id: str | None,
        enabled_only: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[CompliancePolicyRow]:
        """List policies, newest first, from a place on, perhaps of one vertical or framework, or
        in force.

        Operation (none): every row.
        """

    def list_workspace_policies(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        vertical_id: str | None,
        framework_id: str | None,
        enabled_only: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[CompliancePolicyRow]:
        """List policies of a workspace, newest first, from a place on, perhaps of one vertical or
        framework,

        or in force.

        Operation (none): every row.
        """

    async def update_policy(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        name: str,
        description: str,
        level: LevelWord,
        enabled: bool,
        rules: Any,
        metadata: Any,
    ) -> CompliancePolicyRow | None:
        """Change a policy.

        Operation ^: the first row, or None.
        """

    async def delete_policy(self, connection: Connection, /, *, id: str) -> int:
        """Delete a policy; its violations and the log of its changes stay.

        Operation !: the number of rows changed.
        """

    async def insert_change(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        policy_id: str,
        action: ActionWord,
        changed_by: str | None,
        old_value: Any,
        new_value: Any,
    ) -> int:
        """Note a change of a policy.

        Operation !: the number of rows changed.
        """

    def list_changes(
        self,
        connection: Connection,
        /,
        *,
        policy_id: str,
        workspace_id: str | None,
        after_timestamp: datetime,
        after_number: int,
        row_limit: int,
    ) -> AsyncIterator[PolicyChangeRow]:
        """List the changes of a policy, newest first, from a place on, of one workspace or of any.

        Operation (none): every row.
        """

    async def insert_violation(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        policy_id: str | None,
        rule_id: str,
        rule_name: str,
        framework_id: str,
        vertical_id: str,
        workspace_id: str,
        severity: SeverityWord,
        status: StatusWord,
        description: str,
        source: str,
        detected_at: datetime | None,
        resolved_at: datetime | None,
        resolved_by: str | None,
        resolution_notes: str | None,
        metadata: Any,
    ) -> ComplianceViolationRow:
        """Store a new violation; one that is settled was so now unless a time is given.

        Operation ^: the first row, or None.
        """

    async def get_violation(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str | None,
    ) -> ComplianceViolationRow | None:
        """Return a violation, of one workspace or of any.

        Operation ^: the first row, or None.
        """

    def list_violations(
        self,
        connection: Connection,
        /,
        *,
        vertical_id: str | None,
        framework_id: str | None,
        status: StatusWord | None,
        severity: SeverityWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComplianceViolationRow]:
        """List violations, newest first, from a place on, perhaps of one vertical or framework, in
        one status,

        or of one severity.

        Operation (none): every row.
        """

    def list_workspace_violations(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str,
        vertical_id: str | None,
        framework_id: str | None,
        status: StatusWord | None,
        severity: SeverityWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComplianceViolationRow]:
        """List violations in a workspace, newest first, from a place on, perhaps of one vertical
        or framework,

        in one status, or of one severity.

        Operation (none): every row.
        """

    def list_policy_violations(
        self,
        connection: Connection,
        /,
        *,
        policy_id: str,
        workspace_id: str | None,
        vertical_id: str | None,
        framework_id: str | None,
        status: StatusWord | None,
        severity: SeverityWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComplianceViolationRow]:
        """List violations of a policy, newest first, from a place on, perhaps in one workspace, of
        one vertical

        or framework, in one status, or of one severity.

        Operation (none): every row.
        """

    async def update_violation(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        status: StatusWord,
        resolved_by: str | None,
        resolution_notes: str | None,
        workspace_id: str | None,
    ) -> ComplianceViolationRow | None:
        """Let a violation go to a status. Who settled it, and when, stays when it is opened again,
        and when it

        is settled in the same way again by nobody else; of one workspace or of any.

        Operation ^: the first row, or None.
        """

    async def delete_violation(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        workspace_id: str | None,
    ) -> int:
        """Delete a violation, of one workspace or of any.

        Operation !: the number of rows changed.
        """

    def count_violations(
        self,
        connection: Connection,
        /,
        *,
        workspace_id: str | None,
        status: StatusWord | None,
        severity: SeverityWord | None,
    ) -> AsyncIterator[CountViolationsRow]:
        """Count violations by severity, perhaps in one workspace or status, or of one severity.

        Operation (none): every row.
        """
