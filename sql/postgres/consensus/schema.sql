-- Consensus memory: what debates agreed on, who dissented, and what was formally proved.
-- meaning: values of consensus.topic ["alpha", "beta", "alpha beta", "Gamma Alpha", "gamma", "delta beta", "zeta"] because a text search splits other texts in a way of each engine
-- meaning: values of consensus.topic_terms ["alpha", "beta", "alpha beta", "alpha gamma", "beta gamma delta", "delta", "", "alpha w00 w01 w02 w03 w04 w05 w06 w07 w08 w09 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20"] because the store writes sorted words

CREATE TABLE IF NOT EXISTS consensus (
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_hash TEXT NOT NULL,
    topic_terms TEXT,
    conclusion TEXT NOT NULL,
    strength TEXT NOT NULL DEFAULT 'moderate',
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.5,
    domain TEXT,
    debate_id TEXT,
    supersedes TEXT,
    rounds INTEGER NOT NULL DEFAULT 0,
    debate_duration_seconds DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    participating_agents JSONB NOT NULL DEFAULT '[]'::jsonb,
    agreeing_agents JSONB NOT NULL DEFAULT '[]'::jsonb,
    dissenting_agents JSONB NOT NULL DEFAULT '[]'::jsonb,
    key_claims JSONB NOT NULL DEFAULT '[]'::jsonb,
    supporting_evidence JSONB NOT NULL DEFAULT '[]'::jsonb,
    tags JSONB NOT NULL DEFAULT '[]'::jsonb,
    belief_cruxes JSONB NOT NULL DEFAULT '[]'::jsonb,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    data JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- parity: column consensus.topic_vector because SQLite searches in consensus_search
    topic_vector TSVECTOR GENERATED ALWAYS AS (
        CASE
            WHEN topic_terms IS NULL THEN to_tsvector('pg_catalog.simple', topic)
            ELSE array_to_tsvector(array_remove(string_to_array(topic_terms, ' '), ''))
        END
    ) STORED,
    CONSTRAINT consensus_pkey PRIMARY KEY (id),
    CONSTRAINT consensus_supersedes_fkey
    FOREIGN KEY (supersedes) REFERENCES consensus (id) ON DELETE SET NULL,
    CONSTRAINT consensus_id_check CHECK (id <> ''),
    CONSTRAINT consensus_supersedes_check CHECK (supersedes <> id),
    CONSTRAINT consensus_strength_check
    CHECK (strength IN ('unanimous', 'strong', 'moderate', 'weak', 'split', 'contested')),
    CONSTRAINT consensus_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT consensus_rounds_check CHECK (rounds >= 0),
    CONSTRAINT consensus_debate_duration_seconds_check
    CHECK (debate_duration_seconds BETWEEN 0 AND '1e300'::double precision),
    CONSTRAINT consensus_participating_agents_check
    CHECK (jsonb_typeof(participating_agents) = 'array'),
    CONSTRAINT consensus_agreeing_agents_check CHECK (jsonb_typeof(agreeing_agents) = 'array'),
    CONSTRAINT consensus_dissenting_agents_check CHECK (jsonb_typeof(dissenting_agents) = 'array'),
    CONSTRAINT consensus_key_claims_check CHECK (jsonb_typeof(key_claims) = 'array'),
    CONSTRAINT consensus_supporting_evidence_check
    CHECK (jsonb_typeof(supporting_evidence) = 'array'),
    CONSTRAINT consensus_tags_check CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT consensus_belief_cruxes_check CHECK (jsonb_typeof(belief_cruxes) = 'array'),
    CONSTRAINT consensus_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT consensus_data_check CHECK (jsonb_typeof(data) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_consensus_topic_hash ON consensus (topic_hash, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_consensus_domain ON consensus (domain, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_consensus_debate_id
ON consensus (debate_id) WHERE debate_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_consensus_created ON consensus (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_consensus_supersedes
ON consensus (supersedes) WHERE supersedes IS NOT NULL;
-- parity: index consensus.idx_consensus_topic_vector because SQLite searches in consensus_search
-- Without fastupdate a search never has to walk a list of pending entries.
CREATE INDEX IF NOT EXISTS idx_consensus_topic_vector
ON consensus USING gin (topic_vector) WITH (fastupdate = off);

CREATE TABLE IF NOT EXISTS dissent (
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    dissent_type TEXT NOT NULL,
    content TEXT NOT NULL,
    reasoning TEXT NOT NULL DEFAULT '',
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    acknowledged BOOLEAN NOT NULL DEFAULT FALSE,
    rebuttal TEXT NOT NULL DEFAULT '',
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    data JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CONSTRAINT dissent_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT dissent_data_check CHECK (jsonb_typeof(data) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_dissent_consensus_id ON dissent (consensus_id, created_at);
CREATE INDEX IF NOT EXISTS idx_dissent_agent_id ON dissent (agent_id, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_dissent_dissent_type ON dissent (dissent_type, created_at DESC);

CREATE TABLE IF NOT EXISTS verified_proofs (
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    proof_status TEXT NOT NULL,
    language TEXT,
    formal_statement TEXT,
    is_verified BOOLEAN NOT NULL DEFAULT FALSE,
    proof_hash TEXT,
    translation_time_ms DOUBLE PRECISION,
    proof_search_time_ms DOUBLE PRECISION,
    prover_version TEXT,
    error_message TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    data JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
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
    CHECK (translation_time_ms BETWEEN 0 AND '1e300'::double precision),
    CONSTRAINT verified_proofs_proof_search_time_ms_check
    CHECK (proof_search_time_ms BETWEEN 0 AND '1e300'::double precision),
    CONSTRAINT verified_proofs_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT verified_proofs_data_check CHECK (jsonb_typeof(data) = 'object')
);

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
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT debate_votes_pkey PRIMARY KEY (debate_id, user_id)
);

CREATE TABLE IF NOT EXISTS consensus_archive (
    archive_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_hash TEXT NOT NULL,
    conclusion TEXT NOT NULL,
    strength TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    domain TEXT,
    debate_id TEXT,
    supersedes TEXT,
    superseded_by TEXT,
    rounds INTEGER NOT NULL,
    debate_duration_seconds DOUBLE PRECISION NOT NULL,
    participating_agents JSONB NOT NULL,
    agreeing_agents JSONB NOT NULL,
    dissenting_agents JSONB NOT NULL,
    key_claims JSONB NOT NULL,
    supporting_evidence JSONB NOT NULL,
    tags JSONB NOT NULL,
    belief_cruxes JSONB NOT NULL,
    metadata JSONB NOT NULL,
    data JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT consensus_archive_pkey PRIMARY KEY (archive_id)
);

CREATE TABLE IF NOT EXISTS dissent_archive (
    archive_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    dissent_type TEXT NOT NULL,
    content TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    acknowledged BOOLEAN NOT NULL,
    rebuttal TEXT NOT NULL,
    metadata JSONB NOT NULL,
    data JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT dissent_archive_pkey PRIMARY KEY (archive_id)
);

CREATE TABLE IF NOT EXISTS verified_proofs_archive (
    archive_id BIGINT GENERATED ALWAYS AS IDENTITY,
    id TEXT NOT NULL,
    consensus_id TEXT NOT NULL,
    proof_status TEXT NOT NULL,
    language TEXT,
    formal_statement TEXT,
    is_verified BOOLEAN NOT NULL,
    proof_hash TEXT,
    translation_time_ms DOUBLE PRECISION,
    proof_search_time_ms DOUBLE PRECISION,
    prover_version TEXT,
    error_message TEXT,
    metadata JSONB NOT NULL,
    data JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT verified_proofs_archive_pkey PRIMARY KEY (archive_id)
);

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE consensus ENABLE ROW LEVEL SECURITY;
ALTER TABLE dissent ENABLE ROW LEVEL SECURITY;
ALTER TABLE verified_proofs ENABLE ROW LEVEL SECURITY;
ALTER TABLE debate_votes ENABLE ROW LEVEL SECURITY;
ALTER TABLE consensus_archive ENABLE ROW LEVEL SECURITY;
ALTER TABLE dissent_archive ENABLE ROW LEVEL SECURITY;
ALTER TABLE verified_proofs_archive ENABLE ROW LEVEL SECURITY;

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
            || 'consensus, dissent, verified_proofs, debate_votes, consensus_archive, '
            || 'dissent_archive, verified_proofs_archive FROM %I',
            role_name
        );
        EXECUTE format(
            'REVOKE ALL ON SEQUENCE '
            || 'consensus_archive_archive_id_seq, dissent_archive_archive_id_seq, '
            || 'verified_proofs_archive_archive_id_seq FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE consensus IS 'What a debate agreed on.';
COMMENT ON COLUMN consensus.id IS 'Identifier of the consensus (UUID text).';
COMMENT ON COLUMN consensus.topic IS 'Topic or task of the debate.';
COMMENT ON COLUMN consensus.topic_hash IS 'First 16 hex digits of SHA-256 over the sorted distinct lower-case words of the topic.';
COMMENT ON COLUMN consensus.topic_terms IS 'Search terms of the topic, normalised by the store and joined by blanks; NULL when another program wrote the row.';
COMMENT ON COLUMN consensus.conclusion IS 'What was agreed.';
COMMENT ON COLUMN consensus.strength IS 'How broad the agreement is, from unanimous to contested.';
COMMENT ON COLUMN consensus.confidence IS 'Confidence in the conclusion, 0 to 1.';
COMMENT ON COLUMN consensus.domain IS 'Subject area; the store writes general when none is given.';
COMMENT ON COLUMN consensus.debate_id IS 'Identifier of the debate that led to it, where known.';
COMMENT ON COLUMN consensus.supersedes IS 'The older consensus that this one replaces.';
COMMENT ON COLUMN consensus.rounds IS 'Number of debate rounds.';
COMMENT ON COLUMN consensus.debate_duration_seconds IS 'Length of the debate in seconds.';
COMMENT ON COLUMN consensus.participating_agents IS 'Names of all agents in the debate.';
COMMENT ON COLUMN consensus.agreeing_agents IS 'Names of the agents that agreed.';
COMMENT ON COLUMN consensus.dissenting_agents IS 'Names of the agents that dissented.';
COMMENT ON COLUMN consensus.key_claims IS 'Claims that the conclusion rests on.';
COMMENT ON COLUMN consensus.supporting_evidence IS 'Evidence given for the conclusion.';
COMMENT ON COLUMN consensus.tags IS 'Free labels.';
COMMENT ON COLUMN consensus.belief_cruxes IS 'Up to five points on which the outcome turned.';
COMMENT ON COLUMN consensus.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN consensus.data IS 'Whatever an older system recorded and no column holds.';
COMMENT ON COLUMN consensus.created_at IS 'When the consensus was reached.';
COMMENT ON COLUMN consensus.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN consensus.topic_vector IS 'Search terms as a text search vector.';

COMMENT ON TABLE dissent IS 'A dissenting opinion on a consensus.';
COMMENT ON COLUMN dissent.id IS 'Identifier of the dissent (UUID text).';
COMMENT ON COLUMN dissent.consensus_id IS 'The consensus that the opinion is about.';
COMMENT ON COLUMN dissent.agent_id IS 'Name of the dissenting agent.';
COMMENT ON COLUMN dissent.dissent_type IS 'Kind of the dissent, from minor_quibble to risk_warning.';
COMMENT ON COLUMN dissent.content IS 'What the agent holds against the consensus.';
COMMENT ON COLUMN dissent.reasoning IS 'Why.';
COMMENT ON COLUMN dissent.confidence IS 'Confidence of the agent in its dissent, 0 to 1.';
COMMENT ON COLUMN dissent.acknowledged IS 'Whether somebody has answered to it.';
COMMENT ON COLUMN dissent.rebuttal IS 'The answer; empty when there is none.';
COMMENT ON COLUMN dissent.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN dissent.data IS 'Whatever an older system recorded and no column holds.';
COMMENT ON COLUMN dissent.created_at IS 'When the dissent was stored.';

COMMENT ON TABLE verified_proofs IS 'A run of a formal prover on a consensus.';
COMMENT ON COLUMN verified_proofs.id IS 'Identifier of the run (UUID text).';
COMMENT ON COLUMN verified_proofs.consensus_id IS 'The consensus whose claim was to be proved.';
COMMENT ON COLUMN verified_proofs.proof_status IS 'Outcome of the run.';
COMMENT ON COLUMN verified_proofs.language IS 'Formal language, such as lean4 or z3_smt.';
COMMENT ON COLUMN verified_proofs.formal_statement IS 'The claim in the formal language.';
COMMENT ON COLUMN verified_proofs.is_verified IS 'Whether the proof was found and checked.';
COMMENT ON COLUMN verified_proofs.proof_hash IS 'Hash of the proof text, which is not stored.';
COMMENT ON COLUMN verified_proofs.translation_time_ms IS 'Time to translate the claim, in milliseconds.';
COMMENT ON COLUMN verified_proofs.proof_search_time_ms IS 'Time to search the proof, in milliseconds.';
COMMENT ON COLUMN verified_proofs.prover_version IS 'Version of the prover.';
COMMENT ON COLUMN verified_proofs.error_message IS 'What went wrong.';
COMMENT ON COLUMN verified_proofs.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN verified_proofs.data IS 'The result as the prover reported it.';
COMMENT ON COLUMN verified_proofs.created_at IS 'When the run was stored.';

COMMENT ON TABLE debate_votes IS 'A user''s vote on the outcome of a debate; the last one counts.';
COMMENT ON COLUMN debate_votes.debate_id IS 'Identifier of the debate.';
COMMENT ON COLUMN debate_votes.user_id IS 'Identifier of the user. [user]';
COMMENT ON COLUMN debate_votes.vote IS 'The vote, in the application''s own words.';
COMMENT ON COLUMN debate_votes.source IS 'Where the vote came from, such as a chat channel. [personal]';
COMMENT ON COLUMN debate_votes.created_at IS 'When the user first voted.';
COMMENT ON COLUMN debate_votes.updated_at IS 'When the user last changed the vote.';

COMMENT ON TABLE consensus_archive IS 'Rows that clean-up moved out of consensus.';
COMMENT ON COLUMN consensus_archive.archive_id IS 'Key of the archived row; the same id may be archived again.';
COMMENT ON COLUMN consensus_archive.id IS 'Identifier of the consensus (UUID text).';
COMMENT ON COLUMN consensus_archive.topic IS 'Topic or task of the debate.';
COMMENT ON COLUMN consensus_archive.topic_hash IS 'First 16 hex digits of SHA-256 over the sorted distinct lower-case words of the topic.';
COMMENT ON COLUMN consensus_archive.conclusion IS 'What was agreed.';
COMMENT ON COLUMN consensus_archive.strength IS 'How broad the agreement is, from unanimous to contested.';
COMMENT ON COLUMN consensus_archive.confidence IS 'Confidence in the conclusion, 0 to 1.';
COMMENT ON COLUMN consensus_archive.domain IS 'Subject area; the store writes general when none is given.';
COMMENT ON COLUMN consensus_archive.debate_id IS 'Identifier of the debate that led to it, where known.';
COMMENT ON COLUMN consensus_archive.supersedes IS 'The older consensus that this one replaces.';
COMMENT ON COLUMN consensus_archive.superseded_by IS 'The newer consensus that replaced this one.';
COMMENT ON COLUMN consensus_archive.rounds IS 'Number of debate rounds.';
COMMENT ON COLUMN consensus_archive.debate_duration_seconds IS 'Length of the debate in seconds.';
COMMENT ON COLUMN consensus_archive.participating_agents IS 'Names of all agents in the debate.';
COMMENT ON COLUMN consensus_archive.agreeing_agents IS 'Names of the agents that agreed.';
COMMENT ON COLUMN consensus_archive.dissenting_agents IS 'Names of the agents that dissented.';
COMMENT ON COLUMN consensus_archive.key_claims IS 'Claims that the conclusion rests on.';
COMMENT ON COLUMN consensus_archive.supporting_evidence IS 'Evidence given for the conclusion.';
COMMENT ON COLUMN consensus_archive.tags IS 'Free labels.';
COMMENT ON COLUMN consensus_archive.belief_cruxes IS 'Up to five points on which the outcome turned.';
COMMENT ON COLUMN consensus_archive.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN consensus_archive.data IS 'Whatever an older system recorded and no column holds.';
COMMENT ON COLUMN consensus_archive.created_at IS 'When the consensus was reached.';
COMMENT ON COLUMN consensus_archive.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN consensus_archive.archived_at IS 'When the row was moved here.';

COMMENT ON TABLE dissent_archive IS 'Rows that clean-up moved out of dissent.';
COMMENT ON COLUMN dissent_archive.archive_id IS 'Key of the archived row; the same id may be archived again.';
COMMENT ON COLUMN dissent_archive.id IS 'Identifier of the dissent (UUID text).';
COMMENT ON COLUMN dissent_archive.consensus_id IS 'The consensus that the opinion is about.';
COMMENT ON COLUMN dissent_archive.agent_id IS 'Name of the dissenting agent.';
COMMENT ON COLUMN dissent_archive.dissent_type IS 'Kind of the dissent, from minor_quibble to risk_warning.';
COMMENT ON COLUMN dissent_archive.content IS 'What the agent holds against the consensus.';
COMMENT ON COLUMN dissent_archive.reasoning IS 'Why.';
COMMENT ON COLUMN dissent_archive.confidence IS 'Confidence of the agent in its dissent, 0 to 1.';
COMMENT ON COLUMN dissent_archive.acknowledged IS 'Whether somebody has answered to it.';
COMMENT ON COLUMN dissent_archive.rebuttal IS 'The answer; empty when there is none.';
COMMENT ON COLUMN dissent_archive.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN dissent_archive.data IS 'Whatever an older system recorded and no column holds.';
COMMENT ON COLUMN dissent_archive.created_at IS 'When the dissent was stored.';
COMMENT ON COLUMN dissent_archive.archived_at IS 'When the row was moved here.';

COMMENT ON TABLE verified_proofs_archive IS 'Rows that clean-up moved out of verified_proofs.';
COMMENT ON COLUMN verified_proofs_archive.archive_id IS 'Key of the archived row; the same id may be archived again.';
COMMENT ON COLUMN verified_proofs_archive.id IS 'Identifier of the run (UUID text).';
COMMENT ON COLUMN verified_proofs_archive.consensus_id IS 'The consensus whose claim was to be proved.';
COMMENT ON COLUMN verified_proofs_archive.proof_status IS 'Outcome of the run.';
COMMENT ON COLUMN verified_proofs_archive.language IS 'Formal language, such as lean4 or z3_smt.';
COMMENT ON COLUMN verified_proofs_archive.formal_statement IS 'The claim in the formal language.';
COMMENT ON COLUMN verified_proofs_archive.is_verified IS 'Whether the proof was found and checked.';
COMMENT ON COLUMN verified_proofs_archive.proof_hash IS 'Hash of the proof text, which is not stored.';
COMMENT ON COLUMN verified_proofs_archive.translation_time_ms IS 'Time to translate the claim, in milliseconds.';
COMMENT ON COLUMN verified_proofs_archive.proof_search_time_ms IS 'Time to search the proof, in milliseconds.';
COMMENT ON COLUMN verified_proofs_archive.prover_version IS 'Version of the prover.';
COMMENT ON COLUMN verified_proofs_archive.error_message IS 'What went wrong.';
COMMENT ON COLUMN verified_proofs_archive.metadata IS 'Free facts of the application.';
COMMENT ON COLUMN verified_proofs_archive.data IS 'The result as the prover reported it.';
COMMENT ON COLUMN verified_proofs_archive.created_at IS 'When the run was stored.';
COMMENT ON COLUMN verified_proofs_archive.archived_at IS 'When the row was moved here.';

INSERT INTO _schema_versions (module, version) VALUES ('consensus', 2)
ON CONFLICT (module) DO NOTHING;
