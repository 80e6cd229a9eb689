-- Facts: statements of workspaces with evidence, and how they are related.

CREATE TABLE IF NOT EXISTS facts (
    -- parity: column facts.row_id because rows of fact_search are numbered
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    statement TEXT NOT NULL,
    statement_hash TEXT NOT NULL,
    statement_terms TEXT NOT NULL DEFAULT '',
    confidence REAL NOT NULL DEFAULT 0.5,
    evidence_ids TEXT NOT NULL DEFAULT '[]',
    source_documents TEXT NOT NULL DEFAULT '[]',
    topics TEXT NOT NULL DEFAULT '[]',
    topic_terms TEXT NOT NULL DEFAULT '',
    consensus_proof_id TEXT,
    validation_status TEXT NOT NULL DEFAULT 'unverified',
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    superseded_by TEXT,
    CONSTRAINT facts_pkey UNIQUE (id),
    CONSTRAINT facts_statement_hash_key UNIQUE (workspace_id, statement_hash),
    CONSTRAINT facts_id_check CHECK (id <> ''),
    CONSTRAINT facts_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT facts_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT facts_evidence_ids_check
    CHECK (json_valid(evidence_ids) AND json_type(evidence_ids) = 'array'),
    CONSTRAINT facts_source_documents_check
    CHECK (json_valid(source_documents) AND json_type(source_documents) = 'array'),
    CONSTRAINT facts_topics_check CHECK (json_valid(topics) AND json_type(topics) = 'array'),
    CONSTRAINT facts_validation_status_check
    CHECK (
        validation_status IN (
            'unverified', 'contested', 'majority_agreed', 'byzantine_agreed', 'formally_proven'
        )
    ),
    CONSTRAINT facts_metadata_check CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT facts_superseded_by_check CHECK (superseded_by <> id),
    CONSTRAINT facts_created_at_check CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT facts_updated_at_check CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_facts_confidence
ON facts (confidence DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_facts_workspace
ON facts (workspace_id, confidence DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_facts_superseded_by
ON facts (superseded_by) WHERE superseded_by IS NOT NULL;

-- External content: the words are stored once, in the table.
-- parity: table fact_search because PostgreSQL searches in facts.search_vector
CREATE VIRTUAL TABLE IF NOT EXISTS fact_search USING fts5 (
    statement_terms,
    topic_terms,
    content = 'facts',
    content_rowid = 'row_id',
    tokenize = 'ascii',
    detail = none
);

CREATE TRIGGER IF NOT EXISTS fact_search_insert AFTER INSERT ON facts
BEGIN
    INSERT INTO fact_search (rowid, statement_terms, topic_terms)
    VALUES (new.row_id, new.statement_terms, new.topic_terms);
END;

CREATE TRIGGER IF NOT EXISTS fact_search_delete AFTER DELETE ON facts
BEGIN
    INSERT INTO fact_search (fact_search, rowid, statement_terms, topic_terms)
    VALUES ('delete', old.row_id, old.statement_terms, old.topic_terms);
END;

CREATE TRIGGER IF NOT EXISTS fact_search_update
AFTER UPDATE OF row_id, statement_terms, topic_terms ON facts
BEGIN
    INSERT INTO fact_search (fact_search, rowid, statement_terms, topic_terms)
    VALUES ('delete', old.row_id, old.statement_terms, old.topic_terms);
    INSERT INTO fact_search (rowid, statement_terms, topic_terms)
    VALUES (new.row_id, new.statement_terms, new.topic_terms);
END;

CREATE TABLE IF NOT EXISTS fact_relations (
    id TEXT NOT NULL,
    source_fact_id TEXT NOT NULL,
    target_fact_id TEXT NOT NULL,
    relation_type TEXT NOT NULL,
    confidence REAL NOT NULL DEFAULT 0.5,
    created_by TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT fact_relations_pkey PRIMARY KEY (id),
    CONSTRAINT fact_relations_source_fact_id_fkey
    FOREIGN KEY (source_fact_id) REFERENCES facts (id) ON DELETE CASCADE,
    CONSTRAINT fact_relations_target_fact_id_fkey
    FOREIGN KEY (target_fact_id) REFERENCES facts (id) ON DELETE CASCADE,
    CONSTRAINT fact_relations_relation_type_check
    CHECK (relation_type IN ('supports', 'contradicts', 'supersedes', 'implies', 'related_to')),
    CONSTRAINT fact_relations_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT fact_relations_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT fact_relations_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_fact_relations_source
ON fact_relations (source_fact_id, relation_type);
CREATE INDEX IF NOT EXISTS idx_fact_relations_target
ON fact_relations (target_fact_id, relation_type);

INSERT INTO _schema_versions (module, version) VALUES ('facts', 1)
ON CONFLICT (module) DO NOTHING;
