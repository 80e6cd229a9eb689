-- Governance: approvals with their votes and policies, verifications, decisions, points to go back to.

CREATE TABLE IF NOT EXISTS governance_policies (
    org_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    risk_level TEXT NOT NULL,
    required_approvals INTEGER NOT NULL DEFAULT 1,
    required_rejections INTEGER NOT NULL DEFAULT 1,
    allow_self_approval BOOLEAN NOT NULL DEFAULT TRUE,
    timeout_seconds INTEGER NOT NULL DEFAULT 3600,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT governance_policies_pkey PRIMARY KEY (org_id, risk_level),
    CONSTRAINT governance_policies_risk_level_check
    CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT governance_policies_required_approvals_check CHECK (required_approvals >= 1),
    CONSTRAINT governance_policies_required_rejections_check CHECK (required_rejections >= 1),
    CONSTRAINT governance_policies_timeout_seconds_check CHECK (timeout_seconds >= 1)
);

CREATE TABLE IF NOT EXISTS governance_approvals (
    approval_id TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    risk_level TEXT NOT NULL DEFAULT 'medium',
    status TEXT NOT NULL DEFAULT 'pending',
    requested_by TEXT,
    requested_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    changes JSONB NOT NULL DEFAULT '[]'::jsonb,
    timeout_seconds INTEGER NOT NULL DEFAULT 3600,
    -- parity: default governance_approvals.expires_at because each engine adds in its own words
    -- By way of UTC, in which an hour is an hour: so it is the same in every session.
    expires_at TIMESTAMPTZ NOT NULL GENERATED ALWAYS AS (
        (
            (requested_at AT TIME ZONE 'UTC') + make_interval(secs => timeout_seconds)
        ) AT TIME ZONE 'UTC'
    ) STORED,
    required_approvals INTEGER NOT NULL DEFAULT 1,
    required_rejections INTEGER NOT NULL DEFAULT 1,
    allow_self_approval BOOLEAN NOT NULL DEFAULT TRUE,
    approve_votes INTEGER NOT NULL DEFAULT 0,
    reject_votes INTEGER NOT NULL DEFAULT 0,
    approved_by TEXT,
    approved_at TIMESTAMPTZ,
    decided_at TIMESTAMPTZ,
    rejection_reason TEXT,
    org_id TEXT,
    workspace_id TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT governance_approvals_pkey PRIMARY KEY (approval_id),
    CONSTRAINT governance_approvals_approval_id_check CHECK (approval_id <> ''),
    CONSTRAINT governance_approvals_risk_level_check
    CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT governance_approvals_status_check
    CHECK (status IN (
        'pending', 'approved', 'rejected', 'expired', 'cancelled', 'timeout', 'escalated'
    )),
    CONSTRAINT governance_approvals_changes_check CHECK (jsonb_typeof(changes) = 'array'),
    CONSTRAINT governance_approvals_timeout_seconds_check CHECK (timeout_seconds >= 1),
    CONSTRAINT governance_approvals_required_approvals_check CHECK (required_approvals >= 1),
    CONSTRAINT governance_approvals_required_rejections_check CHECK (required_rejections >= 1),
    CONSTRAINT governance_approvals_approve_votes_check CHECK (approve_votes >= 0),
    CONSTRAINT governance_approvals_reject_votes_check CHECK (reject_votes >= 0),
    CONSTRAINT governance_approvals_org_id_check CHECK (org_id <> ''),
    CONSTRAINT governance_approvals_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT governance_approvals_quorum_check
    CHECK (status <> 'approved' OR approve_votes >= required_approvals),
    CONSTRAINT governance_approvals_pending_check CHECK (status <> 'pending' OR decided_at IS NULL)
);

CREATE INDEX IF NOT EXISTS idx_governance_approvals_requested
ON governance_approvals (requested_at DESC, approval_id DESC);
CREATE INDEX IF NOT EXISTS idx_governance_approvals_status
ON governance_approvals (status, requested_at DESC, approval_id DESC);
CREATE INDEX IF NOT EXISTS idx_governance_approvals_org
ON governance_approvals (org_id, requested_at DESC, approval_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_governance_approvals_org_status
ON governance_approvals (org_id, status, requested_at DESC, approval_id DESC)
WHERE org_id IS NOT NULL;
-- What is decided stays out, so what has expired costs the same however many there are.
CREATE INDEX IF NOT EXISTS idx_governance_approvals_expires
ON governance_approvals (expires_at, approval_id) WHERE status = 'pending';
-- For the clean-up.
CREATE INDEX IF NOT EXISTS idx_governance_approvals_ended
ON governance_approvals ((coalesce(decided_at, requested_at)), approval_id)
WHERE status <> 'pending';

CREATE TABLE IF NOT EXISTS governance_votes (
    approval_id TEXT COLLATE "C" NOT NULL,
    voter_id TEXT COLLATE "C" NOT NULL,
    approves BOOLEAN NOT NULL,
    reason TEXT,
    voted_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT governance_votes_pkey PRIMARY KEY (approval_id, voter_id),
    CONSTRAINT governance_votes_approval_id_fkey
    FOREIGN KEY (approval_id) REFERENCES governance_approvals (approval_id) ON DELETE CASCADE,
    CONSTRAINT governance_votes_voter_id_check CHECK (voter_id <> '')
);

CREATE TABLE IF NOT EXISTS verification_records (
    verification_id TEXT COLLATE "C" NOT NULL,
    claim TEXT NOT NULL,
    claim_type TEXT,
    context TEXT NOT NULL DEFAULT '',
    result JSONB NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),
    verified_by TEXT NOT NULL DEFAULT 'system',
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0,
    proof_tree JSONB,
    org_id TEXT,
    workspace_id TEXT,
    CONSTRAINT verification_records_pkey PRIMARY KEY (verification_id),
    CONSTRAINT verification_records_verification_id_check CHECK (verification_id <> ''),
    CONSTRAINT verification_records_result_check CHECK (jsonb_typeof(result) = 'object'),
    CONSTRAINT verification_records_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT verification_records_proof_tree_check CHECK (jsonb_typeof(proof_tree) = 'array'),
    CONSTRAINT verification_records_org_id_check CHECK (org_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_verification_records_timestamp
ON verification_records (timestamp DESC, verification_id DESC);
CREATE INDEX IF NOT EXISTS idx_verification_records_org
ON verification_records (org_id, timestamp DESC, verification_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_verification_records_claim_type
ON verification_records (claim_type, timestamp DESC, verification_id DESC)
WHERE claim_type IS NOT NULL;

CREATE TABLE IF NOT EXISTS decision_records (
    decision_id TEXT COLLATE "C" NOT NULL,
    debate_id TEXT NOT NULL,
    conclusion TEXT NOT NULL DEFAULT '',
    consensus_reached BOOLEAN NOT NULL DEFAULT FALSE,
    confidence DOUBLE PRECISION NOT NULL DEFAULT 0,
    timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),
    evidence_chain JSONB NOT NULL DEFAULT '[]'::jsonb,
    vote_pivots JSONB NOT NULL DEFAULT '[]'::jsonb,
    belief_changes JSONB NOT NULL DEFAULT '[]'::jsonb,
    agents_involved JSONB NOT NULL DEFAULT '[]'::jsonb,
    org_id TEXT,
    workspace_id TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT decision_records_pkey PRIMARY KEY (decision_id),
    CONSTRAINT decision_records_decision_id_check CHECK (decision_id <> ''),
    CONSTRAINT decision_records_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT decision_records_evidence_chain_check
    CHECK (jsonb_typeof(evidence_chain) = 'array'),
    CONSTRAINT decision_records_vote_pivots_check CHECK (jsonb_typeof(vote_pivots) = 'array'),
    CONSTRAINT decision_records_belief_changes_check
    CHECK (jsonb_typeof(belief_changes) = 'array'),
    CONSTRAINT decision_records_agents_involved_check
    CHECK (jsonb_typeof(agents_involved) = 'array'),
    CONSTRAINT decision_records_org_id_check CHECK (org_id <> ''),
    CONSTRAINT decision_records_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_decision_records_timestamp
ON decision_records (timestamp DESC, decision_id DESC);
CREATE INDEX IF NOT EXISTS idx_decision_records_consensus
ON decision_records (timestamp DESC, decision_id DESC) WHERE consensus_reached;
CREATE INDEX IF NOT EXISTS idx_decision_records_org
ON decision_records (org_id, timestamp DESC, decision_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_decision_records_org_consensus
ON decision_records (org_id, timestamp DESC, decision_id DESC)
WHERE org_id IS NOT NULL AND consensus_reached;
CREATE INDEX IF NOT EXISTS idx_decision_records_debate
ON decision_records (debate_id, timestamp DESC, decision_id DESC);

CREATE TABLE IF NOT EXISTS rollback_points (
    rollback_id TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    git_commit TEXT,
    file_backups JSONB NOT NULL DEFAULT '{}'::jsonb,
    database_snapshot TEXT,
    metadata JSONB NOT NULL DEFAULT '{}'::jsonb,
    created_by TEXT,
    org_id TEXT,
    workspace_id TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT rollback_points_pkey PRIMARY KEY (rollback_id),
    CONSTRAINT rollback_points_rollback_id_check CHECK (rollback_id <> ''),
    CONSTRAINT rollback_points_file_backups_check CHECK (jsonb_typeof(file_backups) = 'object'),
    CONSTRAINT rollback_points_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT rollback_points_org_id_check CHECK (org_id <> '')
);

CREATE INDEX IF NOT EXISTS idx_rollback_points_created
ON rollback_points (created_at DESC, rollback_id DESC);
CREATE INDEX IF NOT EXISTS idx_rollback_points_org
ON rollback_points (org_id, created_at DESC, rollback_id DESC) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS approval_requests (
    request_id TEXT COLLATE "C" NOT NULL,
    workflow_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    request_data JSONB NOT NULL DEFAULT '{}'::jsonb,
    response_data JSONB,
    requester_id TEXT,
    responder_id TEXT,
    priority INTEGER NOT NULL DEFAULT 3,
    workspace_id TEXT,
    tags JSONB NOT NULL DEFAULT '[]'::jsonb,
    extra JSONB NOT NULL DEFAULT '{}'::jsonb,
    expires_at TIMESTAMPTZ,
    responded_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT approval_requests_pkey PRIMARY KEY (request_id),
    CONSTRAINT approval_requests_request_id_check CHECK (request_id <> ''),
    CONSTRAINT approval_requests_status_check
    CHECK (status IN ('pending', 'approved', 'rejected', 'expired')),
    CONSTRAINT approval_requests_request_data_check CHECK (jsonb_typeof(request_data) = 'object'),
    CONSTRAINT approval_requests_response_data_check
    CHECK (jsonb_typeof(response_data) = 'object'),
    CONSTRAINT approval_requests_priority_check CHECK (priority BETWEEN 1 AND 5),
    CONSTRAINT approval_requests_tags_check CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT approval_requests_extra_check CHECK (jsonb_typeof(extra) = 'object')
);

CREATE INDEX IF NOT EXISTS idx_approval_requests_created
ON approval_requests (created_at DESC, request_id DESC);
CREATE INDEX IF NOT EXISTS idx_approval_requests_status
ON approval_requests (status, priority, created_at DESC, request_id DESC);
CREATE INDEX IF NOT EXISTS idx_approval_requests_workflow
ON approval_requests (workflow_id, created_at DESC, request_id DESC);
CREATE INDEX IF NOT EXISTS idx_approval_requests_workspace
ON approval_requests (workspace_id, created_at DESC, request_id DESC)
WHERE workspace_id IS NOT NULL;
-- What was answered stays out.
CREATE INDEX IF NOT EXISTS idx_approval_requests_expires
ON approval_requests (expires_at, request_id) WHERE status = 'pending' AND expires_at IS NOT NULL;

-- No policy: only the owning role (and roles that bypass row level security) sees the rows.
ALTER TABLE governance_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE governance_approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE governance_votes ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE rollback_points ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_requests ENABLE ROW LEVEL SECURITY;

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
            || 'governance_policies, governance_approvals, governance_votes, '
            || 'verification_records, decision_records, rollback_points, approval_requests '
            || 'FROM %I',
            role_name
        );
    END LOOP;
END
$$;

COMMENT ON TABLE governance_policies IS 'What a new approval needs, by organization and risk: the quorum, who may vote, how long.';
COMMENT ON COLUMN governance_policies.org_id IS 'Organization; '' for all that have no policy of their own. [shared]';
COMMENT ON COLUMN governance_policies.risk_level IS 'low, medium, high or critical.';
COMMENT ON COLUMN governance_policies.required_approvals IS 'Votes for an approval that approve it.';
COMMENT ON COLUMN governance_policies.required_rejections IS 'Votes against an approval that reject it.';
COMMENT ON COLUMN governance_policies.allow_self_approval IS 'Whether whoever asks may vote too.';
COMMENT ON COLUMN governance_policies.timeout_seconds IS 'Seconds after which an approval expires that names no time of its own.';
COMMENT ON COLUMN governance_policies.updated_at IS 'When it was last set.';

COMMENT ON TABLE governance_approvals IS 'Something that people have to approve before it is done.';
COMMENT ON COLUMN governance_approvals.approval_id IS 'Identifier, given by the application.';
COMMENT ON COLUMN governance_approvals.title IS 'What is to be approved, in one line.';
COMMENT ON COLUMN governance_approvals.description IS 'What is to be approved, at length.';
COMMENT ON COLUMN governance_approvals.risk_level IS 'low, medium, high or critical.';
COMMENT ON COLUMN governance_approvals.status IS 'pending until it is decided; timeout and escalated are written by workflows.';
COMMENT ON COLUMN governance_approvals.requested_by IS 'User who asked for it. [user]';
COMMENT ON COLUMN governance_approvals.requested_at IS 'When it was asked for; never changes.';
COMMENT ON COLUMN governance_approvals.changes IS 'What would be changed: a list.';
COMMENT ON COLUMN governance_approvals.timeout_seconds IS 'Seconds until it expires.';
COMMENT ON COLUMN governance_approvals.expires_at IS 'When it expires unless it is decided before; computed.';
COMMENT ON COLUMN governance_approvals.required_approvals IS 'Votes that approve it; of the policy at the time of the request.';
COMMENT ON COLUMN governance_approvals.required_rejections IS 'Votes that reject it; of the policy at the time of the request.';
COMMENT ON COLUMN governance_approvals.allow_self_approval IS 'Whether requested_by may vote.';
COMMENT ON COLUMN governance_approvals.approve_votes IS 'Votes for it so far.';
COMMENT ON COLUMN governance_approvals.reject_votes IS 'Votes against it so far.';
COMMENT ON COLUMN governance_approvals.approved_by IS 'User whose vote approved it. [user]';
COMMENT ON COLUMN governance_approvals.approved_at IS 'When that was.';
COMMENT ON COLUMN governance_approvals.decided_at IS 'When it left pending; NULL also where an older system did not keep it.';
COMMENT ON COLUMN governance_approvals.rejection_reason IS 'Why it was rejected, as whoever decided it wrote. [personal]';
COMMENT ON COLUMN governance_approvals.org_id IS 'Organization that it belongs to.';
COMMENT ON COLUMN governance_approvals.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN governance_approvals.metadata IS 'What the application adds.';

COMMENT ON TABLE governance_votes IS 'Who voted on an approval; nobody twice.';
COMMENT ON COLUMN governance_votes.approval_id IS 'The approval.';
COMMENT ON COLUMN governance_votes.voter_id IS 'User who voted. [user]';
COMMENT ON COLUMN governance_votes.approves IS 'Whether for it or against it.';
COMMENT ON COLUMN governance_votes.reason IS 'Why, as the voter wrote. [personal]';
COMMENT ON COLUMN governance_votes.voted_at IS 'When.';

COMMENT ON TABLE verification_records IS 'Claims that were verified, and with what result.';
COMMENT ON COLUMN verification_records.verification_id IS 'Identifier, given by the application.';
COMMENT ON COLUMN verification_records.claim IS 'What was claimed.';
COMMENT ON COLUMN verification_records.claim_type IS 'Kind of the claim.';
COMMENT ON COLUMN verification_records.context IS 'What the claim was about.';
COMMENT ON COLUMN verification_records.result IS 'What came of it; its member valid says whether the claim holds.';
COMMENT ON COLUMN verification_records.timestamp IS 'When it was first verified.';
COMMENT ON COLUMN verification_records.verified_by IS 'User, agent or system that verified it. [user]';
COMMENT ON COLUMN verification_records.confidence IS 'From 0 to 1.';
COMMENT ON COLUMN verification_records.proof_tree IS 'Steps of the proof: a list.';
COMMENT ON COLUMN verification_records.org_id IS 'Organization that it belongs to.';
COMMENT ON COLUMN verification_records.workspace_id IS 'Workspace within the organization.';

COMMENT ON TABLE decision_records IS 'What debates decided, with the evidence.';
COMMENT ON COLUMN decision_records.decision_id IS 'Identifier, given by the application.';
COMMENT ON COLUMN decision_records.debate_id IS 'The debate; it need not be stored.';
COMMENT ON COLUMN decision_records.conclusion IS 'What was decided.';
COMMENT ON COLUMN decision_records.consensus_reached IS 'Whether the debate ended in consensus.';
COMMENT ON COLUMN decision_records.confidence IS 'From 0 to 1.';
COMMENT ON COLUMN decision_records.timestamp IS 'When it was decided.';
COMMENT ON COLUMN decision_records.evidence_chain IS 'Evidence, in its order.';
COMMENT ON COLUMN decision_records.vote_pivots IS 'Votes that turned the debate.';
COMMENT ON COLUMN decision_records.belief_changes IS 'Who changed what they believed, and when.';
COMMENT ON COLUMN decision_records.agents_involved IS 'Names of the agents.';
COMMENT ON COLUMN decision_records.org_id IS 'Organization that it belongs to.';
COMMENT ON COLUMN decision_records.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN decision_records.metadata IS 'What the application adds.';

COMMENT ON TABLE rollback_points IS 'States to which a change can be taken back.';
COMMENT ON COLUMN rollback_points.rollback_id IS 'Identifier.';
COMMENT ON COLUMN rollback_points.description IS 'What was about to be changed.';
COMMENT ON COLUMN rollback_points.git_commit IS 'Commit that the source code was at.';
COMMENT ON COLUMN rollback_points.file_backups IS 'Path of the copy of each file, by path.';
COMMENT ON COLUMN rollback_points.database_snapshot IS 'Path or name of a copy of the database.';
COMMENT ON COLUMN rollback_points.metadata IS 'What the application adds.';
COMMENT ON COLUMN rollback_points.created_by IS 'User who made it. [user]';
COMMENT ON COLUMN rollback_points.org_id IS 'Organization that it belongs to.';
COMMENT ON COLUMN rollback_points.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN rollback_points.created_at IS 'When it was made.';

COMMENT ON TABLE approval_requests IS 'Steps of workflows that wait for the answer of a person.';
COMMENT ON COLUMN approval_requests.request_id IS 'Identifier, given by the application.';
COMMENT ON COLUMN approval_requests.workflow_id IS 'The workflow that waits.';
COMMENT ON COLUMN approval_requests.step_id IS 'The step of it.';
COMMENT ON COLUMN approval_requests.title IS 'What is asked, in one line.';
COMMENT ON COLUMN approval_requests.description IS 'What is asked, at length.';
COMMENT ON COLUMN approval_requests.status IS 'pending, approved, rejected or expired.';
COMMENT ON COLUMN approval_requests.request_data IS 'What the step hands to whoever answers.';
COMMENT ON COLUMN approval_requests.response_data IS 'What they answered. [personal]';
COMMENT ON COLUMN approval_requests.requester_id IS 'User on whose behalf it is asked. [user]';
COMMENT ON COLUMN approval_requests.responder_id IS 'User who answered. [user]';
COMMENT ON COLUMN approval_requests.priority IS '1 (most urgent) to 5 (least).';
COMMENT ON COLUMN approval_requests.workspace_id IS 'Workspace within the organization.';
COMMENT ON COLUMN approval_requests.tags IS 'Words to find it by.';
COMMENT ON COLUMN approval_requests.extra IS 'Members of the application''s document that have no column.';
COMMENT ON COLUMN approval_requests.expires_at IS 'When it expires; NULL for never.';
COMMENT ON COLUMN approval_requests.responded_at IS 'When it was answered.';
COMMENT ON COLUMN approval_requests.created_at IS 'When it was asked; never changes.';
COMMENT ON COLUMN approval_requests.updated_at IS 'When it was last changed.';

INSERT INTO _schema_versions (module, version) VALUES ('governance', 1)
ON CONFLICT (module) DO NOTHING;
