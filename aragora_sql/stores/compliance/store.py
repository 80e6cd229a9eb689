"""Compliance policies of workspaces, violations of them, and the log of changes.

Its queries: ``sql/postgres/compliance/queries.sql`` and ``sql/sqlite/compliance/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from aragora_sql.database import Connection
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.compliance.records import (
    SEVERITIES,
    STATUSES,
    CompliancePolicy,
    ComplianceViolation,
    PolicyChange,
    Severity,
    Status,
    ViolationCounts,
    policy_changes,
    policy_parameters,
    violation_parameters,
)
from aragora_sql.stores.ids import prefixed_id
from aragora_sql.stores.paging import (
    LAST_NUMBER,
    LAST_TIMESTAMP,
    LastRow,
    key_of,
    newest_page,
    row_number,
)
from aragora_sql.stores.records import record_of

if TYPE_CHECKING:
    from aragora_sql.queries.typed.compliance import ComplianceQueries

__all__ = ["PolicyStore"]

Action = Literal["create", "update", "delete"]


class PolicyStore(Store):
    """Keeps compliance policies and violations.

    With ``workspace_id`` a method sees and changes what is of that workspace only. Whatever changes
    a policy writes the whole policy before and after to a log that nobody changes, in the same
    transaction. Lists return pages: ``limit=``, and ``after=`` the last row of the page before.

    Arguments are checked before anything is written:
    :class:`~aragora_sql.errors.InvalidInputError` names the argument and what is allowed.
    """

    name = "compliance"
    _queries: ComplianceQueries

    # Policies

    async def create_policy(self, policy: Mapping[str, Any] | CompliancePolicy) -> CompliancePolicy:
        """Store a new policy, and return it.

        ``name``, ``framework_id`` and ``vertical_id`` are needed; ``id`` is made without one;
        ``workspace_id`` is ``default``, ``level`` ``recommended``, ``enabled`` True without them.
        ``rules`` are objects with a ``rule_id``, perhaps a ``severity``, and anything else.
        ``created_by`` counts as who changed it. Raises
        :class:`~aragora_sql.errors.DuplicateKeyError` for an ``id`` that is there.
        """
        row = policy_parameters(policy)
        async with self._database.transaction() as connection:
            made = record_of(
                CompliancePolicy, **await self._queries.insert_policy(connection, **row)
            )
            await self._log(connection, "create", row["created_by"], None, made)
        return made

    async def get_policy(
        self, policy_id: str, *, workspace_id: str | None = None
    ) -> CompliancePolicy | None:
        """Return a policy, or None."""
        key = valid.text(policy_id, "policy_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.read() as connection:
            row = await self._queries.get_policy(connection, id=key, workspace_id=workspace)
        return None if row is None else record_of(CompliancePolicy, **row)

    async def list_policies(
        self,
        workspace_id: str | None = None,
        vertical_id: str | None = None,
        framework_id: str | None = None,
        enabled_only: bool = False,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[CompliancePolicy]:
        """Return a page of the policies, newest first."""
        workspace = valid.optional_text(workspace_id, "workspace_id")
        arguments: dict[str, Any] = {
            "vertical_id": valid.optional_text(vertical_id, "vertical_id"),
            "framework_id": valid.optional_text(framework_id, "framework_id"),
            "enabled_only": valid.boolean(enabled_only, "enabled_only"),
            **newest_page(limit, after, order="created_at"),
        }
        async with self._database.read() as connection:
            if workspace is None:
                rows = self._queries.list_policies(connection, **arguments)
            else:
                rows = self._queries.list_workspace_policies(
                    connection, workspace_id=workspace, **arguments
                )
            return [record_of(CompliancePolicy, **row) async for row in rows]

    async def update_policy(
        self,
        policy_id: str,
        updates: Mapping[str, Any],
        changed_by: str | None = None,
        *,
        workspace_id: str | None = None,
    ) -> CompliancePolicy | None:
        """Change a policy, and return it; None when there is none.

        ``updates`` may have ``name``, ``description``, ``level``, ``enabled``, ``rules``, which
        replace what is there, and ``metadata``, whose members are merged with what is there.
        """
        key = valid.text(policy_id, "policy_id")
        changes = policy_changes(updates)
        user = valid.optional(changed_by, "changed_by", valid.key)
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.transaction() as connection:
            found = await self._queries.lock_policy(connection, id=key, workspace_id=workspace)
            if found is None:
                return None
            before = record_of(CompliancePolicy, **found)
            metadata = {**before.metadata, **changes.get("metadata", {})}
            row: dict[str, Any] = {
                "id": key,
                "name": changes.get("name", before.name),
                "description": changes.get("description", before.description),
                "level": changes.get("level", before.level),
                "enabled": changes.get("enabled", before.enabled),
                "rules": changes.get("rules", valid.array(before.rules, "rules")),
                "metadata": valid.document(metadata, "updates.metadata"),
            }
            changed = await self._queries.update_policy(connection, **row)
            assert changed is not None  # noqa: S101 - it is locked
            after = record_of(CompliancePolicy, **changed)
            await self._log(connection, "update", user, before, after)
        return after

    async def toggle_policy(
        self,
        policy_id: str,
        enabled: bool,
        changed_by: str | None = None,
        *,
        workspace_id: str | None = None,
    ) -> bool:
        """Put a policy in force, or out of it; False when there is none."""
        flag = valid.boolean(enabled, "enabled")
        changed = await self.update_policy(
            policy_id, {"enabled": flag}, changed_by, workspace_id=workspace_id
        )
        return changed is not None

    async def delete_policy(
        self, policy_id: str, deleted_by: str | None = None, *, workspace_id: str | None = None
    ) -> bool:
        """Delete a policy; False when there is none.

        Its violations stay, without a policy, and so does the log of its changes.
        """
        key = valid.text(policy_id, "policy_id")
        user = valid.optional(deleted_by, "deleted_by", valid.key)
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.transaction() as connection:
            found = await self._queries.lock_policy(connection, id=key, workspace_id=workspace)
            if found is None:
                return False
            await self._queries.delete_policy(connection, id=key)
            before = record_of(CompliancePolicy, **found)
            await self._log(connection, "delete", user, before, None)
        return True

    async def list_policy_audit(
        self,
        policy_id: str,
        limit: int = 100,
        *,
        workspace_id: str | None = None,
        after: LastRow | None = None,
    ) -> list[PolicyChange]:
        """Return a page of the changes of a policy, newest first, also of one that is gone."""
        key = valid.text(policy_id, "policy_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        checks = {"changed_at": valid.timestamp_or_text, "number": row_number}
        timestamp, number = key_of(after, checks, (LAST_TIMESTAMP, LAST_NUMBER))
        row_limit = valid.limit(limit)
        async with self._database.read() as connection:
            rows = self._queries.list_changes(
                connection,
                policy_id=key,
                workspace_id=workspace,
                after_timestamp=timestamp,
                after_number=number,
                row_limit=row_limit,
            )
            return [record_of(PolicyChange, **row) async for row in rows]

    # Violations

    async def create_violation(
        self, violation: Mapping[str, Any] | ComplianceViolation
    ) -> ComplianceViolation:
        """Store a new violation, and return it.

        ``rule_id`` is needed; ``id`` is made without one; ``workspace_id`` is ``default``,
        ``severity`` ``medium``, ``status`` ``open``, ``detected_at`` (aware, or ISO-8601 text) now
        without them; ``policy_id`` ``''`` is none. One that is ``resolved`` or a ``false_positive``
        already may have ``resolved_at`` (else now), ``resolved_by``, ``resolution_notes``. Raises
        :class:`~aragora_sql.errors.MissingParentError` when there is no such policy,
        :class:`~aragora_sql.errors.DuplicateKeyError` for an ``id`` that is there.
        """
        row = violation_parameters(violation)
        async with self._database.connection() as connection:
            made = await self._queries.insert_violation(connection, **row)
        return record_of(ComplianceViolation, **made)

    async def get_violation(
        self, violation_id: str, *, workspace_id: str | None = None
    ) -> ComplianceViolation | None:
        """Return a violation, or None."""
        key = valid.text(violation_id, "violation_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.read() as connection:
            row = await self._queries.get_violation(connection, id=key, workspace_id=workspace)
        return None if row is None else record_of(ComplianceViolation, **row)

    async def list_violations(
        self,
        workspace_id: str | None = None,
        vertical_id: str | None = None,
        framework_id: str | None = None,
        policy_id: str | None = None,
        status: Status | None = None,
        severity: Severity | None = None,
        limit: int = 100,
        *,
        after: LastRow | None = None,
    ) -> list[ComplianceViolation]:
        """Return a page of the violations, those that were found last first."""
        workspace = valid.optional_text(workspace_id, "workspace_id")
        policy = valid.optional_text(policy_id, "policy_id")
        arguments: dict[str, Any] = {
            "vertical_id": valid.optional_text(vertical_id, "vertical_id"),
            "framework_id": valid.optional_text(framework_id, "framework_id"),
            "status": valid.optional(status, "status", _status),
            "severity": valid.optional(severity, "severity", _severity),
            **newest_page(limit, after, order="detected_at"),
        }
        async with self._database.read() as connection:
            if policy is not None:
                rows = self._queries.list_policy_violations(
                    connection, policy_id=policy, workspace_id=workspace, **arguments
                )
            elif workspace is not None:
                rows = self._queries.list_workspace_violations(
                    connection, workspace_id=workspace, **arguments
                )
            else:
                rows = self._queries.list_violations(connection, **arguments)
            return [record_of(ComplianceViolation, **row) async for row in rows]

    async def update_violation_status(
        self,
        violation_id: str,
        status: Status,
        resolved_by: str | None = None,
        resolution_notes: str | None = None,
        *,
        workspace_id: str | None = None,
    ) -> ComplianceViolation | None:
        """Let a violation go to a status, and return it; None when there is none.

        ``resolved`` and ``false_positive`` note when, by whom and how it was settled; that stays
        when it is opened or looked at again. Of one that is settled so already only what is given
        changes; when somebody else settles it, all of it.
        """
        row: dict[str, Any] = {
            "id": valid.text(violation_id, "violation_id"),
            "status": _status(status, "status"),
            "resolved_by": valid.optional(resolved_by, "resolved_by", valid.key),
            "resolution_notes": valid.optional_text(resolution_notes, "resolution_notes"),
            "workspace_id": valid.optional_text(workspace_id, "workspace_id"),
        }
        async with self._database.connection() as connection:
            changed = await self._queries.update_violation(connection, **row)
        return None if changed is None else record_of(ComplianceViolation, **changed)

    async def delete_violation(self, violation_id: str, *, workspace_id: str | None = None) -> bool:
        """Delete a violation; False when there is none."""
        key = valid.text(violation_id, "violation_id")
        workspace = valid.optional_text(workspace_id, "workspace_id")
        async with self._database.connection() as connection:
            return bool(
                await self._queries.delete_violation(connection, id=key, workspace_id=workspace)
            )

    async def count_violations(
        self,
        workspace_id: str | None = None,
        status: Status | None = None,
        severity: Severity | None = None,
    ) -> ViolationCounts:
        """Return the number of violations by severity, perhaps in one workspace or status."""
        arguments: dict[str, Any] = {
            "workspace_id": valid.optional_text(workspace_id, "workspace_id"),
            "status": valid.optional(status, "status", _status),
            "severity": valid.optional(severity, "severity", _severity),
        }
        async with self._database.read() as connection:
            rows = self._queries.count_violations(connection, **arguments)
            counted = {row["severity"]: row["total"] async for row in rows}
        return {
            "critical": counted.get("critical", 0),
            "high": counted.get("high", 0),
            "medium": counted.get("medium", 0),
            "low": counted.get("low", 0),
            "total": sum(counted.values()),
        }

    async def _log(
        self,
        connection: Connection,
        action: Action,
        changed_by: str | None,
        before: CompliancePolicy | None,
        after: CompliancePolicy | None,
    ) -> None:
        policy = after or before
        assert policy is not None  # noqa: S101 - a change has one of them
        await self._queries.insert_change(
            connection,
            id=prefixed_id("audit_", 32),
            policy_id=policy.id,
            action=action,
            changed_by=changed_by,
            old_value=None if before is None else before.to_dict(),
            new_value=None if after is None else after.to_dict(),
        )


def _status(value: Any, argument: str) -> Status:
    return valid.choice(value, argument, STATUSES)


def _severity(value: Any, argument: str) -> Severity:
    return valid.choice(value, argument, SEVERITIES)
