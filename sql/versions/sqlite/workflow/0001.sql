-- Finding workflows: in which state a finding is, who works on it until when, and all that happened.

CREATE TABLE IF NOT EXISTS finding_workflows (
    finding_id TEXT NOT NULL,
    current_state TEXT NOT NULL DEFAULT 'open',
    -- The one place that says which states end the work.
    is_terminal INTEGER NOT NULL GENERATED ALWAYS AS (
        current_state IN (
            'resolved', 'false_positive', 'accepted_risk', 'duplicate', 'wont_fix'
        )
    ) STORED,
    assigned_to TEXT,
    assigned_by TEXT,
    assigned_at TEXT,
    priority INTEGER NOT NULL DEFAULT 3,
    due_date TEXT,
    parent_finding_id TEXT,
    resolved_at TEXT,
    state_entered_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    time_in_states TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT finding_workflows_pkey PRIMARY KEY (finding_id),
    CONSTRAINT finding_workflows_finding_id_check CHECK (finding_id <> ''),
    CONSTRAINT finding_workflows_current_state_check CHECK (current_state <> ''),
    CONSTRAINT finding_workflows_is_terminal_check CHECK (is_terminal IN (0, 1)),
    CONSTRAINT finding_workflows_priority_check CHECK (priority BETWEEN 1 AND 5),
    CONSTRAINT finding_workflows_parent_finding_id_check CHECK (parent_finding_id <> finding_id),
    CONSTRAINT finding_workflows_time_in_states_check
    CHECK (json_valid(time_in_states) AND json_type(time_in_states) = 'object'),
    CONSTRAINT finding_workflows_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT finding_workflows_version_check CHECK (version >= 1),
    CONSTRAINT finding_workflows_assigned_at_check
    CHECK (assigned_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT finding_workflows_due_date_check
    CHECK (due_date LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT finding_workflows_resolved_at_check
    CHECK (resolved_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT finding_workflows_state_entered_at_check
    CHECK (state_entered_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT finding_workflows_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT finding_workflows_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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
    finding_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    occurred_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    user_id TEXT,
    user_name TEXT,
    from_state TEXT,
    to_state TEXT,
    field_name TEXT,
    old_value TEXT,
    new_value TEXT,
    comment TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT finding_history_pkey PRIMARY KEY (finding_id, position),
    CONSTRAINT finding_history_event_id_key UNIQUE (finding_id, event_id),
    CONSTRAINT finding_history_finding_id_fkey
    FOREIGN KEY (finding_id) REFERENCES finding_workflows (finding_id) ON DELETE CASCADE,
    CONSTRAINT finding_history_position_check CHECK (position >= 1),
    CONSTRAINT finding_history_event_id_check CHECK (event_id <> ''),
    CONSTRAINT finding_history_event_type_check CHECK (event_type <> ''),
    CONSTRAINT finding_history_old_value_check
    CHECK (old_value IS NULL OR (json_valid(old_value) AND json_type(old_value) <> 'null')),
    CONSTRAINT finding_history_new_value_check
    CHECK (new_value IS NULL OR (json_valid(new_value) AND json_type(new_value) <> 'null')),
    CONSTRAINT finding_history_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT finding_history_occurred_at_check
    CHECK (occurred_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS finding_links (
    finding_id TEXT NOT NULL,
    linked_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    CONSTRAINT finding_links_pkey PRIMARY KEY (finding_id, linked_id),
    CONSTRAINT finding_links_finding_id_fkey
    FOREIGN KEY (finding_id) REFERENCES finding_workflows (finding_id) ON DELETE CASCADE,
    CONSTRAINT finding_links_linked_id_check CHECK (linked_id <> '' AND linked_id <> finding_id),
    CONSTRAINT finding_links_position_check CHECK (position >= 1)
) STRICT;

INSERT INTO _schema_versions (module, version) VALUES ('workflow', 1)
ON CONFLICT (module) DO NOTHING;
