-- Critique store: debates, the critiques made in them, the patterns learned, who can be relied on.

CREATE TABLE IF NOT EXISTS debates (
    id TEXT NOT NULL,
    task TEXT NOT NULL,
    final_answer TEXT,
    consensus_reached INTEGER NOT NULL DEFAULT 0,
    confidence REAL,
    rounds_used INTEGER,
    duration_seconds REAL,
    grounded_verdict TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT debates_pkey PRIMARY KEY (id),
    CONSTRAINT debates_id_check CHECK (id <> ''),
    CONSTRAINT debates_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT debates_rounds_used_check CHECK (rounds_used >= 0),
    CONSTRAINT debates_duration_seconds_check CHECK (duration_seconds BETWEEN 0 AND 1e300),
    CONSTRAINT debates_grounded_verdict_check
    CHECK (
        grounded_verdict IS NULL
        OR (json_valid(grounded_verdict) AND json_type(grounded_verdict) = 'object')
    ),
    CONSTRAINT debates_consensus_reached_check CHECK (consensus_reached IN (0, 1)),
    CONSTRAINT debates_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_debates_created ON debates (created_at DESC);

CREATE TABLE IF NOT EXISTS critiques (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    debate_id TEXT,
    agent TEXT NOT NULL,
    target_agent TEXT,
    issues TEXT NOT NULL DEFAULT '[]',
    suggestions TEXT NOT NULL DEFAULT '[]',
    severity REAL,
    reasoning TEXT,
    led_to_improvement INTEGER NOT NULL DEFAULT 0,
    expected_usefulness REAL NOT NULL DEFAULT 0.5,
    actual_usefulness REAL,
    prediction_error REAL,
    outcome_agent TEXT,
    fingerprint TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT critiques_debate_id_fkey
    FOREIGN KEY (debate_id) REFERENCES debates (id) ON DELETE CASCADE,
    CONSTRAINT critiques_issues_check CHECK (json_valid(issues) AND json_type(issues) = 'array'),
    CONSTRAINT critiques_suggestions_check
    CHECK (json_valid(suggestions) AND json_type(suggestions) = 'array'),
    CONSTRAINT critiques_severity_check CHECK (severity BETWEEN 0 AND 1e300),
    CONSTRAINT critiques_expected_usefulness_check CHECK (expected_usefulness BETWEEN 0 AND 1),
    CONSTRAINT critiques_actual_usefulness_check CHECK (actual_usefulness BETWEEN 0 AND 1),
    CONSTRAINT critiques_prediction_error_check CHECK (prediction_error BETWEEN 0 AND 1),
    CONSTRAINT critiques_led_to_improvement_check CHECK (led_to_improvement IN (0, 1)),
    CONSTRAINT critiques_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- Also what makes storing a debate again add no critique a second time.
CREATE UNIQUE INDEX IF NOT EXISTS idx_critiques_debate_id ON critiques (debate_id, fingerprint);
CREATE INDEX IF NOT EXISTS idx_critiques_created ON critiques (created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS patterns (
    id TEXT NOT NULL,
    issue_type TEXT NOT NULL,
    issue_text TEXT NOT NULL,
    suggestion_text TEXT,
    success_count INTEGER NOT NULL DEFAULT 0,
    failure_count INTEGER NOT NULL DEFAULT 0,
    avg_severity REAL NOT NULL DEFAULT 0.5,
    surprise_score REAL NOT NULL DEFAULT 0.0,
    base_rate REAL NOT NULL DEFAULT 0.5,
    example_task TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT patterns_pkey PRIMARY KEY (id),
    CONSTRAINT patterns_id_check CHECK (id <> ''),
    CONSTRAINT patterns_success_count_check CHECK (success_count >= 0),
    CONSTRAINT patterns_failure_count_check CHECK (failure_count >= 0),
    CONSTRAINT patterns_avg_severity_check CHECK (avg_severity BETWEEN 0 AND 1e300),
    CONSTRAINT patterns_surprise_score_check CHECK (surprise_score BETWEEN 0 AND 1),
    CONSTRAINT patterns_base_rate_check CHECK (base_rate BETWEEN 0 AND 1),
    CONSTRAINT patterns_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT patterns_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

-- The counts are in the index so that a category's base rate is read from it alone.
CREATE INDEX IF NOT EXISTS idx_patterns_issue_type
ON patterns (issue_type, success_count DESC, failure_count);
CREATE INDEX IF NOT EXISTS idx_patterns_success ON patterns (success_count DESC);
CREATE INDEX IF NOT EXISTS idx_patterns_updated ON patterns (updated_at);

CREATE TABLE IF NOT EXISTS pattern_embeddings (
    pattern_id TEXT NOT NULL,
    embedding BLOB NOT NULL,
    CONSTRAINT pattern_embeddings_pkey PRIMARY KEY (pattern_id),
    CONSTRAINT pattern_embeddings_pattern_id_fkey
    FOREIGN KEY (pattern_id) REFERENCES patterns (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE IF NOT EXISTS patterns_archive (
    archive_id INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    issue_type TEXT NOT NULL,
    issue_text TEXT NOT NULL,
    suggestion_text TEXT,
    success_count INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    avg_severity REAL NOT NULL,
    surprise_score REAL NOT NULL,
    base_rate REAL NOT NULL DEFAULT 0.5,
    example_task TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    archived_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT patterns_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT patterns_archive_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT patterns_archive_archived_at_check
    CHECK (archived_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS agent_reputation (
    agent_name TEXT NOT NULL,
    proposals_made INTEGER NOT NULL DEFAULT 0,
    proposals_accepted INTEGER NOT NULL DEFAULT 0,
    critiques_given INTEGER NOT NULL DEFAULT 0,
    critiques_valuable INTEGER NOT NULL DEFAULT 0,
    total_predictions INTEGER NOT NULL DEFAULT 0,
    total_prediction_error REAL NOT NULL DEFAULT 0.0,
    calibration_score REAL NOT NULL DEFAULT 0.5,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT agent_reputation_pkey PRIMARY KEY (agent_name),
    CONSTRAINT agent_reputation_agent_name_check CHECK (agent_name <> ''),
    CONSTRAINT agent_reputation_proposals_made_check CHECK (proposals_made >= 0),
    CONSTRAINT agent_reputation_proposals_accepted_check CHECK (proposals_accepted >= 0),
    CONSTRAINT agent_reputation_critiques_given_check CHECK (critiques_given >= 0),
    CONSTRAINT agent_reputation_critiques_valuable_check CHECK (critiques_valuable >= 0),
    CONSTRAINT agent_reputation_total_predictions_check CHECK (total_predictions >= 0),
    CONSTRAINT agent_reputation_total_prediction_error_check
    CHECK (total_prediction_error BETWEEN 0 AND 1e300),
    CONSTRAINT agent_reputation_calibration_score_check CHECK (calibration_score BETWEEN 0 AND 1),
    CONSTRAINT agent_reputation_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

INSERT INTO _schema_versions (module, version) VALUES ('critique', 1)
ON CONFLICT (module) DO NOTHING;
