-- How the older Aragora's definitions of workflows map onto today's tables. A version was kept each
-- time that its workflow was saved; of those of one name the newest stays. Whose a version is says its
-- definition. See docs/migration.md ("How a mapping is written").

-- name: workflows(first_rowid, last_rowid)
-- Workflows. An unknown category becomes general, and stays in the definition.
-- from: workflows (id, tenant_id, name, definition, created_at, updated_at)
-- optional: description, category, version, tags, is_template, is_enabled, created_by
-- into: workflows
-- key: tenant_id, id
-- merge: newest updated_at
-- utc: created_at, updated_at
-- values: tenant_id = nonblank tenant_id, 'default'; description = description, ''
-- values: category = category, 'general'; version = nonblank version, '1.0.0'; tags = tags, []
-- values: is_template = is_template, 0; is_enabled = is_enabled, 1
-- values: created_by = nonblank created_by; search_terms = computed
SELECT
    rowid AS source_rowid,
    coalesce(nullif(tenant_id, ''), 'default') AS tenant_id,
    id,
    name,
    coalesce(description, '') AS description,
    CASE
        WHEN
            category IN (
                'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
                'compliance', 'sme'
            )
            THEN category
        ELSE 'general'
    END AS category,
    CASE
        WHEN
            category NOT IN (
                'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
                'compliance', 'sme'
            )
            THEN 'unknown category ' || quote(category) || ' taken as general'
    END AS note_category,
    coalesce(nullif(version, ''), '1.0.0') AS version,
    definition,
    coalesce(nullif(tags, ''), '[]') AS tags,
    coalesce(is_template, 0) AS is_template,
    coalesce(is_enabled, 1) AS is_enabled,
    nullif(created_by, '') AS created_by,
    topic_terms(cast(name || char(10) || coalesce(description, '') AS BLOB)) AS search_terms,
    created_at,
    updated_at
FROM workflows
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: versions(first_rowid, last_rowid)
-- Versions. Their numbers meant nothing outside their file.
-- from: workflow_versions (workflow_id, version, definition, created_at)
-- optional: created_by
-- ignored: id
-- into: workflow_versions
-- key: tenant_id, workflow_id, version
-- repeats: a version was kept at each save of its workflow
-- merge: newest created_at
-- utc: created_at
-- values: tenant_id = nonblank definition.tenant_id, 'default'; created_by = nonblank created_by
SELECT
    rowid AS source_rowid,
    -- First, as it says best what is wrong with a document that can't be read.
    definition,
    coalesce(
        nullif(
            CASE
                WHEN json_valid(definition) AND is_sound(cast(definition AS BLOB))
                    THEN definition ->> '$.tenant_id'
            END,
            ''
        ),
        'default'
    ) AS tenant_id,
    workflow_id,
    version,
    nullif(created_by, '') AS created_by,
    created_at
FROM workflow_versions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: templates(first_rowid, last_rowid)
-- The gallery.
-- from: workflow_templates (id, name, definition, created_at, updated_at)
-- optional: description, category, tags, usage_count
-- into: workflow_templates
-- key: id
-- merge: newest updated_at
-- utc: created_at, updated_at
-- values: description = description, ''; category = category, 'general'; tags = tags, []
-- values: usage_count = usage_count, 0
SELECT
    rowid AS source_rowid,
    id,
    name,
    coalesce(description, '') AS description,
    CASE
        WHEN
            category IN (
                'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
                'compliance', 'sme'
            )
            THEN category
        ELSE 'general'
    END AS category,
    CASE
        WHEN
            category NOT IN (
                'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
                'compliance', 'sme'
            )
            THEN 'unknown category ' || quote(category) || ' taken as general'
    END AS note_category,
    definition,
    coalesce(nullif(tags, ''), '[]') AS tags,
    coalesce(usage_count, 0) AS usage_count,
    created_at,
    updated_at
FROM workflow_templates
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: executions(first_rowid, last_rowid)
-- Executions, also of workflows that no table keeps.
-- from: workflow_executions (id, tenant_id, workflow_id, status)
-- optional: inputs, outputs, steps, error, started_at, completed_at, duration_ms
-- into: workflow_executions
-- key: tenant_id, id
-- merge: newest listed_at
-- merge: keep completed_at, status, outputs, steps, error, duration_ms by started_at
-- utc: started_at, completed_at, listed_at
-- values: tenant_id = nonblank tenant_id, 'default'; workflow_id = nonblank workflow_id
-- values: status = nonblank status, 'pending'; inputs = inputs, {}; outputs = outputs, {}
-- values: steps = steps, []; started_at = nonblank started_at
-- values: completed_at = nonblank completed_at; listed_at = computed
SELECT
    rowid AS source_rowid,
    coalesce(nullif(tenant_id, ''), 'default') AS tenant_id,
    id,
    nullif(workflow_id, '') AS workflow_id,
    coalesce(nullif(status, ''), 'pending') AS status,
    coalesce(nullif(inputs, ''), '{}') AS inputs,
    coalesce(nullif(outputs, ''), '{}') AS outputs,
    coalesce(nullif(steps, ''), '[]') AS steps,
    error,
    nullif(started_at, '') AS started_at,
    nullif(completed_at, '') AS completed_at,
    duration_ms,
    coalesce(
        nullif(started_at, ''), nullif(completed_at, ''), '1970-01-01T00:00:00+00:00'
    ) AS listed_at
FROM workflow_executions
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
