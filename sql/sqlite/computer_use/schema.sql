-- Tasks that agents do at a graphical user interface, and what they may do there.

CREATE TABLE IF NOT EXISTS computer_use_tasks (
    task_id TEXT NOT NULL,
    goal TEXT NOT NULL,
    max_steps INTEGER NOT NULL DEFAULT 10,
    dry_run INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'pending',
    steps TEXT NOT NULL DEFAULT '[]',
    result TEXT,
    error TEXT,
    user_id TEXT,
    tenant_id TEXT,
    cancelled_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT computer_use_tasks_pkey PRIMARY KEY (task_id),
    CONSTRAINT computer_use_tasks_task_id_check CHECK (task_id <> ''),
    CONSTRAINT computer_use_tasks_max_steps_check CHECK (max_steps >= 1),
    CONSTRAINT computer_use_tasks_dry_run_check CHECK (dry_run IN (0, 1)),
    CONSTRAINT computer_use_tasks_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'timeout', 'cancelled')),
    CONSTRAINT computer_use_tasks_steps_check
    CHECK (json_valid(steps) AND json_type(steps) = 'array'),
    CONSTRAINT computer_use_tasks_result_check
    CHECK (result IS NULL OR (json_valid(result) AND json_type(result) = 'object')),
    CONSTRAINT computer_use_tasks_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT computer_use_tasks_cancelled_at_check
    CHECK (cancelled_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT computer_use_tasks_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT computer_use_tasks_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_created
ON computer_use_tasks (created_at DESC, task_id DESC);
CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_status
ON computer_use_tasks (status, created_at DESC, task_id DESC);
CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_tenant
ON computer_use_tasks (tenant_id, created_at DESC, task_id DESC) WHERE tenant_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_computer_use_tasks_user
ON computer_use_tasks (user_id, created_at DESC, task_id DESC) WHERE user_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS computer_use_policies (
    policy_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    allowed_actions TEXT NOT NULL DEFAULT '[]',
    blocked_domains TEXT NOT NULL DEFAULT '[]',
    is_active INTEGER NOT NULL DEFAULT 1,
    tenant_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT computer_use_policies_pkey PRIMARY KEY (policy_id),
    CONSTRAINT computer_use_policies_policy_id_check CHECK (policy_id <> ''),
    CONSTRAINT computer_use_policies_allowed_actions_check
    CHECK (json_valid(allowed_actions) AND json_type(allowed_actions) = 'array'),
    CONSTRAINT computer_use_policies_blocked_domains_check
    CHECK (json_valid(blocked_domains) AND json_type(blocked_domains) = 'array'),
    CONSTRAINT computer_use_policies_is_active_check CHECK (is_active IN (0, 1)),
    CONSTRAINT computer_use_policies_tenant_id_check CHECK (tenant_id <> ''),
    CONSTRAINT computer_use_policies_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT computer_use_policies_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_computer_use_policies_created
ON computer_use_policies (created_at DESC, policy_id DESC);
CREATE INDEX IF NOT EXISTS idx_computer_use_policies_active
ON computer_use_policies (created_at DESC, policy_id DESC) WHERE is_active;
CREATE INDEX IF NOT EXISTS idx_computer_use_policies_tenant
ON computer_use_policies (tenant_id, created_at DESC, policy_id DESC) WHERE tenant_id IS NOT NULL;

INSERT INTO _schema_versions (module, version) VALUES ('computer_use', 1)
ON CONFLICT (module) DO NOTHING;
