-- Governance: approvals with their votes and policies, verifications, decisions, points to go back to.

CREATE TABLE IF NOT EXISTS governance_policies (
    org_id TEXT NOT NULL DEFAULT '',
    risk_level TEXT NOT NULL,
    required_approvals INTEGER NOT NULL DEFAULT 1,
    required_rejections INTEGER NOT NULL DEFAULT 1,
    allow_self_approval INTEGER NOT NULL DEFAULT 1,
    timeout_seconds INTEGER NOT NULL DEFAULT 3600,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT governance_policies_pkey PRIMARY KEY (org_id, risk_level),
    CONSTRAINT governance_policies_risk_level_check
    CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT governance_policies_required_approvals_check CHECK (required_approvals >= 1),
    CONSTRAINT governance_policies_required_rejections_check CHECK (required_rejections >= 1),
    CONSTRAINT governance_policies_allow_self_approval_check CHECK (allow_self_approval IN (0, 1)),
    CONSTRAINT governance_policies_timeout_seconds_check CHECK (timeout_seconds >= 1),
    CONSTRAINT governance_policies_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS governance_approvals (
    approval_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    risk_level TEXT NOT NULL DEFAULT 'medium',
    status TEXT NOT NULL DEFAULT 'pending',
    requested_by TEXT,
    requested_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    changes TEXT NOT NULL DEFAULT '[]',
    timeout_seconds INTEGER NOT NULL DEFAULT 3600,
    -- The functions of SQLite know milliseconds: the rest of the second is taken as it is.
    expires_at TEXT NOT NULL GENERATED ALWAYS AS (
        strftime(
            '%Y-%m-%dT%H:%M:%S', substr(requested_at, 1, 19), timeout_seconds || ' seconds'
        ) || substr(requested_at, 20)
    ) STORED,
    required_approvals INTEGER NOT NULL DEFAULT 1,
    required_rejections INTEGER NOT NULL DEFAULT 1,
    allow_self_approval INTEGER NOT NULL DEFAULT 1,
    approve_votes INTEGER NOT NULL DEFAULT 0,
    reject_votes INTEGER NOT NULL DEFAULT 0,
    approved_by TEXT,
    approved_at TEXT,
    decided_at TEXT,
    rejection_reason TEXT,
    org_id TEXT,
    workspace_id TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT governance_approvals_pkey PRIMARY KEY (approval_id),
    CONSTRAINT governance_approvals_approval_id_check CHECK (approval_id <> ''),
    CONSTRAINT governance_approvals_risk_level_check
    CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT governance_approvals_status_check
    CHECK (status IN (
        'pending', 'approved', 'rejected', 'expired', 'cancelled', 'timeout', 'escalated'
    )),
    CONSTRAINT governance_approvals_changes_check
    CHECK (json_valid(changes) AND json_type(changes) = 'array'),
    CONSTRAINT governance_approvals_timeout_seconds_check CHECK (timeout_seconds >= 1),
    CONSTRAINT governance_approvals_required_approvals_check CHECK (required_approvals >= 1),
    CONSTRAINT governance_approvals_required_rejections_check CHECK (required_rejections >= 1),
    CONSTRAINT governance_approvals_allow_self_approval_check
    CHECK (allow_self_approval IN (0, 1)),
    CONSTRAINT governance_approvals_approve_votes_check CHECK (approve_votes >= 0),
    CONSTRAINT governance_approvals_reject_votes_check CHECK (reject_votes >= 0),
    CONSTRAINT governance_approvals_org_id_check CHECK (org_id <> ''),
    CONSTRAINT governance_approvals_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT governance_approvals_quorum_check
    CHECK (status <> 'approved' OR approve_votes >= required_approvals),
    CONSTRAINT governance_approvals_pending_check CHECK (status <> 'pending' OR decided_at IS NULL),
    CONSTRAINT governance_approvals_requested_at_check
    CHECK (requested_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT governance_approvals_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT governance_approvals_approved_at_check
    CHECK (approved_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT governance_approvals_decided_at_check
    CHECK (decided_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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
    approval_id TEXT NOT NULL,
    voter_id TEXT NOT NULL,
    approves INTEGER NOT NULL,
    reason TEXT,
    voted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT governance_votes_pkey PRIMARY KEY (approval_id, voter_id),
    CONSTRAINT governance_votes_approval_id_fkey
    FOREIGN KEY (approval_id) REFERENCES governance_approvals (approval_id) ON DELETE CASCADE,
    CONSTRAINT governance_votes_voter_id_check CHECK (voter_id <> ''),
    CONSTRAINT governance_votes_approves_check CHECK (approves IN (0, 1)),
    CONSTRAINT governance_votes_voted_at_check CHECK (voted_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE TABLE IF NOT EXISTS verification_records (
    verification_id TEXT NOT NULL,
    claim TEXT NOT NULL,
    claim_type TEXT,
    context TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL,
    timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    verified_by TEXT NOT NULL DEFAULT 'system',
    confidence REAL NOT NULL DEFAULT 0,
    proof_tree TEXT,
    org_id TEXT,
    workspace_id TEXT,
    CONSTRAINT verification_records_pkey PRIMARY KEY (verification_id),
    CONSTRAINT verification_records_verification_id_check CHECK (verification_id <> ''),
    CONSTRAINT verification_records_result_check
    CHECK (json_valid(result) AND json_type(result) = 'object'),
    CONSTRAINT verification_records_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT verification_records_proof_tree_check
    CHECK (proof_tree IS NULL OR (json_valid(proof_tree) AND json_type(proof_tree) = 'array')),
    CONSTRAINT verification_records_org_id_check CHECK (org_id <> ''),
    CONSTRAINT verification_records_timestamp_check
    CHECK (timestamp LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_verification_records_timestamp
ON verification_records (timestamp DESC, verification_id DESC);
CREATE INDEX IF NOT EXISTS idx_verification_records_org
ON verification_records (org_id, timestamp DESC, verification_id DESC) WHERE org_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_verification_records_claim_type
ON verification_records (claim_type, timestamp DESC, verification_id DESC)
WHERE claim_type IS NOT NULL;

CREATE TABLE IF NOT EXISTS decision_records (
    decision_id TEXT NOT NULL,
    debate_id TEXT NOT NULL,
    conclusion TEXT NOT NULL DEFAULT '',
    consensus_reached INTEGER NOT NULL DEFAULT 0,
    confidence REAL NOT NULL DEFAULT 0,
    timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    evidence_chain TEXT NOT NULL DEFAULT '[]',
    vote_pivots TEXT NOT NULL DEFAULT '[]',
    belief_changes TEXT NOT NULL DEFAULT '[]',
    agents_involved TEXT NOT NULL DEFAULT '[]',
    org_id TEXT,
    workspace_id TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT decision_records_pkey PRIMARY KEY (decision_id),
    CONSTRAINT decision_records_decision_id_check CHECK (decision_id <> ''),
    CONSTRAINT decision_records_consensus_reached_check CHECK (consensus_reached IN (0, 1)),
    CONSTRAINT decision_records_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT decision_records_evidence_chain_check
    CHECK (json_valid(evidence_chain) AND json_type(evidence_chain) = 'array'),
    CONSTRAINT decision_records_vote_pivots_check
    CHECK (json_valid(vote_pivots) AND json_type(vote_pivots) = 'array'),
    CONSTRAINT decision_records_belief_changes_check
    CHECK (json_valid(belief_changes) AND json_type(belief_changes) = 'array'),
    CONSTRAINT decision_records_agents_involved_check
    CHECK (json_valid(agents_involved) AND json_type(agents_involved) = 'array'),
    CONSTRAINT decision_records_org_id_check CHECK (org_id <> ''),
    CONSTRAINT decision_records_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT decision_records_timestamp_check
    CHECK (timestamp LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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
    rollback_id TEXT NOT NULL,
    description TEXT NOT NULL,
    git_commit TEXT,
    file_backups TEXT NOT NULL DEFAULT '{}',
    database_snapshot TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    created_by TEXT,
    org_id TEXT,
    workspace_id TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT rollback_points_pkey PRIMARY KEY (rollback_id),
    CONSTRAINT rollback_points_rollback_id_check CHECK (rollback_id <> ''),
    CONSTRAINT rollback_points_file_backups_check
    CHECK (json_valid(file_backups) AND json_type(file_backups) = 'object'),
    CONSTRAINT rollback_points_metadata_check
    CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    CONSTRAINT rollback_points_org_id_check CHECK (org_id <> ''),
    CONSTRAINT rollback_points_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

CREATE INDEX IF NOT EXISTS idx_rollback_points_created
ON rollback_points (created_at DESC, rollback_id DESC);
CREATE INDEX IF NOT EXISTS idx_rollback_points_org
ON rollback_points (org_id, created_at DESC, rollback_id DESC) WHERE org_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS approval_requests (
    request_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    request_data TEXT NOT NULL DEFAULT '{}',
    response_data TEXT,
    requester_id TEXT,
    responder_id TEXT,
    priority INTEGER NOT NULL DEFAULT 3,
    workspace_id TEXT,
    tags TEXT NOT NULL DEFAULT '[]',
    extra TEXT NOT NULL DEFAULT '{}',
    expires_at TEXT,
    responded_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT approval_requests_pkey PRIMARY KEY (request_id),
    CONSTRAINT approval_requests_request_id_check CHECK (request_id <> ''),
    CONSTRAINT approval_requests_status_check
    CHECK (status IN ('pending', 'approved', 'rejected', 'expired')),
    CONSTRAINT approval_requests_request_data_check
    CHECK (json_valid(request_data) AND json_type(request_data) = 'object'),
    CONSTRAINT approval_requests_response_data_check
    CHECK (
        response_data IS NULL OR (json_valid(response_data) AND json_type(response_data) = 'object')
    ),
    CONSTRAINT approval_requests_priority_check CHECK (priority BETWEEN 1 AND 5),
    CONSTRAINT approval_requests_tags_check CHECK (json_valid(tags) AND json_type(tags) = 'array'),
    CONSTRAINT approval_requests_extra_check
    CHECK (json_valid(extra) AND json_type(extra) = 'object'),
    CONSTRAINT approval_requests_expires_at_check
    CHECK (expires_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT approval_requests_responded_at_check
    CHECK (responded_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT approval_requests_created_at_check
    CHECK (created_at LIKE '____-__-__T__:__:__.______Z'),
    CONSTRAINT approval_requests_updated_at_check
    CHECK (updated_at LIKE '____-__-__T__:__:__.______Z')
) STRICT;

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

INSERT INTO _schema_versions (module, version) VALUES ('governance', 1)
ON CONFLICT (module) DO NOTHING;
