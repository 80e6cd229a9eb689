-- A file as the older Aragora left it: both stores in one file, local times without a zone beside
-- UTC times, a debate that was stored twice, an orphan, and two rows that PostgreSQL can't hold.
-- `aragora-sql demo` makes it and moves it.

CREATE TABLE _schema_versions (
    module TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    updated_at TIMESTAMP DEFAULT current_timestamp
);
INSERT INTO _schema_versions (module, version) VALUES ('consensus_memory', 2),
('critique_store', 1);

CREATE TABLE consensus (
    id TEXT PRIMARY KEY,
    topic TEXT NOT NULL,
    topic_hash TEXT NOT NULL,
    conclusion TEXT NOT NULL,
    strength TEXT NOT NULL,
    confidence REAL,
    domain TEXT,
    tags TEXT,
    timestamp TEXT,
    data TEXT NOT NULL
);
CREATE TABLE dissent (
    id TEXT PRIMARY KEY,
    debate_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    dissent_type TEXT NOT NULL,
    content TEXT NOT NULL,
    confidence REAL,
    timestamp TEXT,
    data TEXT NOT NULL
);
CREATE TABLE debates (
    id TEXT,
    task TEXT NOT NULL,
    final_answer TEXT,
    consensus_reached INTEGER,
    confidence REAL,
    rounds_used INTEGER,
    duration_seconds REAL,
    grounded_verdict TEXT,
    created_at TEXT DEFAULT current_timestamp
);
CREATE TABLE critiques (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    debate_id TEXT,
    agent TEXT NOT NULL,
    target_agent TEXT,
    issues TEXT,
    suggestions TEXT,
    severity REAL,
    reasoning TEXT,
    led_to_improvement INTEGER DEFAULT 0,
    expected_usefulness REAL DEFAULT 0.5,
    actual_usefulness REAL,
    prediction_error REAL,
    created_at TEXT DEFAULT current_timestamp
);
CREATE TABLE agent_reputation (
    agent_name TEXT PRIMARY KEY,
    proposals_made INTEGER DEFAULT 0,
    proposals_accepted INTEGER DEFAULT 0,
    critiques_given INTEGER DEFAULT 0,
    critiques_valuable INTEGER DEFAULT 0,
    updated_at TEXT DEFAULT current_timestamp,
    total_predictions INTEGER DEFAULT 0,
    total_prediction_error REAL DEFAULT 0.0,
    calibration_score REAL DEFAULT 0.5
);

INSERT INTO consensus (
    id, topic, topic_hash, conclusion, strength, confidence, domain, tags, timestamp, data
)
VALUES
(
    'c-cache', 'Cache invalidation for the product catalogue', '', 'Version the keys',
    'strong', 0.8499999999999999, 'architecture', '["cache"]', '2026-02-12T16:42:57.123456',
    json_object(
        'id', 'c-cache', 'participating_agents', json_array('claude', 'gpt-4'),
        'agreeing_agents', json_array('claude'), 'dissenting_agents', json_array('gpt-4'),
        'key_claims', json_array('time-outs alone serve stale prices'), 'rounds', 3,
        'debate_duration_seconds', 41.250000000000007,
        'metadata', json_object('debate_id', 'd-1', 'winner', 'claude')
    )
),
(
    'c-queue', 'Which queue for background jobs?', '', 'A table in PostgreSQL',
    'medium', 0.61, 'architecture', '[]', '2026-03-29T02:30:00',
    json_object(
        'id', 'c-queue', 'participating_agents', json_array('claude', 'gemini'), 'rounds', 2,
        'metadata', json_object()
    )
),
(
    'c-broken', 'Retries of webhooks', '', 'Back off, then park them',
    'moderate', 0.7, 'general', '[]', '2026-03-01T09:00:00', '{"rounds": 2, "score": NaN}'
);

INSERT INTO dissent (
    id, debate_id, agent_id, dissent_type, content, confidence, timestamp, data
)
VALUES
(
    'x-1', 'c-cache', 'gpt-4', 'risk_warning', 'Old keys fill the cache', 0.7,
    '2026-02-12T16:43:10', '{"reasoning": "no eviction", "acknowledged": true, "metadata": {}}'
),
(
    'x-2', 'c-deleted', 'gemini', 'minor_quibble', 'The name is too long', 0.3,
    '2026-02-13T08:00:00', '{"reasoning": "", "acknowledged": false, "metadata": {}}'
);

INSERT INTO debates (
    id, task, final_answer, consensus_reached, confidence, rounds_used, duration_seconds, created_at
)
VALUES
('d-1', 'Design cache invalidation', 'Use time-outs', 0, 0.4, 1, 12.5, '2026-02-12 15:00:00'),
('d-1', 'Design cache invalidation', 'Version the keys', 1, 0.85, 3, 41.25, '2026-02-12 22:42:57');

INSERT INTO critiques (debate_id, agent, target_agent, issues, suggestions, severity, created_at)
VALUES
('d-1', 'gpt-4', 'claude', '["Old keys fill the cache"]', '["Evict"]', 6.5, '2026-02-12 22:40:00'),
('d-1', 'gemini', 'claude', 'not a list', '[]', 2.0, '2026-02-12 22:41:00');

INSERT INTO agent_reputation (
    agent_name, proposals_made, proposals_accepted, critiques_given, critiques_valuable,
    updated_at, total_predictions, total_prediction_error, calibration_score
)
VALUES
('claude', 10, 7, 20, 10, '2026-02-12T16:42:57', 4, 0.8, 0.8),
('gpt-4', 4, 1, 9, 2, '2026-02-12 22:42:57', 0, 0.0, 0.5);
