"""Tasks that agents do at a graphical user interface, and policies for them.

Its queries: ``sql/postgres/computer_use/queries.sql`` and ``sql/sqlite/computer_use/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import utc_now
from aragora_sql.errors import TenantMismatchError
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.computer_use.records import (
    ACTIONS,
    TASK_STATUSES,
    ActionTotals,
    ComputerUsePolicy,
    ComputerUseTask,
    TaskStatus,
    checked_steps,
    policy_parameters,
    task_parameters,
)
from aragora_sql.stores.paging import LastRow, newest_page
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.computer_use import ComputerUseQueries

__all__ = ["ComputerUseStore"]


class ComputerUseStore(Store):
    """Keeps tasks that agents do at a graphical user interface, and what they may do there.

    With ``tenant_id`` a method sees what is that tenant's only. Lists return pages, newest first:
    ``limit=``, and ``after=`` the last record of the page before. Bad arguments are
    :class:`~aragora_sql.errors.InvalidInputError`, which names the argument.
    """

    name = "computer_use"
    _queries: ComputerUseQueries

    # Tasks

    async def save_task(self, task: Mapping[str, Any] | ComputerUseTask) -> str:
        """Store a task, or how the one of its ``task_id`` stands; return the id.

        ``task`` has the members of :class:`~aragora_sql.stores.computer_use.ComputerUseTask`, of
        which ``goal`` is needed. Of a stored one ``goal``, ``max_steps``, ``dry_run``,
        ``user_id``, ``tenant_id`` and ``created_at`` stay, and one that has ended stays as it is.
        Raises
        :class:`~aragora_sql.errors.TenantMismatchError` for one of another tenant, or with
        ``tenant_id`` for one of none.
        """
        row = task_parameters(task, utc_now())
        async with self._database.connection() as connection:
            if not await self._queries.save_task(connection, **row):
                # It has ended, or is another tenant's.
                key = _key("task_id", row["task_id"], row["tenant_id"])
                there = await self._queries.get_task(connection, **key)
                if there is None:
                    raise TenantMismatchError(row["task_id"])
        return str(row["task_id"])

    async def get_task(
        self, task_id: str, *, tenant_id: str | None = None
    ) -> ComputerUseTask | None:
        """Return a task, or None."""
        key = _key("task_id", task_id, tenant_id)
        async with self._database.read() as connection:
            row = await self._queries.get_task(connection, **key)
        return None if row is None else record_of(ComputerUseTask, **row)

    async def list_tasks(
        self,
        limit: int = 20,
        *,
        status: TaskStatus | None = None,
        tenant_id: str | None = None,
        user_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[ComputerUseTask]:
        """Return a page of the tasks, in one status or in any, of one user or of all."""
        word = _status(status)
        tenant = valid.optional_text(tenant_id, "tenant_id")
        user = valid.optional_text(user_id, "user_id")
        page = newest_page(limit, after, "task_id")
        async with self._database.read() as connection:
            if user is not None:
                rows = self._queries.list_user_tasks(
                    connection, user_id=user, tenant_id=tenant, status=word, **page
                )
            elif tenant is not None:
                rows = self._queries.list_tenant_tasks(
                    connection, tenant_id=tenant, status=word, **page
                )
            elif word is not None:
                rows = self._queries.list_tasks_in(connection, status=word, **page)
            else:
                rows = self._queries.list_tasks(connection, **page)
            return [record_of(ComputerUseTask, **row) async for row in rows]

    async def count_tasks(
        self, status: TaskStatus | None = None, tenant_id: str | None = None
    ) -> int:
        """Return the number of tasks, in one status or in any."""
        word = _status(status)
        tenant = valid.optional_text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            return await self._queries.count_tasks(connection, status=word, tenant_id=tenant)

    async def update_task_status(
        self,
        task_id: str,
        status: TaskStatus,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        steps: Iterable[Mapping[str, Any]] | None = None,
        *,
        tenant_id: str | None = None,
    ) -> bool:
        """Keep how a task stands; what is None stays. False when none is there, or it has ended.

        What is ``cancelled`` gets the time. Of two ends at once one counts.
        """
        row: Any = {
            **_key("task_id", task_id, tenant_id),
            "status": valid.choice(status, "status", TASK_STATUSES),
            "result": valid.optional(result, "result", valid.document),
            "error": valid.optional_text(error, "error"),
            "steps": valid.optional(steps, "steps", checked_steps),
            "at_time": utc_now(),
        }
        async with self._database.connection() as connection:
            return bool(await self._queries.set_status(connection, **row))

    async def delete_task(self, task_id: str, *, tenant_id: str | None = None) -> bool:
        """Delete a task; False when there is none."""
        key = _key("task_id", task_id, tenant_id)
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_task(connection, **key))

    async def get_action_stats(self, tenant_id: str | None = None) -> dict[str, ActionTotals]:
        """Return how often each action was done in tasks that have ended, and succeeded.

        The actions are ``click``, ``type``, ``screenshot``, ``scroll`` and ``key``.
        """
        tenant = valid.optional_text(tenant_id, "tenant_id")
        stats: dict[str, ActionTotals] = {
            action: {"total": 0, "success": 0, "failed": 0} for action in ACTIONS
        }
        async with self._database.read() as connection:
            async for row in self._queries.count_actions(connection, tenant_id=tenant):
                total, success = row["total"], row["success"]
                stats[row["action"]] = {
                    "total": total,
                    "success": success,
                    "failed": total - success,
                }
        return stats

    # Policies

    async def save_policy(self, policy: Mapping[str, Any] | ComputerUsePolicy) -> str:
        """Store a policy, or replace the one of its ``policy_id``; return the id.

        ``policy`` has the members of :class:`~aragora_sql.stores.computer_use.ComputerUsePolicy`,
        of which ``name`` is needed. Of a stored one ``tenant_id`` and ``created_at`` stay. Raises
        :class:`~aragora_sql.errors.TenantMismatchError` for one of another tenant, or with
        ``tenant_id`` for one of none.
        """
        row = policy_parameters(policy, utc_now())
        async with self._database.connection() as connection:
            if not await self._queries.save_policy(connection, **row):
                raise TenantMismatchError(row["policy_id"])
        return str(row["policy_id"])

    async def get_policy(
        self, policy_id: str, *, tenant_id: str | None = None
    ) -> ComputerUsePolicy | None:
        """Return a policy, or None."""
        key = _key("policy_id", policy_id, tenant_id)
        async with self._database.read() as connection:
            row = await self._queries.get_policy(connection, **key)
        return None if row is None else record_of(ComputerUsePolicy, **row)

    async def list_policies(
        self,
        tenant_id: str | None = None,
        active_only: bool = True,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[ComputerUsePolicy]:
        """Return a page of the policies, those that apply or all."""
        tenant = valid.optional_text(tenant_id, "tenant_id")
        active = valid.boolean(active_only, "active_only")
        page = newest_page(limit, after, "policy_id")
        async with self._database.read() as connection:
            if tenant is not None:
                rows = self._queries.list_tenant_policies(
                    connection, tenant_id=tenant, active_only=active, **page
                )
            elif active:
                rows = self._queries.list_active_policies(connection, **page)
            else:
                rows = self._queries.list_policies(connection, **page)
            return [record_of(ComputerUsePolicy, **row) async for row in rows]

    async def delete_policy(self, policy_id: str, *, tenant_id: str | None = None) -> bool:
        """Delete a policy; False when there is none."""
        key = _key("policy_id", policy_id, tenant_id)
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_policy(connection, **key))


def _status(value: Any) -> TaskStatus | None:
    return valid.optional(value, "status", lambda v, a: valid.choice(v, a, TASK_STATUSES))


def _key(argument: str, value: Any, tenant_id: Any) -> Any:
    return {
        argument: valid.text(value, argument),
        "tenant_id": valid.optional_text(tenant_id, "tenant_id"),
    }
