-- Definitions of workflows with their versions, a gallery of templates, executions.

-- meaning: values of workflows.tenant_id ["default", "t1"] because few tenants have many workflows
-- meaning: values of workflows.id ["f1", "f2", "f3"] because versions belong to workflows
-- meaning: values of workflows.version ["1.0.0", "1.0.1"] because versions are named so
-- meaning: values of workflows.tags [[], ["a"], ["a", "b"], ["b", "c"]] because the store writes words
-- meaning: values of workflows.search_terms ["alpha beta", "beta", "alpha gamma", ""] because the store writes words
-- meaning: values of workflow_versions.tenant_id ["default", "t1"] because they are of workflows
-- meaning: values of workflow_versions.workflow_id ["f1", "f2"] because they are of workflows
-- meaning: values of workflow_versions.version ["1.0.0", "1.0.1"] because versions are named so
-- meaning: values of workflow_versions.definition [{}, {"steps": []}, {"steps": [1, 2]}, {"steps": {}}] because steps are counted
-- meaning: values of workflow_templates.tags [[], ["a"], ["a", "b"], ["b", "c"]] because the store writes words
-- meaning: values of workflow_executions.tenant_id ["default", "t1"] because few tenants have many executions
-- meaning: values of workflow_executions.workflow_id ["f1", "f2", null] because few workflows have many executions

CREATE TABLE IF NOT EXISTS workflows (
    tenant_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT 'general',
    version TEXT COLLATE "C" NOT NULL DEFAULT '1.0.0',
    definition JSONB NOT NULL,
    tags JSONB NOT NULL DEFAULT '[]'::jsonb,
    is_template BOOLEAN NOT NULL DEFAULT FALSE,
    is_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    created_by TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CONSTRAINT workflows_definition_check CHECK (jsonb_typeof(definition) = 'object'),
    CONSTRAINT workflows_tags_check CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT workflows_created_by_check CHECK (created_by <> ''),
    CONSTRAINT workflows_revision_check CHECK (revision >= 1)
);

CREATE INDEX IF NOT EXISTS idx_workflows_tenant ON workflows (tenant_id, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS workflow_versions (
    tenant_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    workflow_id TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    definition JSONB NOT NULL,
    created_by TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT workflow_versions_pkey PRIMARY KEY (tenant_id, workflow_id, version),
    CONSTRAINT workflow_versions_workflow_fkey
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT workflow_versions_version_check CHECK (version <> ''),
    CONSTRAINT workflow_versions_definition_check CHECK (jsonb_typeof(definition) = 'object'),
    CONSTRAINT workflow_versions_created_by_check CHECK (created_by <> '')
);

CREATE INDEX IF NOT EXISTS idx_workflow_versions_created
ON workflow_versions (tenant_id, workflow_id, created_at DESC, version DESC);

-- A version stays as it is, but that it may lose who made it, and goes with its workflow alone. What
-- is refused is refused as the breaking of a rule, as on SQLite.
CREATE OR REPLACE FUNCTION workflow_versions_refuse_change() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
DECLARE
    is_there BOOLEAN;
BEGIN
    IF tg_op = 'UPDATE'
    AND new.tenant_id = old.tenant_id
    AND new.workflow_id = old.workflow_id
    AND new.version = old.version
    AND new.definition::text = old.definition::text
    AND new.created_by IS NULL
    AND new.created_at = old.created_at
    THEN
        RETURN new;
    END IF;
    IF tg_op = 'DELETE' THEN
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %I.workflows AS w WHERE w.tenant_id = $1 AND w.id = $2)',
            tg_table_schema
        ) INTO is_there USING old.tenant_id, old.workflow_id;
        IF NOT is_there THEN
            RETURN old;
        END IF;
    END IF;
    RAISE EXCEPTION '% of % is refused: versions are immutable', tg_op, tg_table_name
    USING ERRCODE = 'restrict_violation';
END
$$;

DROP TRIGGER IF EXISTS workflow_versions_unchanged ON workflow_versions;
CREATE TRIGGER workflow_versions_unchanged
BEFORE UPDATE OR DELETE ON workflow_versions
FOR EACH ROW EXECUTE FUNCTION workflow_versions_refuse_change();
DROP TRIGGER IF EXISTS workflow_versions_kept ON workflow_versions;
CREATE TRIGGER workflow_versions_kept
BEFORE TRUNCATE ON workflow_versions
FOR EACH STATEMENT EXECUTE FUNCTION workflow_versions_refuse_change();

CREATE TABLE IF NOT EXISTS workflow_templates (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    category TEXT COLLATE "C" NOT NULL DEFAULT 'general',
    definition JSONB NOT NULL,
    tags JSONB NOT NULL DEFAULT '[]'::jsonb,
    usage_count INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT workflow_templates_pkey PRIMARY KEY (id),
    CONSTRAINT workflow_templates_id_check CHECK (id <> ''),
    CONSTRAINT workflow_templates_category_check
    CHECK (category IN (
        'general', 'legal', 'healthcare', 'finance', 'accounting', 'code', 'academic',
        'compliance', 'sme'
    )),
    CONSTRAINT workflow_templates_definition_check CHECK (jsonb_typeof(definition) = 'object'),
    CONSTRAINT workflow_templates_tags_check CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT workflow_templates_usage_count_check CHECK (usage_count >= 0)
);

CREATE INDEX IF NOT EXISTS idx_workflow_templates_usage
ON workflow_templates (usage_count DESC, updated_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_workflow_templates_category
ON workflow_templates (category, usage_count DESC, updated_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS workflow_executions (
    tenant_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    id TEXT COLLATE "C" NOT NULL,
    workflow_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL DEFAULT 'pending',
    inputs JSONB NOT NULL DEFAULT '{}'::jsonb,
    outputs JSONB NOT NULL DEFAULT '{}'::jsonb,
    steps JSONB NOT NULL DEFAULT '[]'::jsonb,
    error TEXT,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    duration_ms DOUBLE PRECISION,
    listed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT workflow_executions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT workflow_executions_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT workflow_executions_id_check CHECK (id <> ''),
    CONSTRAINT workflow_executions_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'terminated')),
    CONSTRAINT workflow_executions_inputs_check CHECK (jsonb_typeof(inputs) = 'object'),
    CONSTRAINT workflow_executions_outputs_check CHECK (jsonb_typeof(outputs) = 'object'),
    CONSTRAINT workflow_executions_steps_check CHECK (jsonb_typeof(steps) = 'array'),
    CONSTRAINT workflow_executions_duration_ms_check
    CHECK (duration_ms BETWEEN 0 AND '1e300'::double precision)
);

CREATE INDEX IF NOT EXISTS idx_workflow_executions_tenant
ON workflow_executions (tenant_id, listed_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_workflow_executions_workflow
ON workflow_executions (tenant_id, workflow_id, listed_at DESC, id DESC)
WHERE workflow_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_workflow_executions_status
ON workflow_executions (tenant_id, status, listed_at DESC, id DESC);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE workflows ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_executions ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format(
            'REVOKE ALL ON '
            || 'workflows, workflow_versions, workflow_templates, '
            || 'workflow_executions '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE workflows IS 'Definitions of workflows as they are now. Deleting one deletes its versions; its executions stay.';
COMMENT ON COLUMN workflows.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN workflows.id IS 'Identifier, given by the application; unique within the tenant.';
COMMENT ON COLUMN workflows.name IS 'What people read.';
COMMENT ON COLUMN workflows.description IS 'What it is for.';
COMMENT ON COLUMN workflows.category IS 'Field that it is of.';
COMMENT ON COLUMN workflows.version IS 'Name of the version that it is at; one of workflow_versions, where that was kept.';
COMMENT ON COLUMN workflows.definition IS 'The whole definition: a document, of which the columns are members. [user in created_by]';
COMMENT ON COLUMN workflows.tags IS 'Words that it is found by: a list of texts.';
COMMENT ON COLUMN workflows.is_template IS 'Whether others are made from it.';
COMMENT ON COLUMN workflows.is_enabled IS 'Whether it may be executed.';
COMMENT ON COLUMN workflows.created_by IS 'Who made it. [user]';
COMMENT ON COLUMN workflows.created_at IS 'When it was made; never changes.';
COMMENT ON COLUMN workflows.updated_at IS 'When it was last saved.';
COMMENT ON COLUMN workflows.revision IS '1 when it is made, and 1 more with each save.';
COMMENT ON COLUMN workflows.search_terms IS 'Search terms of name and description, normalised by the store and joined by blanks.';

COMMENT ON TABLE workflow_versions IS 'Versions of definitions of workflows. Rows are never changed, but that one may lose who made it, and go with their workflow only.';
COMMENT ON COLUMN workflow_versions.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN workflow_versions.workflow_id IS 'The workflow.';
COMMENT ON COLUMN workflow_versions.version IS 'What the version is called, such as 1.0.0; unique within the workflow.';
COMMENT ON COLUMN workflow_versions.definition IS 'The whole definition as it was then.';
COMMENT ON COLUMN workflow_versions.created_by IS 'Who made the version. [user]';
COMMENT ON COLUMN workflow_versions.created_at IS 'When the version was kept.';

COMMENT ON TABLE workflow_templates IS 'The gallery: templates that workflows are made from, the same for all tenants.';
COMMENT ON COLUMN workflow_templates.id IS 'Identifier, given by the application.';
COMMENT ON COLUMN workflow_templates.name IS 'What people read.';
COMMENT ON COLUMN workflow_templates.description IS 'What it is for.';
COMMENT ON COLUMN workflow_templates.category IS 'Field that it is of.';
COMMENT ON COLUMN workflow_templates.definition IS 'The whole definition: a document.';
COMMENT ON COLUMN workflow_templates.tags IS 'Words that it is found by: a list of texts.';
COMMENT ON COLUMN workflow_templates.usage_count IS 'How many workflows were made from it.';
COMMENT ON COLUMN workflow_templates.created_at IS 'When it was first saved; never changes.';
COMMENT ON COLUMN workflow_templates.updated_at IS 'When it was last saved.';

COMMENT ON TABLE workflow_executions IS 'Executions of workflows. What has ended is never changed.';
COMMENT ON COLUMN workflow_executions.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN workflow_executions.id IS 'Identifier, given by the application; unique within the tenant.';
COMMENT ON COLUMN workflow_executions.workflow_id IS 'What was executed. It may be a workflow that was generated and that no table keeps, so no foreign key leads there.';
COMMENT ON COLUMN workflow_executions.status IS 'pending, running, completed, failed or terminated; the last three are final.';
COMMENT ON COLUMN workflow_executions.inputs IS 'What it was given; never changes.';
COMMENT ON COLUMN workflow_executions.outputs IS 'What it gave.';
COMMENT ON COLUMN workflow_executions.steps IS 'How each step went: a list of documents.';
COMMENT ON COLUMN workflow_executions.error IS 'What went wrong.';
COMMENT ON COLUMN workflow_executions.started_at IS 'When it began.';
COMMENT ON COLUMN workflow_executions.completed_at IS 'When it ended.';
COMMENT ON COLUMN workflow_executions.duration_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN workflow_executions.listed_at IS 'When it began; before that, when it was stored. Lists are in this order.';

INSERT INTO _schema_versions (module, version) VALUES ('workflow_definitions', 1)
ON CONFLICT (module) DO NOTHING;
