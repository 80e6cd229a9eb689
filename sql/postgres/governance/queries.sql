-- Queries of the governance store: approvals, votes, policies, verifications, decisions, requests.

-- name: set_policy(org_id, risk_level, required_approvals, required_rejections, allow_self_approval, timeout_seconds)!
-- Set what new approvals of a risk need, in one organization or ('') in all without a policy of their
-- own.
INSERT INTO governance_policies (
    org_id,
    risk_level,
    required_approvals,
    required_rejections,
    allow_self_approval,
    timeout_seconds,
    updated_at
)
VALUES (
    :org_id,
    :risk_level,
    :required_approvals,
    :required_rejections,
    :allow_self_approval,
    :timeout_seconds,
    statement_timestamp()
)
ON CONFLICT (org_id, risk_level) DO UPDATE
    SET
        required_approvals = excluded.required_approvals,
        required_rejections = excluded.required_rejections,
        allow_self_approval = excluded.allow_self_approval,
        timeout_seconds = excluded.timeout_seconds,
        updated_at = excluded.updated_at;

-- name: list_policies(org_id)
-- List the policies of an organization, or (NULL) all.
-- plan: seq_scan allowed because there are few policies
SELECT
    -- columns: ApprovalPolicy
    p.org_id,
    p.risk_level,
    p.required_approvals,
    p.required_rejections,
    p.allow_self_approval,
    p.timeout_seconds,
    p.updated_at
FROM governance_policies AS p
WHERE :org_id::text IS NULL OR p.org_id = :org_id::text
ORDER BY p.org_id, p.risk_level COLLATE "C";

-- name: delete_policy(org_id, risk_level)!
-- Delete a policy; approvals that were asked for under it keep its quorum.
DELETE FROM governance_policies
WHERE
    org_id = :org_id
    AND risk_level = :risk_level;

-- name: save_approval(approval_id, title, description, risk_level, requested_by, changes, timeout_seconds, required_approvals, required_rejections, org_id, workspace_id, metadata)!
-- Store an approval with the quorum of its organization's policy, or replace one on which nobody has
-- voted yet; what it asks for itself can make the quorum larger only.
INSERT INTO governance_approvals (
    approval_id,
    title,
    description,
    risk_level,
    requested_by,
    requested_at,
    changes,
    timeout_seconds,
    required_approvals,
    required_rejections,
    allow_self_approval,
    org_id,
    workspace_id,
    metadata
)
SELECT
    :approval_id::text AS approval_id,
    :title::text AS title,
    :description::text AS description,
    :risk_level::text AS risk_level,
    :requested_by::text AS requested_by,
    statement_timestamp() AS requested_at,
    :changes::jsonb AS changes,
    coalesce(:timeout_seconds::integer, p.timeout_seconds, 3600) AS timeout_seconds,
    greatest(
        coalesce(:required_approvals::integer, 1), coalesce(p.required_approvals, 1)
    ) AS required_approvals,
    greatest(
        coalesce(:required_rejections::integer, 1), coalesce(p.required_rejections, 1)
    ) AS required_rejections,
    coalesce(p.allow_self_approval, TRUE) AS allow_self_approval,
    :org_id::text AS org_id,
    :workspace_id::text AS workspace_id,
    :metadata::jsonb AS metadata
FROM (SELECT 1 AS one) AS v
LEFT JOIN governance_policies AS p
    ON
        p.risk_level = :risk_level::text
        AND p.org_id = coalesce(
            (
                SELECT o.org_id
                FROM governance_policies AS o
                WHERE o.org_id = :org_id::text AND o.risk_level = :risk_level::text
            ),
            ''
        )
WHERE TRUE
ON CONFLICT (approval_id) DO UPDATE
    SET
        title = excluded.title,
        description = excluded.description,
        risk_level = excluded.risk_level,
        requested_by = excluded.requested_by,
        changes = excluded.changes,
        timeout_seconds = excluded.timeout_seconds,
        required_approvals = excluded.required_approvals,
        required_rejections = excluded.required_rejections,
        allow_self_approval = excluded.allow_self_approval,
        workspace_id = excluded.workspace_id,
        metadata = excluded.metadata
    WHERE
    governance_approvals.status = 'pending'
    AND governance_approvals.expires_at > statement_timestamp()
    AND governance_approvals.approve_votes = 0
    AND governance_approvals.reject_votes = 0
    AND governance_approvals.org_id IS NOT DISTINCT FROM excluded.org_id;

-- name: count_vote(approval_id, voter_id, approves, reason)*!
-- Count a vote on an approval that is open, and decide it when that makes the quorum.
UPDATE governance_approvals
SET
    approve_votes = approve_votes + CASE WHEN :approves::boolean THEN 1 ELSE 0 END,
    reject_votes = reject_votes + CASE WHEN :approves::boolean THEN 0 ELSE 1 END,
    status = CASE
        WHEN :approves::boolean AND approve_votes + 1 >= required_approvals THEN 'approved'
        WHEN NOT :approves::boolean AND reject_votes + 1 >= required_rejections THEN 'rejected'
        ELSE status
    END,
    approved_by = CASE
        WHEN :approves::boolean AND approve_votes + 1 >= required_approvals THEN :voter_id::text
    END,
    approved_at = CASE
        WHEN :approves::boolean AND approve_votes + 1 >= required_approvals
            THEN statement_timestamp()
    END,
    rejection_reason = CASE
        WHEN NOT :approves::boolean AND reject_votes + 1 >= required_rejections THEN :reason::text
    END,
    decided_at = CASE
        WHEN :approves::boolean AND approve_votes + 1 >= required_approvals
            THEN statement_timestamp()
        WHEN NOT :approves::boolean AND reject_votes + 1 >= required_rejections
            THEN statement_timestamp()
    END
WHERE
    approval_id = :approval_id
    AND status = 'pending'
    AND expires_at > statement_timestamp()
    AND (allow_self_approval OR requested_by IS NULL OR requested_by <> :voter_id::text);

-- name: insert_vote(approval_id, voter_id, approves, reason)*!
-- Keep a vote on an approval, unless there is none or this voter has voted on it already.
INSERT INTO governance_votes (approval_id, voter_id, approves, reason, voted_at)
SELECT
    a.approval_id,
    :voter_id::text AS voter_id,
    :approves::boolean AS approves,
    :reason::text AS reason,
    statement_timestamp() AS voted_at
FROM governance_approvals AS a
WHERE a.approval_id = :approval_id
ON CONFLICT (approval_id, voter_id) DO NOTHING;

-- name: decide_approval(approval_id, status, rejection_reason)!
-- Decide an approval without a vote: that counts as one vote where one is enough, and as none elsewhere.
UPDATE governance_approvals
SET
    status = :status,
    approve_votes = approve_votes + CASE WHEN :status::text = 'approved' THEN 1 ELSE 0 END,
    reject_votes = reject_votes + CASE WHEN :status::text = 'rejected' THEN 1 ELSE 0 END,
    rejection_reason = :rejection_reason,
    decided_at = statement_timestamp()
WHERE
    approval_id = :approval_id
    AND status = 'pending'
    AND CASE :status::text
        WHEN 'approved'
            THEN
                approve_votes + 1 >= required_approvals
                AND allow_self_approval
                AND expires_at > statement_timestamp()
        WHEN 'rejected'
            THEN
                reject_votes + 1 >= required_rejections
                AND allow_self_approval
                AND expires_at > statement_timestamp()
        WHEN 'expired' THEN expires_at <= statement_timestamp()
        ELSE TRUE
    END;

-- name: expire_approvals(row_limit)!
-- Let approvals expire whose time is over, the oldest first.
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: governance_approvals rows in order of expires_at, approval_id, skip locked
UPDATE governance_approvals
SET
    status = 'expired',
    decided_at = statement_timestamp()
WHERE
    approval_id = any(
        array(
            SELECT l.approval_id
            FROM (
                SELECT a.approval_id
                FROM governance_approvals AS a
                WHERE
                    a.status = 'pending'
                    AND a.expires_at <= statement_timestamp()
                ORDER BY a.expires_at, a.approval_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: get_approval(approval_id)^
-- Return one approval.
SELECT
    -- columns: Approval
    a.approval_id,
    a.title,
    a.description,
    a.risk_level,
    a.status,
    a.requested_by,
    a.requested_at,
    a.changes,
    a.timeout_seconds,
    a.expires_at,
    a.required_approvals,
    a.required_rejections,
    a.allow_self_approval,
    a.approve_votes,
    a.reject_votes,
    a.approved_by,
    a.approved_at,
    a.decided_at,
    a.rejection_reason,
    a.org_id,
    a.workspace_id,
    a.metadata
FROM governance_approvals AS a
WHERE a.approval_id = :approval_id;

-- name: list_votes(approval_id)
-- List the votes on an approval, in their order.
SELECT
    -- columns: ApprovalVote
    v.approval_id,
    v.voter_id,
    v.approves,
    v.reason,
    v.voted_at
FROM governance_votes AS v
WHERE v.approval_id = :approval_id
ORDER BY v.voted_at, v.voter_id;

-- name: list_approvals(risk_level, after_timestamp, after_id, row_limit)
-- List approvals, newest first, from a place on, of one risk or of all.
-- plan: filtered_walk allowed because there are four risks, and approvals of each
SELECT
    -- columns: Approval
    a.approval_id,
    a.title,
    a.description,
    a.risk_level,
    a.status,
    a.requested_by,
    a.requested_at,
    a.changes,
    a.timeout_seconds,
    a.expires_at,
    a.required_approvals,
    a.required_rejections,
    a.allow_self_approval,
    a.approve_votes,
    a.reject_votes,
    a.approved_by,
    a.approved_at,
    a.decided_at,
    a.rejection_reason,
    a.org_id,
    a.workspace_id,
    a.metadata
FROM governance_approvals AS a
WHERE
    (a.requested_at, a.approval_id) < (:after_timestamp, :after_id)
    AND (:risk_level::text IS NULL OR a.risk_level = :risk_level::text)
ORDER BY a.requested_at DESC, a.approval_id DESC
LIMIT :row_limit;

-- name: list_approvals_in_status(status, risk_level, after_timestamp, after_id, row_limit)
-- List approvals in a status, newest first, from a place on, of one risk or of all.
SELECT
    -- columns: Approval
    a.approval_id,
    a.title,
    a.description,
    a.risk_level,
    a.status,
    a.requested_by,
    a.requested_at,
    a.changes,
    a.timeout_seconds,
    a.expires_at,
    a.required_approvals,
    a.required_rejections,
    a.allow_self_approval,
    a.approve_votes,
    a.reject_votes,
    a.approved_by,
    a.approved_at,
    a.decided_at,
    a.rejection_reason,
    a.org_id,
    a.workspace_id,
    a.metadata
FROM governance_approvals AS a
WHERE
    (a.requested_at, a.approval_id) < (:after_timestamp, :after_id)
    AND a.status = :status
    AND (:risk_level::text IS NULL OR a.risk_level = :risk_level::text)
ORDER BY a.requested_at DESC, a.approval_id DESC
LIMIT :row_limit;

-- name: list_org_approvals(org_id, risk_level, after_timestamp, after_id, row_limit)
-- List approvals of an organization, newest first, from a place on, of one risk or of all.
SELECT
    -- columns: Approval
    a.approval_id,
    a.title,
    a.description,
    a.risk_level,
    a.status,
    a.requested_by,
    a.requested_at,
    a.changes,
    a.timeout_seconds,
    a.expires_at,
    a.required_approvals,
    a.required_rejections,
    a.allow_self_approval,
    a.approve_votes,
    a.reject_votes,
    a.approved_by,
    a.approved_at,
    a.decided_at,
    a.rejection_reason,
    a.org_id,
    a.workspace_id,
    a.metadata
FROM governance_approvals AS a
WHERE
    (a.requested_at, a.approval_id) < (:after_timestamp, :after_id)
    AND a.org_id = :org_id
    AND (:risk_level::text IS NULL OR a.risk_level = :risk_level::text)
ORDER BY a.requested_at DESC, a.approval_id DESC
LIMIT :row_limit;

-- name: list_org_approvals_in_status(org_id, status, risk_level, after_timestamp, after_id, row_limit)
-- List approvals of an organization in a status, newest first, from a place on, of one risk or of all.
SELECT
    -- columns: Approval
    a.approval_id,
    a.title,
    a.description,
    a.risk_level,
    a.status,
    a.requested_by,
    a.requested_at,
    a.changes,
    a.timeout_seconds,
    a.expires_at,
    a.required_approvals,
    a.required_rejections,
    a.allow_self_approval,
    a.approve_votes,
    a.reject_votes,
    a.approved_by,
    a.approved_at,
    a.decided_at,
    a.rejection_reason,
    a.org_id,
    a.workspace_id,
    a.metadata
FROM governance_approvals AS a
WHERE
    (a.requested_at, a.approval_id) < (:after_timestamp, :after_id)
    AND a.org_id = :org_id
    AND a.status = :status
    AND (:risk_level::text IS NULL OR a.risk_level = :risk_level::text)
ORDER BY a.requested_at DESC, a.approval_id DESC
LIMIT :row_limit;

-- name: delete_approval(approval_id)!
-- Delete an approval with its votes.
DELETE FROM governance_approvals
WHERE approval_id = :approval_id;

-- name: purge_approvals(age_seconds, row_limit)!
-- Delete approvals that were decided so long ago, the oldest first.
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: governance_approvals rows in order of coalesce(decided_at, requested_at), approval_id, skip locked
DELETE FROM governance_approvals
WHERE
    approval_id = any(
        array(
            SELECT l.approval_id
            FROM (
                SELECT a.approval_id
                FROM governance_approvals AS a
                WHERE
                    a.status <> 'pending'
                    AND coalesce(a.decided_at, a.requested_at)
                    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
                ORDER BY coalesce(a.decided_at, a.requested_at), a.approval_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: save_verification(verification_id, claim, claim_type, context, result, verified_by, confidence, proof_tree, org_id, workspace_id)!
-- Store a verification, or replace that of the same organization; it keeps its time.
INSERT INTO verification_records (
    verification_id,
    claim,
    claim_type,
    context,
    result,
    timestamp,
    verified_by,
    confidence,
    proof_tree,
    org_id,
    workspace_id
)
VALUES (
    :verification_id,
    :claim,
    :claim_type,
    :context,
    :result::jsonb,
    statement_timestamp(),
    :verified_by,
    :confidence,
    :proof_tree::jsonb,
    :org_id,
    :workspace_id
)
ON CONFLICT (verification_id) DO UPDATE
    SET
        claim = excluded.claim,
        claim_type = excluded.claim_type,
        context = excluded.context,
        result = excluded.result,
        verified_by = excluded.verified_by,
        confidence = excluded.confidence,
        proof_tree = excluded.proof_tree,
        workspace_id = excluded.workspace_id
    WHERE verification_records.org_id IS NOT DISTINCT FROM excluded.org_id;

-- name: get_verification(verification_id)^
-- Return one verification.
SELECT
    -- columns: Verification
    v.verification_id,
    v.claim,
    v.claim_type,
    v.context,
    v.result,
    v.timestamp,
    v.verified_by,
    v.confidence,
    v.proof_tree,
    v.org_id,
    v.workspace_id
FROM verification_records AS v
WHERE v.verification_id = :verification_id;

-- name: list_verifications(after_timestamp, after_id, row_limit)
-- List verifications, newest first, from a place on.
SELECT
    -- columns: Verification
    v.verification_id,
    v.claim,
    v.claim_type,
    v.context,
    v.result,
    v.timestamp,
    v.verified_by,
    v.confidence,
    v.proof_tree,
    v.org_id,
    v.workspace_id
FROM verification_records AS v
WHERE
    (v.timestamp, v.verification_id) < (:after_timestamp, :after_id)
ORDER BY v.timestamp DESC, v.verification_id DESC
LIMIT :row_limit;

-- name: list_verifications_of_type(claim_type, after_timestamp, after_id, row_limit)
-- List verifications of a kind of claim, newest first, from a place on.
SELECT
    -- columns: Verification
    v.verification_id,
    v.claim,
    v.claim_type,
    v.context,
    v.result,
    v.timestamp,
    v.verified_by,
    v.confidence,
    v.proof_tree,
    v.org_id,
    v.workspace_id
FROM verification_records AS v
WHERE
    (v.timestamp, v.verification_id) < (:after_timestamp, :after_id)
    AND v.claim_type = :claim_type
ORDER BY v.timestamp DESC, v.verification_id DESC
LIMIT :row_limit;

-- name: list_org_verifications(org_id, claim_type, after_timestamp, after_id, row_limit)
-- List verifications of an organization, newest first, from a place on, of one kind of claim or of all.
SELECT
    -- columns: Verification
    v.verification_id,
    v.claim,
    v.claim_type,
    v.context,
    v.result,
    v.timestamp,
    v.verified_by,
    v.confidence,
    v.proof_tree,
    v.org_id,
    v.workspace_id
FROM verification_records AS v
WHERE
    (v.timestamp, v.verification_id) < (:after_timestamp, :after_id)
    AND v.org_id = :org_id
    AND (:claim_type::text IS NULL OR v.claim_type = :claim_type::text)
ORDER BY v.timestamp DESC, v.verification_id DESC
LIMIT :row_limit;

-- name: purge_verifications(age_seconds, row_limit)!
-- Delete verifications that are so old, the oldest first.
-- locks: verification_records rows in order of timestamp, verification_id, skip locked
DELETE FROM verification_records
WHERE
    verification_id = any(
        array(
            SELECT l.verification_id
            FROM (
                SELECT r.verification_id
                FROM verification_records AS r
                WHERE
                    r.timestamp
                    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
                ORDER BY r.timestamp, r.verification_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: save_decision(decision_id, debate_id, conclusion, consensus_reached, confidence, evidence_chain, vote_pivots, belief_changes, agents_involved, org_id, workspace_id, metadata)!
-- Store a decision, or replace that of the same organization; it keeps its time.
INSERT INTO decision_records (
    decision_id,
    debate_id,
    conclusion,
    consensus_reached,
    confidence,
    timestamp,
    evidence_chain,
    vote_pivots,
    belief_changes,
    agents_involved,
    org_id,
    workspace_id,
    metadata
)
VALUES (
    :decision_id,
    :debate_id,
    :conclusion,
    :consensus_reached,
    :confidence,
    statement_timestamp(),
    :evidence_chain::jsonb,
    :vote_pivots::jsonb,
    :belief_changes::jsonb,
    :agents_involved::jsonb,
    :org_id,
    :workspace_id,
    :metadata::jsonb
)
ON CONFLICT (decision_id) DO UPDATE
    SET
        debate_id = excluded.debate_id,
        conclusion = excluded.conclusion,
        consensus_reached = excluded.consensus_reached,
        confidence = excluded.confidence,
        evidence_chain = excluded.evidence_chain,
        vote_pivots = excluded.vote_pivots,
        belief_changes = excluded.belief_changes,
        agents_involved = excluded.agents_involved,
        workspace_id = excluded.workspace_id,
        metadata = excluded.metadata
    WHERE decision_records.org_id IS NOT DISTINCT FROM excluded.org_id;

-- name: get_decision(decision_id)^
-- Return one decision.
SELECT
    -- columns: DecisionRecord
    d.decision_id,
    d.debate_id,
    d.conclusion,
    d.consensus_reached,
    d.confidence,
    d.timestamp,
    d.evidence_chain,
    d.vote_pivots,
    d.belief_changes,
    d.agents_involved,
    d.org_id,
    d.workspace_id,
    d.metadata
FROM decision_records AS d
WHERE d.decision_id = :decision_id;

-- name: list_decisions(after_timestamp, after_id, row_limit)
-- List decisions, newest first, from a place on.
SELECT
    -- columns: DecisionRecord
    d.decision_id,
    d.debate_id,
    d.conclusion,
    d.consensus_reached,
    d.confidence,
    d.timestamp,
    d.evidence_chain,
    d.vote_pivots,
    d.belief_changes,
    d.agents_involved,
    d.org_id,
    d.workspace_id,
    d.metadata
FROM decision_records AS d
WHERE
    (d.timestamp, d.decision_id) < (:after_timestamp, :after_id)
ORDER BY d.timestamp DESC, d.decision_id DESC
LIMIT :row_limit;

-- name: list_agreed_decisions(after_timestamp, after_id, row_limit)
-- List decisions in consensus, newest first, from a place on.
SELECT
    -- columns: DecisionRecord
    d.decision_id,
    d.debate_id,
    d.conclusion,
    d.consensus_reached,
    d.confidence,
    d.timestamp,
    d.evidence_chain,
    d.vote_pivots,
    d.belief_changes,
    d.agents_involved,
    d.org_id,
    d.workspace_id,
    d.metadata
FROM decision_records AS d
WHERE
    (d.timestamp, d.decision_id) < (:after_timestamp, :after_id)
    AND d.consensus_reached
ORDER BY d.timestamp DESC, d.decision_id DESC
LIMIT :row_limit;

-- name: list_org_decisions(org_id, after_timestamp, after_id, row_limit)
-- List decisions of an organization, newest first, from a place on.
SELECT
    -- columns: DecisionRecord
    d.decision_id,
    d.debate_id,
    d.conclusion,
    d.consensus_reached,
    d.confidence,
    d.timestamp,
    d.evidence_chain,
    d.vote_pivots,
    d.belief_changes,
    d.agents_involved,
    d.org_id,
    d.workspace_id,
    d.metadata
FROM decision_records AS d
WHERE
    (d.timestamp, d.decision_id) < (:after_timestamp, :after_id)
    AND d.org_id = :org_id
ORDER BY d.timestamp DESC, d.decision_id DESC
LIMIT :row_limit;

-- name: list_org_agreed_decisions(org_id, after_timestamp, after_id, row_limit)
-- List decisions of an organization in consensus, newest first, from a place on.
SELECT
    -- columns: DecisionRecord
    d.decision_id,
    d.debate_id,
    d.conclusion,
    d.consensus_reached,
    d.confidence,
    d.timestamp,
    d.evidence_chain,
    d.vote_pivots,
    d.belief_changes,
    d.agents_involved,
    d.org_id,
    d.workspace_id,
    d.metadata
FROM decision_records AS d
WHERE
    (d.timestamp, d.decision_id) < (:after_timestamp, :after_id)
    AND d.org_id = :org_id
    AND d.consensus_reached
ORDER BY d.timestamp DESC, d.decision_id DESC
LIMIT :row_limit;

-- name: list_debate_decisions(debate_id, after_timestamp, after_id, row_limit)
-- List the decisions of a debate, newest first, from a place on.
SELECT
    -- columns: DecisionRecord
    d.decision_id,
    d.debate_id,
    d.conclusion,
    d.consensus_reached,
    d.confidence,
    d.timestamp,
    d.evidence_chain,
    d.vote_pivots,
    d.belief_changes,
    d.agents_involved,
    d.org_id,
    d.workspace_id,
    d.metadata
FROM decision_records AS d
WHERE
    (d.timestamp, d.decision_id) < (:after_timestamp, :after_id)
    AND d.debate_id = :debate_id
ORDER BY d.timestamp DESC, d.decision_id DESC
LIMIT :row_limit;

-- name: purge_decisions(age_seconds, row_limit)!
-- Delete decisions that are so old, the oldest first.
-- locks: decision_records rows in order of timestamp, decision_id, skip locked
DELETE FROM decision_records
WHERE
    decision_id = any(
        array(
            SELECT l.decision_id
            FROM (
                SELECT r.decision_id
                FROM decision_records AS r
                WHERE
                    r.timestamp
                    < statement_timestamp() - make_interval(secs => :age_seconds::double precision)
                ORDER BY r.timestamp, r.decision_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: insert_rollback_point(rollback_id, description, git_commit, file_backups, database_snapshot, metadata, created_by, org_id, workspace_id)!
-- Store a point to go back to, unless there is one of this id.
INSERT INTO rollback_points (
    rollback_id,
    description,
    git_commit,
    file_backups,
    database_snapshot,
    metadata,
    created_by,
    org_id,
    workspace_id,
    created_at
)
VALUES (
    :rollback_id,
    :description,
    :git_commit,
    :file_backups::jsonb,
    :database_snapshot,
    :metadata::jsonb,
    :created_by,
    :org_id,
    :workspace_id,
    statement_timestamp()
)
ON CONFLICT (rollback_id) DO NOTHING;

-- name: get_rollback_point(rollback_id)^
-- Return one point to go back to.
SELECT
    -- columns: RollbackPoint
    r.rollback_id,
    r.description,
    r.git_commit,
    r.file_backups,
    r.database_snapshot,
    r.metadata,
    r.created_by,
    r.org_id,
    r.workspace_id,
    r.created_at
FROM rollback_points AS r
WHERE r.rollback_id = :rollback_id;

-- name: list_rollback_points(after_timestamp, after_id, row_limit)
-- List points to go back to, newest first, from a place on.
SELECT
    -- columns: RollbackPoint
    r.rollback_id,
    r.description,
    r.git_commit,
    r.file_backups,
    r.database_snapshot,
    r.metadata,
    r.created_by,
    r.org_id,
    r.workspace_id,
    r.created_at
FROM rollback_points AS r
WHERE
    (r.created_at, r.rollback_id) < (:after_timestamp, :after_id)
ORDER BY r.created_at DESC, r.rollback_id DESC
LIMIT :row_limit;

-- name: list_org_rollback_points(org_id, after_timestamp, after_id, row_limit)
-- List points to go back to of an organization, newest first, from a place on.
SELECT
    -- columns: RollbackPoint
    r.rollback_id,
    r.description,
    r.git_commit,
    r.file_backups,
    r.database_snapshot,
    r.metadata,
    r.created_by,
    r.org_id,
    r.workspace_id,
    r.created_at
FROM rollback_points AS r
WHERE
    (r.created_at, r.rollback_id) < (:after_timestamp, :after_id)
    AND r.org_id = :org_id
ORDER BY r.created_at DESC, r.rollback_id DESC
LIMIT :row_limit;

-- name: delete_rollback_point(rollback_id)!
-- Delete a point to go back to.
DELETE FROM rollback_points
WHERE rollback_id = :rollback_id;

-- name: prune_rollback_points(kept)!
-- Delete all points to go back to but the newest.
DELETE FROM rollback_points
WHERE
    rollback_id = any(
        array(
            SELECT l.rollback_id
            FROM (
                SELECT r.rollback_id
                FROM rollback_points AS r
                ORDER BY r.created_at DESC, r.rollback_id DESC
                OFFSET :kept
            ) AS l
        )
    );

-- name: prune_org_rollback_points(org_id, kept)!
-- Delete all points to go back to of an organization but the newest.
DELETE FROM rollback_points
WHERE
    rollback_id = any(
        array(
            SELECT l.rollback_id
            FROM (
                SELECT r.rollback_id
                FROM rollback_points AS r
                WHERE r.org_id = :org_id
                ORDER BY r.created_at DESC, r.rollback_id DESC
                OFFSET :kept
            ) AS l
        )
    );

-- name: save_request(request_id, workflow_id, step_id, title, description, status, request_data, response_data, requester_id, responder_id, priority, workspace_id, tags, extra, expires_at, responded_at, created_at, updated_at)!
-- Store a request, or replace one that waits, or that is answered in the same way; its creation stays.
INSERT INTO approval_requests (
    request_id,
    workflow_id,
    step_id,
    title,
    description,
    status,
    request_data,
    response_data,
    requester_id,
    responder_id,
    priority,
    workspace_id,
    tags,
    extra,
    expires_at,
    responded_at,
    created_at,
    updated_at
)
VALUES (
    :request_id,
    :workflow_id,
    :step_id,
    :title,
    :description,
    :status,
    :request_data::jsonb,
    :response_data::jsonb,
    :requester_id,
    :responder_id,
    :priority,
    :workspace_id,
    :tags::jsonb,
    :extra::jsonb,
    :expires_at,
    :responded_at,
    :created_at,
    :updated_at
)
ON CONFLICT (request_id) DO UPDATE
    SET
        workflow_id = excluded.workflow_id,
        step_id = excluded.step_id,
        title = excluded.title,
        description = excluded.description,
        status = excluded.status,
        request_data = excluded.request_data,
        response_data = excluded.response_data,
        requester_id = excluded.requester_id,
        responder_id = excluded.responder_id,
        priority = excluded.priority,
        workspace_id = excluded.workspace_id,
        tags = excluded.tags,
        extra = excluded.extra,
        expires_at = excluded.expires_at,
        responded_at = excluded.responded_at,
        updated_at = excluded.updated_at
    WHERE approval_requests.status IN ('pending', excluded.status);

-- name: respond_request(request_id, status, responder_id, response_data)!
-- Answer a request that waits and has not expired.
UPDATE approval_requests
SET
    status = :status,
    responder_id = :responder_id,
    response_data = :response_data::jsonb,
    responded_at = statement_timestamp(),
    updated_at = statement_timestamp()
WHERE
    request_id = :request_id
    AND status = 'pending'
    AND (expires_at IS NULL OR expires_at > statement_timestamp());

-- name: expire_requests(row_limit)!
-- Let requests expire whose time is over, the oldest first.
-- plan: filtered_walk allowed because the partial index holds no other rows
-- locks: approval_requests rows in order of expires_at, request_id, skip locked
UPDATE approval_requests
SET
    status = 'expired',
    updated_at = statement_timestamp()
WHERE
    request_id = any(
        array(
            SELECT l.request_id
            FROM (
                SELECT r.request_id
                FROM approval_requests AS r
                WHERE
                    r.status = 'pending'
                    AND r.expires_at <= statement_timestamp()
                ORDER BY r.expires_at, r.request_id
                LIMIT :row_limit
                FOR UPDATE SKIP LOCKED
            ) AS l
        )
    );

-- name: get_request(request_id)^
-- Return one request.
SELECT
    -- columns: ApprovalRequest
    r.request_id,
    r.workflow_id,
    r.step_id,
    r.title,
    r.description,
    r.status,
    r.request_data,
    r.response_data,
    r.requester_id,
    r.responder_id,
    r.priority,
    r.workspace_id,
    r.tags,
    r.extra,
    r.expires_at,
    r.responded_at,
    r.created_at,
    r.updated_at
FROM approval_requests AS r
WHERE r.request_id = :request_id;

-- name: delete_request(request_id)!
-- Delete a request.
DELETE FROM approval_requests
WHERE request_id = :request_id;

-- name: count_requests()$
-- Count the requests.
-- plan: seq_scan allowed because a count of all rows looks at all rows
SELECT count(*) AS total
FROM approval_requests;

-- name: list_requests(after_timestamp, after_id, row_limit)
-- List requests, newest first, from a place on.
SELECT
    -- columns: ApprovalRequest
    r.request_id,
    r.workflow_id,
    r.step_id,
    r.title,
    r.description,
    r.status,
    r.request_data,
    r.response_data,
    r.requester_id,
    r.responder_id,
    r.priority,
    r.workspace_id,
    r.tags,
    r.extra,
    r.expires_at,
    r.responded_at,
    r.created_at,
    r.updated_at
FROM approval_requests AS r
WHERE
    (r.created_at, r.request_id) < (:after_timestamp, :after_id)
ORDER BY r.created_at DESC, r.request_id DESC
LIMIT :row_limit;

-- name: list_workflow_requests(workflow_id, after_timestamp, after_id, row_limit)
-- List the requests of a workflow, newest first, from a place on.
SELECT
    -- columns: ApprovalRequest
    r.request_id,
    r.workflow_id,
    r.step_id,
    r.title,
    r.description,
    r.status,
    r.request_data,
    r.response_data,
    r.requester_id,
    r.responder_id,
    r.priority,
    r.workspace_id,
    r.tags,
    r.extra,
    r.expires_at,
    r.responded_at,
    r.created_at,
    r.updated_at
FROM approval_requests AS r
WHERE
    (r.created_at, r.request_id) < (:after_timestamp, :after_id)
    AND r.workflow_id = :workflow_id
ORDER BY r.created_at DESC, r.request_id DESC
LIMIT :row_limit;

-- name: list_workspace_requests(workspace_id, after_timestamp, after_id, row_limit)
-- List the requests of a workspace, newest first, from a place on.
SELECT
    -- columns: ApprovalRequest
    r.request_id,
    r.workflow_id,
    r.step_id,
    r.title,
    r.description,
    r.status,
    r.request_data,
    r.response_data,
    r.requester_id,
    r.responder_id,
    r.priority,
    r.workspace_id,
    r.tags,
    r.extra,
    r.expires_at,
    r.responded_at,
    r.created_at,
    r.updated_at
FROM approval_requests AS r
WHERE
    (r.created_at, r.request_id) < (:after_timestamp, :after_id)
    AND r.workspace_id = :workspace_id
ORDER BY r.created_at DESC, r.request_id DESC
LIMIT :row_limit;

-- name: list_requests_in_status(status, after_priority, after_timestamp, after_id, row_limit)
-- List requests in a status, the most urgent first and of these the newest, from a place on.
SELECT
    -- columns: ApprovalRequest
    r.request_id,
    r.workflow_id,
    r.step_id,
    r.title,
    r.description,
    r.status,
    r.request_data,
    r.response_data,
    r.requester_id,
    r.responder_id,
    r.priority,
    r.workspace_id,
    r.tags,
    r.extra,
    r.expires_at,
    r.responded_at,
    r.created_at,
    r.updated_at
FROM approval_requests AS r
WHERE
    r.status = :status
    AND r.priority >= :after_priority
    AND (
        r.priority > :after_priority
        OR (r.created_at, r.request_id) < (:after_timestamp, :after_id)
    )
ORDER BY r.priority ASC, r.created_at DESC, r.request_id DESC
LIMIT :row_limit;

-- name: list_expired_requests(after_timestamp, after_id, row_limit)
-- List requests that still wait and whose time is over, the oldest first, from a place on.
SELECT
    -- columns: ApprovalRequest
    r.request_id,
    r.workflow_id,
    r.step_id,
    r.title,
    r.description,
    r.status,
    r.request_data,
    r.response_data,
    r.requester_id,
    r.responder_id,
    r.priority,
    r.workspace_id,
    r.tags,
    r.extra,
    r.expires_at,
    r.responded_at,
    r.created_at,
    r.updated_at
FROM approval_requests AS r
WHERE
    r.status = 'pending'
    AND r.expires_at <= statement_timestamp()
    AND (r.expires_at, r.request_id) > (:after_timestamp, :after_id)
ORDER BY r.expires_at, r.request_id
LIMIT :row_limit;
