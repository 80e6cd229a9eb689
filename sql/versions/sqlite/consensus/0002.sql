-- upgrade: 0002_index_of_debates.sql 05871d4ac8550b55
-- Consensus memory: what debates agreed on, who dissented, and what was formally proved.

CREATE TABLE IF NOT EXISTS consensus (
    -- parity: column consensus.row_id because rows of consensus_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_hash TEXT NOT NULL,
    topic_terms TEXT,
    conclusion TEXT NOT NULL,
    strength TEXT NOT NULL DEFAULT 'moderate',
    confidence REAL NOT NULL DEFAULT 0.5,
    domain TEXT,
    debate_id TEXT,
    supersedes TEXT,
    rounds INTEGER NOT NULL DEFAULT 0,
    debate_duration_seconds REAL NOT NULL DEFAULT 0.0,
    participating_agents TEXT NOT NULL DEFAULT '[]',
    agreeing_agents TEXT NOT NULL DEFAULT '[]',
    dissenting_agents TEXT NOT NULL DEFAULT '[]',
    key_claims TEXT NOT NULL DEFAULT '[]',
    supporting_evidence TEXT NOT NULL DEFAULT '[]',
    tags TEXT NOT NULL DEFAULT '[]',
    belief_cruxes TEXT NOT NULL DEFAULT '[]',
    metadata TEXT NOT NULL DEFAULT '{}',
    data TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT consensus_id_key UNIQUE (id),
    CONSTRAINT consensus_supersedes_fkey
    FOREIGN KEY (supersedes) REFERENCES consensus (id) ON DELETE SET NULL,
    CONSTRAINT consensus_id_check CHECK (id <> ''),
    CONSTRAINT consensus_supersedes_check CHECK (supersedes <> id),
    CONSTRAINT consensus_strength_check
    CHECK (strength IN ('unanimous', 'strong', 'moderate', 'weak', 'split', 'contested')),
    CONSTRAINT consensus_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT consensus_rounds_check CHECK (rounds >= 0),
    CONSTRAINT consensus_debate_duration_seconds_check
    CHECK (debate_duration_seconds BETWEEN 0 AND 1e300),
    CONSTRAINT consensus_participating_agents_check
    CHECK (json_valid(participating_agents) AND json_type(participating_agents) = 'array'),
    CONSTRAINT consensus_agreeing_agents_check
    CHECK (json_valid(agreeing_agents) AND json_type(agreeing_agents) = 'array'),
    CONSTRAINT consensus_dissenting_agents_check
    CHECK (json_valid(dissenting_agents) AND json_type(dissenting_agents) = 'array'),
    CONSTRAINT consensus_key_claims_check
    CHECK (json_valid(key_claims) AND json_type(key_claims) = 'array'),
    CONSTRAINT consensus_supporting_evidence_check
    CHECK (json_valid(supporting_evidence) AND json_type(supporting_evidence) = 'array'),
    CONSTRAINT consensus_tags_check CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    CONSTRAINT consensus_belief_cruxes_check
    CHECK (json_valid(belief_cruxes) AND json_type(belief_cruxes) = 'array'),
    CONSTRAINT consensus_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT consensus_data_check CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT consensus_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT consensus_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_consensus_topic_hash ON consensus (topic_hash, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_consensus_domain ON consensus (domain, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_consensus_debate_id
ON consensus (debate_id) WHERE debate_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_consensus_created ON consensus (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_consensus_supersedes
ON consensus (supersedes) WHERE supersedes IS NOT NULL;

-- What topics are searched by. External content: the words are stored once, in the table.
-- parity: table consensus_topics because PostgreSQL searches in consensus.topic_vector
CREATE VIEW IF NOT EXISTS consensus_topics AS
SELECT
    row_id,
    coalesce(topic_terms, topic) AS terms
FROM consensus;

-- parity: table consensus_search because PostgreSQL searches in consensus.topic_vector
CREATE VIRTUAL TABLE IF NOT EXISTS consensus_search USING fts5 (
    terms, content = 'consensus_topics', content_rowid = 'row_id', tokenize = 'ascii', detail = none
);

CREATE TRIGGER IF NOT EXISTS consensus_search_insert AFTER INSERT ON consensus
BEGIN
    INSERT INTO consensus_search (rowid, terms)
    VALUES (new.row_id, coalesce(new.topic_terms, new.topic));
END;

CREATE TRIGGER IF NOT EXISTS consensus_search_delete AFTER DELETE ON consensus
BEGIN
    INSERT INTO consensus_search (consensus_search, rowid, terms)
    VALUES ('delete', old.row_id, coalesce(old.topic_terms, old.topic));
END;

CREATE TRIGGER IF NOT EXISTS consensus_search_update
AFTER UPDATE OF row_id, topic, topic_terms ON consensus
BEGIN
    INSERT INTO consensus_search (consensus_search, rowid, terms)
    VALUES ('delete', old.row_id, coalesce(old.topic_terms, old.topic));
    INSERT INTO consensus_search (rowid, terms)
    VALUES (new.row_id, coalesce(new.topic_terms, new.topic));
END;

CREATE TABLE IF NOT EXISTS dissent (
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    dissent_type TEXT NOT NULL,
    content TEXT NOT NULL,
    reasoning TEXT NOT NULL DEFAULT '',
    confidence REAL NOT NULL DEFAULT 0.0,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    rebuttal TEXT NOT NULL DEFAULT '',
    metadata TEXT NOT NULL DEFAULT '{}',
    data TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT dissent_pkey PRIMARY KEY (id),
    CONSTRAINT dissent_consensus_id_fkey
    FOREIGN KEY (consensus_id) REFERENCES consensus (id) ON DELETE CASCADE,
    CONSTRAINT dissent_id_check CHECK (id <> ''),
    CONSTRAINT dissent_dissent_type_check
    CHECK (
        dissent_type IN (
            'minor_quibble', 'alternative_approach', 'fundamental_disagreement',
            'edge_case_concern', 'risk_warning', 'abstention'
        )
    ),
    CONSTRAINT dissent_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT dissent_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT dissent_data_check CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT dissent_acknowledged_check CHECK (acknowledged IN (0, 1)),
    CONSTRAINT dissent_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_dissent_consensus_id ON dissent (consensus_id, created_at);
CREATE INDEX IF NOT EXISTS idx_dissent_agent_id ON dissent (agent_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_dissent_dissent_type ON dissent (dissent_type, created_at DESC);

CREATE TABLE IF NOT EXISTS verified_proofs (
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    proof_status TEXT NOT NULL,
    language TEXT,
    formal_statement TEXT,
    is_verified INTEGER NOT NULL DEFAULT 0,
    proof_hash TEXT,
    translation_time_ms REAL,
    proof_search_time_ms REAL,
    prover_version TEXT,
    error_message TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    data TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT verified_proofs_pkey PRIMARY KEY (id),
    CONSTRAINT verified_proofs_consensus_id_fkey
    FOREIGN KEY (consensus_id) REFERENCES consensus (id) ON DELETE CASCADE,
    CONSTRAINT verified_proofs_id_check CHECK (id <> ''),
    CONSTRAINT verified_proofs_proof_status_check
    CHECK (
        proof_status IN (
            'not_attempted', 'translation_failed', 'proof_found', 'proof_failed', 'timeout',
            'backend_unavailable', 'not_supported', 'unknown'
        )
    ),
    CONSTRAINT verified_proofs_translation_time_ms_check
    CHECK (translation_time_ms BETWEEN 0 AND 1e300),
    CONSTRAINT verified_proofs_proof_search_time_ms_check
    CHECK (proof_search_time_ms BETWEEN 0 AND 1e300),
    CONSTRAINT verified_proofs_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT verified_proofs_data_check CHECK (json_valid(data) AND json_type(data) = 'object'),
    CONSTRAINT verified_proofs_is_verified_check CHECK (is_verified IN (0, 1)),
    CONSTRAINT verified_proofs_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_verified_proofs_consensus_id
ON verified_proofs (consensus_id, created_at);
CREATE INDEX IF NOT EXISTS idx_verified_proofs_created ON verified_proofs (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_verified_proofs_verified
ON verified_proofs (created_at DESC) WHERE is_verified;

CREATE TABLE IF NOT EXISTS debate_votes (
    debate_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    vote TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT debate_votes_pkey PRIMARY KEY (debate_id, user_id),
    CONSTRAINT debate_votes_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT debate_votes_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS consensus_archive (
    archive_id INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_hash TEXT NOT NULL,
    conclusion TEXT NOT NULL,
    strength TEXT NOT NULL,
    confidence REAL NOT NULL,
    domain TEXT,
    debate_id TEXT,
    supersedes TEXT,
    superseded_by TEXT,
    rounds INTEGER NOT NULL,
    debate_duration_seconds REAL NOT NULL,
    participating_agents TEXT NOT NULL,
    agreeing_agents TEXT NOT NULL,
    dissenting_agents TEXT NOT NULL,
    key_claims TEXT NOT NULL,
    supporting_evidence TEXT NOT NULL,
    tags TEXT NOT NULL,
    belief_cruxes TEXT NOT NULL,
    metadata TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    archived_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT consensus_archive_participating_agents_check
    CHECK (json_valid(participating_agents)),
    CONSTRAINT consensus_archive_agreeing_agents_check CHECK (json_valid(agreeing_agents)),
    CONSTRAINT consensus_archive_dissenting_agents_check CHECK (json_valid(dissenting_agents)),
    CONSTRAINT consensus_archive_key_claims_check CHECK (json_valid(key_claims)),
    CONSTRAINT consensus_archive_supporting_evidence_check
    CHECK (json_valid(supporting_evidence)),
    CONSTRAINT consensus_archive_tags_check CHECK (json_valid(tags)),
    CONSTRAINT consensus_archive_belief_cruxes_check CHECK (json_valid(belief_cruxes)),
    CONSTRAINT consensus_archive_metadata_check CHECK (json_valid(metadata)),
    CONSTRAINT consensus_archive_data_check CHECK (json_valid(data)),
    CONSTRAINT consensus_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT consensus_archive_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT consensus_archive_archived_at_check
    CHECK (archived_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS dissent_archive (
    archive_id INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    dissent_type TEXT NOT NULL,
    content TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    confidence REAL NOT NULL,
    acknowledged INTEGER NOT NULL,
    rebuttal TEXT NOT NULL,
    metadata TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TEXT NOT NULL,
    archived_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT dissent_archive_acknowledged_check CHECK (acknowledged IN (0, 1)),
    CONSTRAINT dissent_archive_metadata_check CHECK (json_valid(metadata)),
    CONSTRAINT dissent_archive_data_check CHECK (json_valid(data)),
    CONSTRAINT dissent_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT dissent_archive_archived_at_check
    CHECK (archived_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS verified_proofs_archive (
    archive_id INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    proof_status TEXT NOT NULL,
    language TEXT,
    formal_statement TEXT,
    is_verified INTEGER NOT NULL,
    proof_hash TEXT,
    translation_time_ms REAL,
    proof_search_time_ms REAL,
    prover_version TEXT,
    error_message TEXT,
    metadata TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TEXT NOT NULL,
    archived_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT verified_proofs_archive_is_verified_check CHECK (is_verified IN (0, 1)),
    CONSTRAINT verified_proofs_archive_metadata_check CHECK (json_valid(metadata)),
    CONSTRAINT verified_proofs_archive_data_check CHECK (json_valid(data)),
    CONSTRAINT verified_proofs_archive_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT verified_proofs_archive_archived_at_check
    CHECK (archived_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

INSERT INTO _schema_versions (module, version) VALUES ('consensus', 2)
ON CONFLICT (module) DO NOTHING;
