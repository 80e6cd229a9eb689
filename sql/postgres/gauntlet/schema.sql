-- Gauntlets, which put something to the test: runs with their cases, results, and what is in flight.

-- meaning: values of gauntlet_runs.run_id ["g1", "g2", "g3", "g4"] because cases belong to runs
-- meaning: values of gauntlet_cases.run_id ["g1", "g2"] because cases belong to runs
-- meaning: values of gauntlet_runs.template_id ["t1", "t2"] because few templates have many runs
-- meaning: values of gauntlet_runs.workspace_id ["w1", "w2", null] because few workspaces have many runs
-- meaning: values of gauntlet_runs.org_id ["o1", "o2", null] because few organizations have many runs
-- meaning: values of gauntlet_results.input_hash ["h1", "h2"] because an input is tested again
-- meaning: values of gauntlet_results.org_id ["o1", "o2", null] because few organizations have many results
-- meaning: values of gauntlet_inflight.org_id ["o1", "o2", null] because few organizations have much in flight

CREATE TABLE IF NOT EXISTS gauntlet_runs (
    run_id TEXT COLLATE "C" NOT NULL,
    template_id TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    config_data JSONB NOT NULL DEFAULT '{}'::jsonb,
    result_data JSONB,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    triggered_by TEXT,
    workspace_id TEXT COLLATE "C",
    org_id TEXT COLLATE "C",
    tags JSONB NOT NULL DEFAULT '[]'::jsonb,
    extra JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT gauntlet_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT gauntlet_runs_run_id_check CHECK (run_id <> ''),
    CONSTRAINT gauntlet_runs_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    CONSTRAINT gauntlet_runs_config_data_check CHECK (jsonb_typeof(config_data) = 'object'),
    CONSTRAINT gauntlet_runs_result_data_check CHECK (jsonb_typeof(result_data) = 'object'),
    CONSTRAINT gauntlet_runs_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gauntlet_runs_tags_check CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT gauntlet_runs_extra_check CHECK (jsonb_typeof(extra) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_gauntlet_runs_created
ON gauntlet_runs (created_at DESC, run_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_runs_status
ON gauntlet_runs (status, created_at DESC, run_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_runs_template
ON gauntlet_runs (template_id, created_at DESC, run_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_runs_workspace
ON gauntlet_runs (workspace_id, created_at DESC, run_id DESC) WHERE workspace_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_gauntlet_runs_org
ON gauntlet_runs (org_id, created_at DESC, run_id DESC) WHERE org_id IS NOT NULL;
-- What has ended stays out, so the queue costs the same however many runs there were.
CREATE INDEX IF NOT EXISTS idx_gauntlet_runs_active
ON gauntlet_runs (created_at DESC, run_id DESC) WHERE status IN ('pending', 'running');

CREATE TABLE IF NOT EXISTS gauntlet_cases (
    run_id TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    input TEXT NOT NULL DEFAULT '',
    expected_output TEXT,
    actual_output TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    score DOUBLE PRECISION,
    duration_ms DOUBLE PRECISION,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    finished_at TIMESTAMPTZ,
    CONSTRAINT gauntlet_cases_pkey PRIMARY KEY (run_id, case_id),
    CONSTRAINT gauntlet_cases_run_id_fkey
    FOREIGN KEY (run_id) REFERENCES gauntlet_runs (run_id) ON DELETE CASCADE,
    CONSTRAINT gauntlet_cases_case_id_check CHECK (case_id <> ''),
    CONSTRAINT gauntlet_cases_status_check
    CHECK (status IN ('pending', 'running', 'passed', 'failed', 'error', 'skipped')),
    CONSTRAINT gauntlet_cases_score_check CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT gauntlet_cases_duration_ms_check
    CHECK (duration_ms BETWEEN 0 AND '1e300'::double precision)
);

CREATE TABLE IF NOT EXISTS gauntlet_results (
    gauntlet_id TEXT COLLATE "C" NOT NULL,
    input_hash TEXT COLLATE "C" NOT NULL,
    input_summary TEXT NOT NULL DEFAULT '',
    result JSONB NOT NULL,
    verdict TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    robustness_score DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    critical_count INTEGER NOT NULL DEFAULT 0,
    high_count INTEGER NOT NULL DEFAULT 0,
    medium_count INTEGER NOT NULL DEFAULT 0,
    low_count INTEGER NOT NULL DEFAULT 0,
    total_findings INTEGER NOT NULL DEFAULT 0,
    agents_used JSONB NOT NULL DEFAULT '[]'::jsonb,
    template_used TEXT,
    duration_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    org_id TEXT COLLATE "C",
    content_hash TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT gauntlet_results_pkey PRIMARY KEY (gauntlet_id),
    CONSTRAINT gauntlet_results_gauntlet_id_check CHECK (gauntlet_id <> ''),
    CONSTRAINT gauntlet_results_result_check CHECK (jsonb_typeof(result) = 'object'),
    CONSTRAINT gauntlet_results_verdict_check
    CHECK (verdict IN (
        'pass', 'approved', 'conditional', 'approved_with_conditions', 'needs_review', 'fail',
        'rejected', 'unknown'
    )),
    CONSTRAINT gauntlet_results_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT gauntlet_results_robustness_score_check CHECK (robustness_score BETWEEN 0 AND 1),
    CONSTRAINT gauntlet_results_critical_count_check CHECK (critical_count >= 0),
    CONSTRAINT gauntlet_results_high_count_check CHECK (high_count >= 0),
    CONSTRAINT gauntlet_results_medium_count_check CHECK (medium_count >= 0),
    CONSTRAINT gauntlet_results_low_count_check CHECK (low_count >= 0),
    CONSTRAINT gauntlet_results_total_findings_check CHECK (total_findings >= 0),
    CONSTRAINT gauntlet_results_agents_used_check CHECK (jsonb_typeof(agents_used) = 'array'),
    CONSTRAINT gauntlet_results_duration_seconds_check
    CHECK (duration_seconds BETWEEN 0 AND '1e300'::double precision),
    CONSTRAINT gauntlet_results_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gauntlet_results_content_hash_check CHECK (length(content_hash) = 64)
);

CREATE INDEX IF NOT EXISTS idx_gauntlet_results_created
ON gauntlet_results (created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_results_input
ON gauntlet_results (input_hash, created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_results_verdict
ON gauntlet_results (verdict, created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_results_org
ON gauntlet_results (org_id, created_at DESC, gauntlet_id DESC) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS gauntlet_inflight (
    gauntlet_id TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    input_type TEXT,
    input_summary TEXT,
    input_hash TEXT,
    persona TEXT,
    profile TEXT,
    agents JSONB NOT NULL DEFAULT '[]'::jsonb,
    config JSONB NOT NULL DEFAULT '{}'::jsonb,
    current_phase TEXT,
    progress_percent DOUBLE PRECISION NOT NULL DEFAULT 0,
    error TEXT,
    org_id TEXT COLLATE "C",
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT gauntlet_inflight_pkey PRIMARY KEY (gauntlet_id),
    CONSTRAINT gauntlet_inflight_gauntlet_id_check CHECK (gauntlet_id <> ''),
    CONSTRAINT gauntlet_inflight_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'interrupted')),
    CONSTRAINT gauntlet_inflight_agents_check CHECK (jsonb_typeof(agents) = 'array'),
    CONSTRAINT gauntlet_inflight_config_check CHECK (jsonb_typeof(config) = 'object'),
    CONSTRAINT gauntlet_inflight_progress_percent_check
    CHECK (progress_percent BETWEEN 0 AND 100),
    CONSTRAINT gauntlet_inflight_org_id_check CHECK (org_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_gauntlet_inflight_created
ON gauntlet_inflight (created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_inflight_org
ON gauntlet_inflight (org_id, created_at DESC, gauntlet_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_gauntlet_inflight_status
ON gauntlet_inflight (status, updated_at, gauntlet_id);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE gauntlet_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE gauntlet_cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE gauntlet_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE gauntlet_inflight ENABLE ROW LEVEL SECURITY;

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
            || 'gauntlet_runs, gauntlet_cases, gauntlet_results, gauntlet_inflight '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE gauntlet_runs IS 'Runs of gauntlets by a template.';
COMMENT ON COLUMN gauntlet_runs.run_id IS 'Identifier of the run, given by the application.';
COMMENT ON COLUMN gauntlet_runs.template_id IS 'The template that it is run by.';
COMMENT ON COLUMN gauntlet_runs.status IS 'pending, running, completed, failed or cancelled; the last three are final.';
COMMENT ON COLUMN gauntlet_runs.config_data IS 'How it is run: a document.';
COMMENT ON COLUMN gauntlet_runs.result_data IS 'What came of it: a document.';
COMMENT ON COLUMN gauntlet_runs.started_at IS 'When it first ran; NULL of one that ended without.';
COMMENT ON COLUMN gauntlet_runs.completed_at IS 'When it ended, in whatever way.';
COMMENT ON COLUMN gauntlet_runs.triggered_by IS 'User who started it. [user]';
COMMENT ON COLUMN gauntlet_runs.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN gauntlet_runs.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN gauntlet_runs.tags IS 'Free labels.';
COMMENT ON COLUMN gauntlet_runs.extra IS 'Whatever else was saved, and has no column.';
COMMENT ON COLUMN gauntlet_runs.created_at IS 'When it was first saved; never changes.';
COMMENT ON COLUMN gauntlet_runs.updated_at IS 'When it was last changed.';

COMMENT ON TABLE gauntlet_cases IS 'Cases of a run. They go with it.';
COMMENT ON COLUMN gauntlet_cases.run_id IS 'The run.';
COMMENT ON COLUMN gauntlet_cases.case_id IS 'Identifier of the case within the run, given by the application.';
COMMENT ON COLUMN gauntlet_cases.name IS 'What is tested.';
COMMENT ON COLUMN gauntlet_cases.input IS 'What it is tested with.';
COMMENT ON COLUMN gauntlet_cases.expected_output IS 'What should come of it.';
COMMENT ON COLUMN gauntlet_cases.actual_output IS 'What came of it.';
COMMENT ON COLUMN gauntlet_cases.status IS 'pending, running, passed, failed, error or skipped; the last four are final.';
COMMENT ON COLUMN gauntlet_cases.score IS 'How well it went, 0 to 1.';
COMMENT ON COLUMN gauntlet_cases.duration_ms IS 'How long it took, in milliseconds.';
COMMENT ON COLUMN gauntlet_cases.created_at IS 'When it was saved.';
COMMENT ON COLUMN gauntlet_cases.finished_at IS 'When it ended.';

COMMENT ON TABLE gauntlet_results IS 'What gauntlets found.';
COMMENT ON COLUMN gauntlet_results.gauntlet_id IS 'Identifier of the gauntlet, given by the application.';
COMMENT ON COLUMN gauntlet_results.input_hash IS 'SHA-256 of the input, in hexadecimal; empty when the application did not say it.';
COMMENT ON COLUMN gauntlet_results.input_summary IS 'The beginning of the input, up to 500 characters.';
COMMENT ON COLUMN gauntlet_results.result IS 'The whole result: a document.';
COMMENT ON COLUMN gauntlet_results.verdict IS 'pass, approved, conditional, approved_with_conditions, needs_review, fail, rejected or unknown.';
COMMENT ON COLUMN gauntlet_results.confidence IS 'Confidence in the verdict, 0 to 1.';
COMMENT ON COLUMN gauntlet_results.robustness_score IS 'How much it withstood, 0 to 1.';
COMMENT ON COLUMN gauntlet_results.critical_count IS 'Critical findings.';
COMMENT ON COLUMN gauntlet_results.high_count IS 'Findings of high severity.';
COMMENT ON COLUMN gauntlet_results.medium_count IS 'Findings of medium severity.';
COMMENT ON COLUMN gauntlet_results.low_count IS 'Findings of low severity.';
COMMENT ON COLUMN gauntlet_results.total_findings IS 'All findings, also those without a severity.';
COMMENT ON COLUMN gauntlet_results.agents_used IS 'Names of the agents that took part.';
COMMENT ON COLUMN gauntlet_results.template_used IS 'The template that it was run by.';
COMMENT ON COLUMN gauntlet_results.duration_seconds IS 'How long it took, in seconds.';
COMMENT ON COLUMN gauntlet_results.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN gauntlet_results.content_hash IS 'SHA-256 of the columns from gauntlet_id to duration_seconds, by which the store knows that nobody changed them.';
COMMENT ON COLUMN gauntlet_results.created_at IS 'When it was first saved; never changes.';

COMMENT ON TABLE gauntlet_inflight IS 'Gauntlets that are under way, and those that ended a while ago.';
COMMENT ON COLUMN gauntlet_inflight.gauntlet_id IS 'Identifier of the gauntlet, given by the application.';
COMMENT ON COLUMN gauntlet_inflight.status IS 'pending, running, completed, failed or interrupted; the last three are final.';
COMMENT ON COLUMN gauntlet_inflight.input_type IS 'Kind of the input.';
COMMENT ON COLUMN gauntlet_inflight.input_summary IS 'The beginning of the input.';
COMMENT ON COLUMN gauntlet_inflight.input_hash IS 'SHA-256 of the input, in hexadecimal.';
COMMENT ON COLUMN gauntlet_inflight.persona IS 'The persona that attacks.';
COMMENT ON COLUMN gauntlet_inflight.profile IS 'The profile that it is run by.';
COMMENT ON COLUMN gauntlet_inflight.agents IS 'Names of the agents that take part.';
COMMENT ON COLUMN gauntlet_inflight.config IS 'What it takes to run it again, with the whole input.';
COMMENT ON COLUMN gauntlet_inflight.current_phase IS 'What it is at.';
COMMENT ON COLUMN gauntlet_inflight.progress_percent IS 'How far it is, 0 to 100.';
COMMENT ON COLUMN gauntlet_inflight.error IS 'What went wrong.';
COMMENT ON COLUMN gauntlet_inflight.org_id IS 'Organization that it belongs to; the tenant key.';
COMMENT ON COLUMN gauntlet_inflight.created_at IS 'When it was begun.';
COMMENT ON COLUMN gauntlet_inflight.updated_at IS 'When something was last heard of it.';

INSERT INTO _schema_versions (module, version) VALUES ('gauntlet', 1)
ON CONFLICT (module) DO NOTHING;
