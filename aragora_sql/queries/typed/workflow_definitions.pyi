"""The types of the queries of the store workflow_definitions.

Made by ``aragora-sql stubs`` from
``sql/postgres/workflow_definitions/queries.sql`` and
``sql/sqlite/workflow_definitions/queries.sql``.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict

from aragora_sql.database import Connection

CategoryWord = Literal[
    "general",
    "legal",
    "healthcare",
    "finance",
    "accounting",
    "code",
    "academic",
    "compliance",
    "sme",
]

StatusWord = Literal[
    "pending",
    "running",
    "completed",
    "failed",
    "terminated",
]

class SaveWorkflowParameters(TypedDict):
    """One set of parameters of save_workflow."""

    tenant_id: str
    id: str
    name: str
    description: str
    category: CategoryWord
    version: str
    definition: Any
    tags: Any
    is_template: bool
    is_enabled: bool
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    search_terms: str

class WorkflowRow(TypedDict):
    """A row of get_workflow, list_workflows."""

    tenant_id: str
    id: str
    name: str
    description: str
    category: CategoryWord
    version: str
    definition: Any
    tags: Any
    is_template: bool
    is_enabled: bool
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    revision: int

class InsertVersionParameters(TypedDict):
    """One set of parameters of insert_version."""

    tenant_id: str
    workflow_id: str
    version: str
    definition: Any
    created_by: str | None
    created_at: datetime

class WorkflowVersionRow(TypedDict):
    """A row of get_version."""

    tenant_id: str
    workflow_id: str
    version: str
    definition: Any
    created_by: str | None
    created_at: datetime

class WorkflowVersionSummaryRow(TypedDict):
    """A row of list_versions."""

    version: str
    created_by: str | None
    created_at: datetime
    step_count: int
    is_current: bool

class SaveTemplateParameters(TypedDict):
    """One set of parameters of save_template."""

    id: str
    name: str
    description: str
    category: CategoryWord
    definition: Any
    tags: Any
    created_at: datetime
    updated_at: datetime

class WorkflowTemplateRow(TypedDict):
    """A row of get_template, list_templates, list_category_templates."""

    id: str
    name: str
    description: str
    category: CategoryWord
    definition: Any
    tags: Any
    usage_count: int
    created_at: datetime
    updated_at: datetime

class SaveExecutionParameters(TypedDict):
    """One set of parameters of save_execution."""

    tenant_id: str
    id: str
    workflow_id: str | None
    status: StatusWord | None
    inputs: Any
    outputs: Any
    steps: Any
    error: str | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float | None
    listed_at: datetime
    sets_error: bool

class WorkflowExecutionRow(TypedDict):
    """A row of get_execution, list_executions, list_workflow_executions, list_executions_in."""

    tenant_id: str
    id: str
    workflow_id: str | None
    status: StatusWord
    inputs: Any
    outputs: Any
    steps: Any
    error: str | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: float | None
    listed_at: datetime

class WorkflowDefinitionsQueries(Protocol):
    """The queries of the store workflow_definitions."""

    async def save_workflow(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        id: str,
        name: str,
        description: str,
        category: CategoryWord,
        version: str,
        definition: Any,
        tags: Any,
        is_template: bool,
        is_enabled: bool,
        created_by: str | None,
        created_at: datetime,
        updated_at: datetime,
        search_terms: str,
    ) -> int:
        """Store a workflow, or replace the one of its id, and return its revision. Who made it,
        and when, stays.

        Operation $: the first value of the first row, or None.
        """

    async def change_workflow(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        id: str,
        expected_revision: int,
        name: str,
        description: str,
        category: CategoryWord,
        version: str,
        definition: Any,
        tags: Any,
        is_template: bool,
        is_enabled: bool,
        updated_at: datetime,
        search_terms: str,
    ) -> int | None:
        """Replace the workflow of an id that has a revision, and return its next one; nothing when
        it has another

        one, or is gone. Who made it, and when, stays.

        Operation $: the first value of the first row, or None.
        """

    async def get_workflow(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        id: str,
    ) -> WorkflowRow | None:
        """Return a workflow.

        Operation ^: the first row, or None.
        """

    async def delete_workflow(self, connection: Connection, /, *, tenant_id: str, id: str) -> int:
        """Delete a workflow with its versions.

        Operation !: the number of rows changed.
        """

    def list_workflows(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        category: CategoryWord | None,
        tags: Sequence[str] | None,
        terms: Sequence[str],
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowRow]:
        """List the workflows of a tenant that have one of some tags, and all of some search terms,
        the last

        changed first, from a place on.

        Operation (none): every row.
        """

    async def count_workflows(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        category: CategoryWord | None,
        tags: Sequence[str] | None,
        terms: Sequence[str],
    ) -> int:
        """Count the workflows of a tenant that have one of some tags, and all of some search
        terms.

        Operation $: the first value of the first row, or None.
        """

    async def insert_version(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        workflow_id: str,
        version: str,
        definition: Any,
        created_by: str | None,
        created_at: datetime,
    ) -> int:
        """Keep a version, unless there is one of this name.

        Operation !: the number of rows changed.
        """

    async def get_version(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        workflow_id: str,
        version: str,
    ) -> WorkflowVersionRow | None:
        """Return a version.

        Operation ^: the first row, or None.
        """

    def list_versions(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        workflow_id: str,
        after_timestamp: datetime,
        after_version: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowVersionSummaryRow]:
        """List the versions of a workflow, newest first, from a place on.

        Operation (none): every row.
        """

    async def save_template(
        self,
        connection: Connection,
        /,
        *,
        id: str,
        name: str,
        description: str,
        category: CategoryWord,
        definition: Any,
        tags: Any,
        created_at: datetime,
        updated_at: datetime,
    ) -> int:
        """Store a template, or replace the one of its id. How often it was used, and when it was
        made, stays.

        Operation !: the number of rows changed.
        """

    async def get_template(
        self,
        connection: Connection,
        /,
        *,
        id: str,
    ) -> WorkflowTemplateRow | None:
        """Return a template.

        Operation ^: the first row, or None.
        """

    async def add_template_usage(self, connection: Connection, /, *, id: str) -> int | None:
        """Count a use of a template, and return how many there are.

        Operation $: the first value of the first row, or None.
        """

    def list_templates(
        self,
        connection: Connection,
        /,
        *,
        tags: Sequence[str] | None,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowTemplateRow]:
        """List the templates that have one of some tags, the most used first, of these the last
        changed,

        from a place on.

        Operation (none): every row.
        """

    def list_category_templates(
        self,
        connection: Connection,
        /,
        *,
        category: CategoryWord,
        tags: Sequence[str] | None,
        after_count: int,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowTemplateRow]:
        """List the templates of a category that have one of some tags, the most used first, of
        these the last changed,

        from a place on.

        Operation (none): every row.
        """

    async def save_execution(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        id: str,
        workflow_id: str | None,
        status: StatusWord | None,
        inputs: Any,
        outputs: Any,
        steps: Any,
        error: str | None,
        started_at: datetime | None,
        completed_at: datetime | None,
        duration_ms: float | None,
        listed_at: datetime,
        sets_error: bool,
    ) -> int:
        """Store an execution, or how one goes on that has not ended: what is NULL stays, and an
        error unless it

        is set. What it is of, its inputs and its beginning stay.

        Operation !: the number of rows changed.
        """

    async def get_execution(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        id: str,
    ) -> WorkflowExecutionRow | None:
        """Return an execution.

        Operation ^: the first row, or None.
        """

    def list_executions(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowExecutionRow]:
        """List the executions of a tenant, the last begun first, from a place on.

        Operation (none): every row.
        """

    def list_workflow_executions(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        workflow_id: str,
        status: StatusWord | None,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowExecutionRow]:
        """List the executions of a workflow, in one status or in any, the last begun first, from a
        place on.

        Operation (none): every row.
        """

    def list_executions_in(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        status: StatusWord,
        after_timestamp: datetime,
        after_id: str,
        row_limit: int,
    ) -> AsyncIterator[WorkflowExecutionRow]:
        """List the executions of a tenant in a status, the last begun first, from a place on.

        Operation (none): every row.
        """

    async def count_executions(
        self,
        connection: Connection,
        /,
        *,
        tenant_id: str,
        workflow_id: str | None,
        status: StatusWord | None,
    ) -> int:
        """Count the executions of a tenant, of one workflow or of all, in one status or in any.

        Operation $: the first value of the first row, or None.
        """
