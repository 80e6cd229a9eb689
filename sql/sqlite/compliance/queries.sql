-- Queries of the store of compliance policies.

-- name: insert_policy(id, name, description, framework_id, workspace_id, vertical_id, level, enabled, rules, created_by, metadata)^
-- Store a new policy.
INSERT INTO compliance_policies (
    id,
    name,
    description,
    framework_id,
    workspace_id,
    vertical_id,
    level,
    enabled,
    rules,
    created_by,
    metadata,
    created_at,
    updated_at
)
VALUES (
    :id,
    :name,
    :description,
    :framework_id,
    :workspace_id,
    :vertical_id,
    :level,
    :enabled,
    :rules,
    :created_by,
    :metadata,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'),
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
)
RETURNING
    -- columns: CompliancePolicy
    id,
    name,
    description,
    framework_id,
    workspace_id,
    vertical_id,
    level,
    enabled,
    rules,
    created_by,
    metadata,
    created_at,
    updated_at;

-- name: get_policy(id, workspace_id)^
-- Return a policy, of one workspace or of any.
SELECT
    -- columns: CompliancePolicy
    p.id,
    p.name,
    p.description,
    p.framework_id,
    p.workspace_id,
    p.vertical_id,
    p.level,
    p.enabled,
    p.rules,
    p.created_by,
    p.metadata,
    p.created_at,
    p.updated_at
FROM compliance_policies AS p
WHERE
    p.id = :id
    AND (:workspace_id IS NULL OR p.workspace_id = :workspace_id);

-- name: lock_policy(id, workspace_id)^
-- Return a policy that is to be changed, of one workspace or of any.
SELECT
    -- columns: CompliancePolicy
    p.id,
    p.name,
    p.description,
    p.framework_id,
    p.workspace_id,
    p.vertical_id,
    p.level,
    p.enabled,
    p.rules,
    p.created_by,
    p.metadata,
    p.created_at,
    p.updated_at
FROM compliance_policies AS p
WHERE
    p.id = :id
    AND (:workspace_id IS NULL OR p.workspace_id = :workspace_id);

-- name: list_policies(vertical_id, framework_id, enabled_only, after_timestamp, after_id, row_limit)
-- List policies, newest first, from a place on, perhaps of one vertical or framework, or in force.
-- plan: filtered_walk allowed because policies are some hundred
SELECT
    -- columns: CompliancePolicy
    p.id,
    p.name,
    p.description,
    p.framework_id,
    p.workspace_id,
    p.vertical_id,
    p.level,
    p.enabled,
    p.rules,
    p.created_by,
    p.metadata,
    p.created_at,
    p.updated_at
FROM compliance_policies AS p
WHERE
    (:vertical_id IS NULL OR p.vertical_id = :vertical_id)
    AND (:framework_id IS NULL OR p.framework_id = :framework_id)
    AND (NOT :enabled_only OR p.enabled)
    AND (p.created_at, p.id) < (:after_timestamp, :after_id)
ORDER BY p.created_at DESC, p.id DESC
LIMIT :row_limit;

-- name: list_workspace_policies(workspace_id, vertical_id, framework_id, enabled_only, after_timestamp, after_id, row_limit)
-- List policies of a workspace, newest first, from a place on, perhaps of one vertical or framework,
-- or in force.
SELECT
    -- columns: CompliancePolicy
    p.id,
    p.name,
    p.description,
    p.framework_id,
    p.workspace_id,
    p.vertical_id,
    p.level,
    p.enabled,
    p.rules,
    p.created_by,
    p.metadata,
    p.created_at,
    p.updated_at
FROM compliance_policies AS p
WHERE
    p.workspace_id = :workspace_id
    AND (:vertical_id IS NULL OR p.vertical_id = :vertical_id)
    AND (:framework_id IS NULL OR p.framework_id = :framework_id)
    AND (NOT :enabled_only OR p.enabled)
    AND (p.created_at, p.id) < (:after_timestamp, :after_id)
ORDER BY p.created_at DESC, p.id DESC
LIMIT :row_limit;

-- name: update_policy(id, name, description, level, enabled, rules, metadata)^
-- Change a policy.
UPDATE compliance_policies
SET
    name = :name,
    description = :description,
    level = :level,
    enabled = :enabled,
    rules = :rules,
    metadata = :metadata,
    updated_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
WHERE id = :id
RETURNING
    -- columns: CompliancePolicy
    id,
    name,
    description,
    framework_id,
    workspace_id,
    vertical_id,
    level,
    enabled,
    rules,
    created_by,
    metadata,
    created_at,
    updated_at;

-- name: delete_policy(id)!
-- Delete a policy; its violations and the log of its changes stay.
DELETE FROM compliance_policies
WHERE id = :id;

-- name: insert_change(id, policy_id, action, changed_by, old_value, new_value)!
-- Note a change of a policy.
INSERT INTO compliance_policy_audit (
    id,
    policy_id,
    action,
    changed_by,
    old_value,
    new_value,
    changed_at
)
VALUES (
    :id,
    :policy_id,
    :action,
    :changed_by,
    :old_value,
    :new_value,
    strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
);

-- name: list_changes(policy_id, workspace_id, after_timestamp, after_number, row_limit)
-- List the changes of a policy, newest first, from a place on, of one workspace or of any.
SELECT
    -- columns: PolicyChange
    a.number,
    a.id,
    a.policy_id,
    a.action,
    a.changed_by,
    a.changed_at,
    a.old_value,
    a.new_value
FROM compliance_policy_audit AS a
WHERE
    a.policy_id = :policy_id
    AND (
        :workspace_id IS NULL
        OR coalesce(a.new_value, a.old_value) ->> '$.workspace_id' = :workspace_id
    )
    AND (a.changed_at, a.number) < (:after_timestamp, :after_number)
ORDER BY a.changed_at DESC, a.number DESC
LIMIT :row_limit;

-- name: insert_violation(id, policy_id, rule_id, rule_name, framework_id, vertical_id, workspace_id, severity, status, description, source, detected_at, resolved_at, resolved_by, resolution_notes, metadata)^
-- Store a new violation; one that is settled was so now unless a time is given.
INSERT INTO compliance_violations (
    id,
    policy_id,
    rule_id,
    rule_name,
    framework_id,
    vertical_id,
    workspace_id,
    severity,
    status,
    description,
    source,
    detected_at,
    resolved_at,
    resolved_by,
    resolution_notes,
    metadata
)
VALUES (
    :id,
    :policy_id,
    :rule_id,
    :rule_name,
    :framework_id,
    :vertical_id,
    :workspace_id,
    :severity,
    :status,
    :description,
    :source,
    coalesce(:detected_at, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    coalesce(
        :resolved_at,
        CASE
            WHEN :status IN ('resolved', 'false_positive')
                THEN strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
        END
    ),
    :resolved_by,
    :resolution_notes,
    :metadata
)
RETURNING
    -- columns: ComplianceViolation
    id,
    policy_id,
    rule_id,
    rule_name,
    framework_id,
    vertical_id,
    workspace_id,
    severity,
    status,
    description,
    source,
    detected_at,
    resolved_at,
    resolved_by,
    resolution_notes,
    metadata;

-- name: get_violation(id, workspace_id)^
-- Return a violation, of one workspace or of any.
SELECT
    -- columns: ComplianceViolation
    v.id,
    v.policy_id,
    v.rule_id,
    v.rule_name,
    v.framework_id,
    v.vertical_id,
    v.workspace_id,
    v.severity,
    v.status,
    v.description,
    v.source,
    v.detected_at,
    v.resolved_at,
    v.resolved_by,
    v.resolution_notes,
    v.metadata
FROM compliance_violations AS v
WHERE
    v.id = :id
    AND (:workspace_id IS NULL OR v.workspace_id = :workspace_id);

-- name: list_violations(vertical_id, framework_id, status, severity, after_timestamp, after_id, row_limit)
-- List violations, newest first, from a place on, perhaps of one vertical or framework, in one status,
-- or of one severity.
-- plan: filtered_walk allowed because verticals, frameworks, statuses and severities are few
SELECT
    -- columns: ComplianceViolation
    v.id,
    v.policy_id,
    v.rule_id,
    v.rule_name,
    v.framework_id,
    v.vertical_id,
    v.workspace_id,
    v.severity,
    v.status,
    v.description,
    v.source,
    v.detected_at,
    v.resolved_at,
    v.resolved_by,
    v.resolution_notes,
    v.metadata
FROM compliance_violations AS v
WHERE
    (:vertical_id IS NULL OR v.vertical_id = :vertical_id)
    AND (:framework_id IS NULL OR v.framework_id = :framework_id)
    AND (:status IS NULL OR v.status = :status)
    AND (:severity IS NULL OR v.severity = :severity)
    AND (v.detected_at, v.id) < (:after_timestamp, :after_id)
ORDER BY v.detected_at DESC, v.id DESC
LIMIT :row_limit;

-- name: list_workspace_violations(workspace_id, vertical_id, framework_id, status, severity, after_timestamp, after_id, row_limit)
-- List violations in a workspace, newest first, from a place on, perhaps of one vertical or framework,
-- in one status, or of one severity.
SELECT
    -- columns: ComplianceViolation
    v.id,
    v.policy_id,
    v.rule_id,
    v.rule_name,
    v.framework_id,
    v.vertical_id,
    v.workspace_id,
    v.severity,
    v.status,
    v.description,
    v.source,
    v.detected_at,
    v.resolved_at,
    v.resolved_by,
    v.resolution_notes,
    v.metadata
FROM compliance_violations AS v
WHERE
    v.workspace_id = :workspace_id
    AND (:vertical_id IS NULL OR v.vertical_id = :vertical_id)
    AND (:framework_id IS NULL OR v.framework_id = :framework_id)
    AND (:status IS NULL OR v.status = :status)
    AND (:severity IS NULL OR v.severity = :severity)
    AND (v.detected_at, v.id) < (:after_timestamp, :after_id)
ORDER BY v.detected_at DESC, v.id DESC
LIMIT :row_limit;

-- name: list_policy_violations(policy_id, workspace_id, vertical_id, framework_id, status, severity, after_timestamp, after_id, row_limit)
-- List violations of a policy, newest first, from a place on, perhaps in one workspace, of one vertical
-- or framework, in one status, or of one severity.
SELECT
    -- columns: ComplianceViolation
    v.id,
    v.policy_id,
    v.rule_id,
    v.rule_name,
    v.framework_id,
    v.vertical_id,
    v.workspace_id,
    v.severity,
    v.status,
    v.description,
    v.source,
    v.detected_at,
    v.resolved_at,
    v.resolved_by,
    v.resolution_notes,
    v.metadata
FROM compliance_violations AS v
WHERE
    v.policy_id = :policy_id
    AND (:workspace_id IS NULL OR v.workspace_id = :workspace_id)
    AND (:vertical_id IS NULL OR v.vertical_id = :vertical_id)
    AND (:framework_id IS NULL OR v.framework_id = :framework_id)
    AND (:status IS NULL OR v.status = :status)
    AND (:severity IS NULL OR v.severity = :severity)
    AND (v.detected_at, v.id) < (:after_timestamp, :after_id)
ORDER BY v.detected_at DESC, v.id DESC
LIMIT :row_limit;

-- name: update_violation(id, status, resolved_by, resolution_notes, workspace_id)^
-- Let a violation go to a status. Who settled it, and when, stays when it is opened again, and when it
-- is settled in the same way again by nobody else; of one workspace or of any.
UPDATE compliance_violations
SET
    status = :status,
    resolved_at = CASE
        WHEN :status NOT IN ('resolved', 'false_positive') THEN resolved_at
        WHEN
            status = :status
            AND (
                :resolved_by IS NULL
                OR resolved_by IS NULL
                OR resolved_by = :resolved_by
            )
            THEN coalesce(resolved_at, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
        ELSE strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    END,
    resolved_by = CASE
        WHEN :status NOT IN ('resolved', 'false_positive') THEN resolved_by
        WHEN
            status = :status
            AND (
                :resolved_by IS NULL
                OR resolved_by IS NULL
                OR resolved_by = :resolved_by
            )
            THEN coalesce(:resolved_by, resolved_by)
        ELSE :resolved_by
    END,
    resolution_notes = CASE
        WHEN :status NOT IN ('resolved', 'false_positive') THEN resolution_notes
        WHEN
            status = :status
            AND (
                :resolved_by IS NULL
                OR resolved_by IS NULL
                OR resolved_by = :resolved_by
            )
            THEN coalesce(:resolution_notes, resolution_notes)
        ELSE :resolution_notes
    END
WHERE
    id = :id
    AND (:workspace_id IS NULL OR workspace_id = :workspace_id)
RETURNING
    -- columns: ComplianceViolation
    id,
    policy_id,
    rule_id,
    rule_name,
    framework_id,
    vertical_id,
    workspace_id,
    severity,
    status,
    description,
    source,
    detected_at,
    resolved_at,
    resolved_by,
    resolution_notes,
    metadata;

-- name: delete_violation(id, workspace_id)!
-- Delete a violation, of one workspace or of any.
DELETE FROM compliance_violations
WHERE
    id = :id
    AND (:workspace_id IS NULL OR workspace_id = :workspace_id);

-- name: count_violations(workspace_id, status, severity)
-- Count violations by severity, perhaps in one workspace or status, or of one severity.
-- plan: seq_scan allowed because a count of all rows looks at all rows
-- result: total not null
SELECT
    v.severity,
    count(*) AS total
FROM compliance_violations AS v
WHERE
    (:workspace_id IS NULL OR v.workspace_id = :workspace_id)
    AND (:status IS NULL OR v.status = :status)
    AND (:severity IS NULL OR v.severity = :severity)
GROUP BY v.severity
ORDER BY v.severity;
