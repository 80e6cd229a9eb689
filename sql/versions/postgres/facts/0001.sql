-- Facts: statements of workspaces with evidence, and how they are related.
-- meaning: values of facts.workspace_id ["w1", "w2"] because calls ask for known workspaces
-- meaning: values of facts.topics [[], ["t1"], ["t1", "t2"], ["t2"]] because calls ask for known topics
-- meaning: values of facts.source_documents [[], ["d1"], ["d1", "d2"]] because calls ask for known documents
-- meaning: values of facts.statement_terms ["alpha", "beta", "alpha beta", "beta gamma delta", ""] because the store writes words
-- meaning: values of facts.topic_terms ["gamma", "alpha delta", ""] because the store writes words
-- meaning: values of facts.superseded_by [null, "a", "b", null] because calls ask for known facts

CREATE TABLE IF NOT EXISTS facts (
    id TEXT COLLATE "C" NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL,
    statement TEXT NOT NULL,
    statement_hash TEXT COLLATE "C" NOT NULL,
    statement_terms TEXT NOT NULL DEFAULT '',
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    evidence_ids JSONB NOT NULL DEFAULT '[]'::jsonb,
    source_documents JSONB NOT NULL DEFAULT '[]'::jsonb,
    topics JSONB NOT NULL DEFAULT '[]'::jsonb,
    topic_terms TEXT NOT NULL DEFAULT '',
    consensus_proof_id TEXT,
    validation_status TEXT NOT NULL DEFAULT 'unverified',
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    superseded_by TEXT COLLATE "C",
    -- parity: column facts.search_vector because SQLite searches in fact_search
    search_vector TSVECTOR GENERATED ALWAYS AS (
        array_to_tsvector(
            array_remove(string_to_array(statement_terms || ' ' || topic_terms, ' '), '')
        )
    ) STORED,
    CONSTRAINT facts_pkey PRIMARY KEY (id),
    CONSTRAINT facts_statement_hash_key UNIQUE (workspace_id, statement_hash),
    CONSTRAINT facts_id_check CHECK (id <> ''),
    CONSTRAINT facts_workspace_id_check CHECK (workspace_id <> ''),
    CONSTRAINT facts_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT facts_evidence_ids_check CHECK (jsonb_typeof(evidence_ids) = 'array'),
    CONSTRAINT facts_source_documents_check CHECK (jsonb_typeof(source_documents) = 'array'),
    CONSTRAINT facts_topics_check CHECK (jsonb_typeof(topics) = 'array'),
    CONSTRAINT facts_validation_status_check
    CHECK (
        validation_status IN (
            'unverified', 'contested', 'majority_agreed', 'byzantine_agreed', 'formally_proven'
        )
    ),
    CONSTRAINT facts_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT facts_superseded_by_check CHECK (superseded_by <> id)
);

CREATE INDEX IF NOT EXISTS idx_facts_confidence
ON facts (confidence DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_facts_workspace
ON facts (workspace_id, confidence DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_facts_superseded_by
ON facts (superseded_by) WHERE superseded_by IS NOT NULL;
-- parity: index facts.idx_facts_search because SQLite searches in fact_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_facts_search
ON facts USING gin (search_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS fact_relations (
    id TEXT COLLATE "C" NOT NULL,
    source_fact_id TEXT COLLATE "C" NOT NULL,
    target_fact_id TEXT COLLATE "C" NOT NULL,
    relation_type TEXT COLLATE "C" NOT NULL,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    created_by TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT fact_relations_pkey PRIMARY KEY (id),
    CONSTRAINT fact_relations_source_fact_id_fkey
    FOREIGN KEY (source_fact_id) REFERENCES facts (id) ON DELETE CASCADE,
    CONSTRAINT fact_relations_target_fact_id_fkey
    FOREIGN KEY (target_fact_id) REFERENCES facts (id) ON DELETE CASCADE,
    CONSTRAINT fact_relations_relation_type_check
    CHECK (relation_type IN ('supports', 'contradicts', 'supersedes', 'implies', 'related_to')),
    CONSTRAINT fact_relations_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT fact_relations_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_fact_relations_source
ON fact_relations (source_fact_id, relation_type);
CREATE INDEX IF NOT EXISTS idx_fact_relations_target
ON fact_relations (target_fact_id, relation_type);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE fact_relations ENABLE ROW LEVEL SECURITY;

-- Supabase grants all on new tables to roles that the whole world may use, and row level security
-- stops neither TRUNCATE nor setval().
DO $$
DECLARE
    role_name NAME;
BEGIN
    FOR role_name IN
        SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated')
    LOOP
        EXECUTE format('REVOKE ALL ON facts, fact_relations FROM %I', role_name);
    END LOOP;
END
$$;

COMMENT ON TABLE facts IS 'Statements with evidence. A workspace has each statement once.';
COMMENT ON COLUMN facts.id IS 'Identifier: fact_ and 16 hexadecimal digits.';
COMMENT ON COLUMN facts.workspace_id IS 'The workspace that it belongs to.';
COMMENT ON COLUMN facts.statement IS 'What is stated.';
COMMENT ON COLUMN facts.statement_hash IS 'First 32 hexadecimal digits of the SHA-256 of the statement in lower case, with single blanks.';
COMMENT ON COLUMN facts.statement_terms IS 'Search terms of the statement, normalised by the store and joined by blanks.';
COMMENT ON COLUMN facts.confidence IS 'How sure it is, 0 to 1.';
COMMENT ON COLUMN facts.evidence_ids IS 'List of the ids of its evidence.';
COMMENT ON COLUMN facts.source_documents IS 'List of the documents that it is from.';
COMMENT ON COLUMN facts.topics IS 'List of its topics.';
COMMENT ON COLUMN facts.topic_terms IS 'Search terms of the topics.';
COMMENT ON COLUMN facts.consensus_proof_id IS 'The proof or consensus that it was validated by.';
COMMENT ON COLUMN facts.validation_status IS 'unverified, contested, majority_agreed, byzantine_agreed or formally_proven; the last three count as verified.';
COMMENT ON COLUMN facts.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN facts.created_at IS 'When it was stored.';
COMMENT ON COLUMN facts.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN facts.superseded_by IS 'The fact that takes its place, which may be gone, so no foreign key leads there.';
COMMENT ON COLUMN facts.search_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE fact_relations IS 'How a fact is related to another one. Facts supersede each other in no circle.';
COMMENT ON COLUMN fact_relations.id IS 'Identifier: rel_ and 16 hexadecimal digits.';
COMMENT ON COLUMN fact_relations.source_fact_id IS 'The fact that says something of the other.';
COMMENT ON COLUMN fact_relations.target_fact_id IS 'The other fact.';
COMMENT ON COLUMN fact_relations.relation_type IS 'supports, contradicts, supersedes, implies or related_to.';
COMMENT ON COLUMN fact_relations.confidence IS 'How sure the relation is, 0 to 1.';
COMMENT ON COLUMN fact_relations.created_by IS 'Who or what made it. [user]';
COMMENT ON COLUMN fact_relations.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN fact_relations.created_at IS 'When it was made.';

INSERT INTO _schema_versions (module, version) VALUES ('facts', 1)
ON CONFLICT (module) DO NOTHING;
