-- Compliance: policies of workspaces, violations of them, and a log of what was changed in policies.
--
-- A change of the log is refused by triggers; a policy's entries stay when the policy goes.

-- meaning: values of compliance_policies.id ["p1", "p2", "p3"] because violations and changes belong to policies
-- meaning: values of compliance_policies.workspace_id ["default", "w1"] because few workspaces have many policies
-- meaning: values of compliance_policies.framework_id ["soc2", "gdpr"] because frameworks are few
-- meaning: values of compliance_policies.vertical_id ["health", "law"] because verticals are few
-- meaning: values of compliance_violations.policy_id ["p1", "p2", null] because violations belong to policies
-- meaning: values of compliance_violations.workspace_id ["default", "w1"] because few workspaces have many violations
-- meaning: values of compliance_violations.framework_id ["soc2", "gdpr"] because frameworks are few
-- meaning: values of compliance_violations.vertical_id ["health", "law"] because verticals are few
-- meaning: values of compliance_policy_audit.policy_id ["p1", "p2", "p3"] because changes belong to policies

CREATE TABLE IF NOT EXISTS compliance_policies (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    framework_id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    vertical_id TEXT COLLATE "C" NOT NULL,
    level TEXT NOT NULL DEFAULT 'recommended',
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    rules JSONB NOT NULL DEFAULT '[]'::jsonb,
    created_by TEXT COLLATE "C",
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT compliance_policies_pkey PRIMARY KEY (id),
    CONSTRAINT compliance_policies_id_check CHECK (id <> ''),
    CONSTRAINT compliance_policies_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT compliance_policies_level_check
    CHECK (level IN ('mandatory', 'recommended', 'optional')),
    CONSTRAINT compliance_policies_rules_check CHECK (jsonb_typeof(rules) = 'array'),
    CONSTRAINT compliance_policies_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_compliance_policies_created
ON compliance_policies (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_policies_workspace
ON compliance_policies (workspace_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_policies_framework
ON compliance_policies (framework_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_compliance_policies_vertical
ON compliance_policies (vertical_id, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS compliance_violations (
    id TEXT COLLATE "C" NOT NULL,
    policy_id TEXT COLLATE "C",
    rule_id TEXT NOT NULL,
    rule_name TEXT NOT NULL DEFAULT '',
    framework_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    vertical_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    workspace_id TEXT COLLATE "C" NOT NULL DEFAULT 'default',
    severity TEXT NOT NULL DEFAULT 'medium',
    status TEXT NOT NULL DEFAULT 'open',
    description TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    detected_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    resolved_at TIMESTAMPTZ,
    resolved_by TEXT COLLATE "C",
    resolution_notes TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT compliance_violations_pkey PRIMARY KEY (id),
    CONSTRAINT compliance_violations_policy_id_fkey
    FOREIGN KEY (policy_id) REFERENCES compliance_policies (id) ON DELETE SET NULL,
    CONSTRAINT compliance_violations_id_check CHECK (id <> ''),
    CONSTRAINT compliance_violations_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT compliance_violations_severity_check
    CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    CONSTRAINT compliance_violations_status_check
    CHECK (status IN ('open', 'investigating', 'resolved', 'false_positive')),
    CONSTRAINT compliance_violations_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

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
    number BIGINT GENERATED BY DEFAULT AS IDENTITY,
    id TEXT COLLATE "C" NOT NULL,
    policy_id TEXT COLLATE "C" NOT NULL,
    action TEXT NOT NULL,
    changed_by TEXT COLLATE "C",
    changed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    old_value JSONB,
    new_value JSONB,
    CONSTRAINT compliance_policy_audit_pkey PRIMARY KEY (number),
    CONSTRAINT compliance_policy_audit_id_key UNIQUE (id),
    CONSTRAINT compliance_policy_audit_id_check CHECK (id <> ''),
    CONSTRAINT compliance_policy_audit_policy_id_check CHECK (policy_id <> ''),
    CONSTRAINT compliance_policy_audit_action_check
    CHECK (action IN ('create', 'update', 'delete')),
    CONSTRAINT compliance_policy_audit_old_value_check CHECK (jsonb_typeof(old_value) = 'object'),
    CONSTRAINT compliance_policy_audit_new_value_check CHECK (jsonb_typeof(new_value) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_compliance_policy_audit_policy
ON compliance_policy_audit (policy_id, changed_at DESC, number DESC);

-- What is refused is refused as the breaking of a rule, as on SQLite.
CREATE OR REPLACE FUNCTION compliance_refuse_change() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: changes of policies stay as they were told',
        tg_op, tg_table_name
    USING ERRCODE = 'restrict_violation';
END
$$;

DROP TRIGGER IF EXISTS compliance_policy_audit_unchanged ON compliance_policy_audit;
CREATE TRIGGER compliance_policy_audit_unchanged
BEFORE UPDATE OR DELETE ON compliance_policy_audit
FOR EACH ROW EXECUTE FUNCTION compliance_refuse_change();
DROP TRIGGER IF EXISTS compliance_policy_audit_kept ON compliance_policy_audit;
CREATE TRIGGER compliance_policy_audit_kept
BEFORE TRUNCATE ON compliance_policy_audit
FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse_change();

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE compliance_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_violations ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_policy_audit ENABLE ROW LEVEL SECURITY;

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
            || 'compliance_policies, compliance_violations, compliance_policy_audit FROM %I',
            role_name
        );
        EXECUTE format(
            'REVOKE ALL ON SEQUENCE compliance_policy_audit_number_seq FROM %I', role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE compliance_policies IS 'Policies that workspaces have to comply with.';
COMMENT ON COLUMN compliance_policies.id IS 'Identifier of the policy.';
COMMENT ON COLUMN compliance_policies.name IS 'What people call it.';
COMMENT ON COLUMN compliance_policies.description IS 'What it is about.';
COMMENT ON COLUMN compliance_policies.framework_id IS 'The framework that it is of, such as soc2.';
COMMENT ON COLUMN compliance_policies.workspace_id IS 'The workspace that it is for.';
COMMENT ON COLUMN compliance_policies.vertical_id IS 'The line of business that it is for.';
COMMENT ON COLUMN compliance_policies.level IS 'mandatory, recommended or optional.';
COMMENT ON COLUMN compliance_policies.enabled IS 'Whether it is in force.';
COMMENT ON COLUMN compliance_policies.rules IS 'Its rules: a list of objects.';
COMMENT ON COLUMN compliance_policies.created_by IS 'Who made it. [user]';
COMMENT ON COLUMN compliance_policies.metadata IS 'Whatever else is known of it: a document.';
COMMENT ON COLUMN compliance_policies.created_at IS 'When it was made; never changes.';
COMMENT ON COLUMN compliance_policies.updated_at IS 'When it was last changed.';

COMMENT ON TABLE compliance_violations IS 'What broke a policy''s rule, and how that was settled.';
COMMENT ON COLUMN compliance_violations.id IS 'Identifier of the violation.';
COMMENT ON COLUMN compliance_violations.policy_id IS 'The policy; NULL when there is none, or it is gone.';
COMMENT ON COLUMN compliance_violations.rule_id IS 'The rule that was broken.';
COMMENT ON COLUMN compliance_violations.rule_name IS 'What people call the rule.';
COMMENT ON COLUMN compliance_violations.framework_id IS 'The framework; empty when it was not said.';
COMMENT ON COLUMN compliance_violations.vertical_id IS 'The line of business; empty when it was not said.';
COMMENT ON COLUMN compliance_violations.workspace_id IS 'The workspace that it happened in.';
COMMENT ON COLUMN compliance_violations.severity IS 'critical, high, medium, low or info.';
COMMENT ON COLUMN compliance_violations.status IS 'open, investigating, resolved or false_positive; the latter two are settled.';
COMMENT ON COLUMN compliance_violations.description IS 'What happened.';
COMMENT ON COLUMN compliance_violations.source IS 'Where it was found.';
COMMENT ON COLUMN compliance_violations.detected_at IS 'When it was found.';
COMMENT ON COLUMN compliance_violations.resolved_at IS 'When it was last settled.';
COMMENT ON COLUMN compliance_violations.resolved_by IS 'Who last settled it. [user]';
COMMENT ON COLUMN compliance_violations.resolution_notes IS 'How it was last settled, as that user wrote. [personal]';
COMMENT ON COLUMN compliance_violations.metadata IS 'Whatever else is known of it: a document.';

COMMENT ON TABLE compliance_policy_audit IS 'What was changed in policies. Rows are never changed nor removed. [kept]';
COMMENT ON COLUMN compliance_policy_audit.number IS 'Number of the row; of two of one time the lower one came first.';
COMMENT ON COLUMN compliance_policy_audit.id IS 'Identifier of the change.';
COMMENT ON COLUMN compliance_policy_audit.policy_id IS 'The policy, which may be gone, so no foreign key leads there.';
COMMENT ON COLUMN compliance_policy_audit.action IS 'create, update or delete.';
COMMENT ON COLUMN compliance_policy_audit.changed_by IS 'Who changed it. [user]';
COMMENT ON COLUMN compliance_policy_audit.changed_at IS 'When it was changed.';
COMMENT ON COLUMN compliance_policy_audit.old_value IS 'The whole policy before; NULL of a new one.';
COMMENT ON COLUMN compliance_policy_audit.new_value IS 'The whole policy after; NULL of one that was deleted.';

INSERT INTO _schema_versions (module, version) VALUES ('compliance', 1)
ON CONFLICT (module) DO NOTHING;
