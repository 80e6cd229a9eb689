-- Gauntlets, which put something to the test: runs with their cases, results, and what is in flight.

CREATE TABLE IF NOT EXISTS gauntlet_runs (
    run_id TEXT NOT NULL,
    template_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    config_data TEXT NOT NULL DEFAULT '{}',
    result_data TEXT,
    started_at TEXT,
    completed_at TEXT,
    triggered_by TEXT,
    workspace_id TEXT,
    org_id TEXT,
    tags TEXT NOT NULL DEFAULT '[]',
    extra TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT gauntlet_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT gauntlet_runs_run_id_check CHECK (run_id <> ''),
    CONSTRAINT gauntlet_runs_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    CONSTRAINT gauntlet_runs_config_data_check
    CHECK (json_valid(config_data) AND json_type(config_data) = 'object'),
    CONSTRAINT gauntlet_runs_result_data_check
    CHECK (
        result_data IS NULL OR (json_valid(result_data) AND json_type(result_data) = 'object')
    ),
    CONSTRAINT gauntlet_runs_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gauntlet_runs_tags_check
    CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    CONSTRAINT gauntlet_runs_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT gauntlet_runs_started_at_check CHECK (started_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gauntlet_runs_completed_at_check
    CHECK (completed_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gauntlet_runs_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gauntlet_runs_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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
    run_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    name TEXT NOT NULL,
    input TEXT NOT NULL DEFAULT '',
    expected_output TEXT,
    actual_output TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    score REAL,
    duration_ms REAL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    finished_at TEXT,
    CONSTRAINT gauntlet_cases_pkey PRIMARY KEY (run_id, case_id),
    CONSTRAINT gauntlet_cases_run_id_fkey
    FOREIGN KEY (run_id) REFERENCES gauntlet_runs (run_id) ON DELETE CASCADE,
    CONSTRAINT gauntlet_cases_case_id_check CHECK (case_id <> ''),
    CONSTRAINT gauntlet_cases_status_check
    CHECK (status IN ('pending', 'running', 'passed', 'failed', 'error', 'skipped')),
    CONSTRAINT gauntlet_cases_score_check CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT gauntlet_cases_duration_ms_check
    CHECK (duration_ms BETWEEN 0 AND 1e300),
    CONSTRAINT gauntlet_cases_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gauntlet_cases_finished_at_check
    CHECK (finished_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS gauntlet_results (
    gauntlet_id TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    input_summary TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL,
    verdict TEXT NOT NULL,
    confidence REAL NOT NULL DEFAULT 0.5,
    robustness_score REAL NOT NULL DEFAULT 0.5,
    critical_count INTEGER NOT NULL DEFAULT 0,
    high_count INTEGER NOT NULL DEFAULT 0,
    medium_count INTEGER NOT NULL DEFAULT 0,
    low_count INTEGER NOT NULL DEFAULT 0,
    total_findings INTEGER NOT NULL DEFAULT 0,
    agents_used TEXT NOT NULL DEFAULT '[]',
    template_used TEXT,
    duration_seconds REAL NOT NULL DEFAULT 0,
    org_id TEXT,
    content_hash TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT gauntlet_results_pkey PRIMARY KEY (gauntlet_id),
    CONSTRAINT gauntlet_results_gauntlet_id_check CHECK (gauntlet_id <> ''),
    CONSTRAINT gauntlet_results_result_check
    CHECK (json_valid(result) AND json_type(result) = 'object'),
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
    CONSTRAINT gauntlet_results_agents_used_check
    CHECK (json_valid(agents_used) AND json_type(agents_used) = 'array'),
    CONSTRAINT gauntlet_results_duration_seconds_check
    CHECK (duration_seconds BETWEEN 0 AND 1e300),
    CONSTRAINT gauntlet_results_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gauntlet_results_content_hash_check CHECK (length(content_hash) = 64),
    CONSTRAINT gauntlet_results_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_gauntlet_results_created
ON gauntlet_results (created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_results_input
ON gauntlet_results (input_hash, created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_results_verdict
ON gauntlet_results (verdict, created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_results_org
ON gauntlet_results (org_id, created_at DESC, gauntlet_id DESC) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS gauntlet_inflight (
    gauntlet_id TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    input_type TEXT,
    input_summary TEXT,
    input_hash TEXT,
    persona TEXT,
    profile TEXT,
    agents TEXT NOT NULL DEFAULT '[]',
    config TEXT NOT NULL DEFAULT '{}',
    current_phase TEXT,
    progress_percent REAL NOT NULL DEFAULT 0,
    error TEXT,
    org_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT gauntlet_inflight_pkey PRIMARY KEY (gauntlet_id),
    CONSTRAINT gauntlet_inflight_gauntlet_id_check CHECK (gauntlet_id <> ''),
    CONSTRAINT gauntlet_inflight_status_check
    CHECK (status IN ('pending', 'running', 'completed', 'failed', 'interrupted')),
    CONSTRAINT gauntlet_inflight_agents_check
    CHECK (json_valid(agents) AND json_type(agents) = 'array'),
    CONSTRAINT gauntlet_inflight_config_check
    CHECK (json_valid(config) AND json_type(config) = 'object'),
    CONSTRAINT gauntlet_inflight_progress_percent_check
    CHECK (progress_percent BETWEEN 0 AND 100),
    CONSTRAINT gauntlet_inflight_org_id_check CHECK (org_id <> ''),
    CONSTRAINT gauntlet_inflight_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT gauntlet_inflight_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_gauntlet_inflight_created
ON gauntlet_inflight (created_at DESC, gauntlet_id DESC);
CREATE INDEX IF NOT EXISTS idx_gauntlet_inflight_org
ON gauntlet_inflight (org_id, created_at DESC, gauntlet_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_gauntlet_inflight_status
ON gauntlet_inflight (status, updated_at, gauntlet_id);

INSERT INTO _schema_versions (module, version) VALUES ('gauntlet', 1)
ON CONFLICT (module) DO NOTHING;
