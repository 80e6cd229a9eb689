-- Queries of the store of computer use.

-- name: save_task(task_id, goal, max_steps, dry_run, status, steps, result, error, user_id, tenant_id, cancelled_at, created_at, updated_at)!
-- Store a task, or how the one of its id stands, unless that is another tenant's or none's.
-- What it is, whose, and when it was made stays.
INSERT INTO computer_use_tasks (
    task_id,
    goal,
    max_steps,
    dry_run,
    status,
    steps,
    result,
    error,
    user_id,
    tenant_id,
    cancelled_at,
    created_at,
    updated_at
)
VALUES (
    :task_id,
    :goal,
    :max_steps,
    :dry_run,
    :status,
    :steps::jsonb,
    :result::jsonb,
    :error,
    :user_id,
    :tenant_id,
    :cancelled_at,
    :created_at,
    :updated_at
)
ON CONFLICT (task_id) DO UPDATE
    SET
        status = excluded.status,
        steps = excluded.steps,
        result = excluded.result,
        error = excluded.error,
        cancelled_at = excluded.cancelled_at,
        updated_at = excluded.updated_at
    WHERE
    computer_use_tasks.status IN ('pending', 'running')
    AND (
        excluded.tenant_id IS NULL
        OR computer_use_tasks.tenant_id = excluded.tenant_id
    );

-- name: get_task(task_id, tenant_id)^
-- Return a task, of one tenant or of any.
SELECT
    -- columns: ComputerUseTask
    t.task_id,
    t.goal,
    t.max_steps,
    t.dry_run,
    t.status,
    t.steps,
    t.result,
    t.error,
    t.user_id,
    t.tenant_id,
    t.cancelled_at,
    t.created_at,
    t.updated_at
FROM computer_use_tasks AS t
WHERE
    t.task_id = :task_id
    AND (:tenant_id::text IS NULL OR t.tenant_id = :tenant_id);

-- name: list_tasks(after_timestamp, after_id, row_limit)
-- List tasks, newest first, from a place on.
SELECT
    -- columns: ComputerUseTask
    t.task_id,
    t.goal,
    t.max_steps,
    t.dry_run,
    t.status,
    t.steps,
    t.result,
    t.error,
    t.user_id,
    t.tenant_id,
    t.cancelled_at,
    t.created_at,
    t.updated_at
FROM computer_use_tasks AS t
WHERE (t.created_at, t.task_id) < (:after_timestamp, :after_id::text)
ORDER BY t.created_at DESC, t.task_id DESC
LIMIT :row_limit;

-- name: list_tasks_in(status, after_timestamp, after_id, row_limit)
-- List tasks in a status, newest first, from a place on.
SELECT
    -- columns: ComputerUseTask
    t.task_id,
    t.goal,
    t.max_steps,
    t.dry_run,
    t.status,
    t.steps,
    t.result,
    t.error,
    t.user_id,
    t.tenant_id,
    t.cancelled_at,
    t.created_at,
    t.updated_at
FROM computer_use_tasks AS t
WHERE
    t.status = :status
    AND (t.created_at, t.task_id) < (:after_timestamp, :after_id::text)
ORDER BY t.created_at DESC, t.task_id DESC
LIMIT :row_limit;

-- name: list_user_tasks(user_id, tenant_id, status, after_timestamp, after_id, row_limit)
-- List the tasks of a user, of one tenant and status or of all, newest first, from a place on.
SELECT
    -- columns: ComputerUseTask
    t.task_id,
    t.goal,
    t.max_steps,
    t.dry_run,
    t.status,
    t.steps,
    t.result,
    t.error,
    t.user_id,
    t.tenant_id,
    t.cancelled_at,
    t.created_at,
    t.updated_at
FROM computer_use_tasks AS t
WHERE
    t.user_id = :user_id
    AND (:tenant_id::text IS NULL OR t.tenant_id = :tenant_id)
    AND (:status::text IS NULL OR t.status = :status)
    AND (t.created_at, t.task_id) < (:after_timestamp, :after_id::text)
ORDER BY t.created_at DESC, t.task_id DESC
LIMIT :row_limit;

-- name: list_tenant_tasks(tenant_id, status, after_timestamp, after_id, row_limit)
-- List the tasks of a tenant, in one status or in any, newest first, from a place on.
SELECT
    -- columns: ComputerUseTask
    t.task_id,
    t.goal,
    t.max_steps,
    t.dry_run,
    t.status,
    t.steps,
    t.result,
    t.error,
    t.user_id,
    t.tenant_id,
    t.cancelled_at,
    t.created_at,
    t.updated_at
FROM computer_use_tasks AS t
WHERE
    t.tenant_id = :tenant_id
    AND (:status::text IS NULL OR t.status = :status)
    AND (t.created_at, t.task_id) < (:after_timestamp, :after_id::text)
ORDER BY t.created_at DESC, t.task_id DESC
LIMIT :row_limit;

-- name: count_tasks(status, tenant_id)$
-- Count the tasks in one status or in any, of one tenant or of all.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM computer_use_tasks AS t
WHERE
    (:status::text IS NULL OR t.status = :status)
    AND (:tenant_id::text IS NULL OR t.tenant_id = :tenant_id);

-- name: set_status(task_id, tenant_id, status, steps, result, error, at_time)!
-- Keep how a task stands that has not ended; NULL leaves steps, result and error as they are.
UPDATE computer_use_tasks
SET
    status = :status,
    steps = coalesce(:steps::jsonb, steps),
    result = coalesce(:result::jsonb, result),
    error = coalesce(:error, error),
    cancelled_at
    = CASE WHEN :status::text = 'cancelled' THEN :at_time::timestamptz ELSE cancelled_at END,
    updated_at = :at_time
WHERE
    task_id = :task_id
    AND status IN ('pending', 'running')
    AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id);

-- name: delete_task(task_id, tenant_id)!
-- Delete a task, of one tenant or of any.
DELETE FROM computer_use_tasks
WHERE
    task_id = :task_id
    AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id);

-- name: count_actions(tenant_id)
-- Count the actions of tasks that have ended, and how many of them succeeded, of one tenant or of all.
-- plan: seq_scan allowed because statistics of all look at all
-- result: action not null
SELECT
    s.step ->> 'action'::text AS action,
    count(*) AS total,
    count(*) FILTER (WHERE s.step -> 'success'::text = 'true'::jsonb) AS success
FROM computer_use_tasks AS t
CROSS JOIN jsonb_array_elements(t.steps) AS s (step)
WHERE
    t.status IN ('completed', 'failed', 'timeout', 'cancelled')
    AND (:tenant_id::text IS NULL OR t.tenant_id = :tenant_id)
    AND s.step ->> 'action'::text IN ('click', 'type', 'screenshot', 'scroll', 'key')
GROUP BY s.step ->> 'action'::text;

-- name: save_policy(policy_id, name, description, allowed_actions, blocked_domains, is_active, tenant_id, created_at, updated_at)!
-- Store a policy, or replace the one of its id, unless that is another tenant's or none's. Whose it
-- is, and when it was made, stays.
INSERT INTO computer_use_policies (
    policy_id,
    name,
    description,
    allowed_actions,
    blocked_domains,
    is_active,
    tenant_id,
    created_at,
    updated_at
)
VALUES (
    :policy_id,
    :name,
    :description,
    :allowed_actions::jsonb,
    :blocked_domains::jsonb,
    :is_active,
    :tenant_id,
    :created_at,
    :updated_at
)
ON CONFLICT (policy_id) DO UPDATE
    SET
        name = excluded.name,
        description = excluded.description,
        allowed_actions = excluded.allowed_actions,
        blocked_domains = excluded.blocked_domains,
        is_active = excluded.is_active,
        updated_at = excluded.updated_at
    WHERE
    excluded.tenant_id IS NULL
    OR computer_use_policies.tenant_id = excluded.tenant_id;

-- name: get_policy(policy_id, tenant_id)^
-- Return a policy, of one tenant or of any.
SELECT
    -- columns: ComputerUsePolicy
    p.policy_id,
    p.name,
    p.description,
    p.allowed_actions,
    p.blocked_domains,
    p.is_active,
    p.tenant_id,
    p.created_at,
    p.updated_at
FROM computer_use_policies AS p
WHERE
    p.policy_id = :policy_id
    AND (:tenant_id::text IS NULL OR p.tenant_id = :tenant_id);

-- name: list_policies(after_timestamp, after_id, row_limit)
-- List policies, newest first, from a place on.
SELECT
    -- columns: ComputerUsePolicy
    p.policy_id,
    p.name,
    p.description,
    p.allowed_actions,
    p.blocked_domains,
    p.is_active,
    p.tenant_id,
    p.created_at,
    p.updated_at
FROM computer_use_policies AS p
WHERE (p.created_at, p.policy_id) < (:after_timestamp, :after_id::text)
ORDER BY p.created_at DESC, p.policy_id DESC
LIMIT :row_limit;

-- name: list_active_policies(after_timestamp, after_id, row_limit)
-- List policies that apply, newest first, from a place on.
SELECT
    -- columns: ComputerUsePolicy
    p.policy_id,
    p.name,
    p.description,
    p.allowed_actions,
    p.blocked_domains,
    p.is_active,
    p.tenant_id,
    p.created_at,
    p.updated_at
FROM computer_use_policies AS p
WHERE
    p.is_active
    AND (p.created_at, p.policy_id) < (:after_timestamp, :after_id::text)
ORDER BY p.created_at DESC, p.policy_id DESC
LIMIT :row_limit;

-- name: list_tenant_policies(tenant_id, active_only, after_timestamp, after_id, row_limit)
-- List the policies of a tenant, those that apply or all, newest first, from a place on.
SELECT
    -- columns: ComputerUsePolicy
    p.policy_id,
    p.name,
    p.description,
    p.allowed_actions,
    p.blocked_domains,
    p.is_active,
    p.tenant_id,
    p.created_at,
    p.updated_at
FROM computer_use_policies AS p
WHERE
    p.tenant_id = :tenant_id
    AND (NOT :active_only::boolean OR p.is_active)
    AND (p.created_at, p.policy_id) < (:after_timestamp, :after_id::text)
ORDER BY p.created_at DESC, p.policy_id DESC
LIMIT :row_limit;

-- name: delete_policy(policy_id, tenant_id)!
-- Delete a policy, of one tenant or of any.
DELETE FROM computer_use_policies
WHERE
    policy_id = :policy_id
    AND (:tenant_id::text IS NULL OR tenant_id = :tenant_id);
