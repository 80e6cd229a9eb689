-- Tasks that agents do at a graphical user interface, and what they may do there.

-- meaning: values of computer_use_tasks.tenant_id ["t1", "t2", null] because few tenants have many tasks
-- meaning: values of computer_use_tasks.user_id ["u1", "u2", null] because few users have many tasks
-- meaning: values of computer_use_tasks.steps [[], [{"action": "click", "success": true}], [{"action": "type", "success": false}, {"action": "click", "success": "true"}, {"action": "wait", "success": true}, {}]] because actions are counted
-- meaning: values of computer_use_policies.tenant_id ["t1", "t2", null] because few tenants have many policies

CREATE TABLE IF NOT EXISTS computer_use_tasks (
    task_id TEXT COLLATE "C" NOT NULL,
    goal TEXT NOT NULL,
    max_steps INTEGER NOT NULL DEFAULT 10,
    dry_run BOOLEAN NOT NULL DEFAULT FALSE,
    status TEXT COLLATE "C" NOT NULL DEFAULT 'pending',
    steps JSONB NOT NULL DEFAULT '[]'::jsonb,
    result JSONB,
    error TEXT,
    user_id TEXT COLLATE "C",
    tenant_id TEXT COLLATE "C",
    cancelled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT computer_use_tasks_pkey PRIMARY KEY (task_id),
    CONSTRAINT computer_use_tasks_task_id_check CHECK (task_id <> ''),
    CONSTRAINT computer_use_tasks_max_steps_check CHECK (max_steps >= 1),
    CONSTRAINT computer_use_tasks_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'timeout', 'cancelled')),
    CONSTRAINT computer_use_tasks_steps_check CHECK (jsonb_typeof(steps) = 'array'),
    CONSTRAINT computer_use_tasks_result_check CHECK (jsonb_typeof(result) = 'object'),
    CONSTRAINT computer_use_tasks_tenant_id_check CHECK (tenant_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_created
ON computer_use_tasks (created_at DESC, task_id DESC);
CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_status
ON computer_use_tasks (status, created_at DESC, task_id DESC);
CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_tenant
ON computer_use_tasks (tenant_id, created_at DESC, task_id DESC) WHERE tenant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_user
ON computer_use_tasks (user_id, created_at DESC, task_id DESC) WHERE user_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS computer_use_policies (
    policy_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    allowed_actions JSONB NOT NULL DEFAULT '[]'::jsonb,
    blocked_domains JSONB NOT NULL DEFAULT '[]'::jsonb,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    tenant_id TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT computer_use_policies_pkey PRIMARY KEY (policy_id),
    CONSTRAINT computer_use_policies_policy_id_check CHECK (policy_id <> ''),
    CONSTRAINT computer_use_policies_allowed_actions_check
    CHECK (jsonb_typeof(allowed_actions) = 'array'),
    CONSTRAINT computer_use_policies_blocked_domains_check
    CHECK (jsonb_typeof(blocked_domains) = 'array'),
    CONSTRAINT computer_use_policies_tenant_id_check CHECK (tenant_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_computer_use_policies_created
ON computer_use_policies (created_at DESC, policy_id DESC);
CREATE INDEX IF NOT EXISTS idx_computer_use_policies_active
ON computer_use_policies (created_at DESC, policy_id DESC) WHERE is_active;
CREATE INDEX IF NOT EXISTS idx_computer_use_policies_tenant
ON computer_use_policies (tenant_id, created_at DESC, policy_id DESC) WHERE tenant_id IS NOT NULL;

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE computer_use_tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE computer_use_policies ENABLE ROW LEVEL SECURITY;

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
            || 'computer_use_tasks, computer_use_policies '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE computer_use_tasks IS 'Tasks that an agent does at a graphical user interface.';
COMMENT ON COLUMN computer_use_tasks.task_id IS 'Identifier: task- and 16 hexadecimal digits, or what the application gave.';
COMMENT ON COLUMN computer_use_tasks.goal IS 'What is to be done; never changes.';
COMMENT ON COLUMN computer_use_tasks.max_steps IS 'Most steps that it may take.';
COMMENT ON COLUMN computer_use_tasks.dry_run IS 'Whether nothing is done in earnest.';
COMMENT ON COLUMN computer_use_tasks.status IS 'pending, running, completed, failed, timeout or cancelled; the last four are final.';
COMMENT ON COLUMN computer_use_tasks.steps IS 'What was done: a list of documents with action and success.';
COMMENT ON COLUMN computer_use_tasks.result IS 'What came of it: a document.';
COMMENT ON COLUMN computer_use_tasks.error IS 'What went wrong.';
COMMENT ON COLUMN computer_use_tasks.user_id IS 'Who wants it. [user]';
COMMENT ON COLUMN computer_use_tasks.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN computer_use_tasks.cancelled_at IS 'When it was cancelled.';
COMMENT ON COLUMN computer_use_tasks.created_at IS 'When it was first saved; never changes.';
COMMENT ON COLUMN computer_use_tasks.updated_at IS 'When it was last changed.';

COMMENT ON TABLE computer_use_policies IS 'What agents may do at a graphical user interface.';
COMMENT ON COLUMN computer_use_policies.policy_id IS 'Identifier.';
COMMENT ON COLUMN computer_use_policies.name IS 'What people read.';
COMMENT ON COLUMN computer_use_policies.description IS 'What it is for.';
COMMENT ON COLUMN computer_use_policies.allowed_actions IS 'Actions that are allowed: a list of words.';
COMMENT ON COLUMN computer_use_policies.blocked_domains IS 'Domains that are not to be visited: a list.';
COMMENT ON COLUMN computer_use_policies.is_active IS 'Whether it applies.';
COMMENT ON COLUMN computer_use_policies.tenant_id IS 'Whose it is; the tenant key.';
COMMENT ON COLUMN computer_use_policies.created_at IS 'When it was first saved; never changes.';
COMMENT ON COLUMN computer_use_policies.updated_at IS 'When it was last changed.';

INSERT INTO _schema_versions (module, version) VALUES ('computer_use', 1)
ON CONFLICT (module) DO NOTHING;
