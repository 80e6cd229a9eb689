-- What was learned in debates: insights and their uses, how agents did, patterns, wisdom of an audience.

CREATE TABLE IF NOT EXISTS insights (
    -- parity: column insights.row_id because rows of insight_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    confidence REAL NOT NULL DEFAULT 0.5,
    debate_id TEXT NOT NULL,
    agents_involved TEXT NOT NULL DEFAULT '[]',
    evidence TEXT NOT NULL DEFAULT '[]',
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    search_terms TEXT NOT NULL DEFAULT '',
    CONSTRAINT insights_pkey UNIQUE (id),
    CONSTRAINT insights_id_check CHECK (id <> ''),
    CONSTRAINT insights_type_check
    CHECK (type IN (
        'consensus', 'dissent', 'pattern', 'convergence', 'agent_perf', 'failure_mode', 'decision'
    )),
    CONSTRAINT insights_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT insights_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT insights_agents_involved_check
    CHECK (json_valid(agents_involved) AND json_type(agents_involved) = 'array'),
    CONSTRAINT insights_evidence_check
    CHECK (json_valid(evidence) AND json_type(evidence) = 'array'),
    CONSTRAINT insights_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT insights_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_insights_created ON insights (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_insights_type ON insights (type, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_insights_confidence
ON insights (confidence DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_insights_debate ON insights (debate_id);

-- External content: the words are stored once, in the table.
-- parity: table insight_search because PostgreSQL searches in insights.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS insight_search USING fts5 (
    search_terms,
    content = 'insights',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS insight_search_insert AFTER INSERT ON insights
BEGIN
    INSERT INTO insight_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS insight_search_delete AFTER DELETE ON insights
BEGIN
    INSERT INTO insight_search (insight_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
END;

CREATE TRIGGER IF NOT EXISTS insight_search_update
AFTER UPDATE OF row_id, search_terms ON insights
BEGIN
    INSERT INTO insight_search (insight_search, rowid, search_terms)
    VALUES ('delete', old.row_id, old.search_terms);
    INSERT INTO insight_search (rowid, search_terms) VALUES (new.row_id, new.search_terms);
END;

CREATE TABLE IF NOT EXISTS debate_summaries (
    debate_id TEXT NOT NULL,
    task TEXT NOT NULL,
    consensus_reached INTEGER NOT NULL DEFAULT 0,
    duration_seconds REAL NOT NULL DEFAULT 0,
    total_insights INTEGER NOT NULL DEFAULT 0,
    key_takeaway TEXT NOT NULL DEFAULT '',
    agent_performances TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT debate_summaries_pkey PRIMARY KEY (debate_id),
    CONSTRAINT debate_summaries_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT debate_summaries_consensus_reached_check CHECK (consensus_reached IN (0, 1)),
    CONSTRAINT debate_summaries_duration_seconds_check CHECK (duration_seconds BETWEEN 0 AND 1e300),
    CONSTRAINT debate_summaries_total_insights_check CHECK (total_insights >= 0),
    CONSTRAINT debate_summaries_agent_performances_check
    CHECK (json_valid(agent_performances) AND json_type(agent_performances) = 'array'),
    CONSTRAINT debate_summaries_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_debate_summaries_created
ON debate_summaries (created_at DESC, debate_id DESC);

CREATE TABLE IF NOT EXISTS agent_performance_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_name TEXT NOT NULL,
    debate_id TEXT NOT NULL,
    proposals_made INTEGER NOT NULL DEFAULT 0,
    critiques_given INTEGER NOT NULL DEFAULT 0,
    critiques_received INTEGER NOT NULL DEFAULT 0,
    proposal_accepted INTEGER NOT NULL DEFAULT 0,
    vote_aligned INTEGER NOT NULL DEFAULT 0,
    avg_critique_severity REAL NOT NULL DEFAULT 0,
    contribution_score REAL NOT NULL DEFAULT 0.5,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT agent_performance_history_agent_debate_key UNIQUE (agent_name, debate_id),
    CONSTRAINT agent_performance_history_debate_id_fkey
    FOREIGN KEY (debate_id) REFERENCES debate_summaries (debate_id) ON DELETE CASCADE,
    CONSTRAINT agent_performance_history_agent_name_check CHECK (agent_name <> ''),
    CONSTRAINT agent_performance_history_proposals_made_check CHECK (proposals_made >= 0),
    CONSTRAINT agent_performance_history_critiques_given_check CHECK (critiques_given >= 0),
    CONSTRAINT agent_performance_history_critiques_received_check CHECK (critiques_received >= 0),
    CONSTRAINT agent_performance_history_proposal_accepted_check
    CHECK (proposal_accepted IN (0, 1)),
    CONSTRAINT agent_performance_history_vote_aligned_check CHECK (vote_aligned IN (0, 1)),
    CONSTRAINT agent_performance_history_avg_critique_severity_check
    CHECK (avg_critique_severity BETWEEN 0 AND 1e300),
    CONSTRAINT agent_performance_history_contribution_score_check
    CHECK (contribution_score BETWEEN 0 AND 1),
    CONSTRAINT agent_performance_history_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_agent_performance_history_debate
ON agent_performance_history (debate_id);

CREATE TABLE IF NOT EXISTS pattern_clusters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    category TEXT NOT NULL,
    pattern_text TEXT NOT NULL,
    occurrence_count INTEGER NOT NULL DEFAULT 1,
    avg_severity REAL NOT NULL DEFAULT 0.5,
    debate_ids TEXT NOT NULL DEFAULT '[]',
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT pattern_clusters_pattern_key UNIQUE (category, pattern_text),
    CONSTRAINT pattern_clusters_category_check CHECK (category <> ''),
    CONSTRAINT pattern_clusters_pattern_text_check CHECK (pattern_text <> ''),
    CONSTRAINT pattern_clusters_occurrence_count_check CHECK (occurrence_count >= 1),
    CONSTRAINT pattern_clusters_avg_severity_check CHECK (avg_severity BETWEEN 0 AND 1e300),
    CONSTRAINT pattern_clusters_debate_ids_check
    CHECK (json_valid(debate_ids) AND json_type(debate_ids) = 'array'),
    CONSTRAINT pattern_clusters_first_seen_check
    CHECK (first_seen LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT pattern_clusters_last_seen_check
    CHECK (last_seen LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_pattern_clusters_count
ON pattern_clusters (occurrence_count DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_pattern_clusters_category
ON pattern_clusters (category, occurrence_count DESC, id DESC);

CREATE TABLE IF NOT EXISTS wisdom_submissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    loop_id TEXT NOT NULL,
    text TEXT NOT NULL,
    submitter_id TEXT NOT NULL DEFAULT 'anonymous',
    context_tags TEXT NOT NULL DEFAULT '[]',
    used INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT wisdom_submissions_loop_id_check CHECK (loop_id <> ''),
    CONSTRAINT wisdom_submissions_text_check CHECK (text <> ''),
    CONSTRAINT wisdom_submissions_context_tags_check
    CHECK (json_valid(context_tags) AND json_type(context_tags) = 'array'),
    CONSTRAINT wisdom_submissions_used_check CHECK (used IN (0, 1)),
    CONSTRAINT wisdom_submissions_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_wisdom_submissions_unused
ON wisdom_submissions (loop_id, created_at DESC, id DESC) WHERE NOT used;

CREATE TABLE IF NOT EXISTS insight_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    insight_id TEXT NOT NULL,
    debate_id TEXT NOT NULL,
    was_successful INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT insight_usage_insight_debate_key UNIQUE (insight_id, debate_id),
    CONSTRAINT insight_usage_insight_id_check CHECK (insight_id <> ''),
    CONSTRAINT insight_usage_debate_id_check CHECK (debate_id <> ''),
    CONSTRAINT insight_usage_was_successful_check CHECK (was_successful IN (0, 1)),
    CONSTRAINT insight_usage_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

INSERT INTO _schema_versions (module, version) VALUES ('insights', 1)
ON CONFLICT (module) DO NOTHING;
