-- Compliance: policies of workspaces, violations of them, and a log of what was changed in policies.
--
-- A change of the log is refused by triggers; a policy's entries stay when the policy goes.

CREATE TABLE IF NOT EXISTS compliance_policies (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    framework_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL DEFAULT 'default',
    vertical_id TEXT NOT NULL,
    level TEXT NOT NULL DEFAULT 'recommended',
    enabled INTEGER NOT NULL DEFAULT 1,
    rules TEXT NOT NULL DEFAULT '[]',
    created_by TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT compliance_policies_pkey PRIMARY KEY (id),
    CONSTRAINT compliance_policies_id_check CHECK (id <> ''),
    CONSTRAINT compliance_policies_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT compliance_policies_level_check
    CHECK (level IN ('mandatory', 'recommended', 'optional')),
    CONSTRAINT compliance_policies_rules_check
    CHECK (json_valid(rules) AND json_type(rules) = 'array'),
    CONSTRAINT compliance_policies_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT compliance_policies_enabled_check CHECK (enabled IN (0, 1)),
    CONSTRAINT compliance_policies_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT compliance_policies_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_compliance_policies_created
ON compliance_policies (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_policies_workspace
ON compliance_policies (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_policies_framework
ON compliance_policies (framework_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_policies_vertical
ON compliance_policies (vertical_id, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS compliance_violations (
    id TEXT NOT NULL,
    policy_id TEXT,
    rule_id TEXT NOT NULL,
    rule_name TEXT NOT NULL DEFAULT '',
    framework_id TEXT NOT NULL DEFAULT '',
    vertical_id TEXT NOT NULL DEFAULT '',
    workspace_id TEXT NOT NULL DEFAULT 'default',
    severity TEXT NOT NULL DEFAULT 'medium',
    status TEXT NOT NULL DEFAULT 'open',
    description TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    detected_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    resolved_at TEXT,
    resolved_by TEXT,
    resolution_notes TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT compliance_violations_pkey PRIMARY KEY (id),
    CONSTRAINT compliance_violations_policy_id_fkey
    FOREIGN KEY (policy_id) REFERENCES compliance_policies (id) ON DELETE SET NULL,
    CONSTRAINT compliance_violations_id_check CHECK (id <> ''),
    CONSTRAINT compliance_violations_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT compliance_violations_severity_check
    CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    CONSTRAINT compliance_violations_status_check
    CHECK (status IN ('open', 'investigating', 'resolved', 'false_positive')),
    CONSTRAINT compliance_violations_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT compliance_violations_detected_at_check
    CHECK (detected_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT compliance_violations_resolved_at_check
    CHECK (resolved_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_compliance_violations_detected
ON compliance_violations (detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_violations_workspace
ON compliance_violations (workspace_id, detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_violations_policy
ON compliance_violations (policy_id, detected_at DESC, id DESC) WHERE policy_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_compliance_violations_framework
ON compliance_violations (framework_id, detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_violations_status
ON compliance_violations (status, detected_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_violations_severity
ON compliance_violations (severity, detected_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS compliance_policy_audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    action TEXT NOT NULL,
    changed_by TEXT,
    changed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    old_value TEXT,
    new_value TEXT,
    CONSTRAINT compliance_policy_audit_id_key UNIQUE (id),
    CONSTRAINT compliance_policy_audit_id_check CHECK (id <> ''),
    CONSTRAINT compliance_policy_audit_policy_id_check CHECK (policy_id <> ''),
    CONSTRAINT compliance_policy_audit_action_check
    CHECK (action IN ('create', 'update', 'delete')),
    CONSTRAINT compliance_policy_audit_old_value_check
    CHECK (old_value IS NULL OR (json_valid(old_value) AND json_type(old_value) = 'object')),
    CONSTRAINT compliance_policy_audit_new_value_check
    CHECK (new_value IS NULL OR (json_valid(new_value) AND json_type(new_value) = 'object')),
    CONSTRAINT compliance_policy_audit_changed_at_check
    CHECK (changed_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_compliance_policy_audit_policy
ON compliance_policy_audit (policy_id, changed_at DESC, number DESC);

CREATE TRIGGER IF NOT EXISTS compliance_policy_audit_unchanged
BEFORE UPDATE ON compliance_policy_audit
BEGIN
    SELECT raise(ABORT, 'UPDATE of compliance_policy_audit is refused: changes stay as told');
END;

CREATE TRIGGER IF NOT EXISTS compliance_policy_audit_kept
BEFORE DELETE ON compliance_policy_audit
BEGIN
    SELECT raise(ABORT, 'DELETE of compliance_policy_audit is refused: changes stay as told');
END;

-- REPLACE deletes without a word to the trigger above.
CREATE TRIGGER IF NOT EXISTS compliance_policy_audit_replaced
BEFORE INSERT ON compliance_policy_audit
WHEN
    EXISTS (
        SELECT 1
        FROM compliance_policy_audit AS a
        WHERE
            a.id = new.id
            OR a.number = new.number
    )
BEGIN
    SELECT raise(ABORT, 'REPLACE of compliance_policy_audit is refused: changes stay as told');
END;

INSERT INTO _schema_versions (module, version) VALUES ('compliance', 1)
ON CONFLICT (module) DO NOTHING;
