-- How the older Aragora's compliance policies, violations and changes map onto today's tables. Times
-- without a zone are UTC. See docs/migration.md ("How a mapping is written").

-- name: policies(first_rowid, last_rowid)
-- Policies. A level that is not known becomes recommended.
-- from: policies (id, name, framework_id, vertical_id, rules_json, created_at, updated_at)
-- optional: description, workspace_id, level, enabled, created_by, metadata_json
-- into: compliance_policies
-- key: id
-- merge: newest updated_at
-- utc: created_at, updated_at
-- values: description = description, ''; workspace_id = nonblank workspace_id, 'default'
-- values: level = level, 'recommended'; enabled = enabled, 1; rules = rules_json, []
-- values: created_by = nonblank created_by; metadata = metadata_json, {}
SELECT
    rowid AS source_rowid,
    id,
    name,
    coalesce(description, '') AS description,
    framework_id,
    coalesce(nullif(workspace_id, ''), 'default') AS workspace_id,
    vertical_id,
    CASE
        WHEN level IN ('mandatory', 'optional') THEN level
        ELSE 'recommended'
    END AS level,
    coalesce(enabled, 1) AS enabled,
    coalesce(nullif(nullif(rules_json, ''), 'null'), '[]') AS rules,
    nullif(created_by, '') AS created_by,
    coalesce(nullif(nullif(metadata_json, ''), 'null'), '{}') AS metadata,
    created_at,
    updated_at,
    CASE
        WHEN level NOT IN ('mandatory', 'recommended', 'optional')
            THEN 'policies of a level that is not known, which became recommended'
    END AS note_level
FROM policies
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: violations(first_rowid, last_rowid)
-- Violations. An empty policy was none.
-- from: violations (id, policy_id, rule_id, severity, status, detected_at)
-- optional: rule_name, framework_id, vertical_id, workspace_id, description, source, resolved_at
-- optional: resolved_by, resolution_notes, metadata_json
-- into: compliance_violations
-- key: id
-- merge: newest detected_at
-- merge: keep resolved_at, status, resolved_by, resolution_notes by detected_at
-- utc: detected_at, resolved_at
-- values: policy_id = nonblank policy_id; rule_name = rule_name, ''
-- values: framework_id = framework_id, ''; vertical_id = vertical_id, ''
-- values: workspace_id = nonblank workspace_id, 'default'; description = description, ''
-- values: source = source, ''; resolved_at = nonblank resolved_at
-- values: resolved_by = nonblank resolved_by; metadata = metadata_json, {}
SELECT
    rowid AS source_rowid,
    id,
    nullif(policy_id, '') AS policy_id,
    rule_id,
    coalesce(rule_name, '') AS rule_name,
    coalesce(framework_id, '') AS framework_id,
    coalesce(vertical_id, '') AS vertical_id,
    coalesce(nullif(workspace_id, ''), 'default') AS workspace_id,
    severity,
    status,
    coalesce(description, '') AS description,
    coalesce(source, '') AS source,
    detected_at,
    nullif(resolved_at, '') AS resolved_at,
    nullif(resolved_by, '') AS resolved_by,
    resolution_notes,
    coalesce(nullif(nullif(metadata_json, ''), 'null'), '{}') AS metadata
FROM violations
WHERE rowid BETWEEN :first_rowid AND :last_rowid;

-- name: policy_audit(first_rowid, last_rowid)
-- Changes of policies.
-- from: policy_audit (id, policy_id, action, changed_at)
-- optional: changed_by, old_value, new_value
-- into: compliance_policy_audit
-- key: id
-- merge: newest changed_at
-- order: changed_at
-- utc: changed_at
-- values: changed_by = nonblank changed_by
SELECT
    rowid AS source_rowid,
    id,
    policy_id,
    action,
    nullif(changed_by, '') AS changed_by,
    changed_at,
    nullif(nullif(old_value, ''), 'null') AS old_value,
    nullif(nullif(new_value, ''), 'null') AS new_value
FROM policy_audit
WHERE rowid BETWEEN :first_rowid AND :last_rowid;
