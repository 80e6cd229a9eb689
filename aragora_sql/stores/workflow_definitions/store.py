"""Definitions of workflows: what is current, versions that never change, templates, executions.

Its queries: ``sql/postgres/workflow_definitions/queries.sql`` and
``sql/sqlite/workflow_definitions/queries.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aragora_sql.database.values import load_json, utc_now
from aragora_sql.errors import (
    AlreadyTakenError,
    MissingParentError,
    TemplateNotFoundError,
    VersionConflictError,
    WorkflowNotFoundError,
)
from aragora_sql.stores import validation as valid
from aragora_sql.stores.base import Store
from aragora_sql.stores.checksums import sorted_json
from aragora_sql.stores.paging import LAST_TIMESTAMP, LastRow, key_of, newest_page
from aragora_sql.stores.records import record_of
from aragora_sql.stores.search import MOST_SEARCH_TERMS
from aragora_sql.stores.terms import search_terms
from aragora_sql.stores.versions import checked_version
from aragora_sql.stores.workflow_definitions.records import (
    DEFAULT_TENANT,
    EXECUTION_STATUSES,
    WORKFLOW_CATEGORIES,
    ExecutionStatus,
    Workflow,
    WorkflowCategory,
    WorkflowExecution,
    WorkflowTemplate,
    WorkflowVersion,
    WorkflowVersionSummary,
    execution_parameters,
    template_parameters,
    version_parameters,
    workflow_parameters,
)

if TYPE_CHECKING:
    from aragora_sql.queries.typed.workflow_definitions import WorkflowDefinitionsQueries

__all__ = ["WorkflowStore"]

MOST_USED = 2**31
# What a change of a stored workflow leaves as it is.
_MADE = ("created_by", "created_at")


class WorkflowStore(Store):
    """Keeps definitions of workflows with their versions, templates of them, and executions.

    Workflows, versions and executions belong to a tenant, and a method sees those of one tenant
    only: ``tenant_id``, or that of the document, or ``default``. The gallery of templates is the
    same for all.

    Lists return pages: ``limit=``, and ``after=`` the last record of the page before. Bad arguments
    are :class:`~aragora_sql.errors.InvalidInputError`, which names the argument.
    """

    name = "workflow_definitions"
    _queries: WorkflowDefinitionsQueries

    # Workflows

    async def save_workflow(
        self,
        workflow: Mapping[str, Any],
        tenant_id: str | None = None,
        *,
        expected_revision: int | None = None,
    ) -> int:
        """Store a workflow, or replace the one of its ``id``; return its revision then.

        The document needs ``id`` and ``name``. ``description``, ``category``, ``version``
        (``1.0.0``), ``tags``, ``is_template``, ``is_enabled``, ``created_by`` and ``created_at``
        have columns; all of it is kept. Who made a stored one, and when, stays.

        Who changes what they read gives its ``expected_revision``: when it has changed since, it is
        :class:`~aragora_sql.errors.VersionConflictError`, and nothing is written.
        """
        row = workflow_parameters(workflow, tenant_id, utc_now())
        expected = checked_version(expected_revision, "expected_revision")
        async with self._database.connection() as connection:
            if expected is None:
                return await self._queries.save_workflow(connection, **row)
            # Not an insert: it would bring one back that somebody deletes meanwhile.
            changes: Any = {name: value for name, value in row.items() if name not in _MADE}
            revision = await self._queries.change_workflow(
                connection, expected_revision=expected, **changes
            )
            if revision is not None:
                return revision
            found = await self._queries.get_workflow(
                connection, tenant_id=row["tenant_id"], id=row["id"]
            )
        raise VersionConflictError(
            f"workflow {row['id']!r}", expected, None if found is None else found["revision"]
        )

    async def get_workflow(
        self, workflow_id: str, tenant_id: str = DEFAULT_TENANT
    ) -> Workflow | None:
        """Return a workflow as it is now, or None."""
        key = valid.text(workflow_id, "workflow_id")
        tenant = valid.text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            row = await self._queries.get_workflow(connection, tenant_id=tenant, id=key)
        return None if row is None else record_of(Workflow, **row)

    async def delete_workflow(self, workflow_id: str, tenant_id: str = DEFAULT_TENANT) -> bool:
        """Delete a workflow with its versions; False when there is none. Executions stay."""
        key = valid.text(workflow_id, "workflow_id")
        tenant = valid.text(tenant_id, "tenant_id")
        async with self._database.connection() as connection:
            return bool(await self._queries.delete_workflow(connection, tenant_id=tenant, id=key))

    async def list_workflows(
        self,
        tenant_id: str = DEFAULT_TENANT,
        category: WorkflowCategory | None = None,
        tags: Iterable[str] | None = None,
        search: str | None = None,
        limit: int = 50,
        *,
        after: LastRow | None = None,
    ) -> tuple[list[Workflow], int]:
        """Return a page of a tenant's workflows, the last saved first, and how many there are.

        Of one category; those with one of ``tags``; those in whose name or description each word of
        ``search`` is, without regard to case and accents (its first 16 words count).
        """
        tenant = valid.text(tenant_id, "tenant_id")
        field = _category(category)
        wanted = valid.names(tags, "tags") or None
        terms = [] if search is None else search_terms(valid.text(search, "search"))
        page = newest_page(limit, after, order="updated_at")
        if search is not None and not terms:
            return [], 0
        chosen: Any = {
            "tenant_id": tenant,
            "category": field,
            "tags": wanted,
            "terms": terms[:MOST_SEARCH_TERMS],
        }
        async with self._database.read() as connection:
            rows = self._queries.list_workflows(connection, **page, **chosen)
            workflows = [record_of(Workflow, **row) async for row in rows]
            return workflows, await self._queries.count_workflows(connection, **chosen)

    # Versions

    async def save_version(self, workflow: Mapping[str, Any], tenant_id: str | None = None) -> bool:
        """Keep a definition as the version that it names; False when it is kept already.

        A version never changes: the database itself refuses that, and another definition of its
        name is :class:`~aragora_sql.errors.AlreadyTakenError`. In one transaction with
        :meth:`save_workflow` both take effect together. Raises
        :class:`~aragora_sql.errors.WorkflowNotFoundError`.
        """
        row = version_parameters(workflow, tenant_id, utc_now())
        async with self._database.transaction() as connection:
            try:
                if await self._queries.insert_version(connection, **row):
                    return True
            except MissingParentError as error:
                raise WorkflowNotFoundError(row["workflow_id"]) from error
            stored = await self._queries.get_version(
                connection,
                tenant_id=row["tenant_id"],
                workflow_id=row["workflow_id"],
                version=row["version"],
            )
        # As JSON: for Python, true is 1, and 1 is 1.0.
        if stored is None or sorted_json(stored["definition"]) != sorted_json(
            load_json(row["definition"])
        ):
            raise AlreadyTakenError(
                "workflow.version",
                f"version {row['version']!r} is kept already, with another definition",
            )
        return False

    async def get_versions(
        self,
        workflow_id: str,
        tenant_id: str = DEFAULT_TENANT,
        limit: int = 20,
        *,
        after: LastRow | None = None,
    ) -> list[WorkflowVersionSummary]:
        """Return a page of the versions of a workflow, newest first, without their definitions."""
        key = valid.text(workflow_id, "workflow_id")
        tenant = valid.text(tenant_id, "tenant_id")
        row_limit = valid.limit(limit)
        timestamp, last = key_of(
            after,
            {"created_at": valid.timestamp_or_text, "version": valid.text},
            (LAST_TIMESTAMP, ""),
        )
        async with self._database.read() as connection:
            rows = self._queries.list_versions(
                connection,
                tenant_id=tenant,
                workflow_id=key,
                after_timestamp=timestamp,
                after_version=last,
                row_limit=row_limit,
            )
            return [record_of(WorkflowVersionSummary, **row) async for row in rows]

    async def get_version(
        self, workflow_id: str, version: str, tenant_id: str = DEFAULT_TENANT
    ) -> WorkflowVersion | None:
        """Return a version of a workflow, or None."""
        key = valid.text(workflow_id, "workflow_id")
        name = valid.text(version, "version")
        tenant = valid.text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            row = await self._queries.get_version(
                connection, tenant_id=tenant, workflow_id=key, version=name
            )
        return None if row is None else record_of(WorkflowVersion, **row)

    # Templates

    async def save_template(self, template: Mapping[str, Any]) -> None:
        """Store a template, or replace the one of its ``id``.

        The document is as that of :meth:`save_workflow`. How often a stored one was used, and when
        it was made, stays.
        """
        row = template_parameters(template, utc_now())
        async with self._database.connection() as connection:
            await self._queries.save_template(connection, **row)

    async def get_template(self, template_id: str) -> WorkflowTemplate | None:
        """Return a template, or None."""
        key = valid.text(template_id, "template_id")
        async with self._database.read() as connection:
            row = await self._queries.get_template(connection, id=key)
        return None if row is None else record_of(WorkflowTemplate, **row)

    async def list_templates(
        self,
        category: WorkflowCategory | None = None,
        tags: Iterable[str] | None = None,
        limit: int = 50,
        *,
        after: LastRow | None = None,
    ) -> list[WorkflowTemplate]:
        """Return a page of the templates, the most used first, then the last saved.

        Of one category or of all; those with one of ``tags``.
        """
        field = _category(category)
        wanted = valid.names(tags, "tags") or None
        row_limit = valid.limit(limit)
        count, timestamp, last = key_of(
            after,
            {
                "usage_count": valid.integer,
                "updated_at": valid.timestamp_or_text,
                "id": valid.text,
            },
            (MOST_USED, LAST_TIMESTAMP, ""),
        )
        page: Any = {
            "tags": wanted,
            "after_count": count,
            "after_timestamp": timestamp,
            "after_id": last,
            "row_limit": row_limit,
        }
        async with self._database.read() as connection:
            if field is None:
                rows = self._queries.list_templates(connection, **page)
            else:
                rows = self._queries.list_category_templates(connection, category=field, **page)
            return [record_of(WorkflowTemplate, **row) async for row in rows]

    async def increment_template_usage(self, template_id: str) -> int:
        """Count a use of a template, and return how many there are.

        Raises :class:`~aragora_sql.errors.TemplateNotFoundError`.
        """
        key = valid.text(template_id, "template_id")
        async with self._database.connection() as connection:
            count = await self._queries.add_template_usage(connection, id=key)
        if count is None:
            raise TemplateNotFoundError(key)
        return count

    # Executions

    async def save_execution(
        self, execution: Mapping[str, Any], tenant_id: str | None = None
    ) -> bool:
        """Store an execution, or how one goes on; False when it has ended, and stays so.

        The document needs ``id``, and may have ``workflow_id``, ``status``, ``inputs``,
        ``outputs``, ``steps``, ``error``, ``started_at``, ``completed_at`` and ``duration_ms``
        (milliseconds). Of a stored one a ``workflow_id``, ``inputs`` and a ``started_at`` stay, and
        whatever else is not given; an ``error`` that is None is none any more. A new one is
        ``pending`` without a ``status``.
        """
        row = execution_parameters(execution, tenant_id, utc_now())
        async with self._database.connection() as connection:
            return bool(await self._queries.save_execution(connection, **row))

    async def get_execution(
        self, execution_id: str, tenant_id: str = DEFAULT_TENANT
    ) -> WorkflowExecution | None:
        """Return an execution, or None."""
        key = valid.text(execution_id, "execution_id")
        tenant = valid.text(tenant_id, "tenant_id")
        async with self._database.read() as connection:
            row = await self._queries.get_execution(connection, tenant_id=tenant, id=key)
        return None if row is None else record_of(WorkflowExecution, **row)

    async def list_executions(
        self,
        workflow_id: str | None = None,
        tenant_id: str = DEFAULT_TENANT,
        status: ExecutionStatus | None = None,
        limit: int = 50,
        *,
        after: LastRow | None = None,
    ) -> tuple[list[WorkflowExecution], int]:
        """Return a page of a tenant's executions, the last begun first, and how many there are.

        Of one workflow or of all, in one status or in any.
        """
        workflow = valid.optional_text(workflow_id, "workflow_id")
        tenant = valid.text(tenant_id, "tenant_id")
        word = valid.optional(status, "status", lambda v, a: valid.choice(v, a, EXECUTION_STATUSES))
        page: Any = {"tenant_id": tenant, **newest_page(limit, after, order="listed_at")}
        async with self._database.read() as connection:
            if workflow is not None:
                rows = self._queries.list_workflow_executions(
                    connection, workflow_id=workflow, status=word, **page
                )
            elif word is not None:
                rows = self._queries.list_executions_in(connection, status=word, **page)
            else:
                rows = self._queries.list_executions(connection, **page)
            executions = [record_of(WorkflowExecution, **row) async for row in rows]
            total = await self._queries.count_executions(
                connection, tenant_id=tenant, workflow_id=workflow, status=word
            )
            return executions, total


def _category(value: Any) -> WorkflowCategory | None:
    return valid.optional(value, "category", lambda v, a: valid.choice(v, a, WORKFLOW_CATEGORIES))
