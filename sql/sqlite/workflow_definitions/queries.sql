-- Queries of the store of definitions of workflows.

-- name: save_workflow(tenant_id, id, name, description, category, version, definition, tags, is_template, is_enabled, created_by, created_at, updated_at, search_terms)$
-- Store a workflow, or replace the one of its id, and return its revision. Who made it, and when, stays.
INSERT INTO workflows (
    tenant_id,
    id,
    name,
    description,
    category,
    version,
    definition,
    tags,
    is_template,
    is_enabled,
    created_by,
    created_at,
    updated_at,
    search_terms
)
VALUES (
    :tenant_id,
    :id,
    :name,
    :description,
    :category,
    :version,
    :definition,
    :tags,
    :is_template,
    :is_enabled,
    :created_by,
    :created_at,
    :updated_at,
    :search_terms
)
ON CONFLICT (tenant_id, id) DO UPDATE SET
    name = excluded.name,
    description = excluded.description,
    category = excluded.category,
    version = excluded.version,
    definition = excluded.definition,
    tags = excluded.tags,
    is_template = excluded.is_template,
    is_enabled = excluded.is_enabled,
    updated_at = excluded.updated_at,
    revision = workflows.revision + 1,
    search_terms = excluded.search_terms
RETURNING revision;

-- name: change_workflow(tenant_id, id, expected_revision, name, description, category, version, definition, tags, is_template, is_enabled, updated_at, search_terms)$
-- Replace the workflow of an id that has a revision, and return its next one; nothing when it has another
-- one, or is gone. Who made it, and when, stays.
UPDATE workflows
SET
    name = :name,
    description = :description,
    category = :category,
    version = :version,
    definition = :definition,
    tags = :tags,
    is_template = :is_template,
    is_enabled = :is_enabled,
    updated_at = :updated_at,
    revision = revision + 1,
    search_terms = :search_terms
WHERE
    tenant_id = :tenant_id
    AND id = :id
    AND revision = :expected_revision
RETURNING revision;

-- name: get_workflow(tenant_id, id)^
-- Return a workflow.
SELECT
    -- columns: Workflow
    w.tenant_id,
    w.id,
    w.name,
    w.description,
    w.category,
    w.version,
    w.definition,
    w.tags,
    w.is_template,
    w.is_enabled,
    w.created_by,
    w.created_at,
    w.updated_at,
    w.revision
FROM workflows AS w
WHERE
    w.tenant_id = :tenant_id
    AND w.id = :id;

-- name: delete_workflow(tenant_id, id)!
-- Delete a workflow with its versions.
DELETE FROM workflows
WHERE
    tenant_id = :tenant_id
    AND id = :id;

-- name: list_workflows(tenant_id, category, tags, terms, after_timestamp, after_id, row_limit)
-- List the workflows of a tenant that have one of some tags, and all of some search terms, the last
-- changed first, from a place on.
-- meaning: values of tags [null, ["a"], ["b", "c"], ["d"]] because the store writes words
-- meaning: values of terms [[], ["alpha"], ["alpha", "beta"], ["delta"]] because the store writes words
SELECT
    -- columns: Workflow
    w.tenant_id,
    w.id,
    w.name,
    w.description,
    w.category,
    w.version,
    w.definition,
    w.tags,
    w.is_template,
    w.is_enabled,
    w.created_by,
    w.created_at,
    w.updated_at,
    w.revision
FROM workflows AS w
WHERE
    w.tenant_id = :tenant_id
    AND (:category IS NULL OR w.category = :category)
    AND (
        :tags IS NULL
        OR EXISTS (
            SELECT 1
            FROM json_each(w.tags) AS g
            WHERE g.value IN (SELECT j.value FROM json_each(:tags) AS j)
        )
    )
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:terms) AS q
        WHERE instr(' ' || w.search_terms || ' ', ' ' || q.value || ' ') = 0
    )
    AND (w.updated_at, w.id) < (:after_timestamp, :after_id)
ORDER BY w.updated_at DESC, w.id DESC
LIMIT :row_limit;

-- name: count_workflows(tenant_id, category, tags, terms)$
-- Count the workflows of a tenant that have one of some tags, and all of some search terms.
-- meaning: values of tags [null, ["a"], ["b", "c"], ["d"]] because the store writes words
-- meaning: values of terms [[], ["alpha"], ["alpha", "beta"], ["delta"]] because the store writes words
SELECT count(*) AS total
FROM workflows AS w
WHERE
    w.tenant_id = :tenant_id
    AND (:category IS NULL OR w.category = :category)
    AND (
        :tags IS NULL
        OR EXISTS (
            SELECT 1
            FROM json_each(w.tags) AS g
            WHERE g.value IN (SELECT j.value FROM json_each(:tags) AS j)
        )
    )
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:terms) AS q
        WHERE instr(' ' || w.search_terms || ' ', ' ' || q.value || ' ') = 0
    );

-- name: insert_version(tenant_id, workflow_id, version, definition, created_by, created_at)!
-- Keep a version, unless there is one of this name.
INSERT INTO workflow_versions (
    tenant_id,
    workflow_id,
    version,
    definition,
    created_by,
    created_at
)
VALUES (
    :tenant_id,
    :workflow_id,
    :version,
    :definition,
    :created_by,
    :created_at
)
ON CONFLICT (tenant_id, workflow_id, version) DO NOTHING;

-- name: get_version(tenant_id, workflow_id, version)^
-- Return a version.
SELECT
    -- columns: WorkflowVersion
    v.tenant_id,
    v.workflow_id,
    v.version,
    v.definition,
    v.created_by,
    v.created_at
FROM workflow_versions AS v
WHERE
    v.tenant_id = :tenant_id
    AND v.workflow_id = :workflow_id
    AND v.version = :version;

-- name: list_versions(tenant_id, workflow_id, after_timestamp, after_version, row_limit)
-- List the versions of a workflow, newest first, from a place on.
-- result: step_count not null, is_current boolean not null
SELECT
    -- columns: WorkflowVersionSummary
    v.version,
    v.created_by,
    v.created_at,
    CASE
        WHEN json_type(v.definition, '$.steps') = 'array'
            THEN json_array_length(v.definition, '$.steps')
        ELSE 0
    END AS step_count,
    v.version = w.version AS is_current
FROM workflow_versions AS v
INNER JOIN workflows AS w ON v.tenant_id = w.tenant_id AND v.workflow_id = w.id
WHERE
    v.tenant_id = :tenant_id
    AND v.workflow_id = :workflow_id
    AND (v.created_at, v.version) < (:after_timestamp, :after_version)
ORDER BY v.created_at DESC, v.version DESC
LIMIT :row_limit;

-- name: save_template(id, name, description, category, definition, tags, created_at, updated_at)!
-- Store a template, or replace the one of its id. How often it was used, and when it was made, stays.
INSERT INTO workflow_templates (
    id,
    name,
    description,
    category,
    definition,
    tags,
    created_at,
    updated_at
)
VALUES (
    :id,
    :name,
    :description,
    :category,
    :definition,
    :tags,
    :created_at,
    :updated_at
)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    description = excluded.description,
    category = excluded.category,
    definition = excluded.definition,
    tags = excluded.tags,
    updated_at = excluded.updated_at;

-- name: get_template(id)^
-- Return a template.
SELECT
    -- columns: WorkflowTemplate
    t.id,
    t.name,
    t.description,
    t.category,
    t.definition,
    t.tags,
    t.usage_count,
    t.created_at,
    t.updated_at
FROM workflow_templates AS t
WHERE t.id = :id;

-- name: add_template_usage(id)$
-- Count a use of a template, and return how many there are.
UPDATE workflow_templates
SET usage_count = usage_count + 1
WHERE id = :id
RETURNING usage_count;

-- name: list_templates(tags, after_count, after_timestamp, after_id, row_limit)
-- List the templates that have one of some tags, the most used first, of these the last changed,
-- from a place on.
-- meaning: values of tags [null, ["a"], ["b", "c"], ["d"]] because the store writes words
-- plan: filtered_walk allowed because a gallery has some hundred templates
SELECT
    -- columns: WorkflowTemplate
    t.id,
    t.name,
    t.description,
    t.category,
    t.definition,
    t.tags,
    t.usage_count,
    t.created_at,
    t.updated_at
FROM workflow_templates AS t
WHERE
    (
        :tags IS NULL
        OR EXISTS (
            SELECT 1
            FROM json_each(t.tags) AS g
            WHERE g.value IN (SELECT j.value FROM json_each(:tags) AS j)
        )
    )
    AND (t.usage_count, t.updated_at, t.id)
    < (:after_count, :after_timestamp, :after_id)
ORDER BY t.usage_count DESC, t.updated_at DESC, t.id DESC
LIMIT :row_limit;

-- name: list_category_templates(category, tags, after_count, after_timestamp, after_id, row_limit)
-- List the templates of a category that have one of some tags, the most used first, of these the last changed,
-- from a place on.
-- meaning: values of tags [null, ["a"], ["b", "c"], ["d"]] because the store writes words
SELECT
    -- columns: WorkflowTemplate
    t.id,
    t.name,
    t.description,
    t.category,
    t.definition,
    t.tags,
    t.usage_count,
    t.created_at,
    t.updated_at
FROM workflow_templates AS t
WHERE
    t.category = :category
    AND (
        :tags IS NULL
        OR EXISTS (
            SELECT 1
            FROM json_each(t.tags) AS g
            WHERE g.value IN (SELECT j.value FROM json_each(:tags) AS j)
        )
    )
    AND (t.usage_count, t.updated_at, t.id)
    < (:after_count, :after_timestamp, :after_id)
ORDER BY t.usage_count DESC, t.updated_at DESC, t.id DESC
LIMIT :row_limit;

-- name: save_execution(tenant_id, id, workflow_id, status, inputs, outputs, steps, error, started_at, completed_at, duration_ms, listed_at, sets_error)!
-- Store an execution, or how one goes on that has not ended: what is NULL stays, and an error unless it
-- is set. What it is of, its inputs and its beginning stay.
INSERT INTO workflow_executions (
    tenant_id,
    id,
    workflow_id,
    status,
    inputs,
    outputs,
    steps,
    error,
    started_at,
    completed_at,
    duration_ms,
    listed_at
)
VALUES (
    :tenant_id,
    :id,
    :workflow_id,
    coalesce(:status, 'pending'),
    :inputs,
    coalesce(:outputs, '{}'),
    coalesce(:steps, '[]'),
    :error,
    :started_at,
    :completed_at,
    :duration_ms,
    :listed_at
)
ON CONFLICT (tenant_id, id) DO UPDATE SET
    workflow_id = coalesce(workflow_executions.workflow_id, excluded.workflow_id),
    status = coalesce(:status, workflow_executions.status),
    outputs = coalesce(:outputs, workflow_executions.outputs),
    steps = coalesce(:steps, workflow_executions.steps),
    error = CASE
        WHEN :sets_error THEN excluded.error
        ELSE workflow_executions.error
    END,
    started_at = coalesce(workflow_executions.started_at, excluded.started_at),
    completed_at = coalesce(excluded.completed_at, workflow_executions.completed_at),
    duration_ms = coalesce(excluded.duration_ms, workflow_executions.duration_ms),
    listed_at = coalesce(
        workflow_executions.started_at, excluded.started_at, workflow_executions.listed_at
    )
WHERE workflow_executions.status IN ('pending', 'running');

-- name: get_execution(tenant_id, id)^
-- Return an execution.
SELECT
    -- columns: WorkflowExecution
    e.tenant_id,
    e.id,
    e.workflow_id,
    e.status,
    e.inputs,
    e.outputs,
    e.steps,
    e.error,
    e.started_at,
    e.completed_at,
    e.duration_ms,
    e.listed_at
FROM workflow_executions AS e
WHERE
    e.tenant_id = :tenant_id
    AND e.id = :id;

-- name: list_executions(tenant_id, after_timestamp, after_id, row_limit)
-- List the executions of a tenant, the last begun first, from a place on.
SELECT
    -- columns: WorkflowExecution
    e.tenant_id,
    e.id,
    e.workflow_id,
    e.status,
    e.inputs,
    e.outputs,
    e.steps,
    e.error,
    e.started_at,
    e.completed_at,
    e.duration_ms,
    e.listed_at
FROM workflow_executions AS e
WHERE
    e.tenant_id = :tenant_id
    AND (e.listed_at, e.id) < (:after_timestamp, :after_id)
ORDER BY e.listed_at DESC, e.id DESC
LIMIT :row_limit;

-- name: list_workflow_executions(tenant_id, workflow_id, status, after_timestamp, after_id, row_limit)
-- List the executions of a workflow, in one status or in any, the last begun first, from a place on.
SELECT
    -- columns: WorkflowExecution
    e.tenant_id,
    e.id,
    e.workflow_id,
    e.status,
    e.inputs,
    e.outputs,
    e.steps,
    e.error,
    e.started_at,
    e.completed_at,
    e.duration_ms,
    e.listed_at
FROM workflow_executions AS e
WHERE
    e.tenant_id = :tenant_id
    AND e.workflow_id = :workflow_id
    AND (:status IS NULL OR e.status = :status)
    AND (e.listed_at, e.id) < (:after_timestamp, :after_id)
ORDER BY e.listed_at DESC, e.id DESC
LIMIT :row_limit;

-- name: list_executions_in(tenant_id, status, after_timestamp, after_id, row_limit)
-- List the executions of a tenant in a status, the last begun first, from a place on.
SELECT
    -- columns: WorkflowExecution
    e.tenant_id,
    e.id,
    e.workflow_id,
    e.status,
    e.inputs,
    e.outputs,
    e.steps,
    e.error,
    e.started_at,
    e.completed_at,
    e.duration_ms,
    e.listed_at
FROM workflow_executions AS e
WHERE
    e.tenant_id = :tenant_id
    AND e.status = :status
    AND (e.listed_at, e.id) < (:after_timestamp, :after_id)
ORDER BY e.listed_at DESC, e.id DESC
LIMIT :row_limit;

-- name: count_executions(tenant_id, workflow_id, status)$
-- Count the executions of a tenant, of one workflow or of all, in one status or in any.
SELECT count(*) AS total
FROM workflow_executions AS e
WHERE
    e.tenant_id = :tenant_id
    AND (:workflow_id IS NULL OR e.workflow_id = :workflow_id)
    AND (:status IS NULL OR e.status = :status);
