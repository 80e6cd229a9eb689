-- Definitions of workflows with their versions, a gallery of templates, executions.

CREATE TABLE IF NOT EXISTS workflows (
    tenant_id TEXT NOT NULL DEFAULT 'default',
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT 'general',
    version TEXT NOT NULL DEFAULT '1.0.0',
    definition TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    is_template INTEGER NOT NULL DEFAULT 0,
    is_enabled INTEGER NOT NULL DEFAULT 1,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    revision INTEGER NOT NULL DEFAULT 1,
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT workflows_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflows_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT workflows_id_check CHECK (id <> ''),
    CONSTRAINT workflows_category_check
    CHECK (category IN (
        'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
        'compliance', 'sme'
    )),
    CONSTRAINT workflows_version_check CHECK (version <> ''),
    CONSTRAINT workflows_definition_check
    CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    CONSTRAINT workflows_tags_check CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    CONSTRAINT workflows_is_template_check CHECK (is_template IN (0, 1)),
    CONSTRAINT workflows_is_enabled_check CHECK (is_enabled IN (0, 1)),
    CONSTRAINT workflows_created_by_check CHECK (created_by <> ''),
    CONSTRAINT workflows_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT workflows_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT workflows_revision_check CHECK (revision >= 1)
) STRICT;

CREATE INDEX IF NOT EXISTS idx_workflows_tenant ON workflows (tenant_id, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS workflow_versions (
    tenant_id TEXT NOT NULL DEFAULT 'default',
    workflow_id TEXT NOT NULL,
    version TEXT NOT NULL,
    definition TEXT NOT NULL,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT workflow_versions_pkey PRIMARY KEY (tenant_id, workflow_id, version),
    CONSTRAINT workflow_versions_workflow_fkey
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT workflow_versions_version_check CHECK (version <> ''),
    CONSTRAINT workflow_versions_definition_check
    CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    CONSTRAINT workflow_versions_created_by_check CHECK (created_by <> ''),
    CONSTRAINT workflow_versions_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_workflow_versions_created
ON workflow_versions (tenant_id, workflow_id, created_at DESC, version DESC);

-- A version stays as it is, but that it may lose who made it, and goes with its workflow alone.
CREATE TRIGGER IF NOT EXISTS workflow_versions_unchanged
BEFORE UPDATE ON workflow_versions
WHEN
    new.tenant_id <> old.tenant_id
    OR new.workflow_id <> old.workflow_id
    OR new.version <> old.version
    OR new.definition <> old.definition
    OR new.created_by IS NOT NULL
    OR new.created_at <> old.created_at
BEGIN
    SELECT raise(ABORT, 'UPDATE of workflow_versions is refused: versions are immutable');
END;

CREATE TRIGGER IF NOT EXISTS workflow_versions_kept
BEFORE DELETE ON workflow_versions
WHEN
    EXISTS (
        SELECT 1
        FROM workflows AS w
        WHERE
            w.tenant_id = old.tenant_id
            AND w.id = old.workflow_id
    )
BEGIN
    SELECT raise(ABORT, 'DELETE of workflow_versions is refused: versions are immutable');
END;

CREATE TABLE IF NOT EXISTS workflow_templates (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT 'general',
    definition TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    usage_count INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT workflow_templates_pkey PRIMARY KEY (id),
    CONSTRAINT workflow_templates_id_check CHECK (id <> ''),
    CONSTRAINT workflow_templates_category_check
    CHECK (category IN (
        'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
        'compliance', 'sme'
    )),
    CONSTRAINT workflow_templates_definition_check
    CHECK (json_valid(definition) AND json_type(definition) = 'object'),
    CONSTRAINT workflow_templates_tags_check CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    CONSTRAINT workflow_templates_usage_count_check CHECK (usage_count >= 0),
    CONSTRAINT workflow_templates_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT workflow_templates_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_workflow_templates_usage
ON workflow_templates (usage_count DESC, updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_workflow_templates_category
ON workflow_templates (category, usage_count DESC, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS workflow_executions (
    tenant_id TEXT NOT NULL DEFAULT 'default',
    id TEXT NOT NULL,
    workflow_id TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    inputs TEXT NOT NULL DEFAULT '{}',
    outputs TEXT NOT NULL DEFAULT '{}',
    steps TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    started_at TEXT,
    completed_at TEXT,
    duration_ms REAL,
    listed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT workflow_executions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflow_executions_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT workflow_executions_id_check CHECK (id <> ''),
    CONSTRAINT workflow_executions_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'terminated')),
    CONSTRAINT workflow_executions_inputs_check
    CHECK (json_valid(inputs) AND json_type(inputs) = 'object'),
    CONSTRAINT workflow_executions_outputs_check
    CHECK (json_valid(outputs) AND json_type(outputs) = 'object'),
    CONSTRAINT workflow_executions_steps_check
    CHECK (json_valid(steps) AND json_type(steps) = 'array'),
    CONSTRAINT workflow_executions_started_at_check
    CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT workflow_executions_completed_at_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT workflow_executions_duration_ms_check CHECK (duration_ms BETWEEN 0 AND 1e300),
    CONSTRAINT workflow_executions_listed_at_check
    CHECK (listed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_workflow_executions_tenant
ON workflow_executions (tenant_id, listed_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_workflow_executions_workflow
ON workflow_executions (tenant_id, workflow_id, listed_at DESC, id DESC)
WHERE workflow_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_workflow_executions_status
ON workflow_executions (tenant_id, status, listed_at DESC, id DESC);

INSERT INTO _schema_versions (module, version) VALUES ('workflow_definitions', 1)
ON CONFLICT (module) DO NOTHING;
