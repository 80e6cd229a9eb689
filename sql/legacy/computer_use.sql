-- How the older Aragora's tasks and policies of computer use map onto today's tables. An empty result was
-- kept as none. See docs/migration.md ("How a mapping is written").

-- name: tasks(first_rowid, last_rowid)
-- Tasks.
-- from: computer_use_tasks (task_id, goal, status, steps_json, created_at, updated_at)
-- optional: max_steps, dry_run, result_json, error, user_id, tenant_id, cancelled_at
-- into: computer_use_tasks
-- key: task_id
-- merge: newest updated_at
-- utc: created_at, updated_at, cancelled_at
-- values: max_steps = max_steps, 10; dry_run = dry_run, 0; steps = steps_json, []
-- values: result = nonblank result_json; user_id = nonblank user_id; tenant_id = nonblank tenant_id
-- values: cancelled_at = nonblank cancelled_at
SELECT
    rowid AS source_rowid,
    task_id,
    goal,
    coalesce(max_steps, 10) AS max_steps,
    coalesce(dry_run, 0) AS dry_run,
    status,
    coalesce(nullif(steps_json, ''), '[]') AS steps,
    nullif(result_json, '') AS result,
    error,
    nullif(user_id, '') AS user_id,
    nullif(tenant_id, '') AS tenant_id,
    nullif(cancelled_at, '') AS cancelled_at,
    created_at,
    updated_at
FROM computer_use_tasks
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: policies(first_rowid, last_rowid)
-- Policies.
-- from: computer_use_policies (policy_id, name, allowed_actions_json, created_at, updated_at)
-- optional: description, blocked_domains_json, is_active, tenant_id
-- into: computer_use_policies
-- key: policy_id
-- merge: newest updated_at
-- utc: created_at, updated_at
-- values: description = description, ''; allowed_actions = allowed_actions_json, []
-- values: blocked_domains = blocked_domains_json, []; is_active = is_active, 1
-- values: tenant_id = nonblank tenant_id
SELECT
    rowid AS source_rowid,
    policy_id,
    name,
    coalesce(description, '') AS description,
    coalesce(nullif(allowed_actions_json, ''), '[]') AS allowed_actions,
    coalesce(nullif(blocked_domains_json, ''), '[]') AS blocked_domains,
    coalesce(is_active, 1) AS is_active,
    nullif(tenant_id, '') AS tenant_id,
    created_at,
    updated_at
FROM computer_use_policies
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
