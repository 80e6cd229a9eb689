-- Finding workflows: in which state a finding is, who works on it until when, and all that happened.

CREATE TABLE IF NOT EXISTS finding_workflows (
    finding_id TEXT COLLATE "C" NOT NULL,
    current_state TEXT NOT NULL DEFAULT 'open',
    -- The one place that says which states end the work.
    is_terminal BOOLEAN NOT NULL GENERATED ALWAYS AS (
        current_state IN (
            'resolved', 'false_positive', 'accepted_risk', 'duplicate', 'wont_fix'
        )
    ) STORED,
    assigned_to TEXT,
    assigned_by TEXT,
    assigned_at TIMESTAMPTZ,
    priority INTEGER NOT NULL DEFAULT 3,
    due_date TIMESTAMPTZ,
    parent_finding_id TEXT,
    resolved_at TIMESTAMPTZ,
    state_entered_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    time_in_states JSONB NOT NULL DEFAULT '{}'::jsonb,
    extra JSONB NOT NULL DEFAULT '{}'::jsonb,
    version INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT finding_workflows_pkey PRIMARY KEY (finding_id),
    CONSTRAINT finding_workflows_finding_id_check CHECK (finding_id <> ''),
    CONSTRAINT finding_workflows_current_state_check CHECK (current_state <> ''),
    CONSTRAINT finding_workflows_priority_check CHECK (priority BETWEEN 1 AND 5),
    CONSTRAINT finding_workflows_parent_finding_id_check CHECK (parent_finding_id <> finding_id),
    CONSTRAINT finding_workflows_time_in_states_check
    CHECK (jsonb_typeof(time_in_states) = 'object'),
    CONSTRAINT finding_workflows_extra_check CHECK (jsonb_typeof(extra) = 'object'),
    CONSTRAINT finding_workflows_version_check CHECK (version >= 1)
);

CREATE INDEX IF NOT EXISTS idx_finding_workflows_created
ON finding_workflows (created_at DESC, finding_id DESC);
CREATE INDEX IF NOT EXISTS idx_finding_workflows_assigned_to
ON finding_workflows (assigned_to, created_at DESC, finding_id DESC);
CREATE INDEX IF NOT EXISTS idx_finding_workflows_state
ON finding_workflows (current_state, created_at DESC, finding_id DESC);
-- Findings that are done stay out, so what is overdue costs the same however many there are.
CREATE INDEX IF NOT EXISTS idx_finding_workflows_due
ON finding_workflows (due_date, finding_id) WHERE NOT is_terminal;
CREATE INDEX IF NOT EXISTS idx_finding_workflows_parent
ON finding_workflows (parent_finding_id, created_at DESC, finding_id DESC)
WHERE parent_finding_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS finding_history (
    finding_id TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    user_id TEXT,
    user_name TEXT,
    from_state TEXT,
    to_state TEXT,
    field_name TEXT,
    old_value JSONB,
    new_value JSONB,
    comment TEXT,
    extra JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT finding_history_pkey PRIMARY KEY (finding_id, position),
    CONSTRAINT finding_history_event_id_key UNIQUE (finding_id, event_id),
    CONSTRAINT finding_history_finding_id_fkey
    FOREIGN KEY (finding_id) REFERENCES finding_workflows (finding_id) ON DELETE CASCADE,
    CONSTRAINT finding_history_position_check CHECK (position >= 1),
    CONSTRAINT finding_history_event_id_check CHECK (event_id <> ''),
    CONSTRAINT finding_history_event_type_check CHECK (event_type <> ''),
    CONSTRAINT finding_history_old_value_check CHECK (jsonb_typeof(old_value) <> 'null'),
    CONSTRAINT finding_history_new_value_check CHECK (jsonb_typeof(new_value) <> 'null'),
    CONSTRAINT finding_history_extra_check CHECK (jsonb_typeof(extra) = 'object')
);

CREATE TABLE IF NOT EXISTS finding_links (
    finding_id TEXT COLLATE "C" NOT NULL,
    linked_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT finding_links_pkey PRIMARY KEY (finding_id, linked_id),
    CONSTRAINT finding_links_finding_id_fkey
    FOREIGN KEY (finding_id) REFERENCES finding_workflows (finding_id) ON DELETE CASCADE,
    CONSTRAINT finding_links_linked_id_check CHECK (linked_id <> '' AND linked_id <> finding_id),
    CONSTRAINT finding_links_position_check CHECK (position >= 1)
);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE finding_workflows ENABLE ROW LEVEL SECURITY;
ALTER TABLE finding_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE finding_links ENABLE ROW LEVEL SECURITY;

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
            || 'finding_workflows, finding_history, finding_links FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE finding_workflows IS 'What became of a finding so far: its present state.';
COMMENT ON COLUMN finding_workflows.finding_id IS 'Identifier of the finding, given by the application.';
COMMENT ON COLUMN finding_workflows.current_state IS 'Present state; a state of an older system is kept as it was.';
COMMENT ON COLUMN finding_workflows.is_terminal IS 'Whether the present state ends the work; computed.';
COMMENT ON COLUMN finding_workflows.assigned_to IS 'User who works on it. [user]';
COMMENT ON COLUMN finding_workflows.assigned_by IS 'User who assigned it. [user]';
COMMENT ON COLUMN finding_workflows.assigned_at IS 'When it was assigned.';
COMMENT ON COLUMN finding_workflows.priority IS '1 (most urgent) to 5 (least).';
COMMENT ON COLUMN finding_workflows.due_date IS 'Timestamp by which it has to be done.';
COMMENT ON COLUMN finding_workflows.parent_finding_id IS 'The finding that a duplicate repeats; it need not be stored.';
COMMENT ON COLUMN finding_workflows.resolved_at IS 'When it was resolved; NULL again after it was reopened.';
COMMENT ON COLUMN finding_workflows.state_entered_at IS 'When the present state began.';
COMMENT ON COLUMN finding_workflows.time_in_states IS 'Seconds spent in each state that was left, by state.';
COMMENT ON COLUMN finding_workflows.extra IS 'Members of the application''s document that have no column.';
COMMENT ON COLUMN finding_workflows.version IS 'Number of the last change; every change adds 1.';
COMMENT ON COLUMN finding_workflows.created_at IS 'When the workflow began; never changes.';
COMMENT ON COLUMN finding_workflows.updated_at IS 'When it was last changed.';

COMMENT ON TABLE finding_history IS 'What happened to a finding; rows are only ever added.';
COMMENT ON COLUMN finding_history.finding_id IS 'The finding.';
COMMENT ON COLUMN finding_history.position IS 'Place in the finding''s history, from 1.';
COMMENT ON COLUMN finding_history.event_id IS 'Identifier of the event within its finding.';
COMMENT ON COLUMN finding_history.event_type IS 'state_change, assignment, comment, …; types of an older system are kept.';
COMMENT ON COLUMN finding_history.occurred_at IS 'When it happened.';
COMMENT ON COLUMN finding_history.user_id IS 'User who did it. [user]';
COMMENT ON COLUMN finding_history.user_name IS 'Name of that user at that time. [personal]';
COMMENT ON COLUMN finding_history.from_state IS 'State before a change of state.';
COMMENT ON COLUMN finding_history.to_state IS 'State after a change of state.';
COMMENT ON COLUMN finding_history.field_name IS 'What was changed, where it is not the state.';
COMMENT ON COLUMN finding_history.old_value IS 'Its value before; NULL where there was none.';
COMMENT ON COLUMN finding_history.new_value IS 'Its value after; NULL where there is none.';
COMMENT ON COLUMN finding_history.comment IS 'What the user wrote. [personal]';
COMMENT ON COLUMN finding_history.extra IS 'Members of the event that have no column.';

COMMENT ON TABLE finding_links IS 'Findings that a finding refers to.';
COMMENT ON COLUMN finding_links.finding_id IS 'The finding that refers.';
COMMENT ON COLUMN finding_links.linked_id IS 'The finding referred to; it need not be stored.';
COMMENT ON COLUMN finding_links.position IS 'Place in the finding''s list, from 1.';

INSERT INTO _schema_versions (module, version) VALUES ('workflow', 1)
ON CONFLICT (module) DO NOTHING;
