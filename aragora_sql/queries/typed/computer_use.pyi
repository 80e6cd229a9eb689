"""The types of the queries of the store computer_use.

Made by ``aragora-sql stubs`` from
``sql/postgres/computer_use/queries.sql`` and ``sql/sqlite/computer_use/queries.sql``.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

StatusWord = Literal[
    "pending",
    "running",
    "completed",
    "failed",
    "timeout",
    "cancelled",
]

class SaveTaskParameters(TypedDict):
    """One set of parameters of save_task."""

    task_id: str
    goal: str
    max_steps: int
    dry_run: bool
    status: StatusWord
    steps: Any
    result: Any
    error: str | None
    user_id: str | None
    tenant_id: str | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime

class ComputerUseTaskRow(TypedDict):
    """A row of get_task, list_tasks, list_tasks_in, list_user_tasks, list_tenant_tasks."""

    task_id: str
    goal: str
    max_steps: int
    dry_run: bool
    status: StatusWord
    steps: Any
    result: Any
    error: str | None
    user_id: str | None
    tenant_id: str | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime

class CountActionsRow(TypedDict):
    """A row of count_actions."""

    action: str
    total: int
    success: int

class SavePolicyParameters(TypedDict):
    """One set of parameters of save_policy."""

    policy_id: str
    name: str
    description: str
    allowed_actions: Any
    blocked_domains: Any
    is_active: bool
    tenant_id: str | None
    created_at: datetime
    updated_at: datetime

class ComputerUsePolicyRow(TypedDict):
    """A row of get_policy, list_policies, list_active_policies, list_tenant_policies."""

    policy_id: str
    name: str
    description: str
    allowed_actions: Any
    blocked_domains: Any
    is_active: bool
    tenant_id: str | None
    created_at: datetime
    updated_at: datetime

class ComputerUseQueries(Protocol):
    """The queries of the store computer_use."""

    async def save_task(
        self,
        connection: Connection,
        /,
        *,
        task_id: str,
        goal: str,
        max_steps: int,
        dry_run: bool,
        status: StatusWord,
        steps: Any,
        result: Any,
        error: str | None,
        user_id: str | None,
        tenant_id: str | None,
        cancelled_at: datetime | None,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a task, or how the one of its id stands, unless that is another tenant's or
        none's.

        What it is, whose, and when it was made stays.

        Operation !: the number of rows changed.
        """

    async def get_task(
        self,
        connection: Connection,
        /,
        *,
        task_id: str,
        tenant_id: str | None,
    ) -> ComputerUseTaskRow | None:
        """Return a task, of one tenant or of any.

        Operation ^: the first row, or None.
        """

    def list_tasks(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUseTaskRow]:
        """List tasks, newest first, from a place on.

        Operation (none): every row.
        """

    def list_tasks_in(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUseTaskRow]:
        """List tasks in a status, newest first, from a place on.

        Operation (none): every row.
        """

    def list_user_tasks(
        self,
        connection: Connection,
        /,
        *,
        user_id: str,
        tenant_id: str | None,
        status: StatusWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUseTaskRow]:
        """List the tasks of a user, of one tenant and status or of all, newest first, from a place
        on.

        Operation (none): every row.
        """

    def list_tenant_tasks(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        status: StatusWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUseTaskRow]:
        """List the tasks of a tenant, in one status or in any, newest first, from a place on.

        Operation (none): every row.
        """

    async def count_tasks(
        self,
        connection: Connection,
        /,
        *,
        status: StatusWord | None,
        tenant_id: str | None,
    ) -> int:
        """Count the tasks in one status or in any, of one tenant or of all.

        Operation $: the first value of the first row, or None.
        """

    async def set_status(
        self,
        connection: Connection,
        /,
        *,
        task_id: str,
        tenant_id: str | None,
        status: StatusWord,
        steps: Any,
        result: Any,
        error: str | None,
        at_time: datetime,
    ) -> int:
        """Keep how a task stands that has not ended; NULL leaves steps, result and error as they
        are.

        Operation !: the number of rows changed.
        """

    async def delete_task(
        self,
        connection: Connection,
        /,
        *,
        task_id: str,
        tenant_id: str | None,
    ) -> int:
        """Delete a task, of one tenant or of any.

        Operation !: the number of rows changed.
        """

    def count_actions(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str | None,
    ) -> AsyncIterator[CountActionsRow]:
        """Count the actions of tasks that have ended, and how many of them succeeded, of one
        tenant or of all.

        Operation (none): every row.
        """

    async def save_policy(
        self,
        connection: Connection,
        /,
        *,
        policy_id: str,
        name: str,
        description: str,
        allowed_actions: Any,
        blocked_domains: Any,
        is_active: bool,
        tenant_id: str | None,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a policy, or replace the one of its id, unless that is another tenant's or none's.
        Whose it

        is, and when it was made, stays.

        Operation !: the number of rows changed.
        """

    async def get_policy(
        self,
        connection: Connection,
        /,
        *,
        policy_id: str,
        tenant_id: str | None,
    ) -> ComputerUsePolicyRow | None:
        """Return a policy, of one tenant or of any.

        Operation ^: the first row, or None.
        """

    def list_policies(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUsePolicyRow]:
        """List policies, newest first, from a place on.

        Operation (none): every row.
        """

    def list_active_policies(
        self,
        connection: Connection,
        /,
        *,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUsePolicyRow]:
        """List policies that apply, newest first, from a place on.

        Operation (none): every row.
        """

    def list_tenant_policies(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        active_only: bool,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[ComputerUsePolicyRow]:
        """List the policies of a tenant, those that apply or all, newest first, from a place on.

        Operation (none): every row.
        """

    async def delete_policy(
        self,
        connection: Connection,
        /,
        *,
        policy_id: str,
        tenant_id: str | None,
    ) -> int:
        """Delete a policy, of one tenant or of any.

        Operation !: the number of rows changed.
        """
